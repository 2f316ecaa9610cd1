#pragma once
// A process of one thread that makes the sandboxes of a process of many.
//
// Order    start() comes before any other thread: the launcher is a copy of this process.
// Ends     with this process, however that ends; then it ends its sandboxes and removes their cgroups.
// Streams  are the caller's: it makes pipes, passes their ends, and counts what the program prints.
// Waits    for nothing, but for its end: an order that the launcher cannot take yet is kept until it can.
// Safety   one thread at a time.
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

inline constexpr std::size_t kSandboxesMax = 1'024;  // of one launcher; one more is `not_made`

class Launcher {
 public:
  /// A sandbox takes connections to the hosts of its Spec.
  struct Listens {};
  /// What a sandbox uses, each kUsagePeriod or later; at last how it ended. Without the bytes of output.
  struct Heard {
    SandboxId id;
    std::variant<Usage, Outcome, Listens> what;
    /// Those of Outcome::outputs, and its disk unless it has none: whoever closes it last frees it. What listens, in
    /// the order of hosts.
    std::vector<base::Descriptor> descriptors{};
  };

  /// Nothing if no process can be made.
  static std::optional<Launcher> start();
  /// Waits until the launcher has ended all it had.
  ~Launcher();
  Launcher(Launcher&&) noexcept = default;
  Launcher& operator=(Launcher&&) = delete;

  /// False if the launcher is gone, or the spec is too large, or has an `inside`; then nothing was started. Otherwise
  /// an outcome follows, unless the launcher goes.
  bool make(SandboxId id, const Spec& spec, Streams streams);
  /// For that limit, or for none. Of an unknown sandbox, or one that has ended, nothing.
  void end(SandboxId id, std::optional<Limit> limit);
  /// Can be read if there is something to hear, or if the launcher is gone.
  int descriptor() const { return talk_.get(); }
  /// Whether orders wait until the descriptor can be written to. Then next() gives them.
  bool holds_orders() const { return !orders_.empty(); }
  /// Waits until there is something to hear, or the launcher is gone; false if neither comes in time.
  bool wait(std::chrono::milliseconds at_most) const;
  /// The next that is there to hear; does not wait.
  std::optional<Heard> next();
  /// Whether the launcher has ended, which it does not by itself: nothing is heard any more.
  bool gone() const { return gone_; }
  pid_t process() const { return process_; }

 private:
  struct Order {
    base::Bytes bytes;
    Streams streams;  // invalid ones: it has none
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
