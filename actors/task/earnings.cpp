#include "actors/task/earnings.hpp"

#include "actors/registry/codec.hpp"
#include "messages/codec.hpp"
#include "messages/registry.capnp.h"
#include "runtime/base/whole_units.hpp"

namespace troupe::task {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kOwnDue{5};
constexpr std::chrono::seconds kBookDue{8};
constexpr int kUnknownMax = 30;  // our choice: a minute

}  // namespace

void Earnings::refresh() {
  wait_to_refresh_(*this);
  tell<registry::wire::FollowOwnRegistration>(node().find(registry::kPath),
                                              [](registry::wire::FollowOwnRegistration::Builder) {});
  ask<registry::wire::GetOwnRegistration, registry::wire::Registered>(
      node().find(registry::kPath), now() + kOwnDue, [](registry::wire::GetOwnRegistration::Builder) {},
      [this](runtime::Answer<registry::wire::Registered> answer) {
        if (!answer.ok()) return;
        const auto own = registry::parse_registration(bytes_of(answer.value().getRegistration()));
        if (!own) return;
        price_ = own->price;
        pay_to_ = payee_of(*own);
        if (price_.value_or(0) > 0 && book_.empty()) learn_book();
      });
}

/// The ledger stays the same while this node runs.
void Earnings::learn_book() {
  ask<escrow::wire::GetTerms, escrow::wire::TermsAre>(
      node().find(escrow::kPath), now() + kOwnDue, [](escrow::wire::GetTerms::Builder) {},
      [this](runtime::Answer<escrow::wire::TermsAre> answer) {
        const auto book = answer.ok() ? wallet::BookId::from(bytes_of(answer.value().getBook())) : std::nullopt;
        if (!book || !book_.empty()) return;
        book_ = name_of(*book);
        if (book_changed_) book_changed_();
      });
}

std::uint64_t Earnings::wanted(const Order& order) const { return cost(price_, order).value_or(0); }

void Earnings::check(const Order& order, std::uint64_t token, const escrow::TaskEscrowId& id, Done done) {
  if (checking_ >= kCheckingMax)
    return done(
        Error{Code::overloaded, "too many attempts wait for the lookup of their escrow", std::chrono::seconds(1)});
  ++checking_;
  ask<escrow::wire::GetTaskEscrow, escrow::wire::TaskEscrowIs>(
      node().find(escrow::kPath), now() + kBookDue,
      [&](escrow::wire::GetTaskEscrow::Builder out) { out.setEscrow(data_of(id.view())); },
      [this, order, token, id, done = std::move(done)](runtime::Answer<escrow::wire::TaskEscrowIs> answer) mutable {
        --checking_;
        if (!answer.ok())
          return done(
              Error{Code::unavailable, "this node cannot read the escrow of the task: " + answer.error().message});
        const auto agreement = escrow::decode_task_agreement(bytes_of(answer.value().getAgreement()));
        if (!agreement || escrow::id_of(*agreement) != id || TaskId{agreement->task.bytes} != id_of(order) ||
            agreement->quorum != order.quorum)
          return done(Error{Code::refused, "the escrow belongs to another order"});
        done(due_of(order, token, answer.value()));
      });
}

base::Outcome<wallet::UnixMs> Earnings::due_of(const Order& order, std::uint64_t token,
                                               escrow::wire::TaskEscrowIs::Reader is) const {
  std::optional<escrow::wire::TaskProvider::Reader> one;
  for (const auto row : is.getProviders())
    if (row.getToken() == token) one = row;
  if (!one || text_of(one->getState()) != escrow::name(escrow::ProviderState::engaged))
    return Error{Code::refused, "the escrow of the task does not engage this attempt"};
  if (wallet::Address::from(bytes_of(one->getProvider())) != self_ ||
      wallet::Address::from(bytes_of(one->getPayTo())) != pay_to_)
    return Error{Code::refused, "the escrow would pay another account, not this node's"};
  if (one->getPrice() < wanted(order))
    return Error{Code::refused, "this node's price is " + std::to_string(wanted(order)) + ", but the escrow holds " +
                                    std::to_string(one->getPrice()) + " for it"};
  const std::uint64_t needs = base::milliseconds(order.limits.time + kDueMargin);
  if (one->getDue() < base::unix_milliseconds(wall()) + needs)
    return Error{Code::refused, "the escrow waits for less time than the program's limit plus 5 minutes"};
  return wallet::UnixMs(one->getDue());
}

// -- actions

void Earnings::hand_in(const escrow::TaskEscrowId& id, std::uint64_t token, const Answer& answer) {
  put(id, token, escrow::HandIn{token, {answer.bytes}});
}

void Earnings::resign(const escrow::TaskEscrowId& id, std::uint64_t token) { put(id, token, escrow::Resign{token}); }

/// Drops the new action if too many wait: the ledger has not responded for long.
void Earnings::put(const escrow::TaskEscrowId& id, std::uint64_t token, decltype(escrow::TaskAct::what) what) {
  const std::size_t most = std::holds_alternative<escrow::HandIn>(what) ? 2 * kHandingMax : kHandingMax;
  if (handing_.size() >= most) return;
  if (handing_.try_emplace({id, token}, Handing{{id, self_, std::move(what)}}).second) turns_.emplace_back(id, token);
  hand();
}

/// Asks in turn, so that actions without a response from the ledger do not delay other actions.
void Earnings::hand() {
  for (; !later_.empty() && later_.front().first <= now(); later_.pop_front()) turns_.push_back(later_.front().second);
  for (; !turns_.empty() && asking_ < kAskingMax; turns_.pop_front()) hand(turns_.front(), handing_.at(turns_.front()));
  if (!later_.empty()) wait_to_hand_(*this, later_.front().first - now());
}

void Earnings::hand(const Key& key, const Handing& one) {
  ++asking_;
  ask<escrow::wire::TakeTaskAct, escrow::wire::TaskEscrowIs>(
      node().find(escrow::kPath), now() + kBookDue,
      [&](escrow::wire::TakeTaskAct::Builder out) { write_act(out.initAct(), one.act, *identity_); },
      [this, key](const runtime::Answer<escrow::wire::TaskEscrowIs>& answer) {
        --asking_;
        const auto at = handing_.find(key);
        const Code code = answer.ok() ? Code::internal : answer.error().code;
        // A node that is still starting does not know it either.
        const bool unknown = code == Code::not_found && ++at->second.unknown >= kUnknownMax;
        if (answer.ok() || unknown || base::is_final(code)) handing_.erase(at);
        else later_.emplace_back(now() + kHandAgain, key);
        hand();
      });
}

}  // namespace troupe::task
