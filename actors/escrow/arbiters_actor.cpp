#include "actors/escrow/arbiters_actor.hpp"

#include <algorithm>

#include "actors/escrow/api.hpp"
#include "actors/escrow/deposit_waiting.hpp"
#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/user.hpp"

namespace troupe::escrow {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kLedgerDue{20};        // our choice: then asked again
constexpr std::chrono::milliseconds kReadAgain{500};  // our choice
constexpr std::chrono::seconds kSendAgain{1};         // our choice
constexpr std::chrono::seconds kTellDue{5};           // our choice
const Error kBeingRead{Code::unavailable, "the arbiters are being read: try again"};

Error error_of(RegistryError why) {
  switch (why) {
    case RegistryError::member: return {Code::conflict, "this account is an arbiter already, or is joining"};
    case RegistryError::unknown: return {Code::not_found, "this account is not an arbiter"};
    case RegistryError::busy: return {Code::conflict, "this arbiter has been drawn for an open dispute"};
    case RegistryError::owing: return {Code::overloaded, "too many bonds are waiting to be paid back: try again later"};
    case RegistryError::full:
      return {Code::overloaded,
              "the limit of arbiters is reached, and no free arbiter has a smaller bond: pay a larger bond"};
  }
  return {Code::internal, "an arbiter was refused"};
}

Bytes once_key(const EscrowId& escrow, std::uint32_t round, ArbiterHow how) {
  Bytes out = rows::numbered_key('F', escrow, round);
  out.push_back(static_cast<std::uint8_t>(how));
  return out;
}

}  // namespace

void ArbitersActor::receive(runtime::Handlers& on) {
  row_.on(
      [this] {
        tell_root();
        go_on();
      },
      [this](const Error& why) { reload(why); });
  on.ask<wire::JoinArbiters, messages::wire::Nothing>([this](auto ask, auto reply) { join(ask, std::move(reply)); });
  on.ask<wire::LeaveArbiters, messages::wire::Nothing>([this](auto ask, auto reply) { leave(ask, std::move(reply)); });
  on.ask<wire::ArbiterAct, messages::wire::Nothing>([this](auto ask, auto reply) { note(ask, std::move(reply)); });
  on.ask<wire::ListArbiters, wire::Arbiters>([this](auto, auto reply) { list(std::move(reply)); });
  on.timer<Reload>([this] { load(); });
  ledger_.receive<DepositAgain, PayAgain>(on);
  on.timer<TellAgain>([this] { tell_root(); });
  on.describe<wire::ArbitersState>([this](wire::ArbitersState::Builder state) {
    if (row_.state() == nullptr) return;
    state.setArbiters(static_cast<std::uint32_t>(row_.state()->candidates().size()));
    state.setOwed(static_cast<std::uint32_t>(row_.state()->owed()));
  });
}

void ArbitersActor::load() {
  ++run_;
  joining_ = Joining(kJoiningMax);
  ask<wallet::wire::GetBook, wallet::wire::BookIs>(
      node().find(wallet::kPath), now() + kLedgerDue, [](wallet::wire::GetBook::Builder) {},
      [this, run = run_](runtime::Answer<wallet::wire::BookIs> book) {
        if (run != run_) return;
        if (!book.ok()) return after<Reload>(kReadAgain);
        book_ = wallet::BookId::from(bytes_of(book.value().getBook()));
        if (!book_) return after<Reload>(kReadAgain);
        row_.load(
            [id = *book_](std::optional<base::ByteView> bytes) {
              return bytes ? Registry::decode(id, *bytes) : std::optional(Registry(id));
            },
            [this, run](const base::Outcome<void>& done) {
              if (run != run_) return;
              if (!done.ok()) return reload(done.error());
              tell_root();
              go_on();
            });
      });
}

void ArbitersActor::reload(const Error& why) {
  ++run_;
  ledger_.forget();
  ended_.clear();
  setup_.settings->log.warn("reading the arbiters again", {{"why", std::string_view(why.message)}});
  after<Reload>(kReadAgain);
}

