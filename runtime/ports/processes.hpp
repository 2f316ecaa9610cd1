#pragma once
// Programs that run in sandboxes. A process belongs to one actor, its owner: the owner calls `Process`, and receives
// events as private messages of the types below, never as a callback on a foreign thread.
//
// Order   Printed and Measured as they happen, then always one ProcessEnded. The output of one stream keeps its order.
// Credit  output without a new grant is limited (output_window.hpp). Above the limit nothing is read, and the program
//         waits for the pipe, as usual.
// Ticket  a number that the owner chooses, present in each event, because events in flight still arrive after a process
//         is dropped.
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/base/bytes.hpp"
#include "runtime/ports/disk.hpp"
#include "runtime/ports/event_types.hpp"
#include "runtime/ports/handle.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::ports {

inline constexpr std::size_t kInputBytesMax = std::size_t{1} << 20;  // our choice: larger input is a file to bind
inline constexpr std::size_t kProcessesMax = 1'024;                  // per node; a further process ends as `not_made`

enum class Output : std::uint8_t { standard, errors };

/// The addresses that a program may connect to, if it may use hosts at all (Spec::hosts).
struct Reach {
  std::vector<base::Endpoint> listed;  ///< always allowed; port 0: every port of that address
  std::vector<base::Endpoint> own;     ///< addresses of this node; the port does not matter
};
/// Whether the address is listed, or is public and does not belong to this node.
bool may_reach(const Reach& reach, const base::Endpoint& at);

struct ProcessStart {
  sandbox::Spec spec;  ///< without `inside`
  base::Bytes input;   ///< the whole standard input, at most kInputBytesMax; the program cannot change it
  std::uint64_t ticket = 0;
  Reach reach{};
};

/// Output of the program. Never empty; both streams together have at most `output_bytes` of its limits.
struct Printed {
  std::uint64_t ticket;
  Output stream;
  base::Bytes bytes;
};
/// The resources used so far: sent every sandbox::kUsagePeriod or later, while the program runs.
struct Measured {
  std::uint64_t ticket;
  sandbox::Usage usage;
  /// Release it once this event is handled: no other Measured is sent before.
  std::shared_ptr<const void> credit;
};
/// The process has ended and all its output was delivered: the last event. If a program printed more than its limit,
/// the outcome is that limit, however the program ended.
struct ProcessEnded {
  std::uint64_t ticket;
  sandbox::Outcome outcome;
  std::vector<std::shared_ptr<const File>> outputs{};  ///< the files of Outcome::outputs, readable; in memory
};

/// A running process. Dropping this object ends the program, and no further events are sent. Calls are asynchronous and
/// safe from any thread; after the end they do nothing.
class Process {
 public:
  virtual ~Process() = default;

  /// Grants as many bytes of output as the owner has handled. More than were delivered counts as all.
  virtual void grant(std::size_t bytes) = 0;

  /// Kills the program; the outcome names `limit`, unless the program had ended before. Output without credit is
  /// dropped, so that ProcessEnded arrives even at an owner that grants nothing more.
  virtual void end(std::optional<sandbox::Limit> limit) = 0;
};

class Processes {
 public:
  virtual ~Processes() = default;

  /// Starts a program. Never blocks. A program that cannot be started ends with a ProcessEnded of `not_made` or
  /// `not_started`.
  virtual std::unique_ptr<Process> start(ProcessStart what, const runtime::Handle& owner) = 0;
};

}  // namespace troupe::ports
