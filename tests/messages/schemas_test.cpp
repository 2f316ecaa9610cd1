#include "messages/schemas.hpp"

#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/schema-loader.h>
#include <doctest/doctest.h>

#include <algorithm>

#include "messages/bench.capnp.h"
#include "messages/files.capnp.h"

using namespace troupe;
using namespace troupe::messages;

namespace {

template <class T>
constexpr std::uint64_t id_of() {
  return T::_capnpPrivate::typeId;
}

bool has(const std::vector<const SchemaInfo*>& schemas, std::uint64_t id) {
  return std::ranges::find(schemas, id, &SchemaInfo::id) != schemas.end();
}

/// Fields of fields, down to what is no struct or was seen: each is there, and none is a stand-in for one that is not.
void walk(const std::vector<const SchemaInfo*>& schemas, capnp::StructSchema type, std::vector<std::uint64_t>& seen) {
  const std::uint64_t id = type.getProto().getId();
  CHECK_MESSAGE(has(schemas, id), type.getProto().getDisplayName().cStr());
  if (std::ranges::find(seen, id) != seen.end()) return;
  seen.push_back(id);
  for (const auto field : type.getFields()) {
    capnp::Type of = field.getType();
    while (of.isList()) of = of.asList().getElementType();
    if (of.isStruct()) walk(schemas, of.asStruct(), seen);
    if (of.isEnum()) {
      const std::uint64_t enumeration = of.asEnum().getProto().getId();
      CHECK(has(schemas, enumeration));
      if (std::ranges::find(seen, enumeration) == seen.end()) seen.push_back(enumeration);
    }
  }
}

}  // namespace

TEST_CASE("schemas: a kind comes with its structs, groups and enums, through lists, by ascending id") {
  const auto schemas = schemas_of(id_of<files::wire::VerifyItem>());
  REQUIRE(schemas.size() == 6);
  CHECK(std::ranges::is_sorted(schemas, std::ranges::less(), &SchemaInfo::id));
  CHECK(has(schemas, id_of<files::wire::VerifyItem>()));
  CHECK(has(schemas, id_of<files::wire::VerifyCopy>()));
  CHECK(has(schemas, id_of<files::wire::Content>()));
  CHECK(has(schemas, capnp::typeId<files::wire::ContentKind>()));
  CHECK(has(schemas, capnp::typeId<files::wire::CopyState>()));
  CHECK(has(schemas, id_of<files::wire::VerifySum>()));  // two of its fields are of this type

  CHECK(has(schemas_of(id_of<files::wire::FileRow>()), id_of<files::wire::FileRow::Expires>()));  // a group
  CHECK(has(schemas_of(id_of<files::wire::PutHeld>()), id_of<files::wire::HeldContent>()));       // in a list
}

TEST_CASE("schemas: a kind of plain numbers is alone, a part and an enum are served too, the unknown has none") {
  REQUIRE(schemas_of(id_of<bench::wire::Number>()).size() == 1);
  CHECK(schemas_of(id_of<bench::wire::Number>())[0]->id == id_of<bench::wire::Number>());
  CHECK(schemas_of(id_of<files::wire::Content>()).size() == 2);
  CHECK(schemas_of(capnp::typeId<files::wire::ContentKind>()).size() == 1);
  CHECK(schemas_of(0).empty());
  CHECK(schemas_of(~std::uint64_t{0}).empty());
}

TEST_CASE("schemas: what comes with any kind is all that its messages can hold, and nothing besides") {
  for (const KindInfo& kind : all_kinds()) {
    CAPTURE(kind.name);
    const auto schemas = schemas_of(kind.id);
    REQUIRE(has(schemas, kind.id));
    CHECK(std::ranges::adjacent_find(schemas, std::ranges::greater_equal(), &SchemaInfo::id) == schemas.end());
    capnp::SchemaLoader loader;
    for (const SchemaInfo* schema : schemas) {
      loader.load(
          capnp::readMessageUnchecked<capnp::schema::Node>(reinterpret_cast<const capnp::word*>(schema->node.data())));
    }
    std::vector<std::uint64_t> seen;
    walk(schemas, loader.get(kind.id).asStruct(), seen);
    CHECK(seen.size() == schemas.size());
  }
}
