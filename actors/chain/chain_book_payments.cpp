// Transfers of parties, which sign them, and of accounts whose key this node has.
#include <algorithm>

#include "actors/chain/api.hpp"
#include "actors/chain/chain_book_actor.hpp"
#include "actors/chain/logic/mempool.hpp"
#include "messages/codec.hpp"
#include "runtime/actor/user.hpp"
#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;
using wallet::LedgerError;

constexpr std::size_t kRequestIdBytesMax = 64;       // messages/wallet.capnp
constexpr std::chrono::milliseconds kPayAgain{200};  // our choice
constexpr std::chrono::seconds kPayAgainMax{10};     // our choice
constexpr std::chrono::seconds kFeesAgain{5};        // our choice
constexpr std::chrono::seconds kPartyDue{5};         // our choice: the chain is at this node
constexpr std::chrono::seconds kAheadWait{20};       // our choice: two blocks of most chains
constexpr std::size_t kAheadMax = 1'024;             // our choice
// Our choice: a transaction holds its slot for as many heights, and a wallet signs it for kBookHeights.
constexpr std::uint64_t kPartyLifeMax = 10 * kBookHeights;

Error posting_error(LedgerError why) {
  const bool changed = why == LedgerError::taken || why == LedgerError::ahead;
  const Code code = why == LedgerError::malformed ? Code::malformed : changed ? Code::conflict : Code::refused;
  return {code, std::string(wallet::name(why))};
}

Bytes account_row(char kind, const wallet::Address& account) {
  Bytes out{static_cast<std::uint8_t>(kind)};
  base::append(out, account.view());
  return out;
}

Bytes numbered_key(const wallet::Address& account, wallet::TransferNumber number) {
  Bytes out = account_row('n', account);
  durable::append_ordered(out, number.value);
  return out;
}

Bytes party_row(const TxId& id) {
  Bytes out{'p'};
  base::append(out, id.view());
  return out;
}

Bytes request_row(const base::Digest& request) {
  Bytes out{'r'};
  base::append(out, request.view());
  return out;
}

/// Returns the error with a code that does not end a deposit: the deposit may have been posted before.
Error may_pass(Error why) {
  if (base::is_final(why.code)) why.code = Code::unavailable;
  return why;
}

}  // namespace

Bytes ChainBookActor::encode(const Posted& posted) {
  Bytes out;
  base::append(out, posted.id.view());
  base::append_number(out, posted.sequence);
  base::append_number(out, static_cast<std::uint64_t>(posted.time.count()));
  return out;
}

std::optional<ChainBookActor::Posted> ChainBookActor::decode_posted(base::ByteView bytes) {
  base::FieldReader in(bytes);
  Posted out;
  out.id = in.fixed<wallet::TransferId>();
  out.sequence = in.number<std::uint64_t>();
  out.time = UnixMs(static_cast<std::int64_t>(in.number<std::uint64_t>()));
  if (!in.ended()) return std::nullopt;
  return out;
}

void ChainBookActor::post(wallet::wire::PostTransfer::Reader ask, runtime::Reply<wallet::wire::Posted> reply) {
  auto given = wallet::read(ask.getTransfer());
  if (!given.ok()) return reply.refuse(given.error());
  if (ask.getRequest().size() > kRequestIdBytesMax)
    return reply.refuse({Code::malformed, "the request id is too long: at most 64 bytes"});
  const wallet::Signed& transfer = given.value();
  if (!wallet::Order::approved(transfer.transfer, transfer.policy, transfer.approvals))
    return reply.refuse({Code::refused, "the signers of the account have not approved this transfer"});
  Wanted wanted{.transfer = transfer.transfer, .to_no_key = ask.getToNoKey(), .done = answer_to(std::move(reply))};
  if (transfer.transfer.book != book_) return wanted.done(posting_error(LedgerError::wrong_book));
  const bool of_this_node = transfer.transfer.from == own();
  if (of_this_node && ask.getRequest().size() > 0)
    wanted.request =
        crypto::sha256(base::as_bytes("troupe chain request v1"), base::as_bytes(text_of(ask.getRequest())));
  const auto one = std::make_shared<Wanted>(std::move(wanted));
  open_.when([this, one, of_this_node, from = caller(),
              given = std::move(given).value()](const base::Outcome<void>& opened) mutable {
    if (!opened.ok()) return one->done(one->to_no_key ? may_pass(opened.error()) : opened.error());
    const auto is_kept = [this](const wallet::Credit& credit) {
      const auto at = in_book_.find(credit.to);
      return followed_.contains(at != in_book_.end() ? at->second : credit.to);
    };
    if (!one->to_no_key && std::ranges::any_of(one->transfer.credits, is_kept)) return one->done(wallet::unrequested());
    if (!of_this_node) return post_of_party(given, from, one->to_no_key, std::move(one->done));
    if (one->request) look_up_request(std::move(*one));
    else want(std::move(*one));
  });
}

