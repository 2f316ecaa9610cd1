#pragma once
// The log of an escrow: its events as bytes, chained by hashes, readable in all versions.
//
// Entry   "troupe escrow event v1", sequence (8), time in ms (8), by (32), cause (32), hash before (32), kind (1), then
//         the body. Its hash is the SHA-256 of its bytes; the hash before the first entry is the id of the escrow.
// Kinds   the position of the type in Event, from 0: types are only added at its end. Fields are only added at the end
//         of a body, each with a default for its absence. tests/actors/escrow/golden_log.hpp has the versions.
// Cause   the hash of the signed act, or zeros: a deadline, the ledger or a guard.
// Limits  kEntryBytesMax bytes per entry.
#include <span>

#include "actors/escrow/logic/escrow.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kEntryBytesMax = 4'096;

struct Entry {
  std::uint64_t sequence = 0;  ///< starts at 1
  UnixMs time{0};
  Address by;  ///< of the act; zeros without an act
  base::Digest cause;
  base::Digest before;
  Event event;
};

base::Bytes encode(const Entry& entry);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Entry> decode_entry(base::ByteView bytes);
base::Digest hash_of(const Entry& entry);

/// Returns whether the event can be applied to the escrow. Applying any other event would break an invariant.
bool fits(const Escrow& escrow, const Event& event);

enum class LogFlaw : std::uint8_t {
  chain,  ///< its sequence, its time or its hash does not follow from the entry before
  event,  ///< it does not fit the state at that entry
};

/// Rebuilds an escrow from its log, entry by entry.
class Replay {
 public:
  Replay(Agreement agreement, const Commitment& buyer);

  /// Applies an entry. Errors change nothing.
  base::Result<void, LogFlaw> take(const Entry& entry);
  /// Returns the next entries, for these events at `now`. The caller applies them with take(), or drops them.
  std::vector<Entry> entries(std::span<const Event> events, UnixMs now, const Address& by,
                             const base::Digest& cause) const;

  /// Returns the whole state as bytes, or nullopt if it owes so many payments that the log is read instead.
  std::optional<base::Bytes> snapshot(const base::Mutations& mutations = base::kNoMutations) const;
  /// Returns nullopt unless the bytes are a canonical snapshot(). The caller compares its hash with the log.
  static std::optional<Replay> from_snapshot(Agreement agreement, const Commitment& buyer, base::ByteView bytes);

  const Escrow& escrow() const { return escrow_; }
  std::uint64_t sequence() const { return sequence_; }
  const base::Digest& hash() const { return hash_; }

 private:
  Escrow escrow_;
  std::uint64_t sequence_ = 0;
  UnixMs time_{0};
  base::Digest hash_;
};

}  // namespace troupe::escrow
