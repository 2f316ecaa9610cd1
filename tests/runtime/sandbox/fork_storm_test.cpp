#include "runtime/sandbox/fork_storm.hpp"

#include <doctest/doctest.h>

#include "runtime/sandbox/sandbox.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using sandbox::ForkStorm;

namespace {

/// Looks as often as a sandbox does; when it was a storm, in seconds, of `refused_in` each second.
template <class RefusedIn>
std::optional<int> storm_after(RefusedIn refused_in) {
  ForkStorm storm;
  std::uint64_t refused = 0;
  const base::Instant begin = base::Instant{} + 1h;
  constexpr int kLooks = 1s / sandbox::kWatchPeriod;
  for (int second = 0; second < 60; ++second)
    for (int look = 0; look < kLooks; ++look) {
      if (look == kLooks / 2) refused += refused_in(second);
      if (storm.seen(begin + second * 1s + look * sandbox::kWatchPeriod, refused)) return second;
    }
  return std::nullopt;
}

}  // namespace

TEST_CASE("fork storm: over a thousand refused in a second") {
  CHECK(storm_after([](int second) { return second == 3 ? 1'001 : 0; }) == 3);
  CHECK(!storm_after([](int second) { return second == 3 ? 1'000 : 0; }));
}

TEST_CASE("fork storm: a slow one, as of a busy machine or of a shell that waits between two") {
  CHECK(storm_after([](int) { return 150; }) == 4);
  CHECK(storm_after([](int) { return 20; }) == 5);
  CHECK(storm_after([](int second) { return second % 2 == 0 ? 40 : 0; }) == 8);
}

TEST_CASE("fork storm: who meets its limit and lives with it makes none") {
  CHECK(!storm_after([](int second) { return second < 4 ? 900 : 0; }));
  CHECK(!storm_after([](int) { return 10; }));
  CHECK(!storm_after([](int second) { return second % 3 == 0 ? 500 : 0; }));  // four of ten seconds
}
