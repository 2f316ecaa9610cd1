#pragma once
// Looks at every actor of a node now and then, and says what is wrong: the warnings of the node.
//
// States  a survey begins, sees each actor once, and finishes with what it found; the next one compares.
// Limits  remembers kSuspectsMax actors: those that wait, restart, ask or never rest. Beyond, the others are judged by
//         what one look shows.
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
/// "growing-mailbox": also the source of the reason in the node's health.
std::string_view name(Warning warning);

// Thresholds, our choice where the name of the warning does not say it.
inline constexpr std::uint64_t kGrowingMin = 1'000;  // messages in a mailbox that grows
inline constexpr std::uint32_t kGrowingLooks = 5;    // surveys in which it did, one after the other
inline constexpr std::chrono::seconds kOldMessage{1};
inline constexpr double kNeverIdle = 0.95;  // share of the time
inline constexpr std::chrono::seconds kNeverIdleTime{30};
inline constexpr std::uint32_t kStorm = 3;  // restarts of one actor within kStormTime
inline constexpr std::chrono::seconds kStormTime{30};
inline constexpr std::uint64_t kDeadLettersMin = 100;  // within kDeadLettersTime
inline constexpr std::chrono::seconds kDeadLettersTime{60};
inline constexpr std::chrono::seconds kNoCredit{5};
inline constexpr std::chrono::seconds kClockStep{1};
inline constexpr std::chrono::seconds kStartTime{30};  // our choice: timers of a node that starts may come late
inline constexpr std::chrono::seconds kEventTime{60};  // how long what happened once is told
inline constexpr std::size_t kSuspectsMax = 1'000;
inline constexpr std::size_t kRestartedMax = 10'000;  // actors whose restarts are remembered
inline constexpr std::size_t kAskersMax = 64;         // asked whom they wait for, in one survey

/// What a survey has found of one kind: the worst case, and how many there are.
struct Finding {
  Warning warning{};
  std::string subject;  ///< a path, a node or a reason; may be empty
  std::string text;     ///< what, and beyond which threshold
  double badness = 0;
  std::size_t cases = 1;
};

/// Sums over all actors.
struct Totals {
  std::uint64_t actors = 0;
  std::uint64_t waiting = 0;  ///< messages in mailboxes
  std::uint64_t handled = 0;  ///< of the actors that live
  std::uint64_t refused = 0;
  std::uint64_t restarts = 0;
  base::Duration oldest{0};
};

/// The totals of the latest survey, for those who are no actors. Safe from any thread.
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
  /// An actor that waits for answers and got none since the last survey.
  struct Asker {
    std::string path;
    std::uint64_t id = 0;
    runtime::Handle handle;
  };

  void begin();
  /// `turn` is when the turn began that it is in, if it is in one.
  void look(const runtime::Listing& actor, base::Instant now, std::optional<base::Instant> turn = std::nullopt);
  /// `wall` is the node's date.
  void finish(runtime::Node& node, base::Instant now, base::WallTime wall);

  /// Of the last one that finished.
  const std::vector<Finding>& findings() const { return findings_; }
  const std::vector<Asker>& askers() const { return askers_; }
  const Totals& totals() const { return totals_; }
  /// Whether nothing that it saw can become a warning unless something else happens first.
  bool calm() const { return calm_; }
  /// Adds what was found outside of the walk.
  void add(Finding finding);

 private:
  struct Past {
    std::uint64_t handled = 0;
    std::uint64_t answers = 0;
    std::uint64_t depth = 0;
    std::uint32_t restarts = 0;
    std::uint32_t grew = 0;
    std::uint32_t unanswered = 0;  // surveys in which it asked and got no answer
    base::Instant still_since;     // it has handled nothing
    base::Instant busy_since;      // it has not rested
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
  std::size_t askers_skipped_ = 0;  // of them, for their turn was in an earlier one
  Totals counting_, totals_;
  bool calm_ = false;
  struct Dead {
    base::Instant at;
    std::array<std::uint64_t, runtime::kDeadLetterReasons> counts{};
  };
  std::deque<Dead> dead_;
  std::optional<base::Duration> date_ahead_;
  std::optional<base::Instant> began_;  // the first one
  base::Instant stepped_at_;
  base::Duration stepped_by_{0};
};

/// The circle of actors that wait for each other, as numbers; empty if there is none. `asks` has an edge for each
/// question: who asks, and who is asked.
std::vector<std::uint64_t> find_circle(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& asks);

}  // namespace troupe::inspect
