#include "actors/chain/logic/parameters.hpp"

#include <algorithm>

#include "actors/chain/logic/forms.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

constexpr std::uint64_t kHourMs = 3'600'000;
constexpr std::uint64_t kPeriodSecondsMax = 10ull * 366 * 86'400;  // ten years
constexpr std::uint64_t kMoneyMax = (std::uint64_t{1} << 63) - 1;

// All values are our choice. Consensus timeouts: for a worldwide network. Gas: a transfer has about 1,000 gas and 660
// bytes in its block. So a block that is full by bytes has used over half of its gas, and the base fee rises.
constexpr std::array<ParamInfo, kParams> kParamInfos{{
    {"block.interval_ms", 0, 0, kHourMs},
    {"block.empty_ms", 10'000, 100, kHourMs},
    {"block.bytes", 1u << 20, kBlockBytesMin, kBlockBytesMax},
    {"block.gas", 2'000'000, 100'000, kBlockGasMax},
    {"block.precision_ms", 500, 1, kHourMs},
    {"block.delay_ms", 2'000, 1, kHourMs},
    {"consensus.propose_ms", 1'000, 100, kHourMs},
    {"consensus.prevote_ms", 500, 100, kHourMs},
    {"consensus.precommit_ms", 500, 100, kHourMs},
    {"faucet.amount", 1'000'000'000, 1, kMoneyMax},
    {"faucet.pot", 1'000'000'000'000'000, 0, kMoneyMax},
    {"faucet.period_s", 3'600, 1, kPeriodSecondsMax},
    {"stake.unbonding_s", 21 * 86'400, 1, kPeriodSecondsMax},
    {"fee.base", 1, 0, kBaseFeeMax},
}};

}  // namespace

const ParamInfo& info(Param param) { return kParamInfos[static_cast<std::size_t>(param)]; }

std::optional<Param> param_named(std::string_view name) {
  const auto at = std::ranges::find(kParamInfos, name, &ParamInfo::name);
  if (at == kParamInfos.end()) return std::nullopt;
  return static_cast<Param>(at - kParamInfos.begin());
}

Parameters::Parameters() { std::ranges::transform(kParamInfos, values_.begin(), &ParamInfo::initial); }

bool Parameters::set(Param param, std::uint64_t value) {
  if (value < info(param).min || value > info(param).max) return false;
  values_[static_cast<std::size_t>(param)] = value;
  return true;
}

CanonStruct form_of(const Parameters& parameters) {
  CanonStruct out;
  for (std::size_t i = 0; i < kParams; ++i) out.words.push_back(parameters[static_cast<Param>(i)]);
  return out;
}

Parameters read_parameters(CanonReader& in, const CanonReader::Object& from) {
  Parameters out;
  for (unsigned i = 0; i < kParams; ++i)
    if (!out.set(static_cast<Param>(i), in.word(from, i))) in.fail();
  return out;
}

base::Bytes encode(const Parameters& parameters) { return form_of(parameters).encode(); }

std::optional<Parameters> parse_parameters(base::ByteView bytes) {
  CanonReader in(bytes);
  const Parameters out = read_parameters(in, in.root(kParams, 0));
  if (!in.ended()) return std::nullopt;
  return out;
}

base::Digest hash_of(const Parameters& parameters) { return crypto::sha256(encode(parameters)); }

}  // namespace troupe::chain
