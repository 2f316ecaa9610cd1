#pragma once
// A world in whose time the user can move, to any event, forwards and backwards.
//
// How      the world runs in its own process, which is one thread; checkpoints are forks of it, each waiting to be
//          forked again. Moving to an event forks the latest checkpoint before it and runs the rest. It then leaves
//          checkpoints close before that event, so that earlier events are near.
// Memory   at most kCheckpointsMax checkpoints with kTimelineBytesMax together, shared pages counted once. Above a
//          limit, every second checkpoint ends and the distance between checkpoints doubles. At most kNearMax are near
//          the instant shown.
// Trace    the first run of a recorded world compares each snapshot, and reports the first difference: another revision
//          of the program may differ.
// Owner    one thread, which must be the only thread at open(), because that forks. Calls wait for responses.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/failure.hpp"
#include "apps/sim/outcome.hpp"
#include "apps/sim/trace_source.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::apps {

inline constexpr std::size_t kCheckpointsMax = 96;            // our choice: an interval is then at most 2 % of the run
inline constexpr std::size_t kNearMax = 24;                   // our choice: see kNearSteps
inline constexpr std::size_t kTimelineBytesMax = 1ull << 30;  // of all processes of a timeline together

namespace timeline {
enum class Change : std::uint64_t;
}

/// The position in a world.
struct Instant {
  std::uint64_t event = 0;  ///< number of events so far
  base::Duration time{0};   ///< virtual
  std::uint64_t hash = 0;   ///< of all events until then
  std::uint64_t words = 0;  ///< hash of the received message; zero: none
  std::string what;         ///< the current event: "n2 /files took files.PutFile from n2 /operator/1"
};

/// The result of the first run.
struct FirstRun {
  std::uint64_t events = 0;
  base::Duration time{0};
  std::string verdict;                ///< "held", or the invariant that broke, at which event and why
  std::uint64_t broken_at = 0;        ///< its event; 0: none broke
  Outcome outcome;                    ///< as `troupe sim` reports it
  std::vector<std::string> departed;  ///< where a recorded world differs from its trace; empty: nowhere
};

class Timeline {
 public:
  template <class T>
  using Answer = base::Result<T, Failure>;

  /// Forks the world and begins its first run.
  static Answer<Timeline> open(Recorded world, sim::WorkloadSpecs workloads);
  Timeline(Timeline&&) noexcept;
  Timeline& operator=(Timeline&&) noexcept;
  ~Timeline();

  /// Called every 100 ms during a wait: if it returns true, the wait is cancelled, and the asked checkpoint is dropped.
  /// If empty, waits have no limit.
  std::function<bool()> given_up;

  /// Returns the progress of the first run, or nullopt once it has ended; then call finish().
  std::optional<Instant> progress();
  /// Returns a descriptor that can be read when progress() has news.
  int descriptor() const;
  /// Waits for the end of the first run.
  Answer<FirstRun> finish();

  std::size_t nodes() const;
  /// Moves to the state after `event` events, or to the first event not before `time`.
  Answer<Instant> go(std::uint64_t event);
  Answer<Instant> go_to(base::Duration time);
  /// Moves forwards to `time` without a search for a checkpoint.
  Answer<Instant> go_on_to(base::Duration time);
  const Instant& here() const;

  /// The state of a node at this instant, as Cap'n Proto messages (flat, with their segment table): node.NodeStatus,
  /// inspect.ActorRows.
  struct Seen {
    std::string status, actors;
    std::vector<std::string> log;
  };
  Answer<std::vector<Seen>> look();
  /// Returns inspect.Looked of one actor; a `not_found` error if there is none.
  Answer<std::string> look_at(std::size_t node, const std::string& path);
  /// Goes to an event in which the state of the actor changed: the latest before the current event (`back`), the latest
  /// up to the current event (`here_or_back`), or the first after it (`forward`). Returns nullopt, without moving, if
  /// there is no such event. The start and the end of an actor are changes.
  enum class Way : std::uint8_t { back, here_or_back, forward };
  Answer<std::optional<Instant>> change(std::size_t node, const std::string& path, Way way);
  /// Goes to the latest earlier event in which that actor ("n2 /files") handled something; returns nullopt if there is
  /// none.
  Answer<std::optional<Instant>> handled_before(const std::string& actor);
  /// Goes to the latest earlier event in which `node` sent the current event's message to another node. `what` of the
  /// result is the sending actor: "n1 /dht/lookup-12". Returns nullopt if there is no such event.
  Answer<std::optional<Instant>> sent_before(std::size_t node);

 private:
  struct State;
  Answer<std::optional<Instant>> seek(std::size_t node, const std::string& path, Way way, timeline::Change what);
  explicit Timeline(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace troupe::apps
