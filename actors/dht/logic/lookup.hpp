#pragma once
// One search for the nodes nearest to a key, or for what they hold: which node to ask next, and when to stop.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.3; Baumgart & Mies, "S/Kademlia", 2007: 4.2 (disjoint paths).
// Paths   the start contacts are dealt out to kPathsFirst paths; a path goes on from what its own questions brought,
//         and no node is asked twice. One path that meets only honest nodes is enough.
// Width   questions in flight: one more for each late or lost answer, one fewer for each quick one.
// End     the nearest known nodes have answered, and each path's share of them. A search without a result goes on to
//         the end of the region. If the nearest nodes lie too far apart, paths may have met only liars: a new one
//         begins.
// Late    another node is asked after an adaptive time-out, but a late answer still counts.
// Limits  kAskedMax questions, kPathsMax paths of kPathKnownMax candidates each, kTakenMax contacts of an answer.
// Owner   one lookup actor; not thread-safe. Time is monotonic and given; reads no clock, sends nothing, draws no lots.
#include "actors/dht/logic/candidates.hpp"

namespace troupe::dht {

class Lookup {
 public:
  /// `starts` are the nearest contacts of our table, nearest first; after kStartMax they are not looked at.
  Lookup(const LookupQuestion& question, std::vector<Start> starts);

  /// The first questions. To be called once, before anything else.
  Decisions start(base::Instant now);

  /// `whom` as it was asked. An answer that is not waited for, or that comes twice, changes nothing.
  Decisions answered(const Contact& whom, const LookupAnswer& answer, base::Instant now);
  Decisions failed(const Contact& whom, AskFailure why, base::Instant now);

  /// Passes over late nodes, and ends at the deadline. Early, late and repeated calls are harmless.
  Decisions tick(base::Instant now);
  /// When tick() has something to do; max() once ended.
  base::Instant wake_at() const;

  /// The caller wants it no more.
  Decisions cancel(base::Instant now);

  bool ended() const { return ended_; }
  /// Empty unless LookupQuestion::tracing is on.
  const Explanation& explain() const { return explanation_; }
  const LookupQuestion& question() const { return question_; }
  /// Questions in flight that are not late.
  std::size_t in_flight() const;
  /// Nodes that have answered with the newest value so far.
  std::size_t agreeing() const;

 private:
  struct Choice {
    Candidate* whom;
    std::size_t path;
    Chosen why;
  };
  struct PathLoad {
    std::size_t asked = 0;
    std::size_t in_flight = 0;
  };

  // lookup.cpp: what happened
  Decisions go_on(base::Instant now);
  Ask ask(const Choice& choice, base::Instant now);
  void spare_known(base::Instant now);
  void take_contacts(const Candidate& from, const std::vector<Contact>& contacts);
  void take_value(Candidate& from, const LookupAnswer& answer);
  void give_up_on(Candidate& whom, Fate fate, base::Instant now);
  Decisions finish(Ending ending, base::Instant now);
  LookupOutcome outcome(Ending ending, base::Instant now) const;
  void refuse(const Key& id, const Key& named_by, Refusal why);
  Hop* hop_of(const Key& id);
  void check() const;

  // lookup_choice.cpp: what next
  void mark_needed();
  std::optional<Choice> choose();
  std::optional<Choice> choose_last_round();
  Candidate* nearest_fresh(std::size_t path, Chosen& why);
  bool preferred(const Candidate& first, const Candidate& other) const;
  std::size_t width() const;
  std::size_t first_width() const;
  bool found() const;
  bool enough_providers() const;
  bool settled() const;
  bool empty_handed() const;
  bool worth_waiting() const;
  bool suspicious() const;
  bool open_path();
  bool seeks_nodes() const;

  LookupQuestion question_;
  std::vector<Start> starts_;
  Candidates candidates_;
  RoundTrip round_trip_;
  std::vector<PathLoad> paths_;
  std::size_t width_ = kWidthFirst;
  std::size_t asked_ = 0;
  std::size_t providers_ = 0;
  std::size_t holder_depth_ = 0;  // of the first holder; 0: none yet
  std::size_t replacements_ = 0;  // questions to be asked in place of late or failed ones
  std::optional<Version> newest_;
  bool ended_ = false;
  Explanation explanation_;
};

}  // namespace troupe::dht
