#include "actors/task/logic/line.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

constexpr base::Instant kNow{100h};
constexpr Used kMost{.slots = 4'000, .descriptors = 512, .pids = 4'096, .memory = 1'000};

Used cores(std::uint32_t thousandths) { return {.slots = thousandths, .descriptors = 2, .pids = 64, .memory = 1}; }

Line line(const std::vector<Line::Running>& running, const Used& head) {
  Used used;
  for (const auto& one : running) used += one.used;
  REQUIRE_FALSE(used.fits(head, kMost));
  return {used, kMost, head, running, kNow};
}

}  // namespace

TEST_CASE("line: those that end before the large one fits may pass it, and those that fit beside it") {
  Line it = line({{kNow + 24h, cores(10)}, {kNow + 1h, cores(3'000)}}, cores(3'000));
  CHECK(it.lets_pass({kNow + 1h, cores(900)}));
  CHECK_FALSE(it.lets_pass({kNow + 1h + 1ns, cores(991)}));
  CHECK(it.lets_pass({kNow + 2h, cores(600)}));
  it.passed({kNow + 1h, cores(900)});  // it is gone by then
  CHECK(it.lets_pass({kNow + 2h, cores(600)}));
  it.passed({kNow + 2h, cores(600)});
  CHECK_FALSE(it.lets_pass({kNow + 2h, cores(600)}));
  CHECK(it.lets_pass({kNow + 2h, cores(390)}));
}

TEST_CASE("line: a small task of a day and a large one behind it keep none waiting that takes less") {
  const Line it = line({{kNow + 24h, cores(10)}}, cores(4'000));
  CHECK(it.lets_pass({kNow + 1h, cores(1'000)}));
  CHECK_FALSE(it.lets_pass({kNow + 25h, cores(1'000)}));
}

TEST_CASE("line: what is overdue promises nothing, and so nothing waits for it") {
  CHECK(line({{kNow, cores(10)}}, cores(4'000)).lets_pass({kNow + 24h, cores(1'000)}));
  CHECK(line({{kNow, cores(10)}, {kNow + 1h, cores(1'000)}}, cores(4'000)).lets_pass({kNow + 24h, cores(1'000)}));
  CHECK_FALSE(line({{kNow, cores(10)}, {kNow + 1h, cores(1'000)}}, cores(3'900)).lets_pass({kNow + 24h, cores(1'000)}));
}

TEST_CASE("line: small ones that keep coming do not put off the large one") {
  std::vector<Line::Running> running{{kNow + 10min, cores(1'000)}, {kNow + 30min, cores(1'000)}};
  const Used head = cores(4'000);
  base::Instant begins{};
  for (base::Instant now = kNow; begins == base::Instant{} && now < kNow + 24h; now = now + 1min) {
    std::erase_if(running, [&](const auto& one) { return one.ends <= now; });
    Used used;
    for (const auto& one : running) used += one.used;
    if (used.fits(head, kMost)) {
      begins = now;
      break;
    }
    Line it(used, kMost, head, running, now);
    for (const base::Duration time : {base::Duration(5min), base::Duration(20min), base::Duration(1h)}) {
      const Line::Running one{now + time, cores(500)};
      if (!used.fits(one.used, kMost) || !it.lets_pass(one)) continue;
      it.passed(one);
      used += one.used;
      running.push_back(one);
    }
  }
  CHECK(begins == kNow + 30min);
}

TEST_CASE("line: each of the four things may be what is lacking") {
  const Used used{.slots = 1'000, .descriptors = 2, .pids = 64, .memory = 500};
  CHECK(used.fits({.slots = 3'000, .descriptors = 510, .pids = 4'032, .memory = 500}, kMost));
  CHECK_FALSE(used.fits({.slots = 3'001}, kMost));
  CHECK_FALSE(used.fits({.descriptors = 511}, kMost));
  CHECK_FALSE(used.fits({.pids = 4'033}, kMost));
  CHECK_FALSE(used.fits({.memory = 501}, kMost));
  CHECK_FALSE(used.fits({}, {.slots = 999, .descriptors = 2, .pids = 64, .memory = 500}));
}
