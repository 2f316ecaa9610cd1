#pragma once
// The types between a lookup and its actor: the question, answers, requests to send, and the outcome.
#include <chrono>
#include <string_view>
#include <vector>

#include "actors/dht/logic/bucket.hpp"
#include "actors/dht/logic/estimate.hpp"
#include "actors/dht/logic/holders.hpp"

namespace troupe::dht {

inline constexpr std::size_t kStartMax = 40;          // our choice: twice k, so that enough are left if a few are dead
inline constexpr std::size_t kTakenMax = 20;          // contacts accepted per answer
inline constexpr std::size_t kPathsFirst = 3;         // d of S/Kademlia
inline constexpr std::size_t kPathsMax = 8;           // our choice: five more chances if paths met only malicious nodes
inline constexpr std::size_t kWidthFirst = 3;         // alpha
inline constexpr std::size_t kWidthMax = 6;           // our choice: twice alpha while answers are slow or lost
inline constexpr std::size_t kWidthLast = 8;          // our choice: for nodes that have to be asked in any case
inline constexpr std::size_t kPathKnownMax = 40;      // candidates per path; a region has to fit
inline constexpr std::size_t kAskedMax = 128;         // our choice: five times an honest search
inline constexpr std::size_t kAlternatesMax = 2;      // further addresses of one id, from other paths
inline constexpr std::size_t kNamersMin = 3;          // our choice: answers with providers that are enough on one path
inline constexpr std::size_t kRefusalsMax = 256;      // kept for explain()
inline constexpr std::chrono::seconds kAnswerMin{1};  // an answer is accepted for at least this long, late or not
static_assert(kRegionMax <= kPathKnownMax);
static_assert(kWidthMax <= kWidthLast);

enum class LookupKind : std::uint8_t {
  find_node,      ///< the nodes nearest to the key
  find_value,     ///< the value under it, or the nodes nearest to it
  get_providers,  ///< as many providers as wanted, or the nodes nearest to the key
  store_region,   ///< all nodes that should store a value: the nearest, and all other nodes within their expected
                  ///< distance
};

enum class Finality : std::uint8_t {
  first_valid,  ///< the value cannot change: the first valid copy is final
  newest,       ///< a node may have a stale replica: `quorum` nodes have to agree
};

enum class Tracing : std::uint8_t { off, on };

/// A value as the search sees it; the caller has validated it and keeps its bytes. The greater version is newer.
struct Version {
  std::uint64_t sequence = 0;
  base::Digest digest;  ///< of the value

