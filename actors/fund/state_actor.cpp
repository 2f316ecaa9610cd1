#include "actors/fund/state_actor.hpp"

#include "actors/escrow/api.hpp"
#include "actors/fund/api.hpp"
#include "actors/fund/codec.hpp"
#include "actors/wallet/api.hpp"
#include "messages/codec.hpp"
#include "messages/escrow.capnp.h"
#include "runtime/base/fields.hpp"
#include "runtime/base/text.hpp"

namespace troupe::fund {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kLedgerDue{20};        // our choice: then asked again
constexpr std::chrono::milliseconds kReadAgain{200};  // our choice
constexpr std::chrono::seconds kDamagedAgain{30};     // our choice: corruption rarely goes away by itself
constexpr std::chrono::seconds kClockEvery{20};       // our choice

Bytes key_of(char of, base::ByteView fixed = {}) {
  Bytes out{static_cast<std::uint8_t>(of)};
  base::append(out, fixed);
  return out;
}
Bytes entry_key(std::uint64_t sequence) {
  Bytes out = key_of('e');
  durable::append_ordered(out, sequence);
  return out;
}

Error error_of(FundError why) {
  const Code code = why == FundError::unknown                                ? Code::not_found
                    : why == FundError::decided || why == FundError::request ? Code::conflict
                                                                             : Code::refused;
  return {code, std::string(name(why))};
}

std::int64_t milliseconds_of(base::Instant at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.since_origin()).count();
}

base::Outcome<void> outcome(const base::Result<void, FundError>& result) {
  if (result.ok()) return {};
  return error_of(result.error());
}

}  // namespace

void StateActor::receive(runtime::Handlers& on) {
  row_.on(
      [this] {
        open_.opened();
        pay();
      },
      [this](const Error& why) { reload(why); });
  on.ask<wire::GetFund, wire::FundIs>([this](auto, auto reply) {
    open_.reading<wire::FundIs>(storage_, std::move(reply), [this](auto& answer_to) { show(answer_to); });
  });
  on.ask<wire::Propose, wire::ProposalIs>([this](auto ask, auto reply) { propose(ask, std::move(reply)); });
  on.ask<wire::SignProposal, wire::ProposalIs>([this](auto ask, auto reply) { sign(ask, std::move(reply)); });
  on.ask<wire::GetProposal, wire::ProposalIs>([this](auto ask, auto reply) {
    const auto id = ProposalId::from(bytes_of(ask.getId()));
    if (!id) return reply.refuse({Code::malformed, "invalid proposal id: expected 32 bytes"});
    open_.reading<wire::ProposalIs>(storage_, std::move(reply), [this, id = *id](auto& answer_to) {
      answer(id, Asked::to_see, std::move(answer_to));
    });
  });
  on.ask<wire::ListProposals, wire::Proposals>([this](auto ask, auto reply) {
    const auto from = ProposalId::from(bytes_of(ask.getFrom()));
    if (!from && ask.getFrom().size() > 0)
      return reply.refuse({Code::malformed, "invalid proposal id: expected 32 bytes"});
    open_.reading<wire::Proposals>(storage_, std::move(reply),
                                   [this, from](auto& answer_to) { list(from, std::move(answer_to)); });
  });
  on.ask<wire::ListEntries, wire::Entries>([this](auto ask, auto reply) {
    open_.reading<wire::Entries>(storage_, std::move(reply), [this, after = ask.getAfter()](auto& answer_to) {
      entries(after, std::move(answer_to));
    });
  });
  on.timer<Reload>([this] { load(); });
  ledger_.receive<DepositAgain, PayAgain>(on);
  on.timer<Clock>([this] { agree_on_time([](bool) {}); });
  on.describe<wire::FundRowState>([this](wire::FundRowState::Builder state) {
    const Fund* is = fund();
    state.setWhy(is != nullptr ? "" : why_);
    if (is == nullptr) return;
    state.setThreshold(static_cast<std::uint32_t>(is->signers().threshold));
    state.setSigners(size32(is->signers().list));
    state.setOpen(size32(is->proposals()));
    if (is->bound()) state.setPaying(is->bound()->memo);
    state.setSequence(is->sequence());
  });
}

UnixMs StateActor::time() const {
  return UnixMs(static_cast<std::uint64_t>(std::max<std::int64_t>(milliseconds_of(now()) + offset_ms_, 0)));
}

// -- opening

/// Clears the health reason, because the fund is now kept elsewhere or the node stops.
void StateActor::stop() {
  if (setup_.settings.health != nullptr) setup_.settings.health->clear(kHealthSource);
}

