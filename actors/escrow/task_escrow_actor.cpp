#include "actors/escrow/task_escrow_actor.hpp"

#include <algorithm>

#include "actors/escrow/api.hpp"
#include "actors/escrow/codec.hpp"
#include "actors/escrow/deposit_waiting.hpp"
#include "messages/codec.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kTaskLedgerDue{20};        // our choice: then asked again
constexpr std::chrono::seconds kTaskClockDue{5};          // our choice
constexpr std::chrono::milliseconds kTaskReadAgain{500};  // our choice
constexpr std::chrono::seconds kTaskTryAgain{1};          // our choice
constexpr std::chrono::minutes kTaskLookAhead{1};         // our choice: the date may be set until then

base::Outcome<void> outcome(const base::Result<void, TaskEscrowError>& result) {
  if (result.ok()) return {};
  if (result.error() == TaskEscrowError::busy)
    return Error{Code::overloaded, std::string(name(result.error())), std::chrono::seconds(1)};
  const bool other = result.error() == TaskEscrowError::token || result.error() == TaskEscrowError::other;
  return Error{other ? Code::conflict : Code::refused, std::string(name(result.error()))};
}

}  // namespace

Bytes task_key(char of, const TaskEscrowId& id) {
  Bytes out{static_cast<std::uint8_t>(of)};
  base::append(out, id.view());
  return out;
}

TaskEscrowActor::TaskEscrowActor(TaskEscrowSetup setup, const TaskEscrowId& id)
    : setup_(std::move(setup)),
      id_(id),
      storage_(*this, setup_.place, kTaskKeyspace, setup_.term),
      ledger_(*this, {.log = setup_.settings->log, .unknown = setup_.place.chain ? setup_.again : nullptr}),
      row_(*this, storage_, task_key('h', id_), "the escrow") {}

void TaskEscrowActor::receive(runtime::Handlers& on) {
  row_.on([] {}, [this](const Error& why) { reload(why); });
  on.ask<wire::TakeTaskAct, wire::TaskEscrowIs>([this](auto ask, auto reply) { take(ask, std::move(reply)); });
  on.ask<wire::GetTaskEscrow, wire::TaskEscrowIs>([this](wire::GetTaskEscrow::Reader, Reply reply) {
    open_.reading<wire::TaskEscrowIs>(storage_, std::move(reply), [this](Reply& to) {
      if (there()) show(to);
      else to.refuse({Code::not_found, "unknown escrow " + id_.hex()});
    });
  });
  ledger_.receive<DepositAgain, PayAgain>(on);
  on.timer<Due>([this] { due(); });
  on.timer<Idle>([this] {
    if (open_ && row_.idle() && (!there() || state().over()))
      tell<wire::TaskEscrowIdle>(node().find(kTaskEscrowsPath),
                                 [this](wire::TaskEscrowIdle::Builder out) { out.setEscrow(data_of(id_.view())); });
    after<Idle>(kIdle);
  });
  on.describe<wire::TaskEscrowState>([this](wire::TaskEscrowState::Builder out) {
    if (!there()) return out.setState(open_ ? "unknown" : "being read");
    out.setState(std::string(state().state()));
    out.setProviders(size32(state().providers()));
    out.setHandedIn(static_cast<std::uint32_t>(
        std::ranges::count_if(state().providers(), [](const Provider& one) { return one.answer.has_value(); })));
    out.setHeld(state().held().units());
    out.setReleased(state().released().units());
    out.setDeadline(state().deadline().value_or(UnixMs(0)).count());
  });
}

void TaskEscrowActor::check() const {
  if (open_) state().check();
}

// -- opening

void TaskEscrowActor::load() {
  ++run_;
  open_.closed();
  looking_ = false;
  ended_.clear();
  row_.load([](std::optional<base::ByteView> bytes) { return bytes ? TaskEscrow::decode(*bytes) : TaskEscrow(); },
            [this, run = run_](const base::Outcome<void>& done) {
              if (run != run_) return;
              if (!done.ok()) return reload(done.error());
              open_.opened();
              if (world().mutations.on("escrow.task_forgets_to_send")) return;
              after<Idle>(row_.there() ? std::chrono::duration_cast<base::Duration>(kIdle) : kUnknownIdle);
              go_on();
            });
}

