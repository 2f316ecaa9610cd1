#include "actors/access/codec.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include "messages/codec.hpp"

using namespace troupe;
using namespace troupe::access;

namespace {

const std::string kId = "00000000000000aa";

Key some_key() {
  Key out{.role = Role::operator_, .scopes = {"/v1/kv/**"}, .grants = {{"/v1/a", false}, {"/v1/b", true}}, .rate = 9};
  out.hash.bytes.fill(3);
  out.created = 1;
  out.expires = 2;
  out.last_used = 3;
  return out;
}

/// A message with a list of one thing, which `change` fills.
template <class F>
base::Outcome<std::vector<Thing>> things_of(F change) {
  capnp::MallocMessageBuilder message;
  auto claim = message.initRoot<wire::Claim>();
  auto things = claim.initThings(2);
  for (unsigned i = 0; i < 2; ++i) {
    base::Digest name;
    name.bytes.fill(static_cast<std::uint8_t>(i));
    write(things[i], Thing{Kind::task, name});
  }
  change(things[1]);
  return read(claim.asReader().getThings());
}

}  // namespace

TEST_CASE("access codec: a key is read as it was written, with every role") {
  for (const Role role : {Role::viewer, Role::user, Role::operator_, Role::admin}) {
    Key key = some_key();
    key.role = role;
    capnp::MallocMessageBuilder message;
    write(message.initRoot<wire::Key>(), kId, key);
    const auto back = read(message.getRoot<wire::Key>().asReader());
    REQUIRE(back);
    CHECK(back->first == kId);
    CHECK(back->second == key);
    CHECK(message.getRoot<wire::Key>().getRole() == wire_of(role));
  }
}

TEST_CASE("access codec: a key with an invalid id, hash or role is refused") {
  const auto with = [](auto change) {
    capnp::MallocMessageBuilder message;
    auto out = message.initRoot<wire::Key>();
    write(out, kId, some_key());
    change(out);
    return read(out.asReader());
  };
  const base::Bytes bytes(40);
  CHECK(with([](auto) {}));
  CHECK(!with([](auto out) { out.setId(""); }));
  CHECK(!with([](auto out) { out.setId("00000000000000AA"); }));
  CHECK(!with([](auto out) { out.setId("00000000000000aa0"); }));
  CHECK(!with([](auto out) { out.setId("0000000\n000000aa"); }));
  for (const std::size_t size : {0u, 31u, 33u, 40u})
    CHECK(!with([&](auto out) { out.setHash(data_of(base::ByteView(bytes).first(size))); }));
  CHECK(!with([](auto out) { out.setRole(static_cast<wire::Role>(4)); }));
  CHECK(!with([](auto out) { out.setRole(static_cast<wire::Role>(0xffff)); }));
  capnp::MallocMessageBuilder empty;
  CHECK(!read(empty.initRoot<wire::Key>().asReader()));
}

TEST_CASE("access codec: things are read in their order, at most 256 of them") {
  const auto count = [](unsigned things) {
    capnp::MallocMessageBuilder message;
    auto list = message.initRoot<wire::Claim>().initThings(things);
    for (unsigned i = 0; i < things; ++i) {
      base::Digest name;
      name.bytes[0] = static_cast<std::uint8_t>(255 - i % 256);
      write(list[i], Thing{static_cast<Kind>(i % 5), name});
    }
    auto out = read(list.asReader());
    if (out.ok())
      for (unsigned i = 0; i < things; ++i) {
        CHECK(out.value()[i].kind == static_cast<Kind>(i % 5));
        CHECK(out.value()[i].name.bytes[0] == 255 - i % 256);
      }
    return out;
  };
  CHECK(count(0).value().empty());
  CHECK(count(1).value().size() == 1);
  CHECK(count(kThingsMax).value().size() == kThingsMax);
  REQUIRE(!count(kThingsMax + 1).ok());
  CHECK(count(kThingsMax + 1).error().code == base::Code::malformed);
}

TEST_CASE("access codec: a thing of an unknown kind or without a hash is refused, with the whole list") {
  const base::Bytes bytes(40);
  CHECK(things_of([](auto) {}).ok());
  for (const int kind : {5, 6, 0xff, 0xffff})
    CHECK(!things_of([&](auto thing) { thing.setKind(static_cast<wire::Kind>(kind)); }).ok());
  for (const std::size_t size : {0u, 20u, 31u, 33u}) {
    const auto out = things_of([&](auto thing) { thing.setName(data_of(base::ByteView(bytes).first(size))); });
    REQUIRE(!out.ok());
    CHECK(out.error().code == base::Code::malformed);
  }
}
