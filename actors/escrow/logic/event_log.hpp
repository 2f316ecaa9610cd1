#pragma once
// The log of an escrow: its events as bytes, chained by hashes, and read back however they were changed.
//
// Entry   "troupe escrow event v1", sequence (8), time in ms (8), by (32), cause (32), hash before (32), kind (1), then
//         the body. Its hash is the SHA-256 of its bytes; before the first one it is the id of the escrow.
// Kinds   the place of the type in Event, from 0: types are only added at its end. Fields are only added at the end of
//         a body, each with the value that its absence means. tests/actors/escrow/golden_log.hpp has the versions.
// Cause   the hash of the act that was signed, or zeros: a deadline, the ledger or a guard.
// Limits  kEntryBytesMax bytes an entry.
#include <span>

#include "actors/escrow/logic/escrow.hpp"

namespace troupe::escrow {

inline constexpr std::size_t kEntryBytesMax = 4'096;

struct Entry {
  std::uint64_t sequence = 0;  ///< 1 is the first
  UnixMs time{0};
  Address by;  ///< of the act; zeros if there is none
  base::Digest cause;
  base::Digest before;
  Event event;
};

base::Bytes encode(const Entry& entry);
/// Nothing unless the bytes are what encode() gives.
std::optional<Entry> decode_entry(base::ByteView bytes);
base::Digest hash_of(const Entry& entry);

/// Whether the event can be applied to the escrow: applying another one would break an invariant.
bool fits(const Escrow& escrow, const Event& event);

enum class LogFlaw : std::uint8_t {
  chain,  ///< its sequence, its time or its hash does not follow from the entry before
  event,  ///< it does not fit the state at that entry
};

/// An escrow that is read from its log, entry by entry.
class Replay {
 public:
  Replay(Agreement agreement, const Commitment& buyer);

  /// Errors change nothing.
  base::Result<void, LogFlaw> take(const Entry& entry);
  /// The next entries, for these events at `now`; take() them, or throw them away.
  std::vector<Entry> entries(std::span<const Event> events, UnixMs now, const Address& by,
                             const base::Digest& cause) const;

  /// All of it as bytes, for a start from here; nothing if it has so much to pay that the log is read instead.
  std::optional<base::Bytes> snapshot(const base::Mutations& mutations = base::kNoMutations) const;
  /// Nothing unless the bytes are what snapshot() gives. Its hash has still to be that of the entry before the next
  /// one.
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
