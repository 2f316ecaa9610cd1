#pragma once
// The validators of one height, with their voting power.
//
// Order   by id; each id and each key once. A validator's index is its position in this order.
// Limits  kValidatorsMax validators; each has a power above 0, all together less than 2^63.
// Quorum  more than 2/3 of the power. Two quorums share more than 1/3, and therefore a correct validator.
// Bytes   canonical Cap'n Proto of `Validators` in messages/chain.capnp, which fits into a value of the state.
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"

namespace troupe::chain {

__extension__ using Int128 = __int128;  // sums and products of 64-bit powers

inline constexpr std::size_t kValidatorsMax = 500;  // our choice: a commit with all of them has 52 kB
inline constexpr std::uint64_t kPowerMax = (std::uint64_t{1} << 63) - 1;

struct Validator {
  base::NodeId id;
  base::PublicKey key;  ///< for consensus only; not the node's key
  std::uint64_t power = 0;

  friend bool operator==(const Validator&, const Validator&) = default;
};

enum class ValidatorsError : std::uint8_t {
  none,            ///< at least one is required
  too_many,        ///< more than kValidatorsMax
  no_power,        ///< a validator has power 0
  too_much_power,  ///< the sum exceeds kPowerMax
  twice,           ///< an id or a key appears twice
};

class ValidatorSet {
 public:
  /// Accepts any order.
  static base::Result<ValidatorSet, ValidatorsError> from(std::vector<Validator> validators);

  std::size_t size() const { return validators_.size(); }
  const Validator& at(std::size_t index) const { return validators_[index]; }
  const std::vector<Validator>& all() const { return validators_; }
  std::optional<std::size_t> index_of(const base::NodeId& id) const;

  /// Returns the set without the nodes in `out`. If none would remain, the validator with the most power stays (the
  /// smallest id among equals), because a chain without validators would have ended.
  ValidatorSet without(std::span<const base::NodeId> out) const;

  std::uint64_t power() const { return power_; }
  /// Whether `power` is more than 2/3 of all.
  bool quorum(std::uint64_t power) const { return Int128{power} * 3 > Int128{power_} * 2; }
  /// Whether `power` is more than 1/3 of all, so that it includes a correct validator.
  bool one_correct(std::uint64_t power) const { return Int128{power} * 3 > Int128{power_}; }

  friend bool operator==(const ValidatorSet&, const ValidatorSet&) = default;

 private:
  explicit ValidatorSet(std::vector<Validator> sorted);

  std::vector<Validator> validators_;
  std::uint64_t power_ = 0;
};

inline constexpr std::size_t kValidatorsBytesMax = 3 * 8 + kValidatorsMax * 64;  // pointers, and 8 words per validator

base::Bytes encode(const ValidatorSet& set);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<ValidatorSet> parse_validators(base::ByteView bytes);
/// Returns the hash that headers contain: SHA-256 of the bytes.
base::Digest hash_of(const ValidatorSet& set);

}  // namespace troupe::chain
