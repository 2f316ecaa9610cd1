#include "actors/dht/sim_ledger.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "runtime/base/random.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::dht {

const SimWrite* SimSpot::find(base::ByteView value) const {
  const auto found =
      std::ranges::find_if(writes, [&](const SimWrite& one) { return std::ranges::equal(one.value, value); });
  return found == writes.end() ? nullptr : &*found;
}

base::Bytes sim_value(std::int64_t number, std::int64_t bytes) {
  base::Random random(static_cast<std::uint64_t>(number) * 0x9e3779b97f4a7c15 + static_cast<std::uint64_t>(bytes));
  base::Bytes out(static_cast<std::size_t>(bytes));
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random.next());
  return out;
}

SimSpot& SimLedger::content(std::int64_t number, std::int64_t bytes) {
  SimSpot*& known = contents_[{number, bytes}];
  if (known != nullptr) return *known;
  const base::Bytes value = sim_value(number, bytes);
  // Without bytes there is only one object, whatever its number.
  for (SimSpot& spot : spots_)
    if (spot.key == key_of_value(value)) return *(known = &spot);
  spots_.push_back(
      {.name = "cid-" + std::to_string(number), .space = Space::cid, .key = key_of_value(value), .writes = {}});
  spots_.back().writes.push_back({.value = value});
  return *(known = &spots_.back());
}

SimSpot& SimLedger::named(const base::NodeId& owner, const std::string& owner_name, std::int64_t name) {
  SimSpot*& known = named_[{owner, name}];
  if (known != nullptr) return *known;
  spots_.push_back(
      {.name = "name-" + std::to_string(name) + " of " + owner_name, .space = Space::kv, .key = {}, .writes = {}});
  return *(known = &spots_.back());
}

SimTopic& SimLedger::topic(std::int64_t number) {
  const auto [at, fresh] = topics_.try_emplace(number);
  if (fresh) {
    const std::string name = "topic-" + std::to_string(number);
    const base::Digest cid =
        crypto::sha256(base::ByteView(reinterpret_cast<const std::uint8_t*>(name.data()), name.size()));
    at->second = {.name = name, .key = key_of(cid), .cid = cid, .announced = {}};
  }
  return at->second;
}

base::Bytes SimLedger::fresh_value(const SimSpot& spot, std::int64_t bytes) {
  const std::string text = spot.name + " #" + std::to_string(++written_) + ' ';
  base::Bytes out(text.begin(), text.end());
  out.resize(std::clamp<std::size_t>(static_cast<std::size_t>(bytes), out.size(), kValueBytesMax), '.');
  return out;
}

}  // namespace troupe::dht
