#pragma once
// One deterministic simulation in one process and one thread: actors, virtual time and chance, all from one seed.
//
// Source  CAF's testing scheduler (caf::scheduler::test_coordinator); time and choice are ours.
// States  ready actors run one message at a time; when none is ready, time jumps to the next scheduled event. Messages
//         between two actors keep their order, as in production.
// Limits  kMomentEventsMax events at one moment of virtual time; more events are a livelock, and throw Restless.
// Time    starts at Instant 0. CAF's own clock does not run: nothing may use it.
// Owner   one thread. Stages may follow each other or exist at the same time, each with its own actors.
// Ends    the destructor drops scheduled events, and runs or ends ready actors. Idle actors live as long as their last
//         handle, so the owner must first stop actors that refer to each other. No handle may outlive its stage. Ports
//         made by keep() outlive the actors that use them.
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/callback.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/time.hpp"
#include "runtime/sim/schedule.hpp"

namespace caf {
class resumable;
}
namespace caf::scheduler {
class test_coordinator;
}

namespace troupe::sim {

inline constexpr std::uint64_t kMomentEventsMax = 20'000'000;  // our choice: a minute of work without time passing

/// Thrown when actors keep each other busy while no time passes.
class Restless final : public base::InvariantBroken {
 public:
  using InvariantBroken::InvariantBroken;
};

/// Sees each event as it begins: for traces, and to find where two runs diverge.
class Recorder {
 public:
  virtual ~Recorder() = default;
  /// The `number`-th event begins: `actor`, at index `place` among the ready actors, runs; or a scheduled event (actor
  /// 0).
  virtual void event(std::uint64_t number, ActorNumber actor, std::size_t place) = 0;
};

class Stage {
 public:
  /// A scheduled event. If two events have the same moment, the event that was scheduled earlier comes first.
  struct Appointment {
    std::uint64_t number = 0;  ///< counts scheduled events; zero: none
    std::uint32_t place = 0;   ///< its slot in the stage
  };
  using What = base::Callback<void()>;

  explicit Stage(std::uint64_t seed, Policy policy = Policy::random);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// Spawn actors here, but no blocking actors and no actors with their own thread.
  caf::actor_system& system() { return *system_; }

  base::Instant now() const { return now_; }
  std::uint64_t seed() const { return seed_; }

  /// Calls `what` at `when`, or right after the current event if `when` has passed.
  Appointment at(base::Instant when, What what);
  Appointment after(base::Duration delay, What what) { return at(now_ + delay, std::move(what)); }
  /// Cancels a scheduled event. Does nothing if the event has happened or was cancelled.
  void cancel(const Appointment& appointment);

  /// Runs actors until none is ready. Time does not advance; scheduled events wait.
  void settle();

  /// Lets that much virtual time pass: runs actors and scheduled events in order, and skips idle time.
  void run_for(base::Duration span);

  /// Runs until `done` returns true, and calls it whenever no actor is ready. Returns false if `limit` passes first.
  bool run_until(const std::function<bool()>& done, base::Duration limit);

  /// Creates a T that lives until the last actor is gone: ports, disks, the network between nodes.
  template <class T, class... Args>
  T& keep(Args&&... args) {
    auto made = std::make_shared<T>(std::forward<Args>(args)...);
    kept_.push_back(made);
    return *made;
  }

  /// Returns the stream of chance with that name. Its draws depend only on the seed and the name, not on other streams.
  base::Random& stream(std::string_view name);

  /// Returns the beginning of the stream with that name, without keeping the stream: for many names that draw little.
  base::Random once(std::string_view name) const;

  /// Stops an actor from now on; messages to it wait. For paused nodes and busy devices.
  void park(ActorNumber actor);
  /// Resumes a parked actor; otherwise does nothing.
  void unpark(ActorNumber actor);

  /// Adds a word to the hash, for messages, draws or writes that the order of events does not show.
  void note(std::uint64_t word) { mix(word); }
  void note(base::ByteView bytes);

  /// Returns the number of handled messages and of scheduled events that happened.
  std::uint64_t events() const { return events_; }

  /// Stops the simulation: run_for() and run_until() return after the current event, and later calls return at once.
  void stop() { stop_at_ = events_; }
  void go_on() {
    stop_at_ = std::numeric_limits<std::uint64_t>::max();
    moment_events_ = 0;
  }
  /// Stops the simulation once that many events have happened.
  void stop_at(std::uint64_t events) { stop_at_ = events; }
  bool stopped() const { return events_ >= stop_at_; }
  /// Replaces the limit kMomentEventsMax.
  void limit_moment(std::uint64_t events) { moment_events_max_ = events; }

  /// Passes events to `recorder` from now on; null ends that. The recorder must outlive the stage, or its use.
  void record(Recorder* recorder) { recorder_ = recorder; }

  /// Returns a hash over which actor ran when, and over all notes: different runs have different hashes. Not
  /// collision-resistant against an attacker.
  std::uint64_t hash() const { return hash_; }

 private:
  struct Kept {                // a scheduled event that waits, or a free slot
    std::uint64_t number = 0;  // zero: free
    What what;
  };
  struct Due {  // when a scheduled event is due; stale once its slot has another number
    base::Instant when;
    std::uint64_t number;
    std::uint32_t place;
  };
  /// Reversed, because the heap functions return the greatest element first.
  static bool later(const Due& one, const Due& other) {
    return one.when != other.when ? one.when > other.when : one.number > other.number;
  }

  bool step();
  void happens();
  void pass_to(base::Instant when);
  void take_over(caf::resumable* last);
  std::optional<Schedule::Pick> next_ready();
  const Due* next_due();
  What take_next();
  void forget_stale();
  void keep_due();
  void mix(std::uint64_t word);
  bool pass_until(const std::function<bool()>* done, base::Instant end);

  bool ending_ = false;  // no new events are scheduled
  std::uint64_t seed_;
  base::Instant now_{};
  std::uint64_t appointments_made_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t moment_events_ = 0;  // events at this moment of virtual time
  std::uint64_t moment_events_max_ = kMomentEventsMax;
  std::uint64_t stop_at_ = std::numeric_limits<std::uint64_t>::max();
  Recorder* recorder_ = nullptr;
  std::uint64_t hash_ = 0;
  std::map<std::string, std::unique_ptr<base::Random>, std::less<>> streams_;
  Schedule schedule_;
  std::vector<std::shared_ptr<void>> kept_;
  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_;  // owned by the system
  std::vector<Due> timeline_;                    // a heap, for later()
  std::vector<Kept> appointments_;
  std::vector<std::uint32_t> free_places_;
  std::size_t stale_ = 0;                          // stale entries of the timeline
  std::map<ActorNumber, caf::resumable*> parked_;  // null: the actor has not been ready since it was parked
};

}  // namespace troupe::sim
