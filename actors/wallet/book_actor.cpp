#include "actors/wallet/book_actor.hpp"

#include <algorithm>

#include "actors/wallet/codec.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/used_elsewhere.hpp"
#include "runtime/actor/user.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::wallet {
namespace {

using base::Bytes;
using base::Code;
using base::Error;
using rows::PostedAt;
using Outcome = base::Outcome<PostedAt>;

constexpr std::size_t kRequestBytesMax = 64;     // messages/wallet.capnp
constexpr std::size_t kRowsOfOrder = 210;        // at most, of an order with 64 credits
constexpr std::chrono::seconds kTellDue{20};     // our choice
constexpr std::chrono::seconds kPaidLater{30};   // our choice: at most
constexpr std::chrono::milliseconds kFlush{50};  // our choice: rows of acknowledged credits wait this long for a commit

Error error_of(LedgerError why) {
  const bool changed = why == LedgerError::taken || why == LedgerError::ahead;
  const Code code = why == LedgerError::malformed ? Code::malformed : changed ? Code::conflict : Code::refused;
  return {code, std::string(name(why))};
}
Error error_of(ProposalError why) {
  const Code code = why == ProposalError::unknown    ? Code::not_found
                    : why == ProposalError::transfer ? Code::malformed
                    : why == ProposalError::ordered  ? Code::conflict
                    : why == ProposalError::full     ? Code::overloaded
                                                     : Code::refused;
  return {code, std::string(name(why))};
}

Outcome same(const PostedAt& at, const base::Digest& content) {
  if (at.content == content) return at;
  return Error{Code::conflict, "another transfer of this account was posted under this request"};
}

void answer(runtime::Reply<wire::Posted>& reply, const Outcome& outcome) {
  if (!outcome.ok()) return reply.refuse(outcome.error());
  reply.send([&](wire::Posted::Builder out) {
    out.setId(data_of(outcome.value().id.view()));
    out.setSequence(outcome.value().sequence);
    out.setTime(outcome.value().time.count());
  });
}

}  // namespace

const Transfer* BookActor::Wanted::transfer() const {
  if (const auto* post = std::get_if<PostWanted>(&what)) return &post->order.transfer();
  const auto* issue = std::get_if<IssueWanted>(&what);
  return issue != nullptr ? &issue->transfer : nullptr;
}

std::optional<rows::Mark> BookActor::Wanted::request() const {
  if (const auto* post = std::get_if<PostWanted>(&what)) return post->request;
  const auto* issue = std::get_if<IssueWanted>(&what);
  return issue != nullptr ? std::optional(issue->request) : std::nullopt;
}

std::optional<TransferId> BookActor::Wanted::proposal() const {
  if (const auto* post = std::get_if<PostWanted>(&what)) return post->proposal;
  const auto* proposed = std::get_if<ProposalWanted>(&what);
  return proposed != nullptr ? std::optional(proposed->id) : std::nullopt;
}

void BookActor::receive(runtime::Handlers& on) {
  on.ask<wire::PostTransfer, wire::Posted>([this](auto ask, auto reply) { post(ask, std::move(reply)); });
  on.ask<wire::Issue, wire::Posted>([this](auto ask, auto reply) { issue(ask, std::move(reply)); });
  on.ask<wire::PayFrom, wire::Posted>([this](auto ask, auto reply) { pay_from(ask, std::move(reply)); });
  on.ask<wire::Follow, messages::wire::Nothing>([this](auto ask, auto reply) { follow(ask, std::move(reply)); });
  on.ask<wire::Propose, wire::ProposalIs>([this](auto ask, auto reply) { propose(ask, std::move(reply)); });
  on.ask<wire::SignProposal, wire::ProposalIs>([this](auto ask, auto reply) { sign(ask, std::move(reply)); });
  answers(on);
  on.timer<Reopen>([this] { open(); });
  on.timer<Minute>([this] { spending_.clear(); });
  on.timer<Tell>([this] { tell(); });
  on.timer<Flush>([this] { pump(); });
  on.describe<wire::BookState>([this](wire::BookState::Builder state) {
    state.setSequence(head_.sequence);
    state.setAccounts(accounts_.size());
    state.setIssued(open_ ? account(issuance()).balance.units() : 0);
    state.setWaiting(static_cast<std::uint32_t>(queue_.size()));
    state.setUntold(static_cast<std::uint32_t>(untold_.size()));
  });
}