ChainBookActor::Done ChainBookActor::answer_to(runtime::Reply<wallet::wire::Posted> reply) {
  return [reply = std::move(reply)](const base::Outcome<Posted>& done) mutable {
    if (!done.ok()) return reply.refuse(done.error());
    reply.send([&](wallet::wire::Posted::Builder out) {
      out.setId(data_of(done.value().id.view()));
      out.setSequence(done.value().sequence);
      out.setTime(static_cast<std::uint64_t>(done.value().time.count()));
    });
  };
}

void ChainBookActor::pay_from(wallet::wire::PayFrom::Reader ask, runtime::Reply<wallet::wire::Posted> reply) {
  auto transfer = wallet::decode_transfer(bytes_of(ask.getTransfer()));
  const auto id = base::Digest::from(bytes_of(ask.getId()));
  const std::string kind = text_of(ask.getKind());
  if (!transfer || !id || kind.empty() || kind.size() > 16 || transfer->from != wallet::account_of(kind, id->view()))
    return reply.refuse({Code::malformed, "the transfer does not debit the account of kind and id"});
  if (transfer->book != book_) return reply.refuse(posting_error(LedgerError::wrong_book));
  const auto wanted =
      std::make_shared<Wanted>(Wanted{.transfer = std::move(*transfer), .done = answer_to(std::move(reply))});
  open_.when([this, wanted](const base::Outcome<void>& opened) {
    if (opened.ok()) want(std::move(*wanted));
    else wanted->done(opened.error());
  });
}

// -- parties

/// Posts a party's transfer. It was signed for its fee and its last height, so only the chain decides its result.
void ChainBookActor::post_of_party(const wallet::Signed& given, const runtime::Caller& from, bool to_no_key,
                                   Done done) {
  auto transaction = transaction_of(given.transfer, chain_, given.policy, on_chain(to_no_key));
  if (!transaction || given.on_chain.empty())
    return done(Error{Code::refused,
                      "the book is a chain (ledger.book = chain), and the transfer was signed for a book: it has no "
                      "fee and no last height, or its signer has not approved the transaction"});
  transaction->from.approvals = given.on_chain;
  std::ranges::sort(transaction->from.approvals, {}, &wallet::Approval::key);
  const TxId id = id_of(transaction->content);
  const auto known = parties_.find(id);
  auto by = runtime::user_of(from, transaction->content.from);
  // Parts of this node post for other callers, which are unknown after a start.
  by.reserved = by.reserved && !to_no_key;
  if (orders_ >= kWaitingMax || (known == parties_.end() && !party_places_.fits(by, 1)))
    return done(Error{Code::overloaded, "too many transfers wait for the chain, in all or from this caller's network",
                      std::chrono::seconds(10)});
  if (known == parties_.end()) {
    if (party_places_.held(by) >= kPartyMax)
      return done(Error{Code::overloaded, "too many transfers of this account (limit " + std::to_string(kPartyMax) +
                                              ") wait for the chain or for their last heights"});
    party_places_.hold(by, 1);
  }
  ++orders_;
  Party& party = parties_[id];
  if (known == parties_.end()) party.by = by;
  party.last = transaction->content.last_height;
  party.waiting.push_back({id_of(given.transfer), std::move(done)});
  if (std::exchange(party.busy, true)) return;
  const auto it = std::make_shared<const SignedTransaction>(std::move(*transaction));
  if (party.kept) return pursue_of_party(it);
  auto& trying = trying_[it->content.from];
  trying.push_back(it);
  if (trying.size() == 1) try_of_party(it);
}

