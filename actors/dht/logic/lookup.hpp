#pragma once
// One search for the nodes nearest to a key, or for what they store: which node to ask next, and when to stop.
//
// Source  Maymounkov & Mazieres, "Kademlia", 2002: 2.3; Baumgart & Mies, "S/Kademlia", 2007: 4.2 (disjoint paths).
// Paths   the start contacts are dealt out to kPathsFirst paths; a path continues from its own requests' results, and
//         no node is asked twice. One path that meets only honest nodes is enough.
// Width   requests in flight: one more for each late or lost answer, one fewer for each quick answer.
// End     once the nearest known nodes have answered, and each path's share of them. Without a result the search
//         continues to the end of the region. If the nearest nodes are too far apart, paths may have met only malicious
//         nodes: a new path starts.
// Late    another node is asked after an adaptive time-out, but a late answer still counts.
// Limits  kAskedMax requests, kPathsMax paths of kPathKnownMax candidates each, kTakenMax contacts per answer.
// Owner   one lookup actor; not thread-safe. Monotonic time is given. No clock, no I/O, no randomness.
#include "actors/dht/logic/candidates.hpp"

namespace troupe::dht {

class Lookup {
 public:
  /// `starts` are the nearest contacts of our table, nearest first; contacts after kStartMax are ignored.
  Lookup(const LookupQuestion& question, std::vector<Start> starts);

  /// Returns the first requests. Call it once, before any other call.
  Decisions start(base::Instant now);

  /// Takes the answer of `whom`, as it was asked. An answer that is not expected, or that comes twice, changes nothing.
  Decisions answered(const Contact& whom, const LookupAnswer& answer, base::Instant now);
  Decisions failed(const Contact& whom, AskFailure why, base::Instant now);

  /// Passes over late nodes, and ends at the deadline. Early, late and repeated calls are harmless.
  Decisions tick(base::Instant now);
  /// Returns when tick() is due next; max() once ended.
  base::Instant wake_at() const;

  /// Ends the search early.
  Decisions cancel(base::Instant now);

  bool ended() const { return ended_; }
  /// Returns the trace; empty unless LookupQuestion::tracing is on.
  const Explanation& explain() const { return explanation_; }
  const LookupQuestion& question() const { return question_; }
  /// Returns the requests in flight that are not late.
  std::size_t in_flight() const;
  /// Returns how many nodes have answered with the newest value so far.
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

  // lookup.cpp: events
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

  // lookup_choice.cpp: the next request
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
  std::size_t holder_depth_ = 0;  // depth of the first node that has the value; 0: none yet
  std::size_t replacements_ = 0;  // requests to send instead of late or failed ones
  std::optional<Version> newest_;
  bool ended_ = false;
  Explanation explanation_;
};

}  // namespace troupe::dht
