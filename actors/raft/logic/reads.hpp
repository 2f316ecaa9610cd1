#pragma once
// Linearizable reads that wait until a round of heartbeats has shown that this leader still leads.
//
// Source  thesis 6.4: note the commit index, ask a quorum, answer once it has confirmed.
// Batch   reads that arrived since the last round began share the next round. At most kReadRoundsMax are in progress.
// Limits  `max` reads wait; add() refuses further reads.
// Owner   the leader's core; not thread-safe.
#include <deque>
#include <utility>
#include <vector>

#include "actors/raft/logic/settings.hpp"
#include "actors/raft/logic/types.hpp"

namespace troupe::raft {

struct Read {
  ReadId id;
  MemberId asker;  ///< the leader itself, or the follower to answer
};
struct ReadyRead {
  Read read;
  Index index;
};

class Reads {
 public:
  /// Returns false if `max` reads already wait.
  bool add(Read read, std::size_t max) {
    if (size_ >= max) return false;
    waiting_.push_back(read);
    ++size_;
    return true;
  }

  /// Returns whether a round should begin: a read waits for it, and not too many rounds are in progress.
  bool wants_round() const { return !waiting_.empty() && rounds_.size() < kReadRoundsMax; }
  /// Assigns all waiting reads to `round`. They read a state that has applied `commit`.
  void begin(Round round, Index commit) { rounds_.push_back({round, commit, std::exchange(waiting_, {})}); }

  /// Returns the reads of `round`, which a quorum has answered, and of all earlier rounds.
  std::vector<ReadyRead> confirmed(Round round) {
    std::vector<ReadyRead> out;
    while (!rounds_.empty() && rounds_.front().round <= round) {
      for (const Read& read : rounds_.front().reads) out.push_back({read, rounds_.front().index});
      rounds_.pop_front();
    }
    size_ -= out.size();
    return out;
  }

  /// Returns all waiting reads, when the leader no longer leads.
  std::vector<Read> drop() {
    std::vector<Read> out = std::exchange(waiting_, {});
    for (Asked& round : rounds_) out.insert(out.end(), round.reads.begin(), round.reads.end());
    rounds_.clear();
    size_ = 0;
    return out;
  }
  std::size_t size() const { return size_; }

 private:
  struct Asked {
    Round round;
    Index index;
    std::vector<Read> reads;
  };
  std::vector<Read> waiting_;
  std::deque<Asked> rounds_;
  std::size_t size_ = 0;
};

}  // namespace troupe::raft
