#pragma once
// How a chain with two final blocks of one height resumes: its validators name the block that stays.
//
// Bytes   canonical Cap'n Proto of `ForkStatement` and `SignedFork` in messages/chain.capnp.
// Signed  "troupe fork v1" || chain || fork || statement, by consensus keys.
// Power   the state after the named block has the validators of the next height. More than 2/3 of their power must
//         sign. Other nodes' signatures do not count, and do no harm.
// Forks   the block of a height belongs to the highest fork whose statement names an earlier height.
// Once    a key signs at most one statement per fork: its directory records which (ForkPledges).
// Limits  kForksMax statements; kValidatorsMax signatures per statement.
#include "actors/chain/logic/commit.hpp"

namespace troupe::chain {

inline constexpr std::uint16_t kForkVersion = 1;
inline constexpr std::size_t kForksMax = 256;  // our choice: people make each of them
// Pointer, words, pointer, block.
inline constexpr std::size_t kForkStatementBytes = 8 + 2 * 8 + 8 + 32;
/// Size with that many signatures. Pointers, list tag; per signature: pointers, validator, signature.
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
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<ForkStatement> parse_fork_statement(base::ByteView bytes);
/// Returns the bytes that validators sign.
base::Bytes signed_bytes(const ChainId& chain, const ForkStatement& statement);

struct ForkSignature {
  base::NodeId validator;
  crypto::Signature signature{};

  friend bool operator==(const ForkSignature&, const ForkSignature&) = default;
};

struct SignedFork {
  ForkStatement statement;
  std::vector<ForkSignature> signatures{};  ///< sorted by id

  /// Returns false if that validator has a signature already, which stays, or if the list is full.
  bool add(const ForkSignature& signature);
  friend bool operator==(const SignedFork&, const SignedFork&) = default;
};
base::Bytes encode(const SignedFork& fork);
/// Returns nullopt unless the bytes are the canonical encoding, with at most kValidatorsMax signatures, sorted by id.
std::optional<SignedFork> parse_signed_fork(base::ByteView bytes);

enum class ForkError : std::uint8_t {
  too_little,     ///< at most 2/3 of the power has signed
  bad_signature,  ///< a signature does not belong to its validator
};
/// Checks that these validators accept the fork. Counts power before it verifies signatures.
base::Result<void, ForkError> verify_fork(const ChainId& chain, const ValidatorSet& set, const SignedFork& fork,
                                          const VerifySignature& verify);

/// The statements to which one key is bound: it signed them, or an operator made its node accept them. A key never
/// signs a second statement of a fork, because both could reach over 2/3.
class ForkPledges {
 public:
  static constexpr std::size_t kBytesMax = kForksMax * kForkStatementBytes;

  /// Returns another statement of the same fork, or null.
  const ForkStatement* against(const ForkStatement& statement) const;
  /// Returns true also if the statement was added before. Returns false and changes nothing if its fork has another
  /// statement, or if kForksMax forks are recorded.
  bool add(const ForkStatement& statement);
  const std::vector<ForkStatement>& all() const { return all_; }  ///< sorted by fork

  /// Encodes the statements, concatenated.
  base::Bytes encode() const;
  /// Returns nullopt unless the bytes are the canonical encoding.
  static std::optional<ForkPledges> parse(base::ByteView bytes);

 private:
  std::vector<ForkStatement> all_;
};

/// The statements by which a chain resumed, in the order in which this node accepted them.
class ForkHistory {
 public:
  /// Returns false unless the fork is later than all recorded forks, and there is space.
  bool add(SignedFork fork);
  bool full() const { return all_.size() >= kForksMax; }

  /// The fork of the next block.
  Fork latest() const { return all_.empty() ? Fork{} : all_.back().statement.fork; }
  /// The fork of a height's block.
  Fork of(Height height) const;
  const SignedFork* find(Fork fork) const;
  /// Sorted by fork.
  const std::vector<SignedFork>& all() const { return all_; }

 private:
  std::vector<SignedFork> all_;
};

}  // namespace troupe::chain
