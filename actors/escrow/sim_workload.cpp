#include "actors/escrow/sim_workload.hpp"

#include <algorithm>

#include "actors/escrow/logic/registry.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {
namespace {

using base::Code;
using sim::node_name;

constexpr std::size_t kSimArbiters = 2;

crypto::SecretKey key_of(std::size_t party) {
  crypto::Seed seed;
  const auto hash = crypto::sha256(base::as_bytes("party " + std::to_string(party)));
  seed.bytes = hash.bytes;
  return crypto::SecretKey(seed);
}

}  // namespace

EscrowWorkload::EscrowWorkload(sim::Nodes& nodes, const sim::Scenario& scenario) : BookWorld(nodes, scenario) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(kSimParties); ++i) {
    crypto::SecretKey key = key_of(i);
    const Address address = wallet::address_of(key.public_key());
    accounts_.push_back({std::move(key), address});
  }
}

void EscrowWorkload::died(std::size_t node) {
  BookWorld::died(node);
  for (Account& one : accounts_) one.asking = false;
  for (Trade& one : trades_) one.asking = one.checking = false;
  for (Job& one : jobs_) one.asking = one.checking = false;
}

void EscrowWorkload::perform(const sim::Operation& operation) {
  const std::size_t node = operation.node;
  const auto number = [&](const char* name) { return static_cast<std::size_t>(operation.number(name)); };
  by_operation([&] {
    if (operation.what == "escrow.found") return found(number("members"));
    if (operation.what == "escrow.push") return push(node);
    if (!terms_) return push(node);
    if (operation.what == "escrow.trade")
      return trade(node, number("buyer"), number("provider"), operation.number("plan"));
    if (operation.what == "escrow.job") return job(node, number("buyer"), operation.number("plan"));
    if (operation.what == "escrow.send") return send(node, number("from"), number("to"));
    base::ensure(operation.what == "escrow.replay", "an operation of this domain is in its spec");
    replay(node);
  });
}

void EscrowWorkload::learned(wire::TermsAre::Reader are) {
  terms_ = Terms{.sign_by = UnixMs(are.getSignBy()),
                 .fund_by = UnixMs(are.getFundBy()),
                 .start = {Due::Kind::after, UnixMs(are.getStart())},
                 .deliver = {Due::Kind::after, UnixMs(are.getDeliver())},
                 .review = {Due::Kind::after, UnixMs(are.getReview())},
                 .mediation = UnixMs(are.getMediation()),
                 .arbiter_term = UnixMs(are.getArbiterTerm()),
                 .grace = UnixMs(are.getGrace())};
}

// -- trades ----------------------------------------------------------------------------------------------------------

void EscrowWorkload::trade(std::size_t node, std::size_t buyer, std::size_t provider, std::int64_t plan) {
  if (buyer == provider) provider = (provider + 1) % accounts_.size();
  using enum Step;
  constexpr Party b = Party::buyer, p = Party::provider;
  const std::vector<std::vector<Stride>> plans{
      {{b, open}, {p, sign}, {b, Step::fund}, {p, Step::fund}, {p, start}, {p, deliver}, {b, accept}},
      {{b, open}, {p, sign}, {b, Step::fund}},
      {{b, open}, {p, sign}, {p, Step::fund}, {b, Step::fund}, {p, start}},
      {{b, open},
       {p, sign},
       {b, Step::fund},
       {p, Step::fund},
       {p, start},
       {p, deliver},
       {b, dispute},
       {p, propose},
       {b, agree}},
      {{b, open}, {p, sign}, {b, Step::fund}, {p, Step::fund}, {p, start}, {p, deliver}, {b, dispute}},
      {{b, open}, {p, sign}, {b, Step::fund}, {p, Step::fund}, {p, start}, {b, progress}, {b, cancel}, {p, cancel}},
      {{b, open}},
      {{b, open}, {p, sign}, {b, Step::fund}, {p, Step::fund}, {p, start}, {p, deliver}}};
  Trade& made = trades_.emplace_back();
  made.index = trades_.size() - 1;
  made.buyer = buyer;
  made.provider = provider;
  made.plan = plans[static_cast<std::size_t>(plan)];
  made.agreement = {.book = *book_,
                    .buyer = accounts_[buyer].address,
                    .provider = accounts_[provider].address,
                    .fund = wallet::account_of("fund", book_->view()),
                    .price = Amount::of(100 + made.index),
                    .bond = made.index % 3 == 0 ? Amount() : Amount::of(15),
                    .terms = *terms_};
  made.agreement.nonce[0] = static_cast<std::uint8_t>(made.index);
  made.agreement.nonce[1] = static_cast<std::uint8_t>(made.index >> 8);
  made.id = id_of(made.agreement);
  go_on(made, node);
}

