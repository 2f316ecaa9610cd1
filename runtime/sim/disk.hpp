#pragma once
// The Disk port of one simulated node: files in memory that forget at a crash what was not synced.
//
// Files   a file is what programs see, and what is on the device: a synced prefix, plus what an unsynced truncate
//         has cut. A crash keeps the device's state, all that was written, or the device's and a prefix of the rest.
// Names   a created, renamed or removed name is on the device after sync_directory(). Until then a crash keeps or
//         loses each such change on its own; a rename is one change. Only the changes of one file keep their order,
//         which is harsher than a journal is: code that survives here does not lean on ext4.
// Power   halt_after() places the crash: the operation at which the power fails and all later ones are `io`.
// Chance  only crash() draws, from what its caller hands in, in an order that the names define.
// Grow    every operation passes State::admit() and every survivor is chosen in survive(): torn writes, syncs that
//         lie and slow devices have their place there.
// Threads one. Files and locks from before a crash are dead: files answer `io`, locks hold nothing.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/base/random.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::sim {

inline constexpr std::uint64_t kDiskBytes = std::uint64_t{1} << 40;  // our choice: 1 TiB, more than memory holds

/// What a planned fault hits.
enum class DiskOperation : std::uint8_t {
  read,   ///< File::read
  write,  ///< File::append: half of the bytes are written
  sync,   ///< File::sync and sync_directory: nothing becomes durable
};

class Disk final : public ports::Disk {
 public:
  explicit Disk(std::uint64_t capacity = kDiskBytes);
  ~Disk() override;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  ports::DiskResult<std::unique_ptr<ports::File>> open(std::string_view path, ports::OpenMode mode) override;
  ports::DiskResult<void> rename(std::string_view from, std::string_view to) override;
  ports::DiskResult<void> remove(std::string_view path) override;
  ports::DiskResult<void> make_directory(std::string_view path) override;
  ports::DiskResult<void> sync_directory(std::string_view path) override;
  ports::DiskResult<std::vector<std::string>> list(std::string_view path) override;
  ports::DiskResult<std::uint64_t> size(std::string_view path) override;
  ports::DiskResult<std::unique_ptr<ports::DiskLock>> lock(std::string_view path) override;
  ports::DiskResult<std::uint64_t> free_bytes() override;

  /// Bytes that all files together may hold; fewer than they hold now makes the disk full.
  void set_capacity(std::uint64_t bytes);

  /// Plans one fault: after `after` more operations of that kind, one fails with `error`. A later plan for the
  /// same kind replaces it.
  void fail(DiskOperation what, ports::DiskError error, std::uint64_t after = 0);

  /// Lets `operations` more changes of the disk happen; then every operation is `io` until crash().
  void halt_after(std::uint64_t operations);

  /// Operations so far that may have changed the disk: what halt_after() counts.
  std::uint64_t operations() const;

  /// The process that uses it is gone: its files and locks are dead, what it wrote stays. Plans of faults stay too.
  void revoke();

  /// Hears of the bytes of every append(), those that failed included: for the hash of a world.
  void on_write(std::function<void(base::ByteView)> told);

  /// The power fails and returns: unsynced content and names survive or not as `random` draws, locks are released,
  /// plans of fail() and halt_after() are forgotten.
  void crash(base::Random& random);

  /// Flips the bits of `mask` in one byte of a file, on the device too. False if there is no such byte.
  bool corrupt(std::string_view path, std::uint64_t offset, std::uint8_t mask);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace troupe::sim
