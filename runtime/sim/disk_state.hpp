#pragma once
// The state of a simulated disk: inodes, names, changes that are not on the device yet, planned faults.
// Private to runtime/sim/disk*.cpp.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/sim/content.hpp"
#include "runtime/sim/disk.hpp"

namespace troupe::sim {

struct Inode;
using InodePtr = std::shared_ptr<Inode>;
using Names = std::map<std::string, InodePtr, std::less<>>;

/// A file or a directory.
struct Inode {
  bool directory = false;
  bool named = false;            // its bytes count as used
  std::uint64_t lock_epoch = 0;  // the epoch in which it was locked; zero if it is free

  Content content;           // as programs see it
  std::uint64_t stable = 0;  // leading bytes of `content` that are on the device
  Content lost;              // bytes of the device beyond `stable`: an unsynced truncate removed them

  Names names;      // as programs see them
  Names on_device;  // as a crash leaves them, except for pending changes

  void settle() {
    stable = content.size();
    lost.cut(0);
  }
};

/// A change of names that no sync has confirmed: `from` disappears, `to` becomes a name of `what`. `from` or `to` may
/// be absent.
struct NameChange {
  struct Entry {
    InodePtr directory;
    std::string name;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  std::optional<Entry> from;
  std::optional<Entry> to;
  InodePtr what;

  void perform() const;
};

/// The directory of the last part of a path, and that part.
struct DirectoryEntry {
  InodePtr directory;
  std::string name;

  InodePtr inode() const {
    const auto found = directory->names.find(name);
    return found == directory->names.end() ? nullptr : found->second;
  }
};

struct Disk::State {
  // The contents.
  InodePtr root;
  std::vector<NameChange> pending;
  std::uint64_t used = 0;  // bytes of all files that have a name

  // Users and planned faults.
  std::uint64_t epoch = 1;  // of the present users
  std::uint64_t capacity = 0;
  std::multiset<std::uint64_t> limits;  // of the capacity, temporary
  struct Fault {
    ports::DiskError error;
    std::uint64_t after;
    std::function<void()> hit;
  };
  std::array<std::optional<Fault>, 3> faults;
  std::optional<std::uint64_t> halt_in;
  bool halted = false;
  bool lies = false;
  bool gone = false;            // the directory was removed
  base::Duration operation{0};  // duration of one operation
  base::Duration owed{0};
  std::uint64_t operations = 0;
  std::function<void(base::ByteView)> told;  // called with written bytes

  State();

  enum class Effect : std::uint8_t { looks, changes };
  /// Begins an operation: counts it, and returns an error if the device no longer responds.
  ports::DiskResult<void> admit(Effect effect);
  /// Returns the fault that is planned for this operation, or nullopt.
  std::optional<ports::DiskError> fault(DiskOperation what);

  std::uint64_t room() const {
    const std::uint64_t bytes = limits.empty() ? capacity : std::min(capacity, *limits.begin());
    return used < bytes ? bytes - used : 0;
  }

  // Content.
  ports::DiskResult<void> append(Inode& file, base::ByteView bytes);
  ports::DiskResult<void> fill(Inode& file, std::uint64_t bytes);
  void cut(Inode& file, std::uint64_t bytes);

  // Names.
  ports::DiskResult<DirectoryEntry> locate(std::string_view path) const;
  ports::DiskResult<InodePtr> directory(std::string_view path) const;
  void change(std::optional<DirectoryEntry> from, std::optional<DirectoryEntry> to, const InodePtr& what);
  InodePtr make(const DirectoryEntry& place, bool directory);
  /// Makes the changes of one directory's names durable, and the earlier changes that they depend on.
  void settle(const InodePtr& directory);

  /// A function that each() calls with every file and its path, in the order of names.
  using Seen = std::function<void(const std::string& path, Inode& file)>;
  void each(const Seen& seen) const;
  /// Recomputes the used bytes of all named files after a crash.
  void recount();

 private:
  std::pair<std::uint64_t, std::optional<ports::DiskError>> writable(std::uint64_t bytes);
};

}  // namespace troupe::sim
