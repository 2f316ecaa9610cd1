#include "messages/kinds.hpp"

#include <capnp/message.h>
#include <capnp/schema.capnp.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <ios>
#include <optional>
#include <sstream>
#include <string>

#include "messages/annotations.capnp.h"
#include "messages/common.capnp.h"
#include "tests/messages/released_kinds.hpp"

using namespace troupe::messages;

namespace {

constexpr std::uint64_t kKindAnnotation = 0xe1a5c0d37b924f68;  // messages/annotations.capnp

/// A type's own description, as the program carries it.
class Description {
 public:
  explicit Description(const SchemaInfo& schema)
      : segment_(reinterpret_cast<const capnp::word*>(schema.node.data()), schema.node.size() / sizeof(capnp::word)),
        segments_(&segment_, 1),
        reader_(segments_) {}
  capnp::schema::Node::Reader node() { return reader_.getRoot<capnp::schema::Node>(); }

 private:
  kj::ArrayPtr<const capnp::word> segment_;
  kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments_;
  capnp::SegmentArrayMessageReader reader_;
};

/// "FindNode" of "messages/dht.capnp:FindNode".
std::string path_of(capnp::schema::Node::Reader node) {
  const std::string shown(node.getDisplayName());
  return shown.substr(shown.find(':') + 1);
}

}  // namespace

TEST_CASE("kinds: a kind is found by its id, its limits as the schema says") {
  const KindInfo& error = kind_of<wire::Error>();
  CHECK(error.name == "Error");
  CHECK(error.bytes_max == 4096);
  CHECK(error.lane == Lane::normal);
  CHECK(error.when_full == WhenFull::drop_newest);
  CHECK(error.from == Roles{1 + 2 + 4 + 8});
  CHECK(find_kind(error.id) == &error);
}

TEST_CASE("kinds: each kind that was ever released keeps its id and its name") {
  for (const ReleasedKind& released : kReleasedKinds) {
    const KindInfo* kind = find_kind(released.id);
    if (std::ranges::find(kRetiredKinds, released.id) != std::end(kRetiredKinds)) {
      CHECK_MESSAGE(kind == nullptr, released.name);
      continue;
    }
    CHECK_MESSAGE((kind != nullptr && kind->name == released.name), released.name);
  }
  for (const KindInfo& kind : all_kinds()) {
    std::ostringstream line;
    line << "add to released_kinds.hpp, by rising id: {0x" << std::hex << kind.id << ", \"" << kind.name << "\"},";
    CHECK_MESSAGE(std::ranges::find(kReleasedKinds, kind.id, &ReleasedKind::id) != std::end(kReleasedKinds),
                  line.str());
  }
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
    CHECK(Description(schema).node().getId() == schema.id);
  }
  CHECK_FALSE(schema_bytes(wire::Contact::_capnpPrivate::typeId).empty());
  CHECK(schema_bytes(1).empty());
}

TEST_CASE("kinds: the table says of each type what its annotation says, and has no kind without one") {
  std::size_t kinds = 0;
  for (const SchemaInfo& schema : all_schemas()) {
    Description description(schema);
    const auto node = description.node();
    CAPTURE(std::string(node.getDisplayName()));
    std::optional<capnp::schema::Annotation::Reader> kind;
    for (const auto one : node.getAnnotations())
      if (one.getId() == kKindAnnotation) kind = one;
    const KindInfo* const info = find_kind(schema.id);
    REQUIRE((info != nullptr) == kind.has_value());
    if (info == nullptr) continue;
    ++kinds;
    const auto written = kind->getValue().getStruct().getAs<wire::Kind>();
    const std::string path = path_of(node);
    CHECK((info->name == path || info->name.ends_with('.' + path)));
    CHECK(info->bytes_max == written.getBytesMax());
    CHECK(info->datagram == written.getDatagram());
    CHECK(static_cast<unsigned>(info->lane) == static_cast<unsigned>(written.getLane()));
    CHECK(static_cast<unsigned>(info->when_full) == static_cast<unsigned>(written.getWhenFull()));
    // An actor inside may always send it; the other roles only where the schema names them.
    unsigned named = static_cast<unsigned>(Role::inside);
    for (const auto role : written.getFrom()) named |= 1u << static_cast<unsigned>(role);
    for (const Role role : {Role::inside, Role::peer, Role::view, Role::operate})
      CHECK(may_send(*info, role) == ((named & static_cast<unsigned>(role)) != 0));
    CHECK(fits(*info, info->bytes_max));
    CHECK_FALSE(fits(*info, std::size_t{info->bytes_max} + 1));
  }
  CHECK(kinds == all_kinds().size());
}
