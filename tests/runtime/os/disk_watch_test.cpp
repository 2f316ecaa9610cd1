// The watch over a disk's files, on real threads.
#include "runtime/os/disk_watch.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <stdlib.h>

#include <filesystem>
#include <mutex>

#include "runtime/os/disk.hpp"

namespace troupe::os {
namespace {

using namespace std::chrono_literals;

TEST_CASE("disk watch: a data directory that is moved away is reported once, by its path") {
  std::string folder = (std::filesystem::temp_directory_path() / "troupe-watch-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const auto disk = open_disk(folder + "/n").value();
  std::mutex mutex;
  std::vector<std::string> told;
  const auto count = [&] {
    const std::lock_guard hold(mutex);
    return told.size();
  };
  {
    DiskWatch watch(
        *disk,
        [&](const std::string& path) {
          const std::lock_guard hold(mutex);
          told.push_back(path);
        },
        1ms);
    CHECK(count() == 0);
    std::filesystem::rename(folder + "/n", folder + "/away");
    const auto end = std::chrono::steady_clock::now() + 30s;  // only a broken watch reaches it
    while (!watch.ended() && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 1);
    CHECK(watch.ended());
  }
  CHECK(told == std::vector<std::string>{folder + "/n"});
  std::filesystem::remove_all(folder);
}

TEST_CASE("disk watch: it ends when it is asked to, and tells nothing of a directory in place") {
  std::string folder = (std::filesystem::temp_directory_path() / "troupe-watch-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const auto disk = open_disk(folder).value();
  bool told = false;
  {
    const DiskWatch watch(*disk, [&](const std::string&) { told = true; });
  }
  CHECK_FALSE(told);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace troupe::os
