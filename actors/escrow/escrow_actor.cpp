#include "actors/escrow/escrow_actor.hpp"

#include <algorithm>

#include "actors/escrow/api.hpp"
#include "actors/escrow/arbiters_actor.hpp"
#include "actors/escrow/deposit_waiting.hpp"
#include "messages/codec.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

// Our choice: entries of a log in a response, with as many acts; at most 320 KiB.
constexpr std::uint32_t kPageRows = 64;

Error error_of(EscrowError why) {
  const bool changed = why == EscrowError::changed || why == EscrowError::replayed || why == EscrowError::unconfirmed;
  return {changed ? Code::conflict : Code::refused, std::string(name(why))};
}

constexpr std::size_t kSnapshotBytesMax = 64 * 1024;  // our choice

/// Returns the hash of an act as typed: without its number, its deposit, the bytes that a party's first act in a
/// dispute reveals, and the date of a span.
base::Digest content_of(Act act) {
  act.number = 0;
  if (auto* fund = std::get_if<Fund>(&act.what)) fund->transfer = {};
  if (auto* propose = std::get_if<Propose>(&act.what)) propose->reveal.reset();
  if (auto* agree = std::get_if<Agree>(&act.what)) agree->reveal.reset();
  if (auto* extend = std::get_if<Extend>(&act.what)) extend->due = {};
  return crypto::sha256(encode(act));
}

}  // namespace

UnixMs group_time(base::WallTime wall, base::Instant now, const std::atomic<std::int64_t>& correction) {
  const std::int64_t ms = correction.load(std::memory_order_relaxed);
  if (ms == kNoGroup) return wallet::unix_ms(wall);
  const auto steady = std::chrono::duration_cast<std::chrono::milliseconds>(now.since_origin()).count();
  return UnixMs(static_cast<std::uint64_t>(std::max<std::int64_t>(steady + ms, 0)));
}

UnixMs EscrowActor::time() const { return group_time(wall(), now(), *setup_.correction); }

Error EscrowActor::unknown() const { return {Code::not_found, "unknown escrow " + setup_.id.hex()}; }

void EscrowActor::receive(runtime::Handlers& on) {
  on.ask<wire::OpenAt, wire::EscrowIs>([this](auto ask, auto reply) { open(ask, std::move(reply)); });
  on.ask<wire::ActAt, wire::ActTaken>([this](auto ask, auto reply) { act(ask, std::move(reply)); });
  on.ask<wallet::wire::Credited, messages::wire::Nothing>(
      [this](auto ask, auto reply) { credited(ask, std::move(reply)); });
  on.ask<wire::DueAt, messages::wire::Nothing>([this](auto ask, auto reply) { due(ask, std::move(reply)); });
  on.ask<wire::LookAt, wire::ActTaken>([this](wire::LookAt::Reader, auto reply) {
    want({.what = Command(Looked{}), .done = [reply = std::move(reply)](const base::Outcome<Taken>& done) mutable {
            if (!done.ok()) return reply.refuse(done.error());
            reply.send([&](wire::ActTaken::Builder out) {
              out.setSequence(done.value().sequence);
              out.setChanged(done.value().changed);
            });
          }});
  });
  on.ask<wire::GetEscrow, wire::EscrowIs>([this](wire::GetEscrow::Reader ask, auto reply) {
    when_loaded([this, after = ask.getAfter(), reply = std::move(reply)](const base::Outcome<void>& read) mutable {
      if (!read.ok()) return reply.refuse(read.error());
      show(after, kPageRows, std::move(reply));
    });
  });
  ledger_.receive<DepositAgain, PayAgain>(on);
  on.timer<Reload>([this] { load(); });
  on.timer<Resend>([this] { resend(); });
  on.timer<Idle>([this] {
    if (loaded_ && queue_.empty() && !busy_ && (!replay_ || (unfinished(escrow()).empty() && sayings_.empty())))
      tell<wire::Sleepy>(node().find(kPath),
                         [&](wire::Sleepy::Builder out) { out.setEscrow(data_of(setup_.id.view())); });
    after<Idle>(replay_ ? setup_.settings->idle : std::chrono::duration_cast<base::Duration>(kUnknownIdle));
  });
  on.describe<wire::EscrowState>([this](wire::EscrowState::Builder state) {
    state.setWaiting(static_cast<std::uint32_t>(queue_.size()));
    if (!replay_) return state.setState(loaded_ ? "unknown" : "being read");
    state.setState(std::string(name(escrow().stage)));
    state.setSentence(sentence(escrow()));
    state.setSequence(replay_->sequence());
  });
}