void TaskEscrowActor::reload(const Error& why) {
  ++run_;
  ledger_.forget();
  open_.closed();
  row_.forget();
  setup_.settings->log.warn("reading an escrow of a task again",
                            {{"escrow", id_.hex()}, {"why", std::string_view(why.message)}});
  if (why.code == Code::corrupt) open_.failed(why);
  for (auto& [token, replies] : std::exchange(waiting_, {}))
    for (Reply& one : replies) one.refuse({Code::unavailable, "the escrow is being read again: try again"});
  after<Reload>(kTaskReadAgain);
}

// -- acts

/// Handles an act whose signature the parent has verified.
void TaskEscrowActor::take(wire::TakeTaskAct::Reader ask, Reply reply) {
  const auto act = decode_task_act(bytes_of(ask.getAct().getAct()));
  if (!act) return reply.refuse({Code::malformed, "the act is malformed"});
  const auto* what = std::get_if<Engage>(&act->what);
  if (what == nullptr)
    return open_.when<wire::TaskEscrowIs>(std::move(reply),
                                          [this, act = *act](Reply to) { this->act(act, {}, {}, {}, std::move(to)); });
  const auto agreement = decode_task_agreement(bytes_of(ask.getAgreement()));
  if (!agreement || id_of(*agreement) != id_)
    return reply.refuse({Code::malformed, "the agreement is malformed, or belongs to another escrow"});
  if (agreement->fund != wallet::account_of("fund", agreement->book.view()) || agreement->buyer == agreement->fund)
    return reply.refuse({Code::refused, "the agreement must name the fund of its book, and another account as buyer"});
  auto deposit = wallet::read(ask.getDeposit());
  if (!deposit.ok()) return reply.refuse(deposit.error());
  const auto& [transfer, policy, approvals, on_chain] = deposit.value();
  const bool fits = id_of(transfer) == what->deposit && transfer.from == act->by && transfer.credits.size() == 1 &&
                    transfer.book == agreement->book &&
                    transfer.credits[0] == wallet::Credit{account_of(id_), what->price};
  if (!fits) return reply.refuse({Code::malformed, "the deposit does not match the transfer or the price in the act"});
  if (!wallet::Order::approved(transfer, policy, approvals))
    return reply.refuse({Code::refused, "the signers of the account have not approved the deposit"});
  Bytes kept = wallet::encode(wallet::SignedBytes{wallet::encode(transfer), policy, approvals, on_chain});
  runtime::Caller from = setup_.place.has_shares() && caller().node ? caller() : runtime::Caller{};
  unless_own(what->pay_to, std::move(reply),
             [this, agreement = *agreement, act = *act, kept = std::move(kept), from = std::move(from)](Reply known) {
               open_.when<wire::TaskEscrowIs>(std::move(known), [this, agreement, act, kept, from](Reply to) {
                 this->act(act, kept, agreement, from, std::move(to));
               });
             });
}

/// Refuses the escrow's own address on a chain, which is public. No transaction can pay its sender, and every later
/// payment would wait for it.
void TaskEscrowActor::unless_own(const Address& pay_to, Reply reply, base::Callback<void(Reply)> then) {
  if (on_chain_ == pay_to) return reply.refuse({Code::refused, std::string(name(TaskEscrowError::party))});
  if (on_chain_ || !setup_.place.chain) return then(std::move(reply));
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      node().find(wallet::kPath), now() + kTaskLedgerDue,
      [this](wallet::wire::GetAccount::Builder out) {
        out.setAddress(data_of(account_of(id_).view()));
        out.setOfNoKey(true);
      },
      [this, pay_to, reply = std::move(reply),
       then = std::move(then)](runtime::Answer<wallet::wire::AccountIs> account) mutable {
        if (!account.ok()) return reply.refuse(account.error());
        on_chain_ = Address::from(bytes_of(account.value().getChain().getAddress()));
        if (!on_chain_)
          return reply.refuse({Code::corrupt, "the chain returned an invalid address: expected 32 bytes"});
        unless_own(pay_to, std::move(reply), std::move(then));
      });
}

