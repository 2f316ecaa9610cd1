#pragma once
// A process with one thread that makes the sandboxes of a process with many threads.
//
// Order    Call start() before any other thread exists: the launcher is a copy of this process.
// Ends     Whenever this process ends, the launcher ends its sandboxes, removes their cgroups, and ends too.
// Streams  The caller makes the pipes, passes their ends, and counts the program's output.
// Waits    No call waits, except the destructor and wait(): an order that the launcher cannot accept yet is queued.
// Threads  not thread-safe.
#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/descriptor.hpp"
#include "runtime/sandbox/packet.hpp"
#include "runtime/sandbox/sandbox.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kSandboxesMax = 1'024;  // per launcher; above it, `not_made`

class Launcher {
 public:
  /// Reports that a sandbox accepts connections to the hosts of its Spec.
  struct Listens {};
  /// A report about a sandbox: its usage, at intervals of at least kUsagePeriod; finally its outcome. Does not count
  /// the bytes of output.
  struct Heard {
    SandboxId id;
    std::variant<Usage, Outcome, Listens> what;
    /// With an outcome: the files of Outcome::outputs, then the sandbox's disk if it has one; the last close frees the
    /// disk. With Listens: the listening sockets, in the order of hosts.
    std::vector<base::Descriptor> descriptors{};
  };

  /// Starts a launcher; returns nullopt if no process can be created.
  static std::optional<Launcher> start();
  /// Waits until the launcher has ended all its sandboxes.
  ~Launcher();
  Launcher(Launcher&&) noexcept = default;
  Launcher& operator=(Launcher&&) = delete;

  /// Orders a sandbox. Returns false, and starts nothing, if the launcher is gone, or if the spec is too large or has
  /// an `inside`. Otherwise an outcome follows, unless the launcher ends.
  bool make(SandboxId id, const Spec& spec, Streams streams);
  /// Ends the sandbox, because of `limit` if it is set. Does nothing for an unknown or ended sandbox.
  void end(SandboxId id, std::optional<Limit> limit);
  /// Returns a descriptor that is readable if there is a report, or if the launcher is gone.
  int descriptor() const { return talk_.get(); }
  /// Returns whether orders wait for the descriptor to be writable; then next() sends them.
  bool holds_orders() const { return !orders_.empty(); }
  /// Waits until there is a report or the launcher is gone; returns false if neither happens in time.
  bool wait(std::chrono::milliseconds at_most) const;
  /// Returns the next report, or nullopt if there is none; does not wait.
  std::optional<Heard> next();
  /// Returns whether the launcher has ended, so that no report follows. It does not end by itself.
  bool gone() const { return gone_; }
  pid_t process() const { return process_; }

 private:
  struct Order {
    base::Bytes bytes;
    Streams streams;  // invalid: the order has no streams
  };
  Launcher(pid_t process, base::Descriptor talk) : process_(process), talk_(std::move(talk)) {}

  Sent send_order(const Order& order) const;
  void give_orders();
  void take(base::ByteView packet, std::vector<base::Descriptor> descriptors);

  pid_t process_;
  base::Descriptor talk_;
  std::deque<Order> orders_;
  std::deque<Heard> heard_;
  bool gone_ = false;
};

}  // namespace troupe::sandbox
