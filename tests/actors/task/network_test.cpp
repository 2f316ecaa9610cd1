#include "actors/task/logic/network.hpp"

#include <doctest/doctest.h>

#include "actors/task/logic/lease.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

using Patterns = std::vector<std::string>;
bool granted(const Patterns& patterns, const std::string& host) { return grants(patterns, host); }

}  // namespace

TEST_CASE("task network: a pattern grants its name, or what is below it, at its port or at each") {
  CHECK_FALSE(granted({}, "example.org:80"));
  CHECK(granted({"example.org"}, "example.org:80"));
  CHECK(granted({"Example.org"}, "exAMPLE.org:80"));
  CHECK_FALSE(granted({"example.org"}, "www.example.org:80"));
  CHECK_FALSE(granted({"example.org"}, "badexample.org:80"));
  CHECK(granted({"example.org:443"}, "example.org:443"));
  CHECK_FALSE(granted({"example.org:443"}, "example.org:80"));
  CHECK(granted({"*.example.org"}, "a.b.example.org:80"));
  CHECK_FALSE(granted({"*.example.org"}, "example.org:80"));
  CHECK_FALSE(granted({"*.example.org"}, "badexample.org:80"));
  CHECK(granted({"other", "*:443"}, "example.org:443"));
  CHECK_FALSE(granted({"*:443"}, "example.org:80"));
  CHECK_FALSE(granted({"*"}, "example.org:0"));
  CHECK_FALSE(granted({"*"}, "example.org"));
}

TEST_CASE("task network: an address is granted where it is listed, and by * where it is public") {
  CHECK(granted({"*"}, "1.1.1.1:80"));
  CHECK_FALSE(granted({"*"}, "127.0.0.1:80"));
  CHECK_FALSE(granted({"*"}, "[::1]:80"));
  CHECK_FALSE(granted({"*"}, "[::ffff:10.0.0.1]:80"));
  CHECK(granted({"127.0.0.1"}, "127.0.0.1:80"));
  CHECK(granted({"127.0.0.1:80"}, "127.0.0.1:80"));
  CHECK(granted({"127.0.0.1:80"}, "[::ffff:127.0.0.1]:80"));
  CHECK_FALSE(granted({"127.0.0.1:80"}, "127.0.0.1:81"));
  CHECK_FALSE(granted({"127.0.0.1"}, "localhost:80"));
  CHECK(granted({"::1"}, "[::1]:80"));
  CHECK(granted({"[::1]:80"}, "[::1]:80"));
  const Patterns all{"example.org", "10.0.0.1", "[::1]:80", "*"};
  const auto addresses = addresses_of(all);
  REQUIRE(addresses.size() == 2);
  CHECK(addresses[0].text() == "10.0.0.1:0");
  CHECK(addresses[1].text() == "[::1]:80");
}

TEST_CASE("task network: what is no pattern is named, and grants nothing") {
  for (const char* good : {"a", "*", "*:1", "*.a", "a-b.c_d:65535", "1.2.3.4", "1.2.3.4:5", "::1", "[::1]", "[::1]:5"})
    CHECK_MESSAGE(!pattern_fault(good), good);
  for (const char* bad :
       {"", ":80", "a:0", "a:65536", "a:b", ".a", "*a", "a*", "**", "*.*", "a b", "a,b", "[a]:80", "a/b"}) {
    CHECK_MESSAGE(pattern_fault(bad), bad);
    CHECK_FALSE(granted({bad}, "a:80"));
  }
  CHECK_FALSE(pattern_fault(std::string(kPatternBytesMax, 'a')));
  CHECK(pattern_fault(std::string(kPatternBytesMax + 1, 'a')));
}

TEST_CASE("task lease: it counts from when it was asked for, and has surely ended a while after the last answer") {
  Lease lease(10s);
  CHECK(lease.period() == 2s);
  CHECK_FALSE(lease.holds(base::Instant{}));
  lease.renewed(base::Instant{100s});
  CHECK(lease.holds(base::Instant{110s - 1ns}));
  CHECK_FALSE(lease.holds(base::Instant{110s}));
  lease.renewed(base::Instant{99s});  // an answer that came late
  CHECK(lease.end() == base::Instant{110s});
  CHECK(surely_ended(base::Instant{100s}, 10s) == base::Instant{112s});
  CHECK(lease_within(1ms) == kLeaseMin);
  CHECK(lease_within(1h) == kLeaseMax);
  CHECK(sign_period(10s) == 1s);
  CHECK(sign_period(1s) == 250ms);
  CHECK(sign_period(0s) == 250ms);
}