  friend auto operator<=>(const Version&, const Version&) = default;
};

struct LookupQuestion {
  Key target;
  Key own;
  LookupKind kind = LookupKind::find_node;
  std::size_t nearest = kContactsMax;  ///< nodes that store a key's value: 1 to kContactsMax
  Finality finality = Finality::first_valid;
  std::size_t quorum = 3;               ///< for `newest`; at least 1
  std::size_t providers_max = 20;       ///< get_providers ends at this number, from more than one path; at least 1
  std::size_t paths = kPathsFirst;      ///< at first, at least 1; 1: plain Kademlia, which never opens another path
  std::size_t region_nodes = 0;         ///< expected nodes in the region; at least `nearest`
  std::size_t region_max = kRegionMax;  ///< limit of asked nodes in the region; `nearest`: only the nearest nodes
  std::size_t own_providers = 0;        ///< accepted from our own store; they never end the search
  std::optional<Version> own_copy;      ///< our own store's version
  base::Instant deadline = base::Instant::max();
  std::optional<NetworkSize> network;  ///< without it no search counts as poisoned, and none starts with a single
                                       ///< request
  RoundTrip round_trip;                ///< this node's estimate over all peers
  GroupLimits groups;                  ///< `table_max` per address group in an answer, in a path, and among the nearest
  Tracing tracing = Tracing::off;
};

/// A contact from our own table.
struct Start {
  Contact contact;
  std::optional<RoundTrip> round_trip;
  bool answered_lately = false;  ///< and the caller has its token: it can be stored at without another request
};

struct LookupAnswer {
  std::vector<Contact> contacts;   ///< as received: each id matches its key, the rest is unchecked
  std::optional<Version> version;  ///< of a validated value
  std::size_t providers = 0;       ///< accepted from this answer, and new in this search
  bool names_providers = false;    ///< whether the answer names any provider
};

enum class AskFailure : std::uint8_t {
  silent,       ///< no answer by `answer_due`
  unreachable,  ///< bounced at once
  refused,      ///< it answered with an error
  misbehaved,   ///< it answered with something invalid
};

struct Ask {
  Contact whom;
  std::size_t path = 0;
  base::Instant answer_due;  ///< the lookup passes over the node long before (wake_at())
};

enum class Ending : std::uint8_t {
  found,      ///< the value, or enough providers
  converged,  ///< the nearest nodes have all answered
  gave_up,    ///< kAskedMax nodes were asked
  nobody,     ///< no node answered
  deadline,
  cancelled,
};

struct LookupOutcome {
  Ending ending = Ending::converged;
  std::vector<Contact> nearest;     ///< nodes that answered, nearest first; at most LookupQuestion::nearest or the
                                    ///< region
  std::optional<Version> newest;    ///< over all answers and our own copy
  std::vector<Contact> holders;     ///< nodes that answered with `newest`, nearest first
  std::vector<Contact> behind;      ///< nodes in `nearest` that have an older version or, if the value can change, none
  std::optional<Contact> cache_at;  ///< the nearest node that answered without the value, if the value was found
  std::vector<Contact> overdue;     ///< past their time-outs, and silent since: slow or gone
  std::size_t asked = 0;
  std::size_t unanswered = 0;  ///< of the asked nodes: late, silent, refusing or invalid at the end of the search
  std::size_t hops = 0;  ///< to the first node with the value, otherwise to the nearest node; a start contact is one
                         ///< hop away
};

struct Decisions {
  std::vector<Ask> ask;
  std::optional<LookupOutcome> done;
};

enum class Refusal : std::uint8_t {
  too_many,       ///< beyond the first kTakenMax of an answer
  ourselves,      ///< our own id
  itself,         ///< the answering node's own id
  repeated,       ///< twice in one answer
  not_dialable,   ///< an address that no node can dial
  group_full,     ///< too many from one address group
  other_address,  ///< known to this path with another address
  not_nearer,     ///< farther than all candidates of its path
};
std::string_view text_of(Refusal refusal);

enum class Chosen : std::uint8_t {
  start,       ///< the nearest start contact of its path
  nearest,     ///< the nearest candidate of its path
  quicker,     ///< about as near as another node, and answers sooner
  instead,     ///< in place of a node that is late or failed
  last_round,  ///< one of the nearest nodes over all paths, which have to be asked in any case
  suspicious,  ///< too few nodes were found around the key: a new path from another start
  lately,      ///< not asked: it has answered an earlier search, and is where the value belongs
};
std::string_view text_of(Chosen chosen);

enum class Fate : std::uint8_t { waiting, answered, late, failed };
std::string_view text_of(Fate fate);

/// One request, for `--explain`.
struct Hop {
  Contact whom;
  std::size_t path = 0;
  std::size_t depth = 1;  ///< 1: from our own table
  Key distance;
  std::optional<Key> named_by;  ///< nullopt: our own table
  Chosen chosen = Chosen::nearest;
  base::Instant asked_at;
  Fate fate = Fate::waiting;
  base::Duration took{0};  ///< until its answer or failure
  std::optional<Version> version;
  std::size_t taken = 0;  ///< contacts accepted from its answer
};

struct RefusedContact {
  Key id;
  Key named_by;
  Refusal why;
};

struct Explanation {
  std::vector<Hop> hops;                ///< in the order asked, at most kAskedMax
  std::vector<RefusedContact> refused;  ///< the first kRefusalsMax
};

}  // namespace troupe::dht
