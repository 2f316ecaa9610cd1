// Values sealed with the keys of nodes. The container itself is tested in sealed_value_test.cpp, with toys.
#include "actors/dht/sealing.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/records.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::dht;

namespace {

struct Nodes {
  troupe::test::ActorFixture actors;
  ports::Chance& chance = actors.ports.world().chance;
  crypto::Identity owner = crypto::Identity::make(chance, 0), reader = crypto::Identity::make(chance, 0),
                   other = crypto::Identity::make(chance, 0);
  Key place = key_of_name(owner.public_key(), base::as_bytes("secret"));

  base::Bytes seal(std::string_view plain, const std::vector<base::PublicKey>& readers) {
    auto out = seal_for(base::as_bytes(plain), readers, place, owner, chance);
    REQUIRE(out.ok());
    return std::move(out).value();
  }
  std::string open(base::ByteView sealed, const crypto::Identity& as) {
    const auto out = open_as(sealed, place, owner.public_key(), as);
    return out.ok() ? std::string(base::as_text(out.value())) : "refused";
  }
};

}  // namespace

TEST_CASE("sealing: each named reader opens a value, and nobody else") {
  Nodes nodes;
  for (const auto& plain : {std::string(), std::string("for two"), std::string(60'000, 'x')}) {
    const auto sealed = nodes.seal(plain, {nodes.reader.public_key(), nodes.other.public_key()});
    CHECK(nodes.open(sealed, nodes.reader) == plain);
    CHECK(nodes.open(sealed, nodes.other) == plain);
    CHECK(nodes.open(sealed, nodes.owner) == "refused");
  }
  const auto for_one = nodes.seal("for one", {nodes.reader.public_key()});
  CHECK(nodes.open(for_one, nodes.other) == "refused");
  // An owner who wants to read it names himself.
  const auto own = nodes.seal("own", {nodes.owner.public_key()});
  CHECK(nodes.open(own, nodes.owner) == "own");
}

TEST_CASE("sealing: the same value is sealed to other bytes each time") {
  Nodes nodes;
  CHECK(nodes.seal("x", {nodes.reader.public_key()}) != nodes.seal("x", {nodes.reader.public_key()}));
}

TEST_CASE("sealing: a value under another name, of another owner, or changed in any byte is refused") {
  Nodes nodes;
  const auto sealed = nodes.seal("seven", {nodes.reader.public_key()});
  const Key elsewhere = key_of_name(nodes.owner.public_key(), base::as_bytes("other"));
  CHECK_FALSE(open_as(sealed, elsewhere, nodes.owner.public_key(), nodes.reader).ok());
  CHECK_FALSE(open_as(sealed, nodes.place, nodes.other.public_key(), nodes.reader).ok());
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto changed = sealed;
    changed[i] ^= 1;
    CHECK(nodes.open(changed, nodes.reader) == "refused");
    CHECK(nodes.open(base::ByteView(sealed).first(i), nodes.reader) == "refused");
  }
}

TEST_CASE("sealing: keys that are none, too many readers and too large values are refused") {
  Nodes nodes;
  const auto error = [&](std::string_view plain, std::vector<base::PublicKey> readers) {
    const auto out = seal_for(base::as_bytes(plain), readers, nodes.place, nodes.owner, nodes.chance);
    REQUIRE_FALSE(out.ok());
    return out.error();
  };
  CHECK(error("x", {}) == SealError::no_readers);
  CHECK(error("x", {nodes.reader.public_key(), nodes.reader.public_key()}) == SealError::no_readers);
  CHECK(error("x", {base::PublicKey{}}) == SealError::reader_refused);
  CHECK(error(std::string(kValueBytesMax, 'x'), {nodes.reader.public_key()}) == SealError::oversize);
}
