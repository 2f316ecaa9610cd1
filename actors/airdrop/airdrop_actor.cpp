#include "actors/airdrop/airdrop_actor.hpp"

#include "actors/airdrop/api.hpp"
#include "actors/escrow/api.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "messages/escrow.capnp.h"

namespace troupe::airdrop {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kLedgerDue{20};        // our choice: then asked again
constexpr std::chrono::seconds kClockDue{5};          // our choice
constexpr std::chrono::seconds kRunDue{20};           // our choice: waiting callers take slots of all remote callers
constexpr std::chrono::milliseconds kReadAgain{500};  // our choice
constexpr std::chrono::seconds kTryAgain{1};          // our choice
constexpr std::uint32_t kClearedAtOnce = 128;         // our choice: rows per commit
constexpr std::chrono::seconds kStepLook{30};         // our choice
constexpr std::chrono::hours kLookAhead{1};           // our choice: the date may be set until then

base::Outcome<void> outcome(const base::Result<void, AirdropError>& result) {
  if (result.ok()) return {};
  return error_of(result.error());
}

}  // namespace

AirdropActor::AirdropActor(Setup setup)
    : setup_(std::move(setup)),
      storage_(*this, setup_.place, rows::kKeyspace, setup_.term),
      ledger_(*this, {setup_.settings.log}),
      row_(*this, storage_, rows::key('h', setup_.id), "the airdrop") {}

void AirdropActor::receive(runtime::Handlers& on) {
  row_.on([] {}, [this](const Error& why) { reload(why); });
  on.ask<wire::CreateAirdrop, wire::AirdropIs>([this](auto ask, auto reply) { create(ask, std::move(reply)); });
  on.ask<wire::AddPage, wire::AirdropStep>([this](auto ask, auto reply) { add(ask, std::move(reply)); });
  on.ask<wire::GetAirdrop, wire::AirdropIs>(
      [this](auto, auto reply) { reading<wire::AirdropIs>(std::move(reply), [this](auto& answer) { show(answer); }); });
  on.ask<wire::GetPage, wire::PageIs>([this](auto ask, auto reply) {
    when_there<wire::PageIs>(std::move(reply),
                             [this, number = ask.getPage()](auto answer) { page(number, std::move(answer)); });
  });
  on.ask<wire::GetObjections, wire::Objections>([this](auto ask, auto reply) {
    reading<wire::Objections>(std::move(reply),
                              [this, from = ask.getFrom()](auto& answer) { objections(from, answer); });
  });
  on.ask<wire::Object, wire::ObjectedRow>([this](auto ask, auto reply) { object(ask, std::move(reply)); });
  on.ask<wire::Decide, wire::ObjectedRow>([this](auto ask, auto reply) { decide(ask, std::move(reply)); });
  on.ask<wire::RunAirdrop, wire::AirdropStep>([this](auto, auto reply) {
    when_there<wire::AirdropStep>(std::move(reply), [this](auto answer) { run(std::move(answer)); });
  });
  ledger_.receive<DepositAgain, OwedAgain>(on);
  on.timer<Reload>([this] { load(); });
  on.timer<Due>([this] { due(); });
  on.timer<Resend>([this] { go_on(); });
  on.timer<PayAgain>([this] {
    failed_.reset();
    go_on();
  });
  on.timer<RunDue>([this] { tell_waiting(); });
  on.timer<Idle>([this] {
    if (open_ && (!founding_ || final(state().state))) tell_list(true);
    after<Idle>(open_ && !founding_ ? std::chrono::duration_cast<base::Duration>(kUnknownIdle) : kIdle);
  });
  on.describe<wire::AirdropState>([this](wire::AirdropState::Builder out) {
    if (!open_ || !founding_) return out.setState(open_ ? "unknown" : "opening");
    const Airdrop& airdrop = state();
    out.setState(std::string(name(airdrop.state)));
    out.setSentence(airdrop.state == State::published
                        ? "objections are open until " + std::to_string(airdrop.ends.count())
                        : airdrop.why);
    out.setRecipients(airdrop.recipients);
    out.setReached(airdrop.cursor.index);
    out.setPool(airdrop.pool.units());
    out.setPaid(airdrop.cursor.paid.units());
    out.setInFlight(size32(in_flight_));
  });
}

