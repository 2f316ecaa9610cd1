#pragma once
// How a chain goes on that had two final blocks of one height: its validators name the block that stays.
//
// Bytes   canonical Cap'n Proto of `ForkStatement` and `SignedFork` in messages/chain.capnp.
// Signed  "troupe fork v1" || chain || fork || statement, by consensus keys.
// Power   of the validators that the state after the named block has for the next height: they go on from there. More
//         than 2/3 of it has to sign. Signatures of others count nothing, and spoil nothing.
// Forks   the block of a height is of the highest fork whose statement names an earlier height.
// Once    a key signs one statement of a fork, at most: its directory keeps which (ForkPledges).
// Limits  kForksMax statements; kValidatorsMax signatures of each.
#include "actors/chain/logic/commit.hpp"

namespace troupe::chain {

inline constexpr std::uint16_t kForkVersion = 1;
inline constexpr std::size_t kForksMax = 256;  // our choice: each is the work of people
// Pointer, words, pointer, block.
inline constexpr std::size_t kForkStatementBytes = 8 + 2 * 8 + 8 + 32;
/// Of one with that many signatures. Pointers, list tag; of each signature pointers, validator, signature.
constexpr std::size_t signed_fork_bytes(std::size_t signatures) {
  return 8 + 2 * 8 + kForkStatementBytes + 8 + signatures * (16 + 24 + 64);
}
inline constexpr std::size_t kSignedForkBytesMax = signed_fork_bytes(kValidatorsMax);

struct ForkStatement {
  Fork fork;      ///< of the blocks that follow; at least 1
  Height height;  ///< of the block that stays
  BlockId block;

  friend bool operator==(const ForkStatement&, const ForkStatement&) = default;
};
base::Bytes encode(const ForkStatement& statement);
/// Nothing unless the bytes are what encode() gives.
std::optional<ForkStatement> parse_fork_statement(base::ByteView bytes);
/// What validators sign.
base::Bytes signed_bytes(const ChainId& chain, const ForkStatement& statement);

struct ForkSignature {
  base::NodeId validator;
  crypto::Signature signature{};

  friend bool operator==(const ForkSignature&, const ForkSignature&) = default;
};

struct SignedFork {
  ForkStatement statement;
  std::vector<ForkSignature> signatures{};  ///< by rising id

  /// False if it is there, and stays as it is, or there is no room.
  bool add(const ForkSignature& signature);
  friend bool operator==(const SignedFork&, const SignedFork&) = default;
};
base::Bytes encode(const SignedFork& fork);
/// Nothing unless the bytes are what encode() gives, with at most kValidatorsMax signatures by rising id.
std::optional<SignedFork> parse_signed_fork(base::ByteView bytes);

enum class ForkError : std::uint8_t {
  too_little,     ///< 2/3 of the power or less has signed
  bad_signature,  ///< one of the signatures is not of its validator
};
/// Whether these validators go on so. Power is counted before signatures are verified.
base::Result<void, ForkError> verify_fork(const ChainId& chain, const ValidatorSet& set, const SignedFork& fork,
                                          const VerifySignature& verify);

/// The statements that one key stands for: those that it has signed, or an operator had its node take. It signs no
/// second one of a fork, because two of them could each have over 2/3.
class ForkPledges {
 public:
  static constexpr std::size_t kBytesMax = kForksMax * kForkStatementBytes;

  /// Another statement of the same fork; null if there is none.
  const ForkStatement* against(const ForkStatement& statement) const;
  /// True also if it is there. False if another one of its fork is, or kForksMax of other forks: then nothing has
  /// changed.
  bool add(const ForkStatement& statement);
  const std::vector<ForkStatement>& all() const { return all_; }  ///< by rising fork

  /// The statements one after another.
  base::Bytes encode() const;
  /// Nothing unless the bytes are what encode() gives.
  static std::optional<ForkPledges> parse(base::ByteView bytes);

 private:
  std::vector<ForkStatement> all_;
};

/// The statements by which a chain went on, as a node has taken them.
class ForkHistory {
 public:
  /// False unless it is later than each one before, and there is room.
  bool add(SignedFork fork);
  bool full() const { return all_.size() >= kForksMax; }

  /// That of the next block.
  Fork latest() const { return all_.empty() ? Fork{} : all_.back().statement.fork; }
  /// That of the block of a height.
  Fork of(Height height) const;
  const SignedFork* find(Fork fork) const;
  /// By rising fork.
  const std::vector<SignedFork>& all() const { return all_; }

 private:
  std::vector<SignedFork> all_;
};

}  // namespace troupe::chain