Reveal EscrowWorkload::reveal_of(const Trade& trade, Party by) const {
  Reveal out;
  out.bytes = trade.id.bytes;
  out.bytes[0] = static_cast<std::uint8_t>(out.bytes[0] ^ (by == Party::buyer ? 1 : 2));
  return out;
}

std::optional<What> EscrowWorkload::what_of(const Trade& trade, const Stride& stride) const {
  const Proposal proposal{Party::provider, Amount::of(60)};
  Cid cid;
  cid.bytes = trade.id.bytes;
  switch (stride.step) {
    case Step::open:
    case Step::sign: return Sign{commitment_of(reveal_of(trade, stride.by))};
    case Step::fund: return std::nullopt;
    case Step::start: return Start{};
    case Step::deliver: return Deliver{cid};
    case Step::accept: return Accept{Delivery{cid, 1}.hash(trade.id)};
    case Step::progress: return Progress{Amount::of(30)};
    case Step::dispute: return Dispute{reveal_of(trade, stride.by)};
    case Step::propose: return Propose{proposal.pay, reveal_of(trade, stride.by)};
    case Step::agree: return Agree{hash_of(trade.id, proposal)};
    case Step::cancel: return Cancel{};
  }
  return std::nullopt;
}

/// Takes the next step of its plan. A signed step is sent again.
void EscrowWorkload::go_on(Trade& trade, std::size_t node) {
  if (trade.asking || trade.over || trade.at >= trade.plan.size()) return;
  if (trade.signed_step) return send_step(trade, node);
  const Stride& stride = trade.plan[trade.at];
  if (stride.step == Step::fund) {
    const bool owes = stride.by == Party::buyer || trade.agreement.bond > Amount();
    if (owes) return fund(trade, node, stride.by);
    ++trade.at;
    return go_on(trade, node);
  }
  const auto what = what_of(trade, stride);
  const std::uint64_t number = ++of(trade.numbers, stride.by);
  trade.signed_step = SignedStep{Act{trade.id, account(trade, stride.by).address, number, *what}};
  send_step(trade, node);
}

/// Asks for the account's number first, because another transfer of it may have been posted.
void EscrowWorkload::fund(Trade& trade, std::size_t node, Party by) {
  Account& from = account(trade, by);
  trade.asking = true;
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      begin(node, "a read of an account"), wallet::kPath, kWait,
      [address = from.address](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(address.view())); },
      [this, &trade, &from, by, node](const Error& error, wallet::wire::AccountIs::Reader is) {
        trade.asking = false;
        if (error || trade.signed_step) return;
        const Amount share = by == Party::buyer ? trade.agreement.price + trade.agreement.bond : trade.agreement.bond;
        const wallet::Transfer deposit{
            *book_, from.address, {is.getAccount().getDebits() + 1}, {{account_of(trade.id), share}}, "escrow"};
        trade.signed_step = SignedStep{
            Act{trade.id, from.address, ++of(trade.numbers, by), Fund{wallet::id_of(deposit), share}}, deposit};
        if (nodes_.serving(node)) send_step(trade, node);
      });
}

void EscrowWorkload::write(wire::SignedAct::Builder out, const Account& account, const Act& act) const {
  const base::Bytes bytes = encode(act);
  const wallet::Approval approval{account.key.public_key(), account.key.sign(bytes)};
  escrow::write(out, bytes, wallet::Policy::of_key(account.key.public_key()), std::span(&approval, 1));
}