// -- opening

void AirdropActor::load() {
  ++run_;
  open_.closed();
  asking_ = reading_page_ = false;
  unsaved_ = 0;
  founding_.reset();
  objected_.clear();
  in_flight_.clear();
  failed_.reset();
  cancel<PayAgain>();
  storage_.get(rows::key('t', setup_.id), [this, run = run_](const base::Outcome<std::optional<Bytes>>& row) {
    if (run != run_) return;
    if (!row.ok()) return reload(row.error());
    if (row.value()) {
      founding_ = rows::decode_founding(*row.value());
      if (!founding_ || id_of(founding_->terms) != setup_.id)
        return reload({Code::corrupt, "the stored terms of the airdrop are corrupted"});
    }
    load_state();
  });
}

void AirdropActor::load_state() {
  row_.load([](std::optional<base::ByteView> bytes) { return bytes ? Airdrop::decode(*bytes) : Airdrop{}; },
            [this, run = run_](const base::Outcome<void>& done) {
              if (run != run_) return;
              if (!done.ok()) return reload(done.error());
              load_objected();
            });
}

void AirdropActor::load_objected() {
  storage_.each(
      rows::key('o', setup_.id), {},
      [this, run = run_](const durable::Storage::Row& row) -> std::optional<Error> {
        constexpr std::size_t kPrefix = 1 + AirdropId::kBytes;
        if (run != run_) return durable::read_again();
        auto objected = decode_objected(row.value);
        if (!objected || row.key.size() != kPrefix + 8)
          return Error{Code::corrupt, "the stored row of an objection is corrupted"};
        objected_[static_cast<std::uint32_t>(durable::ordered_at(row.key, kPrefix))] = std::move(*objected);
        return std::nullopt;
      },
      [this, run = run_](const base::Outcome<void>& done) {
        if (run != run_) return;
        if (!done.ok()) return reload(done.error());
        opened();
      });
}

void AirdropActor::opened() {
  reached_ = planned_ = state().cursor;
  open_.opened();
  after<Idle>(founding_ ? std::chrono::duration_cast<base::Duration>(kIdle) : kUnknownIdle);
  go_on();
}

void AirdropActor::reload(const Error& why) {
  ++run_;
  ledger_.forget();
  row_.forget();
  open_.closed();
  setup_.settings.log.warn("reading an airdrop again",
                           {{"airdrop", setup_.id.hex()}, {"why", std::string_view(why.message)}});
  if (why.code == Code::corrupt) open_.failed(why);
  for (IsReply& one : std::exchange(creating_, {})) one.refuse({Code::unavailable, why.message});
  for (Waiting& one : std::exchange(running_, {})) one.reply.refuse({Code::unavailable, why.message});
  after<Reload>(kReadAgain);
}

template <class A>
void AirdropActor::reading(runtime::Reply<A> reply, base::Callback<void(runtime::Reply<A>&)> then) {
  open_.reading<A>(storage_, std::move(reply), [this, then = std::move(then)](runtime::Reply<A>& waiting) mutable {
    if (there()) then(waiting);
    else waiting.refuse({Code::not_found, "the book has no such airdrop"});
  });
}

