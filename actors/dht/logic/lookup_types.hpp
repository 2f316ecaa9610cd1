#pragma once
// The words between a lookup and the actor around it: what is sought, what came, which node to ask, how it ended.
#include <chrono>
#include <string_view>
#include <vector>

#include "actors/dht/logic/bucket.hpp"
#include "actors/dht/logic/estimate.hpp"
#include "actors/dht/logic/holders.hpp"

namespace troupe::dht {

inline constexpr std::size_t kStartMax = 40;          // our choice: twice k, so that a few dead ones leave enough
inline constexpr std::size_t kTakenMax = 20;          // contacts taken of one answer
inline constexpr std::size_t kPathsFirst = 3;         // d of S/Kademlia
inline constexpr std::size_t kPathsMax = 8;           // our choice: five more chances after only liars
inline constexpr std::size_t kWidthFirst = 3;         // alpha
inline constexpr std::size_t kWidthMax = 6;           // our choice: twice alpha while answers are slow or lost
inline constexpr std::size_t kWidthLast = 8;          // our choice: for those that have to be asked in any case
inline constexpr std::size_t kPathKnownMax = 40;      // candidates a path holds; a region has to fit
inline constexpr std::size_t kAskedMax = 128;         // our choice: five times an honest search
inline constexpr std::size_t kAlternatesMax = 2;      // further addresses of one id, as other paths name them
inline constexpr std::size_t kNamersMin = 3;          // our choice: answers of one path that make providers enough
inline constexpr std::size_t kRefusalsMax = 256;      // kept for explain()
inline constexpr std::chrono::seconds kAnswerMin{1};  // an answer is welcome at least this long, late or not
static_assert(kRegionMax <= kPathKnownMax);
static_assert(kWidthMax <= kWidthLast);

enum class LookupKind : std::uint8_t {
  find_node,      ///< the nodes nearest to the key
  find_value,     ///< the value under it, or the nodes nearest to it
  get_providers,  ///< as many providers as wanted, or the nodes nearest to the key
  store_region,   ///< all nodes that should hold a value: the nearest, and all others as near as those should lie
};

enum class Finality : std::uint8_t {
  first_valid,  ///< the value cannot change: the first one is as good as any
  newest,       ///< a holder may have a stale replica: `quorum` of them have to agree
};

enum class Tracing : std::uint8_t { off, on };

/// A value as the search sees it; the caller has validated it and keeps its bytes. The greater one is the newer.
struct Version {
  std::uint64_t sequence = 0;
  base::Digest digest;  ///< of the value

  friend auto operator<=>(const Version&, const Version&) = default;
};

struct LookupQuestion {
  Key target;
  Key own;
  LookupKind kind = LookupKind::find_node;
  std::size_t nearest = kContactsMax;  ///< how many nodes hold what lies at a key: 1 to kContactsMax
  Finality finality = Finality::first_valid;
  std::size_t quorum = 3;               ///< of `newest`; at least 1
  std::size_t providers_max = 20;       ///< at which get_providers ends, of more than one path; at least 1
  std::size_t paths = kPathsFirst;      ///< at first; 1: Kademlia's own search, which never opens another. At least 1
  std::size_t region_nodes = 0;         ///< how many should lie in the region; fewer than `nearest` count as those
  std::size_t region_max = kRegionMax;  ///< nodes of it that are asked at most; `nearest`: no more than those
  std::size_t own_providers = 0;        ///< taken of those that our own store names, of which none ends it
  std::optional<Version> own_copy;      ///< what our own store holds
  base::Instant deadline = base::Instant::max();
  std::optional<NetworkSize> network;  ///< without it no search is thought poisoned, and no start is narrow
  RoundTrip round_trip;                ///< the node's estimate over all peers
  GroupLimits groups;                  ///< `table_max` of one address group in an answer, a path, and among the nearest
  Tracing tracing = Tracing::off;
};

/// A contact of our own table.
struct Start {
  Contact contact;
  std::optional<RoundTrip> round_trip;
  bool answered_lately = false;  ///< and the caller holds its token: it can be stored at without a question before
};

struct LookupAnswer {
  std::vector<Contact> contacts;   ///< as they came: each id is that of its key, nothing else was checked
  std::optional<Version> version;  ///< of a value that was validated
  std::size_t providers = 0;       ///< taken of it, which no answer before had brought
  bool names_providers = false;    ///< whether it names any
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
  base::Instant answer_due;  ///< the lookup passes it over long before; wake_at()
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
  std::vector<Contact> nearest;     ///< that answered, nearest first; at most LookupQuestion::nearest or the region
  std::optional<Version> newest;    ///< of all answers and our own copy
  std::vector<Contact> holders;     ///< that answered with it, nearest first
  std::vector<Contact> behind;      ///< of `nearest`: hold an older version or, of a changing value, none
  std::optional<Contact> cache_at;  ///< the nearest that answered without a value that was found
  std::vector<Contact> overdue;     ///< asked longer ago than their time-outs, and silent since: slow or gone
  std::size_t asked = 0;
  std::size_t unanswered = 0;  ///< of those asked: late, silent, refusing or wrong when the search ended
  std::size_t hops = 0;  ///< from us to the first holder, else to the nearest node; a start contact is one hop away
};

struct Decisions {
  std::vector<Ask> ask;
  std::optional<LookupOutcome> done;
};

enum class Refusal : std::uint8_t {
  too_many,       ///< after the first kTakenMax of an answer
  ourselves,      ///< our own id
  itself,         ///< the answering node names itself
  repeated,       ///< twice in one answer
  not_dialable,   ///< an address that no node can dial
  group_full,     ///< too many of one address group
  other_address,  ///< known to this path with another address
  not_nearer,     ///< farther than all that its path holds
};
std::string_view text_of(Refusal refusal);

enum class Chosen : std::uint8_t {
  start,       ///< the nearest start contact of its path
  nearest,     ///< the nearest that its path knows
  quicker,     ///< about as near as another, and answers sooner
  instead,     ///< in place of a node that is late or failed
  last_round,  ///< one of the nearest of all, which have to be asked in any case
  suspicious,  ///< too few nodes were found around the key: a fresh path from another start
  lately,      ///< not at all: it has answered an earlier search, and lies where the value belongs
};
std::string_view text_of(Chosen chosen);

enum class Fate : std::uint8_t { waiting, answered, late, failed };
std::string_view text_of(Fate fate);

/// One question, for `--explain`.
struct Hop {
  Contact whom;
  std::size_t path = 0;
  std::size_t depth = 1;  ///< 1: from our own table
  Key distance;
  std::optional<Key> named_by;  ///< nothing: our own table
  Chosen chosen = Chosen::nearest;
  base::Instant asked_at;
  Fate fate = Fate::waiting;
  base::Duration took{0};  ///< until its answer or failure
  std::optional<Version> version;
  std::size_t taken = 0;  ///< contacts taken of its answer
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