/// Checks that only an issue makes money, and nothing loses it.
void BookActor::check() const {
  if (!open_) return;
  base::ensure(untold_.asked() <= kToldAtOnce, "a book notifies few keepers at once");
  wallet::Wide sum = 0;
  for (const auto& [address, account] : accounts_)
    if (address != issuance()) sum += account.row.balance.units();
  base::ensure(sum == account(issuance()).balance.units(), "the balances of a book are what was issued");
}

// -- requests

void BookActor::post(wire::PostTransfer::Reader ask, runtime::Reply<wire::Posted> reply) {
  auto given = read(ask.getTransfer());
  if (!given.ok()) return reply.refuse(given.error());
  if (ask.getRequest().size() > kRequestBytesMax)
    return reply.refuse({Code::malformed, "the request id is too long: at most 64 bytes"});
  auto order = Order::approved(given.value().transfer, given.value().policy, given.value().approvals);
  if (!order) return reply.refuse({Code::refused, "the signers of the account have not approved this transfer"});
  if (!within_rate(order->transfer().from))
    return reply.refuse({Code::overloaded,
                         "this account has reached its limit of transfers per minute (wallet.transfers_per_account)"});
  PostWanted wanted{.order = std::move(*order), .expected = ask.getToNoKey()};
  if (ask.getRequest().size() > 0)
    wanted.request = rows::mark_of(wanted.order.transfer().from, text_of(ask.getRequest()));
  open_.when<wire::Posted>(
      std::move(reply), [this, by = runtime::user_of(caller()), wanted = std::move(wanted)](auto waiting) mutable {
        if (const auto why = too_much(wanted.order.transfer(), by)) return waiting.refuse(*why);
        want({std::move(wanted), [reply = std::move(waiting)](const Outcome& done) mutable { answer(reply, done); }});
      });
}

/// Counts only transfers that the account's signers approved, so that others cannot use up its rate. Accounts without a
/// key are not counted: their keepers have limits of their own.
bool BookActor::within_rate(const Address& account) {
  if (spending_.empty()) after<Minute>(std::chrono::minutes(1));
  if (spending_.size() >= kSpendersMax && !spending_.contains(account)) return true;  // the cost is bounded
  return ++spending_[account] <= setup_.settings.transfers_per_minute;
}

bool BookActor::kept(const Address& address) const {
  const auto at = accounts_.find(address);
  return at != accounts_.end() && at->second.keeper;
}

/// Limits the cost of another node's order beyond its rows: an account that was once paid stays forever, whatever its
/// balance. An order that was posted before costs nothing again.
std::optional<Error> BookActor::too_much(const Transfer& transfer, const User& by) {
  if (by.reserved || transfer.number <= account(transfer.from).done) return std::nullopt;
  const std::uint32_t fresh = fresh_in(transfer);
  if (fresh == 0) return std::nullopt;
  const auto wait = fresh_.take(by, now(), fresh);
  if (!wait) return std::nullopt;
  return Error{Code::overloaded, "the limit of payments from other nodes to new accounts is reached",
               std::chrono::ceil<std::chrono::milliseconds>(std::min<base::Duration>(*wait, kPaidLater))};
}

void BookActor::issue(wire::Issue::Reader ask, runtime::Reply<wire::Posted> reply) {
  const auto to = Address::from(bytes_of(ask.getTo()));
  const auto amount = Amount::from(ask.getAmount());
  if (!to || !amount || ask.getRequest().size() == 0 || ask.getRequest().size() > kRequestBytesMax)
    return reply.refuse(
        {Code::malformed, "invalid address, amount or request: expected 32 bytes, less than 2^63, and 1 to 64 bytes"});
  open_.when<wire::Posted>(std::move(reply), [this, to = *to, amount = *amount, memo = text_of(ask.getMemo()),
                                              request = text_of(ask.getRequest())](auto waiting) mutable {
    const Transfer transfer{genesis_.id(), issuance(), {1}, {{to, amount}}, memo};
    if (!total_of(transfer).ok() || !decode_transfer(encode(transfer)))
      return waiting.refuse({Code::malformed, "the amount is 0, or the memo is not plain text of at most 256 bytes"});
    want({.what = IssueWanted{transfer, rows::mark_of(issuance(), request)},
          .done = [reply = std::move(waiting)](const Outcome& done) mutable { answer(reply, done); }});
  });
}

