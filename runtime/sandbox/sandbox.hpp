#pragma once
// One sandbox: makes, monitors, ends and removes it. No call blocks for longer than the kernel takes to make a sandbox;
// the user waits on descriptors.
//
// States   being made -> running -> ending -> ended -> gone. Once it is ended, no process of the program runs, and
//          outcome() exists. It is gone once the kernel has also ended its namespaces, some milliseconds later. A
//          sandbox made ahead waits before `running` until go().
// Use      Wait until one of descriptors() is readable, or kWatchPeriod has passed; then call step(). Repeat until the
//          sandbox is gone, or no longer wanted.
// Safety   One thread, the thread that started it: the sandbox ends with that thread.
#include <sys/types.h>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/descriptor.hpp"
#include "runtime/sandbox/cgroup.hpp"
#include "runtime/sandbox/child.hpp"
#include "runtime/sandbox/processes.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::sandbox {

inline constexpr base::Duration kWatchPeriod = std::chrono::milliseconds{50};
inline constexpr base::Duration kCpuWindow = std::chrono::seconds{5};  // how long a program may exceed its cores

/// The program's standard input, output and error. This process closes its copies before the program begins: a program
/// can block every process that has an end of its pipes, even in close(2).
using Streams = std::array<base::Descriptor, 3>;

/// Returns copies; a descriptor is invalid if it could not be copied.
Streams copies_of(const std::array<int, 3>& streams);

/// Why no sandbox was made: a sentence for people, and what to do.
struct NotMade {
  std::string why;
  std::string advice;
};

class Sandbox {
 public:
  /// Makes the process and its cgroup. Errors that only the new process can find are reported as an Outcome. `places`
  /// come from find_cgroups().
  static base::Result<std::unique_ptr<Sandbox>, NotMade> start(const Spec& spec, Streams streams,
                                                               const CgroupPlaces& places, base::Instant now);
  /// Makes a sandbox without a program, which waits for go(). Ignored in `shape`: command, environment, directory,
  /// outputs, hosts, and binds below /task.
  static base::Result<std::unique_ptr<Sandbox>, NotMade> make_ahead(const Spec& shape, const CgroupPlaces& places,
                                                                    base::Instant now);
  /// Starts the program in a sandbox made ahead, and its time; the rest of `spec` must equal the shape. Returns false
  /// if the sandbox cannot run this program: then it is useless, and the streams still belong to the caller.
  bool go(const Spec& spec, Streams& streams, base::Instant now);
  /// Ends the program if it still runs.
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// Returns the descriptors to wait for: until any of them is readable or broken.
  std::vector<int> descriptors() const;
  /// Processes events up to `now`. Cheap if there are none.
  void step(base::Instant now);
  /// Returns when step() is due even if nothing happens.
  base::Instant due() const;

  /// Ends the program, because of `limit` if it is set.
  void end(std::optional<Limit> limit);
  /// Counts bytes of standard output and error, which only the caller sees.
  void count_output(std::uint64_t bytes) { outcome_.usage.output_bytes += bytes; }

  /// Set once no process of the program runs.
  const std::optional<Outcome>& outcome() const { return finished_; }
  /// Returns whether nothing of the sandbox is left.
  bool gone() const { return gone_; }
  /// Returns, once, the files of Outcome::outputs, open for reading; their file system exists as long as they are open.
  std::vector<base::Descriptor> take_outputs() { return std::move(outputs_); }
  /// Returns the sandbox's disk, once there is an outcome. The last close frees it, which takes a second for some GiB.
  base::Descriptor take_disk() { return std::move(disk_); }
  /// Returns, once, the sockets that accept connections to Spec::hosts, in their order; empty while the sandbox is
  /// being made.
  std::vector<base::Descriptor> take_listeners() { return std::exchange(listeners_, {}); }
  int cgroup_version() const { return cgroup_.version(); }
  Usage usage(base::Instant now) const;

 private:
  Sandbox(const Spec& spec, base::Instant now) : spec_(spec), started_(now) {}
  std::optional<NotMade> make(Streams* streams, const CgroupPlaces& places);
  std::vector<base::Descriptor> trees_of(const std::vector<Step>& steps);
  void prepare(Plan& plan);
  std::optional<NotMade> let_go();
  void hear();
  void take_report(const Report& report, std::vector<base::Descriptor> descriptors);
  void hear_guard();
  void watch(base::Instant now);
  void watch_processes(base::Instant now);
  void watch_disk();
  void finish(base::Instant now);
  /// Waits for the init, which ends or has ended. Counts the usage, unless the init has reported it.
  void bury();
  void note_resident(std::int64_t kib);
  void find_limit();
  /// Returns whether the kernel has killed a process of the sandbox because the whole machine had no memory left.
  bool killed_by_machine(Killed in_group) const;
  void note_spared();
  void keep_outputs();

  struct Cpu {
    base::Instant at;
    base::Duration spent;
  };

  Spec spec_;
  base::Instant started_;
  base::Instant watched_{};
  base::Duration watch_period_ = kWatchPeriod;
  Cgroup cgroup_;
  // Input of the new process.
  std::vector<Step> steps_;
  std::vector<std::string> paths_;
  std::vector<const char*> path_pointers_;
  std::vector<char*> argument_pointers_, environment_pointers_;
  std::vector<ResourceLimit> limits_;
  std::vector<base::Endpoint> listens_;
  std::vector<std::byte> stack_;
  std::vector<char> order_;
  std::vector<char*> texts_;
  Ids ids_ = Ids::one;

  pid_t init_ = -1;
  base::Descriptor life_;   // pidfd of the init
  base::Descriptor talk_;   // to the init
  base::Descriptor guard_;  // reports forbidden calls
  base::Descriptor proc_, disk_;
  std::array<std::uint64_t, 2>
      kills_{};               // out-of-memory kills of the whole machine, at the last check and the check before
  bool over_memory_ = false;  // at the last check
  bool waits_ = false;        // made ahead, waits for a program
  bool quiet_ = false;        // the init reported that nothing else ran
  bool gone_ = false;
  bool ended_ = false;  // the init has reported how the program ended
  bool disk_full_ = false, inodes_full_ = false, pids_full_ = false, files_full_ = false, memory_full_ = false;
  std::deque<Cpu> cpu_;  // processor time in the last kCpuWindow, if no cgroup limits the cores
  Outcome outcome_;
  std::optional<Outcome> finished_;
  std::vector<base::Descriptor> outputs_, listeners_;
};

}  // namespace troupe::sandbox
