#pragma once
// When this node republishes what it has published: one sweep over the key space per period.
//
// Sweep   a key is due when the elapsed fraction of the period equals the key's fraction of the key space. The first
//         due key of a region (region_bits) brings all its keys, so one lookup serves them. Failed items are retried
//         after retry_min, then at doubling intervals; the sweep waits while retries_max regions have failed.
// Scarce  an item that at most one node is known to have is under-replicated: retried every retry_min until a search
//         meets other nodes, then at growing intervals up to a period.
// Rows    keyspace kPublishedRows, numbers little-endian. Key what (1) · key (20) -> the record, empty for a provider.
//         Key what + 128 (1) · key (20) -> empty: under-replicated. Key 0 (1), the cursor -> version 1 (1) · cycle,
//         Unix seconds (8) · next key (20): the oldest unfinished region. A restart resumes there.
// Owner   one actor, which publishes one region at a time, by the wall clock, because rows contain dates.
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "actors/dht/logic/contact.hpp"
#include "actors/dht/logic/rows.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::string_view kPublishedRows = "dht.published";
inline constexpr unsigned kRegionBitsMax = 24;            // our choice: the whole Internet with k = 20 has fewer
inline constexpr std::chrono::hours kPeriodMax{24 * 14};  // keeps its arithmetic below 63 bits

/// These numbers are stored; the first three are the numbers of the spaces.
enum class Published : std::uint8_t { pk = 1, kv = 2, cid = 3, provider = 4 };

struct Item {
  Key key;
  Published what = Published::pk;
  friend auto operator<=>(const Item&, const Item&) = default;
};

/// Returns the sequence of a changeable record in its item's row; zero for other items.
std::uint64_t sequence_in(const Item& item, base::ByteView row);

struct RepublishSettings {
  std::chrono::milliseconds period{std::chrono::hours(22)};  ///< at least a second, at most kPeriodMax
  std::chrono::milliseconds retry_min{std::chrono::minutes(1)};
  std::chrono::milliseconds retry_max{std::chrono::minutes(30)};
  std::size_t retries_max = 64;
  std::size_t region_items_max = 512;  ///< at least 1
  std::size_t items_max = 100'000;     ///< includes base::kReservePart, which is reserved for operators' puts
  unsigned region_bits_min = 4;        ///< for a network of few nodes, where otherwise all keys would be one region and
                                       ///< due at once
};

/// Why a region is published now.
enum class Turn : std::uint8_t {
  sweep,             ///< it is due, or was due and failed
  under_replicated,  ///< at most one node is known to have its items
};

struct Region {
  Turn turn = Turn::sweep;
  Key first;  ///< the first key of the region
  Key last;   ///< the last key, inclusive; keys between share their leading bits
  std::vector<Item> items;
  base::Duration late;  ///< how long its first key has been due
};

enum class PublishError : std::uint8_t {
  full,   ///< items_max are published, or announcements have used up their part
  older,  ///< a record with a higher sequence is published
};

class Republish {
 public:
  /// Without a cursor row, all loaded rows count as a period late.
  Republish(RepublishSettings settings, base::WallTime wall);

  /// Starts loading; rows come until rows_read().
  void await_rows() { awaits_rows_ = true; }
  /// Ends loading. If there were no rows, an item put since is the first: the cursor has to be saved with it.
  RowChange rows_read(base::WallTime wall);

  /// Loads a row at the start. Errors: `corrupt`; `expired` if it was withdrawn; `full`: the row may stay.
  base::Result<void, RowError> load(base::ByteView row_key, base::ByteView row, base::WallTime wall);

  /// Notes an item published at `wall`, to be republished within a period. The row's value is `payload`.
  base::Result<store::Row, PublishError> add(const Item& item, base::ByteView payload, base::WallTime wall);
  /// Notes that at most one node is known to have the item. Write the row each time, because an earlier row may be
  /// lost.
  RowChange add_under_replicated(const Item& item, base::WallTime wall);
  RowChange remove(const Item& item);
  /// Returns the sequence of the record published as this item; zero if there is none.
  std::uint64_t sequence(const Item& item) const;
  bool contains(const Item& item) const { return items_.contains(item); }
  /// Returns the highest sequence of all published records; zero if there are none.
  std::uint64_t sequence_max() const;
  /// Returns the keys of published items of that kind, after `behind`, ascending, at most `max`.
  std::vector<Key> keys(Published what, const std::optional<Key>& behind, std::size_t max) const;
  static base::Bytes row_key(const Item& item);
  /// Returns nullopt for a row that is not an item: the cursor's row, or an unknown row.
  static std::optional<Item> read_row_key(base::ByteView row_key);
  /// Returns whether it is the sweep's own row: the cursor, or a note that an item is under-replicated.
  static bool is_note(base::ByteView row_key, base::ByteView row);

