#include "runtime/observe/schema_copy.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <string_view>
#include <vector>

namespace troupe::observe {
namespace {

using capnp::schema::Node;
using capnp::schema::Type;
using SchemaField = capnp::schema::Field;
using SchemaValue = capnp::schema::Value;

using Copied = base::Result<void, std::string>;

bool is_latin_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_latin_digit(char c) { return c >= '0' && c <= '9'; }

/// The names of one type: unique identifiers. So the shown part of a schema is always plain text.
class Names {
 public:
  Copied add(capnp::Text::Reader name) {
    const std::string_view text(name.begin(), name.size());
    if (text.empty() || text.size() > kNameBytesMax || !is_latin_letter(text[0]) ||
        !std::ranges::all_of(text, [](char c) { return is_latin_letter(c) || is_latin_digit(c) || c == '_'; }))
      return std::string("a name is not an identifier of 1 to 100 bytes");
    if (!seen_.emplace(text).second) return "the name " + std::string(text) + " is a duplicate";
    return {};
  }

 private:
  std::set<std::string> seen_;
};

/// The order of members in the source. The loader needs each rank once, and a hostile node may give any rank.
template <class Members>
std::vector<std::uint16_t> ranks(const Members& members) {
  std::vector<std::uint16_t> code_orders, order(members.size()), ranks(members.size());
  for (const auto member : members) code_orders.push_back(member.getCodeOrder());
  std::iota(order.begin(), order.end(), std::uint16_t{0});
  std::ranges::stable_sort(order, {}, [&](std::uint16_t at) { return code_orders[at]; });
  for (std::size_t rank = 0; rank < order.size(); ++rank) ranks[order[rank]] = static_cast<std::uint16_t>(rank);
  return ranks;
}

/// Whether a list may have elements of that type. The library treats a list of arbitrary pointers as an error.
bool is_element(Type::Reader type) { return !type.isAnyPointer() && !type.isInterface(); }

Copied copy_type(Type::Reader type, Type::Builder copy, int lists_left) {
  switch (type.which()) {
    case Type::VOID: copy.setVoid(); return {};
    case Type::BOOL: copy.setBool(); return {};
    case Type::INT8: copy.setInt8(); return {};
    case Type::INT16: copy.setInt16(); return {};
    case Type::INT32: copy.setInt32(); return {};
    case Type::INT64: copy.setInt64(); return {};
    case Type::UINT8: copy.setUint8(); return {};
    case Type::UINT16: copy.setUint16(); return {};
    case Type::UINT32: copy.setUint32(); return {};
    case Type::UINT64: copy.setUint64(); return {};
    case Type::FLOAT32: copy.setFloat32(); return {};
    case Type::FLOAT64: copy.setFloat64(); return {};
    case Type::TEXT: copy.setText(); return {};
    case Type::DATA: copy.setData(); return {};
    case Type::ENUM: copy.initEnum().setTypeId(type.getEnum().getTypeId()); return {};
    case Type::STRUCT: copy.initStruct().setTypeId(type.getStruct().getTypeId()); return {};
    case Type::LIST: {
      if (lists_left == 0) return std::string("lists of lists are nested too deeply");
      const auto element = type.getList().getElementType();
      const auto copied = copy_type(element, copy.initList().initElementType(), lists_left - 1);
      // An inner list may have become AnyPointer; then this list becomes AnyPointer too.
      if (copied.ok() && !is_element(copy.asReader().getList().getElementType())) copy.initAnyPointer();
      return copied;
    }
    case Type::INTERFACE:
    case Type::ANY_POINTER: copy.initAnyPointer(); return {};
  }
  return std::string("a field has a type that is unknown here");
}

/// Where values of a type are stored: `bits` in the data section, or in the pointer section; neither for Void.
struct Location {
  std::uint64_t bits = 0;
  bool pointer = false;
};

/// Sets the default value, zero for pointers, and returns the type's location. A value of another type is an error.
base::Result<Location, std::string> copy_default(Type::Reader type, SchemaValue::Reader value,
                                                 SchemaValue::Builder copy) {
  using Placed = base::Result<Location, std::string>;
  const bool fits = static_cast<int>(value.which()) == static_cast<int>(type.which());  // both unions number alike
  const auto number = [&]<class T>(T (SchemaValue::Reader::*get)() const,
                                   void (SchemaValue::Builder::*set)(T)) -> Placed {
    if (!fits) return std::string("a default value does not have its field's type");
    (copy.*set)((value.*get)());
    return Location{std::is_same_v<T, bool> ? 1 : sizeof(T) * 8, false};
  };
  switch (type.which()) {
    case Type::BOOL: return number(&SchemaValue::Reader::getBool, &SchemaValue::Builder::setBool);
    case Type::INT8: return number(&SchemaValue::Reader::getInt8, &SchemaValue::Builder::setInt8);
    case Type::INT16: return number(&SchemaValue::Reader::getInt16, &SchemaValue::Builder::setInt16);
    case Type::INT32: return number(&SchemaValue::Reader::getInt32, &SchemaValue::Builder::setInt32);
    case Type::INT64: return number(&SchemaValue::Reader::getInt64, &SchemaValue::Builder::setInt64);
    case Type::UINT8: return number(&SchemaValue::Reader::getUint8, &SchemaValue::Builder::setUint8);
    case Type::UINT16: return number(&SchemaValue::Reader::getUint16, &SchemaValue::Builder::setUint16);
    case Type::UINT32: return number(&SchemaValue::Reader::getUint32, &SchemaValue::Builder::setUint32);
    case Type::UINT64: return number(&SchemaValue::Reader::getUint64, &SchemaValue::Builder::setUint64);
    case Type::FLOAT32: return number(&SchemaValue::Reader::getFloat32, &SchemaValue::Builder::setFloat32);
    case Type::FLOAT64: return number(&SchemaValue::Reader::getFloat64, &SchemaValue::Builder::setFloat64);
    case Type::ENUM: return number(&SchemaValue::Reader::getEnum, &SchemaValue::Builder::setEnum);
    case Type::VOID: copy.setVoid(); return Location{};
    case Type::TEXT: copy.setText(""); return Location{0, true};
    case Type::DATA: copy.setData({}); return Location{0, true};
    case Type::LIST: copy.initList(); return Location{0, true};
    case Type::STRUCT: copy.initStruct(); return Location{0, true};
    case Type::INTERFACE: copy.setInterface(); return Location{0, true};
    case Type::ANY_POINTER: copy.initAnyPointer(); return Location{0, true};
  }
  return std::string("a field has a type that is unknown here");
}

Copied copy_slot(SchemaField::Slot::Reader slot, SchemaField::Slot::Builder copy, Node::Struct::Reader node) {
  const auto copied = copy_type(slot.getType(), copy.initType(), kListDepthMax);
  if (!copied.ok()) return copied;
  // The copied type: a pointer that became AnyPointer needs a default value of AnyPointer.
  const auto place = copy_default(copy.asReader().getType(), slot.getDefaultValue(), copy.initDefaultValue());
  if (!place.ok()) return place.error();
  const std::uint64_t end = std::uint64_t{slot.getOffset()} + 1;
  const auto [bits, pointer] = place.value();
  if (bits * end > std::uint64_t{node.getDataWordCount()} * 64 || (pointer && end > node.getPointerCount()))
    return std::string("a field is outside of its struct");
  copy.setOffset(bits == 0 && !pointer ? 0 : slot.getOffset());
  return {};
}

/// Members of the union are numbered from zero without a gap, and the number in use is within the struct.
Copied check_union(Node::Struct::Reader node, capnp::List<SchemaField>::Reader fields) {
  std::set<std::uint16_t> members;
  for (const auto field : fields) {
    const std::uint16_t member = field.getDiscriminantValue();
    if (member != SchemaField::NO_DISCRIMINANT && !members.insert(member).second)
      return std::string("two members of a union have the same number");
  }
  const std::size_t count = node.getDiscriminantCount();
  if (count != members.size() || count == 1 || (count != 0 && *members.rbegin() != count - 1))
    return std::string("a union has a wrong number of members");
  if (count != 0 &&
      (std::uint64_t{node.getDiscriminantOffset()} + 1) * 16 > std::uint64_t{node.getDataWordCount()} * 64)
    return std::string("the number of a union's member is outside of its struct");
  return {};
}

Copied copy_struct(Node::Struct::Reader node, Node::Struct::Builder copy) {
  const auto fields = node.getFields();
  if (fields.size() > kMembersMax) return std::string("it has more than 1000 fields");
  if (const auto sound = check_union(node, fields); !sound.ok()) return sound;
  copy.setDataWordCount(node.getDataWordCount());
  copy.setPointerCount(node.getPointerCount());
  copy.setPreferredListEncoding(capnp::schema::ElementSize::INLINE_COMPOSITE);
  copy.setDiscriminantCount(node.getDiscriminantCount());
  copy.setDiscriminantOffset(node.getDiscriminantCount() == 0 ? 0 : node.getDiscriminantOffset());
  const auto rank = ranks(fields);
  Names names;
  auto copies = copy.initFields(fields.size());
  for (unsigned i = 0; i < fields.size(); ++i) {
    const SchemaField::Reader field = fields[i];
    SchemaField::Builder to = copies[i];
    const auto name = field.getName();
    if (const auto added = names.add(name); !added.ok()) return added;
    to.setName(name);
    to.setCodeOrder(rank[i]);
    to.setDiscriminantValue(field.getDiscriminantValue());
    switch (field.which()) {
      case SchemaField::SLOT:
        if (const auto copied = copy_slot(field.getSlot(), to.initSlot(), node); !copied.ok()) return copied;
        break;
      case SchemaField::GROUP: to.initGroup().setTypeId(field.getGroup().getTypeId()); break;
      default: return std::string("a field is neither a value nor a group");
    }
  }
  return {};
}

Copied copy_enum(Node::Enum::Reader node, Node::Enum::Builder copy) {
  const auto enumerants = node.getEnumerants();
  if (enumerants.size() > kMembersMax) return std::string("it has more than 1000 enumerants");
  const auto rank = ranks(enumerants);
  Names names;
  auto copies = copy.initEnumerants(enumerants.size());
  for (unsigned i = 0; i < enumerants.size(); ++i) {
    const auto name = enumerants[i].getName();
    if (const auto added = names.add(name); !added.ok()) return added;
    copies[i].setName(name);
    copies[i].setCodeOrder(rank[i]);
  }
  return {};
}

}  // namespace

Copied copy_schema(Node::Reader node, Node::Builder copy) {
  if (node.getId() == 0) return std::string("it has no type id");
  copy.setId(node.getId());
  switch (node.which()) {
    case Node::STRUCT: return copy_struct(node.getStruct(), copy.initStruct());
    case Node::ENUM: return copy_enum(node.getEnum(), copy.initEnum());
    default: return std::string("it is neither a struct nor an enum");
  }
}

}  // namespace troupe::observe