/// Applies an act. The first act with an agreement begins the escrow.
void TaskEscrowActor::act(const TaskAct& act, const Bytes& deposit, const std::optional<TaskAgreement>& agreement,
                          const runtime::Caller& from, Reply reply) {
  if (!there() && !agreement) return refuse_unknown(std::move(reply));
  const auto* engages = std::get_if<Engage>(&act.what);
  const auto token = engages != nullptr ? std::optional(engages->token) : std::nullopt;
  change(
      [act, deposit, agreement, at = wallet::unix_ms(wall())](TaskEscrow& to) {
        if (agreement && to.empty()) to = TaskEscrow(*agreement);
        return outcome(to.take(act, deposit, at));
      },
      [this, token, from, reply = std::move(reply)](const base::Outcome<void>& done) mutable {
        if (!done.ok()) return reply.refuse(done.error());
        const Provider* one = token ? state().find(*token) : nullptr;
        if (one != nullptr && one->state == ProviderState::paying) {
          wait_for_deposit(waiting_[*token], std::move(reply));
          send_deposit(*one, std::move(from));
        } else {
          show(reply);
        }
        go_on();
      },
      Row::Whose::asker);
}

/// Refuses once it is known that this node still holds the seat.
void TaskEscrowActor::refuse_unknown(Reply reply) {
  open_.reading<wire::TaskEscrowIs>(storage_, std::move(reply), [this](Reply& to) {
    to.refuse({Code::not_found, "unknown escrow " + id_.hex()});
  });
}

/// Commits a change, with the row that says whether it waits for anything. An escrow that was never paid leaves no
/// rows.
void TaskEscrowActor::change(Change change, Row::Done done, Row::Whose whose) {
  row_.change(
      [this, change = std::move(change)](TaskEscrow& to, durable::Storage::Commit& commit) mutable {
        const bool was_open = row_.there() && !state().over();
        const auto changed = change(to);
        if (!changed.ok()) return changed;
        const bool open = !to.empty() && !to.over();
        if (to.empty()) commit.rows[commit.head] = std::nullopt;
        if (was_open == open) return changed;
        const Address& buyer = to.agreement().buyer;
        commit.rows[task_key('u', id_)] =
            open ? std::optional(Bytes(buyer.bytes.begin(), buyer.bytes.end())) : std::nullopt;
        return changed;
      },
      std::move(done), whose);
}

/// Records a fact from the ledger or the clock: repeats until it is durable.
void TaskEscrowActor::note(base::Callback<void(TaskEscrow&)> what, base::Callback<void()> noted) {
  change(
      [what = std::move(what)](TaskEscrow& to) mutable -> base::Outcome<void> {
        what(to);
        return {};
      },
      [this, noted = std::move(noted)](const base::Outcome<void>& done) mutable {
        if (!done.ok()) return;  // the state is read again
        noted();
        go_on();
      },
      Row::Whose::own);
}

// -- the ledger

/// Sends durable transfers that are not known to be posted.
void TaskEscrowActor::go_on() {
  if (!there()) return;
  for (const Provider& one : state().providers())
    if (one.depositing() && !send_deposit(one, std::nullopt))
      return reload({Code::corrupt, "a stored deposit of an escrow of a task is corrupted"});
  if (const auto& payment = state().payment())
    ledger_.pay(kTaskAccountKind, id_.view(), *payment,
                [this, id = id_of(*payment)](const base::Outcome<std::uint64_t>&) {
                  note([id](TaskEscrow& to) { to.paid(id); }, [] {});
                });
  arm();
}

