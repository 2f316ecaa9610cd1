#pragma once
// One search for the nodes nearest to a key, or for what they hold: whom to ask next, and when to stop.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.3; Baumgart & Mies, "S/Kademlia", 2007: 4.2 (disjoint paths).
// Paths   the start contacts are dealt out to kPathsFirst paths; a path goes on from what its own questions brought,
//         and nobody is asked twice. One path that meets honest nodes only is enough.
// Width   questions in flight: one more for each that is late or lost, one fewer for each that came as quickly as
//         usual. A search for a value starts narrow where the nearest start contact should hold it. Those that have to
//         be asked in any case are asked kWidthLast at a time.
// End     the LookupQuestion::nearest nearest known nodes have answered, and of each path its share of them. Of one
//         address group GroupLimits::table_max count among the nearest, whatever paths heard of them. Who has found
//         nothing goes on to the end of the region, where a store would have gone. If the nearest lie so far apart that
//         there should be twice as many, all paths may have met only liars: a new one begins.
// Lately  of a store_region, start contacts that answered an earlier search and lie where the value belongs count as if
//         they had answered. The kPathsFirst nearest do not, and each path asks the nearest of the others that it
//         knows, so that whoever has come meanwhile is heard of.
// Late    an answer outside the adaptive time-out: another node is asked, but the late answer still counts. A search
//         is mostly over before such a node has had its time: LookupOutcome::overdue names it.
// Limits  kAskedMax questions, kPathsMax paths of kPathKnownMax candidates each, kTakenMax contacts of an answer.
// Time    monotonic, given by the caller. Reads no clock, sends nothing and draws no lots.
// Owner   one lookup actor; not thread-safe.
#include "actors/dht/logic/candidates.hpp"

namespace troupe::dht {

class Lookup {
 public:
  /// `starts` are the nearest contacts of our table, nearest first; after kStartMax they are not looked at.
  Lookup(const LookupQuestion& question, std::vector<Start> starts);

  /// The first questions. To be called once, before anything else.
  Decisions start(base::Instant now);

  /// `whom` as it was asked. An answer that nobody waits for, or that comes twice, changes nothing.
  Decisions answered(const Contact& whom, const LookupAnswer& answer, base::Instant now);
  Decisions failed(const Contact& whom, AskFailure why, base::Instant now);

  /// Passes over who is late, and ends at the deadline. Early, late and repeated calls are harmless.
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
