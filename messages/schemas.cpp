#include "messages/schemas.hpp"

#include <capnp/message.h>
#include <capnp/schema.capnp.h>

#include <algorithm>
#include <map>
#include <optional>

namespace troupe::messages {
namespace {

const SchemaInfo* find_schema(std::uint64_t id) {
  const auto schemas = all_schemas();
  const auto at = std::ranges::lower_bound(schemas, id, {}, &SchemaInfo::id);
  return at != schemas.end() && at->id == id ? &*at : nullptr;
}

/// The type that a field of this type reaches, if any.
std::optional<std::uint64_t> reached_by(capnp::schema::Type::Reader type) {
  while (type.isList()) type = type.getList().getElementType();
  if (type.isStruct()) return type.getStruct().getTypeId();
  if (type.isEnum()) return type.getEnum().getTypeId();
  return std::nullopt;
}

std::optional<std::uint64_t> reached_by(capnp::schema::Field::Reader field) {
  if (field.isGroup()) return field.getGroup().getTypeId();
  return reached_by(field.getSlot().getType());
}

}  // namespace

std::vector<const SchemaInfo*> schemas_of(std::uint64_t kind_id) {
  std::map<std::uint64_t, const SchemaInfo*> reached;
  std::vector<std::uint64_t> open{kind_id};
  while (!open.empty()) {
    const std::uint64_t id = open.back();
    open.pop_back();
    const SchemaInfo* const schema = find_schema(id);
    if (schema == nullptr || !reached.emplace(id, schema).second) continue;
    // Unchecked, because these bytes are the compiler's own.
    const auto node =
        capnp::readMessageUnchecked<capnp::schema::Node>(reinterpret_cast<const capnp::word*>(schema->node.data()));
    if (!node.isStruct()) continue;
    for (const auto field : node.getStruct().getFields()) {
      if (const auto next = reached_by(field)) open.push_back(*next);
    }
  }
  std::vector<const SchemaInfo*> schemas;
  for (const auto& [id, schema] : reached) schemas.push_back(schema);
  return schemas;
}

}  // namespace troupe::messages
