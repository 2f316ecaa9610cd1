#pragma once
// A disk of one directory in memory, that can fail or crash after a number of operations.
#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "runtime/base/random.hpp"
#include "runtime/ports/chance.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::tests {

class MemoryDisk final : public ports::Disk {
 public:
  template <class T>
  using Out = ports::DiskResult<T>;

  std::map<std::string, base::Bytes, std::less<>> files;
  int operations_left = 1'000'000;  ///< after that many changes every further one fails
  ports::DiskError failure = ports::DiskError::io;

  Out<std::unique_ptr<ports::File>> open(std::string_view path, ports::OpenMode mode) override {
    const auto found = files.find(path);
    if (mode == ports::OpenMode::read && found == files.end()) return ports::DiskError::not_found;
    if (mode == ports::OpenMode::replace) {
      if (!take_operation()) return failure;
      files[std::string(path)].clear();
    }
    return std::unique_ptr<ports::File>(new MemoryFile(*this, std::string(path)));
  }
  Out<void> rename(std::string_view from, std::string_view to) override {
    if (!take_operation()) return failure;
    files[std::string(to)] = files.at(std::string(from));
    files.erase(std::string(from));
    return {};
  }
  Out<void> sync_directory(std::string_view) override { return change(); }
  Out<void> remove(std::string_view) override { return ports::DiskError::denied; }
  Out<void> make_directory(std::string_view) override { return ports::DiskError::denied; }
  Out<std::vector<std::string>> list(std::string_view) override { return ports::DiskError::denied; }
  Out<std::uint64_t> size(std::string_view) override { return ports::DiskError::denied; }
  Out<std::unique_ptr<ports::DiskLock>> lock(std::string_view) override { return ports::DiskError::denied; }
  Out<std::string> show(std::string_view) override { return ports::DiskError::denied; }
  Out<std::uint64_t> free_bytes() override { return std::uint64_t{0}; }

 private:
  class MemoryFile final : public ports::File {
   public:
    MemoryFile(MemoryDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
    Out<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> out) const override {
      const base::Bytes& bytes = disk_.files.at(path_);
      const std::size_t from = std::min<std::size_t>(offset, bytes.size());
      const std::size_t count = std::min(out.size(), bytes.size() - from);
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(from), count, out.begin());
      return count;
    }
    Out<void> append(base::ByteView bytes) override {
      base::Bytes& to = disk_.files[path_];
      if (!disk_.take_operation()) {
        to.insert(to.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2));
        return disk_.failure;
      }
      to.insert(to.end(), bytes.begin(), bytes.end());
      return {};
    }
    Out<void> sync() override { return disk_.change(); }
    Out<void> truncate(std::uint64_t) override { return ports::DiskError::denied; }
    Out<std::uint64_t> size() const override { return std::uint64_t{disk_.files.at(path_).size()}; }

   private:
    MemoryDisk& disk_;
    std::string path_;
  };

  bool take_operation() { return operations_left > 0 && operations_left-- > 0; }
  Out<void> change() {
    if (!take_operation()) return failure;
    return {};
  }
};

/// Chance that replays.
class SeededChance final : public ports::Chance {
 public:
  explicit SeededChance(std::uint64_t seed) : random_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_.below(256));
  }

 private:
  base::Random random_;
};

}  // namespace troupe::tests
