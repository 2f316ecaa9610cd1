// How many connections an address may have.
#include "runtime/http/address_counts.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::http;

namespace {

base::Endpoint from(const char* text) { return base::Endpoint::parse(text).value(); }

}  // namespace

TEST_CASE("address counts: an address has at most its number of connections") {
  AddressCounts counts(2, {});
  const base::Endpoint one = from("192.0.2.1:1000"), same = from("192.0.2.1:2000"), other = from("192.0.2.2:1000");
  CHECK(counts.enter(one));
  CHECK(counts.enter(same));
  CHECK_FALSE(counts.enter(one));
  CHECK(counts.enter(other));
  counts.leave(same);
  CHECK(counts.enter(one));
  CHECK_FALSE(counts.enter(same));
  CHECK_THROWS(counts.leave(from("192.0.2.3:1")));
}

TEST_CASE("address counts: the addresses of a /64 count as one") {
  AddressCounts counts(1, {});
  CHECK(counts.enter(from("[2001:db8:0:1::1]:1")));
  CHECK_FALSE(counts.enter(from("[2001:db8:0:1:ffff::2]:1")));
  CHECK(counts.enter(from("[2001:db8:0:2::1]:1")));
}

TEST_CASE("address counts: loopback addresses and proxies are not counted") {
  AddressCounts counts(1, {from("192.0.2.9:1"), from("[2001:db8::9]:1")});
  for (int i = 0; i < 3; ++i)
    for (const char* exempt : {"127.0.0.1:5", "127.1.2.3:5", "[::1]:5", "192.0.2.9:7", "[2001:db8::9]:7"})
      CHECK(counts.enter(from(exempt)));
  CHECK(counts.enter(from("[2001:db8::8]:1")));  // next to a proxy
  CHECK_FALSE(counts.enter(from("[2001:db8::8]:1")));
  for (int i = 0; i < 3; ++i) counts.leave(from("192.0.2.9:7"));
}