void EscrowWorkload::send_step(Trade& trade, std::size_t node) {
  const Stride& stride = trade.plan[trade.at];
  const SignedStep step = *trade.signed_step;
  const Account& by = account(trade, stride.by);
  sim::Client& client = begin(node, "step " + std::to_string(trade.at) + " of trade " + std::to_string(trade.index));
  trade.asking = true;
  if (stride.step == Step::open)
    return ask<wire::OpenEscrow, wire::EscrowIs>(
        client, kPath, kWait,
        [this, &trade, &by, step](wire::OpenEscrow::Builder out) {
          out.setAgreement(data_of(encode(trade.agreement)));
          write(out.initSign(), by, step.act);
        },
        [this, &trade, step, node](const Error& error, wire::EscrowIs::Reader) {
          if (!error) trade.opened = true;
          stepped(trade, step, error, 1, node);
        });
  ask<wire::TakeAct, wire::ActTaken>(
      client, kPath, kWait,
      [this, &by, step](wire::TakeAct::Builder out) {
        write(out.initAct(), by, step.act);
        if (step.deposit) wallet::write(out.initDeposit(), *step.deposit, by.key);
      },
      [this, &trade, step, node](const Error& error, wire::ActTaken::Reader taken) {
        if (!error && step.deposit && taken.getChanged()) posted_.insert(wallet::id_of(*step.deposit));
        stepped(trade, step, error, taken.getSequence(), node);
      });
}

void EscrowWorkload::stepped(Trade& trade, const SignedStep& step, const Error& error, std::uint64_t sequence,
                             std::size_t node) {
  // After the death of a node the same request may have been sent twice.
  const auto& now = trade.signed_step;
  if (!now || now->act.by != step.act.by || now->act.number != step.act.number) return;
  trade.asking = false;
  if (error && !base::is_final(error->code)) return;  // sent again at the next push
  if (!error) {
    trade.acknowledged = std::max(trade.acknowledged, sequence);
    trade.done.push_back(step);
    ++trade.at;
  } else if (!step.deposit || error->code != Code::conflict) {
    trade.at = trade.plan.size();  // too late, or not its turn: the deadlines end it
  }                                // otherwise another transfer had the number: sign again
  trade.signed_step.reset();
  if (nodes_.serving(node)) go_on(trade, node);
}

void EscrowWorkload::push(std::size_t node) {
  if (!made_) return;
  if (!terms_) return learn(node);
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    const std::size_t member = node % members_.count();
    Account& one = accounts_[i];
    if (nodes_.serving(member)) issue("party " + std::to_string(i), one.address, one.funded, one.asking, member);
    if (one.sending) send_on(node, one);
    if (i < kSimArbiters && nodes_.serving(node)) join(i, node);
  }
  for (Trade& trade : trades_) {
    if (!nodes_.serving(node)) return;
    go_on(trade, node);
  }
  for (Job& one : jobs_) {
    if (!nodes_.serving(node)) return;
    go_on(one, node);
  }
}

// -- transfers -------------------------------------------------------------------------------------------------------

void EscrowWorkload::send(std::size_t node, std::size_t from, std::size_t to) {
  Account& account = accounts_[from];
  if (from == to || !account.funded || account.sending || account.asking) return push(node);
  account.asking = true;
  // Now and then it is an escrow by mistake: the book refuses it.
  Address recipient = accounts_[to].address;
  if (const std::size_t turn = turn_++; turn % 3 == 0 && !trades_.empty())
    if (const Trade& trade = trades_[turn / 3 % trades_.size()]; trade.opened) recipient = account_of(trade.id);
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      begin(node, "a read of an account"), wallet::kPath, kWait,
      [address = account.address](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(address.view())); },
      [this, &account, to = recipient, node](const Error& error, wallet::wire::AccountIs::Reader is) {
        account.asking = false;
        if (error || account.sending) return;
        account.sending = wallet::Transfer{
            *book_, account.address, {is.getAccount().getDebits() + 1}, {{to, Amount::of(7)}}, "a gift"};
        if (nodes_.serving(node)) send_on(node, account);
      });
}

