#pragma once
// Scans every actor of a node from time to time, and reports faults: the warnings of the node.
//
// States  a survey begins, visits each actor once, and finishes with its findings. The next survey compares its
//         findings with them.
// Limits  remembers kSuspectsMax actors: those that wait, restart, ask or never rest. Further actors are judged by a
//         single visit.
// Time    given by the caller. Owner: one actor; not thread-safe.
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/actor/node.hpp"

namespace troupe::inspect {

enum class Warning : std::uint8_t {
  growing_mailbox,
  old_message,
  slow_handler,
  never_idle,
  restart_storm,
  dead_letters,
  no_credit,
  ask_cycle,
  late_timer,
  clock_step,
  slow_sync,
  flapping_link,
  budget_full,
};
inline constexpr std::size_t kWarnings = 13;
/// Returns the name, such as "growing-mailbox", which is also the source in the node's health.
std::string_view name(Warning warning);

// Thresholds; our choice unless the warning's name says it.
inline constexpr std::uint64_t kGrowingMin = 1'000;  // messages in a mailbox that grows
inline constexpr std::uint32_t kGrowingLooks = 5;    // consecutive surveys in which it grew
inline constexpr std::chrono::seconds kOldMessage{1};
inline constexpr double kNeverIdle = 0.95;  // fraction of the time
inline constexpr std::chrono::seconds kNeverIdleTime{30};
inline constexpr std::uint32_t kStorm = 3;  // restarts of one actor within kStormTime
inline constexpr std::chrono::seconds kStormTime{30};
inline constexpr std::uint64_t kDeadLettersMin = 100;  // messages within kDeadLettersTime
inline constexpr std::chrono::seconds kDeadLettersTime{60};
inline constexpr std::chrono::seconds kNoCredit{5};
inline constexpr std::chrono::seconds kClockStep{1};
inline constexpr std::chrono::seconds kStartTime{30};  // our choice: timers of a starting node may be late
inline constexpr std::chrono::seconds kEventTime{60};  // how long a single event is reported
inline constexpr std::size_t kSuspectsMax = 1'000;
inline constexpr std::size_t kRestartedMax = 10'000;  // actors whose restarts are remembered
inline constexpr std::size_t kAskersMax = 64;         // asked in one survey which actor they wait for

/// A survey's finding of one kind: the worst case, and the number of cases.
struct Finding {
  Warning warning{};
  std::string subject;  ///< a path, a node or a reason; may be empty
  std::string text;     ///< the fault, and its threshold
  double badness = 0;
  std::size_t cases = 1;
};

/// Sums over all actors.
struct Totals {
  std::uint64_t actors = 0;
  std::uint64_t waiting = 0;  ///< messages in mailboxes
  std::uint64_t handled = 0;  ///< by live actors
  std::uint64_t refused = 0;
  std::uint64_t restarts = 0;
  base::Duration oldest{0};
};

/// The totals of the latest survey, for code outside actors. Safe from any thread.
class LatestTotals {
 public:
  void set(const Totals& totals) {
    const std::lock_guard hold(lock_);
    totals_ = totals;
  }
  Totals get() const {
    const std::lock_guard hold(lock_);
    return totals_;
  }

 private:
  mutable std::mutex lock_;
  Totals totals_;
};

class Survey {
 public:
  /// An actor that waits for answers and has received none since the last survey.
  struct Asker {
    std::string path;
    std::uint64_t id = 0;
    runtime::Handle handle;
  };

  void begin();
  /// Visits an actor. `turn` is the start of its current turn, if any.
  void look(const runtime::Listing& actor, base::Instant now, std::optional<base::Instant> turn = std::nullopt);
  /// Finishes the survey with its findings. `wall` is the node's date.
  void finish(runtime::Node& node, base::Instant now, base::WallTime wall);

  /// Results of the last finished survey.
  const std::vector<Finding>& findings() const { return findings_; }
  const std::vector<Asker>& askers() const { return askers_; }
  const Totals& totals() const { return totals_; }
  /// Returns whether none of its observations can become a warning unless something else happens first.
  bool calm() const { return calm_; }
  /// Adds a finding from outside the walk.
  void add(Finding finding);

 private:
  struct Past {
    std::uint64_t handled = 0;
    std::uint64_t answers = 0;
    std::uint64_t depth = 0;
    std::uint32_t restarts = 0;
    std::uint32_t grew = 0;
    std::uint32_t unanswered = 0;  // surveys in which it waited and received no answer
    base::Instant still_since;     // since when it has handled nothing
    base::Instant busy_since;      // since when it has not rested
    std::deque<base::Instant> restarted;
    std::uint64_t seen = 0;  // in this survey
  };

  struct Restarted {
    std::uint32_t restarts = 0;
    std::uint64_t seen = 0;  // in this survey
  };
  std::uint32_t note_restarts(const std::string& path, std::uint32_t restarts);
  void judge(std::string_view path, const runtime::Listing& actor, Past& past, bool busy, base::Instant now);
  void count_dead_letters(runtime::Node& node, base::Instant now);
  void hear(runtime::Node& node, base::Instant now);

  std::uint64_t number_ = 0;
  std::map<std::string, Past, std::less<>> suspects_;
  std::map<std::string, Restarted, std::less<>> restarted_;
  std::vector<Finding> found_, findings_;
  std::vector<Asker> asking_, askers_;
  std::size_t askers_seen_ = 0;     // in this survey
  std::size_t askers_skipped_ = 0;  // of these, asked in an earlier survey
  Totals counting_, totals_;
  bool calm_ = false;
  struct Dead {
    base::Instant at;
    std::array<std::uint64_t, runtime::kDeadLetterReasons> counts{};
  };
  std::deque<Dead> dead_;
  std::optional<base::Duration> date_ahead_;
  std::optional<base::Instant> began_;  // the first survey
  base::Instant stepped_at_;
  base::Duration stepped_by_{0};
};

/// Returns a circle of actors that wait for each other, as numbers; empty if there is none. `asks` has an edge per
/// request: from the asking actor to the asked actor.
std::vector<std::uint64_t> find_circle(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& asks);

}  // namespace troupe::inspect
