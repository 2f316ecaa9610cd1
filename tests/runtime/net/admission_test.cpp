// Deadlines as they travel, and the random bytes of what is sent.
#include "runtime/net/admission.hpp"

#include <doctest/doctest.h>

#include <set>

#include "messages/bench.capnp.h"
#include "messages/peers.capnp.h"
#include "runtime/actor/envelope.hpp"
#include "runtime/net/logic/datagram.hpp"
#include "runtime/net/random_pool.hpp"
#include "tests/runtime/crypto/memory_disk.hpp"

using namespace troupe;
using namespace std::chrono_literals;

TEST_CASE("net: a deadline travels as the time that is left, and none as zero") {
  constexpr base::Instant kNow{1000s};
  CHECK(net::remaining_us(base::Instant::max(), kNow) == 0);
  CHECK(net::due_of(0, kNow) == base::Instant::max());
  CHECK(net::remaining_us(kNow + 5s, kNow) == 5'000'000);
  CHECK(net::due_of(5'000'000, kNow) == kNow + 5s);
  SUBCASE("what is over is not without a deadline") {
    CHECK(net::remaining_us(kNow, kNow) == 1);
    CHECK(net::remaining_us(kNow - 1h, kNow) == 1);
    CHECK(net::remaining_us(kNow + 999ns, kNow) == 1);
  }
  SUBCASE("a day is the longest") {
    CHECK(net::due_of(86'400'000'000, kNow) == kNow + 24h);
    CHECK(net::due_of(86'400'000'001, kNow) == kNow + 24h);
    CHECK(net::due_of(UINT64_MAX, kNow) == kNow + 24h);
  }
}

TEST_CASE("net: what no honest node sends is a violation, what a newer node may send is not") {
  using net::wire::Violation;
  const auto& number = messages::kind_of<bench::wire::Number>();
  const auto& order = messages::kind_of<peers::wire::ListPeers>();
  const auto sound = runtime::Envelope::build<bench::wire::Number>({}, [](auto out) { out.setValue(7); });
  const base::Bytes broken(16, 0xff);
  const base::Bytes large(messages::kBytesMaxLimit + 8);
  CHECK_FALSE(net::violation_of(&number, messages::Role::peer, sound.bytes()));
  CHECK_FALSE(net::violation_of(nullptr, messages::Role::peer, broken));
  CHECK_FALSE(net::violation_of(&number, messages::Role::peer, large));  // it may have more fields there
  CHECK(net::violation_of(&number, messages::Role::peer, broken) == Violation::MALFORMED);
  CHECK(net::violation_of(&number, messages::Role::peer, {}) == Violation::MALFORMED);
  CHECK(net::violation_of(&order, messages::Role::peer, {}) == Violation::FORBIDDEN);
  CHECK_FALSE(net::violation_of(&order, messages::Role::view, sound.bytes()));
}

TEST_CASE("net: random bytes are those of the system in their order, and none is given twice") {
  tests::SeededChance chance(1), same(1);
  net::RandomPool pool(chance);
  std::set<net::Token> tokens;
  std::set<crypto::SealNonce> nonces;
  base::Bytes given, expected(2 * 1024);
  for (auto half : {std::span(expected).first(1024), std::span(expected).last(1024)}) same.fill(half);
  for (int i = 0; i < 40; ++i) {  // 1,280 bytes: beyond the first block
    const auto token = pool.take<net::Token>();
    const auto nonce = pool.take<crypto::SealNonce>();
    tokens.insert(token);
    nonces.insert(nonce);
    given.insert(given.end(), token.bytes.begin(), token.bytes.end());
    given.insert(given.end(), nonce.bytes.begin(), nonce.bytes.end());
  }
  CHECK(tokens.size() == 40);
  CHECK(nonces.size() == 40);
  CHECK(std::equal(given.begin(), given.end(), expected.begin()));
}
