#pragma once
// How far one follower is, as its leader sees it, and what may be sent to it now.
//
// Source  thesis 10.2.1 (pipelining), 4.2.1 (rounds of catching up); etcd-io/raft tracker for the states.
// States  probe: one message at a time, until the place is found where the logs agree. replicate: messages follow each
//         other as far as the in-flight limits go. snapshot: it lacks what the log no longer has, and fetches a
//         snapshot.
// Lost    a follower that has lost what it acknowledged, such as an older copy of itself, is sent it again. It is
//         recovering() until it has as much as before; what it said before the loss was noticed is ignored.
// Owner   the leader's core; not thread-safe.
#include <algorithm>
#include <deque>

#include "actors/raft/logic/delays.hpp"
#include "actors/raft/logic/message.hpp"

namespace troupe::raft {

enum class Standing : std::uint8_t { probe, replicate, snapshot };

/// Messages of which no answer has come.
class InFlight {
 public:
  bool full(const Settings& settings) const {
    return messages_.size() >= settings.in_flight_messages_max || bytes_ >= settings.in_flight_bytes_max;
  }
  void add(Index last, std::size_t bytes, base::Instant at) {
    messages_.push_back({last, bytes, at});
    bytes_ += bytes;
  }
  /// Returns when the last of the messages was sent that are acknowledged with this.
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
  Index match;  ///< durable there and the same as here
  Index next;   ///< the next entry to send
  InFlight in_flight{};
  bool waiting = false;        ///< probe: its answer is awaited
  bool nudge = false;          ///< replicate: something may be lost; an empty message finds out
  bool short_of_room = false;  ///< its device is nearly full, as it said last
  bool loading = false;        ///< entries from `next` on are being read from the disk
  Index told_commit{};
  base::Instant heard{};        ///< the last answer of this term
  Round acknowledged{};         ///< the last round of heartbeats that it answered
  std::uint64_t sequence = 0;   ///< of the last message sent to it
  std::uint64_t proven_at = 0;  ///< `sequence` when `match` last grew
  Index owed{};                 ///< what it had acknowledged before it lost some of it
  std::uint64_t lost_at = 0;    ///< `sequence` when that was noticed: answers to older messages are of before
  base::Instant lost_since{};
  std::optional<Snapshot> snapshot{};
  base::Instant offered{};  ///< when the snapshot was offered last
  Smoothed append_delay{}, heartbeat_delay{};

  /// thesis 4.2.1: a round ends when the follower has what the leader had at its beginning.
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

  /// It has everything up to `index` on its disk. Returns whether that is news.
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

  /// The follower, which had everything up to `durable` when it answered message `answered`, has lost what it
  /// acknowledged before that message was sent. An answer to an older message may be late instead.
  bool lost(std::uint64_t answered, Index durable) const { return answered > proven_at && durable < match; }

  bool recovering() const { return match < owed; }
  /// Whether an answer to that message says how the follower was before it lost entries.
  bool outdated(std::uint64_t answered) const { return lost_at > 0 && answered <= lost_at; }
  /// It has no more than `durable` of what it acknowledged, and is sent what is behind.
  void lose(Index durable, base::Instant now) {
    owed = std::max(owed, match);
    match = {};
    probe();
    next = durable.next();
    proven_at = lost_at = sequence;
    lost_since = now;
    caught_up = false;
  }

  /// It does not have the entry at `refused`; the logs may agree at `agree`. Returns whether that is news.
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

  /// Notes how the rounds of a learner go; at most one election time-out for the last one is "caught up". So is having
  /// all there is, however long that took: of a group that is not written to, no further round would ever end.
  void count_rounds(Index last, base::Duration election, base::Instant now) {
    if (match < round_goal) return;
    caught_up = match >= last || now - round_begun <= election;
    round_goal = last;
    round_begun = now;
  }
};

}  // namespace troupe::raft
