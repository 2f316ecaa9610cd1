#pragma once
// When this node publishes again what it has published: one sweep over the key space in each period.
//
// Sweep   a key is due when the share of the period that has passed equals the share of the key space before it. The
//         first due key of a region (region_bits) brings all its keys, so one lookup serves them. Failed items are
//         tried again after retry_min, then twice as long each time; the sweep waits while retries_max regions failed.
// Scarce  an item that at most one node is known to have is under-replicated: tried each retry_min until a search has
//         met other nodes, then less and less often, at most a period apart.
// Rows    keyspace kPublishedRows, numbers little-endian. Key what (1) · key (20) -> the record, nothing for a
//         provider. Key what + 128 (1) · key (20) -> nothing: under-replicated. Key 0 (1), the cursor -> version 1 (1)
//         · cycle, Unix seconds (8) · next key (20): the oldest region that has not succeeded. A restart goes on from
//         there.
// Owner   one actor, which publishes one region at a time, by the wall clock, because rows hold dates.
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
inline constexpr std::chrono::hours kPeriodMax{24 * 14};  // what is computed with it stays below 63 bits

/// The numbers are stored; the first three are those of the spaces.
enum class Published : std::uint8_t { pk = 1, kv = 2, cid = 3, provider = 4 };

struct Item {
  Key key;
  Published what = Published::pk;
  friend auto operator<=>(const Item&, const Item&) = default;
};

/// Of a record that can change, in the row of its item; zero for all else.
std::uint64_t sequence_in(const Item& item, base::ByteView row);

struct RepublishSettings {
  std::chrono::milliseconds period{std::chrono::hours(22)};  ///< at least a second, at most kPeriodMax
  std::chrono::milliseconds retry_min{std::chrono::minutes(1)};
  std::chrono::milliseconds retry_max{std::chrono::minutes(30)};
  std::size_t retries_max = 64;
  std::size_t region_items_max = 512;  ///< at least 1
  std::size_t items_max = 100'000;     ///< base::kReservePart of it is for what operators put, not for announcements
  unsigned region_bits_min = 4;        ///< in a network of few nodes, where one region would be all and come at once
};

/// Why a region is published now.
enum class Turn : std::uint8_t {
  sweep,             ///< it is due, or was and failed
  under_replicated,  ///< at most one node is known to have what is in it
};

struct Region {
  Turn turn = Turn::sweep;
  Key first;  ///< keys from here
  Key last;   ///< to here are meant, inclusive; they share their leading bits
  std::vector<Item> items;
  base::Duration late;  ///< how long its first key has waited
};

enum class PublishError : std::uint8_t {
  full,   ///< items_max are published, or as much of it as announcements may have
  older,  ///< a record with a higher sequence is
};

class Republish {
 public:
  /// Without a row of the cursor, all rows that are loaded are taken for a period late.
  Republish(RepublishSettings settings, base::WallTime wall);

  /// Rows come from now on, until rows_read().
  void await_rows() { awaits_rows_ = true; }
  /// What was put meanwhile is the first where there were no rows: then the cursor is to be saved with it.
  RowChange rows_read(base::WallTime wall);

  /// Takes back a row at the start. Errors: `corrupt`; `expired` if it was withdrawn; `full`: it may stay where it is.
  base::Result<void, RowError> load(base::ByteView row_key, base::ByteView row, base::WallTime wall);

  /// Notes what was published at `wall`: it comes again within a period. The row has `payload` as its value.
  base::Result<store::Row, PublishError> add(const Item& item, base::ByteView payload, base::WallTime wall);
  /// Notes that at most one node is known to have it. The row is to be written each time: an earlier one may be lost.
  RowChange add_under_replicated(const Item& item, base::WallTime wall);
  RowChange remove(const Item& item);
  /// Of the record that is published as this item; zero if it has none, or none is.
  std::uint64_t sequence(const Item& item) const;
  bool contains(const Item& item) const { return items_.contains(item); }
  /// The highest of all records that it knows; zero if none has one.
  std::uint64_t sequence_max() const;
  /// The keys of what is published of that sort, from the first one after `behind` on: ascending, at most `max`.
  std::vector<Key> keys(Published what, const std::optional<Key>& behind, std::size_t max) const;
  static base::Bytes row_key(const Item& item);
  /// Nothing for what is no item: the row of the cursor, or none that this program wrote.
  static std::optional<Item> read_row_key(base::ByteView row_key);
  /// Whether it is a row of the sweep itself: the cursor, or the note that an item is under-replicated.
  static bool is_note(base::ByteView row_key, base::ByteView row);

  /// How many leading bits the k nearest nodes of a key share with it: log2(network / k). Clamped to the limits.
  void set_region_bits(unsigned bits);

  /// When next() has something; nothing while a region is under way, or nothing is published.
  std::optional<base::WallTime> wake_at() const;

  /// The region that is due. It is under way until one of the next three; nothing meanwhile.
  std::optional<Region> next(base::WallTime wall);
  bool under_way() const { return under_way_.has_value(); }
  RowChange done(base::WallTime wall);
  /// `items`: those of the region that failed, at least one.
  RowChange failed(const std::set<Item>& items, base::WallTime wall);
  /// No other node was there to take them: all of them are under-replicated.
  RowChange met_nobody(base::WallTime wall);

  /// Where the sweep stands. Saved with the first item too: a restart that finds none takes all for overdue.
  store::Row cursor_row() const;

  /// How long the oldest due key, or all that is under-replicated, has waited. What lasts 48 h may be 26 h late.
  base::Duration late(base::WallTime wall) const;
  /// How long no node has taken any of the under-replicated items.
  base::Duration untaken(base::WallTime wall) const;
  std::size_t items() const { return items_.size(); }
  std::size_t retries() const { return retries_.size(); }
  std::size_t under_replicated() const { return under_replicated_.items.size(); }

 private:
  struct Cursor {
    base::WallTime cycle;  ///< when the sweep was, or would have been, at key zero
    Key next;              ///< the first key that it has not done
  };
  struct Retry {
    Cursor from;
    Key last;
    unsigned tries;
    base::WallTime not_before;
    std::set<Item> items;  // those that failed
  };
  using Retries = std::map<std::pair<base::WallTime, Key>, Retry>;  // by when it was due
  struct Wait {
    unsigned tries = 0;  // that met other nodes
    base::WallTime until;
  };
  struct UnderReplicated {
    std::map<Item, Wait> items;
    std::set<std::pair<base::WallTime, Item>> order;  // by when they are tried again
    base::WallTime not_before;                        // all of them: no other node is there
    base::WallTime since;                             // no node has taken any
  };
  struct UnderWay {
    Turn turn;
    Cursor from;  // of a sweep
    Key last;
    unsigned tries;
    std::vector<Item> items;
  };

  /// Announcements come with what strangers store here, so they leave room for what operators put.
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
  base::WallTime settled_;  // when settle() was called last
  base::WallTime blocked_until_;
  bool awaits_rows_ = false;
  bool rows_found_ = false;              // on disk
  std::map<Item, std::uint64_t> items_;  // with their sequences
  std::set<Item> withdrawn_;             // while rows are awaited; at most items_max
  Retries retries_;
  UnderReplicated under_replicated_;
  std::optional<UnderWay> under_way_;
  Turn last_ = Turn::sweep;
};

}  // namespace troupe::dht