void AirdropActor::at_time(base::Callback<void(const base::Outcome<Times>&)> then) {
  ask<escrow::wire::GetTerms, escrow::wire::TermsAre>(
      node().find(escrow::kPath), now() + kClockDue, [](escrow::wire::GetTerms::Builder) {},
      [this, run = run_, then = std::move(then)](runtime::Answer<escrow::wire::TermsAre> answer) mutable {
        if (run != run_) return then(Error{Code::unavailable, "the airdrop is being read again: try again"});
        if (!answer.ok()) return then(answer.error());
        const auto are = answer.value();
        const auto book = wallet::BookId::from(bytes_of(are.getBook()));
        if (!book) return then(Error{Code::internal, "the book sent an invalid id"});
        then(Times{UnixMs(are.getNow()), UnixMs(are.getUpSince()), UnixMs(are.getGrace()), are.getSteady(), *book});
      });
}

// -- the course of the airdrop

void AirdropActor::go_on() {
  if (!open_ || !founding_) return;
  switch (state().state) {
    case State::depositing: return follow();
    case State::filling:
    case State::published: return due();
    case State::paying: return pay();
    case State::returning: return give_back_all();
    case State::paid:
    case State::returned: return finished();
  }
}

/// Returns the pool if the list is not complete, or ends objections.
void AirdropActor::due() {
  if (!open_ || !founding_ || (state().state != State::filling && state().state != State::published)) return;
  at_time([this](const base::Outcome<Times>& times) {
    if (!open_ || !founding_) return;
    if (!times.ok()) return after<Due>(kTryAgain);
    const UnixMs now = times.value().now, until = ends(times.value());
    if (now < until)
      return after<Due>(
          std::min<std::chrono::milliseconds>(std::chrono::milliseconds((until - now).count()), kLookAhead));
    if (!times.value().steady) return after<Due>(kStepLook);
    const State before = state().state;
    row_.change(
        [this, now = now](Airdrop& airdrop, durable::Storage::Commit&) -> base::Outcome<void> {
          airdrop.expire(now);
          if (airdrop.state == State::published) return outcome(airdrop.begin_paying(founding_->terms, now));
          return {};
        },
        [this, before](const base::Outcome<void>& done) {
          if (!done.ok()) return after<Due>(kTryAgain);
          if (state().state == before) return;
          reached_ = planned_ = state().cursor;
          go_on();
        },
        Row::Whose::own);
  });
}

/// Tells the book first that the account belongs to an airdrop.
void AirdropActor::follow() {
  if (std::exchange(asking_, true)) return;
  ask<wallet::wire::Follow, messages::wire::Nothing>(
      node().find(wallet::kPath), now() + kLedgerDue,
      [this](wallet::wire::Follow::Builder out) {
        out.setKind(std::string(kAccountKind));
        out.setId(data_of(setup_.id.view()));
        out.setPath(kPath);
      },
      [this, run = run_](const runtime::Answer<messages::wire::Nothing>& answer) {
        if (run != run_) return;
        if (answer.ok()) return deposit();
        asking_ = false;
        after<Resend>(kTryAgain);
      });
}

UnixMs AirdropActor::ends(const Times& times) const {
  if (times.up_since.count() == 0) return state().ends;
  return std::max(state().ends, times.up_since + std::min(times.grace, setup_.settings.objections));
}

void AirdropActor::deposit() {
  const bool sent =
      ledger_.deposit(founding_->deposit, runtime::Caller{}, [this](const base::Outcome<std::uint64_t>& posted) {
        // Creating the same airdrop again changes nothing: its deposit was refused.
        if (!posted.ok()) return unfollow(posted.error());
        asking_ = false;
        deposited();
      });
  if (!sent) reload({Code::corrupt, "the stored deposit of the airdrop is corrupted"});
}

void AirdropActor::deposited() {
  at_time([this](const base::Outcome<Times>& times) {
    if (!times.ok()) return after<Resend>(kTryAgain);  // the deposit is requested again, with the same answer
    row_.change(
        [now = times.value().now](Airdrop& airdrop, durable::Storage::Commit&) { return outcome(airdrop.funded(now)); },
        [this](const base::Outcome<void>& done) {
          if (!done.ok()) return;  // the state is read again
          setup_.settings.log.info("an airdrop was created", {{"airdrop", setup_.id.hex()}});
          for (IsReply& one : std::exchange(creating_, {})) show(one);
          go_on();
        },
        Row::Whose::own);
  });
}

