#pragma once
// The validators of one height: who may vote, and with what power.
//
// Order   by id, each id and each key once. An index of a validator is its place in this order.
// Limits  kValidatorsMax validators; each has power above 0, all together less than 2^63.
// Quorum  more than 2/3 of the power. Two quorums share more than 1/3, and so a correct validator.
// Bytes   canonical Cap'n Proto of `Validators` in messages/chain.capnp, which fits into a value of the state.
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"

namespace troupe::chain {

__extension__ using Int128 = __int128;  // sums and products of 64-bit powers

inline constexpr std::size_t kValidatorsMax = 500;  // our choice: a commit of them is 52 kB
inline constexpr std::uint64_t kPowerMax = (std::uint64_t{1} << 63) - 1;

struct Validator {
  base::NodeId id;
  base::PublicKey key;  ///< of consensus alone; not the node's key
  std::uint64_t power = 0;

  friend bool operator==(const Validator&, const Validator&) = default;
};

enum class ValidatorsError : std::uint8_t {
  none,            ///< there has to be one at least
  too_many,        ///< more than kValidatorsMax
  no_power,        ///< one of them has power 0
  too_much_power,  ///< kPowerMax is exceeded in all
  twice,           ///< an id or a key appears twice
};

class ValidatorSet {
 public:
  /// In any order.
  static base::Result<ValidatorSet, ValidatorsError> from(std::vector<Validator> validators);

  std::size_t size() const { return validators_.size(); }
  const Validator& at(std::size_t index) const { return validators_[index]; }
  const std::vector<Validator>& all() const { return validators_; }
  std::optional<std::size_t> index_of(const base::NodeId& id) const;

  /// The set that is left without those in `out`. If these are all, the one with most power stays, of equal ones that
  /// with the smallest id: a chain without validators would have ended.
  ValidatorSet without(std::span<const base::NodeId> out) const;

  std::uint64_t power() const { return power_; }
  /// Whether `power` is more than 2/3 of all.
  bool quorum(std::uint64_t power) const { return Int128{power} * 3 > Int128{power_} * 2; }
  /// Whether `power` is more than 1/3 of all: a correct validator is among them.
  bool one_correct(std::uint64_t power) const { return Int128{power} * 3 > Int128{power_}; }

  friend bool operator==(const ValidatorSet&, const ValidatorSet&) = default;

 private:
  explicit ValidatorSet(std::vector<Validator> sorted);

  std::vector<Validator> validators_;
  std::uint64_t power_ = 0;
};

inline constexpr std::size_t kValidatorsBytesMax = 3 * 8 + kValidatorsMax * 64;  // pointers, and 8 words for each

base::Bytes encode(const ValidatorSet& set);
/// Nothing unless the bytes are what encode() gives.
std::optional<ValidatorSet> parse_validators(base::ByteView bytes);
/// As it stands in headers: SHA-256 of the bytes.
base::Digest hash_of(const ValidatorSet& set);

}  // namespace troupe::chain
