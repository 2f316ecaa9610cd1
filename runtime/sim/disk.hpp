#pragma once
// The Disk port of one simulated machine: files in memory that lose at a crash what was not synced.
//
// Files   the device has a synced prefix of each file. A crash keeps that, all that was written, or a part of the rest.
// Refusal what a failed sync was to write stays readable, and no later sync writes it; the next crash shows which pages
//         the device has ("fsyncgate", 2018).
// Names   a created, renamed or removed name is durable after sync_directory(). Until then a crash keeps or loses each
//         change on its own, but for the order of one file's changes: harsher than a journal.
// Power   halt_after() sets the operation at which the power fails; it and all later ones answer `io`.
// Lives   files, locks and views from before a crash, revoke(), wipe() or swap() answer `io`, and locks hold nothing.
// Faults  plans belong to the machine: swap() moves contents alone. crash() forgets all plans but limit() and slow().
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

inline constexpr std::uint64_t kDiskBytes = std::uint64_t{1} << 40;  // our choice: 1 TiB, more than memory holds

/// What a planned fault hits.
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

  // As the view of its present user.
  ports::DiskResult<std::unique_ptr<ports::File>> open(std::string_view path, ports::OpenMode mode) override;
  ports::DiskResult<void> rename(std::string_view from, std::string_view to) override;
  ports::DiskResult<void> remove(std::string_view path) override;
  ports::DiskResult<void> make_directory(std::string_view path) override;
  ports::DiskResult<void> sync_directory(std::string_view path) override;
  ports::DiskResult<std::vector<std::string>> list(std::string_view path) override;
  ports::DiskResult<std::uint64_t> size(std::string_view path) override;
  ports::DiskResult<std::unique_ptr<ports::DiskLock>> lock(std::string_view path) override;
  ports::DiskResult<std::string> show(std::string_view path) override;
  /// The folder has the archive as its one file: what runs here are scripts (programs.hpp), which look at no root.
  ports::DiskResult<std::unique_ptr<ports::Unpacking>> unpack(std::string_view archive, std::string_view to) override;
  ports::DiskResult<std::uint64_t> free_bytes() override;
  std::optional<std::string> lost() override;

  /// Bytes that all files together may hold; fewer than they hold now makes the disk full.
  void set_capacity(std::uint64_t bytes);
  /// The same for a while, beside the capacity and other limits, of which the least counts: until lift() was called
  /// with the same number.
  void limit(std::uint64_t bytes);
  void lift(std::uint64_t bytes);
  /// Bytes that all files together hold.
  std::uint64_t used_bytes() const;
  /// Of these, the ones that are kept in memory.
  std::uint64_t real_bytes() const;

  /// Plans one fault: after `after` more operations of that kind, one fails with `error`, and `hit` is called as it
  /// does. A later plan for the same kind replaces it.
  void fail(DiskOperation what, ports::DiskError error, std::uint64_t after = 0, std::function<void()> hit = {});

  /// Forgets all plans of fail().
  void forgive();

  /// Lets `operations` more changes of the disk happen; then every operation is `io` until crash().
  void halt_after(std::uint64_t operations);
  /// Whether that is planned or has happened; whether it has.
  bool halting() const;
  bool halted() const;

  /// Operations so far that may have changed the disk: what halt_after() counts.
  std::uint64_t operations() const;

  /// From now on syncs answer that they have done what they have not, until this is taken back or the power fails.
  /// A later honest sync makes durable what the earlier ones did not.
  void lie(bool lies);
  bool lying() const;

  /// From now on each operation takes that much `longer`, which owed() adds up; a negative one takes that back.
  void slow(base::Duration longer);
  base::Duration owed() const;
  base::Duration take_owed();

  /// Somebody removes the data directory under the process: each change is `gone` from now on. The next crash() or
  /// revoke() brings it back as it was.
  void lose();

  /// The process that uses it is gone: its files, locks and views are dead, what it wrote stays, plans of faults too.
  void revoke();

  /// Hears of the bytes of every append(), those that failed included: for the hash of a world.
  void on_write(std::function<void(base::ByteView)> told);

  /// The power fails and returns: unsynced content and names survive or not as `random` draws.
  void crash(base::Random& random);

  /// An empty disk takes its place.
  void wipe();
  /// Another disk with the same files, all of them durable.
  std::unique_ptr<Disk> copy() const;
  /// Each gets what lies on the other. Their machines are off.
  void swap(Disk& other);

  /// Leaves `per_mille` thousandths of what the device has of one file, which `random` draws of those that are `wanted`.
  /// Returns its path, or nullopt if there is none.
  std::optional<std::string> cut(base::Random& random, std::uint64_t per_mille,
                                 const std::function<bool(std::string_view path)>& wanted);

  /// Flips the bits of `mask` in one byte of a file, on the device too. False if there is no such byte.
  bool corrupt(std::string_view path, std::uint64_t offset, std::uint8_t mask);

  struct Rotten {
    std::string path;
    std::uint64_t offset = 0;
    friend bool operator==(const Rotten&, const Rotten&) = default;
  };
  /// Changes one byte that lies on the device: `which` draws first the file, then the byte, so that small files are hit
  /// as often as large ones, and the end of a file more often than the rest. Never a file that is `exempt`. Nothing if
  /// there is no such byte.
  std::optional<Rotten> rot(std::uint64_t which, const std::function<bool(std::string_view path)>& exempt = {});

  struct State;

 private:
  friend class DiskView;
  std::shared_ptr<State> state_;
};

/// A disk as one life of its machine sees it: dead with that life, whatever lies there later.
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
