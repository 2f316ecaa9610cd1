// What a decoder refuses to learn, and what it keeps of what it learns. Loaded as it is, some of this would make the
// loader of Cap'n Proto 0.9.2 read or write out of bounds.
#include "runtime/observe/schema_copy.hpp"

#include <capnp/any.h>
#include <capnp/stream.capnp.h>
#include <doctest/doctest.h>

#include <array>
#include <utility>

#include "messages/kinds.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/decode.hpp"
#include "tests/runtime/observe/schema_by_hand.hpp"

using namespace troupe;
using namespace troupe::observe;
using capnp::schema::Node;
using capnp::schema::Type;

namespace {

/// Why a decoder that knows nothing refuses that node; empty if it learns it.
std::string refusal(const base::Bytes& node) {
  const auto learnt = Decoder().learn(node);
  if (learnt.ok()) return "";
  CHECK(base::is_plain(learnt.error()));
  return learnt.error();
}

bool outside(FieldByHand field, std::uint16_t words, std::uint16_t pointers) {
  const std::string why = refusal(struct_node(20, words, pointers, {field}));
  if (!why.empty()) CHECK(why == "a field is outside of its struct");
  return !why.empty();
}

const std::vector<FieldByHand> kUnion{{"one", Type::UINT32, 1, 0}, {"two", Type::UINT32, 1, 1}, {"free", Type::UINT32}};

std::string spoilt_union(void (*spoil)(Node::Struct::Builder)) {
  return refusal(struct_node(20, 1, 0, kUnion, [&](Node::Builder node) {
    node.getStruct().setDiscriminantOffset(1);
    spoil(node.getStruct());
  }));
}

std::string spoilt_type(void (*spoil)(Type::Builder)) {
  return refusal(struct_node(20, 0, 1, {{"a", Type::ANY_POINTER}}, [&](Node::Builder node) {
    auto slot = node.getStruct().getFields()[0].getSlot();
    slot.getDefaultValue().initList();
    spoil(slot.initType());
  }));
}

/// Sets 16 bits of a struct of the schema to what no builder writes.
template <class Builder>
void overwrite(Builder builder, std::size_t at, std::uint8_t value) {
  capnp::AnyStruct::Builder any = std::move(builder);
  any.getDataSection()[at] = value;
}

}  // namespace

TEST_CASE("schema copy: all schemas of this program are learnt, and a decoder has room for four times as many") {
  Decoder decoder;
  std::size_t bytes = 0;
  for (const auto& schema : messages::all_schemas()) {
    const auto learnt = decoder.learn(schema.node);
    CHECK_MESSAGE(learnt.ok(), schema.id);
    CHECK(schema.node.size() * 4 <= kSchemaBytesMax);
    bytes += schema.node.size();
  }
  CHECK(messages::all_schemas().size() * 4 <= kSchemasMax);
  CHECK(bytes * 4 <= kSchemasBytesMax);
}

TEST_CASE("schema copy: a field lies within its struct, also where its place overflows 32 bits") {
  CHECK((!outside({"a", Type::UINT64, 1}, 2, 0) && outside({"a", Type::UINT64, 2}, 2, 0)));
  CHECK((!outside({"a", Type::BOOL, 63}, 1, 0) && outside({"a", Type::BOOL, 64}, 1, 0)));
  CHECK((!outside({"a", Type::ENUM, 3, 0xffff, 21}, 1, 0) && outside({"a", Type::ENUM, 4, 0xffff, 21}, 1, 0)));
  CHECK((!outside({"a", Type::TEXT, 0}, 0, 1) && outside({"a", Type::TEXT, 1}, 0, 1)));
  CHECK(outside({"a", Type::BOOL, 0}, 0, 9));
  CHECK(outside({"a", Type::DATA, 0}, 9, 0));
  for (const std::uint32_t offset : {0xffffffffu, 0x04000000u, 0x03ffffffu}) {
    CHECK(outside({"a", Type::UINT64, offset}, 2, 0));
    CHECK(outside({"a", Type::LIST, offset}, 0, 2));
    CHECK(!outside({"a", Type::VOID, offset}, 0, 0));  // it lies nowhere
  }
}

TEST_CASE("schema copy: the members of a union are counted and numbered, and their number lies within the struct") {
  CHECK(spoilt_union([](Node::Struct::Builder) {}) == "");
  const std::string miscounted = "a union has a wrong number of members";
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.setDiscriminantCount(0); }) == miscounted);
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.setDiscriminantCount(1); }) == miscounted);
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.setDiscriminantCount(3); }) == miscounted);
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.setDiscriminantCount(0xffff); }) == miscounted);
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.getFields()[1].setDiscriminantValue(2); }) == miscounted);
  CHECK(spoilt_union([](Node::Struct::Builder node) {
          node.getFields()[1].setDiscriminantValue(capnp::schema::Field::NO_DISCRIMINANT);
          node.setDiscriminantCount(1);
        }) == miscounted);
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.getFields()[1].setDiscriminantValue(0); }) ==
        "two members of a union have the same number");
  const std::string away = "the number of a union's member is outside of its struct";
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.setDiscriminantOffset(3); }) == "");
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.setDiscriminantOffset(4); }) == away);
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.setDiscriminantOffset(0xffffffff); }) == away);
  CHECK(spoilt_union([](Node::Struct::Builder node) { node.setDiscriminantOffset(0x0fffffff); }) == away);
}

