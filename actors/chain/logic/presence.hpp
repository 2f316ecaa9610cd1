#pragma once
// Records which validators' precommits are in blocks, for the last kPresenceHeights heights, and counts missed ones.
//
// Where   the commit in block H + 1 has precommits for block H. `Block::late` of the blocks up to H + 10 has later
//         ones. Block H + 10 settles H: a validator of H without a precommit in these blocks has missed H.
// Late    SignedVotes sorted by height, then validator id; each once, none already recorded. The round does not matter:
//         a precommit for the final block in an earlier round shows presence too.
// Counts  cover the validators of the latest settled height. A validator that leaves and returns starts again.
// Bytes   canonical Cap'n Proto of `Presence` and `Absences` in messages/chain.capnp. A height names its validators by
//         hash; the sets are in the state (state.hpp). So 500 validators take 64 bytes per height.
#include <array>
#include <map>

#include "actors/chain/logic/commit.hpp"

namespace troupe::chain {

inline constexpr std::uint64_t kPresenceHeights = 10;

/// A height that is not settled.
struct Attendance {
  static constexpr std::size_t kWords = 8;
  Height height;
  BlockId block;
  base::Digest validators;  ///< hash of this height's validator set
  /// A bit per validator, by its index in the set: whether a block has its precommit.
  std::array<std::uint64_t, kWords> seats{};

  bool has(std::size_t index) const { return (seats[index / 64] >> (index % 64) & 1) != 0; }
  void add(std::size_t index) { seats[index / 64] |= std::uint64_t{1} << (index % 64); }
  friend bool operator==(const Attendance&, const Attendance&) = default;
};
static_assert(Attendance::kWords * 64 >= kValidatorsMax);

struct Absence {
  base::NodeId validator;
  Height since;  ///< the first height that counts
  std::uint64_t missed = 0;
  friend bool operator==(const Absence&, const Absence&) = default;
};

/// The presence after a block.
struct Presence {
  std::vector<Attendance> heights{};            ///< consecutive; the last is the block's height
  std::vector<Absence> absences{};              ///< sorted by id; at most kValidatorsMax
  std::map<base::Digest, ValidatorSet> sets{};  ///< the sets that the heights name

  /// Returns the validators of one of the heights.
  const ValidatorSet& set_of(const Attendance& one) const;
  /// Returns null unless the validator is counted.
  const Absence* absence_of(const base::NodeId& validator) const;
  /// Returns the number of settled heights that the absence covers.
  std::uint64_t counted(const Absence& absence) const;
  friend bool operator==(const Presence&, const Presence&) = default;
};

/// Returns the presence of a genesis: nothing is missed, and height 1 is the first to count.
Presence presence_of(const ValidatorSet& founders);

enum class LateError : std::uint8_t {
  malformed,      ///< an entry is not the canonical encoding of a SignedVote
  elsewhere,      ///< not for the block of an unsettled height, not a precommit, or for the parent
  stranger,       ///< not a validator of that height
  unordered,      ///< not sorted by height and id, or repeated
  recorded,       ///< already in a block
  bad_signature,  ///< not that validator's signature
};

/// Decodes and checks the entries of the block after `presence`. Verifies signatures last.
base::Result<std::vector<SignedVote>, LateError> judge_late(std::span<const base::Bytes> entries,
                                                            const Presence& presence, const ChainId& chain, Fork fork,
                                                            const VerifySignature& verify);

/// Returns the `late` entries for the block after `presence`, from verified votes in any order. They take at most the
/// list's share of `block_bytes`; the oldest heights come first, because they are settled first.
std::vector<base::Bytes> late_for(const std::vector<SignedVote>& held, const Presence& presence, Fork fork,
                                  std::size_t block_bytes);

/// The part of a block that changes the presence.
struct Attended {
  Height height;  ///< the height after the last height of the presence
  BlockId block;
  const ValidatorSet& validators;       ///< of that height
  const std::optional<Commit>& commit;  ///< for the parent; nullopt in block 1
  std::span<const SignedVote> late;
};
/// Returns the presence after a block. Ignores votes that judge_late() or verify_commit() would refuse.
Presence after(Presence before, const Attended& block);

inline constexpr std::size_t kPresenceBytesMax = 3 * 8 + kPresenceHeights * (1 + 4 + 4 + Attendance::kWords) * 8;
inline constexpr std::size_t kAbsencesBytesMax = 3 * 8 + kValidatorsMax * 5 * 8;

base::Bytes encode(const std::vector<Attendance>& heights);
base::Bytes encode(const std::vector<Absence>& absences);
// Return nullopt unless the bytes are the canonical encoding of consecutive heights, or of absences sorted by id.
std::optional<std::vector<Attendance>> parse_attendances(base::ByteView bytes);
std::optional<std::vector<Absence>> parse_absences(base::ByteView bytes);

}  // namespace troupe::chain
