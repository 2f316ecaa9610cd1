#pragma once
// Whether what a command prints with --json has the fields of its output, a struct of messages/output.
//
// A field that is null fits if the struct may leave it unset. Fields that the struct does not have are ignored.
#include <capnp/message.h>
#include <capnp/schema-loader.h>
#include <capnp/schema.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "apps/cli/json_read.hpp"
#include "messages/kinds.hpp"

namespace troupe::test {

class Outputs {
 public:
  Outputs() {
    for (const messages::SchemaInfo& one : messages::all_schemas()) {
      const auto node =
          capnp::readMessageUnchecked<capnp::schema::Node>(reinterpret_cast<const capnp::word*>(one.node.data()));
      loader_.load(node);
      const std::string name = node.getDisplayName();
      if (node.isStruct() && name.starts_with("messages/output/")) ids_[name.substr(name.find(':') + 1)] = one.id;
    }
  }

  /// Returns why the lines do not fit, or an empty string if they do. `structs` are names of structs between commas:
  /// each line fits one of the structs. Each struct has a line that is not an empty list, unless its name ends in a
  /// question mark.
  std::string unfit(const std::string& lines, const std::string& structs) const {
    std::map<std::string, bool> wanted;  // and whether it may be missing
    for (std::string name : split(structs, ',')) {
      const bool optional = name.ends_with('?');
      if (optional) name.pop_back();
      if (!ids_.contains(name)) return "messages/output has no struct " + name;
      wanted[name] = optional;
    }
    std::set<std::string> seen;
    for (const std::string& line : split(lines, '\n')) {
      const auto value = apps::read_json(line);
      if (!value) return "not JSON: " + line;
      std::string why;
      bool fits = false;
      for (const auto& [name, optional] : wanted) {
        const std::string at = line_unfit(*value, loader_.get(ids_.at(name)).asStruct());
        if (at.empty()) {
          if (value->kind != Kind::list || !value->items.empty()) seen.insert(name);
          fits = true;
        } else why += "not " + name + at + "; ";
      }
      if (!fits) return why + line;
    }
    for (const auto& [name, optional] : wanted)
      if (!optional && !seen.contains(name)) return "no line is " + name;
    return "";
  }

 private:
  using Kind = apps::JsonValue::Kind;

  static std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> out;
    for (std::size_t from = 0; from < text.size();) {
      const std::size_t to = std::min(text.find(at, from), text.size());
      out.push_back(text.substr(from, to - from));
      from = to + 1;
    }
    return out;
  }

  /// A line that is a list has items of the struct, or of the list that is the only field of the struct.
  static std::string line_unfit(const apps::JsonValue& value, const capnp::StructSchema& schema) {
    if (value.kind != Kind::list) return unfit(value, schema);
    const auto fields = schema.getFields();
    const bool wraps = fields.size() == 1 && fields[0].getType().isList();
    const capnp::Type item = wraps ? fields[0].getType().asList().getElementType() : capnp::Type(schema);
    return items_unfit(value, item);
  }

  static std::string items_unfit(const apps::JsonValue& list, const capnp::Type& item) {
    for (const apps::JsonValue& one : list.items)
      if (const std::string at = unfit(one, item); !at.empty()) return "[]" + at;
    return "";
  }

  /// Returns the path of the first field that does not fit, or an empty string.
  static std::string unfit(const apps::JsonValue& value, const capnp::Type& type) {
    const auto need = [&value](bool fits, const char* what) {
      return fits ? std::string() : std::string(" is not ") + what + " but \"" + value.text + '"';
    };
    if (type.isVoid()) return need(value.kind == Kind::null, "null");
    if (type.isBool()) return need(value.kind == Kind::truth, "a truth value");
    if (type.isText() || type.isData()) return need(value.kind == Kind::text, "a text");
    if (type.isEnum()) return need(value.kind == Kind::text || value.kind == Kind::number, "a name");
    if (type.isFloat32() || type.isFloat64())
      return need(value.kind == Kind::number || value.kind == Kind::null, "a number");
    if (type.isList())
      return value.kind == Kind::list ? items_unfit(value, type.asList().getElementType()) : need(false, "a list");
    if (type.isStruct()) return unfit(value, type.asStruct());
    return need(value.kind == Kind::number, "a number");
  }

  static std::string unfit(const apps::JsonValue& value, const capnp::StructSchema& schema) {
    const auto fields = schema.getFields();
    if (fields.size() == 2 && schema.getUnionFields().size() == 2 && has(schema, "none") && has(schema, "value"))
      return value.kind == Kind::null ? "" : unfit(value, schema.getFieldByName("value").getType());
    if (value.kind != Kind::object) return " is not an object";
    if (fields.size() == 1 && has(schema, "entries")) return "";  // its names are data
    for (const auto field : fields) {
      const std::string name = field.getProto().getName();
      const apps::JsonValue* const found = value.find(name);
      if (found == nullptr) return '.' + name + " is missing";
      if (found->kind == Kind::null && may_be_null(field)) continue;
      if (const std::string at = unfit(*found, field.getType()); !at.empty()) return '.' + name + at;
    }
    return "";
  }

  static bool has(const capnp::StructSchema& schema, const char* field) {
    return schema.findFieldByName(field) != nullptr;
  }

  static bool may_be_null(const capnp::StructSchema::Field& field) {
    const auto type = field.getType();
    return type.isText() || type.isData() || (type.isStruct() && !field.getProto().isGroup()) ||
           field.getProto().getDiscriminantValue() != capnp::schema::Field::NO_DISCRIMINANT;
  }

  capnp::SchemaLoader loader_;
  std::map<std::string, std::uint64_t> ids_;  // by the name of the struct
};

}  // namespace troupe::test
