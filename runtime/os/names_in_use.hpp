#pragma once
// The files that a disk has open for writing, and whether their names still lead to them.
//
// Lost     a name that another program removed or redirected (rm -rf, mv, umount). Data that is written afterwards
//          disappears when the process ends, so the first lost name is remembered forever.
// Checked  device and inode of the root and of each open file are compared with the present target of its name.
// Threads  any.
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::os {

class NamesInUse {
 public:
  using Id = std::uint64_t;

  /// `root` is the open directory `path`; it must outlive the calls of find_lost().
  NamesInUse(int root, std::string path);
  NamesInUse(const NamesInUse&) = delete;
  NamesInUse& operator=(const NamesInUse&) = delete;

  /// Records that `path` below the root leads to the open file `fd`.
  Id add(std::string_view path, int fd);
  /// Call before the file is closed. Checks its name once more, because opening a lost name would create a new file.
  void drop(Id id);

  /// Whether a name was lost.
  bool lost() const { return is_lost_; }
  /// Checks all names. Returns the name that was lost first, with the path of the root, or nullopt if no name is lost.
  std::optional<std::string> find_lost();
  /// Records the name of an open file as lost if the file has no name left and this disk has not removed it.
  void check(Id id, int fd);

  /// The names of open files that a change of a path affects. They are not checked until put() or drop().
  struct Taken {
    Id id;
    std::string path;
  };
  std::vector<Taken> take(std::string_view path);
  /// Checks these names again from now on, with `to` in place of `from`.
  void put(const std::vector<Taken>& names, std::string_view from, std::string_view to);

 private:
  struct Place {
    dev_t device = 0;
    ino_t inode = 0;
  };
  struct Name {
    std::string path;
    Place place;
    bool taken = false;
  };
  static bool leads_to(int directory, const std::string& path, int flags, const Place& place);
  void check_name(const Name& name);
  void remember(const std::string& path);

  const int root_;
  const std::string root_path_;
  Place root_place_;
  std::mutex mutex_;
  std::map<Id, Name> names_;
  Id next_ = 1;
  std::optional<std::string> lost_;
  std::atomic<bool> is_lost_{false};
};

}  // namespace troupe::os
