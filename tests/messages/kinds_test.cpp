#include "messages/kinds.hpp"

#include <capnp/message.h>
#include <capnp/schema.capnp.h>
#include <doctest/doctest.h>

#include <algorithm>

#include "messages/common.capnp.h"

using namespace troupe::messages;

TEST_CASE("kinds: a kind is found by its id, its limits as the schema says") {
  const KindInfo& error = kind_of<wire::Error>();
  CHECK(error.name == "Error");
  CHECK(error.bytes_max == 4096);
  CHECK(error.lane == Lane::normal);
  CHECK(error.when_full == WhenFull::drop_newest);
  CHECK(error.from == Roles{1 + 2 + 4 + 8});
  CHECK(find_kind(error.id) == &error);
}

TEST_CASE("kinds: an unknown id and a part of messages are no kind") {
  CHECK(find_kind(0) == nullptr);
  CHECK(find_kind(~std::uint64_t{0}) == nullptr);
  CHECK(find_kind(wire::Contact::_capnpPrivate::typeId) == nullptr);
  CHECK_THROWS_AS(kind_of<wire::Contact>(), troupe::base::InvariantBroken);
}

TEST_CASE("kinds: both tables are sorted, without doubles") {
  const auto rising = [](const auto& a, const auto& b) { return a.id >= b.id; };
  CHECK(std::ranges::adjacent_find(all_kinds(), rising) == all_kinds().end());
  CHECK(std::ranges::adjacent_find(all_schemas(), rising) == all_schemas().end());
}

TEST_CASE("kinds: the schema of any type is served, and can be read without its header") {
  for (const SchemaInfo& schema : all_schemas()) {
    const auto node = schema_bytes(schema.id);
    REQUIRE(!node.empty());
    REQUIRE(node.size() % sizeof(capnp::word) == 0);
    const kj::ArrayPtr<const capnp::word> segment(reinterpret_cast<const capnp::word*>(node.data()),
                                                  node.size() / sizeof(capnp::word));
    const kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments(&segment, 1);
    capnp::SegmentArrayMessageReader reader(segments);
    CHECK(reader.getRoot<capnp::schema::Node>().getId() == schema.id);
  }
  CHECK_FALSE(schema_bytes(wire::Contact::_capnpPrivate::typeId).empty());
  CHECK(schema_bytes(1).empty());
}