TEST_CASE("schema copy: names are identifiers, and each is there once") {
  const auto named = [](const std::string& name) { return refusal(struct_node(20, 1, 0, {{name, Type::BOOL}})); };
  const std::string wrong = "a name is not an identifier of 1 to 100 bytes";
  CHECK(named("a_B9") == "");
  CHECK(named(std::string(100, 'a')) == "");
  for (const auto& name : {std::string(101, 'a'), std::string(), std::string("9a"), std::string("_a"),
                           std::string("a b"), std::string("a=\x1b[31m"), std::string("ä"), std::string("a\0", 2)})
    CHECK(named(name) == wrong);
  CHECK(refusal(struct_node(20, 1, 0, {{"a", Type::BOOL}, {"a", Type::BOOL, 1}})) == "the name a is a duplicate");
  CHECK(refusal(enum_node(20, {"a", "b c"})) == wrong);
  CHECK(refusal(enum_node(20, {"a", "b", "a"})) == "the name a is a duplicate");
}

TEST_CASE("schema copy: fields, enumerants and lists of lists are bounded") {
  std::vector<FieldByHand> fields;
  std::vector<std::string> names;
  for (std::size_t i = 0; i <= kMembersMax; ++i) {
    fields.push_back({"f" + std::to_string(i), Type::VOID});
    names.push_back(fields.back().name);
  }
  const auto few = [](auto all) {
    all.pop_back();
    return all;
  };
  Decoder decoder;
  CHECK(decoder.learn(enum_node(21, few(names))).ok());
  CHECK(refusal(enum_node(20, names)) == "it has more than 1000 enumerants");
  CHECK(refusal(struct_node(20, 0, 0, fields)) == "the schema is larger than 64 KiB");
  CHECK(spoilt_type([](Type::Builder type) {
          type.initList()
              .initElementType()
              .initList()
              .initElementType()
              .initList()
              .initElementType()
              .initList()
              .initElementType()
              .setText();
        }) == "");
  CHECK(spoilt_type([](Type::Builder type) {
          for (int i = 0; i < 12; ++i) type = type.initList().initElementType();
          type.setText();
        }) == "lists of lists are nested too deeply");
}

