#include "actors/escrow/escrows_actor.hpp"

#include <algorithm>

#include "actors/escrow/api.hpp"
#include "messages/codec.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/actor/user.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kStreamIdle{3'600 * 24};
constexpr std::size_t kWatchersMax = 256;           // our choice
constexpr std::ptrdiff_t kWatchersOfNodes = 128;    // our choice: the rest is for operators of this node
constexpr std::ptrdiff_t kWatchersOfNode = 8;       // our choice
constexpr std::size_t kWatcherWaitingMax = 16'384;  // our choice: a slower reader is disconnected
constexpr std::uint32_t kListRows = 512;
constexpr std::size_t kHeldFromMax = Address::kBytes + EscrowId::kBytes + 1;  // a key, and the byte that follows it
constexpr std::uint32_t kWakesAtOnce = 64;  // our choice: unfinished escrows that are read at a time
constexpr std::chrono::seconds kWakeDue{30};
// Our choice: twice what a client waits for a deposit, because a caller may name no deadline, and may have given up.
constexpr std::chrono::minutes kAskDue{1};
const Error kActsOften{Code::refused,
                       "this account has reached its limit of acts per minute (escrow.rate_per_account)"};
const Error kElsewhere{Code::unavailable, "another node keeps the book now"};

template <class... Kinds>
bool is_one_of(const runtime::Envelope& question) {
  return ((question.kind() == &messages::kind_of<Kinds>()) || ...);
}

/// Returns the cost of the rows that a request reads at once, in units of EscrowsActor::kUnitBytes.
std::uint32_t read_units(const runtime::Envelope& question) {
  if (is_one_of<wire::GetHeld, wire::ListHeld, wire::ListEscrows, wire::ListArbiters>(question))
    return EscrowsActor::kScanUnits;
  return is_one_of<wire::GetEscrow>(question) ? EscrowsActor::kPageUnits : 0;
}

/// Classifies a request for the space check. An engagement for a task begins something, because it brings its deposit.
durable::Room::For what_for(const runtime::Envelope& question) {
  if (is_one_of<wire::TakeAct>(question)) return durable::Room::For::begun;
  if (!is_one_of<wire::TakeTaskAct>(question)) return durable::Room::For::begins;
  runtime::Envelope::Reading<wire::TakeTaskAct> reading(question);
  return reading.root().hasDeposit() ? durable::Room::For::begins : durable::Room::For::begun;
}

std::optional<Stage> stage_named(std::string_view text) {
  for (auto stage = Stage::proposed; stage <= Stage::expired; stage = static_cast<Stage>(static_cast<int>(stage) + 1))
    if (name(stage) == text) return stage;
  return std::nullopt;
}

}  // namespace

EscrowsActor::EscrowsActor(SharedSettings settings)
    : settings_(std::move(settings)),
      seat_(*this, settings_->book, settings_->links),
      gateway_(*this, seat_, settings_->links, kPath),
      room_(*this, seat_.place(), {EscrowActor::kKeyspace, kTaskKeyspace}),
      escrows_(*this, kAwakeMax,
               {.begin =
                    [this](const std::string& name) {
                      const EscrowActor::Setup setup{settings_, seat_.place(), seat_.term(), *EscrowId::from_hex(name),
                                                     watching_, correction_,   rates_,       unknown_,
                                                     again_};
                      const runtime::Handle actor = spawn<EscrowActor>(name, setup);
                      watch(actor);
                      return actor;
                    },
                .end = [this](const runtime::Handle& actor) { stop_child(actor); }}) {}