void BookActor::pay_from(wire::PayFrom::Reader ask, runtime::Reply<wire::Posted> reply) {
  auto transfer = decode_transfer(bytes_of(ask.getTransfer()));
  const auto id = base::Digest::from(bytes_of(ask.getId()));
  const std::string kind = text_of(ask.getKind());
  if (!transfer || !id || kind.empty() || kind.size() > 16 || transfer->from != account_of(kind, id->view()))
    return reply.refuse({Code::malformed, "the transfer does not debit the account of kind and id"});
  open_.when<wire::Posted>(
      std::move(reply),
      [this, kind, order = Order::of_account(std::move(*transfer), kind, id->view())](auto waiting) mutable {
        if (const auto why = too_many_begun(order.transfer(), kind)) return waiting.refuse(*why);
        // The signers of the fund can name another account. An escrow or an airdrop pays what was agreed, and would
        // retry a refused payment forever.
        want({.what = PostWanted{.order = std::move(order), .expected = kind != "fund"},
              .done = [reply = std::move(waiting)](const Outcome& done) mutable { answer(reply, done); }});
      });
}

std::uint32_t BookActor::fresh_in(const Transfer& transfer) const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(transfer.credits, [this](const Credit& one) { return !accounts_.contains(one.to); }));
}

/// Limits new accounts, because airdrops may belong to untrusted accounts. Each kind has a rate of its own, so that
/// airdrops do not delay payments of escrows. Accounts of a kind take turns, so that each is paid in the end.
std::optional<Error> BookActor::too_many_begun(const Transfer& transfer, const std::string& kind) {
  const std::uint32_t fresh = transfer.number <= account(transfer.from).done ? 0 : fresh_in(transfer);
  if (fresh == 0) return std::nullopt;
  const base::Duration wait = begun_.try_emplace(kind, kBegun).first->second.take(transfer.from, now(), fresh);
  if (wait == base::Duration::zero()) return std::nullopt;
  return Error{
      Code::overloaded,
      "accounts of the kind '" + kind + "' have reached the limit of payments to new accounts: this payment waits",
      std::chrono::ceil<std::chrono::milliseconds>(wait)};
}

void BookActor::follow(wire::Follow::Reader ask, Nothing reply) {
  const auto id = base::Digest::from(bytes_of(ask.getId()));
  rows::Keeper keeper{text_of(ask.getKind()), id.value_or(base::Digest{}), text_of(ask.getPath())};
  if (!id || keeper.kind.empty() || keeper.kind.size() > 16 || keeper.path.size() > 64)
    return reply.refuse(
        {Code::malformed, "invalid kind, id or path: expected 1 to 16 bytes, 32 bytes, and at most 64 bytes"});
  open_.when<messages::wire::Nothing>(std::move(reply), [this, keeper = std::move(keeper)](auto waiting) mutable {
    const Address address = account_of(keeper.kind, keeper.id.view());
    const auto at = accounts_.find(address);
    if (at != accounts_.end() && at->second.keeper == keeper) return waiting.done();
    if (at == accounts_.end() && keeper.path.empty()) return waiting.done();
    want({.what = KeeperWanted{address, std::move(keeper)},
          .done = [reply = std::move(waiting)](const Outcome& done) mutable {
            if (done.ok()) reply.done();
            else reply.refuse(done.error());
          }});
  });
}