/// Tells the root the candidates, if they changed; most commits change none. The root forgets them only when this actor
/// ends, and no deadline fires before it knows them. So this repeats until the root has answered.
void ArbitersActor::tell_root() {
  if (row_.state() == nullptr || telling_) return;
  auto candidates = row_.state()->candidates();
  if (candidates == told_) return;
  telling_ = true;
  const auto fill = [&](wire::ArbitersAre::Builder out) {
    auto list = out.initCandidates(size32(candidates));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setAddress(data_of(candidates[i].address.view()));
      list[i].setBond(candidates[i].bond.units());
      list[i].setSince(candidates[i].since.count());
    }
  };
  ask<wire::ArbitersAre, messages::wire::Nothing>(
      node().find(kPath), now() + kTellDue, fill,
      [this, candidates](const runtime::Answer<messages::wire::Nothing>& answer) {
        telling_ = false;
        if (!answer.ok()) return after<TellAgain>(kSendAgain);
        told_ = candidates;
        tell_root();  // they may have changed in between
      });
}

// -- changes

void ArbitersActor::change(base::Callback<base::Outcome<void>(Registry&)> change, Done done,
                           std::optional<Bytes> once) {
  row_.change(
      [change = std::move(change), once = std::move(once)](
          Registry& to, durable::Storage::Commit& commit) mutable -> base::Outcome<void> {
        if (const auto changed = change(to); !changed.ok()) return changed;
        to.bind();
        if (once) commit.rows[*once] = Bytes();
        return {};
      },
      std::move(done));
}

/// Sends durable transfers that are not known to be posted.
void ArbitersActor::go_on() {
  if (row_.state() == nullptr) return;
  for (const auto& [arbiter, deposit] : row_.state()->deposits()) {
    const auto given = rows::decode_signed(deposit);
    const auto transfer = given ? wallet::decode_transfer(given->bytes) : std::nullopt;
    if (!transfer || ended_.contains(id_of(*transfer))) continue;
    ledger_.deposit(*given, runtime::Caller{},
                    [this, arbiter = arbiter, id = id_of(*transfer),
                     bond = transfer->credits[0].amount](const base::Outcome<std::uint64_t>& posted) {
                      if (posted.ok()) return deposit_ended(arbiter, id, bond, {});
                      deposit_ended(arbiter, id, bond, posted.error());
                    });
  }
  const auto& bound = row_.state()->bound();
  if (!bound) return;
  ledger_.pay("arbiters", book_->view(), *bound, [this, id = id_of(*bound)](const base::Outcome<std::uint64_t>&) {
    change(
        [id](Registry& to) -> base::Outcome<void> {
          to.posted(id);
          return {};
        },
        [](const base::Outcome<void>&) {});
  });
}

void ArbitersActor::deposit_ended(const Address& arbiter, const wallet::TransferId& id, Amount bond,
                                  const base::Outcome<void>& how) {
  ended_.insert(id);
  change(
      [arbiter, bond, id, how,
       at = group_time(wall(), now(), *setup_.correction)](Registry& to) -> base::Outcome<void> {
        if (!to.deposits().contains(arbiter)) return {};
        if (how.ok()) to.joined(arbiter, bond, id, at);
        else to.not_joined(arbiter);
        return {};
      },
      [this, arbiter, id, how](const base::Outcome<void>& done) {
        ended_.erase(id);
        if (done.ok()) joining_.release(arbiter);
        for (Nothing& one : std::exchange(waiting_[arbiter], {})) {
          if (done.ok() && how.ok()) one.done();
          else one.refuse(done.ok() ? how.error() : done.error());
        }
        waiting_.erase(arbiter);
      });
}

