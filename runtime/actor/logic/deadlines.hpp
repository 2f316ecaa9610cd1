#pragma once
// The deadlines of one actor, earliest first: its pending asks and its timers.
//
// Nearly every entry is removed long before it is due (the response came), so removal must cost nothing: a heap with
// dead entries left in place, and a table of the live entries.
//
// Limits  none here: the owner limits its asks and timers. Memory is proportional to the live entries. The heap is
//         rebuilt when dead entries exceed twice the live entries plus kDeadSlack; the table shrinks when less than an
//         eighth full.
// Time    monotonic, given by the caller. Reads no clock.
// Owner   one actor's shell; not thread-safe.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::runtime::logic {

inline constexpr std::size_t kDeadSlack = 64;  // our choice: a heap below this is not worth rebuilding

class Deadlines {
 public:
  Deadlines();

  /// Adds `id`, due at `due`. An id that already waits gets the new instant and a new position in the order.
  void add(std::uint64_t id, base::Instant due);

  /// Stops waiting for `id`. Returns false if it was not waiting.
  bool remove(std::uint64_t id);

  /// Returns when `id` is due, or nullopt if it does not wait. Scans every entry: only for output to people.
  std::optional<base::Instant> due(std::uint64_t id) const;

  /// Returns the earliest due instant, or nullopt if nothing waits.
  std::optional<base::Instant> next() const;

  /// Removes and returns one id whose instant is `now` or earlier, ordered by instant, then by the order of adding.
  /// Call until it returns nullopt; ids that were added since may be among them.
  std::optional<std::uint64_t> take_due(base::Instant now);

  /// Returns how many ids wait.
  std::size_t size() const { return live_; }

  /// Returns the allocated number of entries, live and dead: for counters and tests.
  std::size_t entries_held() const { return heap_.capacity() + slots_.size(); }

 private:
  struct Entry {
    base::Instant due;
    std::uint64_t order;  // counts add() calls from 1; unique, so it also identifies a replaced entry of the same id
    std::uint64_t id;
  };
  struct Slot {
    std::uint64_t id = 0;
    std::uint64_t order = 0;  // zero: empty
  };
  static bool later(const Entry& a, const Entry& b);

  std::size_t home(std::uint64_t id) const;
  std::size_t find(std::uint64_t id) const;
  void erase_slot(std::size_t hole);
  void resize_table(std::size_t slots);
  bool lives(const Entry& entry) const;
  void tidy();

  std::vector<Entry> heap_;  // its top is always live
  std::vector<Slot> slots_;  // open addressing, linear probing; a power of two, at most half full
  int shift_ = 0;            // 64 minus the logarithm of the number of slots
  std::size_t live_ = 0;
  std::uint64_t order_ = 0;
};

}  // namespace troupe::runtime::logic