void EscrowsActor::receive(runtime::Handlers& on) {
  seat_.receive<Follow>(on);
  gateway_.receive<Again>(on);
  const auto here = [this](const runtime::Envelope& question, runtime::AnyReply reply, const runtime::Caller& from) {
    if (alive_) return take({question, std::move(reply), from});
    if (damaged_) return reply.refuse(*damaged_);
    // The seat was just taken: the time must be known first.
    if (early_.size() < kEarlyMax) return early_.push_back({question, std::move(reply), from});
    reply.refuse({Code::overloaded, "the book is starting: try again in a moment"});
  };
  gateway_.when_here(here);
  on.other([this, here](const runtime::Envelope& question, runtime::AnyReply reply) {
    if (!seat_.here()) return gateway_.pass(question, std::move(reply));
    if (const auto why = refusal(question)) return reply.refuse(*why);
    here(question, std::move(reply), caller());
  });
  on.ask<runtime::wire::AwaitReady, messages::wire::Nothing>([this](auto, Nothing reply) {
    if (alive_ || damaged_ || seat_.place().kind != durable::Place::Kind::self) return reply.done();
    ready_.push_back(std::move(reply));
  });
  on.stream<wire::WatchEscrows, wire::EscrowEvent>(
      [this](auto ask, auto sink) { watch_escrows(ask, std::move(sink)); });
  on.ask<wire::GetClock, wire::ClockIs>([this](auto, auto reply) {
    reply.send([this](wire::ClockIs::Builder out) { out.setNow(wallet::unix_ms(wall()).count()); });
  });
  on.tell<wire::Happened>([this](wire::Happened::Reader told) { happened(told); });
  on.ask<wire::ArbitersAre, messages::wire::Nothing>([this](wire::ArbitersAre::Reader are, Nothing reply) {
    candidates_.emplace();
    for (const auto one : are.getCandidates()) {
      const auto address = Address::from(bytes_of(one.getAddress()));
      const auto bond = Amount::from(one.getBond());
      if (address && bond) candidates_->push_back({*address, *bond, UnixMs(one.getSince())});
    }
    reply.done();
  });
  on.tell<wire::Sleepy>([this](wire::Sleepy::Reader told) {
    if (const auto id = EscrowId::from(bytes_of(told.getEscrow()))) escrows_.sleepy(id->hex());
  });
  on.timer<Deadlines>([this] { deadlines(); });
  on.timer<Alive>([this] { note_alive(); });
  on.timer<Minute>([this] {
    after<Minute>(std::chrono::minutes(1));
    rates_->clear();
    unknown_->store(0);
    again_->store(0);
  });
  on.describe<wire::EscrowsState>([this](wire::EscrowsState::Builder state) {
    state.setPlace(settings_->book.text());
    state.setHere(seat_.here());
    state.setWhy(gateway_.why());
    state.setAwake(static_cast<std::uint32_t>(escrows_.awake()));
    state.setNextDeadline(next_deadline_.value_or(UnixMs(0)).count());
  });
}

/// Limits requests of other nodes, because this actor checks signatures, and a large request is nearly all signatures.
/// On a nearly full device, escrows that were begun can end.
std::optional<Error> EscrowsActor::refusal(const runtime::Envelope& question) {
  const auto user = seat_.user(caller());
  if (user.reserved) return std::nullopt;
  const auto units = static_cast<std::uint32_t>(1 + question.bytes().size() / kUnitBytes) + read_units(question);
  auto wait = asked_.take(user, now(), units);
  if (!wait && is_one_of<wire::TakeTaskAct>(question)) wait = acted_for_tasks_.take(user, now());
  if (wait)
    return Error{Code::overloaded, "the limit of escrow requests from other nodes is reached",
                 std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kTryAgain))};
  try {
    return room_.refusal(question, user, what_for(question));
  } catch (const kj::Exception&) {
    return Error{Code::malformed, "the request cannot be decoded"};
  }
}

void EscrowsActor::start() {
  node()
      .publish<wire::GetTerms, wire::OpenEscrow, wire::TakeAct, wire::GetEscrow, wire::ListEscrows, wire::GetHeld,
               wire::ListHeld, wire::WatchEscrows, wire::LookAt, wire::GetClock, wire::JoinArbiters,
               wire::LeaveArbiters, wire::ListArbiters, wire::TakeTaskAct, wire::GetTaskEscrow>(kPath, self());
  after<Minute>(std::chrono::minutes(1));
  seat_.start([this] { begin(); }, [this] { end(); });
}

void EscrowsActor::begin() {
  ++run_;
  storage_.emplace(*this, seat_.place(), EscrowActor::kKeyspace, seat_.term());
  begin_arbiters();
  begin_tasks();
  note_alive();
}