/// Tries a transaction. If it was never submitted here, it may be refused for good. A transaction with a gap before its
/// nonce could wait until its last height, so it is not kept.
void ChainBookActor::try_of_party(Submitted it) {
  with_account(it->content.from, [this, it, run = run_](const base::Outcome<Seen>& sender) {
    if (run != run_) return;
    const TxId id = id_of(it->content);
    if (!sender.ok()) return answer_parties(id, sender.error());
    if (it->content.nonce <= sender.value().next) return try_dry(it);
    // A kept transaction may fill the gap: a pool is empty after a start, and may be full.
    const Address& account = it->content.from;
    if (party_places_.held({.id = account}) == trying_.at(account).size() && !may_come(id))
      return answer_parties(id, posting_error(LedgerError::ahead));
    answer_parties(
        id, Error{Code::unavailable, "the chain has not accepted the account's earlier transfers yet: try again"});
  });
}

/// Returns whether the missing transactions may be in flight from another node's pool. Beyond kAheadMax it may be
/// retried all that time, because a `conflict` is final, and keys without money can fill the list.
bool ChainBookActor::may_come(const TxId& id) {
  std::erase_if(ahead_, [this](const auto& one) { return one.second + 3 * kAheadWait <= now(); });
  const auto known = ahead_.find(id);
  if (known != ahead_.end()) return now() < known->second + kAheadWait;
  if (ahead_.size() >= kAheadMax) return true;
  ahead_.emplace(id, now());
  return true;
}

/// Asks the chain whether it would accept the transaction.
void ChainBookActor::try_dry(Submitted it) {
  ask<wire::SubmitTransaction, wire::TransactionInfo>(
      node().find(kPath), now() + kPartyDue,
      [&](wire::SubmitTransaction::Builder out) {
        out.setTransaction(data_of(chain::encode(*it)));
        out.setDry(true);
      },
      [this, it, run = run_](runtime::Answer<wire::TransactionInfo> answer) {
        if (run != run_) return;
        const TxId id = id_of(it->content);
        if (answer.ok()) {
          if (const auto end = end_in(answer.value())) return end_of_party(id, *end);
          return keep_of_party(it);
        }
        // Its signer may have submitted it elsewhere, and a block may contain it since the last check.
        ask<wire::GetTransaction, wire::TransactionInfo>(
            node().find(kPath), now() + kPartyDue,
            [&](wire::GetTransaction::Builder out) { out.setId(data_of(id.view())); },
            [this, it, id, run, why = answer.error()](runtime::Answer<wire::TransactionInfo> found) {
              if (run != run_) return;
              if (!found.ok()) return answer_parties(id, found.error().code == Code::not_found ? why : found.error());
              if (const auto end = end_in(found.value())) return end_of_party(id, *end);
              keep_of_party(it);
            });
      });
}

/// Makes it durable before it is submitted, so that after a crash it does not count as never submitted.
void ChainBookActor::keep_of_party(Submitted it) {
  with_now([this, it, run = run_](const base::Outcome<Now>& now) {
    if (run != run_) return;
    const TxId id = id_of(it->content);
    if (!now.ok()) return answer_parties(id, now.error());
    const Height last = it->content.last_height;
    // It would be kept for as long.
    if (last.value > now.value().height.value && last.value - now.value().height.value > kPartyLifeMax)
      return answer_parties(id, Error{Code::refused, "the last height of the transaction is too far away"});
    Bytes row;
    base::append_number(row, last.value);
    base::append(row, it->content.from.view());
    Write one{.rows = {{party_row(id), std::move(row)}}};
    one.done = [this, it, id](const base::Outcome<void>& done) {
      if (!done.ok()) return;  // the callers got an error; the rows are read again
      parties_.at(id).kept = true;
      pursue_of_party(it);
    };
    write(std::move(one));
  });
}

void ChainBookActor::pursue_of_party(const Submitted& it) {
  const TxId id = id_of(it->content);
  settle(
      *it,
      [this, id, run = run_](const base::Outcome<Settled>& how) {
        if (run == run_) end_of_party(id, how);
      },
      [this, id, account = it->content.from, run = run_] {
        if (run == run_) tried_of_party(id, account);
      });
}

