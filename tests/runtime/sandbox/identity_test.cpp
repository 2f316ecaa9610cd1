#include "runtime/sandbox/identity.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace troupe::sandbox;

namespace {

constexpr const char* kWhole = "         0          0 4294967295\n";
constexpr const char* kContainer = "         0     100000      65536\n";

}  // namespace

TEST_CASE("sandbox ids: processes that live at the same time get ids of their own") {
  std::set<std::uint32_t> taken;
  for (pid_t process = 1; process <= 32'768; ++process) {
    const auto first = unused_ids(kWhole, process);
    CHECK(first >= 0x7000'0000);
    CHECK(first < 0x7fff'ffff);
    CHECK(taken.insert(first).second);
    CHECK(taken.insert(first + 1).second);
  }
}

TEST_CASE("sandbox ids: in a container they are of the upper half of its own") {
  std::set<std::uint32_t> taken;
  for (pid_t process = 1; process <= 16'000; ++process) {
    const auto first = unused_ids(kContainer, process);
    CHECK(first >= 32'768);
    CHECK(first + 1 < 65'536);
    taken.insert(first);
  }
  CHECK(taken.size() == 16'000);
}

TEST_CASE("sandbox ids: where too few may be mapped there are none") {
  CHECK(unused_ids("", 1) == 0);
  CHECK(unused_ids("0 1000 1\n", 1) == 0);
  CHECK(unused_ids("nonsense\n", 1) == 0);
}