void EscrowsActor::end() {
  ++run_;
  storage_.reset();
  candidates_.reset();
  due_.clear();
  correction_->store(kNoGroup);
  for (const runtime::Handle& child : {arbiters_, tasks_})
    if (child) stop_child(child);
  alive_ = firing_ = waking_ = false;
  alive_row_.reset();
  damaged_.reset();
  next_deadline_.reset();
  look_again_.reset();
  passed_ = UnixMs(0);
  cancel<Deadlines>();
  for (Early& one : std::exchange(early_, {})) one.reply.refuse(kElsewhere);
  escrows_.end_all();
}

void EscrowsActor::begin_arbiters() {
  if (arbiters_) return;  // the actor of the last term is ending: down() starts the next
  const ArbitersActor::Setup setup{settings_, seat_.place(), seat_.term(), correction_};
  arbiters_ = spawn<ArbitersActor>("arbiters", setup);
  watch(arbiters_);
}

void EscrowsActor::begin_tasks() {
  if (tasks_) return;
  const TaskEscrowSetup setup{settings_, seat_.place(), seat_.term(), again_};
  tasks_ = spawn<TaskEscrowsActor>("tasks", setup);
  watch(tasks_);
}

// -- requests

template <class Q, class A>
bool EscrowsActor::serve(const runtime::Envelope& question, runtime::AnyReply& reply,
                         void (EscrowsActor::*handler)(typename Q::Reader, runtime::Reply<A>)) {
  if (question.kind() != &messages::kind_of<Q>()) return false;
  runtime::Envelope::Reading<Q> reading(question);
  (this->*handler)(reading.root(), runtime::Reply<A>(std::move(reply)));
  return true;
}

void EscrowsActor::take(Early early) {
  const runtime::Envelope& question = early.question;
  runtime::AnyReply& reply = early.reply;
  asker_ = early.from;
  asked_bytes_ = question.bytes().size();
  try {
    if (serve<wire::TakeAct, wire::ActTaken>(question, reply, &EscrowsActor::act)) return;
    if (serve<wire::GetEscrow, wire::EscrowIs>(question, reply, &EscrowsActor::show)) return;
    if (serve<wire::OpenEscrow, wire::EscrowIs>(question, reply, &EscrowsActor::open)) return;
    if (serve<wire::GetTerms, wire::TermsAre>(question, reply, &EscrowsActor::terms)) return;
    if (serve<wire::ListEscrows, wire::Escrows>(question, reply, &EscrowsActor::list)) return;
    if (serve<wire::GetHeld, wire::HeldIs>(question, reply, &EscrowsActor::held)) return;
    if (serve<wire::ListHeld, wire::HeldAccounts>(question, reply, &EscrowsActor::list_held)) return;
    if (serve<wire::LookAt, wire::ActTaken>(question, reply, &EscrowsActor::look_at)) return;
    if (is_one_of<wire::JoinArbiters, wire::LeaveArbiters, wire::ListArbiters>(question))
      return pass_to(arbiters_, question, std::move(reply));
    if (is_one_of<wire::TakeTaskAct, wire::GetTaskEscrow>(question)) return pass_to(tasks_, question, std::move(reply));
    if (question.kind() == &messages::kind_of<wallet::wire::Credited>()) {
      runtime::Envelope::Reading<wallet::wire::Credited> reading(question);
      if (const auto id = EscrowId::from(bytes_of(reading.root().getId())))
        return ask_escrow(*id, {question, std::move(reply)});
    }
  } catch (const kj::Exception&) {
    return reply.refuse({Code::malformed, "the request cannot be decoded"});
  }
  reply.refuse({Code::unsupported, "escrows do not support this request"});
}

