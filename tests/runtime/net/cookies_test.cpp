#include "runtime/net/logic/cookies.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/crypto/memory_disk.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using net::Cookie;
using net::Cookies;
using troupe::test::kStart;

namespace {

const base::Endpoint kHere = *base::Endpoint::parse("192.0.2.1:4000");

base::PublicKey key(std::uint8_t lowest) {
  base::PublicKey out;
  out.bytes[0] = lowest;
  return out;
}

}  // namespace

TEST_CASE("net: a cookie is good for its key, address and port alone, and with each of its bits") {
  tests::SeededChance chance(1), other_chance(2);
  Cookies cookies(chance, kStart), other(other_chance, kStart);
  const Cookie cookie = cookies.make(kHere, key(1), kStart);
  CHECK(cookies.good(cookie, kHere, key(1), kStart));
  CHECK_FALSE(cookies.good(cookie, kHere, key(2), kStart));
  CHECK_FALSE(cookies.good(cookie, *base::Endpoint::parse("192.0.2.2:4000"), key(1), kStart));
  CHECK_FALSE(cookies.good(cookie, *base::Endpoint::parse("192.0.2.1:4001"), key(1), kStart));
  CHECK_FALSE(cookies.good(cookie, *base::Endpoint::parse("192.0.2.1:4256"), key(1), kStart));
  CHECK_FALSE(cookies.good(Cookie{}, kHere, key(1), kStart));
  CHECK_FALSE(other.good(cookie, kHere, key(1), kStart));
  for (std::size_t bit = 0; bit < 8 * Cookie::kBytes; ++bit) {
    Cookie bad = cookie;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    CHECK_FALSE(cookies.good(bad, kHere, key(1), kStart));
  }
}

TEST_CASE("net: a cookie is good until the secret after its own is replaced") {
  tests::SeededChance chance(1);
  Cookies cookies(chance, kStart);
  const Cookie first = cookies.make(kHere, key(1), kStart);
  const Cookie late = cookies.make(kHere, key(1), kStart + 60s - 1ns);
  CHECK(first == late);
  CHECK(cookies.good(first, kHere, key(1), kStart + 60s));
  const Cookie second = cookies.make(kHere, key(1), kStart + 60s);
  CHECK(second != first);
  CHECK(cookies.good(first, kHere, key(1), kStart + 120s - 1ns));
  CHECK_FALSE(cookies.good(first, kHere, key(1), kStart + 120s));
  CHECK(cookies.good(second, kHere, key(1), kStart + 180s - 1ns));
  CHECK_FALSE(cookies.good(second, kHere, key(1), kStart + 180s));
}

TEST_CASE("net: a cookie expires on time even if no question comes meanwhile") {
  tests::SeededChance chance(1);
  Cookies cookies(chance, kStart);
  const Cookie cookie = cookies.make(kHere, key(1), kStart);
  SUBCASE("but just before its end") {
    CHECK(cookies.good(cookie, kHere, key(1), kStart + 120s - 1ns));
    CHECK_FALSE(cookies.good(cookie, kHere, key(1), kStart + 120s));
  }
  SUBCASE("for just two times") { CHECK_FALSE(cookies.good(cookie, kHere, key(1), kStart + 120s)); }
  SUBCASE("for a day, after which new ones are good for as long as ever") {
    CHECK_FALSE(cookies.good(cookie, kHere, key(1), kStart + 24h));
    const Cookie fresh = cookies.make(kHere, key(1), kStart + 48h);
    CHECK(cookies.good(fresh, kHere, key(1), kStart + 48h + 120s - 1ns));
  }
}