void EscrowWorkload::send_on(std::size_t node, Account& account) {
  if (std::exchange(account.asking, true)) return;
  const wallet::Transfer transfer = *account.sending;
  ask<wallet::wire::PostTransfer, wallet::wire::Posted>(
      begin(node, "a transfer"), wallet::kPath, kWait,
      [this, &account, transfer](wallet::wire::PostTransfer::Builder out) {
        wallet::write(out.initTransfer(), transfer, account.key);
      },
      [this, &account, transfer](const Error& error, wallet::wire::Posted::Reader posted) {
        account.asking = false;
        if (error && !base::is_final(error->code)) return;
        const wallet::TransferId id = wallet::id_of(transfer);
        if (account.sending == transfer) account.sending.reset();
        if (error) return;
        posted_.insert(id);
        const auto is_paid = [&](const Trade& trade) { return account_of(trade.id) == transfer.credits[0].to; };
        if (std::ranges::any_of(trades_, is_paid))
          nodes_.violated("unrequested", "an escrow received an unexpected payment");
        if (wallet::TransferId::from(bytes_of(posted.getId())) != id)
          nodes_.violated("posted", "a transfer was answered with the id of another transfer");
      });
}

// -- arbiters

/// Makes the first parties arbiters, too; again after an arbiter has lost its bond.
void EscrowWorkload::join(std::size_t party, std::size_t node) {
  Account& account = accounts_[party];
  if (!account.funded || account.arbiter || account.sending || std::exchange(account.asking, true)) return;
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      begin(node, "a read of an account"), wallet::kPath, kWait,
      [address = account.address](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(address.view())); },
      [this, &account, node](const Error& error, wallet::wire::AccountIs::Reader is) {
        account.asking = false;
        if (error || !nodes_.serving(node)) return;
        const wallet::Transfer bond{*book_,
                                    account.address,
                                    {is.getAccount().getDebits() + 1},
                                    {{arbiters_account(*book_), Amount::of(51)}},
                                    "arbiter"};
        ask<wire::JoinArbiters, messages::wire::Nothing>(
            begin(node, "an arbiter joins"), kPath, kWait,
            [this, &account, bond](wire::JoinArbiters::Builder out) {
              wallet::write(out.initDeposit(), bond, account.key);
            },
            [&account](const Error& refused, auto) { account.arbiter = account.arbiter || !refused; });
      });
}

/// The arbiter rules in every second dispute, and is silent in the others.
void EscrowWorkload::rule(Trade& trade, const Address& arbiter, std::size_t node) {
  const auto by = std::ranges::find(accounts_, arbiter, &Account::address);
  if (trade.index % 2 != 0 || by == accounts_.end() || !nodes_.serving(node)) return;
  const Act ruling{trade.id, arbiter, 1, Rule{Amount::of(trade.agreement.price.units() / 3)}};
  ask<wire::TakeAct, wire::ActTaken>(
      begin(node, "a ruling on trade " + std::to_string(trade.index)), kPath, kWait,
      [this, by, ruling](wire::TakeAct::Builder out) { write(out.initAct(), *by, ruling); },
      [](const Error&, wire::ActTaken::Reader) {});
}

// -- what was signed earlier -----------------------------------------------------------------------------------------

void EscrowWorkload::replay(std::size_t node) {
  std::vector<std::pair<Trade*, std::size_t>> old;
  for (Trade& trade : trades_)
    for (std::size_t i = 1; i < trade.done.size(); ++i) old.emplace_back(&trade, i);
  if (old.empty()) return push(node);
  const auto [trade, step] = old[turn_++ * 7919 % old.size()];
  const SignedStep again = trade->done[step];
  const Account& by = again.act.by == trade->agreement.buyer ? accounts_[trade->buyer] : accounts_[trade->provider];
  sim::Client& client = begin(node, "an act of trade " + std::to_string(trade->index) + ", again");
  ask<wire::TakeAct, wire::ActTaken>(
      client, kPath, kWait,
      [this, &by, again](wire::TakeAct::Builder out) {
        write(out.initAct(), by, again.act);
        if (again.deposit) wallet::write(out.initDeposit(), *again.deposit, by.key);
      },
      [this, &client](const Error& error, wire::ActTaken::Reader taken) {
        if (!error && taken.getChanged()) violated("replayed", client, "has changed something for the second time");
      });
}

