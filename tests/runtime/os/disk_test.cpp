#include "runtime/os/disk.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>

#include "runtime/base/descriptor.hpp"

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

TEST_CASE("os disk: too many open files is an error of its own") {
  const std::string folder =
      std::filesystem::temp_directory_path().string() + "/troupe-disk-" + std::to_string(::getpid());
  const auto disk = os::open_disk(folder);
  REQUIRE(disk.ok());
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const base::Descriptor next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  rlimit none_left = before;
  none_left.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none_left) == 0);
  const auto opened = disk.value()->open("file", ports::OpenMode::append);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  std::filesystem::remove_all(folder);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.error() == ports::DiskError::too_many);
  CHECK(ports::name(opened.error()) == "too many open files (ulimit -n)");
}