void BookActor::propose(wire::Propose::Reader ask, runtime::Reply<wire::ProposalIs> reply) {
  auto given = read(ask.getTransfer());
  if (!given.ok()) return reply.refuse(given.error());
  if (given.value().approvals.size() != 1)
    return reply.refuse({Code::malformed, "a new proposal needs exactly one approval"});
  open_.when<wire::ProposalIs>(std::move(reply), [this, given = std::move(given).value(),
                                                  expires = UnixMs(ask.getExpires()),
                                                  from = caller()](auto waiting) mutable {
    const Transfer& transfer = given.transfer;
    if (transfer.book != genesis_.id()) return waiting.refuse(error_of(LedgerError::wrong_book));
    if (transfer.number <= account(transfer.from).done) return waiting.refuse(error_of(LedgerError::taken));
    expire_proposals();
    const TransferId id = id_of(transfer);
    const Proposal* there = proposals_.find(id);
    // An untrusted account without money takes no slot.
    const auto total = total_of(transfer);
    if (there == nullptr && (!total.ok() || account(transfer.from).balance < total.value()))
      return waiting.refuse(error_of(total.ok() ? LedgerError::funds : LedgerError::malformed));
    const auto by = runtime::user_of(from, transfer.from);
    if (there == nullptr && !places_.fits(by))
      return waiting.refuse(
          {Code::overloaded,
           "too many proposals wait for signatures, in all, of this account, or from this caller's network",
           std::chrono::minutes(1)});
    auto before = there == nullptr ? std::nullopt : std::optional(*there);
    auto result =
        proposals_.propose(transfer, given.policy, given.approvals[0], expires, time(), account(transfer.from).done);
    if (!before && result.ok()) hold(id, by);
    proposed(id, std::move(before), std::move(result), runtime::user_of(from), std::move(waiting));
  });
}

void BookActor::hold(const TransferId& id, const base::User<Address>& by) {
  places_.hold(id, by);
  std::erase(told_, rows::proposal_key(id));
}

void BookActor::forget(const TransferId& id) {
  proposals_.erase(id);
  places_.release(id);
}

void BookActor::expire_proposals() {
  for (const TransferId& id : proposals_.expire(time())) {
    forget(id);
    told_.push_back(rows::proposal_key(id));
  }
  if (!told_.empty()) after<Flush>(kFlush);
}

void BookActor::sign(wire::SignProposal::Reader ask, runtime::Reply<wire::ProposalIs> reply) {
  const auto id = TransferId::from(bytes_of(ask.getId()));
  const auto approval = read(ask.getApproval());
  if (!id || !approval)
    return reply.refuse({Code::malformed, "invalid id, key or signature: expected 32, 32 and 64 bytes"});
  open_.when<wire::ProposalIs>(
      std::move(reply), [this, id = *id, approval = *approval, by = runtime::user_of(caller())](auto waiting) mutable {
        const Proposal* there = proposals_.find(id);
        auto before = there == nullptr ? std::nullopt : std::optional(*there);
        auto result = proposals_.sign(id, approval, time());
        proposed(id, std::move(before), std::move(result), by, std::move(waiting));
      });
}

void BookActor::proposed(const TransferId& id, std::optional<Proposal> before,
                         base::Result<std::optional<Order>, ProposalError> result, const User& by,
                         runtime::Reply<wire::ProposalIs> reply) {
  if (!result.ok()) return reply.refuse(error_of(result.error()));
  if (const auto& order = result.value())
    if (const auto why = too_much(order->transfer(), by)) {
      as_before(id, std::move(before));
      return reply.refuse(*why);
    }
  decltype(Wanted::what) what = ProposalWanted{id};
  if (result.value()) what = PostWanted{.order = *std::move(result).value(), .proposal = id};
  want({.what = std::move(what),
        .done = [this, id, before = std::move(before), reply = std::move(reply)](const Outcome& done) mutable {
          const Proposal* there = proposals_.find(id);
          if (done.ok() && there != nullptr)
            return reply.send([&](wire::ProposalIs::Builder out) { write(out, id, *there); });
          if (done.ok()) return reply.refuse(error_of(ProposalError::expired));
          as_before(id, std::move(before));
          reply.refuse(done.error());
        }});
}

/// Restores the proposal, because its order was refused.
void BookActor::as_before(const TransferId& id, std::optional<Proposal> before) {
  if (before) proposals_.put(std::move(*before));
  else forget(id);
}

// -- orders

void BookActor::want(Wanted wanted) {
  if (queue_.size() >= kWaitingMax) return end(wanted, Error{Code::overloaded, "too many orders wait for the book"});
  // Two copies of a directory would post in two books of the same name.
  const auto& links = setup_.settings.links;
  if (links && runtime::used_elsewhere(links->own_id_met(), now()))
    return end(wanted,
               Error{Code::unavailable, "the book accepts no orders, because this node's identity is used elsewhere"});
  open_.when([this, wanted = std::move(wanted)](const base::Outcome<void>& opened) mutable {
    if (!opened.ok()) return end(wanted, opened.error());
    if (wanted.request()) look_up_request(std::move(wanted));
    else enqueue(std::move(wanted));
  });
}