// -- commands

void EscrowActor::act(wire::ActAt::Reader ask, runtime::Reply<wire::ActTaken> reply) {
  auto given = read(ask.getTake().getAct());
  if (!given.ok()) return reply.refuse(given.error());
  ActWanted it{.acted = Acted{given.value().act},
               .bytes = {given.value().bytes, given.value().policy, given.value().approvals},
               .owner = node_of(ask.getOwner()),
               .tight = ask.getTight()};
  Done done = [rates = setup_.rates, by = given.value().act.by,
               reply = std::move(reply)](const base::Outcome<Taken>& taken) mutable {
    if (!taken.ok()) return reply.refuse(taken.error());
    if (taken.value().changed) rates->note(by);
    reply.send([&](wire::ActTaken::Builder out) {
      out.setSequence(taken.value().sequence);
      out.setChanged(taken.value().changed);
    });
  };
  const Act& what = given.value().act;
  if (const auto* fund = std::get_if<Fund>(&what.what)) {
    auto deposit = wallet::read(ask.getTake().getDeposit());
    if (!deposit.ok()) return done(deposit.error());
    const auto& [transfer, policy, approvals, on_chain] = deposit.value();
    const bool fits = id_of(transfer) == fund->transfer && transfer.from == what.by && transfer.credits.size() == 1 &&
                      transfer.credits[0] == wallet::Credit{account_of(setup_.id), fund->amount};
    if (!fits) return done(Error{Code::malformed, "the deposit does not match the transfer or the amount in the act"});
    if (!wallet::Order::approved(transfer, policy, approvals))
      return done(Error{Code::refused, "the signers of the account have not approved the deposit"});
    it.deposit = rows::SignedBytes{wallet::encode(transfer), policy, approvals, on_chain};
    if (setup_.place.has_shares() && caller().node) it.from = caller();
  }
  const auto request = bytes_of(ask.getTake().getRequest());
  if (request.empty()) return take({.what = std::move(it), .done = std::move(done)});
  if (request.size() != kRequestBytes) return done(Error{Code::malformed, "invalid request: expected 16 bytes"});
  it.request = Request{rows::request_key(setup_.id, request), content_of(what)};
  look_up_request(std::make_shared<Wanted>(Wanted{.what = std::move(it), .done = std::move(done)}));
}

/// Looks up the request: the same act changes nothing, whatever has happened since. A Fund waits for its deposit again.
void EscrowActor::look_up_request(std::shared_ptr<Wanted> wanted) {
  when_loaded([this, wanted](const base::Outcome<void>& read) {
    if (!read.ok()) return wanted->done(read.error());
    if (!replay_) return wanted->done(unknown());
    const ActWanted& act = std::get<ActWanted>(wanted->what);
    storage_.get(act.request->row, [this, wanted, &act](const base::Outcome<std::optional<Bytes>>& row) {
      if (!row.ok()) return wanted->done(row.error());
      if (!row.value()) return take(std::move(*wanted));
      if (base::Digest::from(*row.value()) != act.request->act)
        return wanted->done(Error{Code::conflict, "this request was used for another act: use a new request"});
      if (std::holds_alternative<Fund>(act.acted.act.what)) return take(std::move(*wanted));
      wanted->done(Taken{replay_ ? replay_->sequence() : 0, false});
    });
  });
}