/// Removes an airdrop without its pool, and all its rows. First at the book, which may have a row of its account.
void AirdropActor::unfollow(const Error& why) {
  ask<wallet::wire::Follow, messages::wire::Nothing>(
      node().find(wallet::kPath), now() + kLedgerDue,
      [this](wallet::wire::Follow::Builder out) {
        out.setKind(std::string(kAccountKind));
        out.setId(data_of(setup_.id.view()));
      },
      [this, run = run_, why](const runtime::Answer<messages::wire::Nothing>& answer) {
        if (run != run_) return;
        if (answer.ok()) return not_deposited(why);
        asking_ = false;
        after<Resend>(kTryAgain);
      });
}

void AirdropActor::not_deposited(const Error& why) {
  row_.change(
      [this](Airdrop& airdrop, durable::Storage::Commit& commit) {
        for (const Bytes& key :
             {rows::key('t', setup_.id), rows::key('u', setup_.id), rows::nonce_key(founding_->terms), commit.head})
          commit.rows[key] = std::nullopt;
        airdrop = Airdrop{};
        return base::Outcome<void>();
      },
      [this, why](const base::Outcome<void>& done) {
        if (!done.ok()) return;  // the state is read again
        asking_ = false;
        founding_.reset();
        for (IsReply& one : std::exchange(creating_, {})) one.refuse(why);
        tell_list(true);
      },
      Row::Whose::own);
}

void AirdropActor::give_back_all() {
  if (std::exchange(asking_, true)) return;
  ledger_.pay(std::string(kAccountKind), setup_.id.view(), give_back(setup_.id, founding_->terms),
              [this](const base::Outcome<std::uint64_t>&) {
                asking_ = false;
                clear('p');
              });
}

/// Erases rows of an airdrop that pays nothing: first its list, which costs an attacker nothing, then its objections.
void AirdropActor::clear(char of) {
  const Bytes prefix = rows::key(of, setup_.id);
  storage_.range(prefix, prefix, kClearedAtOnce,
                 [this, run = run_, of](const base::Outcome<durable::Storage::Page>& page) {
                   if (run != run_) return;
                   if (!page.ok()) return after<Resend>(kTryAgain);
                   if (page.value().rows.empty() && of == 'p') return clear('o');
                   const bool last = page.value().rows.empty();
                   row_.change(
                       [this, last, all = page.value().rows, now = wallet::unix_ms(wall())](
                           Airdrop& airdrop, durable::Storage::Commit& commit) {
                         for (const auto& row : all) commit.rows[row.key] = std::nullopt;
                         if (!last) return base::Outcome<void>();
                         airdrop.end(now);
                         commit.rows[rows::key('u', setup_.id)] = std::nullopt;
                         return base::Outcome<void>();
                       },
                       [this, of, last](const base::Outcome<void>& done) {
                         if (!done.ok()) return;  // the state is read again
                         if (!last) return clear(of);
                         objected_.clear();
                         finished();
                       },
                       Row::Whose::own);
                 });
}

void AirdropActor::finished() {
  tell_list(true);
  const Error returned{Code::refused, "the pool was given back to its owner: " + state().why};
  for (Waiting& one : std::exchange(running_, {})) {
    if (state().state == State::paid) one.reply.send([this](wire::AirdropStep::Builder out) { write(out, state()); });
    else one.reply.refuse(returned);
  }
}

/// Tells the list whether the airdrop must start again with the seat; otherwise its actor may end.
void AirdropActor::tell_list(bool over) {
  tell<wire::Unfinished>(node().find(std::string(kPath) + "/list"), [&](wire::Unfinished::Builder out) {
    out.setId(data_of(setup_.id.view()));
    if (founding_) out.setOwner(data_of(founding_->terms.owner.view()));
    out.setOver(over);
  });
}

