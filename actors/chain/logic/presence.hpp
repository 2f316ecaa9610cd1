#pragma once
// Whose precommits have been in blocks: of each of the last kPresenceHeights heights, and the count of those missed.
//
// Where   the commit of the block H + 1 has precommits for the block of H; `Block::late` has those that came too late
//         for it, up to the block H + 10. That one settles H: a validator of H without a precommit has missed H.
// Late    SignedVotes by rising height, then by rising id of the validator, each once, none that is recorded. Of any
//         round: who precommitted the final block in an earlier one was there too.
// Counts  of the validators of the latest settled height. One that leaves and comes back begins anew.
// Bytes   canonical Cap'n Proto of `Presence` and `Absences` in messages/chain.capnp. A height names its validators by
//         their hash, so that 500 of them take 64 bytes a height; the sets stand in the state (state.hpp).
#include <array>
#include <map>

#include "actors/chain/logic/commit.hpp"

namespace troupe::chain {

inline constexpr std::uint64_t kPresenceHeights = 10;

/// One height that is not settled.
struct Attendance {
  static constexpr std::size_t kWords = 8;
  Height height;
  BlockId block;
  base::Digest validators;  ///< hash of the set of this height
  /// A bit for each validator, by its index in the set, whether its precommit has been in a block.
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

/// After a block.
struct Presence {
  std::vector<Attendance> heights{};            ///< one after another; the last one is that of the block
  std::vector<Absence> absences{};              ///< by rising id, at most kValidatorsMax
  std::map<base::Digest, ValidatorSet> sets{};  ///< those that the heights name

  /// The validators of one of the heights.
  const ValidatorSet& set_of(const Attendance& one) const;
  /// Null unless the validator is counted.
  const Absence* absence_of(const base::NodeId& validator) const;
  /// The settled heights of which `missed` is a part.
  std::uint64_t counted(const Absence& absence) const;
  friend bool operator==(const Presence&, const Presence&) = default;
};

/// That of a genesis: nothing is missed, and height 1 counts first.
Presence presence_of(const ValidatorSet& founders);

enum class LateError : std::uint8_t {
  malformed,      ///< an entry is not the one encoding of a SignedVote
  elsewhere,      ///< not a precommit for the block of a height that is not settled, other than the parent's
  stranger,       ///< of one that is no validator of that height
  unordered,      ///< not in the order of heights and ids, or one of these appears twice
  recorded,       ///< has been in a block
  bad_signature,  ///< not of that validator
};

/// What the entries say, which stand in the block after `presence`. Signatures are verified last.
base::Result<std::vector<SignedVote>, LateError> judge_late(std::span<const base::Bytes> entries,
                                                            const Presence& presence, const ChainId& chain, Fork fork,
                                                            const VerifySignature& verify);

/// The entries of `late` for the block after `presence`, out of votes whose signatures are verified, in any order. At
/// most the share of a block of `block_bytes`; the oldest heights first, which are settled first.
std::vector<base::Bytes> late_for(const std::vector<SignedVote>& held, const Presence& presence, Fork fork,
                                  std::size_t block_bytes);

/// What a block adds to the presence.
struct Attended {
  Height height;  ///< the one after the last of the presence
  BlockId block;
  const ValidatorSet& validators;       ///< of that height
  const std::optional<Commit>& commit;  ///< of the parent; nothing in block 1
  std::span<const SignedVote> late;
};
/// The presence after a block. Votes that judge_late() or verify_commit() would refuse are ignored.
Presence after(Presence before, const Attended& block);

inline constexpr std::size_t kPresenceBytesMax = 3 * 8 + kPresenceHeights * (1 + 4 + 4 + Attendance::kWords) * 8;
inline constexpr std::size_t kAbsencesBytesMax = 3 * 8 + kValidatorsMax * 5 * 8;

base::Bytes encode(const std::vector<Attendance>& heights);
base::Bytes encode(const std::vector<Absence>& absences);
// Nothing unless the bytes are what encode() gives of heights one after another, or of absences by rising id.
std::optional<std::vector<Attendance>> parse_attendances(base::ByteView bytes);
std::optional<std::vector<Absence>> parse_absences(base::ByteView bytes);

}  // namespace troupe::chain