void EscrowActor::take(Wanted wanted) {
  const Act& what = std::get<ActWanted>(wanted.what).acted.act;
  // The guards check signing and paying accounts.
  if (std::holds_alternative<Sign>(what.what) || std::holds_alternative<Fund>(what.what))
    return when_loaded(
        [this, wanted = std::make_shared<Wanted>(std::move(wanted))](const base::Outcome<void>& read) mutable {
          if (!read.ok()) return wanted->done(read.error());
          if (!replay_) return wanted->done(unknown());
          look_before(std::move(wanted));
        });
  want(std::move(wanted));
}

void EscrowActor::look_before(std::shared_ptr<Wanted> wanted) {
  const auto judge = [this, wanted](UnixMs known) {
    ActWanted& it = std::get<ActWanted>(wanted->what);
    Sighting sighting{.amount = escrow().agreement.price, .known = known, .owners = founding_->owners};
    if (party_of(it) == Party::provider) of(sighting.owners, Party::provider) = it.owner;
    Finding finding = look(setup_.settings->guards, sighting);
    // An escrow that was held and checked when it was signed is not held again.
    const bool signs = std::holds_alternative<Sign>(it.acted.act.what);
    if (!signs && finding.verdict == Verdict::hold) finding = {};
    if (finding.verdict == Verdict::refuse)
      return wanted->done(Error{Code::refused, "the setting escrow." + std::string(finding.rule) + " refuses it"});
    it.acted.verdict = finding.verdict;
    if (!finding.rule.empty()) it.note = std::string(finding.rule);
    want(std::move(*wanted));
  };
  if (setup_.settings->guards.fresh_limit == Amount()) return judge(UnixMs(0));
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      node().find(wallet::kPath), now() + kBookDue,
      [&](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(escrow().agreement.buyer.view())); },
      [this, judge, wanted](runtime::Answer<wallet::wire::AccountIs> account) {
        if (!account.ok()) return wanted->done(account.error());
        const UnixMs since(account.value().getAccount().getSince()), at = time();
        if (!loaded_ || !replay_)
          return wanted->done(Error{Code::unavailable, "the escrow is being read again: try again"});
        judge(since > UnixMs(0) && at > since ? at - since : UnixMs(0));
      });
}

/// Returns the book's secret: a new secret each time, until the book has committed to it.
Reveal EscrowActor::secret() const {
  if (founding_->secret) return *founding_->secret;
  Reveal out;
  world().chance.fill(out.bytes);
  return out;
}

Party EscrowActor::party_of(const ActWanted& act) const {
  return act.acted.act.by == escrow().agreement.provider ? Party::provider : Party::buyer;
}

void EscrowActor::credited(wallet::wire::Credited::Reader ask, Nothing reply) {
  const auto transfer = wallet::TransferId::from(bytes_of(ask.getTransfer()));
  const auto from = Address::from(bytes_of(ask.getFrom()));
  const auto amount = Amount::from(ask.getAmount());
  if (!transfer || !from || !amount) return reply.refuse({Code::malformed, "the credit is malformed"});
  when_loaded([this, arrived = Arrived{ask.getSequence(), *transfer, *from, *amount},
               reply = std::move(reply)](const base::Outcome<void>& read) mutable {
    if (!read.ok()) return reply.refuse(read.error());
    if (!replay_) return reply.done();  // before the escrow exists, no act announces money
    want({.what = Command(arrived), .done = [reply = std::move(reply)](const base::Outcome<Taken>& done) mutable {
            if (done.ok()) reply.done();
            else reply.refuse(done.error());
          }});
  });
}

void EscrowActor::due(wire::DueAt::Reader ask, Nothing reply) {
  Fire fire{.up_since = UnixMs(ask.getUpSince())};
  for (const auto one : ask.getCandidates()) {
    const auto address = Address::from(bytes_of(one.getAddress()));
    const auto bond = Amount::from(one.getBond());
    if (address && bond) fire.candidates.push_back({*address, *bond, UnixMs(one.getSince())});
  }
  want({.what = FireWanted{std::move(fire), ask.hasCandidates()},
        .done = [reply = std::move(reply)](const base::Outcome<Taken>&) mutable { reply.done(); }});
}

