// Escrows of tasks in a simulation run: a party engages three others, which hand in, resign or are silent.
#include <algorithm>

#include "actors/escrow/sim_workload.hpp"
#include "messages/codec.hpp"

namespace troupe::escrow {
namespace {

using base::Code;

constexpr std::chrono::seconds kJobWait{20};
constexpr UnixMs kJobTime = std::chrono::seconds(40);
constexpr std::size_t kJobProviders = 3, kJobSteps = 2 * kJobProviders + 1;  // engaged, handed in, settled
constexpr std::size_t kSettleStep = kJobSteps - 1;

}  // namespace

void EscrowWorkload::job(std::size_t node, std::size_t buyer, std::int64_t plan) {
  Job& made = jobs_.emplace_back();
  made.index = jobs_.size() - 1;
  made.buyer = buyer;
  made.plan = static_cast<JobPlan>(plan);
  made.agreement = {.book = *book_,
                    .buyer = accounts_[buyer].address,
                    .fund = wallet::account_of("fund", book_->view()),
                    .task = {},
                    .quorum = 2};
  made.agreement.task.bytes[0] = static_cast<std::uint8_t>(made.index);
  made.agreement.task.bytes[1] = static_cast<std::uint8_t>(made.index >> 8);
  made.id = id_of(made.agreement);
  go_on(made, node);
}

/// Returns the party that is this provider of a job.
EscrowWorkload::Account& EscrowWorkload::provider(const Job& job, std::size_t number) {
  return accounts_[(job.buyer + 1 + number) % accounts_.size()];
}

/// Takes the next step. A request without an answer is repeated unchanged.
void EscrowWorkload::go_on(Job& job, std::size_t node) {
  if (job.asking || job.over || job.at >= kJobSteps) return;
  if (job.due == UnixMs(0)) return learn_due(job, node);
  if (job.at < kJobProviders) {
    if (!job.deposit) return prepare_deposit(job, node);
    const auto token = job.at + 1;
    const Address& by = provider(job, job.at).address;
    return send(job, node, accounts_[job.buyer],
                Engage{token, by, by, job.deposit->credits[0].amount, job.due, wallet::id_of(*job.deposit)});
  }
  if (job.at == kSettleStep) {
    if (job.plan != JobPlan::not_settled) return send(job, node, accounts_[job.buyer], Settle{});
    job.at = kJobSteps;
    return;
  }
  const std::size_t number = job.at - kJobProviders;
  const std::uint64_t token = number + 1;
  if (number == 2 && job.plan == JobPlan::silent) {
    ++job.at;
    return go_on(job, node);
  }
  if (number == 1 && job.plan == JobPlan::resigns) return send(job, node, provider(job, number), Resign{token});
  TaskAnswer answer;
  answer.bytes[0] = number == 1 && job.plan == JobPlan::lies ? 1 : 2;
  send(job, node, provider(job, number), HandIn{token, answer});
}

void EscrowWorkload::learn_due(Job& job, std::size_t node) {
  job.asking = true;
  ask<wire::GetTerms, wire::TermsAre>(
      begin(node, "the time for job " + std::to_string(job.index)), kPath, kJobWait, [](wire::GetTerms::Builder) {},
      [&job](const Error& error, wire::TermsAre::Reader are) {
        job.asking = false;
        if (!error) job.due = UnixMs(are.getNow()) + kJobTime;
      });
}

void EscrowWorkload::prepare_deposit(Job& job, std::size_t node) {
  job.asking = true;
  const Address buyer = accounts_[job.buyer].address;
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      begin(node, "a read of an account"), wallet::kPath, kJobWait,
      [buyer](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(buyer.view())); },
      [this, &job, buyer, node](const Error& error, wallet::wire::AccountIs::Reader is) {
        job.asking = false;
        if (error || job.deposit || job.at >= kJobProviders) return;
        job.deposit = wallet::Transfer{*book_,
                                       buyer,
                                       {is.getAccount().getDebits() + 1},
                                       {{account_of(job.id), Amount::of(20 + job.index + job.at)}},
                                       "task"};
        if (nodes_.serving(node)) go_on(job, node);
      });
}