void ArbitersActor::join(wire::JoinArbiters::Reader question, Nothing reply) {
  auto deposit = wallet::read(question.getDeposit());
  if (!deposit.ok()) return reply.refuse(deposit.error());
  const auto& [transfer, policy, approvals, on_chain] = deposit.value();
  if (row_.state() == nullptr) return reply.refuse(kBeingRead);
  if (transfer.credits.size() != 1 || transfer.credits[0].to != arbiters_account(*book_))
    return reply.refuse({Code::malformed, "the bond must be paid to the account of the arbiters"});
  if (transfer.credits[0].amount < setup_.settings->arbiter_bond_min)
    return reply.refuse({Code::refused, "the bond is too small: less than the book's escrow.arbiter_bond_min, " +
                                            setup_.settings->arbiter_bond_min.text()});
  if (!wallet::Order::approved(transfer, policy, approvals))
    return reply.refuse({Code::refused, "the signers of the account have not approved the bond"});
  const Address arbiter = transfer.from;
  Bytes kept = rows::encode(rows::SignedBytes{wallet::encode(transfer), policy, approvals, on_chain});
  if (const auto there = row_.state()->deposits().find(arbiter);
      there != row_.state()->deposits().end() && there->second == kept)
    return wait_for_deposit(waiting_[arbiter], std::move(reply));
  if (const auto there = row_.state()->records().find(arbiter); there != row_.state()->records().end() &&
                                                                there->second.bond > Amount() &&
                                                                there->second.joined == id_of(transfer))
    return reply.done();
  // A bond above the balance, or with a later number than the next, is not stored.
  const User by = runtime::user_of(caller());
  ask<wallet::wire::GetAccount, wallet::wire::AccountIs>(
      node().find(wallet::kPath), now() + kLedgerDue,
      [&](wallet::wire::GetAccount::Builder out) { out.setAddress(data_of(arbiter.view())); },
      [this, by, arbiter, kept = std::move(kept), bond = transfer.credits[0].amount, number = transfer.number,
       reply = std::move(reply)](runtime::Answer<wallet::wire::AccountIs> answer) mutable {
        if (!answer.ok()) return reply.refuse(answer.error());
        const auto account = answer.value().getAccount();
        if (number.value != account.getDebits() + 1)
          return reply.refuse(
              {Code::conflict, "the number of the bond's transfer is not the next number of the account"});
        if (account.getBalance() < bond.units())
          return reply.refuse({Code::refused, "the account's balance is smaller than the bond"});
        add(by, arbiter, bond, std::move(kept), std::move(reply));
      });
}

void ArbitersActor::add(const User& by, const Address& arbiter, Amount bond, Bytes kept, Nothing reply) {
  if (row_.state() == nullptr) return reply.refuse(kBeingRead);
  if (joining_.has(arbiter)) return reply.refuse(error_of(RegistryError::member));
  if (!joining_.fits(by))
    return reply.refuse({Code::overloaded, "too many bonds are being paid from this caller's network", kSendAgain});
  if (const auto why = refusal(by, row_.state()->may_join(arbiter, bond))) return reply.refuse(*why);
  joining_.hold(arbiter, by);
  const auto waiting = std::make_shared<Nothing>(std::move(reply));
  change(
      [arbiter, bond, kept = std::move(kept)](Registry& to) -> base::Outcome<void> {
        if (const auto may = to.may_join(arbiter, bond); !may.ok()) return error_of(may.error());
        to.joining(arbiter, kept);
        return {};
      },
      [this, arbiter, waiting](const base::Outcome<void>& done) {
        if (!done.ok()) {
          joining_.release(arbiter);
          return waiting->refuse(done.error());
        }
        wait_for_deposit(waiting_[arbiter], std::move(*waiting));
      });
}

/// Checks a change before it waits for its turn, because a change copies the whole row. Counts valid changes per
/// caller.
std::optional<Error> ArbitersActor::refusal(const User& by, const base::Result<void, RegistryError>& may) {
  if (!may.ok()) return error_of(may.error());
  const auto wait = by.reserved ? std::nullopt : asked_.take(by, now(), kChangeUnits);
  if (!wait) return std::nullopt;
  return Error{Code::overloaded, "too many arbiters join or leave through other nodes",
               std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kSendAgain))};
}