void StateActor::load() {
  ++run_;
  open_.closed();
  row_.forget();
  ask<wallet::wire::GetBook, wallet::wire::BookIs>(
      node().find(wallet::kPath), now() + kLedgerDue, [](wallet::wire::GetBook::Builder) {},
      [this, run = run_](runtime::Answer<wallet::wire::BookIs> book) {
        if (run != run_) return;
        if (!book.ok() && book.error().code == Code::corrupt) return reload(book.error());
        if (!book.ok()) return after<Reload>(kReadAgain);
        const auto id = wallet::BookId::from(bytes_of(book.value().getBook()));
        const auto owner = Address::from(bytes_of(book.value().getOwner()));
        if (!id || !owner) return after<Reload>(kReadAgain);
        book_ = *id;
        owner_ = *owner;
        storage_.take([this, run](const base::Outcome<void>& taken) {
          if (run != run_) return;
          if (!taken.ok()) return reload(taken.error());
          agree_on_time([this, run](bool agreed) {
            if (run != run_) return;
            if (agreed) return load_fund();
            after<Reload>(kReadAgain);
          });
        });
      });
}

const Fund* StateActor::fund() const {
  const Fund* is = row_.state();
  return is != nullptr && is->sequence() > 0 ? is : nullptr;
}

/// Asks for the agreed time: a leader whose date is wrong would write it into the log forever.
void StateActor::agree_on_time(base::Callback<void(bool)> then) {
  ask<escrow::wire::GetTerms, escrow::wire::TermsAre>(
      node().find(escrow::kPath), now() + kLedgerDue, [](escrow::wire::GetTerms::Builder) {},
      [this, then = std::move(then)](runtime::Answer<escrow::wire::TermsAre> terms) mutable {
        if (terms.ok()) offset_ms_ = static_cast<std::int64_t>(terms.value().getNow()) - milliseconds_of(now());
        after<Clock>(kClockEvery);
        then(terms.ok());
      });
}

void StateActor::load_fund() {
  row_.load(
      [book = book_](std::optional<base::ByteView> bytes) {
        return bytes ? Fund::decode(book, *bytes) : std::optional(Fund(book));
      },
      [this, run = run_](const base::Outcome<void>& done) {
        if (run != run_) return;
        if (!done.ok()) return reload(done.error());
        if (fund() == nullptr) return make();
        if (setup_.settings.health != nullptr) setup_.settings.health->clear(kHealthSource);
        open_.opened();
        pay();
      });
}

/// Makes the fund of a new book.
void StateActor::make() {
  const FundSettings& settings = setup_.settings;
  auto signers = make_signers(settings.threshold, settings.signers.empty() ? std::vector{owner_} : settings.signers);
  if (!signers) {
    reload({Code::refused,
            "fund.threshold is " + std::to_string(settings.threshold) +
                ", more than the number of fund.signers: no fund was made; change the settings and restart"});
    open_.failed({Code::unavailable, why_});
    return cancel<Reload>();  // settings change only at a start
  }
  want(
      [signers = *signers, now = time()](Fund& fund) -> base::Outcome<void> {
        fund.make(signers, now);
        return {};
      },
      [this](const base::Outcome<void>& done) {
        if (!done.ok()) return;
        if (setup_.settings.health != nullptr) setup_.settings.health->clear(kHealthSource);
        setup_.settings.log.info("a fund was made", {{"account", text(account_of(book_))}});
      });
}

void StateActor::reload(const Error& why) {
  ++run_;
  ledger_.forget();
  open_.closed();
  row_.forget();
  why_ = base::shortened(why.message, kWhyBytesMax);
  setup_.settings.log.warn("reading the fund again", {{"why", std::string_view(why.message)}});
  if (setup_.settings.health != nullptr)
    setup_.settings.health->raise(kHealthSource, observe::HealthState::degraded,
                                  "the fund cannot be used: " + why.message);
  for (auto& [id, waiting] : std::exchange(waiting_, {}))
    for (ProposalReply& one : waiting) one.refuse({Code::unavailable, why.message});
  if (why.code != Code::corrupt) return after<Reload>(kReadAgain);
  open_.failed({Code::unavailable, why_});
  after<Reload>(kDamagedAgain);
}

// -- changes