  /// Sets how many leading bits the k nearest nodes of a key share with it: log2(network / k). Clamped to the limits.
  void set_region_bits(unsigned bits);

  /// Returns when next() is due; nullopt while a region is in progress, or nothing is published.
  std::optional<base::WallTime> wake_at() const;

  /// Returns the region that is due, or nullopt if there is none or a region is in progress. It is in progress until
  /// done(), failed() or met_nobody() is called.
  std::optional<Region> next(base::WallTime wall);
  bool under_way() const { return under_way_.has_value(); }
  RowChange done(base::WallTime wall);
  /// Ends the region in progress. `items`: its failed items, at least one.
  RowChange failed(const std::set<Item>& items, base::WallTime wall);
  /// Notes that no other node could store the region's items: all of them are under-replicated.
  RowChange met_nobody(base::WallTime wall);

  /// Returns the sweep's position. Saved with the first item too: without it, a restart treats all items as overdue.
  store::Row cursor_row() const;

  /// Returns how long the oldest due key, or the under-replicated items, have waited. A record that lasts 48 h may be
  /// 26 h late.
  base::Duration late(base::WallTime wall) const;
  /// Returns for how long no node has stored any under-replicated item.
  base::Duration untaken(base::WallTime wall) const;
  std::size_t items() const { return items_.size(); }
  std::size_t retries() const { return retries_.size(); }
  std::size_t under_replicated() const { return under_replicated_.items.size(); }

 private:
  struct Cursor {
    base::WallTime cycle;  ///< when the sweep was, or would have been, at key zero
    Key next;              ///< the first key still to do
  };
  struct Retry {
    Cursor from;
    Key last;
    unsigned tries;
    base::WallTime not_before;
    std::set<Item> items;  // the failed items
  };
  using Retries = std::map<std::pair<base::WallTime, Key>, Retry>;  // by the time when they were due
  struct Wait {
    unsigned tries = 0;  // tries that met other nodes
    base::WallTime until;
  };
  struct UnderReplicated {
    std::map<Item, Wait> items;
    std::set<std::pair<base::WallTime, Item>> order;  // by next try
    base::WallTime not_before;                        // for all items, because no other node was found
    base::WallTime since;                             // no node has stored an under-replicated item since then
  };
  struct UnderWay {
    Turn turn;
    Cursor from;  // of a sweep
    Key last;
    unsigned tries;
    std::vector<Item> items;
  };

  /// Returns whether there is space. Announcements follow remote stores, so they leave space for operators' puts.
  bool has_room(const Item& item) const;
  base::Duration offset(const Key& key) const;
  base::WallTime due(const Cursor& cursor) const { return cursor.cycle + offset(cursor.next); }
  std::optional<Cursor> pending() const;
  Cursor after(const Cursor& cursor, const Key& last) const;
  void settle(base::WallTime wall);
  void skip_to(base::WallTime wall);
  void set_cursor(base::WallTime wall);
  Key region_begin(const Key& key) const;
  Key region_end(const Key& key) const;
  Region start(const Cursor& from, const Key& last, base::WallTime wall);
  Region try_again(const Retry& retry, base::WallTime wall);
  std::optional<Region> next_under_replicated(base::WallTime wall);
  std::optional<Region> next_of_sweep(base::WallTime wall);
  void pass(const UnderWay& what);
  RowChange end_under_replicated(const std::vector<Item>& tried, const std::set<Item>& failed, base::WallTime wall);
  RowChange end_sweep(const std::vector<Item>& tried, const std::set<Item>& failed, base::WallTime wall);
  void placed(const Item& item, RowChange& rows, base::WallTime wall);
  void put_off(const Item& item, Wait wait);
  bool take_under_replicated(const Item& item);
  base::Duration wait_after(unsigned tries, std::chrono::milliseconds max) const;
  Retries::const_iterator ripe() const;
  void drop_retries(const Key& first, const Key& last);
  static std::optional<Cursor> read_cursor(base::ByteView row_key, base::ByteView row);
  static std::optional<Item> read_under_replicated(base::ByteView row_key, base::ByteView row);

  RepublishSettings settings_;
  unsigned region_bits_;
  Cursor cursor_;
  base::WallTime settled_;  // last call of settle()
  base::WallTime blocked_until_;
  bool awaits_rows_ = false;
  bool rows_found_ = false;              // on disk
  std::map<Item, std::uint64_t> items_;  // with their sequences
  std::set<Item> withdrawn_;             // while rows are loading; at most items_max
  Retries retries_;
  UnderReplicated under_replicated_;
  std::optional<UnderWay> under_way_;
  Turn last_ = Turn::sweep;
};

}  // namespace troupe::dht
