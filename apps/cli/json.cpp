#include "apps/cli/json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

using capnp::DynamicValue;
using capnp::StructSchema;

std::string_view view(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

template <class Number>
void write_number(std::ostream& out, Number number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.write(digits.data(), end - digits.data());
}

void write_value(std::ostream& out, const DynamicValue::Reader& value);

// `union { none :Void; value :T }`: a value that may be unset.
bool is_optional(const StructSchema& schema) {
  const auto members = schema.getUnionFields();
  if (members.size() != 2 || schema.getNonUnionFields().size() != 0) return false;
  return schema.findFieldByName("none") != nullptr && schema.findFieldByName("value") != nullptr;
}

void write_optional(std::ostream& out, const capnp::DynamicStruct::Reader& group) {
  const auto field = group.getSchema().getFieldByName("value");
  if (group.has(field)) write_value(out, group.get(field));
  else out << "null";
}

bool is_active(const capnp::DynamicStruct::Reader& value, const StructSchema::Field& field) {
  if (field.getProto().getDiscriminantValue() == capnp::schema::Field::NO_DISCRIMINANT) return true;
  KJ_IF_MAYBE (which, value.which()) return *which == field;
  return false;
}

void write_field(std::ostream& out, const capnp::DynamicStruct::Reader& value, const StructSchema::Field& field) {
  const auto type = field.getType();
  const bool may_be_unset = type.isText() || type.isData() || (type.isStruct() && !field.getProto().isGroup());
  if (!is_active(value, field) || (may_be_unset && !value.has(field))) out << "null";
  else write_value(out, value.get(field));
}

// The order in which the schema's author wrote them: a field that was added later may be declared further up.
std::vector<StructSchema::Field> in_written_order(const StructSchema& schema) {
  std::vector<StructSchema::Field> fields;
  for (const auto field : schema.getFields()) fields.push_back(field);
  std::stable_sort(fields.begin(), fields.end(), [](const auto& a, const auto& b) {
    return a.getProto().getCodeOrder() < b.getProto().getCodeOrder();
  });
  return fields;
}

// `struct { entries :List(Entry) }`, whose entries have a name and a value that is a union: an object.
bool is_object(const StructSchema& schema) {
  return schema.getFields().size() == 1 && schema.findFieldByName("entries") != nullptr;
}

void write_object(std::ostream& out, const capnp::DynamicStruct::Reader& value) {
  out << '{';
  const char* comma = "";
  for (const auto entry : value.get("entries").as<capnp::DynamicList>()) {
    const auto fields = entry.as<capnp::DynamicStruct>();
    const auto chosen = fields.get("value").as<capnp::DynamicStruct>();
    out << comma << base::quoted(view(fields.get("name").as<capnp::Text>())) << ':';
    KJ_IF_MAYBE (which, chosen.which()) write_value(out, chosen.get(*which));
    else out << "null";
    comma = ",";
  }
  out << '}';
}

void write_struct(std::ostream& out, const capnp::DynamicStruct::Reader& value) {
  if (is_optional(value.getSchema())) return write_optional(out, value);
  if (is_object(value.getSchema())) return write_object(out, value);
  out << '{';
  const char* comma = "";
  for (const auto& field : in_written_order(value.getSchema())) {
    out << comma << base::quoted(view(field.getProto().getName())) << ':';
    write_field(out, value, field);
    comma = ",";
  }
  out << '}';
}

void write_list(std::ostream& out, const capnp::DynamicList::Reader& values) {
  out << '[';
  const char* comma = "";
  for (const auto value : values) {
    out << comma;
    write_value(out, value);
    comma = ",";
  }
  out << ']';
}

void write_enum(std::ostream& out, const capnp::DynamicEnum& value) {
  KJ_IF_MAYBE (known, value.getEnumerant()) out << base::quoted(view(known->getProto().getName()));
  else write_number(out, value.getRaw());
}

void write_value(std::ostream& out, const DynamicValue::Reader& value) {
  switch (value.getType()) {
    case DynamicValue::VOID: out << "null"; return;
    case DynamicValue::BOOL: out << (value.as<bool>() ? "true" : "false"); return;
    case DynamicValue::INT: return write_number(out, value.as<std::int64_t>());
    case DynamicValue::UINT: return write_number(out, value.as<std::uint64_t>());
    case DynamicValue::FLOAT:
      if (std::isfinite(value.as<double>())) write_number(out, value.as<double>());
      else out << "null";
      return;
    case DynamicValue::TEXT: out << base::quoted(view(value.as<capnp::Text>())); return;
    case DynamicValue::DATA: out << '"' << hex(value.as<capnp::Data>()) << '"'; return;
    case DynamicValue::LIST: return write_list(out, value.as<capnp::DynamicList>());
    case DynamicValue::ENUM: return write_enum(out, value.as<capnp::DynamicEnum>());
    case DynamicValue::STRUCT: return write_struct(out, value.as<capnp::DynamicStruct>());
    case DynamicValue::UNKNOWN:
    case DynamicValue::CAPABILITY:
    case DynamicValue::ANY_POINTER: base::ensure(false, "an output has fields that JSON can show");
  }
}

}  // namespace

std::string hex(capnp::Data::Reader data) { return base::hex({data.begin(), data.size()}); }

void write_json(std::ostream& out, const capnp::DynamicStruct::Reader& value) { write_struct(out, value); }

void write_json_line(std::ostream& out, const capnp::DynamicStruct::Reader& value) {
  write_struct(out, value);
  out << '\n';
}
void write_json_line(std::ostream& out, const capnp::DynamicList::Reader& values) {
  write_list(out, values);
  out << '\n';
}

}  // namespace troupe::apps
