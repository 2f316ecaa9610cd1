#pragma once
// Programs that run in sandboxes. A process belongs to one actor, its owner: the owner calls `Process`, and events come
// back to it as private messages of the types below, never as a callback on a foreign thread.
//
// Order   Printed and Measured as they come, then one ProcessEnded, always. What one stream printed keeps its order.
// Credit  what was printed and not yet granted again is bounded (output_window.hpp). Beyond that nothing is read, and
//         the program waits as for any pipe.
// Ticket  of the owner's choice, in each event: what is on its way when a process is dropped still arrives.
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/base/bytes.hpp"
#include "runtime/ports/disk.hpp"
#include "runtime/ports/event_types.hpp"
#include "runtime/ports/handle.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::ports {

inline constexpr std::size_t kInputBytesMax = std::size_t{1} << 20;  // our choice: what is larger is a file to bind
inline constexpr std::size_t kProcessesMax = 1'024;                  // of a node; one more is `not_made`

enum class Output : std::uint8_t { standard, errors };

/// To which addresses a program is carried that may talk to hosts (Spec::hosts).
struct Reach {
  std::vector<base::Endpoint> listed;  ///< whatever they are; port 0: each port of that address
  std::vector<base::Endpoint> own;     ///< by which this node is reached; the port does not count
};
/// Whether it is listed, or a public address and not an own one.
bool may_reach(const Reach& reach, const base::Endpoint& at);

struct ProcessStart {
  sandbox::Spec spec;  ///< without `inside`
  base::Bytes input;   ///< the whole of its standard input, at most kInputBytesMax; the program cannot change it
  std::uint64_t ticket = 0;
  Reach reach{};
};

/// The program has printed. Never empty; of both streams together at most `output_bytes` of its limits.
struct Printed {
  std::uint64_t ticket;
  Output stream;
  base::Bytes bytes;
};
/// What the program has used so far: each sandbox::kUsagePeriod or later, while it runs.
struct Measured {
  std::uint64_t ticket;
  sandbox::Usage usage;
  /// Held while this waits to be handled: until then no other comes.
  std::shared_ptr<const void> credit;
};
/// The process has ended and all it printed was told: the last event. Of a program that printed more than its limit
/// the outcome is that limit, however the program ended.
struct ProcessEnded {
  std::uint64_t ticket;
  sandbox::Outcome outcome;
  std::vector<std::shared_ptr<const File>> outputs{};  ///< those of Outcome::outputs, to be read; in memory
};

/// A process under way. Dropping it ends the program, of which nothing more is told. Calls are asynchronous and safe
/// from any thread; after the end they do nothing.
class Process {
 public:
  virtual ~Process() = default;

  /// The owner has handled that many bytes of output: as many may follow. More than it was told of counts as all.
  virtual void grant(std::size_t bytes) = 0;

  /// Kills the program; the outcome names `limit`, unless the program had ended before. What it has printed and there
  /// is no credit for is dropped, so that ProcessEnded comes even to an owner that grants nothing more.
  virtual void end(std::optional<sandbox::Limit> limit) = 0;
};

class Processes {
 public:
  virtual ~Processes() = default;

  /// Never blocks. What cannot be started ends as `not_made` or `not_started`, by an event.
  virtual std::unique_ptr<Process> start(ProcessStart what, const runtime::Handle& owner) = 0;
};

}  // namespace troupe::ports
