// The fields that scripts find in the JSON of commands. New fields may be added; none may go, or change its type.
#include <capnp/message.h>
#include <capnp/schema.capnp.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "messages/kinds.hpp"

using namespace troupe::messages;

namespace {

constexpr std::string_view kReleased =
#include "tests/messages/released_output.txt"
    ;

using Names = std::map<std::uint64_t, std::string>;  // "DhtRow" of "messages/output/dht.capnp:DhtRow", by id

capnp::schema::Node::Reader node_of(const SchemaInfo& schema) {
  return capnp::readMessageUnchecked<capnp::schema::Node>(reinterpret_cast<const capnp::word*>(schema.node.data()));
}

std::string type_name(capnp::schema::Type::Reader type, const Names& names) {
  using Type = capnp::schema::Type;
  switch (type.which()) {
    case Type::BOOL: return "Bool";
    case Type::INT8: return "Int8";
    case Type::INT16: return "Int16";
    case Type::INT32: return "Int32";
    case Type::INT64: return "Int64";
    case Type::UINT8: return "UInt8";
    case Type::UINT16: return "UInt16";
    case Type::UINT32: return "UInt32";
    case Type::UINT64: return "UInt64";
    case Type::FLOAT32: return "Float32";
    case Type::FLOAT64: return "Float64";
    case Type::TEXT: return "Text";
    case Type::DATA: return "Data";
    case Type::LIST: return "List(" + type_name(type.getList().getElementType(), names) + ')';
    case Type::ENUM: return names.at(type.getEnum().getTypeId());
    case Type::STRUCT: return names.at(type.getStruct().getTypeId());
    case Type::VOID:
    case Type::INTERFACE:
    case Type::ANY_POINTER: break;
  }
  return "";
}

/// Returns "Struct.field type" of each field of messages/output. A group counts as a struct. Fields without a value are
/// left out.
std::set<std::string> output_fields() {
  Names names;
  for (const SchemaInfo& schema : all_schemas()) {
    const std::string name = node_of(schema).getDisplayName();
    if (name.starts_with("messages/output/")) names[schema.id] = name.substr(name.find(':') + 1);
  }
  std::set<std::string> out;
  for (const SchemaInfo& schema : all_schemas()) {
    const auto node = node_of(schema);
    if (!names.contains(schema.id)) continue;
    const std::string before = names[schema.id] + '.';
    if (node.isEnum())
      for (const auto one : node.getEnum().getEnumerants()) out.insert(before + one.getName().cStr() + " name");
    if (!node.isStruct()) continue;
    for (const auto field : node.getStruct().getFields())
      if (field.isSlot() && !field.getSlot().getType().isVoid())
        out.insert(before + field.getName().cStr() + ' ' + type_name(field.getSlot().getType(), names));
  }
  return out;
}

}  // namespace

TEST_CASE("output: each field that was ever released is still printed, with its type") {
  std::vector<std::string> released;
  std::istringstream in{std::string(kReleased)};
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) released.push_back(line);
  CHECK(std::ranges::is_sorted(released));
  const std::set<std::string> now = output_fields();
  for (const std::string& line : released) CHECK_MESSAGE(now.contains(line), "no longer in messages/output: " << line);
  for (const std::string& line : now)
    CHECK_MESSAGE(std::ranges::binary_search(released, line), "add to released_output.txt, sorted: " << line);
}
