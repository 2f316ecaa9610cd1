#pragma once
// Which records a node stores for the network, until when, for which owner, and which are evicted for a new record.
//
// Rules   an older sequence is refused; of two records with one sequence the greater tag stays (record.hpp). A store
//         that expects another sequence is a conflict, unless nothing or exactly this record is stored (BEP 44, "CAS").
// Time    a record lasts `hold` from its last store, a /kv at most until its own end; an expired record is never
//         served. Dates come from the wall clock; while it is not trusted (clock_guard.hpp), expired records are kept.
// Full    expired records go first, then the farthest records of the largest peer in the largest address group
//         (peer_usage.hpp). A record counts for its owner, its first storing node and that node's network.
// Memory  230 B per record plus its value; 310 B if each record has another owner. Values are on disk, except for a
//         cache, or all in memory.
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

inline constexpr std::size_t kEvictedMax = 64;  // our choice: a large record is not worth more than that many small
                                                // records
inline constexpr std::size_t kPeersTried =
    256;  // our choice: peers tried for eviction, after the peer with the highest usage
inline constexpr std::size_t kOutlivedMax = 4'096;     // our choice: 400 KiB; the farthest is forgotten first
inline constexpr std::size_t kSweptMax = 256;          // our choice: one batch of rows
inline constexpr std::uint64_t kRecordWeight = 2'048;  // added to its bytes, for quotas: 100,000 records weigh 192 MiB

/// Settings; bytes are of encoded records.
struct HeldLimits {
  std::array<std::uint64_t, 3> space_bytes_max{4u << 20, 128u << 20, 128u << 20};  ///< /pk, /kv, /cid
  std::uint64_t bytes_max = 192u << 20;
  std::uint64_t records_max = 100'000;
  std::uint64_t owner_bytes_max = 16u << 20;  ///< per owner, and per storing node
  std::uint64_t owner_records_max = 8'192;
  std::uint64_t network_bytes_max = 48u << 20;  ///< stored from one address group: a quarter of the total
  std::uint64_t network_records_max = 25'000;
  std::size_t cache_bytes_max = 64u << 10;
  std::chrono::seconds hold{std::chrono::hours(48)};
};

enum class Values : std::uint8_t {
  on_disk,    ///< changes return rows to write; values that are not cached are read back from rows
  in_memory,  ///< no rows
};

enum class StoreError : std::uint8_t {
  older,       ///< a record with a higher sequence is stored
  lost_tie,    ///< another record with the same sequence is stored, and stays
  conflict,    ///< the stored sequence is not the expected one
  owner_full,  ///< the owner, the storing node or its network has used up its quota here
  no_space,    ///< no group has clearly more here, and the farthest record of the largest group is at least as near
};
struct StoreRefused {
  StoreError why;
  std::optional<std::uint64_t> present;  ///< the stored sequence, for the first three errors
};

enum class StoredAs : std::uint8_t {
  added,
  replaced,   ///< instead of an older record
  refreshed,  ///< stored already; its lifetime starts again
};
struct Stored {
  StoredAs as;
  RowChange rows;
  std::optional<base::WallTime> ended{};  ///< the former end, if only the end has changed
};

struct Facts {
  std::uint64_t sequence = 0;
  Tag tag;
  std::uint32_t bytes = 0;
  base::WallTime expires;
};
struct Reading {
  Facts facts;
  const base::Bytes* encoded = nullptr;  ///< null: read its row and call loaded(); valid until the next non-const call
};

enum class LoadedError : std::uint8_t {
  gone,     ///< no longer stored
  stale,    ///< not the record in the index: it was replaced. Read again; if it stays stale, call forget()
  corrupt,  ///< not a row of this place: call forget()
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

  /// Sets how to treat expired records from now on. At first they are dropped.
  void treat(Expired as) { expired_ = as; }

  /// Stores an offer that admit() accepted. `expected`: the sequence that the writer wants to replace.
  base::Result<Stored, StoreRefused> store(const Offer& offer, std::optional<std::uint64_t> expected,
                                           base::WallTime wall);

  /// Returns the offer if exactly this record is stored and live, so that it needs no check; nullopt for any other
  /// bytes.
  std::optional<Offer> known(base::ByteView encoded, const Key& key, const base::NodeId& from,
                             base::WallTime wall) const;
  /// Returns whether store() would write a row for the offer, if it does not refuse it.
  bool writes(const Offer& offer, base::WallTime wall) const;

  std::optional<Facts> find(const RecordKey& place, base::WallTime wall) const;

  /// Finds a record, and adds its bytes if they are in memory.
  std::optional<Reading> read(const RecordKey& place, base::WallTime wall);

  /// Returns the record in a row that was read for read(). It stays in the cache.
  base::Result<base::Bytes, LoadedError> loaded(const RecordKey& place, base::ByteView row, base::WallTime wall);

  /// Loads a row at the start, and verifies its record, because other programs may have written to the disk. If it is
  /// refused, the caller erases the row.
  base::Result<void, RowError> load(base::ByteView row_key, base::ByteView row, base::WallTime wall);

  /// Drops at most kSweptMax expired records. Call it again while it returns that many.
  RowChange sweep(base::WallTime wall);
  /// Returns when the next sweep() is due.
  std::optional<base::WallTime> wake_at() const;

  /// Drops a record whose row cannot be read, or could not be written.
  RowChange forget(const RecordKey& place);

  /// Restores the former end, because the change was not written.
  void put_back(const RecordKey& place, base::WallTime ended);

  /// Returns places of one space, nearest to the local id first, after `after`; at most `places_max`. Includes expired
  /// records.
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
    std::optional<Group> network;  ///< of the storing node
  };
  using Owners = std::map<Owner, Account>;
  struct Entry {
    std::uint64_t sequence;
    Tag tag;
    base::WallTime expires;
    base::WallTime ends;  ///< the record's own end
    Owners::iterator owner;
    Owners::iterator storer;  ///< equals `owner` for an unsigned record
    std::uint32_t bytes;
    Space space;
  };
  struct Outlived {
    std::uint64_t sequence;  ///< sequence of its successor
    base::WallTime until;
  };
  using Index = std::map<Key, Entry>;  // by distance from the local id
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
  std::map<RecordKey, base::Bytes> kept_;  // only for Values::in_memory
  std::set<RecordKey> owed_;               // dropped; their rows are erased with the next change
};

}  // namespace troupe::dht