void BookActor::look_up_request(Wanted wanted) {
  const rows::Mark mark = *wanted.request();
  const base::Digest content = rows::content_of(*wanted.transfer());
  const auto [under_way, fresh] = requests_.try_emplace(mark);
  if (!fresh) return under_way->second.push_back({content, std::move(wanted.done)});
  storage_.get(rows::request_key(mark), [this, mark, content, wanted = std::move(wanted)](
                                            const base::Outcome<std::optional<Bytes>>& row) mutable {
    if (!row.ok()) return end(wanted, row.error());
    if (!row.value()) return enqueue(std::move(wanted));
    const auto at = rows::decode_posted(*row.value());
    if (!at) return end(wanted, Error{Code::corrupt, "the stored row of the request is corrupted"});
    finish_request(wanted, *at);
    wanted.done(same(*at, content));
  });
}

/// Answers the callers that repeated this request during its commit.
void BookActor::finish_request(const Wanted& wanted, const Outcome& outcome) {
  const auto request = wanted.request();
  if (!request) return;
  auto under_way = requests_.extract(*request);
  if (under_way.empty()) return;
  for (Same& one : under_way.mapped()) one.done(outcome.ok() ? same(outcome.value(), one.content) : outcome);
}

void BookActor::end(Wanted& wanted, const Outcome& outcome) {
  finish_request(wanted, outcome);
  wanted.done(outcome);
}

void BookActor::enqueue(Wanted wanted) {
  if (!open_)
    return open_.when([this, wanted = std::move(wanted)](const base::Outcome<void>& opened) mutable {
      if (opened.ok()) enqueue(std::move(wanted));
      else end(wanted, opened.error());
    });
  const auto* post = std::get_if<PostWanted>(&wanted.what);
  if (post != nullptr && post->order.transfer().number <= account(post->order.transfer().from).done)
    return look_up_number(std::move(wanted));
  queue_.push_back(std::move(wanted));
  pump();
}

/// Looks up a used number: the same transfer is answered again, a different transfer is refused.
void BookActor::look_up_number(Wanted wanted) {
  const Transfer& transfer = *wanted.transfer();
  if (transfer.number.value == 0 || transfer.book != genesis_.id())
    return end(wanted, error_of(transfer.number.value == 0 ? LedgerError::malformed : LedgerError::wrong_book));
  const Bytes key = rows::number_key(transfer.from, transfer.number);
  storage_.get(key, [this, wanted = std::move(wanted)](const base::Outcome<std::optional<Bytes>>& row) mutable {
    if (!row.ok()) return end(wanted, row.error());
    const auto at = row.value() ? rows::decode_posted(*row.value()) : std::nullopt;
    if (!at) return end(wanted, Error{Code::corrupt, "the stored row of a transfer is missing or corrupted"});
    // The same bytes with another request are another payment: it takes the next number.
    if (at->id != id_of(*wanted.transfer()) || wanted.request()) return end(wanted, error_of(LedgerError::taken));
    world().mutations.sometimes("wallet: a transfer came again");
    end(wanted, *at);
  });
}

/// Orders of one commit. The rows of accounts are not in `commit` yet. These and the keys are short: `bytes` counts the
/// rest.
struct BookActor::Round {
  Batch batch;
  durable::Storage::Commit commit{};
  std::map<Address, rows::Keeper> keepers{};
  std::map<Bytes, rows::Untold> fresh{};  ///< credits to notify
  std::map<Address, rows::Account> accounts{};
  std::vector<Ended> ended{}, refused{};
  std::size_t bytes = 0;

  bool full() const {
    return commit.rows.size() + batch.changed().size() + keepers.size() + kRowsOfOrder >=
               durable::Storage::kCommitRowsMax ||
           bytes >= durable::Storage::kCommitBytesMax;
  }
};