void EscrowActor::want(Wanted wanted) {
  when_loaded([this, wanted = std::move(wanted)](const base::Outcome<void>& read) mutable {
    if (!read.ok()) return wanted.done(read.error());
    if (!replay_) return wanted.done(unknown());
    const auto* act = std::get_if<ActWanted>(&wanted.what);
    if (act != nullptr && !is_for(act->acted.act.by)) return wanted.done(error_of(EscrowError::party));
    if (!wanted.own && queue_.size() >= kWaitingMax)
      return wanted.done(Error{Code::overloaded, "too many commands wait for this escrow"});
    queue_.push_back(std::move(wanted));
    next();
  });
}

/// Returns whether that account may act on the escrow at all: other accounts take no slot.
bool EscrowActor::is_for(const Address& by) const {
  const Agreement& between = escrow().agreement;
  return by == between.buyer || by == between.provider || std::ranges::find(escrow().drawn, by) != escrow().drawn.end();
}

void EscrowActor::next() {
  while (loaded_ && !busy_ && !queue_.empty()) {
    Wanted wanted = std::move(queue_.front());
    queue_.pop_front();
    perform(std::move(wanted));
  }
}

/// A decision that is being committed.
struct EscrowActor::Step {
  Wanted wanted;
  Decision decision;
  std::vector<Entry> entries;
  Replay replay;  ///< after the entries
  std::optional<rows::Founding> founding;
  std::map<Bytes, Address> sayings;  ///< new reports about arbiters

  const ActWanted* act() const { return std::get_if<ActWanted>(&wanted.what); }
  bool funds() const { return act() != nullptr && act()->deposit.has_value(); }
};

void EscrowActor::want_own(Command command) {
  want({.what = std::move(command), .own = true, .done = [](const base::Outcome<Taken>&) {}});
}

void EscrowActor::perform(Wanted wanted) {
  if (std::holds_alternative<SaidWanted>(wanted.what)) return forget(std::move(wanted));
  // It was not disputed when its timer was read: the next scan brings the candidates.
  const auto* fire = std::get_if<FireWanted>(&wanted.what);
  if (fire != nullptr && !fire->draws && escrow().stage == Stage::disputed)
    return wanted.done(error_of(EscrowError::early));
  const Command command = command_of(wanted);
  const UnixMs at = time();
  const Paying paying = setup_.place.chain ? Paying::gathered : Paying::at_once;
  auto decided = decide(escrow(), command, at, world().mutations, paying);
  if (!decided.ok()) return wanted.done(error_of(decided.error()));
  if (decided.value().events.empty()) return nothing_happens(wanted);
  Step step = step_of(std::move(wanted), command, std::move(decided).value(), at);
  if (step.act() != nullptr && step.act()->tight && step.replay.escrow().stage == escrow().stage)
    return step.wanted.done(
        Error{Code::no_space,
              "the device of the book is nearly full: only acts that move an escrow to another state are accepted"});
  commit(std::move(step));
}

/// Completes the command with this actor's data.
Command EscrowActor::command_of(const Wanted& wanted) const {
  if (const auto* act = std::get_if<ActWanted>(&wanted.what)) {
    Acted out = act->acted;
    out.secret = secret();
    return out;
  }
  if (const auto* fires = std::get_if<FireWanted>(&wanted.what)) {
    Fire out = fires->fire;
    out.secret = secret();
    out.bonds = founding_->bonds;
    return out;
  }
  return std::get<Command>(wanted.what);
}

void EscrowActor::nothing_happens(Wanted& wanted) {
  const auto* act = std::get_if<ActWanted>(&wanted.what);
  if (act != nullptr && act->deposit && of(escrow().depositing, party_of(*act)))
    return wait_for_deposit(of(deposits_, party_of(*act)).waiting, std::move(wanted.done));
  wanted.done(Taken{replay_->sequence(), false});
}

