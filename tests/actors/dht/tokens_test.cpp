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

TEST_CASE("dht tokens: those of others are kept for a while, and no more than may be") {
  TokensKept kept;
  const base::Instant now{0s};
  Token token;
  token.bytes[0] = 7;
  kept.keep(key(1), token, now);
  CHECK(kept.find(key(1), now) == token);
  CHECK(kept.find(key(1), now + kTokenKept - 1ns) == token);
  CHECK_FALSE(kept.find(key(1), now + kTokenKept).has_value());
  CHECK_FALSE(kept.find(key(2), now).has_value());

  SUBCASE("a newer one takes its place and lasts longer") {
    kept.keep(key(1), Token{}, now + 1min);
    CHECK(kept.find(key(1), now + kTokenKept) == Token{});
  }
  SUBCASE("one that was refused is forgotten") {
    kept.forget(key(1));
    CHECK_FALSE(kept.find(key(1), now).has_value());
  }
  SUBCASE("when they are full no other is kept, until they are too old") {
    for (int i = 2; i <= static_cast<int>(kTokensKeptMax); ++i) kept.keep(key(i % 100, i / 100), token, now + 1s);
    CHECK(kept.size() == kTokensKeptMax);
    kept.keep(key(200), token, now + 2s);
    CHECK_FALSE(kept.find(key(200), now + 2s).has_value());
    kept.keep(key(2), Token{}, now + 2s);
    CHECK(kept.find(key(2), now + 2s) == Token{});
    kept.keep(key(200), token, now + kTokenKept);
    CHECK(kept.find(key(200), now + kTokenKept) == token);
    CHECK(kept.size() == kTokensKeptMax);  // the first one was too old
  }
}
