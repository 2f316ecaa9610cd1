#include "actors/chain/logic/validators.hpp"

#include <algorithm>

#include "actors/chain/logic/canonical.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

constexpr unsigned kValidatorWords = 8;

CanonStruct form_of(const Validator& validator) {
  std::array<std::uint8_t, 24> id{};
  std::ranges::copy(validator.id.bytes, id.begin());
  CanonStruct out;
  for (const std::uint64_t word : base::words_of(id)) out.words.push_back(word);
  for (const std::uint64_t word : base::words_of(validator.key.bytes)) out.words.push_back(word);
  out.words.push_back(validator.power);
  return out;
}

Validator read_validator(CanonReader& in, const CanonReader::Object& from) {
  const auto word = [&](unsigned at) { return in.word(from, at); };
  const auto id = base::from_words(word(0), word(1), word(2));
  Validator out;
  std::copy_n(id.begin(), out.id.bytes.size(), out.id.bytes.begin());
  out.key.bytes = base::from_words(word(3), word(4), word(5), word(6));
  out.power = word(7);
  if (word(2) >> 32 != 0) in.fail();
  return out;
}

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

ValidatorSet ValidatorSet::without(std::span<const base::NodeId> out) const {
  std::vector<Validator> left;
  for (const Validator& one : validators_)
    if (std::ranges::find(out, one.id) == out.end()) left.push_back(one);
  if (left.empty()) left.push_back(*std::ranges::max_element(validators_, {}, &Validator::power));
  return ValidatorSet(std::move(left));
}

base::Bytes encode(const ValidatorSet& set) {
  std::vector<CanonStruct> list;
  for (const Validator& validator : set.all()) list.push_back(form_of(validator));
  return CanonStruct().object_list(std::move(list)).encode();
}

std::optional<ValidatorSet> parse_validators(base::ByteView bytes) {
  CanonReader in(bytes);
  const auto list = in.list(in.root(0, 1), 0, kValidatorsMax, kValidatorWords, 0);
  std::vector<Validator> validators;
  for (unsigned i = 0; i < list.count && in.ok(); ++i) validators.push_back(read_validator(in, list[i]));
  if (!in.ended()) return std::nullopt;
  auto set = ValidatorSet::from(validators);
  if (!set.ok() || set.value().all() != validators) return std::nullopt;  // another order is another encoding
  return std::move(set).value();
}

base::Digest hash_of(const ValidatorSet& set) { return crypto::sha256(encode(set)); }

}  // namespace troupe::chain
