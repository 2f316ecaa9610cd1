#pragma once
// A world that can be moved in: any event of it, forwards and backwards.
//
// How      the world runs in a process of its own, which is one thread; checkpoints are forks of it, each waiting to be
//          forked again. Moving to an event forks the latest checkpoint before it and runs the rest, and leaves
//          checkpoints close before its end, so that the events before it are near.
// Memory   checkpoints have kTimelineBytesMax together, pages that they share counted once, and are kCheckpointsMax at
//          most. Where there are more, every other one ends and the distance between them doubles. Those near the
//          instant shown are kNearMax.
// Trace    of a recorded world each snapshot is compared on the first run: another revision departs somewhere, and says
//          where.
// Owner    one thread, which has started no other before open(): it forks. Answers are waited for.
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

inline constexpr std::size_t kCheckpointsMax = 96;            // our choice: an interval is then 2 % of the run at most
inline constexpr std::size_t kNearMax = 24;                   // our choice: see kNearSteps
inline constexpr std::size_t kTimelineBytesMax = 1ull << 30;  // of all processes of a timeline together

namespace timeline {
enum class Change : std::uint64_t;
}

/// Where a world stands.
struct Instant {
  std::uint64_t event = 0;  ///< that many have happened
  base::Duration time{0};   ///< virtual
  std::uint64_t hash = 0;   ///< of all events until then
  std::uint64_t words = 0;  ///< a hash of the message that was taken; zero: none was
  std::string what;         ///< the last event: "n2 /files took files.PutFile from n2 /operator/1"
};

/// What the first run has found.
struct FirstRun {
  std::uint64_t events = 0;
  base::Duration time{0};
  std::string verdict;                ///< "held", or the invariant that broke, at which event and why
  std::uint64_t broken_at = 0;        ///< its event; 0: none broke
  Outcome outcome;                    ///< as `troupe sim` reports it
  std::vector<std::string> departed;  ///< where a recorded world departs from its trace; empty: nowhere
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

  /// Asked each 100 ms while an answer is waited for: true gives the answer up, and with it the checkpoint that was
  /// asked. None: answers are waited for.
  std::function<bool()> given_up;

  /// How far the first run is; nothing once it has ended, which finish() then tells.
  std::optional<Instant> progress();
  /// A descriptor that can be read when progress() has news.
  int descriptor() const;
  /// Waits for the end of the first run.
  Answer<FirstRun> finish();

  std::size_t nodes() const;
  /// Moves to the state after `event` events, or to the first event not before `time`.
  Answer<Instant> go(std::uint64_t event);
  Answer<Instant> go_to(base::Duration time);
  /// The same from here on alone: without a search for a checkpoint.
  Answer<Instant> go_on_to(base::Duration time);
  const Instant& here() const;

  /// Cap'n Proto messages (flat, with their segment table) of the instant here: node.NodeStatus, inspect.ActorRows.
  struct Seen {
    std::string status, actors;
    std::vector<std::string> log;
  };
  Answer<std::vector<Seen>> look();
  /// inspect.Looked of one actor; `not_found` in words if there is none.
  Answer<std::string> look_at(std::size_t node, const std::string& path);
  /// Goes to the latest event before this one (`back`), up to this one (`here_or_back`), or the first one after it, in
  /// which the state of the actor changed; nothing, and nothing moves, if there is none. The actor's coming and going
  /// are changes.
  enum class Way : std::uint8_t { back, here_or_back, forward };
  Answer<std::optional<Instant>> change(std::size_t node, const std::string& path, Way way);
  /// Goes to the latest event before this one in which that actor ("n2 /files") handled something; nothing if there is
  /// none.
  Answer<std::optional<Instant>> handled_before(const std::string& actor);
  /// Goes to the latest event before this one in which `node` sent the message of this one to another node; its `what`
  /// is the actor that sent it: "n1 /dht/lookup-12". Nothing if there is none.
  Answer<std::optional<Instant>> sent_before(std::size_t node);

 private:
  struct State;
  Answer<std::optional<Instant>> seek(std::size_t node, const std::string& path, Way way, timeline::Change what);
  explicit Timeline(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace troupe::apps