void StateActor::want(Change change, Done done, Request request) {
  const auto changes = std::make_shared<Fund::Changes>();
  row_.change(
      [this, changes, change = std::move(change), request = std::move(request)](
          Fund& fund, durable::Storage::Commit& commit) mutable -> base::Outcome<void> {
        if (const auto changed = change(fund); !changed.ok()) return changed;
        fund.expire(time());
        *changes = fund.take_changes();
        for (const Entry& entry : changes->entries) commit.rows[entry_key(entry.sequence)] = encode(entry);
        for (const Proposal& one : changes->ended) commit.rows[key_of('p', one.id.view())] = encode(one);
        // Each reader of the log can repeat a signature under new requests, so a change without effect leaves no row.
        if (request && !changes->entries.empty())
          commit.rows[request->first] = Bytes(request->second.bytes.begin(), request->second.bytes.end());
        return {};
      },
      [this, changes, done = std::move(done)](const base::Outcome<void>& how) mutable {
        if (how.ok()) ended(changes->ended);
        done(how);
      });
}

void StateActor::ended(const std::vector<Proposal>& proposals) {
  for (const Proposal& one : proposals) {
    auto waiting = waiting_.extract(one.id);
    if (waiting.empty()) continue;
    for (ProposalReply& reply : waiting.mapped()) send(one, Asked::with_signature, reply);
  }
}

/// Asks the ledger for the first approved payment. Only this account's transfers lower its balance, and they run one at
/// a time. So a transfer that this node's ledger refuses was not posted before, and its proposal ends.
void StateActor::pay() {
  if (fund() == nullptr || !fund()->bound()) return;
  const wallet::Transfer& transfer = *fund()->bound();
  ledger_.pay(
      "fund", book_.view(), transfer,
      [this, id = wallet::id_of(transfer)](const base::Outcome<std::uint64_t>& posted) {
        paid(id, posted.ok() ? base::Outcome<void>() : base::Outcome<void>(posted.error()));
      },
      [](const wallet::LedgerClient::Answer& refusal) {
        const Code code = refusal.error().code;
        return (code == Code::refused || code == Code::malformed) &&
               refusal.envelope().header().origin == runtime::Origin::local;
      });
}

void StateActor::paid(const wallet::TransferId& id, const base::Outcome<void>& how) {
  want(
      [id, how, now = time()](Fund& fund) -> base::Outcome<void> {
        if (how.ok()) fund.posted(id, now);
        else fund.refused(id, how.error().message, now);
        return {};
      },
      [](const base::Outcome<void>&) {});
}

// -- requests

base::Outcome<Cause> StateActor::cause_of(const std::optional<wallet::Approval>& approval, base::ByteView bytes) const {
  if (!approval) return Cause{owner_};
  const auto policy = wallet::Policy::of_key(approval->key);
  if (!policy.approved(bytes, {&*approval, 1}))
    return Error{Code::refused, "the signature does not match this content and key"};
  return Cause{policy.address(), approval};
}

void StateActor::propose(wire::Propose::Reader ask, ProposalReply reply) {
  auto content = decode_content(bytes_of(ask.getContent()));
  if (!content) return reply.refuse({Code::malformed, "the content of the proposal is malformed"});
  auto by = read_by(ask.getBy());
  if (!by.ok()) return reply.refuse(by.error());
  open_.when<wire::ProposalIs>(
      std::move(reply), [this, content = std::move(*content), approval = by.value()](ProposalReply waiting) mutable {
        auto by_whose = cause_of(approval, propose_bytes(book_, content));
        if (!by_whose.ok()) return waiting.refuse(by_whose.error());
        const ProposalId id = id_of(book_, content);
        const Bytes key = key_of('n', content.nonce.view());
        storage_.get(key, [this, id, key, content = std::move(content), by = by_whose.value(),
                           reply = std::move(waiting)](const base::Outcome<std::optional<Bytes>>& before) mutable {
          if (!before.ok()) return reply.refuse(before.error());
          if (before.value()) {
            if (ProposalId::from(*before.value()) == id) return answer(id, Asked::to_see, std::move(reply));
            return reply.refuse(error_of(FundError::request));
          }
          unless_own(content, std::move(reply), [this, id, key, content, by](ProposalReply to) {
            want([this, content, by](Fund& fund) { return outcome(fund.propose(content, by, time())); },
                 [this, id, to = std::move(to)](const base::Outcome<void>& done) mutable {
                   if (done.ok()) answer(id, Asked::to_see, std::move(to));
                   else to.refuse(done.error());
                 },
                 std::pair(key, id));
          });
        });
      });
}

