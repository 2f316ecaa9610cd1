#include "actors/escrow/logic/event_log.hpp"

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {
namespace {

constexpr std::string_view kEntryMark = "troupe escrow event v1";

// Each event names its fields once, for writing and for reading.
template <class Fields>
void fields(Fields& of, Due& it) {
  of(it.kind, 1);
  of(it.value);
}
template <class Fields>
void fields(Fields& of, Extend& it) {
  of(it.which, 2);
  of(it.due);
}
template <class Fields>
void fields(Fields& of, Payout& it) {
  of(it.to);
  of(it.role, 4);
  of(it.amount);
  of(it.why, 5);
}
template <class Fields>
void fields(Fields& of, Entered& it) {
  of(it.stage, 9);
  of(it.at);
  of(it.deadline);
}
template <class Fields>
void fields(Fields& of, ActTaken& it) {
  of(it.party, 1);
  of(it.number);
  of(it.act);
}
template <class Fields>
void fields(Fields& of, Committed& it) {
  of(it.provider);
}
template <class Fields>
void fields(Fields& of, DepositBegun& it) {
  of(it.party, 1);
  of(it.transfer);
}
template <class Fields>
void fields(Fields& of, DepositEnded& it) {
  of(it.party, 1);
}
template <class Fields>
void fields(Fields& of, MoneyArrived& it) {
  of(it.sequence);
  of(it.amount);
  of.maybe(it.counted, 1);
}
template <class Fields>
void fields(Fields& of, DeliveryMade& it) {
  of(it.cid);
  of(it.number);
}
template <class Fields>
void fields(Fields& of, MilestonePassed& it) {
  of(it.milestone);
}
template <class Fields>
void fields(Fields& of, RevealTaken& it) {
  of(it.party, 1);
  of(it.reveal);
}
template <class Fields>
void fields(Fields& of, Offered& it) {
  of(it.party, 1);
  of.maybe(it.extend);
}
template <class Fields>
void fields(Fields& of, DeadlineMoved& it) {
  of(it.extend);
  of(it.deadline);
}
template <class Fields>
void fields(Fields& of, ProposalMade& it) {
  of(it.party, 1);
  of(it.pay);
}
template <class Fields>
void fields(Fields& of, ArbiterDrawn& it) {
  of(it.arbiter);
  of(it.bond);
  of(it.at);
  of(it.deadline);
}
template <class Fields>
void fields(Fields& of, Owed& it) {
  of(it.payouts);
  of(it.released);
}
template <class Fields>
void fields(Fields& of, PaymentBound& it) {
  of(it.transfer);
}
template <class Fields>
void fields(Fields& of, PaymentEnded& it) {
  of(it.transfer);
}

struct FieldsOut {
  base::Bytes out{};

  template <std::unsigned_integral Number>
  void operator()(Number& number) {
    base::append_number(out, number);
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum& value, std::uint8_t) { out.push_back(static_cast<std::uint8_t>(value)); }
  template <class Tag, std::size_t N>
  void operator()(base::FixedBytes<Tag, N>& bytes) {
    base::append(out, bytes.view());
  }
  void operator()(UnixMs& time) { base::append_number(out, time.count()); }
  void operator()(Amount& amount) { base::append_number(out, amount.units()); }
  void operator()(wallet::Transfer& transfer) {
    const base::Bytes bytes = wallet::encode(transfer);
    base::append_number(out, static_cast<std::uint16_t>(bytes.size()));
    base::append(out, bytes);
  }
  void operator()(Payouts& payouts) {
    base::ensure(payouts.size() <= kPayoutsMax, "an event has few payouts");
    out.push_back(static_cast<std::uint8_t>(payouts.size()));
    for (Payout& one : payouts) (*this)(one);
  }
  template <class Struct>
  requires std::is_class_v<Struct>
  void operator()(Struct& it) { fields(*this, it); }
  template <class T, class... Max>
  void maybe(std::optional<T>& value, Max... max) {
    out.push_back(value ? 1 : 0);
    if (value) (*this)(*value, static_cast<std::uint8_t>(max)...);
  }
};

struct FieldsIn {
  base::FieldReader in;

  template <std::unsigned_integral Number>
  void operator()(Number& number) {
    number = in.number<Number>();
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void operator()(Enum& value, std::uint8_t max) {
    const auto number = in.number<std::uint8_t>();
    if (number > max) in.fail();
    value = static_cast<Enum>(number);
  }
  template <class Tag, std::size_t N>
  void operator()(base::FixedBytes<Tag, N>& bytes) {
    bytes = in.fixed<base::FixedBytes<Tag, N>>();
  }
  void operator()(UnixMs& time) { time = UnixMs(in.number<std::uint64_t>()); }
  void operator()(Amount& amount) {
    const auto read = Amount::from(in.number<std::uint64_t>());
    if (!read) in.fail();
    amount = read.value_or(Amount());
  }
  void operator()(wallet::Transfer& transfer) {
    auto read = wallet::decode_transfer(in.take(in.number<std::uint16_t>()));
    if (!read) return in.fail();
    transfer = std::move(*read);
  }
  void operator()(Payouts& payouts) {
    const std::size_t count = in.number<std::uint8_t>();
    if (count > kPayoutsMax) return in.fail();
    payouts.resize(count);
    for (Payout& one : payouts) (*this)(one);
  }
  template <class Struct>
  requires std::is_class_v<Struct>
  void operator()(Struct& it) { fields(*this, it); }
  template <class T, class... Max>
  void maybe(std::optional<T>& value, Max... max) {
    const auto there = in.number<std::uint8_t>();
    if (there > 1) in.fail();
    if (there == 1) (*this)(value.emplace(), static_cast<std::uint8_t>(max)...);
  }
};

/// The event of that kind without its fields.
template <std::size_t... Kinds>
std::optional<Event> event_of_kind(std::size_t kind, std::index_sequence<Kinds...>) {
  std::optional<Event> out;
  ((Kinds == kind ? static_cast<void>(out.emplace(std::in_place_index<Kinds>)) : void()), ...);
  return out;
}

/// Whether an event can be applied, by type; most always can.
struct Fitting {
  const Escrow& to;

  template <class Other>
  bool operator()(const Other&) const {
    return true;
  }
  bool operator()(const Entered& event) const { return !is_final(to.stage) && (event.stage >= to.stage); }
  bool operator()(const MoneyArrived& event) const {
    return event.sequence > to.arrived && plus(to.held, event.amount).has_value();
  }
  bool operator()(const MilestonePassed& event) const {
    return event.milestone >= 1 && event.milestone <= to.agreement.milestones.size() &&
           (to.milestones >> (event.milestone - 1) & 1) == 0;
  }
  bool operator()(const DeliveryMade& event) const { return event.number == to.deliveries + 1; }
  bool operator()(const ArbiterDrawn& event) const {
    return to.stage == Stage::disputed && to.drawn.size() < kRoundsMax &&
           std::ranges::find(to.drawn, event.arbiter) == to.drawn.end();
  }
  bool operator()(const Owed& event) const {
    Amount sum;
    for (const Payout& payout : event.payouts) {
      const auto more = plus(sum, payout.amount);
      if (!more || payout.amount == Amount()) return false;
      sum = *more;
    }
    return sum <= to.held && event.released >= to.released && event.released <= to.agreement.price;
  }
  bool operator()(const PaymentBound& event) const {
    const auto& credits = event.transfer.credits;
    if (to.outgoing.bound() || credits.size() > to.owed.size()) return false;
    if (event.transfer != to.outgoing.prepare(credits, event.transfer.memo)) return false;
    for (std::size_t i = 0; i < credits.size(); ++i)
      if (credits[i] != wallet::Credit{to.owed[i].to, to.owed[i].amount}) return false;
    return true;
  }
  bool operator()(const PaymentEnded& event) const {
    return to.outgoing.bound() && id_of(*to.outgoing.bound()) == event.transfer;
  }
};

}  // namespace

base::Bytes encode(const Entry& entry) {
  FieldsOut to;
  base::append(to.out, base::as_bytes(kEntryMark));
  base::append_number(to.out, entry.sequence);
  base::append_number(to.out, entry.time.count());
  for (const base::ByteView part : {entry.by.view(), entry.cause.view(), entry.before.view()})
    base::append(to.out, part);
  to.out.push_back(static_cast<std::uint8_t>(entry.event.index()));
  Event event = entry.event;  // fields are named once, for reading too
  std::visit([&](auto& it) { fields(to, it); }, event);
  return std::move(to.out);
}

std::optional<Entry> decode_entry(base::ByteView bytes) {
  if (bytes.size() > kEntryBytesMax) return std::nullopt;
  FieldsIn from{base::FieldReader(bytes)};
  if (base::as_text(from.in.take(kEntryMark.size())) != kEntryMark) return std::nullopt;
  Entry out;
  from(out.sequence);
  from(out.time);
  from(out.by);
  from(out.cause);
  from(out.before);
  const auto kind = from.in.number<std::uint8_t>();
  auto event = event_of_kind(kind, std::make_index_sequence<std::variant_size_v<Event>>());
  if (!from.in.ok() || !event) return std::nullopt;
  std::visit([&](auto& it) { fields(from, it); }, *event);
  if (!from.in.ended()) return std::nullopt;
  out.event = std::move(*event);
  return out;
}

base::Digest hash_of(const Entry& entry) { return crypto::sha256(encode(entry)); }

bool fits(const Escrow& escrow, const Event& event) { return std::visit(Fitting{escrow}, event); }

Replay::Replay(Agreement agreement, const Commitment& buyer)
    : escrow_(std::move(agreement), buyer), hash_{escrow_.id.bytes} {}

base::Result<void, LogFlaw> Replay::take(const Entry& entry) {
  if (entry.sequence != sequence_ + 1 || entry.before != hash_ || entry.time < time_) return LogFlaw::chain;
  if (!fits(escrow_, entry.event)) return LogFlaw::event;
  apply(escrow_, entry.event);
  ++sequence_;
  time_ = entry.time;
  hash_ = hash_of(entry);
  return {};
}

std::vector<Entry> Replay::entries(std::span<const Event> events, UnixMs now, const Address& by,
                                   const base::Digest& cause) const {
  std::vector<Entry> out;
  base::Digest before = hash_;
  for (const Event& event : events) {
    out.push_back({sequence_ + 1 + out.size(), std::max(now, time_), by, cause, before, event});
    before = hash_of(out.back());
  }
  return out;
}

}  // namespace troupe::escrow
