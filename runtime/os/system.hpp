#pragma once
// The environment of all actors of a process: CAF, the ports on Linux, and the Node that the actors share.
//
// Order of life  system, clock, network, node; end() uses the reverse order: no actor outlives its ports.
// Signals        block the process's signals (waker.hpp) before making a System, because it starts threads.
// Launcher       start the sandbox::Launcher before making a System and before any thread exists. Without it no process
//                can be started.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "runtime/actor/envelope.hpp"
#include "runtime/actor/node.hpp"
#include "runtime/ports/disk.hpp"
#include "runtime/sandbox/launcher.hpp"

namespace troupe::os {

inline constexpr std::size_t kThroughputMax = 64;  // messages per turn; by CAF's default, two busy actors starve a node

struct SystemOptions {
  std::size_t workers = 0;  ///< threads that run actors; zero: one per core
  std::string sockets;      ///< directory of local sockets with a relative path
  runtime::NodeLimits limits = {};
  bool watched = false;  ///< detect handlers that do not return (watchdog.hpp)
  /// Called once, on another thread, if a file of the disk is lost (disk_watch.hpp). Empty: no check.
  std::function<void(const std::string& path)> disk_lost = {};
};

class System {
 public:
  System(std::unique_ptr<ports::Disk> disk, const SystemOptions& options,
         std::optional<sandbox::Launcher> launcher = std::nullopt);
  /// Calls end() unless it was called, and waits long for a slow device.
  ~System();
  System(const System&) = delete;
  System& operator=(const System&) = delete;

  runtime::Node& node();
  /// Adds another node with the same ports, for many nodes in one process. It ends with the system. Only one thread may
  /// call this and end(). The watchdog does not watch the added node.
  runtime::Node& add_node(const runtime::NodeLimits& limits);
  const ports::World& world() { return node().world(); }

  /// Ends all actors and closes all streams, within `at_most`. Returns false if some actor still waits for its device
  /// then: the process may only be left with _exit. Nothing of the system may be used afterwards.
  bool end(base::Duration at_most);

 private:
  bool wait_until(const std::function<bool()>& claim, base::Instant due);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace troupe::os
