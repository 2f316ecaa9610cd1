#include "apps/cli/copy_same.hpp"

namespace troupe::apps {
namespace {

using capnp::DynamicEnum;
using capnp::DynamicList;
using capnp::DynamicStruct;
using capnp::DynamicValue;
using capnp::StructSchema;
using Which = capnp::schema::Type::Which;

/// Returns the width of an unsigned number that can be widened, or 0 for any other type.
int unsigned_bits(Which type) {
  return type == Which::UINT8    ? 8
         : type == Which::UINT16 ? 16
         : type == Which::UINT32 ? 32
         : type == Which::UINT64 ? 64
                                 : 0;
}

bool same(capnp::Type from, capnp::Type to) {
  if (const int bits = unsigned_bits(from.which()); bits > 0) return bits <= unsigned_bits(to.which());
  if (from.which() != to.which()) return false;
  return from.which() != Which::LIST || same(from.asList().getElementType(), to.asList().getElementType());
}

/// Returns the enumerant with the same name; an unknown number stays a number.
DynamicEnum enumerant(const DynamicEnum& from, capnp::EnumSchema to) {
  KJ_IF_MAYBE (named, from.getEnumerant()) {
    KJ_IF_MAYBE (there, to.findEnumerantByName(named->getProto().getName())) return DynamicEnum(*there);
  }
  return DynamicEnum(to, UINT16_MAX);
}

void copy_list(const DynamicList::Reader& from, DynamicList::Builder to) {
  const capnp::Type element = to.getSchema().getElementType();
  for (unsigned i = 0; i < to.size(); ++i) {
    if (element.isStruct()) copy_same(from[i].as<DynamicStruct>(), to[i].as<DynamicStruct>());
    else if (element.isEnum()) to.set(i, enumerant(from[i].as<DynamicEnum>(), element.asEnum()));
    else to.set(i, from[i]);
  }
}

void copy_field(const DynamicStruct::Reader& from, StructSchema::Field field, DynamicStruct::Builder to,
                StructSchema::Field there) {
  const capnp::Type type = there.getType();
  switch (type.which()) {
    case Which::STRUCT: return copy_same(from.get(field).as<DynamicStruct>(), to.init(there).as<DynamicStruct>());
    case Which::LIST: {
      const auto list = from.get(field).as<DynamicList>();
      return copy_list(list, to.init(there, list.size()).as<DynamicList>());
    }
    case Which::ENUM: return to.set(there, enumerant(from.get(field).as<DynamicEnum>(), type.asEnum()));
    case Which::TEXT:
      if (from.get(field).as<capnp::Text>().size() > 0) to.set(there, from.get(field));
      return;
    default: return to.set(there, from.get(field));
  }
}

}  // namespace

void copy_same(const DynamicStruct::Reader& from, DynamicStruct::Builder to) {
  for (const StructSchema::Field there : to.getSchema().getFields()) {
    KJ_IF_MAYBE (field, from.getSchema().findFieldByName(there.getProto().getName())) {
      // A member of a union counts only while it is set.
      if (!same(field->getType(), there.getType()) || !from.has(*field, capnp::HasMode::NON_NULL)) continue;
      copy_field(from, *field, to, there);
    }
  }
}

std::string enumerant_text(DynamicEnum value) {
  KJ_IF_MAYBE (named, value.getEnumerant()) return named->getProto().getName().cStr();
  return "unknown";
}

}  // namespace troupe::apps
