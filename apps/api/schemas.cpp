#include "apps/api/schemas.hpp"

#include <capnp/message.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "messages/kinds.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps::api {
namespace {

using capnp::StructSchema;
using Which = capnp::schema::Type::Which;

constexpr std::string_view kFolder = "messages/output/";
constexpr std::string_view kList = "List(";

/// Returns "KvGot" of "messages/output/raft.capnp:KvGot".
std::string name_of(capnp::schema::Node::Reader node) {
  const std::string name = node.getDisplayName();
  return name.substr(name.find(':') + 1);
}

/// Returns "KvRow" of "List(KvRow)" and of "KvRow".
std::string struct_in(const std::string& type) {
  return type.starts_with(kList) ? type.substr(kList.size(), type.size() - kList.size() - 1) : type;
}

std::string plain(std::string_view type, bool nullable, const std::string& more = "") {
  const std::string quoted = base::quoted(type);
  return "{\"type\":" + (nullable ? '[' + quoted + ",\"null\"]" : quoted) + more + '}';
}
std::string array(const std::string& items) { return R"({"type":"array","items":)" + items + '}'; }
std::string any_of(const std::string& schemas) { return "{\"anyOf\":[" + schemas + "]}"; }

template <class Number>
std::string whole_number(bool nullable) {
  using Limits = std::numeric_limits<Number>;
  std::string more = ",\"minimum\":" + std::to_string(Limits::min());
  if (sizeof(Number) == 8)
    more = std::is_signed_v<Number> ? R"(,"format":"int64")" : R"(,"format":"uint64","minimum":0)";
  else more += ",\"maximum\":" + std::to_string(Limits::max());
  return plain("integer", nullable, more);
}

/// A value of a newer node may have no name here, and is a number.
std::string name_or_number(const capnp::EnumSchema& schema, bool nullable) {
  std::string names;
  for (const auto one : schema.getEnumerants())
    names += (names.empty() ? "" : ",") + base::quoted(one.getProto().getName().cStr());
  const std::string named = R"({"type":"string","enum":[)" + names + "]}";
  return any_of(named + R"(,{"type":"integer"})" + (nullable ? R"(,{"type":"null"})" : ""));
}

bool has_field(const StructSchema& schema, const char* name) { return schema.findFieldByName(name) != nullptr; }

// These four are the rules of apps/cli/json.cpp.
bool is_optional(const StructSchema& schema) {
  return schema.getFields().size() == 2 && schema.getUnionFields().size() == 2 && has_field(schema, "none") &&
         has_field(schema, "value");
}
bool is_object(const StructSchema& schema) { return schema.getFields().size() == 1 && has_field(schema, "entries"); }
bool may_be_null(const StructSchema::Field& field) {
  const auto type = field.getType();
  return field.getProto().getDiscriminantValue() != capnp::schema::Field::NO_DISCRIMINANT || type.isText() ||
         type.isData() || (type.isStruct() && !field.getProto().isGroup());
}
std::vector<StructSchema::Field> in_written_order(const StructSchema& schema) {
  std::vector<StructSchema::Field> fields;
  for (const auto field : schema.getFields()) fields.push_back(field);
  std::ranges::stable_sort(fields, {}, [](const auto& field) { return field.getProto().getCodeOrder(); });
  return fields;
}

}  // namespace

Schemas::Schemas() {
  const auto each = [](const auto& use) {
    for (const messages::SchemaInfo& one : messages::all_schemas()) {
      const auto words = reinterpret_cast<const capnp::word*>(one.node.data());
      const auto node = capnp::readMessageUnchecked<capnp::schema::Node>(words);
      if (std::string_view(node.getDisplayName().cStr()).starts_with(kFolder)) use(node);
    }
  };
  each([this](capnp::schema::Node::Reader node) { loader_.load(node); });
  each([this](capnp::schema::Node::Reader node) {
    if (node.isStruct() && !node.getStruct().getIsGroup())
      structs_.emplace(name_of(node), loader_.get(node.getId()).asStruct());
  });
}

