#pragma once
// The watch over this node's replicas: which holders to ask, and which contents to store again elsewhere.
//
// Pass    every `period` all contents are looked at, in rounds of contents_per_round_max: begin() asks the holders,
//         answered() and silent() take what they say, end() decides.
// Gone    a holder that lacks a content is off its list at once. One that is silent for silent_passes_max passes in a
//         row is absent: its copies do not count until it is back. After a restart none is absent.
// Busy    a holder that answers `overloaded` is there: busy_part such answers are one silence, or one miss. One that
//         says so for ever is no copy.
// Read    what a holder says is not believed for ever: in one round of rounds_per_read, some holders are each to give a
//         random content of those that they say they have. One that is not given counts as lacking, and its holder is
//         asked for another in the next round. After unread_max misses in a row it is absent until it gives one.
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
  std::size_t contents_per_round_max = 16'384;       // our choice: 16 GiB in chunks of 1 MiB a round
  std::size_t contents_per_question_max = 1024;      // our choice: 40 KiB a question
  std::size_t restores_per_round_max = 256;          // our choice: 256 MiB of copies before anything is asked again
  std::uint32_t silent_passes_max = 2;               // our choice: a node that only restarts is not copied
  std::size_t reads_per_round_max = 8;               // our choice: 8 MiB a round that reads, of as many holders
  std::uint32_t rounds_per_read = 16;                // our choice: 8 KiB a second on the average, by chance
  std::uint32_t busy_part = 8;                       // our choice: a quarter of an hour, then it is as good as gone
  std::uint32_t unread_max = 3;                      // our choice: one damaged content is not the loss of all others
  std::uint32_t refusal_rounds = 5;                  // our choice: how long a node that refused a copy is passed over
};

struct WatchQuestion {
  base::NodeId node;
  Cid cid;
  std::vector<ContentKey> contents;  ///< does the node hold them under our claim for `cid`?
};

/// A content to read from a holder that said just now that it has it.
struct WatchRead {
  base::NodeId node;
  Cid cid;
  ContentKey key;
};

enum class WatchReadEnd : std::uint8_t {
  sound,
  lacks,   ///< the node answered without the content
  silent,  ///< no answer in time
  busy,    ///< it has too much to do
};

/// A content to read from one of `sources` (each said just now that it holds it) and to store at `target`.
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

/// The nodes around positions, as they were found.
using Near = std::map<base::NodeId, std::vector<base::NodeId>>;

class Watch {
 public:
  Watch(const WatchLimits& limits, base::Instant now, const base::Mutations& mutations = base::kNoMutations);

  /// When the next round may begin; meaningless during one.
  base::Instant due() const { return due_; }
  bool in_round() const { return in_round_; }

  /// Begins a round, if none is under way and it is due: the questions, several for one node if it holds much.
  /// No questions: the round has nothing to ask, and ends like any other.
  std::vector<WatchQuestion> begin(const Catalogue& catalogue, base::Instant now);

  /// `has[i]` tells about `question.contents[i]`; an answer of another length counts as silence.
  void answered(const WatchQuestion& question, const std::vector<bool>& has);
  void silent(const WatchQuestion& question);
  void busy(const WatchQuestion& question);

  /// Every question was answered or given up: what is to be read before the round ends, one content of a holder; mostly
  /// nothing. was_read() is called for each.
  std::vector<WatchRead> reads(base::Random& random) const;
  void was_read(const WatchRead& read, WatchReadEnd how);

  /// All that was to be read was: the positions around which copies are wanted, each once, at most
  /// restores_per_round_max. What is found there goes into end().
  std::vector<base::NodeId> wanting(const Catalogue& catalogue);

  /// Ends the round. Copies go to the nodes near a position as far as they are given, else to `candidates`; to `sites`
  /// without a copy first.
  RoundEnd end(const Catalogue& catalogue, std::span<const base::NodeId> candidates, base::Instant now,
               const Near& near = {}, const Sites& sites = {});

  /// `target` did not take a copy: others are tried for the next refusal_rounds rounds.
  void refused(const base::NodeId& target);

  /// Silent for silent_passes_max passes, or gave none of unread_max contents; sorted.
  std::vector<base::NodeId> absent() const;

 private:
  using FileContent = std::pair<Cid, ContentKey>;
  struct Heard {
    std::set<base::NodeId> has;
    std::set<base::NodeId> lacks;
  };

  struct Copies {
    std::vector<base::NodeId> holders;  // but for those that lack it
    std::vector<base::NodeId> sources;  // of those, who said that they have it
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
  std::optional<FileContent> cursor_;   // the last content of the round before, within a pass
  std::map<FileContent, Heard> round_;  // the contents of this round
  std::set<base::NodeId> answering_;    // in this round
  std::set<base::NodeId> not_answering_;
  std::set<base::NodeId> busy_;
  bool silence_counted_ = false;   // of this round
  std::set<base::NodeId> asked_;   // in this pass
  std::set<base::NodeId> missed_;  // silent in a round of this pass, which counts once
  // In a row, each times busy_part; holders only.
  std::map<base::NodeId, std::uint32_t> silences_;     // passes
  std::map<base::NodeId, std::uint32_t> unread_;       // contents that were not given
  std::map<base::NodeId, std::uint32_t> passed_over_;  // rounds left
};

}  // namespace troupe::files
