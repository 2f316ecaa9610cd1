#pragma once
// One sandbox under way: made, watched, ended, and cleaned up after. It never blocks for longer than the kernel takes
// to make one; its user waits on its descriptors.
//
// States   being made -> running -> ending -> ended -> gone. `outcome()` is there once it is ended: nothing of the
//          program runs. It is gone when the kernel has ended its namespaces too, which takes some milliseconds. One
//          that is made ahead waits between the first two, until it is given a program.
// Use      wait until one of descriptors() can be read, or kWatchPeriod has passed; then call step(). Until it is gone,
//          or not wanted any more.
// Safety   one thread, which must be the one that started it: the sandbox ends with that thread.
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
inline constexpr base::Duration kCpuWindow = std::chrono::seconds{5};  // in which a program may exceed its cores

/// What become standard input, output and error of the program. They are closed before it begins: who holds an end of a
/// pipe can be kept waiting by the program, even for closing it.
using Streams = std::array<base::Descriptor, 3>;

/// Copies; invalid where there is no room for one.
Streams copies_of(const std::array<int, 3>& streams);

/// Why there is no sandbox: a sentence for people, and what to do about it.
struct NotMade {
  std::string why;
  std::string advice;
};

class Sandbox {
 public:
  /// Makes the process and its cgroup. Errors that only the new process finds come as an Outcome.
  /// `places` are those of find_cgroups().
  static base::Result<std::unique_ptr<Sandbox>, NotMade> start(const Spec& spec, Streams streams,
                                                               const CgroupPlaces& places, base::Instant now);
  /// Makes one without a program, which waits for go(). Of `shape` no command, environment, directory, outputs, hosts,
  /// or bind below /task counts.
  static base::Result<std::unique_ptr<Sandbox>, NotMade> make_ahead(const Spec& shape, const CgroupPlaces& places,
                                                                    base::Instant now);
  /// Gives it the program, and the time begins; all else in `spec` is that of the shape. False if it takes no such
  /// program: then it is of no use, and the streams are the caller's still.
  bool go(const Spec& spec, Streams& streams, base::Instant now);
  /// Ends it if it still runs.
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  /// To wait for: any of them can be read, or is broken.
  std::vector<int> descriptors() const;
  /// Looks at what has happened by `now`. Cheap if it is nothing.
  void step(base::Instant now);
  /// When step() is due even if nothing happens.
  base::Instant due() const;

  /// Ends the program, for that limit or for none.
  void end(std::optional<Limit> limit);
  /// Of standard output and error, as the caller has counted them.
  void count_output(std::uint64_t bytes) { outcome_.usage.output_bytes += bytes; }

  /// Once nothing of the program runs.
  const std::optional<Outcome>& outcome() const { return finished_; }
  /// Whether nothing of it is left.
  bool gone() const { return gone_; }
  /// Once: those of Outcome::outputs, open to be read; their file system lasts as long as they do.
  std::vector<base::Descriptor> take_outputs() { return std::move(outputs_); }
  /// Once there is an outcome: its disk. Whoever closes it last frees it, which takes a second for some GiB.
  base::Descriptor take_disk() { return std::move(disk_); }
  /// Once: what takes connections to Spec::hosts, in their order; empty while the sandbox is being made.
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
  /// Waits for its init, which ends or has ended. What it has used counts, unless it has told so itself.
  void bury();
  void note_resident(std::int64_t kib);
  void find_limit();
  /// Whether the kernel has ended one of its processes because the whole machine had no memory left.
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
  // What the new process reads.
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
  base::Descriptor guard_;  // on which forbidden calls are reported
  base::Descriptor proc_, disk_;
  std::array<std::uint64_t, 2>
      kills_{};               // of the whole machine for want of memory, at the last look and the one before
  bool over_memory_ = false;  // at the last look
  bool waits_ = false;        // for a program
  bool quiet_ = false;        // the init has told so after nothing else ran
  bool gone_ = false;
  bool ended_ = false;  // the init has told how the program ended
  bool disk_full_ = false, inodes_full_ = false, pids_full_ = false, files_full_ = false, memory_full_ = false;
  std::deque<Cpu> cpu_;  // of the last kCpuWindow, where no cgroup has the cores
  Outcome outcome_;
  std::optional<Outcome> finished_;
  std::vector<base::Descriptor> outputs_, listeners_;
};

}  // namespace troupe::sandbox