// -- requests

/// Creates the airdrop. The list has checked the signature of the terms.
void AirdropActor::create(wire::CreateAirdrop::Reader ask, IsReply reply) {
  auto terms = decode_terms(bytes_of(ask.getTerms()));
  const auto by = wallet::read(ask.getBy());
  if (!terms || !by || id_of(*terms) != setup_.id)
    return reply.refuse({Code::malformed, "the terms of the airdrop are malformed"});
  auto deposit = wallet::read(ask.getDeposit());
  if (!deposit.ok()) return reply.refuse(deposit.error());
  const auto& [transfer, policy, approvals, on_chain] = deposit.value();
  if (transfer.from != terms->owner || transfer.credits.size() != 1 || transfer.credits[0].amount != terms->pool ||
      transfer.credits[0].to != account_of(setup_.id))
    return reply.refuse(
        {Code::malformed, "invalid deposit: it must pay the pool from the owner to the account of the airdrop"});
  if (!wallet::Order::approved(transfer, policy, approvals))
    return reply.refuse({Code::refused, "the owner has not approved the deposit"});
  const auto founding = std::make_shared<rows::Founding>(
      rows::Founding{std::move(*terms), *by, {wallet::encode(transfer), policy, approvals, on_chain}});
  open_.when<wire::AirdropIs>(std::move(reply), [this, founding](IsReply waiting) {
    if (founding_) {
      if (state().state != State::depositing) return show(waiting);
      if (creating_.size() >= kWaitingMax)
        return waiting.refuse({Code::overloaded, "too many requests wait for this deposit"});
      return creating_.push_back(std::move(waiting));
    }
    at_time([this, founding, reply = std::move(waiting)](const base::Outcome<Times>& times) mutable {
      if (!times.ok()) return reply.refuse(times.error());
      create_it(founding, times.value(), std::move(reply));
    });
  });
}

/// Refuses invalid terms before anything is written.
void AirdropActor::create_it(const std::shared_ptr<rows::Founding>& founding, const Times& times, IsReply reply) {
  const Terms& terms = founding->terms;
  if (terms.book != times.book) return reply.refuse({Code::refused, "the terms name another book"});
  if (terms.until.from(times.now) > times.now + kWindowMax)
    return reply.refuse({Code::refused, "the window ends in more than 366 days"});
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      node().find(wallet::kPath), now() + kLedgerDue,
      [&](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(terms.owner.view())); },
      [this, run = run_, founding, reply = std::move(reply)](runtime::Answer<wallet::wire::AccountIs> answer) mutable {
        if (!answer.ok()) return reply.refuse(answer.error());
        if (run != run_) return reply.refuse({Code::unavailable, "the airdrop is being read again: try again"});
        const auto account = answer.value().getAccount();
        const auto transfer = wallet::decode_transfer(founding->deposit.bytes);
        if (transfer->number.value != account.getDebits() + 1)
          return reply.refuse({Code::conflict, "the number of the deposit is not the next number of the account"});
        if (account.getBalance() < founding->terms.pool.units())
          return reply.refuse({Code::refused, "the owner's balance is smaller than the pool"});
        row_.change(
            [this, founding](Airdrop& airdrop, durable::Storage::Commit& commit) -> base::Outcome<void> {
              if (founding_) return {};
              airdrop = Airdrop{.owner = founding->terms.owner,
                                .pool = founding->terms.pool,
                                .recipients = founding->terms.recipients};
              const auto owner = founding->terms.owner.view();
              commit.rows[rows::key('t', setup_.id)] = rows::encode(*founding);
              commit.rows[rows::key('u', setup_.id)] = Bytes(owner.begin(), owner.end());
              commit.rows[rows::nonce_key(founding->terms)] = Bytes(setup_.id.bytes.begin(), setup_.id.bytes.end());
              return {};
            },
            [this, founding, reply = std::move(reply)](const base::Outcome<void>& done) mutable {
              if (!done.ok()) return reply.refuse(done.error());
              if (founding_ && state().state != State::depositing) return show(reply);
              if (!founding_) founding_ = *founding;
              tell_list(false);
              creating_.push_back(std::move(reply));
              follow();
            });
      });
}