void EscrowsActor::pass_to(const runtime::Handle& child, const runtime::Envelope& question, runtime::AnyReply reply) {
  if (!child) return reply.refuse({Code::unavailable, "this part of the book is being opened: try again in a moment"});
  runtime::Header header = question.header();
  // A request that writes has its own deadline: with the caller's deadline, the answer could come before the rows.
  const bool writes = durable::changes(question), other = writes || header.due > now() + kAskDue;
  if (other) header.due = now() + kAskDue;
  auto ended = writes ? written() : base::Callback<void()>();
  request_for(seat_.behind(asker_), child, other ? question.with(header) : question,
              [answer_to = std::move(reply), ended = std::move(ended)](const runtime::Envelope& answer) mutable {
                if (ended) ended();
                answer_to.forward(answer);
              });
}

/// Begins the space accounting of the current request; call the result once it is answered.
base::Callback<void()> EscrowsActor::written() {
  return [this, order = room_.begin(asked_bytes_, seat_.user(asker_))] { room_.end(order); };
}

base::NodeId EscrowsActor::owner() const {
  return asker_.role == messages::Role::peer && asker_.node ? *asker_.node : settings_->links->self();
}

void EscrowsActor::terms(wire::GetTerms::Reader, runtime::Reply<wire::TermsAre> reply) {
  ask<wallet::wire::GetBook, wallet::wire::BookIs>(
      node().find(wallet::kPath), now() + std::chrono::seconds(10), [](wallet::wire::GetBook::Builder) {},
      [this, reply = std::move(reply)](runtime::Answer<wallet::wire::BookIs> book) mutable {
        if (!book.ok()) return reply.refuse(book.error());
        const auto id = wallet::BookId::from(bytes_of(book.value().getBook()));
        if (!id) return reply.refuse({Code::corrupt, "the book sent an invalid id: expected 32 bytes"});
        reply.send([&](wire::TermsAre::Builder out) {
          const Terms& made = settings_->terms;
          out.setBook(data_of(id->view()));
          out.setFund(data_of(wallet::account_of("fund", id->view()).view()));
          out.setSignBy(made.sign_by.count());
          out.setFundBy(made.fund_by.count());
          out.setStart(made.start.value.count());
          out.setDeliver(made.deliver.value.count());
          out.setReview(made.review.value.count());
          out.setMediation(made.mediation.count());
          out.setArbiterTerm(made.arbiter_term.count());
          out.setGrace(made.grace.count());
          out.setNow(time().count());
          out.setUpSince(up_since_.count());
          out.setSteady(seat_.place().kind != durable::Place::Kind::self || steady());
        });
      });
}

void EscrowsActor::open(wire::OpenEscrow::Reader ask, runtime::Reply<wire::EscrowIs> reply) {
  const auto agreement = decode_agreement(bytes_of(ask.getAgreement()));
  auto act = read(ask.getSign());
  if (!agreement) return reply.refuse({Code::malformed, "the agreement is malformed"});
  if (!act.ok()) return reply.refuse(act.error());
  if (!holds(act.value())) return reply.refuse({Code::refused, "the buyer has not signed this agreement"});
  if (!rates_->may(act.value().act.by)) return reply.refuse(kActsOften);
  if (const auto by = seat_.user(asker_); !by.reserved)
    if (const auto wait = opened_.take(by, now()))
      return reply.refuse({Code::overloaded, "the limit of escrows opened by other nodes is reached",
                           std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kTryAgain))});
  ask_escrow(id_of(*agreement), {runtime::Envelope::build_if_fits<wire::OpenAt>(
                                     {.due = now() + kAskDue},
                                     [&](wire::OpenAt::Builder out) {
                                       const SignedBy& by = act.value();
                                       auto open = out.initOpen();
                                       open.setAgreement(data_of(encode(*agreement)));
                                       write(open.initSign(), by.bytes, by.policy, by.approvals);
                                       if (candidates_)  // unknown while the arbiters are being read: 0
                                         out.setBonds(settled_bonds(*candidates_, *agreement, time()).units());
                                       out.setOwner(data_of(owner().view()));
                                     }),
                                 std::move(reply),
                                 {},
                                 {},
                                 written()});
}