EscrowActor::Step EscrowActor::step_of(Wanted wanted, const Command& command, Decision decision, UnixMs at) const {
  Step out{.wanted = std::move(wanted), .decision = std::move(decision), .replay = *replay_};
  const ActWanted* act = out.act();
  out.entries = replay_->entries(out.decision.events, at, act != nullptr ? act->acted.act.by : Address{},
                                 act != nullptr ? crypto::sha256(act->bytes.bytes) : base::Digest{});
  for (const Entry& entry : out.entries) base::ensure(out.replay.take(entry).ok(), "what was decided can happen");
  out.founding = founding_after(act, command, out.decision);
  out.sayings = sayings_of(act, out.decision, out.replay.escrow());
  return out;
}

durable::Storage::Commit EscrowActor::commit_of(const Step& step) const {
  durable::Storage::Commit out{
      .head = {},
      .rows = rows::of_entries(&*replay_, step.replay, step.entries, commits_ + 1, step.sayings, !sayings_.empty())};
  const std::uint64_t each = setup_.settings->snapshot_after;
  if (step.replay.sequence() / each > replay_->sequence() / each)
    if (auto snapshot = step.replay.snapshot(world().mutations); snapshot && snapshot->size() <= kSnapshotBytesMax)
      out.rows[rows::key('z', setup_.id)] = std::move(*snapshot);
  if (step.founding) out.rows[rows::key('g', setup_.id)] = rows::encode(*step.founding);
  const ActWanted* act = step.act();
  if (act == nullptr) return out;
  out.rows[rows::numbered_key('a', setup_.id, step.entries.front().sequence)] = rows::encode(act->bytes);
  if (act->request) out.rows[act->request->row] = Bytes(act->request->act.bytes.begin(), act->request->act.bytes.end());
  if (act->deposit)
    out.rows[rows::numbered_key('d', setup_.id, static_cast<std::uint64_t>(party_of(*act)))] =
        rows::encode(*act->deposit);
  return out;
}

void EscrowActor::commit(Step decided) {
  const auto step = std::make_shared<Step>(std::move(decided));
  if (world().mutations.on("escrow.answers_before_commit") && step->act() != nullptr && !step->funds())
    step->wanted.done(Taken{step->replay.sequence(), true});
  make_durable(commit_of(*step), [this, step](const base::Outcome<void>& done) {
    if (!done.ok()) return step->wanted.done(done.error());
    happens(*step);
    answer(*step);
    for (const Effect& one : step->decision.effects) effect(one);
    say();
  });
}

void EscrowActor::make_durable(durable::Storage::Commit commit, durable::Opening::Then then) {
  commit.head = rows::key('h', setup_.id);
  commit.expected = head_row_;
  busy_ = true;
  Bytes head = *commit.rows[commit.head];
  storage_.commit(std::move(commit), [this, run = run_, head = std::move(head),
                                      then = std::move(then)](const base::Outcome<void>& done) mutable {
    if (run != run_ || !done.ok()) {
      const Error why = durable::not_committed(done, "the escrow was read again");
      then(why);
      if (run == run_) reload(why);
      return;
    }
    busy_ = false;
    ++commits_;
    head_row_ = std::move(head);
    then({});
    next();
  });
}

/// Applies a durable step.
void EscrowActor::happens(Step& step) {
  replay_.emplace(std::move(step.replay));
  if (step.founding) founding_ = std::move(step.founding);
  if (step.funds()) {
    auto& act = std::get<ActWanted>(step.wanted.what);
    of(deposits_, party_of(act)) = {*act.deposit, std::move(act.from)};
  }
  sayings_.insert(step.sayings.begin(), step.sayings.end());
  happened(step.entries);
}

