#include "actors/inspect/survey.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::inspect {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

std::string number(std::uint64_t value) {
  std::string out = std::to_string(value);
  for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

std::string length(base::Duration time) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
  if (ms < 10'000) return number(static_cast<std::uint64_t>(ms)) + " ms";
  return number(static_cast<std::uint64_t>(ms / 1'000)) + " s";
}

double seconds(base::Duration time) { return std::chrono::duration<double>(time).count(); }

constexpr std::array<std::string_view, runtime::kDeadLetterReasons> kDeadReasons{
    "expired", "for full mailboxes", "of unknown kinds",        "malformed",
    "refused", "late answers",       "for actors that are gone"};

}  // namespace

std::string_view name(Warning warning) {
  static constexpr std::array<std::string_view, kWarnings> kNames{
      "growing-mailbox", "old-message", "slow-handler", "never-idle", "restart-storm", "dead-letters", "no-credit",
      "ask-cycle",       "late-timer",  "clock-step",   "slow-sync",  "flapping-link", "budget-full"};
  return kNames[static_cast<std::size_t>(warning)];
}

void Survey::add(Finding finding) {
  const auto known = std::ranges::find(found_, finding.warning, &Finding::warning);
  if (known == found_.end()) return found_.push_back(std::move(finding));
  const std::size_t cases = known->cases + finding.cases;
  if (finding.badness > known->badness) *known = std::move(finding);
  known->cases = cases;
}

void Survey::begin() {
  ++number_;
  found_.clear();
  asking_.clear();
  askers_skipped_ = askers_skipped_ + kAskersMax < askers_seen_ ? askers_skipped_ + kAskersMax : 0;
  askers_seen_ = 0;
  counting_ = {};
  calm_ = true;
}

void Survey::look(const runtime::Listing& actor, base::Instant now, std::optional<base::Instant> turn) {
  const runtime::Record& record = *actor.record;
  const std::uint64_t depth = record.depth();
  const std::uint32_t restarts = record.restarts.load(kRelaxed);
  const base::Duration oldest = depth > 0 ? record.head(now).age : base::Duration::zero();
  counting_.actors += 1;
  counting_.waiting += depth;
  counting_.handled += record.done();
  counting_.refused += record.refused_full.load(kRelaxed);
  counting_.restarts += restarts;
  counting_.oldest = std::max(counting_.oldest, oldest);
  const base::Duration starved = record.starved(now);
  if (starved >= kNoCredit)
    add({Warning::no_credit, actor.path,
         actor.path + " has had no credit to write for " + length(starved) +
             ": its stream's reader accepts nothing (more than 5 s)",
         seconds(starved)});
  const std::uint32_t restarts_before = note_restarts(actor.path, restarts);
  const bool busy = record.rates(now, turn).busy >= kNeverIdle;
  const bool suspicious =
      depth > 0 || record.since_restart(now) < kStormTime || busy || record.asking.load(kRelaxed) > 0;
  calm_ = calm_ && !suspicious && starved == base::Duration::zero();
  auto past = suspects_.find(actor.path);
  if (past == suspects_.end()) {
    if (!suspicious || suspects_.size() >= kSuspectsMax) {
      if (oldest > kOldMessage)
        add({Warning::old_message, actor.path,
             "a message waits in the mailbox of " + actor.path + " for " + length(oldest) + " (more than 1 s)",
             seconds(oldest)});
      return;
    }
    past = suspects_.emplace(actor.path, Past{}).first;
    past->second.depth = depth;
    past->second.still_since = past->second.busy_since = now;
    past->second.handled = record.handled.load(kRelaxed);
    past->second.answers = record.answers.load(kRelaxed);
    past->second.restarts = restarts_before;
  }
  judge(past->first, actor, past->second, busy, now);
  if (suspicious) past->second.seen = number_;
}

/// Returns the actor's restarts at the last survey.
std::uint32_t Survey::note_restarts(const std::string& path, std::uint32_t restarts) {
  if (restarts == 0) return 0;
  const auto known = restarted_.find(path);
  // At an inspector's first survey, and beyond the limit, only the last restart is known to be new.
  const bool blind = number_ == 1 || (known == restarted_.end() && restarted_.size() >= kRestartedMax);
  const std::uint32_t before = known != restarted_.end() ? known->second.restarts : blind ? restarts - 1 : 0;
  if (known != restarted_.end()) known->second = {restarts, number_};
  else if (restarted_.size() < kRestartedMax) restarted_.emplace(path, Restarted{restarts, number_});
  return before;
}

/// Compares an actor with its state at the last survey.
void Survey::judge(std::string_view path, const runtime::Listing& actor, Past& past, bool busy, base::Instant now) {
  const runtime::Record& record = *actor.record;
  const std::string who(path);
  const std::uint64_t depth = record.depth();
  const std::uint64_t handled = record.handled.load(kRelaxed);
  const std::uint64_t answers = record.answers.load(kRelaxed);

  if (depth > past.depth) ++past.grew;
  else past.grew = 0;
  if (past.grew >= kGrowingLooks && depth >= kGrowingMin)
    add({Warning::growing_mailbox, who,
         "the mailbox of " + who + " grows: " + number(depth) +
             " messages wait (1,000 or more, and more in each of the last 5 scans)",
         static_cast<double>(depth)});

  if (handled != past.handled || depth == 0) past.still_since = now;
  const base::Duration oldest =
      depth == 0 ? base::Duration::zero() : std::max(record.head(now).age, now - past.still_since);
  if (oldest > kOldMessage)
    add({Warning::old_message, who,
         "a message waits in the mailbox of " + who + " for " + length(oldest) + " (more than 1 s)", seconds(oldest)});

  if (!busy) past.busy_since = now;
  if (now - past.busy_since >= kNeverIdleTime)
    add({Warning::never_idle, who,
         who + " has not rested for " + length(now - past.busy_since) +
             ": it spends all its time in handlers (30 s or more at 95 % or more)",
         seconds(now - past.busy_since)});

  const std::uint32_t restarts = record.restarts.load(kRelaxed);
  for (std::uint32_t i = past.restarts; i < restarts && i < past.restarts + kStorm; ++i) past.restarted.push_back(now);
  while (!past.restarted.empty() && now - past.restarted.front() > kStormTime) past.restarted.pop_front();
  while (past.restarted.size() > 2 * kStorm) past.restarted.pop_front();
  if (past.restarted.size() >= kStorm) {
    const base::Code code = record.last_error.load(kRelaxed);
    add({Warning::restart_storm, who,
         who + " fails repeatedly (" + std::string(base::name(code)) +
             "; 3 or more restarts within 30 s): see `troupe inspect --once " + who + "` shows why",
         static_cast<double>(past.restarted.size())});
  }

  const bool waits = record.asking.load(kRelaxed) > 0 && answers == past.answers;
  past.unanswered = waits ? past.unanswered + 1 : 0;
  if (past.unanswered >= 1 && past.seen != 0) {
    // If more actors ask than are visited, each survey takes other actors.
    if (askers_seen_++ >= askers_skipped_ && asking_.size() < kAskersMax)
      asking_.push_back({who, actor.handle.id(), actor.handle});
  }

  past.depth = depth;
  past.handled = handled;
  past.answers = answers;
  past.restarts = restarts;
}

void Survey::finish(runtime::Node& node, base::Instant now, base::WallTime wall) {
  if (!began_) began_ = now;
  std::erase_if(restarted_, [this](const auto& one) { return one.second.seen != number_; });
  std::erase_if(suspects_, [this](const auto& one) { return one.second.seen != number_; });
  count_dead_letters(node, now);
  const base::Duration ahead = wall.since_origin() - now.since_origin();
  if (date_ahead_ && std::chrono::abs(ahead - *date_ahead_) >= kClockStep) {
    stepped_at_ = now;
    stepped_by_ = ahead - *date_ahead_;
  }
  date_ahead_ = ahead;
  if (stepped_by_ != base::Duration::zero() && now - stepped_at_ < kEventTime)
    add({Warning::clock_step, "",
         std::string(stepped_by_ < base::Duration::zero() ? "the date of this machine was moved back by "
                                                          : "the machine slept, or its date was moved on, by ") +
             length(std::chrono::abs(stepped_by_)) + " (1 s or more)",
         seconds(std::chrono::abs(stepped_by_))});
  hear(node, now);
  findings_ = std::exchange(found_, {});
  calm_ = calm_ && findings_.empty();
  askers_ = std::exchange(asking_, {});
  totals_ = counting_;
}

void Survey::count_dead_letters(runtime::Node& node, base::Instant now) {
  Dead latest{.at = now};
  for (std::size_t i = 0; i < runtime::kDeadLetterReasons; ++i)
    latest.counts[i] = node.dead_letters(static_cast<runtime::DeadLetter>(i));
  while (dead_.size() > 1 && now - dead_[1].at >= kDeadLettersTime) dead_.pop_front();
  if (dead_.empty()) dead_.push_back(latest);  // counts from before the first survey may be old
  std::uint64_t sum = 0, most = 0;
  std::size_t reason = 0;
  for (std::size_t i = 0; i < runtime::kDeadLetterReasons; ++i) {
    const std::uint64_t lately = latest.counts[i] - dead_.front().counts[i];
    sum += lately;
    if (lately > most) reason = i;
    most = std::max(most, lately);
  }
  dead_.push_back(latest);
  if (sum < kDeadLettersMin) return;
  add({Warning::dead_letters, std::string(kDeadReasons[reason]),
       number(sum) + " messages reached no actor in the last minute, most of them " +
           std::string(kDeadReasons[reason]) + " (100 or more)",
       static_cast<double>(sum)});
}

/// Adds the reports of the node's actors and threads.
void Survey::hear(runtime::Node& node, base::Instant now) {
  const base::Instant since = now.since_origin() > base::Duration(kEventTime) ? now - kEventTime : base::Instant{};
  for (const runtime::Sounded& one : node.alarms().since(since)) {
    const std::string what = one.what.empty() ? "" : " (" + std::string(one.what) + ")";
    const std::string times = one.times > 1 ? ", " + number(one.times) + " times so far" : "";
    switch (one.alarm) {
      case runtime::Alarm::slow_handler:
        add({Warning::slow_handler, one.subject,
             "a handler of " + one.subject + what + " took " + length(one.worst) + times +
                 ": it blocks a thread for all other actors (100 ms or more)",
             seconds(one.worst)});
        break;
      case runtime::Alarm::late_timer:
        if (one.last < *began_ + kStartTime) break;
        add({Warning::late_timer, one.subject,
             "a timer of " + one.subject + " came " + length(one.worst) + " late" + times +
                 ": the machine or the actor is overloaded (500 ms or more)",
             seconds(one.worst)});
        break;
      case runtime::Alarm::slow_sync:
        add({Warning::slow_sync, one.subject,
             one.subject + " waited " + length(one.worst) + " for its device" + times + " (1 s or more)",
             seconds(one.worst)});
        break;
      case runtime::Alarm::flapping_link:
        add({Warning::flapping_link, one.subject,
             "the link to " + one.subject + " was lost " + number(one.lately) + " times within 60 s (3 or more)",
             static_cast<double>(one.lately)});
        break;
      case runtime::Alarm::budget_full:
        add({Warning::budget_full, one.subject,
             "untrusted nodes are refused: their budget of " + one.subject + " is used up",
             static_cast<double>(one.times)});
        break;
    }
  }
}

std::vector<std::uint64_t> find_circle(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& asks) {
  std::map<std::uint64_t, std::vector<std::uint64_t>> asked_by;
  for (const auto& [who, whom] : asks) asked_by[who].push_back(whom);
  std::map<std::uint64_t, int> colour;  // 1: on the current path, 2: done
  // At most kAskersMax actors ask, so a path is short; it is kept here, not on the stack.
  for (const auto& [first, unused] : asked_by) {
    if (colour[first] != 0) continue;
    std::vector<std::pair<std::uint64_t, std::size_t>> way{{first, 0}};
    colour[first] = 1;
    while (!way.empty()) {
      auto& [who, next] = way.back();
      const auto edges = asked_by.find(who);
      if (edges == asked_by.end() || next >= edges->second.size()) {
        colour[who] = 2;
        way.pop_back();
        continue;
      }
      const std::uint64_t whom = edges->second[next++];
      if (colour[whom] == 1) {
        std::vector<std::uint64_t> circle;
        bool inside = false;
        for (const auto& [one, place] : way) {
          inside = inside || one == whom;
          if (inside) circle.push_back(one);
        }
        return circle;
      }
      if (colour[whom] == 0) {
        colour[whom] = 1;
        way.emplace_back(whom, 0);
      }
    }
  }
  return {};
}

}  // namespace troupe::inspect
