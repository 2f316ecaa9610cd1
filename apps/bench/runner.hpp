#pragma once
// What each measurement needs in its process: a temporary folder, an actor system, a wait that Ctrl-C ends.
//
// Threads  make all calls from the command's thread; reports of actors arrive through `finished` and `note`.
// Errors   a measurement that does not end is a failure; so is an interruption, with exit 130.
#include <memory>
#include <mutex>
#include <string>

#include "apps/bench/actors.hpp"
#include "apps/cli/failure.hpp"
#include "runtime/net/pool.hpp"
#include "runtime/os/system.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::bench {

using apps::Exit;
using apps::Failure;

template <class T>
using Measurement = base::Result<T, Failure>;

/// A new folder, removed with its contents.
class ScratchFolder {
 public:
  /// Creates a folder below `parent`, or in the directory for temporary files if `parent` is empty. Fails if that is
  /// not possible.
  static Measurement<std::unique_ptr<ScratchFolder>> make(const std::string& parent);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

inline constexpr std::chrono::seconds kPatience{60};  // added to a measurement's time: a busy machine is slow

class Runner {
 public:
  /// `folder` must outlive it.
  Runner(os::Waker& waker, const ScratchFolder& folder, const runtime::NodeLimits& limits);
  ~Runner();

  runtime::Node& node() { return system_->node(); }
  /// Adds a node in the same process, like System::add_node(), with the `limits` of this runner.
  runtime::Node& add_node() { return system_->add_node(limits_); }
  base::Instant now() { return node().world().clock.now(); }

  /// Starts the actor `T(args..., figure, measured)`, and returns the figure that it measures within `span`.
  template <class T, class... Args>
  Measurement<Figure> measure(const std::string& name, base::Duration span, Figure figure, Args... args) {
    return told<Figure>(name, span, [&](Measured measured) { return factory<T>(args..., figure, measured); });
  }
  /// Starts the actor that `make(tell)` creates, and returns the value that the actor reports within `span`.
  template <class Told, class Make>
  Measurement<Told> told(const std::string& name, base::Duration span, Make&& make) {
    struct Report {
      std::mutex lock;
      std::optional<Told> told;
    };
    const auto report = std::make_shared<Report>();
    node().start(name, make([this, report](Told told) {
                   {
                     const std::lock_guard hold(report->lock);
                     report->told = std::move(told);
                   }
                   ring();
                 }));
    const auto ended = wait_until(name, span + kPatience, [&] {
      const std::lock_guard hold(report->lock);
      return report->told.has_value();
    });
    if (!ended.ok()) return ended.error();
    return std::move(*report->told);
  }
  /// Waits until `done()` is true; ring() makes it check at once. `what` names the wait in a failure.
  Measurement<void> wait_until(const std::string& what, base::Duration at_most, const std::function<bool()>& done);
  /// Waits until the command is asked to end, or until `ended()` is true; ring() makes it check at once.
  void hold(const std::function<bool()>& ended = [] { return false; });
  /// Lets time pass. Fails if interrupted.
  Measurement<void> pause(base::Duration span);
  void ring() { waker_.ring(); }

 private:
  os::Waker& waker_;
  const runtime::NodeLimits limits_;
  std::unique_ptr<os::System> system_;
};

/// Returns the resident memory of this process in bytes, without pages of files, because the program is loaded once,
/// whatever it runs.
std::uint64_t resident_bytes();

/// Returns by how much `now` exceeds `before`, divided by `parts`.
std::uint64_t growth(std::uint64_t before, std::uint64_t now, std::size_t parts);

/// Returns a new key, whose id has no proof of work.
std::shared_ptr<const crypto::Identity> new_identity();
/// Returns a setup for links whose limits allow `links` links from one address.
net::NetSetup loopback_setup(std::size_t links);

Failure interrupted();

}  // namespace troupe::bench
