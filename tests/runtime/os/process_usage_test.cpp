#include "runtime/os/process_usage.hpp"

#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include <array>

#include "runtime/os/clock.hpp"
#include "runtime/os/descriptor.hpp"

using namespace troupe;
using namespace troupe::os;
using namespace std::chrono_literals;

TEST_CASE("process: the kernel tells what this process uses") {
  const ProcessUsage usage = process_usage();
  CHECK(usage.cpu > 0ns);
  REQUIRE(usage.resident_bytes.has_value());
  REQUIRE(usage.virtual_bytes.has_value());
  CHECK(*usage.resident_bytes > 100'000);
  CHECK(*usage.virtual_bytes >= *usage.resident_bytes);
  REQUIRE(usage.started.has_value());
  const Clock clock;
  CHECK(*usage.started <= clock.wall() + 1s);  // the start is told in whole hundredths of a second
  CHECK(clock.wall() - *usage.started < 24h);
}

TEST_CASE("process: descriptors are counted as they open and close") {
  const auto open = [] { return process_usage().descriptors_open.value(); };
  const std::uint64_t before = open();
  CHECK(before >= 3);
  CHECK(before <= process_usage().descriptors_max.value());
  {
    std::array<Descriptor, 5> more;
    for (auto& one : more) one = Descriptor(::eventfd(0, EFD_CLOEXEC));
    CHECK(open() == before + 5);
  }
  CHECK(open() == before);
}
