// Every kind of message of the program, filled by its own schema, as a decoder shows it that was told of nothing else.
#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/schema-loader.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "messages/schemas.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/decode.hpp"

using namespace troupe;
using namespace troupe::observe;
using capnp::DynamicStruct;

namespace {

constexpr std::size_t kWide = 100'000;

/// A value that is not the default one; of unions the member that `round` chooses.
capnp::DynamicValue::Reader number_of(const capnp::Type& type) {
  if (type.isBool()) return true;
  if (type.isEnum()) {
    const auto last = type.asEnum().getEnumerants().size() - 1;
    return capnp::DynamicEnum(type.asEnum(), static_cast<std::uint16_t>(last));
  }
  return 77;
}

void fill(DynamicStruct::Builder value, unsigned round);

void fill_list(capnp::DynamicList::Builder list, unsigned round) {
  const capnp::Type type = list.getSchema().getElementType();
  for (unsigned i = 0; i < list.size(); ++i) {
    if (type.isStruct()) fill(list[i].as<DynamicStruct>(), round);
    else if (type.isText()) list.set(i, "text");
    else if (type.isData()) list.set(i, capnp::Data::Reader(reinterpret_cast<const capnp::byte*>("\1\2\3"), 3));
    else list.set(i, number_of(type));
  }
}

void fill_field(DynamicStruct::Builder value, capnp::StructSchema::Field field, unsigned round) {
  const capnp::Type type = field.getType();
  if (field.getProto().isGroup()) fill(value.init(field).as<DynamicStruct>(), round);
  else if (type.isStruct()) fill(value.init(field).as<DynamicStruct>(), round);
  else if (type.isList()) fill_list(value.init(field, 2).as<capnp::DynamicList>(), round);
  else if (type.isText()) value.set(field, "text");
  else if (type.isData()) value.set(field, capnp::Data::Reader(reinterpret_cast<const capnp::byte*>("\1\2\3"), 3));
  else if (type.isVoid()) value.set(field, capnp::VOID);
  else value.set(field, number_of(type));
}

void fill(DynamicStruct::Builder value, unsigned round) {
  for (const auto field : value.getSchema().getNonUnionFields()) fill_field(value, field, round);
  const auto members = value.getSchema().getUnionFields();
  if (members.size() != 0) fill_field(value, members[round % members.size()], round);
}

const capnp::SchemaLoader& program() {
  static const auto* const loader = [] {
    auto* const all = new capnp::SchemaLoader;
    for (const auto& schema : messages::all_schemas()) {
      all->load(
          capnp::readMessageUnchecked<capnp::schema::Node>(reinterpret_cast<const capnp::word*>(schema.node.data())));
    }
    return all;
  }();
  return *loader;
}

bool named(const std::string& line, capnp::StructSchema::Field field) {
  return line.find(field.getProto().getName().cStr()) != line.npos;
}

}  // namespace

TEST_CASE("decode: a message of every kind is read in full by the schemas that come with the kind") {
  for (const messages::KindInfo& kind : messages::all_kinds()) {
    CAPTURE(kind.name);
    Decoder decoder;
    for (const auto* schema : messages::schemas_of(kind.id)) REQUIRE(decoder.learn(schema->node).ok());
    const capnp::StructSchema type = program().get(kind.id).asStruct();
    for (unsigned round = 0; round < 6; ++round) {
      capnp::MallocMessageBuilder message;
      fill(message.initRoot<DynamicStruct>(type), round);
      const auto words = capnp::messageToFlatArray(message);
      const base::ByteView bytes(words.asBytes().begin(), words.asBytes().size());
      const std::string line = decoder.line(kind.id, bytes, kWide);
      CAPTURE(line);
      CHECK(base::is_plain(line));
      for (const char* mark : {"?", "…", "(broken", "(unknown"}) CHECK(line.find(mark) == line.npos);
      for (const auto field : type.getNonUnionFields()) CHECK(named(line, field));
      const auto members = type.getUnionFields();
      if (members.size() != 0) CHECK(named(line, members[round % members.size()]));
      for (const std::size_t bytes_max : {0, 1, 3, 10, 40})
        CHECK(decoder.line(kind.id, bytes, bytes_max).size() <= bytes_max);
    }
  }
}
