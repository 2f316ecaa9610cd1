#include "actors/escrow/logic/event_log.hpp"

#include <algorithm>

#include "actors/escrow/logic/event_fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {
namespace {

constexpr std::string_view kEntryMark = "troupe escrow event v1";

/// Returns the event of that kind with empty fields.
template <std::size_t... Kinds>
std::optional<Event> event_of_kind(std::size_t kind, std::index_sequence<Kinds...>) {
  std::optional<Event> out;
  ((Kinds == kind ? static_cast<void>(out.emplace(std::in_place_index<Kinds>)) : void()), ...);
  return out;
}

/// Returns whether an event can be applied, by type; most events always can.
struct Fitting {
  const Escrow& to;

  template <class Other>
  bool operator()(const Other&) const {
    return true;
  }
  bool operator()(const Entered& event) const { return !is_final(to.stage) && (event.stage >= to.stage); }
  bool operator()(const MoneyArrived& event) const {
    const bool twice = event.counted && of(to.deposited, *event.counted) > Amount();
    return !twice && plus(to.held, event.amount).has_value();
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
  bool operator()(const BookCommitted&) const { return !to.book; }
  bool operator()(const BookRevealed& event) const { return to.book == commitment_of(event.reveal); }
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
  Event event = entry.event;  // the same list of fields is used for reading
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
