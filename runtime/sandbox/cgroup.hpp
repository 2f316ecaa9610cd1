#pragma once
// Control groups: they count and limit all processes of a sandbox together.
//
// Place    "troupe-<8 hex>/<attempt>", below the group of this process. v2: in the nearest ancestor that delegates the
//          controllers. v1: in each writable hierarchy. It is not an error if there is no place: then Sandbox counts by
//          itself.
// Names    An attempt's name begins with the number and the start time of the process that made the group. The next
//          start removes groups whose process no longer exists.
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

/// Where groups can be made: a folder for each controller, empty if the controller cannot be used.
struct CgroupPlaces {
  int version = 0;  ///< 1 or 2; 0: nowhere
  std::string folders[kControllers];
  friend bool operator==(const CgroupPlaces&, const CgroupPlaces&) = default;
};

/// Parses /proc/self/cgroup and /proc/self/mountinfo: the folders of this process's groups, writable or not.
CgroupPlaces own_groups(std::string_view cgroup, std::string_view mountinfo);

/// Returns where this process can make groups that limit memory and pids; version 0 if it cannot.
CgroupPlaces find_cgroups();

/// Removes from `group` the attempts that dead processes have left, and `group` itself if it is empty.
void remove_leftovers(const CgroupPlaces& places, const std::string& group);

/// Whether the kernel has killed (or stalls) processes of a group because memory ran out: within the group's limit, or
/// on the machine or in a group above.
enum class Killed : std::uint8_t { none, for_its_limit, for_the_machine };

/// Evaluates v2's memory.events; the group uses `bytes` of its `limit`.
Killed killed_in_v2(std::string_view events, std::uint64_t bytes, std::uint64_t limit);
/// Evaluates v1's memory.oom_control; the group has used at most `bytes_max` of its `limit`.
Killed killed_in_v1(std::string_view oom_control, std::uint64_t bytes_max, std::uint64_t limit);

class Cgroup {
 public:
  Cgroup() = default;  ///< no group: nothing is limited or counted
  /// Makes the groups and sets their limits; `pids` includes the init. Returns no group if a limit cannot be set.
  static Cgroup make(const CgroupPlaces& places, const std::string& group, const Limits& limits);
  ~Cgroup() { remove(); }
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&& other) noexcept;

  int version() const { return places_.version; }
  bool has(Controller controller) const { return !places_.folders[static_cast<std::size_t>(controller)].empty(); }
  /// v2: returns the folder's descriptor, with which a process is created in the group. Otherwise invalid.
  int folder() const { return folder_.get(); }
  /// Lifts the core quota of a program that is being killed, because the quota would slow down freeing its memory.
  void lift_quota() const;
  /// v1: returns files to which a process writes "0" to enter the group, one per hierarchy. Writing another process's
  /// number there, as is usual, takes 6 to 14 ms: the kernel waits for all its processors, because that process may be
  /// forking.
  std::vector<base::Descriptor> doors() const;

  struct Counts {
    std::optional<std::uint64_t> memory_bytes_max;
    std::optional<std::uint64_t> pids_max;  ///< including the init
    std::optional<base::Duration> cpu;
  };
  Counts counts() const;
  std::uint64_t forks_refused() const;
  Killed killed() const;

  /// Removes the groups, but not their parent, which the next attempt needs. Retries groups that still have a dying
  /// process for 200 ms.
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