bool Schemas::has(const std::string& type) const { return structs_.contains(struct_in(type)); }

std::string Schemas::of(const std::string& type) {
  base::ensure(has(type), "a route prints types of messages/output");
  const std::string name = struct_in(type);
  const std::string schema = of(structs_.at(name), false);
  if (name != type) return array(schema);
  whole_.insert(name);
  return schema;
}

std::map<std::string, std::string> Schemas::definitions() {
  while (!wanted_.empty()) {
    const std::string name = wanted_.extract(wanted_.begin()).value();
    if (!defined_.contains(name)) defined_[name] = fields_of(structs_.at(name), whole_.contains(name));
  }
  return defined_;
}

std::string Schemas::of(const capnp::Type& type, bool nullable) {
  switch (type.which()) {
    case Which::VOID: return plain("null", false);
    case Which::BOOL: return plain("boolean", nullable);
    case Which::INT8: return whole_number<std::int8_t>(nullable);
    case Which::INT16: return whole_number<std::int16_t>(nullable);
    case Which::INT32: return whole_number<std::int32_t>(nullable);
    case Which::INT64: return whole_number<std::int64_t>(nullable);
    case Which::UINT8: return whole_number<std::uint8_t>(nullable);
    case Which::UINT16: return whole_number<std::uint16_t>(nullable);
    case Which::UINT32: return whole_number<std::uint32_t>(nullable);
    case Which::UINT64: return whole_number<std::uint64_t>(nullable);
    case Which::FLOAT32:
    case Which::FLOAT64: return plain("number", true);  // null for NaN
    case Which::TEXT: return plain("string", nullable);
    case Which::DATA: return plain("string", nullable, R"(,"pattern":"^([0-9a-f]{2})*$")");
    case Which::LIST: {
      const std::string items = array(of(type.asList().getElementType(), false));
      return nullable ? any_of(items + R"(,{"type":"null"})") : items;
    }
    case Which::ENUM: return name_or_number(type.asEnum(), nullable);
    case Which::STRUCT: return of(type.asStruct(), nullable);
    case Which::INTERFACE:
    case Which::ANY_POINTER: break;
  }
  base::ensure(false, "an output has fields that JSON can show");
  return {};
}

std::string Schemas::of(const StructSchema& schema, bool nullable) {
  if (is_optional(schema)) return of(schema.getFieldByName("value").getType(), true);
  std::string out;
  if (is_object(schema)) {
    const auto entry = schema.getFieldByName("entries").getType().asList().getElementType().asStruct();
    out = R"({"type":"object","additionalProperties":)" +
          any_member(entry.getFieldByName("value").getType().asStruct()) + '}';
  } else if (schema.getProto().getStruct().getIsGroup()) {
    out = fields_of(schema, false);
  } else {
    const std::string name = name_of(schema.getProto());
    wanted_.insert(name);
    out = "{\"$ref\":\"#/components/schemas/" + name + "\"}";
  }
  return nullable ? any_of(out + R"(,{"type":"null"})") : out;
}

/// Returns the schema of a union of which the chosen member is printed.
std::string Schemas::any_member(const StructSchema& schema) {
  std::string members;
  for (const auto field : schema.getUnionFields()) members += (members.empty() ? "" : ",") + of(field.getType(), false);
  return any_of(members);
}

std::string Schemas::fields_of(const StructSchema& schema, bool partly) {
  std::string required, properties;
  for (const auto& field : in_written_order(schema)) {
    const std::string name = base::quoted(field.getProto().getName().cStr());
    required += (required.empty() ? "" : ",") + name;
    properties += (properties.empty() ? "" : ",") + name + ':' + of(field.getType(), may_be_null(field));
  }
  if (partly) properties += R"(,"partly":{"const":true})";
  return R"({"type":"object","required":[)" + required + R"(],"properties":{)" + properties +
         R"(},"additionalProperties":false})";
}

}  // namespace troupe::apps::api
