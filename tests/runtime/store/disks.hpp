#pragma once
// Both disks for tests that must hold on either, and small helpers.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/os/disk.hpp"
#include "runtime/sim/disk.hpp"
#include "runtime/store/database.hpp"

namespace troupe {

/// A disk below a new directory of the machine, gone with the object.
class OnLinux {
 public:
  OnLinux() {
    std::string pattern = (std::filesystem::temp_directory_path() / "troupe-disk-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    root_ = pattern;
    auto opened = os::open_disk(root_);
    REQUIRE(opened.ok());
    disk_ = std::move(opened).value();
  }
  ~OnLinux() { std::filesystem::remove_all(root_); }
  OnLinux(const OnLinux&) = delete;
  OnLinux& operator=(const OnLinux&) = delete;

  ports::Disk& disk() { return *disk_; }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
  std::unique_ptr<ports::Disk> disk_;
};

/// A disk in memory.
class InSimulation {
 public:
  ports::Disk& disk() { return disk_; }

 private:
  sim::Disk disk_;
};

/// A database that opens here or says why not.
inline store::StoreResult<std::unique_ptr<store::Database>> try_database(ports::Disk& disk) {
  return store::Database::open(disk, "store", {store::Background::here});
}

/// The whole of a file; fails the test if it cannot be read.
inline std::string contents(ports::Disk& disk, std::string_view path) {
  const auto file = disk.open(path, ports::OpenMode::read);
  REQUIRE(file.ok());
  std::string text(file.value()->size().value(), '\0');
  const auto got = file.value()->read(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  REQUIRE(got.ok());
  REQUIRE(got.value() == text.size());
  return text;
}

/// Replaces a file; fails the test if it cannot be written.
inline void write(ports::Disk& disk, std::string_view path, std::string_view text) {
  auto file = disk.open(path, ports::OpenMode::replace);
  REQUIRE(file.ok());
  REQUIRE(file.value()->append(base::as_bytes(text)).ok());
  REQUIRE(file.value()->sync().ok());
}

}  // namespace troupe