void EscrowWorkload::send(Job& job, std::size_t node, const Account& by, decltype(TaskAct::what) what) {
  job.asking = true;
  const TaskAct act{job.id, by.address, std::move(what)};
  ask<wire::TakeTaskAct, wire::TaskEscrowIs>(
      begin(node, "step " + std::to_string(job.at) + " of job " + std::to_string(job.index)), kPath, kJobWait,
      [this, &job, &by, act](wire::TakeTaskAct::Builder out) {
        const base::Bytes bytes = encode(act);
        const wallet::Approval approval{by.key.public_key(), by.key.sign(bytes)};
        escrow::write(out.initAct(), bytes, wallet::Policy::of_key(by.key.public_key()), {&approval, 1});
        if (!std::holds_alternative<Engage>(act.what)) return;
        out.setAgreement(data_of(encode(job.agreement)));
        wallet::write(out.initDeposit(), *job.deposit, accounts_[job.buyer].key);
      },
      [this, &job, at = job.at, node](const Error& error, wire::TaskEscrowIs::Reader) {
        if (at != job.at) return;  // after the death of a node the same request may have been sent twice
        job.asking = false;
        if (error && !base::is_final(error->code) && error->code != Code::not_found) return;  // again at the next push
        const bool engages = at < kJobProviders;
        if (!error && engages) {
          job.begun = true;
          posted_.insert(wallet::id_of(*job.deposit));
        }
        const bool number_taken = error && engages && error->code == Code::conflict;
        if (error && engages && !number_taken) job.at = kSettleStep;  // too late
        else if (!number_taken) ++job.at;
        if (engages) job.deposit.reset();
        if (nodes_.serving(node)) go_on(job, node);
      });
}

/// Checks that all deposits were paid out.
void EscrowWorkload::look(Job& job, std::size_t node) {
  job.checking = true;
  ask<wire::GetTaskEscrow, wire::TaskEscrowIs>(
      begin(node, "a read of job " + std::to_string(job.index)), kPath, kJobWait,
      [&job](wire::GetTaskEscrow::Builder out) { out.setEscrow(data_of(job.id.view())); },
      [this, &job, node](const Error& error, wire::TaskEscrowIs::Reader is) {
        job.checking = false;
        if (error && error->code == Code::not_found)
          return nodes_.violated(
              "log", "the escrow of job " + std::to_string(job.index) + " was acknowledged, and is not known");
        if (error) return;
        std::uint64_t released = 0;
        bool waits = is.getHeld() > 0 || job.at < kJobSteps;
        for (const auto one : is.getProviders()) {
          const std::string state = text_of(one.getState());
          waits = waits || state == name(ProviderState::paying) || state == name(ProviderState::engaged);
          if (state == name(ProviderState::paid)) released += one.getPrice();
          if (job.plan == JobPlan::resigns && one.getToken() == 2 && state == name(ProviderState::paid))
            nodes_.violated("paid", "a provider that has resigned was paid");
        }
        if (released != is.getReleased())
          nodes_.violated("paid", "job " + std::to_string(job.index) + " has released " +
                                      std::to_string(is.getReleased()) + ", and its providers had " +
                                      std::to_string(released));
        if (!waits && nodes_.serving(node)) look_at_account(job, node);
      });
}

void EscrowWorkload::look_at_account(Job& job, std::size_t node) {
  job.checking = true;
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      begin(node, "a read of the account of job " + std::to_string(job.index)), wallet::kPath, kJobWait,
      [&job](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(account_of(job.id).view())); },
      [&job](const Error& error, wallet::wire::AccountIs::Reader is) {
        job.checking = false;
        if (!error && is.getAccount().getBalance() == 0) job.over = true;
      });
}

}  // namespace troupe::escrow