void EscrowsActor::act(wire::TakeAct::Reader ask, runtime::Reply<wire::ActTaken> reply) {
  auto act = read(ask.getAct());
  if (!act.ok()) return reply.refuse(act.error());
  if (!holds(act.value())) return reply.refuse({Code::refused, "the signers of the account have not signed this act"});
  if (!rates_->may(act.value().act.by)) return reply.refuse(kActsOften);
  if (const auto by = seat_.user(asker_); !by.reserved)
    if (const auto wait = acted_.take(by, now()))
      return reply.refuse({Code::overloaded, "the limit of escrow acts from other nodes is reached",
                           std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kTryAgain))});
  const auto request = bytes_of(ask.getRequest());
  if (!request.empty() && request.size() != kRequestBytes)
    return reply.refuse({Code::malformed, "invalid request: expected 16 bytes"});
  std::optional<wallet::Signed> deposit;
  if (std::holds_alternative<Fund>(act.value().act.what)) {
    auto given = wallet::read(ask.getDeposit());
    if (!given.ok()) return reply.refuse(given.error());
    deposit = std::move(given).value();
  }
  ask_escrow(act.value().act.escrow, {runtime::Envelope::build_if_fits<wire::ActAt>(
                                          {.due = now() + kAskDue},
                                          [&](wire::ActAt::Builder out) {
                                            const SignedBy& by = act.value();
                                            auto take = out.initTake();
                                            write(take.initAct(), by.bytes, by.policy, by.approvals);
                                            if (deposit)
                                              wallet::write(take.initDeposit(), deposit->transfer, deposit->policy,
                                                            deposit->approvals, deposit->on_chain);
                                            take.setRequest(data_of(request));
                                            out.setTight(room_.tight() && !seat_.user(asker_).reserved);
                                            out.setOwner(data_of(owner().view()));
                                          }),
                                      std::move(reply),
                                      {},
                                      seat_.behind(asker_),
                                      written()});
}

void EscrowsActor::show(wire::GetEscrow::Reader ask, runtime::Reply<wire::EscrowIs> reply) {
  const auto id = EscrowId::from(bytes_of(ask.getEscrow()));
  if (!id) return reply.refuse({Code::malformed, "invalid escrow id: expected 32 bytes"});
  Question question{runtime::Envelope::build<wire::GetEscrow>({.due = now() + kAskDue},
                                                              [&](wire::GetEscrow::Builder out) {
                                                                out.setEscrow(ask.getEscrow());
                                                                out.setAfter(ask.getAfter());
                                                              }),
                    std::move(reply)};
  if (const auto by = seat_.user(asker_); !by.reserved) {
    if (!reading_.fits(by, 1))
      return question.refuse({Code::overloaded, "too many logs of escrows are being read for other nodes", kTryAgain});
    reading_.hold(by, 1);
    question.done = [this, by] { reading_.release(by, 1); };
  }
  ask_escrow(*id, std::move(question));
}

void EscrowsActor::look_at(wire::LookAt::Reader ask, runtime::Reply<wire::ActTaken> reply) {
  const bool may =
      asker_.role == messages::Role::peer ? asker_.node && seat_.trusts(*asker_.node) : asker_.who() == "local";
  if (!may)
    return reply.refuse(
        {Code::refused,
         "an escrow can be checked only at the local socket of the book's node, or of a member of its group"});
  const auto id = EscrowId::from(bytes_of(ask.getEscrow()));
  if (!id) return reply.refuse({Code::malformed, "invalid escrow id: expected 32 bytes"});
  ask_escrow(*id, {runtime::Envelope::build<wire::LookAt>(
                       {.due = now() + kAskDue}, [&](wire::LookAt::Builder out) { out.setEscrow(ask.getEscrow()); }),
                   std::move(reply)});
}

