#pragma once
// Which records a node holds for the network, until when, for which owner, and which record makes room for which.
//
// Rules   an older sequence is refused; of two records with one sequence the greater tag stays (record.hpp). A store
//         that expects another sequence is a conflict, unless nothing is held (BEP 44, "CAS") or that very record is.
// Time    a record lasts `hold` from its last store, a /kv at most until its own end; an expired record is never
//         served. Dates come from the wall clock. While that is doubted (clock_guard.hpp) no record is dropped for its
//         age.
// Full    expired records go first, then the farthest records of the peer with the highest usage, of the address group
//         with the highest (peer_usage.hpp). A record counts for its owner, for the node that stored it first, and for
//         the network of that node.
// Memory  230 B a record beside its value, 310 B where each has another owner. Values are on disk except for a cache,
//         or all in memory.
// Owner   one actor; not thread-safe. The rows that it returns are written before the store is acknowledged.
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "actors/dht/logic/clock_guard.hpp"
#include "actors/dht/logic/offer.hpp"
#include "actors/dht/logic/peer_usage.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/logic/rows.hpp"
#include "actors/dht/logic/value_cache.hpp"
#include "runtime/base/mutations.hpp"
#include "runtime/base/result.hpp"

namespace troupe::dht {

inline constexpr std::size_t kEvictedMax = 64;  // our choice: a large record is not worth more small ones
inline constexpr std::size_t kPeersTried =
    256;  // our choice: peers looked at for what makes room, after the one with most
inline constexpr std::size_t kOutlivedMax = 4'096;     // our choice: 400 KiB; the farthest is forgotten first
inline constexpr std::size_t kSweptMax = 256;          // our choice: one batch of rows
inline constexpr std::uint64_t kRecordWeight = 2'048;  // of a share, beside its bytes: 100,000 are as much as 192 MiB

/// Settings; bytes are those of encoded records.
struct HeldLimits {
  std::array<std::uint64_t, 3> space_bytes_max{4u << 20, 128u << 20, 128u << 20};  ///< /pk, /kv, /cid
  std::uint64_t bytes_max = 192u << 20;
  std::uint64_t records_max = 100'000;
  std::uint64_t owner_bytes_max = 16u << 20;  ///< of an owner, and of what one node has stored
  std::uint64_t owner_records_max = 8'192;
  std::uint64_t network_bytes_max = 48u << 20;  ///< stored from one address group: a quarter of all
  std::uint64_t network_records_max = 25'000;
  std::size_t cache_bytes_max = 64u << 10;
  std::chrono::seconds hold{std::chrono::hours(48)};
};

enum class Values : std::uint8_t {
  on_disk,    ///< rows are decided on, and read back for a value that is not cached
  in_memory,  ///< no rows at all
};

enum class StoreError : std::uint8_t {
  older,       ///< a higher sequence is held
  lost_tie,    ///< another record of the same sequence is held, and stays
  conflict,    ///< another sequence is held than was expected
  owner_full,  ///< its owner, the node that stores it, or the network of that has its quota here
  no_space,    ///< no site has clearly more here, and what the one with most would lose is at least as near
};
struct StoreRefused {
  StoreError why;
  std::optional<std::uint64_t> present;  ///< the sequence that is held, for the first three
};

enum class StoredAs : std::uint8_t {
  added,
  replaced,   ///< in place of an older one
  refreshed,  ///< held already; it lasts anew
};
struct Stored {
  StoredAs as;
  RowChange rows;
  std::optional<base::WallTime> ended{};  ///< when it was to end before, where only that has changed
};

struct Facts {
  std::uint64_t sequence = 0;
  Tag tag;
  std::uint32_t bytes = 0;
  base::WallTime expires;
};
struct Reading {
  Facts facts;
  const base::Bytes* encoded = nullptr;  ///< null: ask for its row, and loaded(); valid until the next non-const call
};

enum class LoadedError : std::uint8_t {
  gone,   ///< not held any more
  stale,  ///< another record than the index says: it was replaced meanwhile. Read again; if that says so too, forget()
  corrupt,  ///< not the row of this place: forget() it
};

struct HeldUse {
  std::array<std::uint64_t, 3> space_bytes{};
  std::uint64_t records = 0;
  std::uint64_t evicted = 0;  ///< since the start
  std::uint64_t expired = 0;  ///< since the start
  std::uint64_t bytes() const { return space_bytes[0] + space_bytes[1] + space_bytes[2]; }
};

class Held {
 public:
  Held(const base::NodeId& own, HeldLimits limits, Values values, unsigned work_bits,
       const base::Mutations& mutations = base::kNoMutations);

  Held(const Held&) = delete;  // its indexes point into one another
  Held& operator=(const Held&) = delete;

  /// From now on. At first it is dropped.
  void treat(Expired as) { expired_ = as; }

  /// Keeps what admit() has let in. `expected`: the sequence that the writer wants to replace.
  base::Result<Stored, StoreRefused> store(const Offer& offer, std::optional<std::uint64_t> expected,
                                           base::WallTime wall);

  /// The offer of the very record that is held and live, which needs no check; nothing for any other bytes.
  std::optional<Offer> known(base::ByteView encoded, const Key& key, const base::NodeId& from,
                             base::WallTime wall) const;
  /// Whether store() would write a row for it, unless it is refused.
  bool writes(const Offer& offer, base::WallTime wall) const;

