#pragma once
// The progress of one follower from its leader's view, and what may be sent to it now.
//
// Source  thesis 10.2.1 (pipelining), 4.2.1 (rounds of catching up); etcd-io/raft tracker for the states.
// States  probe: one message at a time, until the leader knows up to which index the logs agree. replicate: pipelined
//         messages up to the in-flight limits. snapshot: the follower needs entries that the leader's log no longer
//         has, and fetches a snapshot.
// Lost    a follower that has lost acknowledged entries, for example because it runs on an older copy of its disk, gets
//         them again. It is recovering() until it has as much as before. Responses from before the loss are ignored.
// Owner   the leader's core; not thread-safe.
#include <algorithm>
#include <deque>

#include "actors/raft/logic/delays.hpp"
#include "actors/raft/logic/message.hpp"

namespace troupe::raft {

enum class Standing : std::uint8_t { probe, replicate, snapshot };

/// Messages without a response.
class InFlight {
 public:
  bool full(const Settings& settings) const {
    return messages_.size() >= settings.in_flight_messages_max || bytes_ >= settings.in_flight_bytes_max;
  }
  void add(Index last, std::size_t bytes, base::Instant at) {
    messages_.push_back({last, bytes, at});
    bytes_ += bytes;
  }
  /// Removes the messages up to entry `match`. Returns when the last of these messages was sent.
  std::optional<base::Instant> acknowledged(Index match) {
    std::optional<base::Instant> sent;
    while (!messages_.empty() && messages_.front().last <= match) {
      sent = messages_.front().at;
      bytes_ -= messages_.front().bytes;
      messages_.pop_front();
    }
    return sent;
  }
  void clear() {
    messages_.clear();
    bytes_ = 0;
  }
  std::size_t messages() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Sent {
    Index last;
    std::size_t bytes;
    base::Instant at;
  };
  std::deque<Sent> messages_;
  std::size_t bytes_ = 0;
};

struct Progress {
  Standing standing = Standing::probe;
  Index match;  ///< the follower's log is durable and equal to the leader's up to this index
  Index next;   ///< the next entry to send
  InFlight in_flight{};
  bool waiting = false;        ///< probe: waits for a response
  bool nudge = false;          ///< replicate: a message may be lost, so an empty message is sent to find out
  bool short_of_room = false;  ///< as it reported last: its device is nearly full
  bool loading = false;        ///< entries from `next` on are being read from the disk
  Index told_commit{};
  base::Instant heard{};        ///< the last response in this term
  Round acknowledged{};         ///< the last round of heartbeats that it answered
  std::uint64_t sequence = 0;   ///< number of the last message sent to it
  std::uint64_t proven_at = 0;  ///< `sequence` when `match` last grew
  Index owed{};                 ///< the index acknowledged before the loss
  std::uint64_t lost_at = 0;    ///< `sequence` when the loss was noticed; responses to earlier messages are outdated
  base::Instant lost_since{};
  std::optional<Snapshot> snapshot{};
  base::Instant offered{};  ///< when the snapshot was last offered
  Smoothed append_delay{}, heartbeat_delay{};

  /// Thesis 4.2.1: a round ends when the follower has all entries that the leader had when the round began.
  Index round_goal{};
  base::Instant round_begun{};
  bool caught_up = false;

  void probe() {
    standing = Standing::probe;
    next = match.next();
    in_flight.clear();
    waiting = nudge = false;
    snapshot.reset();
  }

  /// Records that the follower has everything up to `index` on its disk. Returns whether that is new.
  bool acknowledge(Index index, base::Instant now) {
    const bool news = index > match;
    if (news) {
      match = index;
      proven_at = sequence;
    }
    next = std::max(next, match.next());
    if (const auto sent = in_flight.acknowledged(match)) append_delay.add(now - *sent);
    if (standing == Standing::probe || (snapshot && match >= snapshot->index)) {
      standing = Standing::replicate;
      next = match.next();
      snapshot.reset();
    }
    waiting = false;
    return news;
  }

  /// Returns whether the follower has lost acknowledged entries: its response to message `answered` reports that it has
  /// everything only up to `durable`. A response to an older message may just be late.
  bool lost(std::uint64_t answered, Index durable) const { return answered > proven_at && durable < match; }

  bool recovering() const { return match < owed; }
  /// Returns whether a response to that message describes the follower before its loss.
  bool outdated(std::uint64_t answered) const { return lost_at > 0 && answered <= lost_at; }
  /// Records that the follower has acknowledged entries only up to `durable`. The lost entries are sent again.
  void lose(Index durable, base::Instant now) {
    owed = std::max(owed, match);
    match = {};
    probe();
    next = durable.next();
    proven_at = lost_at = sequence;
    lost_since = now;
    caught_up = false;
  }

  /// Records that the follower lacks the entry at `refused`; the logs may agree at `agree`. Returns whether that is
  /// new.
  bool refuse(Index refused, Index agree) {
    if (standing == Standing::replicate) {
      if (refused <= match || refused >= next) return false;
      probe();
    } else if (standing != Standing::probe || refused != next.previous()) {
      return false;
    }
    next = std::max(match.next(), std::min(refused, agree.next()));
    waiting = false;
    return true;
  }

  /// Tracks a learner's rounds. The learner has caught up if the last round took at most one election time-out, or if
  /// it has all entries, because without writes no further round would end.
  void count_rounds(Index last, base::Duration election, base::Instant now) {
    if (match < round_goal) return;
    caught_up = match >= last || now - round_begun <= election;
    round_goal = last;
    round_begun = now;
  }
};

}  // namespace troupe::raft
