#pragma once
// The requests of one get: which node to ask for which object, and the error if no node has it.
//
// Order   objects are passed on in the requested order; a window of them is requested at once. For each, this node is
//         asked first, then the candidates from the nearest on. If the first node lacks the object, the network is
//         searched; then nodes that have announced the object and the candidates are asked alternately.
// Late    if a node takes longer than usual (pace.hpp; the caller reports it), the next node is asked as well, and the
//         first response counts. The late node comes last for other objects too, until it responds.
// Sites   after kAskedOfGroup nodes of an address group, the group's other nodes come after other groups' nodes. So an
//         address group delays a get by at most three fake holders.
// Silence a silent node is asked once more for the object after all other nodes; after two silences in a row it is not
//         asked again in this get.
// Ends    after all nodes failed: `unavailable` if one was silent; otherwise `corrupt` if one sent wrong bytes;
//         otherwise `alone` if there was no other node; otherwise `unavailable` if the search missed nodes; otherwise
//         `not_found`.
// Limits  FetchLimits; a window of full chunks is 16 MiB, and concurrent second requests are 8 MiB.
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

inline constexpr std::size_t kAskedOfGroup = 3;  // our choice: the default number of replicas
inline constexpr std::size_t kFoundMax = 32;     // per kind of nodes that a search adds; our choice: the DHT returns 20

/// A search's result on an object's holders.
struct HoldersFound {
  std::vector<base::NodeId> announced;
  std::vector<base::NodeId> nearest;
  bool unheard = false;  ///< nodes that may know of more holders did not respond
};

struct FetchLimits {
  std::size_t window_max = 8;      // objects requested or waiting to be passed on
  std::uint32_t per_node_max = 2;  // one is read while the next is in flight
  std::size_t spread_max = 4;      // number of nearest nodes tried for a free one before waiting: kReplicasDefault + 1
  std::uint32_t silences_max = 2;  // in a row, until a node is no longer asked
  std::size_t searches_max = 4;    // at once; our choice: half of a window
  std::uint32_t open_max = 5;      // per object, without given-up requests: 3 of one group leave 2
  std::uint64_t spare_bytes_max = 8u << 20;  // for the responses to each object's second and later requests
};
static_assert(FetchLimits{}.window_max * kChunkBytesMax <= 16u << 20, "a get holds at most 16 MiB");

struct FetchQuestion {
  std::size_t index = 0;  ///< of the object, in the requested order
  ContentKey key;
  base::NodeId node;
  friend bool operator==(const FetchQuestion&, const FetchQuestion&) = default;
};

enum class FetchMiss : std::uint8_t {
  lacks,   ///< the node responded that it does not have the object
  silent,  ///< no response in time, overloaded, or no link
  bad,     ///< the node sent bytes that do not match; it is not asked for the object again
};

enum class FetchEnd : std::uint8_t { not_found, alone, unavailable, corrupt };

class Fetch {
 public:
  /// `self` is asked first if it is among the at most kCandidatesMax candidates.
  Fetch(std::vector<base::NodeId> candidates, const base::NodeId& self, const FetchLimits& limits = {},
        const base::Mutations& mutations = base::kNoMutations);

  /// Adds one object after the earlier ones. A get adds the manifest first, then the chunks of its part.
  void want(const ContentKey& key);

  /// Returns the requests to send now; each is open until arrived() or missed() is called for it.
  std::vector<FetchQuestion> next();

  /// Notes that an object arrived, which the caller has verified. Returns false, and ignores it, if no such request is
  /// open.
  bool arrived(std::size_t index, const base::NodeId& node);
  void missed(std::size_t index, const base::NodeId& node, FetchMiss why);
  /// Notes that the node takes longer than usual: next() asks another node as well. Returns false if no such request is
  /// open.
  bool late(std::size_t index, const base::NodeId& node);
  /// Gives up a node that has been late for long: its request no longer counts against the limits, but its response
  /// still counts.
  bool give_up(std::size_t index, const base::NodeId& node);

  /// Sets a node's address group. Nodes without a group count for no group.
  void lives_in(const base::NodeId& node, const base::AddressGroup& group) { nodes_[node].group = group; }
  /// Notes that the node was recently silent in another get: it is asked last.
  void was_silent(const base::NodeId& node) { nodes_[node].late = true; }

  /// Returns the objects to search in the network, each once. Call it after next(), and found() after each search.
  std::vector<ContentKey> seek();
  void found(const ContentKey& key, const HoldersFound& holders);

  /// Returns whether the next object in order has arrived.
  bool head_ready() const { return !window_.empty() && window_.front().arrived; }
  std::size_t head() const { return head_; }
  const ContentKey& head_key() const { return wanted_[head_]; }
  /// Moves the window: the caller has passed the head on and dropped its bytes.
  void pass_head();

  /// Returns whether everything requested has been passed on.
  bool done() const { return head_ == wanted_.size(); }
  /// Returns why an object cannot be fetched, or nullopt. After an error nothing more is requested.
  std::optional<FetchEnd> end() const { return end_; }
  /// Returns how many objects have arrived and were not passed on: the caller keeps their bytes.
  std::size_t arrived() const;
  /// Checks the invariants after the caller has sent the requests of next().
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
    std::uint32_t open = 0;      // requests in progress
    std::uint32_t late = 0;      // of `open`, late and not given up
    std::uint32_t given_up = 0;  // of `open`
    bool missed = false;         // to be searched in the network
    bool arrived = false;
  };
  struct Node {
    std::uint32_t open = 0;
    std::uint32_t silences = 0;  // in a row
    bool late = false;           // it was late and has not responded since
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
  std::deque<Slot> window_;  // objects from head_ on
  std::map<base::NodeId, Node> nodes_;
  std::set<std::pair<std::size_t, base::NodeId>> left_behind_;  // open requests for objects that were passed on
  std::map<ContentKey, Search> searches_;                       // for objects in the window, and running searches
  std::optional<FetchEnd> end_;
};

}  // namespace troupe::files
