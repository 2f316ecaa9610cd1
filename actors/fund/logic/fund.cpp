#include "actors/fund/logic/fund.hpp"

#include <algorithm>

namespace troupe::fund {
namespace {

constexpr UnixMs kDay = std::chrono::hours(24);

std::uint64_t day_of(UnixMs time) { return time / kDay; }

Amount sum(Amount a, Amount b) { return plus(a, b).value_or(Amount::of(Amount::kMax)); }

}  // namespace

std::string_view name(State state) {
  switch (state) {
    case State::open:
    case State::approved: return "open";
    case State::paid: return "paid";
    case State::done: return "done";
    case State::expired: return "expired";
    case State::refused: return "refused";
  }
  return "";
}

std::string_view name(FundError error) {
  switch (error) {
    case FundError::unknown: return "the fund has no such open proposal";
    case FundError::not_signer: return "this account is not a signer of the fund";
    case FundError::decided: return "enough signers have already signed this proposal";
    case FundError::expired: return "the proposal has expired";
    case FundError::life: return "invalid lifetime of the proposal: expected 1 second to 366 days";
    case FundError::full: return "too many open proposals (limit 64): wait until some end";
    case FundError::part:
      return "this signer has used its quota of the 64 open proposals: another signer may propose it, or wait until "
             "one of them ends";
    case FundError::categories: return "the fund has its limit of 256 categories: use one of them";
    case FundError::itself: return "the fund cannot pay itself";
    case FundError::cap: return "more would be paid today than fund.daily_cap allows; the proposal stays open";
    case FundError::issuance: return "the fund cannot pay the book's issuance account";
    case FundError::request: return "this request has made a different proposal: use a new request";
  }
  return "";
}

void Fund::make(Signers signers, UnixMs now) { note({}, Made{std::move(signers)}, now); }

base::Result<void, FundError> Fund::propose(const Content& content, const Cause& by, UnixMs now) {
  now = std::max(now, time_);
  if (!signers_.has(by.account)) return FundError::not_signer;
  const ProposalId id = id_of(book_, content);
  if (proposals_.contains(id)) return {};
  for (const auto& [other, proposal] : proposals_)
    if (proposal.content.nonce == content.nonce) return FundError::request;
  if (!content.expiry.from(now)) return FundError::life;
  std::size_t there = 0, of_signer = 0;
  for (const auto& [other, proposal] : proposals_) {
    if (proposal.state == State::open && now >= proposal.expires) continue;
    ++there;
    of_signer += proposal.by == by.account ? 1 : 0;
  }
  if (there >= kOpenMax) return FundError::full;
  if (of_signer >= kOpenMax / signers_.list.size()) return FundError::part;
  if (const auto* payment = std::get_if<Payment>(&content.what)) {
    if (payment->to == account_of(book_)) return FundError::itself;
    if (payment->to == wallet::issuance_of(book_)) return FundError::issuance;
    // Each open proposal may add one more category.
    if (!allocations_.contains(payment->category) && allocations_.size() + proposals_.size() >= kCategoriesMax)
      return FundError::categories;
  }
  expire(now);
  note(by, Proposed{content}, now);
  return {};
}

base::Result<void, FundError> Fund::sign(const ProposalId& id, const Cause& by, Amount daily_cap, UnixMs now,
                                         const base::Mutations& mutations) {
  now = std::max(now, time_);
  const auto at = proposals_.find(id);
  if (at == proposals_.end()) return FundError::unknown;
  if (!signers_.has(by.account)) return FundError::not_signer;
  const Proposal& proposal = at->second;
  const bool again = std::ranges::find(proposal.signed_by, by.account) != proposal.signed_by.end();
  if (proposal.state == State::approved) {
    if (again) return {};
    return FundError::decided;
  }
  if (now >= proposal.expires) return FundError::expired;
  const std::size_t short_of = mutations.on("fund.one_short") ? 1 : 0;
  const bool enough = proposal.signed_by.size() + (again ? 0 : 1) + short_of >= signers_.threshold;
  const Payment* payment = proposal.payment();
  if (enough && payment != nullptr && daily_cap > Amount() && sum(spent_on(now), payment->amount) > daily_cap &&
      !mutations.on("fund.counts_no_day"))
    return FundError::cap;
  const auto next = payment != nullptr ? Step::What::approved : Step::What::done;
  if (!again) note(by, Step{Step::What::signed_it, id}, now);
  if (enough) note({}, Step{next, id}, now);
  return {};
}

void Fund::expire(UnixMs now) {
  std::vector<ProposalId> late;
  for (const auto& [id, proposal] : proposals_)
    if (proposal.state == State::open && now >= proposal.expires) late.push_back(id);
  for (const ProposalId& id : late) note({}, Step{Step::What::expired, id}, now);
}

void Fund::posted(const wallet::TransferId& id, UnixMs now) {
  if (!bound() || wallet::id_of(*bound()) != id) return;
  note({}, Step{.what = Step::What::paid, .id = approved_.front(), .transfer = id}, now);
}

void Fund::refused(const wallet::TransferId& id, std::string_view why, UnixMs now) {
  if (!bound() || wallet::id_of(*bound()) != id) return;
  note({}, Step{.what = Step::What::refused, .id = approved_.front(), .why = std::string(why.substr(0, kWhyBytesMax))},
       now);
}

bool Fund::replay(const Entry& entry) {
  if (entry.sequence != sequence_ + 1 || entry.before != hash_ || entry.time < time_) return false;
  if (std::holds_alternative<Made>(entry.event) != (sequence_ == 0)) return false;
  if (const auto* proposed = std::get_if<Proposed>(&entry.event))
    if (!proposed->content.expiry.from(entry.time) || proposals_.contains(id_of(book_, proposed->content)) ||
        proposals_.size() >= kOpenMax)
      return false;
  if (const auto* happened = std::get_if<Step>(&entry.event)) {
    const auto at = proposals_.find(happened->id);
    if (at == proposals_.end()) return false;
    const bool after_approval = happened->what == Step::What::paid || happened->what == Step::What::refused;
    if (after_approval != (at->second.state == State::approved)) return false;
    if (after_approval && approved_.front() != happened->id) return false;
    if (happened->what == Step::What::approved && at->second.payment() == nullptr) return false;
    if (happened->what == Step::What::done && at->second.payment() != nullptr) return false;
    const auto& signed_by = at->second.signed_by;
    const bool decides = happened->what == Step::What::approved || happened->what == Step::What::done;
    if (decides && signed_by.size() < signers_.threshold) return false;
    if (happened->what == Step::What::signed_it &&
        (!signers_.has(entry.by) || std::ranges::find(signed_by, entry.by) != signed_by.end()))
      return false;
  }
  apply(entry);
  changes_ = {};
  return true;
}

Amount Fund::spent_on(UnixMs now) const { return day_of(now) == day_ ? spent_ : Amount(); }

void Fund::note(const Cause& by, Event event, UnixMs now) {
  Entry entry{sequence_ + 1, std::max(now, time_), hash_, by.account, by.approval, std::move(event)};
  apply(entry);
  changes_.entries.push_back(std::move(entry));
}

void Fund::apply(const Entry& entry) {
  sequence_ = entry.sequence;
  time_ = entry.time;
  hash_ = hash_of(entry);
  if (const auto* made = std::get_if<Made>(&entry.event)) {
    signers_ = made->signers;
  } else if (const auto* proposed = std::get_if<Proposed>(&entry.event)) {
    Proposal proposal{.id = id_of(book_, proposed->content),
                      .content = proposed->content,
                      .by = entry.by,
                      .proposed = entry.time,
                      .expires = *proposed->content.expiry.from(entry.time)};
    proposals_.emplace(proposal.id, std::move(proposal));
  } else {
    step(std::get<Step>(entry.event), entry);
  }
  bind();
}

void Fund::step(const Step& step, const Entry& entry) {
  const auto at = proposals_.find(step.id);
  base::ensure(at != proposals_.end(), "a step belongs to an open proposal");
  Proposal& proposal = at->second;
  switch (step.what) {
    case Step::What::signed_it: proposal.signed_by.push_back(entry.by); return;
    case Step::What::approved:
      spent_ = sum(spent_on(entry.time), proposal.payment()->amount);
      day_ = day_of(entry.time);
      proposal.state = State::approved;
      proposal.approved = entry.time;
      approved_.push_back(step.id);
      return;
    case Step::What::done:
      signers_ = std::get<Signers>(proposal.content.what);
      for (auto& [id, other] : proposals_)
        if (other.state == State::open)
          std::erase_if(other.signed_by, [this](const Address& one) { return !signers_.has(one); });
      return end(at, State::done, entry.time);
    case Step::What::expired: return end(at, State::expired, entry.time);
    case Step::What::paid: {
      Allocation& allocation = allocations_[proposal.payment()->category];
      allocation.spent = sum(allocation.spent, proposal.payment()->amount);
      ++allocation.payments;
      proposal.transfer = step.transfer;
      if (bound()) outgoing_.confirmed(wallet::id_of(*bound()));
      approved_.erase(approved_.begin());
      return end(at, State::paid, entry.time);
    }
    case Step::What::refused:
      if (day_of(proposal.approved) == day_) spent_ = minus(spent_, proposal.payment()->amount).value_or(Amount());
      proposal.why = step.why;
      if (bound()) outgoing_.refused(wallet::id_of(*bound()));
      approved_.erase(approved_.begin());
      return end(at, State::refused, entry.time);
  }
}

void Fund::end(std::map<ProposalId, Proposal>::iterator at, State state, UnixMs time) {
  at->second.state = state;
  at->second.ended = time;
  changes_.ended.push_back(std::move(at->second));
  proposals_.erase(at);
}

void Fund::bind() {
  if (bound() || approved_.empty()) return;
  const Proposal& proposal = proposals_.at(approved_.front());
  const Payment& payment = *proposal.payment();
  outgoing_.bind(outgoing_.prepare({{payment.to, payment.amount}}, payment.category + ' ' + proposal.id.hex()));
}

bool operator==(const Fund& a, const Fund& b) { return a.book_ == b.book_ && a.encode() == b.encode(); }

}  // namespace troupe::fund
