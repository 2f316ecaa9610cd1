// Tokens: for one caller, for a while.
#include "actors/dht/logic/tokens.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;

TEST_CASE("dht tokens: one is good for its caller, in its generation and the next") {
  TokenSecret secret;
  secret.bytes[0] = 1;
  const Tokens tokens(secret);
  const base::Instant now{0s};
  const Token token = tokens.give(key(1), now);
  CHECK(tokens.good(token, key(1), now));
  CHECK(tokens.good(token, key(1), now + 10min - 1ns));
  CHECK_FALSE(tokens.good(token, key(1), now + 10min));
  CHECK_FALSE(tokens.good(token, key(2), now));
  CHECK_FALSE(tokens.good(Token{}, key(1), now));
  CHECK_FALSE(Tokens(TokenSecret{}).good(token, key(1), now));

  SUBCASE("not before it was given") { CHECK_FALSE(tokens.good(tokens.give(key(1), now + 5min), key(1), now)); }
  SUBCASE("given at the end of a generation it is good for the next") {
    const Token late = tokens.give(key(1), now + 5min - 1ns);
    CHECK(tokens.good(late, key(1), now + 5min));
    CHECK_FALSE(tokens.good(late, key(1), now + 10min));
  }
  SUBCASE("every bit counts") {
    for (std::size_t bit = 0; bit < 64; ++bit) {
      Token wrong = token;
      wrong.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      CHECK_FALSE(tokens.good(wrong, key(1), now));
    }
  }
}
