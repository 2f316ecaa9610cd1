#pragma once
// The one thread that serves all processes of a node: it sends their orders to the launcher, and receives events from
// it and from the threads that read the programs' output.
//
// States  of a process: ordered -> running -> over (the launcher has sent its outcome) -> told (its owner has it too).
// Limits  ports::kProcessesMax run, including dropped processes that have not ended, and as many wait for a free slot,
//         in order. A further process ends as `not_made`.
// Reading one piece at a time per process, while there is credit (pipe_reader.hpp). The outcome comes when no process
//         is left in the sandbox, so the pipes then contain the whole rest of the output.
// Dropped the owner of a dropped process gets no further events; the launcher's outcome ends the process.
// Waits   never for a program: this thread does not touch the ends of its pipes.
// Thread  starts with the first process. Do not call close() on it. A process may be destroyed on it, because the last
//         handle of an owner may be released there.
#include <caf/actor_control_block.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "runtime/os/carrier.hpp"
#include "runtime/os/closer.hpp"
#include "runtime/os/descriptor.hpp"
#include "runtime/os/pipe_reader.hpp"
#include "runtime/ports/output_window.hpp"
#include "runtime/ports/processes.hpp"
#include "runtime/sandbox/launcher.hpp"

namespace troupe::os {

class ProcessLoop {
 public:
  using Number = std::uint64_t;  // of a process, from 1; never reused

  ProcessLoop(std::optional<sandbox::Launcher> launcher, const ports::Clock& clock, std::size_t running_max);
  ~ProcessLoop() { close(); }
  ProcessLoop(const ProcessLoop&) = delete;
  ProcessLoop& operator=(const ProcessLoop&) = delete;

  // Safe from any thread.
  Number start(ports::ProcessStart what, const runtime::Handle& owner);
  void grant(Number number, std::size_t bytes);
  void end(Number number, std::optional<sandbox::Limit> limit);
  void drop(Number number);

  /// Ends the thread and the launcher with all its programs. Orders do nothing from then on.
  void close();

 private:
  struct Start {
    ports::ProcessStart what;
    caf::weak_actor_ptr owner;
  };
  struct Grant {
    std::size_t bytes;
  };
  struct End {
    std::optional<sandbox::Limit> limit;
  };
  struct Drop {};
  struct Look {};  // check its reader
  struct Order {
    Number number;
    std::variant<Start, Grant, End, Drop, Look> what;
  };
  struct Running {
    Number number = 0;
    std::uint64_t ticket = 0;
    caf::weak_actor_ptr owner;  // null: dropped
    std::unique_ptr<PipeReader> reader;
    std::uint64_t output_bytes_max = 0;
    std::uint64_t output_bytes = 0;
    ports::OutputWindow window;
    std::weak_ptr<const void> measured;  // alive while a Measured event waits for the owner
    std::optional<sandbox::Outcome> outcome;
    std::vector<Descriptor> outputs;
    std::vector<base::HostPort> hosts;  // hosts that it may use
    ports::Reach reach;
    bool ended_by_owner = false;
    bool cut_off = false;   // its hosts could not be reached from the start
    bool too_much = false;  // it has printed more than its limit
  };

  std::optional<std::string> admit(const ports::ProcessStart& what);
  bool begin_thread();
  void give(Order order);
  void ring();

  // Called only on the thread.
  void run();
  void wait();
  bool take_orders();
  void obey(Number number, Start& start);
  void begin(Number number, Start& start);
  /// Starts as many waiting processes as may run, or all of them (as `not_made`) if the launcher is gone.
  void begin_waiting();
  std::optional<Start> stop_waiting(Number number);
  void obey(Number number, const Grant& grant);
  void obey(Number number, const End& end);
  void obey(Number number, const Drop& drop);
  void obey(Number number, const Look& look);
  void hear();
  void lose_launcher();
  void carry(Running& one, std::vector<Descriptor> listeners);
  void measure(Running& one, sandbox::Usage usage);
  void printed(Running& one, PipeReader::Piece piece);
  void settle(Running& one);
  void close_outputs(Running& one);
  void forget(Number number);
  Running* find(Number number);

  std::mutex mutex_;
  std::vector<Order> orders_;
  Number number_ = 0;
  std::size_t processes_ = 0;  // ordered and not yet told, including those that wait
  bool closing_ = false;
  Descriptor watch_;  // an epoll of the launcher, the carrier and the bell
  Descriptor bell_;
  std::thread thread_;
  std::shared_ptr<Closer> closer_;  // for leftovers of programs, also after this object is gone

  // Used only by the thread while it runs.
  std::optional<sandbox::Launcher> launcher_;
  bool launcher_writes_ = false;  // its descriptor is also watched for writing
  bool launcher_ready_ = false;
  const std::size_t running_max_;
  std::map<Number, Running> running_;
  std::map<Number, Start> waiting_;  // by their numbers, which rise
  const ports::Clock& clock_;
  std::optional<Carrier> carrier_;  // made for the first process that uses hosts
};

}  // namespace troupe::os
