#include "actors/task/settlement.hpp"

#include "actors/escrow/codec.hpp"
#include "messages/codec.hpp"

namespace troupe::task {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kTermsDue{10};
constexpr std::chrono::seconds kTurnDue{60};    // our choice: payments of this node are made one after another
constexpr std::chrono::seconds kEscrowDue{25};  // below wallet::OwnActor::kSpendDue

/// Returns a memo for one attempt, because two deposits must never have the same bytes.
std::string memo_of(const TaskId& task, std::uint64_t token) {
  return "task " + task.hex() + ", attempt " + std::to_string(token);
}

}  // namespace

escrow::TaskAgreement agreement_of(const wallet::BookId& book, const wallet::Address& buyer,
                                   const wallet::Address& fund, const TaskId& task, const Order& order) {
  return {.book = book, .buyer = buyer, .fund = fund, .task = {task.bytes}, .quorum = order.quorum};
}

std::string name_of(const wallet::BookId& book) { return book.hex().substr(0, wallet::BookId::kBytes); }

wallet::Address payee_of(const registry::Registration& node) {
  if (node.pay_to == registry::Payee{}) return wallet::address_of(node.key);
  return {node.pay_to.bytes};
}

void write_act(escrow::wire::SignedAct::Builder to, const escrow::TaskAct& act, const crypto::Identity& by) {
  const base::Bytes bytes = escrow::encode(act);
  const wallet::Approval approval{by.public_key(), by.key().sign(bytes)};
  escrow::write(to, bytes, wallet::Policy::of_key(by.public_key()), {&approval, 1});
}

/// The terms are the ledger's, which stay the same while this node runs.
void Settlement::with_terms(base::Callback<void(const base::Outcome<Terms>&)> then) {
  if (terms_) return then(*terms_);
  ask<escrow::wire::GetTerms, escrow::wire::TermsAre>(
      node().find(escrow::kPath), now() + kTermsDue, [](escrow::wire::GetTerms::Builder) {},
      [this, then = std::move(then)](runtime::Answer<escrow::wire::TermsAre> answer) mutable {
        if (!answer.ok()) return then(answer.error());
        const auto book = wallet::BookId::from(bytes_of(answer.value().getBook()));
        const auto fund = wallet::Address::from(bytes_of(answer.value().getFund()));
        if (!book || !fund) return then(Error{Code::corrupt, "the ledger's response is malformed"});
        terms_ = Terms{*book, *fund};
        then(*terms_);
      });
}

void Settlement::learn(Done learned) {
  with_terms([learned = std::move(learned)](const base::Outcome<Terms>& terms) mutable {
    if (terms.ok()) learned({});
    else learned(terms.error());
  });
}

std::optional<escrow::TaskEscrowId> Settlement::known_escrow(const TaskId& task, const Order& order) const {
  if (!terms_ || order.payment != Payment::escrow) return std::nullopt;
  return escrow::id_of(agreement_of(terms_->book, buyer_, terms_->fund, task, order));
}

void Settlement::reserve(const Attempt& attempt, const Order& order, Reserved done) {
  with_terms([this, attempt, order, done = std::move(done)](const base::Outcome<Terms>& terms) mutable {
    if (!terms.ok()) return done(NotReserved{Trouble::account, terms.error()});
    const auto agreement = agreement_of(terms.value().book, buyer_, terms.value().fund, attempt.task, order);
    const std::string memo = memo_of(attempt.task, attempt.token);
    ask<wallet::wire::Spend, wallet::wire::Spending>(
        node().find(wallet::kOwnPath), now() + kTurnDue,
        [&](wallet::wire::Spend::Builder out) {
          out.setTo(data_of(escrow::account_of(escrow::id_of(agreement)).view()));
          out.setAmount(attempt.price.units());
          out.setMemo(text_of(memo));
        },
        [this, agreement, attempt, done = std::move(done)](runtime::Answer<wallet::wire::Spending> answer) mutable {
          if (!answer.ok()) {
            const bool alone = answer.error().code == Code::refused;  // a smaller price may be payable
            return done(NotReserved{alone ? Trouble::escrow : Trouble::account, answer.error()});
          }
          engage(agreement, attempt, answer.value().getTransfer(), std::move(done));
        });
  });
}

void Settlement::engage(const escrow::TaskAgreement& agreement, const Attempt& attempt,
                        const wallet::wire::SignedTransfer::Reader& deposit, Reserved done) {
  const auto transfer = wallet::decode_transfer(bytes_of(deposit.getTransfer()));
  if (!transfer)
    return done(NotReserved{Trouble::account, {Code::internal, "this node's account returned a malformed transfer"}});
  const escrow::TaskEscrowId id = escrow::id_of(agreement);
  const auto transfer_id = wallet::id_of(*transfer);
  const escrow::TaskAct act{
      id, buyer_,
      escrow::Engage{attempt.token, attempt.provider, attempt.pay_to, attempt.price, attempt.due, transfer_id}};
  ask<escrow::wire::TakeTaskAct, escrow::wire::TaskEscrowIs>(
      node().find(escrow::kPath), now() + kEscrowDue,
      [&](escrow::wire::TakeTaskAct::Builder out) {
        write_act(out.initAct(), act, *identity_);
        out.setAgreement(data_of(escrow::encode(agreement)));
        out.setDeposit(deposit);
      },
      [this, id, transfer_id,
       done = std::move(done)](const runtime::Answer<escrow::wire::TaskEscrowIs>& answer) mutable {
        if (answer.ok()) {
          spent(transfer_id, true);
          return done(id);
        }
        const bool nothing_done = base::is_final(answer.error().code);
        spent(transfer_id, !nothing_done);  // if in doubt it may be posted: its price comes back when it was due
        done(NotReserved{nothing_done ? Trouble::escrow : Trouble::account, answer.error()});
      });
}

void Settlement::spent(const wallet::TransferId& transfer, bool posted) {
  tell<wallet::wire::Spent>(node().find(wallet::kOwnPath), [&](wallet::wire::Spent::Builder out) {
    out.setTransfer(data_of(transfer.view()));
    out.setPosted(posted);
  });
}

void Settlement::settle(const TaskId& task, const Order& order, std::vector<std::uint64_t> accepted, Done done) {
  with_terms([this, task, order, accepted = std::move(accepted),
              done = std::move(done)](const base::Outcome<Terms>& terms) mutable {
    if (!terms.ok()) return done(terms.error());
    const auto id = escrow::id_of(agreement_of(terms.value().book, buyer_, terms.value().fund, task, order));
    const escrow::TaskAct act{id, buyer_, escrow::Settle{std::move(accepted)}};
    ask<escrow::wire::TakeTaskAct, escrow::wire::TaskEscrowIs>(
        node().find(escrow::kPath), now() + kEscrowDue,
        [&](escrow::wire::TakeTaskAct::Builder out) { write_act(out.initAct(), act, *identity_); },
        [done = std::move(done)](const runtime::Answer<escrow::wire::TaskEscrowIs>& answer) mutable {
          if (answer.ok()) done({});
          else done(answer.error());
        });
  });
}

}  // namespace troupe::task