bool TaskEscrowActor::send_deposit(const Provider& one, std::optional<runtime::Caller> asker) {
  const std::uint64_t token = one.engaged.token;
  if (ended_.contains(token)) return true;
  const auto given = wallet::decode_signed(one.deposit);
  return given && ledger_.deposit(*given, std::move(asker), [this, token](const base::Outcome<std::uint64_t>& posted) {
    if (posted.ok() || world().mutations.on("escrow.task_deposit_assumed")) deposit_ended(token, {});
    else deposit_ended(token, posted.error());
  });
}

void TaskEscrowActor::deposit_ended(std::uint64_t token, const base::Outcome<void>& how) {
  ended_.insert(token);
  note(
      [token, posted = how.ok()](TaskEscrow& to) {
        if (posted) to.deposited(token);
        else to.deposit_refused(token);
      },
      [this, token, how] {
        ended_.erase(token);
        auto replies = waiting_.extract(token);
        if (replies.empty()) return;
        for (Reply& one : replies.mapped()) {
          if (how.ok()) show(one);
          else one.refuse(how.error());
        }
      });
}

// -- time

void TaskEscrowActor::arm() {
  const auto deadline = state().deadline();
  if (!deadline) return cancel<Due>();
  const UnixMs at = wallet::unix_ms(wall());
  const auto left = std::chrono::milliseconds(*deadline > at ? (*deadline - at).count() + 1 : 0);
  after<Due>(std::clamp<std::chrono::milliseconds>(left, std::chrono::milliseconds(1), kTaskLookAhead));
}

void TaskEscrowActor::due() {
  if (!there() || !state().deadline() || std::exchange(looking_, true)) return;
  ask<wire::GetTerms, wire::TermsAre>(
      node().find(kPath), now() + kTaskClockDue, [](wire::GetTerms::Builder) {},
      [this, run = run_](runtime::Answer<wire::TermsAre> terms) {
        if (run != run_) return;
        looking_ = false;
        const auto deadline = state().deadline();
        if (!deadline) return;
        if (!terms.ok()) return after<Due>(kTaskTryAgain);
        const UnixMs at(terms.value().getNow()), back(terms.value().getUpSince());
        const UnixMs grace = std::min<UnixMs>(UnixMs(terms.value().getGrace()), kBackGrace);
        if (at <= *deadline || !terms.value().getSteady() || (back > UnixMs(0) && at < back + grace))
          return after<Due>(at + std::chrono::duration_cast<UnixMs>(kTaskTryAgain) < *deadline
                                ? std::min<std::chrono::milliseconds>(
                                      std::chrono::milliseconds((*deadline - at).count() + 1), kTaskLookAhead)
                                : std::chrono::duration_cast<std::chrono::milliseconds>(kTaskTryAgain));
        note([at](TaskEscrow& to) { to.tick(at); }, [] {});
      });
}

// -- requests that read

void TaskEscrowActor::show(Reply& reply) const {
  reply.send([this](wire::TaskEscrowIs::Builder out) {
    const TaskEscrow& it = state();
    out.setAgreement(data_of(encode(it.agreement())));
    out.setState(std::string(it.state()));
    out.setHeld(it.held().units());
    out.setReleased(it.released().units());
    out.setDeadline(it.deadline().value_or(UnixMs(0)).count());
    auto list = out.initProviders(size32(it.providers()));
    for (unsigned i = 0; i < list.size(); ++i) {
      const Provider& one = it.providers()[i];
      list[i].setToken(one.engaged.token);
      list[i].setProvider(data_of(one.engaged.provider.view()));
      list[i].setPayTo(data_of(one.engaged.pay_to.view()));
      list[i].setPrice(one.engaged.price.units());
      list[i].setDue(one.engaged.due.count());
      list[i].setState(std::string(name(one.state)));
      if (it.opened() && one.answer) list[i].setAnswer(data_of(one.answer->view()));
    }
  });
}

}  // namespace troupe::escrow