TEST_CASE("schema copy: a default value is of the field's type; those of pointers are lost") {
  const auto spoilt = [](auto spoil) {
    return refusal(struct_node(20, 1, 1, {{"a", Type::UINT32}, {"b", Type::TEXT}}, [&](Node::Builder node) {
      spoil(node.getStruct().getFields()[0].getSlot().getDefaultValue());
    }));
  };
  CHECK(spoilt([](capnp::schema::Value::Builder value) { value.setUint32(7); }) == "");
  CHECK(spoilt([](capnp::schema::Value::Builder value) { value.setUint64(7); }) ==
        "a default value does not have its field's type");
  CHECK(spoilt([](capnp::schema::Value::Builder value) { value.setText("7"); }) ==
        "a default value does not have its field's type");
  Decoder decoder;
  REQUIRE(decoder
              .learn(struct_node(20, 1, 1, {{"a", Type::UINT32}, {"b", Type::TEXT}},
                                 [](Node::Builder node) {
                                   auto fields = node.getStruct().getFields();
                                   fields[0].getSlot().getDefaultValue().setUint32(7);
                                   fields[1].getSlot().getDefaultValue().setText("lost");
                                 }))
              .ok());
  const base::Bytes empty{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(decoder.line(20, empty, 100) == "");
  const base::Bytes zero{0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
  CHECK(decoder.line(20, zero, 100) == "a=0");
}

TEST_CASE("schema copy: what is neither struct nor enum, has no id, or a type of another age, is refused") {
  CHECK(refusal(struct_node(0, 1, 0, {})) == "it has no type id");
  CHECK(refusal(struct_node(20, 1, 0, {}, [](Node::Builder node) { node.setFile(); })) ==
        "it is neither a struct nor an enum");
  CHECK(refusal(struct_node(20, 1, 0, {}, [](Node::Builder node) { node.initInterface(); })) ==
        "it is neither a struct nor an enum");
  const auto changed = [](auto change) { return refusal(struct_node(20, 1, 0, {{"a", Type::BOOL}}, change)); };
  CHECK(changed([](Node::Builder node) { overwrite(node, 12, 77); }) == "it is neither a struct nor an enum");
  CHECK(changed([](Node::Builder node) { overwrite(node.getStruct().getFields()[0], 8, 77); }) ==
        "a field is neither a value nor a group");
  CHECK(changed([](Node::Builder node) { overwrite(node.getStruct().getFields()[0].getSlot().getType(), 0, 77); }) ==
        "a field has a type that is unknown here");
}

TEST_CASE("schema copy: lists of pointers of any kind, generics and capabilities are shown as one unknown") {
  CHECK(spoilt_type([](Type::Builder type) { type.initList().initElementType().initAnyPointer(); }) == "");
  CHECK(spoilt_type([](Type::Builder type) {
          type.initList().initElementType().initList().initElementType().initInterface().setTypeId(3);
        }) == "");
  CHECK(spoilt_type([](Type::Builder type) { type.initAnyPointer().initParameter().setScopeId(20); }) == "");
}

TEST_CASE("schema copy: bytes that are no schema are refused") {
  const std::string words = "the schema is not a whole number of words";
  CHECK(refusal({}) == words);
  CHECK(refusal(base::Bytes(15)) == words);
  CHECK(refusal(base::Bytes(kSchemaBytesMax + 8)) == "the schema is larger than 64 KiB");
  CHECK(refusal(base::Bytes(64)) == "it has no type id");  // all zeros: an empty node
  CHECK(refusal(base::Bytes(64, 0xff)) != "");
}

TEST_CASE("schema copy: the number and the bytes of what a decoder learns are bounded; what it knows, it keeps") {
  Decoder many;
  for (std::uint64_t id = 1; id <= kSchemasMax; ++id) REQUIRE(many.learn(enum_node(id, {"a"})).ok());
  const std::string full = "too many schemas for one decoder";
  const auto beyond = many.learn(enum_node(kSchemasMax + 1, {"a"}));
  REQUIRE(!beyond.ok());
  CHECK(beyond.error() == full);
  CHECK(many.learn(enum_node(1, {"a"})).ok());
  CHECK(many.learn(enum_node(1, {"other"})).ok());  // stays as it was

  Decoder large;
  std::uint64_t id = 0;
  const auto learn = [&] {
    auto node = enum_node(++id, {"a"});
    node.resize(kSchemaBytesMax);
    return large.learn(node);
  };
  for (std::size_t bytes = 0; bytes < kSchemasBytesMax; bytes += kSchemaBytesMax) REQUIRE(learn().ok());
  CHECK(learn().error() == full);
}

TEST_CASE("schema copy: two nodes that disagree on what a third is are not both learnt") {
  Decoder decoder;
  REQUIRE(decoder.learn(struct_node(20, 1, 0, {{"a", Type::ENUM, 0, 0xffff, 22}})).ok());
  CHECK(!decoder.learn(struct_node(21, 1, 1, {{"a", Type::STRUCT, 0, 0xffff, 22}})).ok());
  CHECK(!decoder.learn(struct_node(22, 1, 1, {})).ok());
  CHECK(decoder.learn(enum_node(22, {"zero", "one"})).ok());
  const base::Bytes words{0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
  CHECK(decoder.line(20, words, 100) == "a=one");
  CHECK(decoder.line(21, words, 100) == "(unknown kind, 24 B)");
}

TEST_CASE("schema copy: the one type that the loader brings along is refused or harmless, whatever it is said to be") {
  const std::uint64_t result = capnp::typeId<capnp::StreamResult>();
  const auto as_enum = struct_node(20, 1, 0, {{"a", Type::ENUM, 0, 0xffff, result}});
  const auto as_struct = struct_node(21, 0, 1, {{"a", Type::STRUCT, 0, 0xffff, result}});
  const auto itself = struct_node(result, 1, 0, {{"b", Type::BOOL}});
  const std::array<base::Bytes, 4> nodes{as_enum, as_struct, itself, enum_node(result, {"c"})};
  for (std::size_t first = 0; first < nodes.size(); ++first) {
    Decoder decoder;
    for (std::size_t i = 0; i < nodes.size(); ++i) (void)decoder.learn(nodes[(first + i) % nodes.size()]);
    const base::Bytes words{0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    for (const std::uint64_t id : {std::uint64_t{20}, std::uint64_t{21}, result})
      CHECK(base::is_plain(decoder.line(id, words, 100)));
  }
}

TEST_CASE("schema copy: groups that hold themselves end within the work of one line, even if nothing is shown") {
  for (const unsigned count : {1u, 2u, 40u, 400u}) {
    Decoder decoder;
    std::vector<FieldByHand> fields;
    for (unsigned i = 0; i < count; ++i) fields.push_back({"g" + std::to_string(i), Type::VOID});
    fields.push_back({"last", Type::BOOL});
    REQUIRE(decoder
                .learn(struct_node(20, 1, 0, fields,
                                   [&](Node::Builder node) {
                                     auto all = node.getStruct().getFields();
                                     for (unsigned i = 0; i < count; ++i) all[i].initGroup().setTypeId(20);
                                   }))
                .ok());
    const base::Bytes words{0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    for (const std::size_t bytes_max : {200, 1'000'000}) {
      const std::string line = decoder.line(20, words, bytes_max);
      CHECK(base::is_plain(line));
      CHECK(line.size() <= bytes_max);
      CHECK((count == 1 || line.ends_with("…")));
    }
  }
}
