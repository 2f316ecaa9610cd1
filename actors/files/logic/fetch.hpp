#pragma once
// The questions of one get: which node to ask for which content, and what it means when no node has it.
//
// Order   contents are passed on in the order wanted; a window of them is asked for at once. For each, this node is
//         asked first, then the candidates from the nearest on, one by one. What the first does not give is sought
//         in the network; then the nodes that have announced it and the candidates are asked in turn.
// Late    if a node takes longer than usual (pace.hpp; the caller reports it), the next node is asked as well, and the
//         first response counts. The late node comes last for other contents too, until it responds.
// Sites   once kAskedOfGroup nodes of an address group were asked for a content, the others of that group come behind
//         those of other groups: a site delays a get by three fake holders at most.
// Silence a silent node is asked once more for that content when all others were asked; after two silences in a row it
//         is not asked again in this get.
// Ends    when each node was asked without success: `unavailable` if one of them was silent, else `corrupt` if one gave
//         wrong bytes, else `alone` if there was no other node, else `unavailable` if the search could not ask all
//         nodes that may know of more, else `not_found`.
// Limits  FetchLimits; a window of full chunks is 16 MiB, and what is asked for a second time at once is 8 MiB.
// Owner   one get; not thread-safe. Reads no clock, sends nothing and holds no bytes.
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "actors/files/api.hpp"
#include "actors/files/logic/manifest.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::files {

inline constexpr std::size_t kAskedOfGroup = 3;  // our choice: as many as a content has replicas by default
inline constexpr std::size_t kFoundMax = 32;     // nodes of a kind that a search adds; our choice: the DHT answers 20

/// What a search in the network says of a content's holders.
struct HoldersFound {
  std::vector<base::NodeId> announced;
  std::vector<base::NodeId> nearest;
  bool unheard = false;  ///< nodes that may know of others did not answer
};

struct FetchLimits {
  std::size_t window_max = 8;      // contents asked for or waiting to be passed on
  std::uint32_t per_node_max = 2;  // one is read while the next travels
  std::size_t spread_max = 4;  // how many of the nearest are tried for a free one before waiting: kReplicasDefault + 1
  std::uint32_t silences_max = 2;  // in a row, until a node is no longer asked
  std::size_t searches_max = 4;    // in the network at once; our choice: half of a window
  std::uint32_t open_max = 5;      // for one content, but for those given up: three of one site leave two for others
  std::uint64_t spare_bytes_max = 8u << 20;  // that the questions behind the first of each content may bring
};
static_assert(FetchLimits{}.window_max * kChunkBytesMax <= 16u << 20, "a get holds at most 16 MiB");

struct FetchQuestion {
  std::size_t index = 0;  ///< of the content, in the order wanted
  ContentKey key;
  base::NodeId node;
  friend bool operator==(const FetchQuestion&, const FetchQuestion&) = default;
};

enum class FetchMiss : std::uint8_t {
  lacks,   ///< the node answered that it has no such content
  silent,  ///< no answer in time, overloaded, or no link
  bad,     ///< the node gave bytes that are not this content; it is not asked for it again
};

enum class FetchEnd : std::uint8_t { not_found, alone, unavailable, corrupt };

class Fetch {
 public:
  /// `self` is asked before all others if it is among the at most kCandidatesMax candidates.
  Fetch(std::vector<base::NodeId> candidates, const base::NodeId& self, const FetchLimits& limits = {},
        const base::Mutations& mutations = base::kNoMutations);

  /// Wants one content more, after those wanted before. A get wants the manifest first, then the chunks of its part.
  void want(const ContentKey& key);

  /// The questions to send now; each is open until arrived() or missed() is called for it.
  std::vector<FetchQuestion> next();

  /// The content came and the caller has verified it. An answer to no open question is ignored (false).
  bool arrived(std::size_t index, const base::NodeId& node);
  void missed(std::size_t index, const base::NodeId& node, FetchMiss why);
  /// The node takes longer than it usually does: next() asks another one as well. False: no such question is open.
  bool late(std::size_t index, const base::NodeId& node);
  /// A late node has been so for long: its question is no longer among those that are limited. Its answer still counts.
  bool give_up(std::size_t index, const base::NodeId& node);

  /// Where a node lives; nodes of which this is not said count for no group.
  void lives_in(const base::NodeId& node, const base::AddressGroup& group) { nodes_[node].group = group; }
  /// The node was silent lately, in another get: it is asked last.
  void was_silent(const base::NodeId& node) { nodes_[node].late = true; }

  /// The contents to seek in the network now, after next(); each until found() is called for it.
  std::vector<ContentKey> seek();
  void found(const ContentKey& key, const HoldersFound& holders);

  /// Whether the next content in order has arrived.
  bool head_ready() const { return !window_.empty() && window_.front().arrived; }
  std::size_t head() const { return head_; }
  const ContentKey& head_key() const { return wanted_[head_]; }
  /// The caller passed the head on and let its bytes go; the window moves.
  void pass_head();

  /// All that was wanted has been passed on.
  bool done() const { return head_ == wanted_.size(); }
  /// Set once a content cannot be had; nothing more is asked then.
  std::optional<FetchEnd> end() const { return end_; }
  /// How many contents have arrived and were not passed on: their bytes are the caller's to keep.
  std::size_t arrived() const;
  /// Ensures what must hold once the caller has sent what next() gave.
  void check() const;

 private:
  enum class Ask : std::uint8_t { unasked, open, silent_once, silent, lacks, bad, gave };
  enum class Wait : std::uint8_t { usual, late, given_up };
  struct Place {
    base::NodeId node;
    Ask ask = Ask::unasked;
    bool again = false;  // it was silent once
    Wait wait = Wait::usual;
  };
  struct Slot {
    std::vector<Place> order;
    std::uint32_t open = 0;      // questions under way
    std::uint32_t late = 0;      // of those, and not given up
    std::uint32_t given_up = 0;  // of those
    bool missed = false;         // to be sought
    bool arrived = false;
  };
  struct Node {
    std::uint32_t open = 0;
    std::uint32_t silences = 0;  // in a row
    bool late = false;           // and has not answered since
    std::optional<base::AddressGroup> group{};
  };
  enum class Turn : std::uint8_t { first, group_was_asked, late };

  void fill_window();
  bool may_ask(const Slot& slot, const ContentKey& key) const;
  std::uint64_t spare_bytes() const;
  std::vector<Turn> turns(const Slot& slot) const;
  std::optional<std::size_t> choose(const Slot& slot, Ask wanted, bool& waits) const;
  struct Search {
    bool under_way = true;
    bool unheard = false;
  };

  std::size_t searching() const;
  void forget(std::map<ContentKey, Search>::iterator search);
  static void add(Slot& slot, const HoldersFound& holders);
  FetchEnd verdict(const Slot& slot, const Search& search) const;
  bool gone(const base::NodeId& node) const;
  Place* find_open(std::size_t index, const base::NodeId& node);
  Place* close(std::size_t index, const base::NodeId& node);

  std::vector<base::NodeId> candidates_;
  const base::NodeId self_;
  const FetchLimits limits_;
  const base::Mutations& mutations_;
  std::vector<ContentKey> wanted_;
  std::size_t head_ = 0;
  std::deque<Slot> window_;  // of the contents from head_ on
  std::map<base::NodeId, Node> nodes_;
  std::set<std::pair<std::size_t, base::NodeId>> left_behind_;  // open questions for contents that were passed on
  std::map<ContentKey, Search> searches_;                       // of contents in the window, and those under way
  std::optional<FetchEnd> end_;
};

}  // namespace troupe::files
