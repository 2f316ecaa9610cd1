#include "actors/escrow/logic/outcome.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"
#include "runtime/observe/date.hpp"

namespace troupe::escrow {
namespace {

void pay(Payouts& out, const Address& to, Role role, Amount amount, Why why) {
  if (amount > Amount()) out.push_back({to, role, amount, why});
}

Amount fund_part(Amount total) { return *share(total, 1, kFundShare); }

Stage stage_of(Amount total) { return total > Amount() ? Stage::released : Stage::refunded; }

void bonds_back(const Escrow& escrow, Payouts& out) {
  pay(out, escrow.agreement.buyer, Role::buyer, escrow.agreement.bond, Why::bond);
  pay(out, escrow.agreement.provider, Role::provider, escrow.agreement.bond, Why::bond);
}

/// Returns whether the provider could begin, or deliver, when its turn came: a later delay is its own fault.
bool could_act(const Escrow& escrow) {
  const Terms& terms = escrow.terms;
  if (is_late(escrow, terms.review, escrow.entered)) return false;
  return escrow.stage == Stage::running ||
         (!is_late(escrow, terms.start, escrow.entered) && !is_late(escrow, terms.deliver, escrow.entered));
}

std::string recipient(const Payout& payout) { return payout.role == Role::fund ? "the fund" : text(payout.to); }

}  // namespace

bool is_late(const Escrow& escrow, const Due& next, UnixMs at) {
  if (next.kind == Due::Kind::after) return false;
  const std::uint64_t left = next.value > at ? (next.value - at).count() : 0;
  return wallet::Wide{left} * 10 < (next.value - escrow.begun).count();
}

Payouts release_to(const Escrow& escrow, Amount total, const base::Mutations& mutations) {
  const Amount more = total - escrow.released;
  const Amount fund =
      mutations.on("escrow.rounds_parts") ? fund_part(more) : fund_part(total) - fund_part(escrow.released);
  Payouts out;
  pay(out, escrow.agreement.provider, Role::provider, more - fund, Why::release);
  pay(out, escrow.agreement.fund, Role::fund, fund, Why::release);
  return out;
}

Outcome ended_with(const Escrow& escrow, Amount total, const base::Mutations& mutations) {
  Outcome out{stage_of(total), release_to(escrow, total, mutations), total};
  pay(out.payouts, escrow.agreement.buyer, Role::buyer, escrow.agreement.price - total, Why::refund);
  bonds_back(escrow, out.payouts);
  return out;
}

Outcome missed(const Escrow& escrow, const base::Mutations& mutations) {
  if (!could_act(escrow)) {
    Outcome out = ended_with(escrow, escrow.released, mutations);
    out.stage = Stage::refunded;
    return out;
  }
  Outcome out{Stage::refunded, {}, escrow.released};
  const Agreement& made = escrow.agreement;
  pay(out.payouts, made.buyer, Role::buyer, made.price - escrow.released, Why::refund);
  pay(out.payouts, made.buyer, Role::buyer, made.bond, Why::bond);
  if (!mutations.on("escrow.keeps_bond")) pay(out.payouts, made.buyer, Role::buyer, made.bond, Why::forfeit);
  return out;
}

Outcome ruled(const Escrow& escrow, Amount total, const Address& arbiter, const base::Mutations& mutations) {
  const Agreement& made = escrow.agreement;
  Outcome out{stage_of(total), release_to(escrow, total, mutations), total};
  Amount refund = made.price - total;
  const bool buyer_lost = total >= refund;
  if (made.bond > Amount()) {
    const auto units = made.bond.units();
    const Amount cut = Amount::of(units / kArbiterShare + (units % kArbiterShare == 0 ? 0 : 1));
    const Address& winner = buyer_lost ? made.provider : made.buyer;
    const Role role = buyer_lost ? Role::provider : Role::buyer;
    pay(out.payouts, made.buyer, Role::buyer, refund, Why::refund);
    pay(out.payouts, winner, role, made.bond, Why::bond);
    pay(out.payouts, winner, role, made.bond - cut, Why::forfeit);
    pay(out.payouts, arbiter, Role::arbiter, cut, Why::fee);
    return out;
  }
  // Both pay the same; if one has less than its half, the other pays more.
  const Amount fee = *share(made.price, 1, kArbiterFee);
  const auto provider = std::ranges::find(out.payouts, Role::provider, &Payout::role);
  const Amount earned = provider == out.payouts.end() ? Amount() : provider->amount;
  Amount from_provider = std::min(*share(fee, 1, 2), earned);
  const Amount from_buyer = std::min(fee - from_provider, refund);
  from_provider = std::min(fee - from_buyer, earned);
  if (provider != out.payouts.end()) provider->amount = earned - from_provider;
  std::erase_if(out.payouts, [](const Payout& one) { return one.amount == Amount(); });
  pay(out.payouts, made.buyer, Role::buyer, refund - from_buyer, Why::refund);
  pay(out.payouts, arbiter, Role::arbiter, from_provider + from_buyer, Why::fee);
  return out;
}

Outcome unruled(const Escrow& escrow, const base::Mutations& mutations) {
  const Amount left = escrow.agreement.price - escrow.released;
  return ended_with(escrow, escrow.released + *share(left, 1, 2), mutations);
}

Outcome all_back(const Escrow& escrow) {
  Outcome out{Stage::expired, {}, escrow.released};
  const Agreement& made = escrow.agreement;
  if (of(escrow.deposited, Party::buyer) > Amount()) {
    pay(out.payouts, made.buyer, Role::buyer, made.price, Why::refund);
    pay(out.payouts, made.buyer, Role::buyer, made.bond, Why::bond);
  }
  pay(out.payouts, made.provider, Role::provider, of(escrow.deposited, Party::provider), Why::bond);
  return out;
}

Outcome otherwise(const Escrow& escrow, const base::Mutations& mutations) {
  switch (escrow.stage) {
    case Stage::proposed:
    case Stage::held: return {Stage::expired, {}, escrow.released};
    case Stage::created: return all_back(escrow);
    case Stage::funded:
    case Stage::running: return missed(escrow, mutations);
    case Stage::delivered: return ended_with(escrow, escrow.agreement.price, mutations);
    case Stage::disputed: {
      Outcome out = unruled(escrow, mutations);
      out.next_arbiter = escrow.drawn.size() < kRoundsMax;
      return out;
    }
    case Stage::released:
    case Stage::refunded:
    case Stage::expired: break;
  }
  return {escrow.stage, {}, escrow.released};
}

std::string sentence(const Escrow& escrow) {
  if (is_final(escrow.stage))
    return std::string(name(escrow.stage)) +
           (escrow.confirmed() ? ": final" : ": final, once the ledger has confirmed");
  // A log from another source may have any deadline.
  const UnixMs latest{base::kDateMax * 1'000};
  const base::WallTime when(std::chrono::milliseconds(std::min(escrow.deadline, latest).count()));
  const std::string date = observe::date_text(when);  // with milliseconds, which are left out here
  std::string out = "deadline " + date.substr(0, date.find('.')) + "Z: without ";
  out += escrow.drawn.empty() ? "an act until then " : "a ruling until then ";
  const Outcome outcome = otherwise(escrow);
  if (outcome.next_arbiter) return out + (escrow.drawn.empty() ? "an arbiter is drawn" : "the next arbiter is drawn");
  if (outcome.payouts.empty()) return out + "it is expired, and no money has moved";
  // One sum per recipient.
  std::vector<std::pair<std::string, Amount>> sums;
  for (const Payout& payout : outcome.payouts) {
    const std::string to = recipient(payout);
    const auto same = std::ranges::find(sums, to, &std::pair<std::string, Amount>::first);
    if (same == sums.end()) sums.emplace_back(to, payout.amount);
    else same->second = same->second + payout.amount;
  }
  for (std::size_t i = 0; i < sums.size(); ++i)
    out.append(i == 0 ? "" : ", ").append(sums[i].second.text()).append(" to ").append(sums[i].first);
  return out;
}

}  // namespace troupe::escrow
