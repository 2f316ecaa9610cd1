#pragma once
// Looks at what all processes of the machine share, and ends programs of other nodes that take it from the others.
//
// Memory   where nearly none is left the newest program goes, before the kernel ends what it likes.
// Mounts   a start takes the lock of all mounts a hundred times, most of them in its init, and so do other processes of
//          the machine. With a large root a start takes it a thousand times in the launcher. The watchdog does not see
//          a wait that ends, so waits are added up: of a try here, of starts, and of local sandboxes while they are
//          made. Untrusted sandboxes are left out: they may wait for a disk that their owner has made slow.
// Reclaim  `reclaim_watch.hpp`.
// Log      of the kernel: `log_watch.hpp`.
#include <map>
#include <memory>

#include "runtime/sandbox/log_watch.hpp"
#include "runtime/sandbox/packet.hpp"
#include "runtime/sandbox/reclaim_watch.hpp"
#include "runtime/sandbox/sandbox.hpp"
#include "runtime/sandbox/watchdog.hpp"

namespace troupe::sandbox {

class MachineWatch {
 public:
  /// Those that run. Who began later has a larger id.
  using Running = std::map<SandboxId, std::unique_ptr<Sandbox>>;

  /// It ends programs through that one, and takes turns of it while it looks.
  explicit MachineWatch(Watchdog& watchdog);

  /// Nothing if the last look was a moment ago.
  void look(const Running& running, base::Instant now);
  /// For the lock of all mounts, in a start.
  void add_wait_for_mounts(base::Duration waited) { starts_waited_ += waited; }

 private:
  void look_at_mounts(const Running& running);
  void look_at_reclaim(const Running& running);
  void look_at_log(const Running& running);

  Watchdog& watchdog_;
  ReclaimWatch reclaim_;
  KernelLog log_;
  LogWatch log_watch_;
  base::Instant looked_{}, mounts_looked_{};
  base::Duration kept_waiting_{};   // by who has the lock of all mounts, beyond a part of the time
  base::Duration starts_waited_{};  // for that lock, since mounts_looked_
};

}  // namespace troupe::sandbox
