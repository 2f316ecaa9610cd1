#include "actors/wallet/logic/ledger/strays.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::wallet {

base::Bytes encode(const Stray& stray) {
  base::Bytes out;
  base::append_number(out, stray.sequence);
  base::append(out, stray.from.view());
  base::append_number(out, stray.amount.units());
  return out;
}

std::optional<Stray> decode_stray(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Stray out;
  out.sequence = in.number<std::uint64_t>();
  out.from = in.fixed<Address>();
  const auto amount = Amount::from(in.number<std::uint64_t>());
  if (!in.ended() || !amount || *amount == Amount()) return std::nullopt;
  out.amount = *amount;
  return out;
}

std::optional<Stray> Strays::with(std::uint64_t sequence, const Address& from, Amount amount) const {
  const auto there = senders_.find(from);
  const auto sum = there == senders_.end() ? amount : plus(all_.at(there->second).amount, amount);
  if (!sum) return std::nullopt;
  return Stray{sequence, from, *sum};
}

void Strays::put(const Stray& stray) {
  erase(stray.from);
  base::ensure(all_.emplace(stray.sequence, stray).second, "a posting has one sender");
  senders_.emplace(stray.from, stray.sequence);
}

void Strays::erase(const Address& from) {
  const auto there = senders_.find(from);
  if (there == senders_.end()) return;
  all_.erase(there->second);
  senders_.erase(there);
}

Wide Strays::sum() const {
  Wide out = 0;
  for (const auto& [sequence, stray] : all_) out += stray.amount.units();
  return out;
}

std::vector<Stray> Strays::first() const {
  std::vector<Stray> out;
  for (auto at = all_.begin(); at != all_.end() && out.size() < kStraysAtOnce; ++at) out.push_back(at->second);
  return out;
}

std::chrono::seconds strays_wait(std::uint64_t given_back) {
  constexpr std::chrono::seconds kMax = std::chrono::hours(1);  // our choice
  if (given_back == 0) return std::chrono::seconds(0);
  return given_back > 12 ? kMax : std::min(kMax, std::chrono::seconds(std::uint64_t{1} << (given_back - 1)));
}

}  // namespace troupe::wallet