/// Ends its turn once the pool has it, or it is refused: the account's next transaction follows, or finds a gap.
void ChainBookActor::tried_of_party(const TxId& id, const Address& account) {
  const auto at = trying_.find(account);
  if (at == trying_.end() || id_of(at->second.front()->content) != id) return;
  at->second.pop_front();
  if (at->second.empty()) trying_.erase(at);
  else try_of_party(at->second.front());
}

void ChainBookActor::end_of_party(const TxId& id, const base::Outcome<Settled>& how) {
  Party& party = parties_.at(id);
  // Only a submission gets these errors.
  const bool refused = !how.ok() && (how.error().code == Code::refused || how.error().code == Code::conflict);
  if (!how.ok() && (party.taken || !refused)) {
    const Error& why = how.error();
    party.taken = true;
    if (why.code == Code::timeout || why.code == Code::unavailable || why.code == Code::overloaded)
      return answer_parties(id, why);
    // The caller must not take it for the end: it may wait at other nodes.
    return answer_parties(
        id, Error{Code::unavailable, "the chain does not accept this transaction now, but may accept it until block " +
                                         std::to_string(party.last.value) + ": " + why.message});
  }
  // From now on the chain reports its end, or has never had it.
  if (party.kept) write({.rows = {{party_row(id), std::nullopt}}, .done = [](const base::Outcome<void>&) {}});
  const auto at = parties_.find(id);
  if (at == parties_.end()) return;
  at->second.kept = false;
  if (!how.ok()) return answer_parties(id, how.error());
  const Settled& end = how.value();
  switch (end.how) {
    case Settled::How::final: return answer_parties(id, Posted{{}, sequence_of(end.height, end.index), end.time});
    case Settled::How::failed:
      return answer_parties(
          id, Error{Code::refused, "the account's balance was too small in block " + std::to_string(end.height.value) +
                                       "; the account has paid the fee"});
    case Settled::How::expired:
      return answer_parties(
          id, Error{Code::refused, "the last height of the transaction is past, and no block contains it"});
  }
}

/// Answers all waiting callers: different transfers may be the same transaction.
void ChainBookActor::answer_parties(const TxId& id, const base::Outcome<Posted>& how) {
  const auto at = parties_.find(id);
  at->second.busy = false;
  const Address account = at->second.by.id;
  auto waiting = std::exchange(at->second.waiting, {});
  if (!at->second.kept) {
    party_places_.release(at->second.by, 1);
    parties_.erase(at);
  }
  orders_ -= waiting.size();
  for (Party::Waiting& one : waiting) {
    if (!how.ok()) one.done(how.error());
    else one.done(Posted{one.id, how.value().sequence, how.value().time});
  }
  tried_of_party(id, account);
}

/// Forgets transactions without callers. The chain reports their end.
void ChainBookActor::forget_parties() {
  Write gone{.done = [](const base::Outcome<void>&) {}};
  std::erase_if(parties_, [&](const auto& one) {
    const bool past = one.second.kept && !one.second.busy && one.second.last < looked_;
    if (!past) return false;
    gone.rows[party_row(one.first)] = std::nullopt;
    party_places_.release(one.second.by, 1);
    return true;
  });
  if (!gone.rows.empty()) write(std::move(gone));
}

// -- accounts whose key this node has

/// Looks up the transfer of a request, which is the same forever.
void ChainBookActor::look_up_request(Wanted wanted) {
  const auto one = std::make_shared<Wanted>(std::move(wanted));
  storage_.get(request_row(*one->request), [this, one, run = run_](const base::Outcome<std::optional<Bytes>>& row) {
    if (run != run_)
      return one->done(Error{Code::unavailable, "the accounts on the chain are being read again: try again"});
    if (!row.ok()) return one->done(row.error());
    if (!row.value()) return want(std::move(*one));
    auto before = wallet::decode_transfer(*row.value());
    if (!before) return one->done(Error{Code::corrupt, "the stored row of the request is corrupted"});
    if (before->credits != one->transfer.credits || before->memo != one->transfer.memo)
      return one->done(Error{Code::conflict, "another transfer of this account was posted under this request"});
    one->transfer = std::move(*before);
    want(std::move(*one));
  });
}

