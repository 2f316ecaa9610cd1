#pragma once
// The questions of one get: which node to ask for which content, and what it means when no node has it.
//
// Order   contents are passed on in the order wanted; a window of them is asked for at once. For each, this node is
//         asked first, then the candidates from the nearest on, one at a time. What the first does not give is sought
//         in the network; then the nodes that have announced it and the candidates are asked in turn.
// Silence a silent node is asked once more for that content when all others were asked; after two silences in a row it
//         is not asked again in this get.
// Ends    when each node was asked without success: `unavailable` if one of them was silent, else `corrupt` if one gave
//         wrong bytes, else `alone` if there was no other node, else `unavailable` if the search could not ask all
//         nodes that may know of more, else `not_found`.
// Limits  FetchLimits; a window of full chunks is 16 MiB.
// Owner   one get; not thread-safe. Reads no clock, sends nothing and holds no bytes.
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "actors/files/api.hpp"
#include "actors/files/logic/manifest.hpp"
#include "runtime/base/mutations.hpp"

namespace troupe::files {

inline constexpr std::size_t kFoundMax = 32;  // nodes of a kind that a search adds; our choice: the DHT answers 20

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
  enum class Ask : std::uint8_t { unasked, open, silent_once, open_again, silent, lacks, bad };
  struct Slot {
    std::vector<base::NodeId> order;
    std::vector<Ask> asks;  // of each in `order`
    bool open = false;      // a question is under way
    bool missed = false;    // to be sought
    bool arrived = false;
  };
  struct Node {
    std::uint32_t open = 0;
    std::uint32_t silences = 0;  // in a row
  };

  void fill_window();
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
  Ask* close(std::size_t index, const base::NodeId& node);

  std::vector<base::NodeId> candidates_;
  const base::NodeId self_;
  const FetchLimits limits_;
  const base::Mutations& mutations_;
  std::vector<ContentKey> wanted_;
  std::size_t head_ = 0;
  std::deque<Slot> window_;  // of the contents from head_ on
  std::map<base::NodeId, Node> nodes_;
  std::map<ContentKey, Search> searches_;  // of contents in the window, and those under way
  std::optional<FetchEnd> end_;
};

}  // namespace troupe::files
