#include "runtime/sandbox/log_watch.hpp"

#include <doctest/doctest.h>

#include <map>
#include <numeric>
#include <vector>

using namespace troupe;
using namespace troupe::sandbox;
using namespace std::chrono_literals;

namespace {

/// Looks each 200 ms at programs whose processes follow from the number of the look.
struct Looks {
  /// Those that are ended in the next looks, each with that number of lines more.
  std::vector<std::uint64_t> with(std::size_t lines, int looks) {
    std::vector<std::uint64_t> out;
    for (int i = 0; i < looks; ++i, ++look) {
      const auto ended = watch.one_to_end(lines, base::Instant(10s) + look * 200ms, programs,
                                          [&](std::uint64_t program) { return processes(program, look); });
      if (!ended) continue;
      out.push_back(*ended);
      std::erase(programs, *ended);
    }
    return out;
  }

  std::vector<std::uint64_t> (*processes)(std::uint64_t program, int look);
  std::vector<std::uint64_t> programs{1, 2, 3};
  LogWatch watch{};
  int look = 0;
};

}  // namespace

// A file of 120 bytes that was started again and again: 57 GB of the kernel's log a day.
TEST_CASE("sandbox log: of those that fill the kernel's log one after the other ends, most processes first") {
  Looks looks{[](std::uint64_t program, int look) {
    const auto made = static_cast<std::uint64_t>(look) * (program == 2 ? 100 : program == 3 ? 10 : 0);
    return std::vector<std::uint64_t>{2, 3 + made};
  }};
  CHECK(looks.with(300, 3).empty());
  CHECK(looks.with(300, 1) == std::vector<std::uint64_t>{2});
  CHECK(looks.with(300, 2) == std::vector<std::uint64_t>{3});
  CHECK(looks.with(300, 20).empty());  // the first one makes none
}

TEST_CASE("sandbox log: some lines a second are no harm, however long, and neither are processes") {
  Looks looks{[](std::uint64_t program, int look) {
    return std::vector<std::uint64_t>{2, program * static_cast<std::uint64_t>(look)};
  }};
  CHECK(looks.with(LogWatch::kLinesASecond / 5, 1'000).empty());
  CHECK(looks.with(LogWatch::kLinesMost - 1, 1).empty());
  CHECK(looks.with(0, 1'000).empty());
}

TEST_CASE("sandbox log: a process that stays, with the largest number, hides none that come and go") {
  Looks looks{[](std::uint64_t program, int look) {
    const auto next = program == 3 ? static_cast<std::uint64_t>(5 + look % 90) : 4;
    return std::vector<std::uint64_t>{32'767, next};
  }};
  CHECK(looks.with(600, 4) == std::vector<std::uint64_t>{3});
}

TEST_CASE("sandbox log: lines that programs make are known in the kernel's words") {
  CHECK(
      is_of_programs("6,1339,5140900,-;4711 (u): Uhuuh, elf segment at 00007ff800000000 requested but the memory is "
                     "mapped already\n"));
  CHECK_FALSE(is_of_programs("6,1339,5140900,-;eth0: link becomes ready\n"));
  CHECK_FALSE(is_of_programs(""));
  KernelLog log;
  CHECK(log.lines_of_programs() < 1'000);
}