void ArbitersActor::leave(wire::LeaveArbiters::Reader ask, Nothing reply) {
  const auto address = Address::from(bytes_of(ask.getAddress()));
  const auto policy = wallet::Policy::decode(bytes_of(ask.getPolicy()));
  std::vector<wallet::Approval> approvals;
  for (const auto one : ask.getApprovals())
    if (const auto approval = wallet::read(one); approval && approvals.size() < wallet::kSignersMax)
      approvals.push_back(*approval);
  if (!address || !policy || policy->address() != *address)
    return reply.refuse(
        {Code::malformed, "invalid address or policy: expected 32 bytes, and the policy of this address"});
  if (row_.state() == nullptr) return reply.refuse(kBeingRead);
  const auto there = row_.state()->records().find(*address);
  if (there == row_.state()->records().end()) return reply.refuse(error_of(RegistryError::unknown));
  const wallet::TransferId joined = there->second.joined;
  if (!policy->approved(leave_bytes(joined), approvals))
    return reply.refuse({Code::refused, "the signers of the account have not signed this leave request"});
  if (const auto why = refusal(runtime::user_of(caller()), row_.state()->may_leave(*address)))
    return reply.refuse(*why);
  change(
      [address = *address, joined](Registry& to) -> base::Outcome<void> {
        // It may have left and joined again in between.
        const auto record = to.records().find(address);
        if (record == to.records().end() || record->second.joined != joined) return error_of(RegistryError::unknown);
        if (const auto left = to.leave(address); !left.ok()) return error_of(left.error());
        return {};
      },
      [reply = std::move(reply)](const base::Outcome<void>& done) mutable {
        if (done.ok()) reply.done();
        else reply.refuse(done.error());
      });
}

void ArbitersActor::note(wire::ArbiterAct::Reader ask, Nothing reply) {
  const auto escrow = EscrowId::from(bytes_of(ask.getEscrow()));
  const auto arbiter = Address::from(bytes_of(ask.getArbiter()));
  const auto buyer = Address::from(bytes_of(ask.getBuyer())), provider = Address::from(bytes_of(ask.getProvider()));
  if (!escrow || !arbiter || !buyer || !provider)
    return reply.refuse({Code::malformed, "invalid id or address: expected 32 bytes"});
  const auto how = static_cast<ArbiterHow>(ask.getHow());
  Bytes once = once_key(*escrow, ask.getRound(), how);
  storage_.get(once, [this, once, arbiter = *arbiter, buyer = *buyer, provider = *provider, how,
                      reply = std::move(reply)](const base::Outcome<std::optional<Bytes>>& before) mutable {
    if (!before.ok()) return reply.refuse(before.error());
    if (before.value()) return reply.done();
    change(
        [=](Registry& to) -> base::Outcome<void> {
          to.note(arbiter, how, buyer, provider);
          return {};
        },
        [reply = std::move(reply)](const base::Outcome<void>& done) mutable {
          if (done.ok()) reply.done();
          else reply.refuse(done.error());
        },
        once);
  });
}

void ArbitersActor::list(runtime::Reply<wire::Arbiters> reply) {
  storage_.confirm([this, reply = std::move(reply)](const base::Outcome<void>& here) mutable {
    if (!here.ok() || row_.state() == nullptr) return reply.refuse(kBeingRead);
    reply.send([&](wire::Arbiters::Builder out) {
      const auto& records = row_.state()->records();
      auto rows = out.initRows(size32(records));
      unsigned i = 0;
      for (const auto& [address, record] : records) {
        auto row = rows[i++];
        row.setAddress(data_of(address.view()));
        row.setBond(record.bond.units());
        row.setJoined(data_of(record.joined.view()));
        row.setDrawn(record.drawn);
        row.setRuled(record.ruled);
        row.setSilent(record.silent);
        row.setSince(record.since.count());
      }
      out.setAccount(data_of(arbiters_account(*book_).view()));
    });
  });
}

}  // namespace troupe::escrow
