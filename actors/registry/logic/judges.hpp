#pragma once
// Decides whether this node regards a node as verified: by its own finding, or by vouches of two judges with different
// owners, or of as many as there are.
//
// Judges   registered nodes that check other nodes (kChecksCapability). A judge does not count for nodes of its own
//          owner or address group. Two judges of one owner or group count as one, because ids cost less than addresses.
// Group    of a node: the address group from which its heartbeats reach its watchers, or its claimed group if no
//          heartbeat reaches them.
// Named    a judge's weight is the number of address groups whose watchers name it, because only a malicious node names
//          made-up nodes. A heavier judge evicts a lighter judge; this node, and judges that it found right, stay. Only
//          a judge of weight kConfirmed or more is waited for, or is enough by itself. A judge that this node watches
//          has at least that weight.
// Itself   if this node has checked the other node, it needs no judges, so a silent judge cannot delay the other node.
//          A wrong result that this node found outweighs all judges.
// As many  one vouch is enough if no two judges, including this node, could count for a node.
// Limits   kJudgesMax judges, kJudgedMax findings; a judge not seen for kForgetAfter is forgotten.
#include <map>
#include <set>
#include <span>

#include "actors/registry/logic/vouch.hpp"
#include "actors/registry/logic/watch.hpp"

namespace troupe::registry {

class Judges {
 public:
  static constexpr std::size_t kJudgesMax = 4'096;      // our choice: the judge with the least weight is evicted
  static constexpr std::size_t kJudgedMax = 4'096;      // our choice: the oldest finding is evicted
  static constexpr std::chrono::hours kForgetAfter{1};  // our choice: nodes that need lists make them more often
  static constexpr std::size_t kEnough = 2;
  static constexpr std::size_t kConfirmed = 2;  // our choice: a malicious node is one watcher

  enum class Groups : std::uint8_t { count, are_strangers };
  /// `are_strangers`: every node counts as its own group, as in a simulation.
  explicit Judges(base::NodeId self, Groups groups = Groups::count) : self_(self), groups_(groups) {}

  /// The watchers that name a node, and its address group.
  struct Named {
    std::size_t sites = 0;  ///< groups of those watchers; 0: no other node was asked
    bool here = false;      ///< this node is one of them
    std::optional<base::AddressGroup> site{};
  };
  /// Records a registered node, whether it checks other nodes or not.
  void see(const Registration& node, Status status, Named named, base::Instant now);
  void forget(base::Instant now);
  enum class Finding : std::uint8_t { right, wrong };
  void judged(const base::NodeId& node, Finding finding, std::uint64_t unix_ms);

  /// Returns until when, in Unix ms, `node` of that group is verified by verified `vouches`, or 0 if it is not.
  std::uint64_t verified_until(const Registration& node, std::span<const Vouch> vouches, std::uint64_t now_ms,
                               const std::optional<base::AddressGroup>& site = {}) const;

 private:
  struct Judge {
    Owner owner;
    base::AddressGroup group;
    base::Instant seen;
    bool lives = false;
    std::size_t weight = 0;  ///< number of groups that name it; above kWatchers it always stays
    bool confirmed() const { return weight >= kConfirmed; }
  };
  using All = std::map<base::NodeId, Judge>;
  struct Word {
    const Judge& judge;
    std::uint64_t unix_ms = 0;
  };
  std::size_t weight_of(const base::NodeId& id, Named named) const;
  void drop(All::iterator at);
  base::AddressGroup group_of(const Registration& node, const std::optional<base::AddressGroup>& site) const;
  static bool apart(const Judge& a, const Judge& b) { return a.owner != b.owner && a.group != b.group; }
  /// Returns how many vouches are needed from the existing judges: vouches that no judge can give are not awaited.
  std::size_t needed(const base::NodeId& id, const Judge& node) const;

  const base::NodeId self_;
  const Groups groups_;
  All judges_;
  std::set<std::pair<std::size_t, base::NodeId>> by_weight_;  // of `judges_`
  std::map<base::NodeId, std::pair<std::uint64_t, Finding>> judged_;
};

}  // namespace troupe::registry