/// Refuses it because no transaction can pay its sender, and every later payment would wait for it.
void StateActor::unless_own(const Content& content, ProposalReply reply, base::Callback<void(ProposalReply)> then) {
  const auto* payment = std::get_if<Payment>(&content.what);
  if (payment == nullptr || !setup_.place.chain) return then(std::move(reply));
  if (on_chain_ == payment->to) return reply.refuse(error_of(FundError::itself));
  if (on_chain_) return then(std::move(reply));
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      node().find(wallet::kPath), now() + kLedgerDue,
      [this](wallet::wire::GetAccount::Builder out) {
        out.setAddress(data_of(account_of(book_).view()));
        out.setOfNoKey(true);
      },
      [this, content, reply = std::move(reply),
       then = std::move(then)](runtime::Answer<wallet::wire::AccountIs> account) mutable {
        if (!account.ok()) return reply.refuse(account.error());
        on_chain_ = Address::from(bytes_of(account.value().getChain().getAddress()));
        if (!on_chain_)
          return reply.refuse({Code::corrupt, "the chain returned an invalid address: expected 32 bytes"});
        unless_own(content, std::move(reply), std::move(then));
      });
}

void StateActor::sign(wire::SignProposal::Reader ask, ProposalReply reply) {
  const auto id = ProposalId::from(bytes_of(ask.getId()));
  const auto request = Nonce::from(bytes_of(ask.getRequest()));
  if (!id || (!request && ask.getRequest().size() > 0))
    return reply.refuse({Code::malformed, "invalid proposal id or request: expected 32 bytes and 16 bytes"});
  auto by = read_by(ask.getBy());
  if (!by.ok()) return reply.refuse(by.error());
  Asking asking{by.value(), request ? key_of('n', request->view()) : Bytes()};
  open_.when<wire::ProposalIs>(
      std::move(reply), [this, id = *id, asking = std::move(asking)](ProposalReply waiting) mutable {
        if (asking.request.empty()) return sign_it(id, std::move(asking), std::move(waiting));
        const Bytes key = asking.request;
        storage_.get(key, [this, id, asking = std::move(asking),
                           reply = std::move(waiting)](const base::Outcome<std::optional<Bytes>>& before) mutable {
          if (!before.ok()) return reply.refuse(before.error());
          if (!before.value()) return sign_it(id, std::move(asking), std::move(reply));
          if (ProposalId::from(*before.value()) == id) return answer(id, Asked::with_signature, std::move(reply));
          reply.refuse({Code::conflict, "this request has signed another proposal: use a new request"});
        });
      });
}

void StateActor::sign_it(const ProposalId& id, Asking asking, ProposalReply reply) {
  if (fund() == nullptr) return reply.refuse({Code::unavailable, why_});
  const auto at = fund()->proposals().find(id);
  if (at == fund()->proposals().end()) {
    // It has ended, or it never existed.
    return storage_.get(key_of('p', id.view()), [reply = std::move(reply)](
                                                    const base::Outcome<std::optional<Bytes>>& row) mutable {
      if (!row.ok()) return reply.refuse(row.error());
      const auto ended = row.value() ? decode_proposal(*row.value()) : std::nullopt;
      if (!ended)
        return reply.refuse({Code::not_found, "the fund has no such proposal: `troupe fund ls` shows its proposals"});
      reply.refuse({Code::conflict, "the proposal has ended: " + std::string(name(ended->state))});
    });
  }
  const auto by = cause_of(asking.approval, sign_bytes(book_, at->second.content));
  if (!by.ok()) return reply.refuse(by.error());
  Request request;
  if (!asking.request.empty()) request.emplace(std::move(asking.request), id);
  want([this, id, by = by.value()](
           Fund& fund) { return outcome(fund.sign(id, by, setup_.settings.daily_cap, time(), world().mutations)); },
       [this, id, reply = std::move(reply)](const base::Outcome<void>& done) mutable {
         if (done.ok()) answer(id, Asked::with_signature, std::move(reply));
         else reply.refuse(done.error());
       },
       std::move(request));
}

