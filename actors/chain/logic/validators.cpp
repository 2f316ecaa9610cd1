#include "actors/chain/logic/validators.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"

namespace troupe::chain {
namespace {

constexpr std::size_t kValidatorBytes = base::NodeId::kBytes + base::PublicKey::kBytes + sizeof(std::uint64_t);

bool keys_differ(const std::vector<Validator>& validators) {
  std::vector<base::PublicKey> keys;
  for (const Validator& validator : validators) keys.push_back(validator.key);
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) == keys.end();
}

}  // namespace

ValidatorSet::ValidatorSet(std::vector<Validator> sorted) : validators_(std::move(sorted)) {
  for (const Validator& validator : validators_) power_ += validator.power;
}

base::Result<ValidatorSet, ValidatorsError> ValidatorSet::from(std::vector<Validator> validators) {
  if (validators.empty()) return ValidatorsError::none;
  if (validators.size() > kValidatorsMax) return ValidatorsError::too_many;
  std::uint64_t left = kPowerMax;
  for (const Validator& validator : validators) {
    if (validator.power == 0) return ValidatorsError::no_power;
    if (validator.power > left) return ValidatorsError::too_much_power;
    left -= validator.power;
  }
  const auto by_id = [](const Validator& a, const Validator& b) { return a.id < b.id; };
  const auto same_id = [](const Validator& a, const Validator& b) { return a.id == b.id; };
  std::sort(validators.begin(), validators.end(), by_id);
  const bool ids_differ = std::adjacent_find(validators.begin(), validators.end(), same_id) == validators.end();
  if (!ids_differ || !keys_differ(validators)) return ValidatorsError::twice;
  return ValidatorSet(std::move(validators));
}

std::optional<std::size_t> ValidatorSet::index_of(const base::NodeId& id) const {
  const auto at =
      std::lower_bound(validators_.begin(), validators_.end(), id,
                       [](const Validator& validator, const base::NodeId& key) { return validator.id < key; });
  if (at == validators_.end() || at->id != id) return std::nullopt;
  return static_cast<std::size_t>(at - validators_.begin());
}

base::Bytes encode(const ValidatorSet& set) {
  base::Bytes out;
  base::append_number(out, static_cast<std::uint32_t>(set.size()));
  for (const Validator& validator : set.all()) {
    base::append(out, validator.id.view());
    base::append(out, validator.key.view());
    base::append_number(out, validator.power);
  }
  return out;
}

std::optional<ValidatorSet> decode_validators(base::ByteView bytes) {
  base::FieldReader in(bytes);
  const auto count = in.number<std::uint32_t>();
  if (!in.ok() || count > kValidatorsMax || bytes.size() != sizeof count + count * kValidatorBytes) return std::nullopt;
  std::vector<Validator> validators(count);
  for (Validator& validator : validators) {
    validator.id = in.fixed<base::NodeId>();
    validator.key = in.fixed<base::PublicKey>();
    validator.power = in.number<std::uint64_t>();
  }
  auto set = ValidatorSet::from(validators);
  if (!set.ok() || set.value().all() != validators) return std::nullopt;  // another order is another encoding
  return std::move(set).value();
}

}  // namespace troupe::chain
