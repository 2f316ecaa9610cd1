#include "actors/escrow/logic/registry.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"

namespace troupe::escrow {
namespace {

constexpr std::uint8_t kRegistryVersion = 3;
constexpr std::uint8_t kWithoutSince = 2, kListsDisputes = 1;  // earlier versions
constexpr std::size_t kDepositBytesMax = 8'192;

Amount amount_in(base::FieldReader& in) {
  const auto amount = Amount::from(in.number<std::uint64_t>());
  if (!amount) in.fail();
  return amount.value_or(Amount());
}

}  // namespace

Address arbiters_account(const wallet::BookId& book) { return wallet::account_of("arbiters", book.view()); }

base::Bytes leave_bytes(const wallet::TransferId& joined) {
  base::Bytes out;
  base::append(out, base::as_bytes(kLeaveMark));
  base::append(out, joined.view());
  return out;
}

base::Result<void, RegistryError> Registry::may_join(const Address& arbiter, Amount bond) const {
  const auto there = records_.find(arbiter);
  if (joining_.contains(arbiter) || (there != records_.end() && there->second.bond > Amount()))
    return RegistryError::member;
  if (joining_.size() >= kJoiningMax) return RegistryError::full;
  if (owed_.size() >= kOwedMax) return RegistryError::owing;
  if (candidates().size() + joining_.size() < kArbitersMax) return {};
  const auto least = smallest();
  if (!least || bond <= least->bond) return RegistryError::full;
  return {};
}

std::optional<Arbiter> Registry::smallest() const {
  std::optional<Arbiter> out;
  for (const auto& [address, record] : records_)
    if (record.bond > Amount() && record.open == 0 && (!out || record.bond < out->bond))
      out = Arbiter{address, record.bond, record.since};
  return out;
}

void Registry::joined(const Address& arbiter, Amount bond, const wallet::TransferId& transfer, UnixMs now) {
  joining_.erase(arbiter);
  ArbiterRecord& record = records_[arbiter];
  record.bond = bond;
  record.joined = transfer;
  // Also after a larger bond replaced its bond: otherwise a party could keep arbiters in reserve for a dispute.
  record.since = now;
  if (candidates().size() > kArbitersMax) {
    // It may be in a dispute from before it lost another bond: if all arbiters are, it gets no slot.
    const Arbiter least = smallest().value_or(Arbiter{arbiter, bond, now});
    owed_.push_back({least.address, least.bond});
    records_[least.address].bond = Amount();
  }
  forget();
}

void Registry::forget() {
  if (records_.size() <= kArbitersMax + kRecordsMax) return;
  const auto left = [](const auto& one) { return one.second.bond == Amount(); };
  auto old = std::ranges::find_if(records_, [&](const auto& one) { return left(one) && one.second.open == 0; });
  if (old == records_.end()) old = std::ranges::find_if(records_, left);
  if (old != records_.end()) records_.erase(old);
}

base::Result<void, RegistryError> Registry::may_leave(const Address& arbiter) const {
  const auto there = records_.find(arbiter);
  if (there == records_.end() || there->second.bond == Amount()) return RegistryError::unknown;
  if (there->second.open > 0) return RegistryError::busy;
  return {};
}

base::Result<void, RegistryError> Registry::leave(const Address& arbiter) {
  if (const auto may = may_leave(arbiter); !may.ok()) return may;
  ArbiterRecord& record = records_.at(arbiter);
  owed_.push_back({arbiter, std::exchange(record.bond, Amount())});
  return {};
}

void Registry::note(const Address& arbiter, ArbiterHow how, const Address& buyer, const Address& provider) {
  ArbiterRecord& record = records_[arbiter];
  if (how == ArbiterHow::drawn) {
    ++record.drawn;
    ++record.open;
  } else if (record.open > 0) {  // 0: it was forgotten in between
    --record.open;
  }
  if (how == ArbiterHow::ruled) ++record.ruled;
  if (how == ArbiterHow::silent) {
    ++record.silent;
    forfeit(record, buyer, provider);
  }
  forget();
}

void Registry::forfeit(ArbiterRecord& record, const Address& buyer, const Address& provider) {
  if (record.bond == Amount()) return;
  // Half each; the buyer gets the larger half of an odd bond.
  const Amount half = *share(record.bond, 1, 2);
  owed_.push_back({buyer, record.bond - half});
  if (half > Amount()) owed_.push_back({provider, half});
  record.bond = Amount();
}

void Registry::bind() {
  if (outgoing_.bound() || owed_.empty()) return;
  const std::size_t count = std::min(owed_.size(), wallet::kCreditsMax);
  const auto end = owed_.begin() + static_cast<std::ptrdiff_t>(count);
  outgoing_.bind(outgoing_.prepare(std::vector(owed_.begin(), end), "arbiters"));
  owed_.erase(owed_.begin(), end);
}

std::vector<Arbiter> Registry::candidates() const {
  std::vector<Arbiter> out;
  for (const auto& [address, record] : records_)
    if (record.bond > Amount()) out.push_back({address, record.bond, record.since});
  return out;
}

base::Bytes Registry::encode() const {
  base::Bytes out;
  out.push_back(kRegistryVersion);
  base::append_number(out, outgoing_.done().value);
  const base::Bytes bound = outgoing_.bound() ? wallet::encode(*outgoing_.bound()) : base::Bytes();
  base::append_number(out, static_cast<std::uint32_t>(bound.size()));
  base::append(out, bound);
  base::append_number(out, static_cast<std::uint32_t>(records_.size()));
  for (const auto& [address, record] : records_) {
    base::append(out, address.view());
    base::append_number(out, record.bond.units());
    base::append(out, record.joined.view());
    for (const std::uint32_t count : {record.drawn, record.ruled, record.silent, record.open})
      base::append_number(out, count);
    base::append_number(out, record.since.count());
  }
  base::append_number(out, static_cast<std::uint32_t>(joining_.size()));
  for (const auto& [address, deposit] : joining_) {
    base::append(out, address.view());
    base::append_number(out, static_cast<std::uint32_t>(deposit.size()));
    base::append(out, deposit);
  }
  base::append_number(out, static_cast<std::uint32_t>(owed_.size()));
  for (const wallet::Credit& credit : owed_) {
    base::append(out, credit.to.view());
    base::append_number(out, credit.amount.units());
  }
  return out;
}

std::optional<Registry> Registry::decode(const wallet::BookId& book, base::ByteView bytes) {
  base::FieldReader in(bytes);
  Registry out(book);
  const auto version = in.number<std::uint8_t>();
  if (version < kListsDisputes || version > kRegistryVersion) return std::nullopt;
  const wallet::TransferNumber done{in.number<std::uint64_t>()};
  std::optional<wallet::Transfer> bound;
  if (const auto size = in.number<std::uint32_t>(); size > 0) {
    bound = wallet::decode_transfer(in.take(size));
    if (!bound) return std::nullopt;
  }
  if (!in.ok()) return std::nullopt;
  out.outgoing_.restore(done, bound);
  for (auto left = in.number<std::uint32_t>(); in.ok() && left > 0; --left) {
    const auto address = in.fixed<Address>();
    ArbiterRecord& record = out.records_[address];
    record.bond = amount_in(in);
    record.joined = in.fixed<wallet::TransferId>();
    for (std::uint32_t* count : {&record.drawn, &record.ruled, &record.silent}) *count = in.number<std::uint32_t>();
    if (version >= kWithoutSince) record.open = in.number<std::uint32_t>();
    if (version > kWithoutSince) record.since = UnixMs(in.number<std::uint64_t>());
  }
  for (auto left = in.number<std::uint32_t>(); in.ok() && left > 0; --left) {
    const auto address = in.fixed<Address>();
    const auto size = in.number<std::uint32_t>();
    if (size > kDepositBytesMax) return std::nullopt;
    const base::ByteView deposit = in.take(size);
    out.joining_[address] = base::Bytes(deposit.begin(), deposit.end());
  }
  if (version == kListsDisputes)
    for (auto left = in.number<std::uint32_t>(); in.ok() && left > 0; --left) {
      in.fixed<EscrowId>();
      ++out.records_[in.fixed<Address>()].open;
    }
  for (auto left = in.number<std::uint32_t>(); in.ok() && left > 0; --left) {
    const auto to = in.fixed<Address>();
    out.owed_.push_back({to, amount_in(in)});
  }
  if (!in.ended()) return std::nullopt;
  return out;
}

}  // namespace troupe::escrow