void ChainBookActor::want(Wanted wanted) {
  const Address account = wanted.transfer.from;
  const auto at = paying_.find(account);
  if (orders_ >= kWaitingMax || (at != paying_.end() && at->second.waiting.size() >= kAccountMax))
    return wanted.done(Error{Code::overloaded, "too many transfers wait for the chain, in all or from this account"});
  ++orders_;
  const wallet::TransferNumber number = wanted.transfer.number;
  paying_[account].waiting.emplace(number, std::move(wanted));
  next(account);
}

void ChainBookActor::go_on() {
  again_ = false;
  std::vector<Address> all;
  for (const auto& [account, paying] : paying_) all.push_back(account);
  for (const Address& account : all) next(account);
}

void ChainBookActor::next(const Address& account) {
  const auto at = paying_.find(account);
  if (!open_ || at == paying_.end() || at->second.busy) return;
  Paying& paying = at->second;
  if (!paying.bound && paying.waiting.empty()) {
    paying_.erase(at);
    return;
  }
  if (now() < paying.not_before) {
    if (!std::exchange(again_, true)) after<Again>(kPayAgain);
    return;
  }
  paying.busy = true;
  if (paying.bound) return pursue(account);
  storage_.get(account_row('a', account), [this, account, run = run_](const base::Outcome<std::optional<Bytes>>& row) {
    if (run != run_) return;
    if (!row.ok()) return failed(account, row.error());
    std::optional<KeptAccount> known;
    if (row.value()) {
      known = KeptAccount::decode(*row.value());
      if (!known) return failed(account, {Code::corrupt, "the stored row of an account is corrupted"});
    }
    judge(account, known);
  });
}

/// Answers paid transfers. The next transfer becomes a transaction; transfers with later numbers wait.
void ChainBookActor::judge(const Address& account, const std::optional<KeptAccount>& known) {
  Paying& paying = paying_.at(account);
  const KeptAccount state = known.value_or(KeptAccount());
  while (!paying.waiting.empty() && state.judge(paying.waiting.begin()->first) == KeptAccount::Standing::paid) {
    auto one = paying.waiting.extract(paying.waiting.begin());
    --orders_;
    answer_paid(account, std::move(one.mapped()));
  }
  if (paying.waiting.empty()) return rest(account);
  if (state.judge(paying.waiting.begin()->first) == KeptAccount::Standing::next) return bind(account, known);
  refuse_waiting(account, posting_error(LedgerError::ahead));
  rest(account);
}

void ChainBookActor::answer_paid(const Address& account, Wanted wanted) {
  const auto one = std::make_shared<Wanted>(std::move(wanted));
  storage_.get(numbered_key(account, one->transfer.number), [one](const base::Outcome<std::optional<Bytes>>& row) {
    if (!row.ok()) return one->done(row.error());
    const auto posted = row.value() ? decode_posted(*row.value()) : std::nullopt;
    if (!posted) return one->done(Error{Code::corrupt, "the stored row of a transfer is missing or corrupted"});
    if (posted->id != id_of(one->transfer)) return one->done(posting_error(LedgerError::taken));
    one->done(*posted);
  });
}

void ChainBookActor::refuse_waiting(const Address& account, const Error& why) {
  auto waiting = std::exchange(paying_.at(account).waiting, {});
  orders_ -= waiting.size();
  for (auto& [number, wanted] : waiting) wanted.done(why);
}

/// Continues with waiting transfers: the account has no transaction in progress.
void ChainBookActor::rest(const Address& account) {
  const auto at = paying_.find(account);
  if (at == paying_.end()) return;
  at->second.busy = false;
  next(account);
}

/// Reports the error to waiting callers, which ask again. A bound transaction is retried automatically.
void ChainBookActor::failed(const Address& account, const Error& why) {
  Paying& paying = paying_.at(account);
  paying.backoff = std::clamp<base::Duration>(paying.backoff * 2, kPayAgain, kPayAgainMax);
  paying.not_before = now() + paying.backoff;
  refuse_waiting(account, why);
  rest(account);
}

