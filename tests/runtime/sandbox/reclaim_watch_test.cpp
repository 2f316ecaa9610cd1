#include "runtime/sandbox/reclaim_watch.hpp"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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

TEST_CASE("sandbox reclaim: of the site that has mapped most those with most go, until the rest has not too much") {
  using Keys = std::vector<std::uint64_t>;
  CHECK(those_beyond(10, {{1, "a", 3}, {2, "a", 7}}) == Keys{});
  CHECK(those_beyond(10, {{1, "a", 3}, {2, "b", 8}}) == Keys{2});
  CHECK(those_beyond(10, {{1, "a", 9}, {2, "a", 8}, {3, "a", 4}}) == Keys{1, 2});
  CHECK(those_beyond(10, {{1, "a", 90}}) == Keys{1});
  CHECK(those_beyond(10, {}) == Keys{});
  // Many of one site had a little less each than the only one of another, which was ended.
  CHECK(those_beyond(10, {{1, "a", 4}, {2, "b", 2}, {3, "b", 3}, {4, "b", 2}}) == Keys{3});
  CHECK(those_beyond(5, {{1, "a", 4}, {2, "b", 1}, {3, "b", 3}, {4, "b", 2}}) == Keys{3, 1});
  CHECK(those_beyond(0, {{1, "a", 4}, {2, "b", 3}, {3, "b", 0}}).size() == 2);
}

// Twenty programs had paths of megabytes: to read what they had mapped kept the launcher for half a minute, each time.
TEST_CASE("sandbox reclaim: those with most are read first, once until they map more; one too slow to read goes") {
  using Keys = std::vector<std::uint64_t>;
  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;
  ReclaimWatch watch(1);
  std::map<std::uint64_t, std::optional<std::uint64_t>> files;
  Keys read;
  const auto those = [&](std::vector<Mapped> programs) {
    read.clear();
    return watch.those_to_end(std::move(programs), [&](std::uint64_t program, base::Duration) {
      read.push_back(program);
      return files[program];
    });
  };
  files = {{1, 1 * kGiB}, {2, 2 * kGiB}, {3, std::nullopt}};
  CHECK(those({{1, "a", 30 * kGiB}, {2, "a", 34 * kGiB}}) == Keys{});
  CHECK(read == Keys{});  // there is not too much of any kind
  CHECK(those({{1, "a", 30 * kGiB}, {2, "a", 40 * kGiB}}) == Keys{});
  CHECK(read == Keys{2, 1});
  CHECK(those({{1, "a", 30 * kGiB}, {2, "a", 40 * kGiB}, {3, "a", 50 * kGiB}}) == Keys{3});
  CHECK(read == Keys{3});
  files[1] = 63 * kGiB;
  CHECK(those({{1, "a", 90 * kGiB}, {2, "a", 40 * kGiB}}) == Keys{1});
  CHECK(read == Keys{1});
}
