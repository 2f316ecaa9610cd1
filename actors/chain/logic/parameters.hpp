#pragma once
// The parameters of a chain, which its genesis may set, with bounds: a chain stays alive with any value within them.
//
// Bytes  canonical Cap'n Proto of `Parameters` in messages/chain.capnp: one word per parameter, in the order of Param.
#include <array>
#include <optional>
#include <string_view>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::chain {

enum class Param : std::uint8_t {
  block_interval_ms,
  block_empty_ms,
  block_bytes,
  block_gas,
  block_precision_ms,
  block_delay_ms,
  consensus_propose_ms,
  consensus_prevote_ms,
  consensus_precommit_ms,
  faucet_amount,
  faucet_pot,
  faucet_period_s,
  stake_unbonding_s,
  fee_base,
};
inline constexpr std::size_t kParams = 14;

inline constexpr std::uint64_t kBlockBytesMin = 128u << 10;  // our choice: leaves space after the largest commit
inline constexpr std::uint64_t kBlockBytesMax = 2u << 20;    // our choice: a block fits into a frame between nodes
inline constexpr std::uint64_t kBaseFeeMax = std::uint64_t{1} << 40;
inline constexpr std::uint64_t kBlockGasMax = std::uint64_t{1} << 40;

/// A parameter as `--set` accepts it and `chain params` shows it.
struct ParamInfo {
  std::string_view name;
  std::uint64_t initial;  ///< unless the genesis sets it
  std::uint64_t min;
  std::uint64_t max;
};
const ParamInfo& info(Param param);
std::optional<Param> param_named(std::string_view name);

class Parameters {
 public:
  /// The initial values.
  Parameters();
  std::uint64_t operator[](Param param) const { return values_[static_cast<std::size_t>(param)]; }
  /// Returns false and changes nothing if the value is out of bounds.
  [[nodiscard]] bool set(Param param, std::uint64_t value);

  friend bool operator==(const Parameters&, const Parameters&) = default;

 private:
  std::array<std::uint64_t, kParams> values_{};
};

base::Bytes encode(const Parameters& parameters);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<Parameters> parse_parameters(base::ByteView bytes);
/// Returns the hash that headers contain: SHA-256 of the bytes.
base::Digest hash_of(const Parameters& parameters);

}  // namespace troupe::chain