  std::optional<Facts> find(const RecordKey& place, base::WallTime wall) const;

  /// The same, with the record where it is at hand.
  std::optional<Reading> read(const RecordKey& place, base::WallTime wall);

  /// The record in a row that was read for read(). It stays in the cache.
  base::Result<base::Bytes, LoadedError> loaded(const RecordKey& place, base::ByteView row, base::WallTime wall);

  /// Takes back a row at the start, and verifies its record: rows come from a disk that others may have written to.
  /// The caller erases a row that is refused.
  base::Result<void, RowError> load(base::ByteView row_key, base::ByteView row, base::WallTime wall);

  /// Drops at most kSweptMax of what has expired. Call it again while it returns that many.
  RowChange sweep(base::WallTime wall);
  /// When the next sweep() has something to do.
  std::optional<base::WallTime> wake_at() const;

  /// Drops one: its row cannot be read, or could not be written.
  RowChange forget(const RecordKey& place);

  /// A change of its end was not written: it ends as before.
  void put_back(const RecordKey& place, base::WallTime ended);

  /// Places of one space, nearest to the own id first, after `after`; at most `places_max`. Expired ones included.
  std::vector<RecordKey> places(Space space, const std::optional<Key>& after, std::size_t places_max) const;

  const HeldUse& use() const { return use_; }

 private:
  struct Use {
    std::uint64_t bytes = 0;
    std::uint64_t records = 0;
    void add(const Use& more) { *this = {bytes + more.bytes, records + more.records}; }
    void take(const Use& less) { *this = {bytes - less.bytes, records - less.records}; }
  };
  struct Account {
    Use use;
    std::optional<Group> network;  ///< of a node that stores
  };
  using Owners = std::map<Owner, Account>;
  struct Entry {
    std::uint64_t sequence;
    Tag tag;
    base::WallTime expires;
    base::WallTime ends;  ///< by its own word
    Owners::iterator owner;
    Owners::iterator storer;  ///< the same for an unsigned record
    std::uint32_t bytes;
    Space space;
  };
  struct Outlived {
    std::uint64_t sequence;  ///< what came after it
    base::WallTime until;
  };
  using Index = std::map<Key, Entry>;  // by distance from the own id
  using Node = Index::value_type;
  struct Sooner {
    bool operator()(const Node* a, const Node* b) const {
      return std::tie(a->second.expires, a->second.space, a->first) <
             std::tie(b->second.expires, b->second.space, b->first);
    }
  };

  static std::size_t at(Space space) { return static_cast<std::size_t>(space) - 1; }
  Index& index(Space space) { return index_[at(space)]; }
  static std::uint64_t weight_of(const Entry& entry) { return entry.bytes + kRecordWeight; }
  static base::NodeId storer_of(const Entry& entry) { return *base::NodeId::from(entry.storer->first.view()); }
  RecordKey place_of(const Node& node) const { return {node.second.space, base::distance(own_, node.first)}; }
  const Node* look(const RecordKey& place) const;
  Node* look(const RecordKey& place) { return const_cast<Node*>(std::as_const(*this).look(place)); }
  bool live(const Node* node, base::WallTime wall) const;

  std::optional<StoreRefused> older_than_gone(const Offer& offer, base::WallTime wall) const;
  void note_outlived(const Offer& offer, const Node* replaced, base::WallTime wall);
  std::optional<StoreRefused> compare(const Entry& present, const Offer& offer,
                                      std::optional<std::uint64_t> expected) const;
  bool owners_have_room(const Offer& offer, const Node* present) const;
  bool has_room(const Owner& whose, const Offer& offer, const Node* present) const;
  bool network_has_room(const Offer& offer, const Node* present) const;
  void note_network(Owners::value_type& storer, const std::optional<Group>& network);
  std::optional<Group> network_of(const base::NodeId& storer) const;
  void leave(const Group& network, const Use& use);
  Owners::iterator count_for(const Owner& whose, std::uint32_t bytes);
  void discount(Owners::iterator whose, std::uint32_t bytes);
  std::optional<std::vector<RecordKey>> make_room(const Offer& offer, const Node* present) const;
  std::size_t fullest() const;
  bool renews(const Entry& present, const Offer& offer, base::WallTime wall) const;
  Stored refresh(Node& present, const Offer& offer, base::WallTime wall);
  void end_at(Node& node, base::WallTime expires);
  void insert(const Offer& offer, base::WallTime expires);
  void remove(Node& node);
  void expire(base::WallTime wall, std::size_t records_max);
  RowChange take_owed();
  base::WallTime end_of(const Offer& offer, base::WallTime stored_at) const;
  void check() const;

  base::NodeId own_;
  HeldLimits limits_;
  Values values_;
  unsigned work_bits_;
  const base::Mutations& mutations_;
  std::array<Index, 3> index_;
  std::map<Key, Outlived> outlived_;  // of /kv, by distance
  std::set<Node*, Sooner> by_expiry_;
  Owners owners_;
  std::map<Group, Use> networks_;
  std::array<PeerUsage, 3> per_peer_;
  HeldUse use_;
  Expired expired_ = Expired::dropped;
  ValueCache cache_;
  std::map<RecordKey, base::Bytes> kept_;  // Values::in_memory
  std::set<RecordKey> owed_;               // dropped; their rows are erased with the next change
};

}  // namespace troupe::dht