void BookActor::pump() {
  if (!open_ || committing_ || (queue_.empty() && told_.empty())) return;
  const auto round = std::make_shared<Round>(
      Round{{genesis_, head_, static_cast<const BookRows&>(*this)}, {.head = rows::head_key(), .expected = head_row_}});
  decide_all(*round);
  if (round->ended.empty() && told_.empty()) return;
  write_accounts(*round);
  std::size_t erased = 0;
  for (; erased < told_.size() && round->commit.rows.size() < durable::Storage::kCommitRowsMax; ++erased)
    round->commit.rows.try_emplace(told_[erased]);
  told_.erase(told_.begin(), told_.begin() + static_cast<std::ptrdiff_t>(erased));

  Bytes head = rows::encode(round->batch.head());
  base::append_number(head, commits_ + 1);
  round->commit.rows[rows::head_key()] = head;
  committing_ = true;
  storage_.commit(std::move(round->commit),
                  [this, run = run_, round, head = std::move(head)](const base::Outcome<void>& done) mutable {
                    if (run != run_ || !done.ok()) {
                      const Error why = durable::not_committed(done, "the book was read again");
                      for (Ended& one : round->ended) end(one.wanted, why);
                      if (run == run_) reopen(why);
                      return;
                    }
                    head_row_ = std::move(head);
                    apply(*round);
                  });
}

/// Decides all waiting orders that fit, one after another.
void BookActor::decide_all(Round& round) {
  while (!queue_.empty() && !round.full()) {
    Wanted wanted = std::move(queue_.front());
    queue_.pop_front();
    decide(round, std::move(wanted));
  }
  // A refusal that depends on this commit is reported after it, because the commit may still fail.
  const bool follows = !round.ended.empty();
  for (Ended& one : std::exchange(round.refused, {})) {
    if (follows) round.ended.push_back(std::move(one));
    else end(one.wanted, one.outcome);
  }
}

void BookActor::decide(Round& round, Wanted wanted) {
  if (const auto* post = std::get_if<PostWanted>(&wanted.what)) {
    const Transfer& transfer = post->order.transfer();
    if (transfer.number <= account(transfer.from).done) return look_up_number(std::move(wanted));
    if (!post->expected && pays_kept(round, transfer))
      return round.refused.push_back({std::move(wanted), unrequested()});
    return take(round, wanted, post->order);
  }
  if (auto* issue = std::get_if<IssueWanted>(&wanted.what)) {
    if (pays_kept(round, issue->transfer)) return round.refused.push_back({std::move(wanted), unrequested()});
    issue->transfer.number = next(round.batch.account(issuance()).done);
    return take(round, wanted, Order::issue(issue->transfer, genesis_.owner));
  }
  if (const auto* keeps = std::get_if<KeeperWanted>(&wanted.what))
    round.keepers.insert_or_assign(keeps->account, keeps->keeper);
  write_proposal(round, wanted);
  round.ended.push_back({std::move(wanted), PostedAt{}});
}

bool BookActor::pays_kept(const Round& round, const Transfer& transfer) const {
  return std::ranges::any_of(
      transfer.credits, [&](const Credit& credit) { return kept(credit.to) || round.keepers.contains(credit.to); });
}

/// Decides one order. `order` may be a part of `wanted`.
void BookActor::take(Round& round, Wanted& wanted, const Order& order) {
  const auto taken = round.batch.take(order, time(), world().mutations);
  if (!taken.ok()) return round.refused.push_back({std::move(wanted), error_of(taken.error())});
  const auto request = wanted.request();
  const bool fresh = std::holds_alternative<Posting>(taken.value());
  if (request && !fresh) return round.refused.push_back({std::move(wanted), error_of(LedgerError::taken)});
  const Transfer& transfer = order.transfer();
  const Posting* posting = round.batch.posting(transfer.from, transfer.number);
  const PostedAt at{id_of(transfer), posting->sequence, posting->time, rows::content_of(transfer)};
  auto& changed = round.commit.rows;
  if (fresh) {
    Bytes row = encode(*posting);
    round.bytes += row.size() * 2;
    changed[rows::posting_key(at.sequence)] = std::move(row);
    changed[rows::number_key(transfer.from, transfer.number)] = rows::encode(at);
    changed[rows::history_key(transfer.from, at.sequence)] = Bytes();
    for (const Credit& credit : transfer.credits) changed[rows::history_key(credit.to, at.sequence)] = Bytes();
    untold(*posting, round.commit, round.fresh);
  }
  if (request) changed[rows::request_key(*request)] = rows::encode(at);
  write_proposal(round, wanted);
  round.ended.push_back({std::move(wanted), at});
}

