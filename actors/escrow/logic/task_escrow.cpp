#include "actors/escrow/logic/task_escrow.hpp"

#include <algorithm>

#include "actors/escrow/logic/outcome.hpp"

namespace troupe::escrow {
namespace {

using wallet::UnixMs;
using Taken = base::Result<void, TaskEscrowError>;

Amount part_of_fund(Amount total) { return *share(total, 1, kFundShare); }

}  // namespace

std::string_view name(TaskEscrowError error) {
  switch (error) {
    case TaskEscrowError::party: return "this account cannot do this, or the recipient cannot be paid";
    case TaskEscrowError::opened: return "the escrow has opened, or its submitter has settled it";
    case TaskEscrowError::full:
      return "too many providers: an escrow of a task pays at most 16, and engages at most 64";
    case TaskEscrowError::token:
      return "the escrow has no such attempt, or the attempt or its deposit was used for another engagement";
    case TaskEscrowError::price: return "invalid price: expected more than 0, and a sum of all prices below 2^63";
    case TaskEscrowError::due:
      return "invalid time: an answer must be due within 30 days from now, and from the time of each answer that waits "
             "to be paid";
    case TaskEscrowError::late: return "the time of this attempt is over, or its provider has resigned";
    case TaskEscrowError::busy: return "too many deposits of this escrow are in progress: try again";
    case TaskEscrowError::other: return "another answer was submitted for this attempt";
  }
  return "refused";
}

std::string_view name(ProviderState state) {
  constexpr std::string_view kNames[] = {"paying", "engaged", "handed in", "paid", "wrong", "resigned", "silent"};
  return kNames[static_cast<std::size_t>(state)];
}

TaskEscrow::TaskEscrow(TaskAgreement agreement)
    : agreement_(std::move(agreement)), outgoing_(agreement_.book, account_of(id_of(agreement_))) {}

const Provider* TaskEscrow::find(std::uint64_t token) const {
  const auto at = std::ranges::find(providers_, token, [](const Provider& one) { return one.engaged.token; });
  return at == providers_.end() ? nullptr : &*at;
}
Provider* TaskEscrow::provider(std::uint64_t token) { return const_cast<Provider*>(find(token)); }

std::string_view TaskEscrow::state() const {
  if (opened_) return over() ? "settled" : "opened";
  return providers_.empty() ? "created" : "running";
}

std::optional<UnixMs> TaskEscrow::deadline() const {
  if (opened_) return std::nullopt;
  std::optional<UnixMs> first, last;
  bool awaited = false, handed = false;
  for (const Provider& one : providers_) {
    awaited = awaited || one.awaited();
    handed = handed || one.state == ProviderState::handed;
    if (!last || *last < one.engaged.due) last = one.engaged.due;
    if (one.awaited() && (!first || one.engaged.due < *first)) first = one.engaged.due;
  }
  if (awaited || !last) return first;
  return handed ? *last : *last + kAbandonedAfter;
}

// -- acts

Taken TaskEscrow::take(const TaskAct& act, base::Bytes deposit, UnixMs now) {
  const Taken taken = std::visit(
      [&]<class What>(const What& what) {
        if constexpr (std::is_same_v<What, Engage>) return take(act.by, what, std::move(deposit), now);
        else return take(act.by, what);
      },
      act.what);
  if (taken.ok()) {
    open_if_all_are_in(UnixMs(0));
    bind();
  }
  return taken;
}

Taken TaskEscrow::take(const wallet::Address& by, const Engage& what, base::Bytes deposit, UnixMs now) {
  if (by != agreement_.buyer) return TaskEscrowError::party;
  if (const Provider* known = find(what.token)) return known->engaged == what ? Taken() : Taken(TaskEscrowError::token);
  if (opened_ || settled_) return TaskEscrowError::opened;
  const auto given_up = [](const Provider& one) {
    return one.state == ProviderState::resigned || (one.state == ProviderState::silent && !one.depositing());
  };
  const auto lost = static_cast<std::size_t>(std::ranges::count_if(providers_, given_up));
  if (providers_.size() - lost >= kProvidersMax || providers_.size() >= kEngagedMax) return TaskEscrowError::full;
  // The ledger confirms a repeated transfer again, so one deposit must not engage two attempts.
  if (std::ranges::any_of(providers_, [&](const Provider& one) { return one.engaged.deposit == what.deposit; }))
    return TaskEscrowError::token;
  // A payment that the ledger can never accept would block all later payments.
  if (what.pay_to == account_of(id_of(agreement_)) || what.pay_to == wallet::issuance_of(agreement_.book))
    return TaskEscrowError::party;
  if (what.due <= now || what.due > due_max(now)) return TaskEscrowError::due;
  std::optional<Amount> sum = what.price;
  for (const Provider& one : providers_)
    if (sum) sum = plus(*sum, one.engaged.price);
  if (what.price == Amount() || !sum) return TaskEscrowError::price;
  std::size_t under_way = 0;
  for (const Provider& one : providers_) under_way += one.deposit.size();
  if (under_way > 0 && under_way + deposit.size() > kDepositsBytesMax) return TaskEscrowError::busy;
  providers_.push_back({.engaged = what, .deposit = std::move(deposit)});
  return {};
}

UnixMs TaskEscrow::due_max(UnixMs now) const {
  UnixMs out = now + kDueMax;
  for (const Provider& one : providers_)
    if (one.state == ProviderState::handed) out = std::min(out, one.engaged.due + kDueMax);
  return out;
}

Taken TaskEscrow::take(const wallet::Address& by, const HandIn& what) {
  Provider* const one = provider(what.token);
  if (one == nullptr || one->state == ProviderState::paying) return TaskEscrowError::token;
  if (by != one->engaged.provider) return TaskEscrowError::party;
  if (one->answer) return *one->answer == what.answer ? Taken() : Taken(TaskEscrowError::other);
  if (one->state != ProviderState::engaged) return TaskEscrowError::late;
  one->answer = what.answer;
  one->state = ProviderState::handed;
  if (one->accepted) pay(*one);
  return {};
}

Taken TaskEscrow::take(const wallet::Address& by, const Resign& what) {
  Provider* const one = provider(what.token);
  if (one == nullptr || one->state == ProviderState::paying) return TaskEscrowError::token;
  if (by != one->engaged.provider) return TaskEscrowError::party;
  if (one->state == ProviderState::resigned) return {};
  if (one->state != ProviderState::engaged) return TaskEscrowError::late;
  give_back(*one, ProviderState::resigned);
  return {};
}

Taken TaskEscrow::take(const wallet::Address& by, const Settle& what) {
  if (by != agreement_.buyer) return TaskEscrowError::party;
  settled_ = true;
  for (const std::uint64_t token : what.accepted) {
    Provider* const one = provider(token);
    if (one == nullptr) continue;  // an attempt without a price
    one->accepted = true;
    if (one->state == ProviderState::handed) pay(*one);
  }
  return {};
}

// -- the ledger, and time

bool TaskEscrow::deposited(std::uint64_t token) {
  Provider* const one = provider(token);
  if (one == nullptr || !one->depositing()) return false;
  const bool late = one->state == ProviderState::silent;
  one->state = ProviderState::engaged;
  one->deposit.clear();
  held_ = held_ + one->engaged.price;
  if (late) give_back(*one, ProviderState::silent);
  bind();
  return true;
}

bool TaskEscrow::deposit_refused(std::uint64_t token) {
  const bool was = std::erase_if(providers_, [&](const Provider& one) {
                     return one.engaged.token == token && one.depositing();
                   }) > 0;
  if (!was) return false;
  open_if_all_are_in(UnixMs(0));
  bind();
  return true;
}

bool TaskEscrow::tick(UnixMs now) {
  bool changed = false;
  for (Provider& one : providers_) {
    if (!one.awaited() || one.engaged.due >= now) continue;
    if (one.state == ProviderState::paying) one.state = ProviderState::silent;  // its price was not deposited
    else if (one.accepted) pay(one);
    else give_back(one, ProviderState::silent);
    changed = true;
  }
  const bool was = opened_;
  open_if_all_are_in(now);
  bind();
  return changed || opened_ != was;
}

void TaskEscrow::paid(const wallet::TransferId& transfer) {
  outgoing_.confirmed(transfer);
  bind();
}

void TaskEscrow::open_if_all_are_in(UnixMs now) {
  if (opened_ || std::ranges::any_of(providers_, &Provider::awaited)) return;
  UnixMs last{0};
  bool handed = false;
  for (const Provider& one : providers_) {
    last = std::max(last, one.engaged.due);
    handed = handed || one.state == ProviderState::handed;
  }
  if (!settled_ && (providers_.empty() || now <= (handed ? last : last + kAbandonedAfter))) return;
  opened_ = true;
  const auto agreed = [this](const Provider& one) {
    return one.answer && std::ranges::count(providers_, one.answer, &Provider::answer) >= agreement_.quorum;
  };
  // Only a quorum makes a different answer wrong: disagreement or silence of the submitter's own provider does not.
  const bool decided = std::ranges::any_of(providers_, agreed);
  for (Provider& one : providers_) {
    if (one.state != ProviderState::handed) continue;
    if (!decided || agreed(one)) pay(one);
    else give_back(one, ProviderState::wrong);
  }
}

// -- money

void TaskEscrow::owe(const wallet::Address& to, Amount amount) {
  if (amount == Amount()) return;
  const auto known = std::ranges::find(owed_, to, &wallet::Credit::to);
  if (known == owed_.end()) owed_.push_back({to, amount});
  else known->amount = known->amount + amount;
}

void TaskEscrow::pay(Provider& provider) {
  const Amount price = provider.engaged.price, before = part_of_fund(released_);
  provider.state = ProviderState::paid;
  held_ = held_ - price;
  released_ = released_ + price;
  const Amount fund = part_of_fund(released_) - before;
  owe(provider.engaged.pay_to, price - fund);
  owe(agreement_.fund, fund);
}

void TaskEscrow::give_back(Provider& provider, ProviderState how) {
  provider.state = how;
  held_ = held_ - provider.engaged.price;
  owe(agreement_.buyer, provider.engaged.price);
}

/// Binds all payable sums, which fit into one transfer: to the providers, the submitter and the fund.
void TaskEscrow::bind() {
  static_assert(kProvidersMax + 2 <= wallet::kCreditsMax);
  if (outgoing_.bound() || owed_.empty()) return;
  outgoing_.bind(outgoing_.prepare(std::exchange(owed_, {}), "task"));
}

void TaskEscrow::check() const {
  Amount held;
  for (const Provider& one : providers_) {
    const bool here = one.state == ProviderState::engaged || one.state == ProviderState::handed;
    if (here) held = held + one.engaged.price;
    base::ensure(!opened_ || !one.awaited(), "an escrow that has opened waits for no provider");
  }
  base::ensure(held == held_, "what is held is what providers may still be paid");
}

}  // namespace troupe::escrow