void ChainBookActor::bind(const Address& account, std::optional<KeptAccount> known) {
  const bool of_this_node = account == own();
  with_now([this, account, known, of_this_node, run = run_](const base::Outcome<Now>& now) {
    if (run != run_) return;
    if (!now.ok()) return failed(account, now.error());
    with_account(of_this_node ? account : kept(account), [this, account, known, of_this_node, run,
                                                          at = now.value()](const base::Outcome<Seen>& sender) {
      if (run != run_) return;
      if (!sender.ok()) return failed(account, sender.error());
      if (of_this_node) return sign_and_keep(account, known, at, sender.value(), sender.value());
      with_account(own(), [this, account, known, run, at, from = sender.value()](const base::Outcome<Seen>& payer) {
        if (run != run_) return;
        if (!payer.ok()) return failed(account, payer.error());
        sign_and_keep(account, known, at, from, payer.value());
      });
    });
  });
}

void ChainBookActor::sign_and_keep(const Address& account, const std::optional<KeptAccount>& known, const Now& at,
                                   const Seen& sender, const Seen& payer) {
  Paying& paying = paying_.at(account);
  if (paying.waiting.empty()) return rest(account);
  const Wanted& first = paying.waiting.begin()->second;
  const wallet::Transfer& transfer = first.transfer;
  const bool of_this_node = account == own();
  // The node's own key may have signed before; a derived key has not.
  const KeptAccount state = known.value_or(KeptAccount(of_this_node ? sender.nonce : Nonce{}));
  // A paid transfer may have been requested again during the chain's answer: it is not paid twice.
  if (state.judge(first.transfer.number) != KeptAccount::Standing::next) return judge(account, known);
  if (sender.nonce < state.next())
    return failed(
        account, {Code::unavailable,
                  "the chain of this node is still being read and has not reached its earlier state: try again later"});
  if (sender.nonce > state.next()) {  // do not end this transfer: it may be the unknown payment
    const Error why{Code::conflict,
                    "the account has made payments on the chain that this node does not know: its data was restored "
                    "from a backup, or another node has its key"};
    settings_.log.error("a kept account stops all payments",
                        {{"account", text(account)}, {"why", std::string_view(why.message)}});
    return failed(account, why);
  }
  const crypto::SecretKey derived = key_of(account);
  const crypto::SecretKey& key = of_this_node ? settings_.identity->key() : derived;
  const wallet::Policy policy = wallet::Policy::of_key(key.public_key());
  const auto payer_policy = of_this_node ? std::nullopt : std::optional(own_policy_);
  const auto counterpart = on_chain(first.to_no_key);
  const Gas gas = transaction_of(transfer, chain_, state.next(), {}, policy, payer_policy, counterpart).content.gas;
  const BookTerms terms = terms_now(at.height, gas, at.base_fee);
  SignedTransaction made = transaction_of(transfer, chain_, state.next(), terms, policy, payer_policy, counterpart);
  if (const auto wrong = flaw(made.content))
    return failed(account, {Code::malformed, "invalid transfer: " + std::string(name(*wrong))});
  const auto total = wallet::total_of(transfer);
  if (!total.ok()) return failed(account, posting_error(LedgerError::malformed));
  if (!of_this_node && payer.balance < terms.fee_max) {
    const std::string why = "the account of this node, which pays the fees of escrows, has " + payer.balance.text() +
                            ", but up to " + terms.fee_max.text() + " is needed: send money to " + wallet::text(own());
    lacks_fees(why, terms.fee_max);
    return failed(account, {Code::unavailable, why});
  }
  const auto needed = of_this_node ? plus(total.value(), terms.fee_max) : std::optional(total.value());
  if (!needed || sender.balance < *needed)
    return failed(account,
                  {Code::refused, "the account has " + sender.balance.text() + " on the chain, less than the payment" +
                                      (of_this_node ? " with the fee" : "")});
  const Bytes message = signed_bytes(made.content, at.fork);
  made.from.approvals = {{key.public_key(), key.sign(message)}};
  if (made.fee_payer)
    made.fee_payer->approvals = {{settings_.identity->public_key(), settings_.identity->key().sign(message)}};

  const wallet::TransferId id = id_of(transfer);
  Bytes row;
  base::append(row, id.view());
  base::append(row, chain::encode(made));
  Write one{.rows = {{account_row('a', account), state.encode()}, {account_row('b', account), std::move(row)}}};
  if (first.request) one.rows[request_row(*first.request)] = wallet::encode(transfer);
  const auto bound = std::make_shared<Bound>(Bound{id, std::move(made)});
  one.done = [this, account, bound](const base::Outcome<void>& done) {
    if (!done.ok()) return;  // the callers got an error; the rows are read again
    paying_.at(account).bound = std::move(*bound);
    pursue(account);
  };
  write(std::move(one));
}

