#pragma once
// The watch over this node's replicas: which holders to ask, and which objects to store again elsewhere.
//
// Pass    every `period` all objects are checked, in rounds of contents_per_round_max: begin() asks the holders,
//         answered() and silent() take their responses, end() decides.
// Gone    a holder that lacks an object is removed from the object's list at once. A holder that is silent for
//         silent_passes_max passes in a row is absent: its copies do not count until it is back. After a restart no
//         holder is absent.
// Busy    a holder that responds `overloaded` is alive: busy_part such responses count as one silence, or one miss. The
//         copies of a holder that always responds so do not count.
// Read    holders' reports are verified: in one round of rounds_per_read, some holders must each return a random object
//         that they report as stored. If a holder does not, the object counts as missing there, and the next round asks
//         it for another object. After unread_max misses in a row the holder is absent until it returns an object.
// Limits  WatchLimits: the work of a round does not grow with the catalogue.
// Owner   the catalogue's actor; not thread-safe. Sends nothing; `now` is the caller's monotonic time.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "actors/files/api.hpp"
#include "actors/files/logic/catalogue.hpp"
#include "actors/files/logic/placement.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/random.hpp"
#include "runtime/base/time.hpp"

namespace troupe::files {

struct WatchLimits {
  base::Duration period = std::chrono::seconds{60};  // setting `files.watch_period`; 60 s after the first issue, step 6
  base::Duration pause = std::chrono::seconds{1};    // between two rounds of one pass; our choice
  std::size_t contents_per_round_max = 16'384;       // our choice: 16 GiB in chunks of 1 MiB per round
  std::size_t contents_per_question_max = 1024;      // our choice: 40 KiB per request
  std::size_t restores_per_round_max = 256;          // our choice: 256 MiB of copies before the next round of requests
  std::uint32_t silent_passes_max = 2;               // our choice: a node that only restarts causes no copies
  std::size_t reads_per_round_max = 8;               // our choice: 8 MiB per round with reads, from as many holders
  std::uint32_t rounds_per_read = 16;                // our choice: 8 KiB per second on average, at random
  std::uint32_t busy_part = 8;                       // our choice: a node busy for a quarter of an hour is gone
  std::uint32_t unread_max = 3;                      // our choice: one corrupted object does not mean that all are
  std::uint32_t refusal_rounds = 5;                  // our choice: how long a node that refused a copy is skipped
};

struct WatchQuestion {
  base::NodeId node;
  Cid cid;
  std::vector<ContentKey> contents;  ///< asks whether the node stores them under this node's claim for `cid`
};

/// An object to read from a holder that has just confirmed it.
struct WatchRead {
  base::NodeId node;
  Cid cid;
  ContentKey key;
};

enum class WatchReadEnd : std::uint8_t {
  sound,
  lacks,   ///< the node responded without the object
  silent,  ///< no response in time
  busy,    ///< the node is overloaded
};

/// An object to read from one of `sources` (each has just confirmed it) and to store at `target`.
struct Restore {
  Cid cid;
  ContentKey key;
  std::vector<base::NodeId> sources;
  base::NodeId target;
};

struct RoundEnd {
  Change change;  ///< to write and apply to the catalogue
  std::vector<Restore> restores;
  std::size_t contents_short = 0;  ///< with fewer live copies than wanted
  std::size_t contents_lost = 0;   ///< without any live copy
};

/// The nodes around positions, as found.
using Near = std::map<base::NodeId, std::vector<base::NodeId>>;

class Watch {
 public:
  Watch(const WatchLimits& limits, base::Instant now, const base::Mutations& mutations = base::kNoMutations);

  /// Returns when the next round may begin; meaningless during a round.
  base::Instant due() const { return due_; }
  bool in_round() const { return in_round_; }

  /// Begins a round if none is in progress and it is due. Returns the requests, several for a node that stores much.
  /// Without requests the round has nothing to ask, and ends like any other.
  std::vector<WatchQuestion> begin(const Catalogue& catalogue, base::Instant now);

  /// Takes a response: `has[i]` belongs to `question.contents[i]`. A response with another length counts as silence.
  void answered(const WatchQuestion& question, const std::vector<bool>& has);
  void silent(const WatchQuestion& question);
  void busy(const WatchQuestion& question);

  /// Returns the objects to read before the round ends, one per holder, usually none. Call it after all requests were
  /// answered or given up, and was_read() for each object.
  std::vector<WatchRead> reads(base::Random& random) const;
  void was_read(const WatchRead& read, WatchReadEnd how);

  /// Returns the positions around which copies are wanted, each once, at most restores_per_round_max. Call it after all
  /// reads, and pass the nodes found there to end().
  std::vector<base::NodeId> wanting(const Catalogue& catalogue);

  /// Ends the round. Copies go to the given nodes near a position, otherwise to `candidates`; first to `sites` without
  /// a copy.
  RoundEnd end(const Catalogue& catalogue, std::span<const base::NodeId> candidates, base::Instant now,
               const Near& near = {}, const Sites& sites = {});

  /// Records that `target` refused a copy: other nodes are tried for the next refusal_rounds rounds.
  void refused(const base::NodeId& target);

  /// Returns nodes that were silent for silent_passes_max passes, or did not return unread_max objects; sorted.
  std::vector<base::NodeId> absent() const;

 private:
  using FileContent = std::pair<Cid, ContentKey>;
  struct Heard {
    std::set<base::NodeId> has;
    std::set<base::NodeId> lacks;
  };

  struct Copies {
    std::vector<base::NodeId> holders;  // holders that do not lack the object
    std::vector<base::NodeId> sources;  // holders that confirmed the object
    std::size_t live = 0;
  };

  bool absent(const base::NodeId& node) const;
  bool gives_nothing(const base::NodeId& node) const;
  void count_silence();
  Copies copies(const Catalogue& catalogue, const FileContent& place, const Heard& heard) const;
  void judge(const Catalogue& catalogue, const FileContent& place, const Heard& heard,
             std::span<const base::NodeId> candidates, const Near& near, const Sites& sites, RoundEnd& out);

  const WatchLimits limits_;
  const base::Mutations& mutations_;
  base::Instant due_;
  base::Instant pass_begun_;
  bool in_round_ = false;
  std::optional<FileContent> cursor_;   // the last object of the previous round, within a pass
  std::map<FileContent, Heard> round_;  // the objects of this round
  std::set<base::NodeId> answering_;    // nodes that answered in this round
  std::set<base::NodeId> not_answering_;
  std::set<base::NodeId> busy_;
  bool silence_counted_ = false;   // silences of this round were counted
  std::set<base::NodeId> asked_;   // nodes asked in this pass
  std::set<base::NodeId> missed_;  // silent in a round of this pass, which counts once
  // Counts in a row, multiplied by busy_part; only for holders.
  std::map<base::NodeId, std::uint32_t> silences_;     // passes
  std::map<base::NodeId, std::uint32_t> unread_;       // objects that were not returned
  std::map<base::NodeId, std::uint32_t> passed_over_;  // rounds left
};

}  // namespace troupe::files
