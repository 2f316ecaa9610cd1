#include "runtime/sandbox/reclaim_watch.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace troupe;
using namespace troupe::sandbox;
using namespace std::chrono_literals;

namespace {

/// What each of 20 looks says, one each 200 ms, in each of which memory is waited for so long.
std::string looks(ReclaimWatch& watch, base::Duration waited_each) {
  std::string out;
  for (int look = 0; look < 20; ++look)
    out += watch.is_slow(look * waited_each, base::Instant(10s) + look * 200ms) ? 'S' : '-';
  return out;
}

}  // namespace

// A program mapped a file 65,000 times in each of 20 processes: a write of the node took two minutes.
TEST_CASE("sandbox reclaim: it is slow once memory was waited for in most of two seconds, and again a second later") {
  ReclaimWatch always(1), half(1), never(1);
  CHECK(looks(always, 200ms) == "----------S----S----");
  CHECK(looks(half, 100ms) == "--------------------");
  CHECK(looks(never, 0ms) == "--------------------");
}

TEST_CASE("sandbox reclaim: one thread of a machine with many cores that are all at work is enough") {
  ReclaimWatch all(8), none(8);
  CHECK(looks(all, 200ms / 8) == looks(none, 1h));
  CHECK(ReclaimWatch(8).is_slow(1h, base::Instant(10s)) == false);  // before this one looked
}

TEST_CASE("sandbox reclaim: those that have mapped most go, until the rest has not too much") {
  using Keys = std::vector<std::uint64_t>;
  CHECK(those_beyond(10, {{1, 3}, {2, 7}}) == Keys{});
  CHECK(those_beyond(10, {{1, 3}, {2, 8}}) == Keys{2});
  CHECK(those_beyond(10, {{1, 9}, {2, 8}, {3, 4}}) == Keys{1, 2});
  CHECK(those_beyond(10, {{1, 90}}) == Keys{1});
  CHECK(those_beyond(10, {}) == Keys{});
}
