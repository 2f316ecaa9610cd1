#pragma once
// What the generated tests (messages/kinds) claim of every kind.
#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/schema.h>
#include <capnp/serialize.h>
#include <doctest/doctest.h>

#include <string_view>

#include "messages/annotations.capnp.h"
#include "messages/kinds.hpp"

namespace troupe::messages {

inline constexpr std::uint64_t kKindAnnotation = 0xe1a5c0d37b924f68;  // messages/annotations.capnp

/// The annotation as the compiled schema carries it, so that the table is compared with its source.
template <class T>
wire::Kind::Reader annotation_of() {
  for (const auto one : capnp::Schema::from<T>().getProto().getAnnotations()) {
    if (one.getId() == kKindAnnotation) return one.getValue().getStruct().template getAs<wire::Kind>();
  }
  return {};
}

template <class T>
void check_kind(std::string_view name) {
  const KindInfo& kind = kind_of<T>();
  REQUIRE(find_kind(kind.id) == &kind);
  CHECK(kind.name == name);
  CHECK_FALSE(schema_bytes(kind.id).empty());

  // There and back, as empty as it can be.
  capnp::MallocMessageBuilder built;
  const auto sent = built.initRoot<T>();
  const auto words = capnp::messageToFlatArray(built);
  capnp::FlatArrayMessageReader received(words);
  const bool same = capnp::AnyStruct::Reader(sent.asReader()) == capnp::AnyStruct::Reader(received.getRoot<T>());
  CHECK(same);
  CHECK(fits(kind, words.asBytes().size()));

  // Its largest size, and one beyond.
  const auto written = annotation_of<T>();
  CHECK(kind.bytes_max == written.getBytesMax());
  CHECK(fits(kind, kind.bytes_max));
  CHECK_FALSE(fits(kind, std::size_t{kind.bytes_max} + 1));

  CHECK(kind.datagram == written.getDatagram());

  // An actor inside may always send it; the other roles only where the schema names them.
  unsigned named = static_cast<unsigned>(Role::inside);
  for (const auto role : written.getFrom()) named |= 1u << static_cast<unsigned>(role);
  for (const Role role : {Role::inside, Role::peer, Role::view, Role::operate}) {
    CHECK(may_send(kind, role) == ((named & static_cast<unsigned>(role)) != 0));
  }
}

}  // namespace troupe::messages