void ChainBookActor::pursue(const Address& account) {
  const SignedTransaction transaction = paying_.at(account).bound->transaction;
  settle(transaction,
         [this, account, fee_max = transaction.content.fee_max, run = run_](const base::Outcome<Settled>& how) {
           if (run != run_) return;
           if (how.ok()) return ended(account, how.value());
           const Code code = how.error().code;
           if (code == Code::refused || code == Code::conflict || code == Code::overloaded) {
             // The caller must not take it for the end: the same transaction is submitted until its last height.
             const std::string why = "the chain does not accept a payment of this node yet: " + how.error().message +
                                     "; fees are paid by " + wallet::text(own());
             lacks_fees(why, fee_max);
             return failed(account, {Code::unavailable, why});
           }
           failed(account, how.error());
         });
}

void ChainBookActor::ended(const Address& account, const Settled& how) {
  const Bound& bound = *paying_.at(account).bound;
  if (how.how == Settled::How::expired) {
    Write one{.rows = {{account_row('b', account), std::nullopt}}};
    one.done = [this, account](const base::Outcome<void>& done) {
      if (!done.ok()) return;
      settings_.log.info("a transaction of a kept account has expired: making a new transaction",
                         {{"account", wallet::text(account)}});
      paying_.at(account).bound.reset();
      rest(account);
    };
    return write(std::move(one));
  }
  storage_.get(account_row('a', account), [this, account, how, id = bound.transfer,
                                           run = run_](const base::Outcome<std::optional<Bytes>>& row) {
    if (run != run_) return;
    if (!row.ok()) return failed(account, row.error());
    auto state = row.value() ? KeptAccount::decode(*row.value()) : std::nullopt;
    if (!state) return reopen({Code::corrupt, "the stored row of an account is corrupted"});
    const bool final = how.how == Settled::How::final;
    if (final) state->paid();
    else state->failed();
    Write one{.rows = {{account_row('a', account), state->encode()}, {account_row('b', account), std::nullopt}}};
    if (final)
      one.rows[numbered_key(account, state->done())] = encode(Posted{id, sequence_of(how.height, how.index), how.time});
    one.done = [this, account, final, how, id](const base::Outcome<void>& done) {
      if (!done.ok()) return;
      Paying& paying = paying_.at(account);
      paying.bound.reset();
      paying.backoff = {};
      if (std::exchange(lacks_fees_, false) && settings_.health != nullptr) settings_.health->clear(kFeesHealth);
      // The row of a final transfer answers it, as for later callers.
      if (final) return rest(account);
      settings_.log.error("a payment of a kept account has failed on the chain",
                          {{"account", wallet::text(account)}, {"transfer", id.hex()}, {"height", how.height.value}});
      refuse_waiting(
          account, {Code::refused, "the account's balance was too small in block " + std::to_string(how.height.value)});
      rest(account);
    };
    write(std::move(one));
  });
}

// -- fees

void ChainBookActor::lacks_fees(const std::string& why, wallet::Amount needed) {
  fees_needed_ = needed;
  if (settings_.health != nullptr)
    settings_.health->raise(kFeesHealth, observe::HealthState::degraded, "payments of escrows wait: " + why);
  if (!std::exchange(lacks_fees_, true)) after<Fees>(kFeesAgain);
}

/// Clears the health reason once this node's account has the missing fee and no transaction is in progress.
void ChainBookActor::look_at_fees() {
  if (!lacks_fees_) return;
  with_account(own(), [this](const base::Outcome<Seen>& seen) {
    const auto bound = [](const auto& one) { return one.second.bound.has_value(); };
    if (!seen.ok() || seen.value().balance < fees_needed_ || std::ranges::any_of(paying_, bound))
      return after<Fees>(kFeesAgain);
    lacks_fees_ = false;
    if (settings_.health != nullptr) settings_.health->clear(kFeesHealth);
  });
}

}  // namespace troupe::chain
