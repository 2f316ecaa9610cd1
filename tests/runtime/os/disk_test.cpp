#include "runtime/os/disk.hpp"

#include <doctest/doctest.h>

using namespace troupe;

TEST_CASE("os disk: a device that runs out of files first has less free than its bytes") {
  struct statvfs device {};
  device.f_frsize = 4'096;
  device.f_bavail = 1'000'000;
  CHECK(os::free_of(device) == 4'096'000'000);  // one that tells of no files
  device.f_files = 2'000'000;
  device.f_favail = 1'000;
  CHECK(os::free_of(device) == 1'000 * os::kFileTakes);
  device.f_favail = 0;
  CHECK(os::free_of(device) == 0);
  device.f_favail = UINT64_MAX;
  CHECK(os::free_of(device) == 4'096'000'000);
}
