#pragma once
// Runs one lookup in virtual time.
#include <optional>
#include <set>

#include "actors/dht/logic/lookup.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::dht::model {

struct Run {
  LookupOutcome outcome;
  base::Duration took{0};
  std::size_t requests = 0;
};

/// The response to a request, or nullopt, and the time at which that is known.
struct Reply {
  base::Instant at;
  std::optional<LookupAnswer> answer;
};

/// Runs `lookup` to its end. Calls `reply_to(ask, now)` when a request is sent, and `heard(peer, answered, now)` when
/// its response arrives. Advances `now`.
template <class ReplyTo, class Heard>
Run drive(Lookup& lookup, base::Instant& now, ReplyTo reply_to, Heard heard) {
  struct Event {
    base::Instant at;
    std::uint64_t turn;
    Contact peer;
    std::optional<LookupAnswer> answer;
    bool operator<(const Event& other) const { return std::pair(at, turn) < std::pair(other.at, other.turn); }
  };
  std::set<Event> events;
  std::uint64_t turns = 0;
  const base::Instant begin = now;
  Decisions decisions = lookup.start(now);
  while (!decisions.done) {
    for (const Ask& ask : decisions.ask) {
      Reply reply = reply_to(ask, now);
      events.insert(Event{reply.at, ++turns, ask.whom, std::move(reply.answer)});
    }
    const base::Instant wake = lookup.wake_at();
    base::ensure(!events.empty() || wake < base::Instant::max(), "an unfinished search waits for something");
    if (events.empty() || wake < events.begin()->at) {
      now = std::max(now, wake);
      decisions = lookup.tick(now);
      continue;
    }
    const Event event = std::move(events.extract(events.begin()).value());
    now = event.at;
    heard(event.peer, event.answer.has_value(), now);
    decisions = event.answer ? lookup.answered(event.peer, *event.answer, now)
                             : lookup.failed(event.peer, AskFailure::silent, now);
  }
  const std::size_t asked = decisions.done->asked;
  return Run{std::move(*decisions.done), now - begin, asked};
}

}  // namespace troupe::dht::model