void EscrowActor::answer(Step& step) {
  const Taken taken{replay_->sequence(), true};
  for (const Entry& entry : step.entries) {
    const auto* ended = std::get_if<DepositEnded>(&entry.event);
    if (ended == nullptr) continue;
    const bool paid = of(escrow().deposited, ended->party) > Amount();
    auto& refused = of(deposits_, ended->party).refused;
    if (paid) deposit_ended(ended->party, taken);
    else deposit_ended(ended->party, refused.value_or(Error{Code::refused, "the deposit came too late: it goes back"}));
    refused.reset();
  }
  // A deposit is answered when the ledger has reported its result.
  const ActWanted* act = step.act();
  if (step.funds() && of(escrow().depositing, party_of(*act)))
    wait_for_deposit(of(deposits_, party_of(*act)).waiting, std::move(step.wanted.done));
  else step.wanted.done(taken);
}

/// Returns nullopt if it stays as it is.
std::optional<rows::Founding> EscrowActor::founding_after(const ActWanted* act, const Command& command,
                                                          const Decision& decision) const {
  rows::Founding out = *founding_;
  if (act != nullptr) {
    const bool signs = std::holds_alternative<Sign>(act->acted.act.what);
    if (party_of(*act) == Party::provider && ((act->owner && signs) || act->note))
      of(out.owners, Party::provider) = act->owner;
    if (act->note && std::ranges::find(out.notes, *act->note) == out.notes.end()) out.notes.push_back(*act->note);
  }
  const bool commits =
      std::ranges::any_of(decision.events, [](const Event& one) { return std::holds_alternative<BookCommitted>(one); });
  if (commits)
    out.secret = std::visit(
        []<class T>(const T& what) {
          if constexpr (requires { what.secret; }) return std::optional(what.secret);
          else return std::optional<Reveal>();
        },
        command);
  if (out == *founding_) return std::nullopt;
  return out;
}

void EscrowActor::happened(const std::vector<Entry>& entries) {
  tell<wire::Happened>(node().find(kPath), [&](wire::Happened::Builder out) {
    out.setEscrow(data_of(setup_.id.view()));
    out.setDeadline(is_final(escrow().stage) ? 0 : escrow().deadline.count());
    if (setup_.watchers->load(std::memory_order_relaxed) == 0) return;
    auto list = out.initEntries(size32(entries));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(encode(entries[i])));
  });
}

// -- money

/// Sends durable effects that are not known to be done.
void EscrowActor::resend() {
  if (!loaded_ || !replay_) return;
  for (const Effect& one : unfinished(escrow())) effect(one);
  say();
}

void EscrowActor::effect(const Effect& effect) {
  if (const auto* payment = std::get_if<SendPayment>(&effect))
    return ledger_.pay(
        "escrow", setup_.id.view(), payment->transfer,
        [this, id = id_of(payment->transfer)](const base::Outcome<std::uint64_t>&) { payment_ended(id); });
  if (const auto* deposit = std::get_if<SendDeposit>(&effect))
    for (const Party party : {Party::buyer, Party::provider})
      if (of(escrow().depositing, party) == deposit->transfer) send_deposit(party);
}

/// Sends a deposit. Its answer and the notice of its credit both count. On a chain the credit may precede the act.
void EscrowActor::send_deposit(Party party) {
  const Depositing& deposit = of(deposits_, party);
  if (!deposit.transfer) return;
  const auto transfer = wallet::decode_transfer(deposit.transfer->bytes);
  base::ensure(transfer.has_value(), "a deposit was read before it was kept");
  const Arrived arrives{0, *of(escrow().depositing, party), transfer->from, transfer->credits.front().amount};
  ledger_.deposit(*deposit.transfer, deposit.from, [this, party, arrives](const base::Outcome<std::uint64_t>& posted) {
    if (posted.ok()) return want_own(Arrived{posted.value(), arrives.transfer, arrives.from, arrives.amount});
    of(deposits_, party).refused = posted.error();
    want_own(DepositRefused{arrives.transfer});
  });
}