void EscrowsActor::list(wire::ListEscrows::Reader ask, runtime::Reply<wire::Escrows> reply) {
  const auto account = Address::from(bytes_of(ask.getAccount()));
  const auto from = EscrowId::from(bytes_of(ask.getFrom()));
  const auto stage = stage_named(text_of(ask.getState()));
  if ((!account && ask.getAccount().size() > 0) || (!from && ask.getFrom().size() > 0))
    return reply.refuse({Code::malformed, "invalid account or id: expected 32 bytes"});
  if (!stage && ask.getState().size() > 0) return reply.refuse({Code::malformed, "unknown state of an escrow"});
  storage_->confirm(
      [this, run = run_, account, from, stage, reply = std::move(reply)](const base::Outcome<void>& here) mutable {
        if (!here.ok() || run != run_) return reply.refuse(kElsewhere);
        storage_->range(
            rows::prefix('s'), from ? rows::key('s', *from) : rows::prefix('s'), kListRows,
            [account, stage, reply = std::move(reply)](const base::Outcome<durable::Storage::Page>& page) mutable {
              if (!page.ok()) return reply.refuse(page.error());
              std::vector<std::pair<EscrowId, rows::Summary>> found;
              for (const auto& row : page.value().rows) {
                const auto id = EscrowId::from(base::ByteView(row.key).subspan(1));
                const auto summary = rows::decode_summary(row.value);
                if (!id || !summary || (stage && summary->stage != *stage)) continue;
                if (account && summary->buyer != *account && summary->provider != *account) continue;
                found.emplace_back(*id, *summary);
              }
              reply.send([&](wire::Escrows::Builder out) {
                auto list = out.initRows(size32(found));
                for (unsigned i = 0; i < list.size(); ++i) {
                  const auto& [id, summary] = found[i];
                  list[i].setEscrow(data_of(id.view()));
                  list[i].setState(std::string(name(summary.stage)));
                  list[i].setAmount(summary.price.units());
                  list[i].setDeadline(summary.deadline.count());
                  list[i].setBuyer(data_of(summary.buyer.view()));
                  list[i].setProvider(data_of(summary.provider.view()));
                }
                if (!page.value().next) return;
                Bytes next(page.value().next->begin() + 1, page.value().next->end());
                next.resize(EscrowId::kBytes);
                if (page.value().next->size() > 1 + EscrowId::kBytes)  // after the last key: the next id
                  for (auto at = next.rbegin(); at != next.rend() && ++*at == 0;) ++at;
                out.setNext(data_of(next));
              });
            });
      });
}

void EscrowsActor::held(wire::GetHeld::Reader ask, runtime::Reply<wire::HeldIs> reply) {
  const auto address = Address::from(bytes_of(ask.getAddress()));
  if (!address) return reply.refuse({Code::malformed, "invalid address: expected 32 bytes"});
  const Bytes prefix = rows::held_prefix(*address);
  storage_->confirm([this, run = run_, by = seat_.user(asker_), prefix,
                     reply = std::move(reply)](const base::Outcome<void>& here) mutable {
    if (!here.ok() || run != run_) return reply.refuse(kElsewhere);
    add_held(by, prefix, prefix, Amount(), std::move(reply));
  });
}

void EscrowsActor::add_held(const base::User<base::NodeId>& by, const Bytes& prefix, const Bytes& from, Amount sum,
                            runtime::Reply<wire::HeldIs> reply) {
  storage_->range(prefix, from, kListRows,
                  [this, run = run_, by, prefix, sum,
                   reply = std::move(reply)](const base::Outcome<durable::Storage::Page>& page) mutable {
                    if (!page.ok()) return reply.refuse(page.error());
                    for (const auto& row : page.value().rows)
                      if (row.value.size() == 8)
                        if (const auto one = Amount::from(base::load<std::uint64_t>(row.value)))
                          sum = plus(sum, *one).value_or(sum);
                    if (page.value().next) {
                      if (run != run_) return reply.refuse(kElsewhere);
                      if (const auto wait = by.reserved ? std::nullopt : asked_.take(by, now(), kScanUnits))
                        return reply.refuse(
                            {Code::overloaded, "the limit of escrow rows read for other nodes is reached", kTryAgain});
                      return add_held(by, prefix, *page.value().next, sum, std::move(reply));
                    }
                    reply.send([&](wire::HeldIs::Builder out) { out.setAmount(sum.units()); });
                  });
}