void AirdropActor::add(wire::AddPage::Reader ask, StepReply reply) {
  const auto number = ask.getPage();
  const auto bytes = bytes_of(ask.getRows());
  when_there<wire::AirdropStep>(
      std::move(reply), [this, number, rows = Bytes(bytes.begin(), bytes.end())](StepReply waiting) mutable {
        at_time([this, number, rows = std::move(rows),
                 reply = std::move(waiting)](const base::Outcome<Times>& times) mutable {
          if (!times.ok()) return reply.refuse(times.error());
          row_.change(
              [this, number, rows = std::move(rows), now = times.value().now](
                  Airdrop& airdrop, durable::Storage::Commit& commit) -> base::Outcome<void> {
                const auto before = airdrop.pages;
                const auto added = airdrop.add(founding_->terms, number, rows, setup_.settings.objections, now);
                if (!added.ok()) return error_of(added.error());
                if (airdrop.pages > before) commit.rows[rows::numbered_key('p', setup_.id, number)] = rows;
                return {};
              },
              [this, reply = std::move(reply)](const base::Outcome<void>& done) mutable {
                if (!done.ok()) return reply.refuse(done.error());
                reply.send([this](wire::AirdropStep::Builder out) { write(out, state()); });
                if (state().state == State::published) go_on();
              });
        });
      });
}

void AirdropActor::page(std::uint32_t number, runtime::Reply<wire::PageIs> reply) {
  storage_.get(rows::numbered_key('p', setup_.id, number),
               [reply = std::move(reply)](const base::Outcome<std::optional<Bytes>>& row) mutable {
                 if (!row.ok()) return reply.refuse(row.error());
                 if (!row.value()) return reply.refuse({Code::not_found, "the list has no such page"});
                 reply.send([&](wire::PageIs::Builder out) { out.setRows(data_of(*row.value())); });
               });
}

void AirdropActor::run(StepReply reply) {
  const Airdrop& airdrop = state();
  if (airdrop.state == State::filling) return reply.refuse({Code::refused, "the list is not complete yet"});
  if (running_.size() >= kWaitingMax)
    return reply.refuse({Code::overloaded, "too many requests wait for these payments"});
  const auto wait = [this](StepReply waiting) {
    if (running_.empty()) after<RunDue>(kRunDue);
    running_.push_back({std::move(waiting), now() + kRunDue});
    go_on();
  };
  if (airdrop.state != State::published) return wait(std::move(reply));
  at_time([this, wait, reply = std::move(reply)](const base::Outcome<Times>& times) mutable {
    if (!times.ok()) return reply.refuse(times.error());
    if (row_.state() != nullptr && state().state == State::published && times.value().now < state().ends)
      return reply.refuse(error_of(AirdropError::early));
    wait(std::move(reply));
  });
}

/// Sends the progress to callers that have waited for long; they ask again.
void AirdropActor::tell_waiting() {
  const auto late = std::ranges::find_if(running_, [this](const Waiting& one) { return one.due > now(); });
  for (auto at = running_.begin(); at != late; ++at)
    at->reply.send([this](wire::AirdropStep::Builder out) { write(out, state()); });
  running_.erase(running_.begin(), late);
  if (!running_.empty()) after<RunDue>(running_.front().due - now());
}

void AirdropActor::show(IsReply& reply) const {
  reply.send([this](wire::AirdropIs::Builder out) { write(out, Seen{founding_->terms, founding_->by, state()}); });
}

}  // namespace troupe::airdrop
