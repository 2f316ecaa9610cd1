#include "runtime/net/logic/sessions.hpp"

#include <doctest/doctest.h>

#include "runtime/base/ensure.hpp"

using namespace troupe;
using net::Session;
using net::Sessions;

namespace {

base::PublicKey numbered_key(std::size_t number) {
  base::PublicKey out;
  out.bytes[0] = static_cast<std::uint8_t>(number);
  out.bytes[1] = static_cast<std::uint8_t>(number >> 8);
  return out;
}

Session session(std::uint32_t work_nonce) {
  return {.id = {}, .work_nonce = work_nonce, .keys = {}, .proven = {}, .tokens = {}};
}

}  // namespace

TEST_CASE("net: as many tokens are kept as may be, and none is there before it was noted") {
  net::Tokens tokens;
  const auto token = [](std::size_t number) {
    net::Token out;
    out.bytes[0] = static_cast<std::uint8_t>(number);
    return out;
  };
  CHECK_FALSE(tokens.contains(token(0)));
  for (std::size_t i = 0; i < net::kTokensKept; ++i) tokens.note(token(i));
  CHECK(tokens.contains(token(0)));
  CHECK(tokens.contains(token(net::kTokensKept - 1)));
  tokens.note(token(net::kTokensKept));
  CHECK_FALSE(tokens.contains(token(0)));
  CHECK(tokens.contains(token(1)));
  CHECK(tokens.contains(token(net::kTokensKept)));
}

TEST_CASE("net: strangers push out strangers, the one that was used least lately first") {
  Sessions sessions(net::kSessionsMax);
  constexpr std::uint32_t kStrangersMax = net::kSessionsMax / 2;
  sessions.put(numbered_key(9000), session(9000));
  REQUIRE(sessions.answered(numbered_key(9000)) != nullptr);
  for (std::uint32_t i = 0; i < kStrangersMax; ++i) sessions.put(numbered_key(i), session(i));
  CHECK(sessions.size() == kStrangersMax + 1);
  REQUIRE(sessions.use(numbered_key(0)) != nullptr);
  REQUIRE(sessions.find(numbered_key(1)) != nullptr);  // finding is no use
  sessions.put(numbered_key(5000), session(5000));
  CHECK(sessions.size() == kStrangersMax + 1);
  CHECK(sessions.find(numbered_key(0)) != nullptr);
  CHECK(sessions.find(numbered_key(1)) == nullptr);
  CHECK(sessions.find(numbered_key(5000))->work_nonce == 5000);
  CHECK(sessions.use(numbered_key(1)) == nullptr);
  for (std::uint32_t i = 10'000; i < 10'000 + kStrangersMax; ++i) sessions.put(numbered_key(i), session(i));
  CHECK(sessions.find(numbered_key(9000))->work_nonce == 9000);
}

TEST_CASE("net: those who have answered push out each other") {
  Sessions sessions(4);
  for (std::uint32_t i = 0; i < 3; ++i) {
    sessions.put(numbered_key(i), session(i));
    REQUIRE(sessions.answered(numbered_key(i)) != nullptr);
  }
  CHECK(sessions.size() == 2);
  CHECK(sessions.find(numbered_key(0)) == nullptr);
  CHECK(sessions.answered(numbered_key(0)) == nullptr);
  REQUIRE(sessions.answered(numbered_key(1)) != nullptr);  // used
  sessions.put(numbered_key(1), session(7));               // and still no stranger
  sessions.put(numbered_key(3), session(3));
  REQUIRE(sessions.answered(numbered_key(3)) != nullptr);
  CHECK(sessions.find(numbered_key(2)) == nullptr);
  CHECK(sessions.use(numbered_key(1))->work_nonce == 7);
}

TEST_CASE("net: room for less than one session of each sort is a broken invariant") {
  CHECK_THROWS_AS(Sessions(1), base::InvariantBroken);
}
