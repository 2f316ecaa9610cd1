#pragma once
// Schema nodes that no compiler wrote: types that this program was never told of, and hostile ones; and messages as
// the bytes that a decoder is given.
#include <capnp/message.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/bytes.hpp"

namespace troupe::observe {

/// The root of a message in one segment, without a segment table.
inline base::Bytes one_segment(capnp::MessageBuilder& message) {
  const auto bytes = message.getSegmentsForOutput()[0].asBytes();
  return {bytes.begin(), bytes.end()};
}

/// A message as a flat array with its segment table.
inline base::Bytes flat(capnp::MessageBuilder& message) {
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  return {bytes.begin(), bytes.end()};
}

/// A message of type `T`, filled by `fill(T::Builder)`.
template <class T, class Fill>
base::Bytes flat_message(Fill fill) {
  capnp::MallocMessageBuilder builder;
  fill(builder.initRoot<T>());
  return flat(builder);
}

struct FieldByHand {
  std::string name;
  capnp::schema::Type::Which type;
  std::uint32_t offset = 0;
  std::uint16_t member = capnp::schema::Field::NO_DISCRIMINANT;
  std::uint64_t of = 0;  // of an enum or struct; of a list: its elements' struct, or zero for a list of UInt16
};

/// Sets the type of a value, and the default value of a type of that kind, zero.
inline void set_type(capnp::schema::Field::Slot::Builder slot, const FieldByHand& field) {
  using capnp::schema::Type;
  auto type = slot.initType();
  auto value = slot.initDefaultValue();
  switch (field.type) {
    case Type::VOID: type.setVoid(), value.setVoid(); return;
    case Type::BOOL: type.setBool(), value.setBool(false); return;
    case Type::INT16: type.setInt16(), value.setInt16(0); return;
    case Type::UINT32: type.setUint32(), value.setUint32(0); return;
    case Type::UINT64: type.setUint64(), value.setUint64(0); return;
    case Type::FLOAT64: type.setFloat64(), value.setFloat64(0); return;
    case Type::TEXT: type.setText(), value.setText(""); return;
    case Type::DATA: type.setData(), value.setData({}); return;
    case Type::ENUM: type.initEnum().setTypeId(field.of), value.setEnum(0); return;
    case Type::STRUCT: type.initStruct().setTypeId(field.of), value.initStruct(); return;
    case Type::INTERFACE: type.initInterface().setTypeId(field.of), value.setInterface(); return;
    case Type::ANY_POINTER: type.initAnyPointer().initUnconstrained(), value.initAnyPointer(); return;
    case Type::LIST: {
      auto element = type.initList().initElementType();
      if (field.of == 0) element.setUint16();
      else element.initStruct().setTypeId(field.of);
      value.initList();
      return;
    }
    default: break;
  }
}

/// A struct; `spoil(schema::Node::Builder)` may then change any of it.
template <class Spoil>
base::Bytes struct_node(std::uint64_t id, std::uint16_t words, std::uint16_t pointers,
                        const std::vector<FieldByHand>& fields, Spoil spoil) {
  capnp::MallocMessageBuilder message(1 << 16);
  auto node = message.initRoot<capnp::schema::Node>();
  node.setId(id);
  node.setDisplayName("by hand");
  auto structure = node.initStruct();
  structure.setDataWordCount(words);
  structure.setPointerCount(pointers);
  auto copies = structure.initFields(static_cast<unsigned>(fields.size()));
  std::uint16_t members = 0;
  for (unsigned i = 0; i < fields.size(); ++i) {
    copies[i].setName({fields[i].name.c_str(), fields[i].name.size()});
    copies[i].setCodeOrder(static_cast<std::uint16_t>(i));
    copies[i].setDiscriminantValue(fields[i].member);
    if (fields[i].member != capnp::schema::Field::NO_DISCRIMINANT) ++members;
    auto slot = copies[i].initSlot();
    slot.setOffset(fields[i].offset);
    set_type(slot, fields[i]);
  }
  structure.setDiscriminantCount(members);
  spoil(node);
  return one_segment(message);
}

inline base::Bytes struct_node(std::uint64_t id, std::uint16_t words, std::uint16_t pointers,
                               const std::vector<FieldByHand>& fields) {
  return struct_node(id, words, pointers, fields, [](capnp::schema::Node::Builder) {});
}

inline base::Bytes enum_node(std::uint64_t id, const std::vector<std::string>& names) {
  capnp::MallocMessageBuilder message(1 << 16);
  auto node = message.initRoot<capnp::schema::Node>();
  node.setId(id);
  auto enumerants = node.initEnum().initEnumerants(static_cast<unsigned>(names.size()));
  for (unsigned i = 0; i < names.size(); ++i) {
    enumerants[i].setName({names[i].c_str(), names[i].size()});
    enumerants[i].setCodeOrder(static_cast<std::uint16_t>(i));
  }
  return one_segment(message);
}

}  // namespace troupe::observe