/// Adds up the rows of a page by account.
void EscrowsActor::list_held(wire::ListHeld::Reader ask, runtime::Reply<wire::HeldAccounts> reply) {
  const base::ByteView from = bytes_of(ask.getFrom());
  if (from.size() > kHeldFromMax)
    return reply.refuse({Code::malformed, "invalid start of the page: it is not the end of a response"});
  Bytes key = rows::prefix('b');
  base::append(key, from);
  storage_->confirm([this, run = run_, key, reply = std::move(reply)](const base::Outcome<void>& here) mutable {
    if (!here.ok() || run != run_) return reply.refuse(kElsewhere);
    storage_->range(rows::prefix('b'), key, kListRows,
                    [reply = std::move(reply)](const base::Outcome<durable::Storage::Page>& page) mutable {
                      if (!page.ok()) return reply.refuse(page.error());
                      std::vector<std::pair<Address, Amount>> sums;
                      for (const auto& row : page.value().rows) {
                        if (row.key.size() < 1 + Address::kBytes || row.value.size() != 8) continue;
                        const auto party = Address::from(base::ByteView(row.key).subspan(1, Address::kBytes));
                        const auto amount = Amount::from(base::load<std::uint64_t>(row.value));
                        if (!party || !amount) continue;
                        if (sums.empty() || sums.back().first != *party) sums.emplace_back(*party, Amount());
                        sums.back().second = plus(sums.back().second, *amount).value_or(sums.back().second);
                      }
                      reply.send([&](wire::HeldAccounts::Builder out) {
                        auto list = out.initRows(size32(sums));
                        for (unsigned i = 0; i < list.size(); ++i) {
                          list[i].setAddress(data_of(sums[i].first.view()));
                          list[i].setAmount(sums[i].second.units());
                        }
                        if (page.value().next) out.setNext(data_of(base::ByteView(*page.value().next).subspan(1)));
                      });
                    });
  });
}

// -- the actors of escrows

void EscrowsActor::ask_escrow(const EscrowId& id, Question question) {
  if (!storage_) return question.refuse(kElsewhere);
  escrows_.ask(id.hex(), std::move(question));
}

/// Unfinished work wakes the escrow again (note_alive).
void EscrowsActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  if (ended == arbiters_) {
    arbiters_ = {};
    if (storage_) begin_arbiters();
  } else if (ended == tasks_) {
    tasks_ = {};
    if (storage_) begin_tasks();
  } else {
    escrows_.down(ended);
  }
}

/// Wakes escrows that were unfinished when the seat was last held. One scan at a time.
void EscrowsActor::wake_unfinished() {
  if (!std::exchange(waking_, true)) wake_page(rows::prefix('o'));
}

/// Reads the next page once all escrows of this page have answered, so that kWakesAtOnce are read at a time.
void EscrowsActor::wake_page(const Bytes& from) {
  storage_->range(rows::prefix('o'), from, kWakesAtOnce,
                  [this, run = run_](const base::Outcome<durable::Storage::Page>& page) {
                    if (run != run_) return;
                    if (!page.ok()) {
                      waking_ = alive_ = false;  // starts again
                      return after<Alive>(kTryAgain);
                    }
                    // The read of the page itself counts as one.
                    const auto waits = std::make_shared<std::size_t>(1);
                    const auto answered = [this, run, waits, next = page.value().next] {
                      if (--*waits > 0 || run != run_) return;
                      if (next) wake_page(*next);
                      else waking_ = false;
                    };
                    for (const auto& row : page.value().rows) {
                      const auto id = EscrowId::from(base::ByteView(row.key).subspan(1));
                      if (!id) continue;
                      ++*waits;
                      ask_escrow(*id, {runtime::Envelope::build<wire::GetEscrow>({.due = now() + kWakeDue},
                                                                                 [&](wire::GetEscrow::Builder out) {
                                                                                   out.setEscrow(data_of(id->view()));
                                                                                   out.setAfter(UINT64_MAX - 1);
                                                                                 }),
                                       {},
                                       answered});
                    }
                    answered();
                  });
}

