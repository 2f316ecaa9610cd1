#include "actors/raft/logic/kv/lease_times.hpp"

#include <doctest/doctest.h>

#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;

TEST_CASE("kv leases: the leader counts, late and never early") {
  kv::LeaseTimes times;
  base::Instant now = test::kStart;
  times.granted({1}, 1'000, now);
  times.granted({2}, 3'000, now);
  CHECK(times.wake_at() == now + 1s);
  CHECK(times.expired(now + 999ms, 10).empty());
  CHECK(times.keep({1}, now + 900ms) == 1s);
  CHECK(times.expired(now + 1'899ms, 10).empty());
  CHECK(times.expired(now + 1'900ms, 10) == std::vector<kv::LeaseId>{{1}});
  CHECK(times.expired(now + 1'950ms, 10).empty());  // its end is proposed already
  CHECK(times.expired(now + 2'900ms, 10) == std::vector<kv::LeaseId>{{1}});
  times.dropped({1});
  CHECK_FALSE(times.keep({1}, now).has_value());
  times.begin({{{1}, 1'000}, {{2}, 3'000}}, now + 2'950ms);  // a new leader gives each its whole time
  CHECK(times.expired(now + 3'900ms, 10).empty());
  CHECK(times.expired(now + 3'950ms, 10) == std::vector<kv::LeaseId>{{1}});
  CHECK(times.expired(now + 9s, 1).size() == 1);  // no more at once than asked for
  times.granted({3}, ~std::uint64_t{0}, now);
  CHECK(times.size() == 3);
}
