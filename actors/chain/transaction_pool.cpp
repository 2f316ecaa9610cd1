#include "actors/chain/transactions.hpp"

namespace troupe::chain {
namespace {

using base::Code;
using base::Error;

/// The state against which a transaction is checked.
struct Weighed {
  Outcome outcome = Outcome::done;
  Standing standing;
};

Error error_of(const Weighed& seen, const Approved& one, BaseFee base_fee, Height head) {
  const Transaction& content = one.content();
  const auto fee = fee_of(one, base_fee);
  const std::string fee_now = fee ? fee->text() : "2^63 or more";
  switch (seen.outcome) {
    case Outcome::funds: {
      const auto* transfer = std::get_if<Transfer>(&content.body);
      return {Code::refused, "the sender has " + seen.standing.balance.text() + ", less than the amount, " +
                                 (transfer ? total_of(*transfer).text() : "0") + ", and the fee, " + fee_now};
    }
    case Outcome::fee_funds:
      return {Code::refused, "its payer has " + seen.standing.payer_balance.text() + ", less than the fee, " + fee_now};
    case Outcome::price:
      return {Code::refused,
              "its fee is " + fee_now + " now, more than the " + content.fee_max.text() + " that it allows (fee-max)"};
    case Outcome::expired:
      return {Code::refused, "its last height, " + std::to_string(content.last_height.value) +
                                 ", has passed: the chain is at " + std::to_string(head.value)};
    case Outcome::gas: return {Code::refused, "its gas is not exactly what it needs"};
    case Outcome::faucet_early: return {Code::refused, "this address got money from the faucet recently: retry later"};
    case Outcome::faucet_empty: return {Code::refused, "the faucet is empty, or this chain has none"};
    default: return {Code::refused, std::string(name(seen.outcome))};
  }
}
Error error_of(MempoolError why) {
  switch (why) {
    case MempoolError::past: return {Code::conflict, "its nonce was used by another transaction"};
    case MempoolError::ahead: return {Code::refused, "its nonce is too far ahead of the sender's next nonce"};
    case MempoolError::expired: return {Code::refused, "its last height has passed"};
    case MempoolError::lasting: return {Code::refused, "its last height is too far away"};
    case MempoolError::gas: return {Code::refused, "its gas is not exactly what it needs, or exceeds a block's gas"};
    case MempoolError::funds:
      return {
          Code::refused,
          "its sender has less than its amount and fee-max, or its payer has less than its waiting transactions need"};
    case MempoolError::cheap:
      return {Code::conflict,
              "another transaction with this nonce waits, and this transaction does not offer enough more"};
    case MempoolError::changed: return {Code::conflict, "the transaction with this nonce was replaced too often"};
    case MempoolError::full:
      return {Code::overloaded, "the pool is full, and this transaction offers no more than the others",
              std::chrono::seconds(5)};
    case MempoolError::known: break;
  }
  return {Code::refused, std::string(name(why))};
}

}  // namespace

void TransactionPool::admit(Approved transaction, const Admission& how, Admitted done) {
  if (chain_.mempool.find(transaction.id()) != nullptr) return done({});
  const auto seen = std::make_shared<Weighed>();
  const auto one = std::make_shared<const Approved>(std::move(transaction));
  chain_.ledger.with_rows(
      [this, one, seen] {
        const rows::Head& head = chain_.ledger.head();
        const NextBlock& next = chain_.ledger.next();
        StateView view = chain_.ledger.view();
        seen->outcome = admissible(view, next.totals, next.parameters, *one, head.height.next(),
                                   std::max(unix_ms(wall()), head.time + UnixMs{1}));
        const Account& sender = view.account(one->content().from);
        seen->standing = {sender.nonce, sender.balance, view.account(one->content().payer()).balance};
        return !view.damage();
      },
      [this, one, seen, how, fork = chain_.fork, done = std::move(done)](const base::Outcome<void>& read) mutable {
        if (!read.ok()) return done(read.error());
        if (fork != chain_.fork)
          return done(Error{Code::refused, "the chain resumed as another fork: sign the transaction again"});
        if (seen->outcome != Outcome::done && seen->outcome != Outcome::nonce)
          return done(error_of(*seen, *one, chain_.ledger.next().totals.base_fee, chain_.ledger.head().height));
        if (seen->standing.next > one->content().nonce) return done(error_of(MempoolError::past));
        const Gas block_gas{chain_.ledger.next().parameters[Param::block_gas]};
        const Height head = chain_.ledger.head().height;
        if (how.fresh && chain_.mempool.find(one->content().from, one->content().nonce) != nullptr &&
            chain_.mempool.find(one->id()) == nullptr)
          return done(Error{Code::conflict, "another transaction with this nonce waits"});
        const auto added = how.dry ? chain_.mempool.would_add(*one, seen->standing, head, block_gas)
                                   : chain_.mempool.add(*one, seen->standing, head, block_gas);
        if (!added.ok() && added.error() != MempoolError::known) return done(error_of(added.error()));
        if (how.dry) return done({});
        chain_.settings.counters->pending = chain_.mempool.count();
        if (!chain_.mempool.gapped(one->id()))
          barren_ = false;  // a transaction that no block can contain does not
                            // hurry a block
        if (how.from) {
          if (Neighbour* const neighbour = neighbours_.find(*how.from)) neighbour->told.insert(one->id());
        }
        ready_(one->content().from);
        done({});
        rounds_.begin_if_due();
      });
}

void TransactionPool::settle(const Candidate& candidate, const Executed& executed) {
  barren_ = candidate.transactions->empty();
  std::set<wallet::Address> touched;
  for (std::size_t i = 0; i < candidate.transactions->size(); ++i) {
    const Approved& one = (*candidate.transactions)[i];
    const Transaction& content = one.content();
    touched.insert({content.from, content.payer()});
    if (const auto* transfer = std::get_if<Transfer>(&content.body))
      for (const wallet::Credit& credit : transfer->credits) touched.insert(credit.to);
    if (refused(executed.receipts[i].outcome) && !may_wait(executed.receipts[i].outcome)) chain_.mempool.drop(one.id());
  }
  settle(touched);
}

void TransactionPool::settle_all() {
  std::set<wallet::Address> touched;
  for (const Approved* one : chain_.mempool.some({}, chain_.mempool.count()))
    touched.insert({one->content().from, one->content().payer()});
  if (!touched.empty()) settle(touched);
}

void TransactionPool::settle(const std::set<wallet::Address>& touched) {
  const auto accounts = std::make_shared<std::map<wallet::Address, Account>>();
  chain_.ledger.with_rows(
      [this, touched, accounts] {
        StateView view = chain_.ledger.view();
        for (const auto& address : touched) (*accounts)[address] = view.account(address);
        return !view.damage();
      },
      [this, accounts](const base::Outcome<void>& read) {
        if (!read.ok()) return rounds_.failed(read.error().message);
        if (world().mutations.on("chain.pool_not_settled")) return;
        for (const auto& [address, account] : *accounts) {
          chain_.mempool.settle(address, account.nonce, account.balance);
          ready_(address);  // the block may have had a missing nonce
        }
        chain_.mempool.expire(chain_.ledger.head().height);
        chain_.settings.counters->pending = chain_.mempool.count();
      });
}

}  // namespace troupe::chain