void BookActor::write_proposal(Round& round, const Wanted& wanted) const {
  const auto id = wanted.proposal();
  const Proposal* there = id ? proposals_.find(*id) : nullptr;
  if (there == nullptr) return;
  Bytes row = rows::encode(*there);
  round.bytes += row.size();
  round.commit.rows[rows::proposal_key(*id)] = std::move(row);
}

void BookActor::write_accounts(Round& round) const {
  const auto account_now = [&](const Address& address) -> rows::Account& {
    const auto [at, first] = round.accounts.try_emplace(address);
    if (const auto before = accounts_.find(address); first && before != accounts_.end()) at->second = before->second;
    return at->second;
  };
  for (const auto& [address, row] : round.batch.changed()) {
    rows::Account& account = account_now(address);
    account.row = row;
    if (account.since == UnixMs(0) && row.balance > Amount()) account.since = round.batch.head().time;
  }
  for (const auto& [address, keeper] : round.keepers) {
    rows::Account& account = account_now(address);
    if (!keeper.path.empty()) account.keeper = keeper;
    else if (account.since == UnixMs(0)) account.keeper.reset();
  }
  // A row that was never credited and has no keeper is erased.
  for (const auto& [address, account] : round.accounts)
    round.commit.rows[rows::account_key(address)] =
        account == rows::Account{} ? std::nullopt : std::optional(rows::encode(account));
}

/// Applies a durable commit, and replies.
void BookActor::apply(Round& round) {
  committing_ = false;
  ++commits_;
  head_ = round.batch.head();
  for (auto& [address, account] : round.accounts) {
    if (account == rows::Account{}) accounts_.erase(address);
    else accounts_.insert_or_assign(address, std::move(account));
  }
  for (auto& [key, untold] : round.fresh) note(key, std::move(untold));
  for (Ended& one : round.ended) end(one.wanted, one.outcome);
  if (!round.fresh.empty()) tell();
  pump();
}

// -- credits of kept accounts

void BookActor::untold(const Posting& posting, durable::Storage::Commit& commit,
                       std::map<Bytes, rows::Untold>& fresh) const {
  if (kept(posting.transfer.from)) return;
  std::map<Address, rows::Untold> kept;
  for (const Credit& credit : posting.transfer.credits) {
    const auto account = accounts_.find(credit.to);
    if (account == accounts_.end() || !account->second.keeper) continue;
    const auto [at, first] = kept.try_emplace(credit.to);
    if (first)
      at->second = {*account->second.keeper, posting.sequence, id_of(posting.transfer), posting.transfer.from,
                    credit.amount};
    else at->second.amount = at->second.amount + credit.amount;
  }
  std::uint32_t number = 0;
  for (const auto& [address, one] : kept) {
    Bytes key = rows::credit_key(posting.sequence, number++);
    commit.rows[key] = rows::encode(one);
    fresh.emplace(std::move(key), one);
  }
}

/// Queues a credit of which its keeper is to be notified.
void BookActor::note(const Bytes& key, rows::Untold untold) {
  const KeeperId id{untold.keeper.kind, untold.keeper.id};
  untold_.put(id, key, std::move(untold));
}

/// Notifies the keepers in turn, and few at once, so that mailboxes have space for other requests.
void BookActor::tell() {
  if (!open_) return;
  while (auto credit = untold_.next(now())) tell(std::move(*credit));
  if (const auto wait = untold_.wait(now())) after<Tell>(*wait);
}

void BookActor::tell(Untold::Next next) {
  const rows::Untold& credit = next.what;
  ask<wire::Credited, messages::wire::Nothing>(
      node().find(credit.keeper.path), now() + kTellDue,
      [&](wire::Credited::Builder out) {
        out.setKind(credit.keeper.kind);
        out.setId(data_of(credit.keeper.id.view()));
        out.setSequence(credit.sequence);
        out.setTransfer(data_of(credit.transfer.view()));
        out.setFrom(data_of(credit.from.view()));
        out.setAmount(credit.amount.units());
      },
      [this, to = next.to, key = next.key, run = run_](const runtime::Answer<messages::wire::Nothing>& answer) {
        if (run != run_) return;
        if (answer.ok()) {
          untold_.told(to, key);
          told_.push_back(key);
          after<Flush>(kFlush);
        } else {
          untold_.not_told(to, now(), answer.error());
        }
        tell();
      });
}

}  // namespace troupe::wallet