// -- convergence -----------------------------------------------------------------------------------------------------

void EscrowWorkload::probe() {
  if (members_.count() == 0) return;
  if (!made_) return found(members_.count());
  if (closing_) audit();
  const auto node = sim::first_serving(nodes_, turn_++);
  if (!node) return;
  push(*node);
  // A few at a time, because mailboxes are small in simulation runs.
  std::size_t looks = 0;
  for (Trade& trade : trades_)
    if (trade.opened && !trade.over && !trade.checking && nodes_.serving(*node) && ++looks <= 8)
      look(trade, *node, nullptr, trade.acknowledged);
  for (Job& one : jobs_)
    if (one.begun && !one.over && !one.checking && nodes_.serving(*node) && ++looks <= 8) look(one, *node);
}

/// Checks a trade's log. `least`: entries that were acknowledged when the request was sent.
void EscrowWorkload::look(Trade& trade, std::size_t node, std::shared_ptr<Replay> before, std::uint64_t least) {
  trade.checking = true;
  ask<wire::GetEscrow, wire::EscrowIs>(
      begin(node, "a read of trade " + std::to_string(trade.index)), kPath, kWait,
      [&trade, before](wire::GetEscrow::Builder out) {
        out.setEscrow(data_of(trade.id.view()));
        out.setAfter(before ? before->sequence() : 0);
      },
      [this, &trade, node, before, least](const Error& error, wire::EscrowIs::Reader is) {
        trade.checking = false;
        if (error) {
          if (error->code == Code::not_found)
            nodes_.violated("log", "escrow " + trade.id.hex() + " was acknowledged, and is not known");
          return;
        }
        auto replay = before;
        if (!replay) {
          const auto commitment = Commitment::from(bytes_of(is.getCommitment()));
          replay = std::make_shared<Replay>(trade.agreement, commitment.value_or(Commitment{}));
        }
        for (const auto bytes : is.getEntries()) {
          const auto entry = decode_entry(bytes_of(bytes));
          if (!entry || !replay->take(*entry).ok())
            return nodes_.violated("log", "the log of escrow " + trade.id.hex() + " is broken");
        }
        if (!is.getMore()) return judge(trade, *replay, least, node);
        if (nodes_.serving(node)) look(trade, node, replay, least);
      });
}

void EscrowWorkload::judge(Trade& trade, const Replay& replay, std::uint64_t least, std::size_t node) {
  if (replay.sequence() < least)
    return nodes_.violated("log", "the log of escrow " + trade.id.hex() + " has lost acknowledged entries");
  const Escrow& is = replay.escrow();
  if (is.stage == Stage::disputed && !is.drawn.empty()) rule(trade, is.drawn.back(), node);
  if (!is_final(is.stage) || !is.confirmed()) return;
  trade.over = true;
  wallet::Wide paid = 0, deposited = 0;
  for (const Payout& one : is.paid) paid += one.amount.units();
  for (const Amount one : is.deposited) deposited += one.units();
  if (paid + is.held.units() != deposited || is.held > Amount())
    nodes_.violated("paid", "escrow " + trade.id.hex() + " was paid " +
                                std::to_string(static_cast<std::uint64_t>(deposited)) + ", and has paid out " +
                                std::to_string(static_cast<std::uint64_t>(paid)));
}

std::vector<std::string> EscrowWorkload::waits() const {
  std::vector<std::string> out;
  if (waits_for_group(out)) return out;
  for (const Trade& trade : trades_)
    if (trade.opened && !trade.over && members_.clocks_go_on())
      out.push_back("trade " + std::to_string(trade.index) + " has not ended");
  for (const Job& one : jobs_)
    if (one.begun && !one.over && members_.clocks_go_on())
      out.push_back("job " + std::to_string(one.index) + " has not ended");
  if (closing_ && !audited_) out.push_back("the book is not checked yet");
  return out;
}

}  // namespace troupe::escrow