/// Gives the fund what no act has announced, on a chain and after the last payment. Until that is done the payment stays
/// unfinished: after a failure it is sent again, the ledger gives the same answer, and this function runs again.
void EscrowActor::payment_ended(const wallet::TransferId& id) {
  const Command command = PaymentConfirmed{id};
  const auto decided = decide(escrow(), command, time(), world().mutations, Paying::gathered);
  Escrow after_it = escrow();
  if (decided.ok())
    for (const Event& event : decided.value().events) escrow::apply(after_it, event);
  if (!setup_.place.chain || !is_final(after_it.stage) || !after_it.confirmed()) return want_own(command);
  ask<wallet::wire::Follow, messages::wire::Nothing>(
      node().find(wallet::kPath), now() + kBookDue,
      [this](wallet::wire::Follow::Builder out) {
        out.setKind("escrow");
        out.setId(data_of(setup_.id.view()));
        out.setEnded(true);
      },
      [this, run = run_, command](const runtime::Answer<messages::wire::Nothing>& swept) {
        if (run != run_) return;
        if (swept.ok()) return want_own(command);
        after<Resend>(kSweepAgain);
      });
}

void EscrowActor::deposit_ended(Party party, const base::Outcome<Taken>& how) {
  for (Done& done : std::exchange(of(deposits_, party).waiting, {})) done(how);
}

// -- requests that read

/// Sends the entries after that entry, with the acts that caused them.
void EscrowActor::show(std::uint64_t after_entry, std::uint32_t rows_max, runtime::Reply<wire::EscrowIs> reply) {
  if (!replay_) return reply.refuse(unknown());
  storage_.confirm([this, after_entry, rows_max,
                    reply = std::move(reply)](const base::Outcome<void>& confirmed) mutable {
    if (!confirmed.ok() || !founding_)
      return reply.refuse(
          {Code::unavailable, "the escrow has moved to another node, or is being read again: try again"});
    // A caller that polls for new entries causes no read.
    if (after_entry >= replay_->sequence()) return send_page({}, {}, std::move(reply));
    storage_.range(
        rows::key('e', setup_.id), rows::numbered_key('e', setup_.id, after_entry + 1), rows_max,
        [this, rows_max, reply = std::move(reply), after_entry](base::Outcome<durable::Storage::Page> page) mutable {
          if (!page.ok()) return reply.refuse(page.error());
          // An act has at least one entry.
          storage_.range(rows::key('a', setup_.id), rows::numbered_key('a', setup_.id, after_entry + 1), rows_max,
                         [this, reply = std::move(reply),
                          page = std::move(page).value()](const base::Outcome<durable::Storage::Page>& acts) mutable {
                           if (!acts.ok()) return reply.refuse(acts.error());
                           if (!founding_)
                             return reply.refuse({Code::unavailable, "the escrow is being read again: try again"});
                           send_page(page, acts.value(), std::move(reply));
                         });
        });
  });
}

void EscrowActor::send_page(const durable::Storage::Page& entries, const durable::Storage::Page& acts,
                            runtime::Reply<wire::EscrowIs> reply) const {
  const auto sequence_of = [](const durable::Storage::Row& row) {
    return durable::ordered_at(row.key, row.key.size() - 8);
  };
  std::vector<std::pair<std::uint64_t, rows::SignedBytes>> caused;
  for (const auto& row : acts.rows) {
    if (entries.rows.empty() || sequence_of(row) > sequence_of(entries.rows.back())) break;
    if (auto act = rows::decode_signed(row.value)) caused.emplace_back(sequence_of(row), std::move(*act));
  }
  reply.send([&](wire::EscrowIs::Builder out) {
    out.setAgreement(data_of(encode(founding_->agreement)));
    out.setCommitment(data_of(founding_->buyer.view()));
    auto list = out.initEntries(size32(entries.rows));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(entries.rows[i].value));
    auto by = out.initActs(size32(caused));
    for (unsigned i = 0; i < by.size(); ++i) {
      by[i].setSequence(caused[i].first);
      write(by[i].initAct(), caused[i].second.bytes, caused[i].second.policy, caused[i].second.approvals);
    }
    out.setMore(entries.next.has_value());
    auto notes = out.initNotes(size32(founding_->notes));
    for (unsigned i = 0; i < notes.size(); ++i) notes.set(i, founding_->notes[i]);
  });
}

}  // namespace troupe::escrow
