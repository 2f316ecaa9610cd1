#pragma once
// The Disk port of one simulated machine: files in memory that lose unsynced data at a crash.
//
// Files   the device has a synced prefix of each file. A crash keeps that prefix, all written bytes, or the prefix and
//         a part of the rest.
// Refusal data of a failed sync stays readable, and no later sync writes it; the next crash decides which of its pages
//         the device has ("fsyncgate", 2018).
// Names   a change of a name (created, renamed, removed) is durable after sync_directory(). Until then a crash keeps or
//         loses each change independently, except that changes of one file keep their order: harsher than a journal.
// Power   halt_after() sets the operation at which the power fails; it and all later operations return `io`.
// Lives   files, locks and views from before a crash, revoke(), wipe() or swap() return `io`, and their locks are void.
// Faults  plans belong to the machine: swap() moves only contents. crash() forgets all plans except limit() and slow().
// Memory  the contents of the files, without filler (File::fill). Threads: one.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/base/random.hpp"
#include "runtime/base/time.hpp"
#include "runtime/ports/disk.hpp"

namespace troupe::sim {

inline constexpr std::uint64_t kDiskBytes = std::uint64_t{1} << 40;  // our choice: 1 TiB, more than fits into memory

/// The operations that a planned fault can hit.
enum class DiskOperation : std::uint8_t {
  read,   ///< File::read
  write,  ///< File::append and fill: half of the bytes are written
  sync,   ///< File::sync: nothing becomes durable, now or later; sync_directory: nothing does now
};

class Disk final : public ports::Disk {
 public:
  explicit Disk(std::uint64_t capacity = kDiskBytes);
  ~Disk() override;
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  // These work like the view of the present user.
  ports::DiskResult<std::unique_ptr<ports::File>> open(std::string_view path, ports::OpenMode mode) override;
  ports::DiskResult<void> rename(std::string_view from, std::string_view to) override;
  ports::DiskResult<void> remove(std::string_view path) override;
  ports::DiskResult<void> make_directory(std::string_view path) override;
  ports::DiskResult<void> sync_directory(std::string_view path) override;
  ports::DiskResult<std::vector<std::string>> list(std::string_view path) override;
  ports::DiskResult<std::uint64_t> size(std::string_view path) override;
  ports::DiskResult<std::unique_ptr<ports::DiskLock>> lock(std::string_view path) override;
  ports::DiskResult<std::string> show(std::string_view path) override;
  /// Makes a folder with the archive as its only file: simulated programs are scripts (programs.hpp), which do not read
  /// it.
  ports::DiskResult<std::unique_ptr<ports::Unpacking>> unpack(std::string_view archive, std::string_view to) override;
  ports::DiskResult<std::uint64_t> free_bytes() override;
  std::optional<std::string> lost() override;

  /// Sets the maximum size of all files together; the disk is full if they are larger now.
  void set_capacity(std::uint64_t bytes);
  /// Adds a temporary limit, until lift() is called with the same number. The smallest of the capacity and all limits
  /// counts.
  void limit(std::uint64_t bytes);
  void lift(std::uint64_t bytes);
  /// Returns the size of all files together.
  std::uint64_t used_bytes() const;
  /// Returns how many bytes of all files are in memory.
  std::uint64_t real_bytes() const;

  /// Plans one fault: after `after` more operations of that kind, the next fails with `error`, and `hit` is called at
  /// that moment. A later plan for the same kind replaces this plan.
  void fail(DiskOperation what, ports::DiskError error, std::uint64_t after = 0, std::function<void()> hit = {});

  /// Forgets all plans of fail().
  void forgive();

  /// Allows `operations` more changes of the disk; then every operation returns `io` until crash().
  void halt_after(std::uint64_t operations);
  /// halting() returns whether the power failure is planned or has happened; halted() returns whether it has happened.
  bool halting() const;
  bool halted() const;

  /// Returns the operations so far that may have changed the disk, as halt_after() counts them.
  std::uint64_t operations() const;

  /// With `lies`, syncs report success without effect, until lie(false) or a power failure. A later honest sync also
  /// makes the earlier data durable.
  void lie(bool lies);
  bool lying() const;

  /// Makes each operation take `longer` from now on, which owed() adds up; the negative value reverts that.
  void slow(base::Duration longer);
  base::Duration owed() const;
  base::Duration take_owed();

  /// Removes the data directory under the running process: each change returns `gone` from now on. The next crash() or
  /// revoke() restores the directory unchanged.
  void lose();

  /// Called when the disk's process has ended: its files, locks and views are dead, its written data and planned faults
  /// stay.
  void revoke();

  /// Passes the bytes of every append(), also of a failed append(): for the hash of a run.
  void on_write(std::function<void(base::ByteView)> told);

  /// Lets the power fail and return: `random` draws which unsynced content and names survive.
  void crash(base::Random& random);

  /// Replaces the disk's contents by an empty disk.
  void wipe();
  /// Returns another disk with the same files, all durable.
  std::unique_ptr<Disk> copy() const;
  /// Exchanges the contents of two disks, while their machines are off.
  void swap(Disk& other);

  /// Cuts one file, drawn by `random` from the files that are `wanted`, to `per_mille` thousandths of its bytes on the
  /// device. Returns its path, or nullopt if there is no such file.
  std::optional<std::string> cut(base::Random& random, std::uint64_t per_mille,
                                 const std::function<bool(std::string_view path)>& wanted);

  /// Flips the bits of `mask` in one byte of a file, on the device too. Returns false if there is no such byte.
  bool corrupt(std::string_view path, std::uint64_t offset, std::uint8_t mask);

  struct Rotten {
    std::string path;
    std::uint64_t offset = 0;
    friend bool operator==(const Rotten&, const Rotten&) = default;
  };
  /// Changes one byte on the device: `which` draws first the file, then the byte, so that small files are hit as often
  /// as large files, and the end of a file more often than the rest. Never an `exempt` file. Returns nullopt if there
  /// is no such byte.
  std::optional<Rotten> rot(std::uint64_t which, const std::function<bool(std::string_view path)>& exempt = {});

  struct State;

 private:
  friend class DiskView;
  std::shared_ptr<State> state_;
};

/// A disk as one life of its machine sees it: the view is dead after that life, whatever the disk contains later.
class DiskView final : public ports::Disk {
 public:
  explicit DiskView(const sim::Disk& disk);

  ports::DiskResult<std::unique_ptr<ports::File>> open(std::string_view path, ports::OpenMode mode) override;
  ports::DiskResult<void> rename(std::string_view from, std::string_view to) override;
  ports::DiskResult<void> remove(std::string_view path) override;
  ports::DiskResult<void> make_directory(std::string_view path) override;
  ports::DiskResult<void> sync_directory(std::string_view path) override;
  ports::DiskResult<std::vector<std::string>> list(std::string_view path) override;
  ports::DiskResult<std::uint64_t> size(std::string_view path) override;
  ports::DiskResult<std::unique_ptr<ports::DiskLock>> lock(std::string_view path) override;
  ports::DiskResult<std::string> show(std::string_view path) override;
  ports::DiskResult<std::unique_ptr<ports::Unpacking>> unpack(std::string_view archive, std::string_view to) override;
  ports::DiskResult<std::uint64_t> free_bytes() override;
  std::optional<std::string> lost() override;

 private:
  std::shared_ptr<sim::Disk::State> state_;
  std::uint64_t epoch_;
};

}  // namespace troupe::sim
