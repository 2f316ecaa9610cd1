#pragma once
// Whether a node counts as verified here: by this node's own finding, or by the word of two judges of different owners,
// or of as many as there are.
//
// Judges   nodes of the registry that check others (kChecksCapability). One counts for no node of its own owner or
//          address group, and two of one owner or group count as one: ids cost less than addresses.
// Site     the address group that its watchers hear a node from; what it claims, only where none of them tells.
// Named    by watchers of how many sites: made-up nodes are named by the liar alone. A judge that more of them name
//          takes the place of one that fewer name; this node and those that it has found right always have one. Only a
//          judge that kConfirmed of them name, or this node as one of them, is waited for, and is enough alone.
// Itself   this node's finding is enough, so a judge that never vouches cannot delay a node that this node has checked.
//          If the finding was a wrong result, the node is not verified, whatever other judges say.
// As many  if no two judges could count for a node, this node as one of them, the word of one is enough.
// Limits   kJudgesMax judges, kJudgedMax findings; one not seen for kForgetAfter is forgotten.
#include <map>
#include <set>
#include <span>

#include "actors/registry/logic/vouch.hpp"
#include "actors/registry/logic/watch.hpp"

namespace troupe::registry {

class Judges {
 public:
  static constexpr std::size_t kJudgesMax = 4'096;      // our choice: the one that the fewest name makes room
  static constexpr std::size_t kJudgedMax = 4'096;      // our choice: the oldest makes room
  static constexpr std::chrono::hours kForgetAfter{1};  // our choice: lists are made more often where they are needed
  static constexpr std::size_t kEnough = 2;
  static constexpr std::size_t kConfirmed = 2;  // our choice: a liar is one watcher

  enum class Groups : std::uint8_t { count, are_strangers };
  /// `are_strangers`: all nodes are of different groups, as in a simulation.
  explicit Judges(base::NodeId self, Groups groups = Groups::count) : self_(self), groups_(groups) {}

  /// Which of a node's watchers name it, and where they hear it.
  struct Named {
    std::size_t sites = 0;  ///< of those watchers; 0: no other was asked
    bool here = false;      ///< this node is one of them
    std::optional<base::AddressGroup> site{};
  };
  /// A registered node, whether it checks others or not.
  void see(const Registration& node, Status status, Named named, base::Instant now);
  void forget(base::Instant now);
  enum class Finding : std::uint8_t { right, wrong };
  void judged(const base::NodeId& node, Finding finding, std::uint64_t unix_ms);

  /// Until when, in Unix ms, `node` of that site is verified by `vouches`, whose signatures are good; 0: it is not.
  std::uint64_t verified_until(const Registration& node, std::span<const Vouch> vouches, std::uint64_t now_ms,
                               const std::optional<base::AddressGroup>& site = {}) const;

 private:
  struct Judge {
    Owner owner;
    base::AddressGroup group;
    base::Instant seen;
    bool lives = false;
    std::size_t weight = 0;  ///< how many name it; more than any of them if it always has a place
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
  /// How many words, of the judges that there are: one that is awaited from none would never come.
  std::size_t needed(const base::NodeId& id, const Judge& node) const;

  const base::NodeId self_;
  const Groups groups_;
  All judges_;
  std::set<std::pair<std::size_t, base::NodeId>> by_weight_;  // of `judges_`
  std::map<base::NodeId, std::pair<std::uint64_t, Finding>> judged_;
};

}  // namespace troupe::registry
