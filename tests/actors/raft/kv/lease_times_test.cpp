#include "actors/raft/logic/kv/lease_times.hpp"

#include <doctest/doctest.h>

#include "tests/actors/raft/kv/commands.hpp"

using namespace troupe;
using namespace troupe::raft;
using raft_test::Store;

namespace {

using Ids = std::vector<kv::LeaseId>;

}  // namespace

TEST_CASE("kv leases: the leader drops a lease at its end, again every second, and not earlier") {
  kv::LeaseTimes times;
  times.begin({{{1}, {.ttl_ms = 1'000, .end_ms = 6'000}}, {{2}, {.ttl_ms = 3'000, .end_ms = 8'000}}}, 5'000);
  CHECK(times.unkept(10).empty());
  CHECK(times.next_end() == 6'000);
  CHECK(times.expired(5'999, 10).empty());
  times.changed({1}, {.ttl_ms = 1'000, .end_ms = 6'900}, 5'900);  // kept
  CHECK(times.expired(6'899, 10).empty());
  CHECK(times.expired(6'900, 10) == Ids{{1}});
  CHECK(times.expired(6'950, 10).empty());  // its end is proposed already
  CHECK(times.expired(7'900, 10) == Ids{{1}});
  times.dropped({1});
  CHECK(times.size() == 1);
  times.changed({3}, {.ttl_ms = 1, .end_ms = 7'000}, 7'900);
  CHECK(times.expired(9'000, 1).size() == 1);  // no more at once than asked for
}

TEST_CASE("kv leases: a new leader gives a lease what is left, and its whole time only if none is written") {
  Store store;
  store.apply({.what = kv::GrantLease{{1}, 10'000}});
  store.apply({.what = kv::GrantLease{{2}, 10'000}});
  store.apply({.time_ms = 4'000, .what = kv::KeepLeases{{{2}}}});
  kv::LeaseTimes times;
  times.begin(store.machine.leases(), 9'000);
  CHECK(times.expired(13'999, 10).empty());
  CHECK(times.expired(14'000, 10) == Ids{{2}});
  CHECK(times.expired(19'000, 10).size() == 2);
  CHECK(times.unkept(10) == Ids{{1}});  // of a program that did not write it
  CHECK(times.unkept(10).empty());
}

TEST_CASE("kv leases: the leader proposes its time at most once a second, and less often for long leases") {
  kv::LeaseTimes times;
  CHECK_FALSE(times.tell_at(5'000).has_value());
  times.begin({{{1}, {.ttl_ms = 3'600'000, .end_ms = 3'605'000}}}, 5'000);
  CHECK(times.tell_at(5'000) == 365'000);
  times.begin({{{1}, {.ttl_ms = 3'000, .end_ms = 8'000}}}, 5'000);
  CHECK(times.tell_at(5'000) == 6'000);
  CHECK(times.tell_at(9'000) == 10'000);
  times.begin({{{1}, {.ttl_ms = ~std::uint64_t{0}, .end_ms = 0}}}, 5'000);  // it never ends
  CHECK(times.tell_at(5'000) > 5'000);
}