void EscrowsActor::happened(wire::Happened::Reader told) {
  const auto id = EscrowId::from(bytes_of(told.getEscrow()));
  if (!id) return;
  due_.erase(*id);
  if (const UnixMs deadline(told.getDeadline()); deadline > UnixMs(0)) {
    if (deadline > passed_) arm(deadline);
    else look_again(base::Duration::zero());
  }
  watchers_.remove_if([](const Watcher& one) { return one.over; });
  watching_->store(static_cast<std::uint32_t>(watchers_.size()), std::memory_order_relaxed);
  if (watchers_.empty()) return;
  // Read once, because the total size that may be read from a message is limited, and there may be many watchers.
  std::vector<std::shared_ptr<const Bytes>> entries;
  for (const auto entry : told.getEntries()) {
    const auto bytes = bytes_of(entry);
    entries.push_back(std::make_shared<const Bytes>(bytes.begin(), bytes.end()));
  }
  for (Watcher& watcher : watchers_) {
    if (watcher.escrow && *watcher.escrow != *id) continue;
    for (const auto& entry : entries) watcher.waiting.emplace_back(*id, entry);
    show(watcher);
  }
}

void EscrowsActor::watch_escrows(wire::WatchEscrows::Reader ask, runtime::Sink<wire::EscrowEvent> sink) {
  const auto id = EscrowId::from(bytes_of(ask.getEscrow()));
  if (!id && ask.getEscrow().size() > 0) return sink.fail({Code::malformed, "invalid escrow id: expected 32 bytes"});
  watchers_.remove_if([](const Watcher& one) { return one.over; });
  const runtime::Caller from = caller();
  const auto by = from.role == messages::Role::peer ? from.node : std::nullopt;
  const auto strangers = std::ranges::count_if(watchers_, [](const Watcher& one) { return one.node.has_value(); });
  const auto same = std::ranges::count_if(watchers_, [&](const Watcher& one) { return one.node == by; });
  if (watchers_.size() >= kWatchersMax || (by && (strangers >= kWatchersOfNodes || same >= kWatchersOfNode)))
    return sink.fail({Code::overloaded, "too many watchers of escrows"});
  const bool here = seat_.here();
  const runtime::Handle there = here || by ? runtime::Handle{} : gateway_.there();
  if (!here && !there)
    return sink.fail({Code::unavailable, "the book is not at this node, and no route to it is known"});
  Watcher& watcher = watchers_.emplace_back(Watcher{id, by, std::move(sink)});
  watcher.sink.on_ready([this, &watcher] { show(watcher); });
  watcher.sink.on_cancel([&watcher] { watcher.over = true; });
  watching_->store(static_cast<std::uint32_t>(watchers_.size()), std::memory_order_relaxed);
  if (here) return;
  watcher.from = subscribe<wire::WatchEscrows, wire::EscrowEvent>(
      there, kStreamIdle,
      [&](wire::WatchEscrows::Builder out) {
        if (id) out.setEscrow(data_of(id->view()));
      },
      [this, &watcher](wire::EscrowEvent::Reader event) {
        const auto of = EscrowId::from(bytes_of(event.getEscrow()));
        const auto entry = bytes_of(event.getEntry());
        if (!of || watcher.over) return;
        watcher.waiting.emplace_back(*of, std::make_shared<const Bytes>(entry.begin(), entry.end()));
        show(watcher);
      },
      [&watcher](const base::Result<void, Error>& ended) {
        if (std::exchange(watcher.over, true)) return;
        watcher.sink.fail(ended.ok() ? Error{Code::unavailable, "the book has ended the watch"} : ended.error());
      });
}

void EscrowsActor::show(Watcher& watcher) {
  while (!watcher.over && watcher.sink.ready() && !watcher.waiting.empty()) {
    const auto& [id, entry] = watcher.waiting.front();
    watcher.sink.push([&id = id, &entry = entry](wire::EscrowEvent::Builder out) {
      out.setEscrow(data_of(id.view()));
      out.setEntry(data_of(*entry));
    });
    watcher.waiting.pop_front();
  }
  if (watcher.over || watcher.waiting.size() <= kWatcherWaitingMax) return;
  watcher.over = true;
  watcher.sink.fail({Code::overloaded, "the reader is too slow and was disconnected: start again"});
}

}  // namespace troupe::escrow
