#pragma once
// Control groups: what counts and limits all processes of a sandbox together.
//
// Place    below the group of this process, "troupe-<8 hex>/<attempt>": v2 in the nearest group upwards that passes the
//          controllers on, v1 in each hierarchy that may be written to. None at all is no error: the watcher counts
//          then.
// Names    of an attempt begin with the number and the start of the process that made it; at the next start those
//          whose process is gone are removed.
// Source   Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/ of Linux.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/descriptor.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::sandbox {

enum class Controller : std::uint8_t { memory = 0, pids = 1, cpu = 2, cpuacct = 3 };
inline constexpr std::size_t kControllers = 4;

/// Where groups can be made: a folder for each controller, empty where it cannot.
struct CgroupPlaces {
  int version = 0;  ///< 1 or 2; 0: nowhere
  std::string folders[kControllers];
  friend bool operator==(const CgroupPlaces&, const CgroupPlaces&) = default;
};

/// What /proc/self/cgroup and /proc/self/mountinfo say: the folders of this process's own groups, writable or not.
CgroupPlaces own_groups(std::string_view cgroup, std::string_view mountinfo);

/// Where this process can make groups that limit memory and pids; version 0 if it cannot.
CgroupPlaces find_cgroups();

/// Removes what processes that are gone have left of that group, and the group itself if nothing is in it.
void remove_leftovers(const CgroupPlaces& places, const std::string& group);

/// Whether the kernel has ended processes of a group for want of memory, or has them wait: of the group's, or of all
/// that it lies in.
enum class Killed : std::uint8_t { none, for_its_limit, for_the_machine };

/// As memory.events of v2 says, and what it has of its limit.
Killed killed_in_v2(std::string_view events, std::uint64_t bytes, std::uint64_t limit);
/// As memory.oom_control of v1 says, and the most that it has had of its limit.
Killed killed_in_v1(std::string_view oom_control, std::uint64_t bytes_max, std::uint64_t limit);

class Cgroup {
 public:
  Cgroup() = default;  ///< none: nothing is limited, nothing counted
  /// Makes the groups and sets their limits; with `pids` for the init beside.
  /// Gives none if a limit cannot be set.
  static Cgroup make(const CgroupPlaces& places, const std::string& group, const Limits& limits);
  ~Cgroup() { remove(); }
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&& other) noexcept;

  int version() const { return places_.version; }
  bool has(Controller controller) const { return !places_.folders[static_cast<std::size_t>(controller)].empty(); }
  /// v2: the folder, for a process that is born in it. Invalid otherwise.
  int folder() const { return folder_.get(); }
  /// Lifts the quota of cores of a program that is being killed: it would free its memory in that quota, too.
  void lift_quota() const;
  /// v1: files to which a process writes "0" to enter; a hierarchy each. To write another's number there, as is
  /// usual, takes 6 to 14 ms: the kernel then waits for all its processors, since that process may be forking.
  std::vector<base::Descriptor> doors() const;

  struct Counts {
    std::optional<std::uint64_t> memory_bytes_max;
    std::optional<std::uint64_t> pids_max;  ///< with the init
    std::optional<base::Duration> cpu;
  };
  Counts counts() const;
  std::uint64_t forks_refused() const;
  Killed killed() const;

  /// Removes the groups, but not the one that they lie in, which the next attempt needs; those that still hold a dying
  /// process are tried again for 200 ms.
  void remove();

 private:
  std::string file(Controller controller, const char* v1, const char* v2) const;
  std::uint64_t most_in_v1() const;
  bool limit(const Limits& limits);

  CgroupPlaces places_;             // of this group
  std::string group_;               // its name
  std::uint64_t memory_bytes_ = 0;  // its limit
  base::Descriptor folder_, quota_;
};

}  // namespace troupe::sandbox