void StateActor::answer(const ProposalId& id, Asked asked, ProposalReply reply) {
  if (fund() == nullptr) return reply.refuse({Code::unavailable, why_});
  if (const auto at = fund()->proposals().find(id); at != fund()->proposals().end()) {
    if (at->second.state != State::approved || asked == Asked::to_see) return send(at->second, asked, reply);
    auto& waiting = waiting_[id];
    if (waiting.size() >= kWaitingMax)
      return reply.refuse({Code::overloaded, "too many requests wait for this payment"});
    return waiting.push_back(std::move(reply));
  }
  storage_.get(key_of('p', id.view()), [this, asked, reply = std::move(reply)](
                                           const base::Outcome<std::optional<Bytes>>& row) mutable {
    if (!row.ok()) return reply.refuse(row.error());
    if (!row.value())
      return reply.refuse({Code::not_found, "the fund has no such proposal: `troupe fund ls` shows its proposals"});
    const auto proposal = decode_proposal(*row.value());
    if (!proposal) return reply.refuse({Code::corrupt, "the stored proposal is corrupted"});
    send(*proposal, asked, reply);
  });
}

/// Shows an overdue proposal as expired, though no change has recorded that yet.
void StateActor::send(const Proposal& proposal, Asked asked, ProposalReply& reply) const {
  if (proposal.state == State::refused && asked == Asked::with_signature)
    return reply.refuse({Code::refused, "the ledger refused the payment, and the proposal has ended: " + proposal.why});
  reply.send([&](wire::ProposalIs::Builder out) {
    write(out, proposal);
    if (proposal.state == State::open && time() >= proposal.expires) out.setState(std::string(name(State::expired)));
  });
}

void StateActor::list(const std::optional<ProposalId>& from, runtime::Reply<wire::Proposals> reply) {
  std::vector<Proposal> open;
  if (!from)
    for (const auto& [id, proposal] : fund()->proposals()) open.push_back(proposal);
  const Bytes first = from ? key_of('p', from->view()) : key_of('p');
  storage_.range(key_of('p'), first, kEndedRows,
                 [this, all = std::move(open),
                  reply = std::move(reply)](const base::Outcome<durable::Storage::Page>& page) mutable {
                   if (!page.ok()) return reply.refuse(page.error());
                   for (const auto& row : page.value().rows) {
                     auto ended = decode_proposal(row.value);
                     if (!ended) return reply.refuse({Code::corrupt, "a stored proposal is corrupted"});
                     all.push_back(std::move(*ended));
                   }
                   reply.send([&](wire::Proposals::Builder out) {
                     auto rows = out.initRows(size32(all));
                     for (unsigned i = 0; i < rows.size(); ++i) {
                       write(rows[i], all[i]);
                       if (all[i].state == State::open && time() >= all[i].expires)
                         rows[i].setState(std::string(name(State::expired)));
                     }
                     if (!page.value().next || page.value().rows.empty()) return;
                     // The id after the last proposal of this page.
                     Bytes next = page.value().rows.back().key;
                     next.erase(next.begin());
                     for (auto at = next.rbegin(); at != next.rend() && ++*at == 0;) ++at;
                     out.setNext(data_of(next));
                   });
                 });
}

void StateActor::entries(std::uint64_t after, runtime::Reply<wire::Entries> reply) {
  if (after >= fund()->sequence()) return reply.send([](wire::Entries::Builder) {});
  storage_.range(key_of('e'), entry_key(after + 1), kEntriesRows,
                 [reply = std::move(reply)](const base::Outcome<durable::Storage::Page>& page) mutable {
                   if (!page.ok()) return reply.refuse(page.error());
                   reply.send([&](wire::Entries::Builder out) {
                     auto rows = out.initRows(size32(page.value().rows));
                     for (unsigned i = 0; i < rows.size(); ++i) rows.set(i, data_of(page.value().rows[i].value));
                     out.setMore(page.value().next.has_value());
                   });
                 });
}

void StateActor::show(runtime::Reply<wire::FundIs>& reply) const {
  reply.send([this](wire::FundIs::Builder out) {
    out.setBook(data_of(book_.view()));
    out.setOwner(data_of(owner_.view()));
    const Signers& signers = fund()->signers();
    out.setThreshold(static_cast<std::uint32_t>(signers.threshold));
    auto list = out.initSigners(size32(signers.list));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(signers.list[i].view()));
    out.setDailyCap(setup_.settings.daily_cap.units());
    out.setSpentToday(fund()->spent_on(time()).units());
    out.setOpen(size32(fund()->proposals()));
    auto rows = out.initAllocations(size32(fund()->allocations()));
    unsigned i = 0;
    for (const auto& [category, allocation] : fund()->allocations()) {
      auto row = rows[i++];
      row.setCategory(category);
      row.setSpent(allocation.spent.units());
      row.setPayments(allocation.payments);
    }
    out.setSequence(fund()->sequence());
    out.setHead(data_of(fund()->hash().view()));
  });
}

}  // namespace troupe::fund
