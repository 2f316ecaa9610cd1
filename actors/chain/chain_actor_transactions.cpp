// Transactions: taken, passed on, and waited for.
#include "actors/chain/chain_actor.hpp"
#include "messages/words.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::seconds kGetDue{5};               // our choice
constexpr std::size_t kToldAtOnce = 256;                 // messages/chain.capnp
constexpr std::size_t kFetchingMax = 16'384;             // our choice
constexpr std::size_t kGivenBytesMax = 2 * 1024 * 1024;  // messages/chain.capnp
constexpr std::size_t kToldMax = 100'000;                // our choice: of one height, to one neighbour
constexpr std::chrono::minutes kWaitMax{10};             // our choice

Error error_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::funds: return {Code::refused, "the sender has less than amount and fee"};
    case Outcome::fee_funds: return {Code::refused, "its payer has less than the fee"};
    case Outcome::price: return {Code::refused, "the base fee is more than its fee-max allows"};
    case Outcome::expired: return {Code::refused, "its last height is past"};
    case Outcome::gas: return {Code::refused, "it allows itself another amount of gas than it needs"};
    case Outcome::faucet_early: return {Code::refused, "this address got money from the faucet a short while ago"};
    case Outcome::faucet_empty: return {Code::refused, "the faucet is empty, or this chain has none"};
    default: return {Code::refused, std::string(name(outcome))};
  }
}
Error error_of(MempoolError why) {
  switch (why) {
    case MempoolError::past: return {Code::conflict, "its nonce is taken by another transaction"};
    case MempoolError::ahead: return {Code::refused, "its nonce is too far ahead of the sender's next one"};
    case MempoolError::expired: return {Code::refused, "its last height is past"};
    case MempoolError::lasting: return {Code::refused, "its last height is too far away"};
    case MempoolError::gas: return {Code::refused, "it needs more gas than it allows itself, or than a block has"};
    case MempoolError::funds: return {Code::refused, "its payer has less than the fees of all that it pays for here"};
    case MempoolError::cheap:
      return {Code::conflict, "another transaction with this nonce waits, and this one does not offer enough more"};
    case MempoolError::changed: return {Code::conflict, "what has this nonce was replaced too often"};
    case MempoolError::full:
      return {Code::overloaded, "the pool is full, and it offers no more than the others", std::chrono::seconds(5)};
    case MempoolError::known: break;
  }
  return {Code::refused, std::string(name(why))};
}
Error error_of(TransactionError why) {
  const Code code = why == TransactionError::authority || why == TransactionError::wrong_chain ? Code::refused
                    : why == TransactionError::unsupported                                     ? Code::unsupported
                                                                                               : Code::malformed;
  return {code, "the transaction: " + std::string(name(why))};
}

}  // namespace

void ChainActor::submit(wire::SubmitTransaction::Reader ask, runtime::Reply<wire::TransactionInfo> reply) {
  auto parsed = parse_signed_transaction(bytes_of(ask.getTransaction()));
  if (!parsed.ok()) return reply.refuse(error_of(parsed.error()));
  auto approved = Approved::verify(std::move(parsed).value(), chain_, fork_);
  if (!approved.ok()) return reply.refuse(error_of(approved.error()));
  const TxId id = approved.value().id();
  const bool dry = ask.getDry();
  ledger_.location_of(id, [this, id, dry, approved = std::move(approved).value(),
                           reply = std::move(reply)](base::Outcome<std::optional<rows::Location>> at) mutable {
    if (!at.ok()) return reply.refuse(at.error());
    if (at.value()) return answer(id, std::move(reply), {});
    admit(std::move(approved), std::nullopt, dry,
          [this, id, dry, reply = std::move(reply)](base::Outcome<void> done) mutable {
            if (!done.ok()) return reply.refuse(done.error());
            if (!dry) return answer(id, std::move(reply), {});
            reply.send([&](wire::TransactionInfo::Builder out) { out.setId(data_of(id.view())); });
          });
  });
}

void ChainActor::admit(Approved transaction, std::optional<base::NodeId> from, bool dry, Admitted done) {
  if (mempool_.find(transaction.id()) != nullptr) return done({});
  struct Seen {
    Outcome outcome = Outcome::done;
    Standing standing;
  };
  const auto seen = std::make_shared<Seen>();
  const auto one = std::make_shared<const Approved>(std::move(transaction));
  ledger_.with_rows(
      [this, one, seen] {
        const rows::Head& head = ledger_.head();
        const NextBlock& next = ledger_.next();
        StateView view = ledger_.view();
        seen->outcome = admissible(view, next.totals, next.parameters, *one, head.height.next(),
                                   std::max(unix_ms(), head.time + UnixMs{1}));
        seen->standing = {view.account(one->content().from).nonce, view.account(one->content().payer()).balance};
        return !view.damage();
      },
      [this, one, seen, from, dry, done = std::move(done)](const base::Outcome<void>& read) mutable {
        if (!read.ok()) return done(read.error());
        if (seen->outcome != Outcome::done && seen->outcome != Outcome::nonce) return done(error_of(seen->outcome));
        if (seen->standing.next > one->content().nonce) return done(error_of(MempoolError::past));
        if (dry) return done({});
        const Gas block_gas{ledger_.next().parameters[Param::block_gas]};
        const auto added = mempool_.add(*one, seen->standing, ledger_.head().height, block_gas);
        if (!added.ok() && added.error() != MempoolError::known) return done(error_of(added.error()));
        settings_.counters->pending = mempool_.count();
        barren_ = false;
        if (from) {
          if (const auto at = neighbours_.find(*from); at != neighbours_.end()) at->second.told.insert(one->id());
        }
        to_tell_.push_back(one->id());
        after<TellTransactions>({});
        done({});
        begin_if_due();
      });
}

// -- passed on

void ChainActor::tell_transactions() {
  const std::vector<TxId> ids = std::exchange(to_tell_, {});
  for (auto& [node_id, neighbour] : neighbours_) {
    std::vector<TxId> news;
    for (const TxId& id : ids)
      if (neighbour.told.size() < kToldMax && neighbour.told.insert(id).second) news.push_back(id);
    for (std::size_t at = 0; at < news.size(); at += kToldAtOnce)
      tell<wire::HaveTransactions>(neighbour.handle, [&](wire::HaveTransactions::Builder out) {
        out.setChain(data_of(chain_.view()));
        auto list = out.initIds(static_cast<unsigned>(std::min(kToldAtOnce, news.size() - at)));
        for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(news[at + i].view()));
      });
  }
}

void ChainActor::hear_have(wire::HaveTransactions::Reader have) {
  const auto from = caller().node;
  if (!ready_ || !from || !ours(have.getChain()) || syncing_) return;
  const auto neighbour = neighbours_.find(*from);
  std::erase_if(fetching_, [this](const auto& one) { return one.second <= now(); });
  std::vector<TxId> missing;
  for (const auto bytes : have.getIds()) {
    const auto id = TxId::from(bytes_of(bytes));
    if (!id) continue;
    if (neighbour != neighbours_.end() && neighbour->second.told.size() < kToldMax) neighbour->second.told.insert(*id);
    if (mempool_.find(*id) != nullptr || fetching_.contains(*id) || fetching_.size() >= kFetchingMax) continue;
    fetching_[*id] = now() + kGetDue;
    missing.push_back(*id);
    if (missing.size() >= kToldAtOnce) break;
  }
  if (missing.empty()) return;
  ask<wire::GetTransactions, wire::Transactions>(
      at(*from), now() + kGetDue,
      [&](wire::GetTransactions::Builder out) {
        out.setChain(data_of(chain_.view()));
        auto ids = out.initIds(size32(missing));
        for (unsigned i = 0; i < ids.size(); ++i) ids.set(i, data_of(missing[i].view()));
      },
      [this, missing, from = *from](runtime::Answer<wire::Transactions> answer) {
        if (!answer.ok()) {
          for (const TxId& id : missing) fetching_.erase(id);
          return;
        }
        for (const auto bytes : answer.value().getList()) {
          auto parsed = parse_signed_transaction(bytes_of(bytes));
          if (!parsed.ok()) continue;
          const TxId id = id_of(parsed.value().content);
          if (!fetching_.contains(id)) continue;
          auto approved = Approved::verify(std::move(parsed).value(), chain_, fork_);
          if (approved.ok()) admit(std::move(approved).value(), from, false, [](const base::Outcome<void>&) {});
        }
      });
}

void ChainActor::give(wire::GetTransactions::Reader ask, runtime::Reply<wire::Transactions> reply) {
  if (!ready_ || !ours(ask.getChain())) return reply.refuse({Code::not_found, "this node has another chain"});
  std::vector<Bytes> out;
  std::size_t bytes = 0;
  const auto give_one = [&](const Approved& one) {
    Bytes whole = encode(one.whole());
    bytes += whole.size() + 16;
    if (bytes <= kGivenBytesMax) out.push_back(std::move(whole));
  };
  for (const auto id_bytes : ask.getIds()) {
    const auto id = TxId::from(bytes_of(id_bytes));
    if (!id || bytes > kGivenBytesMax) continue;
    if (const Approved* one = mempool_.find(*id)) {
      give_one(*one);
      continue;
    }
    // Of a block that is voted on: the pool may have dropped it.
    for (const auto& [block, candidate] : candidates_) {
      const auto found = std::ranges::find(*candidate->transactions, *id, &Approved::id);
      if (found == candidate->transactions->end()) continue;
      give_one(*found);
      break;
    }
  }
  reply.send([&](wire::Transactions::Builder answer) {
    auto list = answer.initList(size32(out));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(out[i]));
  });
}

// -- waited for

void ChainActor::answer(const TxId& id, runtime::Reply<wire::TransactionInfo> reply, base::Duration wait) {
  ledger_.location_of(
      id, [this, id, wait, reply = std::move(reply)](base::Outcome<std::optional<rows::Location>> at) mutable {
        if (!at.ok()) return reply.refuse(at.error());
        if (at.value()) return answer_final(*at.value(), std::move(reply));
        const Approved* waiting = mempool_.find(id);
        if (wait > base::Duration::zero() && waiters_.size() < kWaitersMax) {
          waiters_.emplace(
              id, Waiter{now() + std::min<base::Duration>(wait, kWaitMax), waiting != nullptr, std::move(reply)});
          return after<Waiters>(std::chrono::milliseconds(100));
        }
        if (waiting == nullptr) return reply.refuse({Code::not_found, "no transaction of this id is known here"});
        reply.send([&](wire::TransactionInfo::Builder out) { write_pending(out, *waiting); });
      });
}

void ChainActor::write_pending(wire::TransactionInfo::Builder out, const Approved& one) const {
  const Bytes content = encode(one.content());
  out.setId(data_of(one.id().view()));
  out.setState(wire::TransactionState::PENDING);
  out.setTransaction(data_of(content));
}

void ChainActor::answer_final(const rows::Location& at, runtime::Reply<wire::TransactionInfo> reply) {
  ledger_.block(at.height, [this, at, reply = std::move(reply)](base::Outcome<std::optional<FinalRow>> row) mutable {
    if (!row.ok() || !row.value())
      return reply.refuse(row.ok() ? Error{Code::corrupt, "its block is missing"} : row.error());
    ledger_.receipts(at.height, [this, at, row = std::move(*row.value()),
                                 reply = std::move(reply)](base::Outcome<std::vector<Bytes>> receipts) mutable {
      if (!receipts.ok()) return reply.refuse(receipts.error());
      auto block = parse_block(row.block);
      if (!block.ok() || at.index >= block.value().transactions.size() || at.index >= receipts.value().size())
        return reply.refuse({Code::corrupt, "its block cannot be read"});
      reply.send([&](wire::TransactionInfo::Builder out) {
        write_final(out, block.value(), at.index, receipts.value()[at.index]);
      });
    });
  });
}

void ChainActor::write_final(wire::TransactionInfo::Builder out, const Block& block, std::uint32_t index,
                             const Bytes& receipt_bytes) const {
  const auto receipt = parse_receipt(receipt_bytes);
  const Bytes content = encode(block.transactions[index].content);
  const TxId id = id_of(block.transactions[index].content);
  const bool done = receipt && receipt->outcome == Outcome::done;
  out.setId(data_of(id.view()));
  out.setState(done ? wire::TransactionState::FINAL : wire::TransactionState::FAILED);
  out.setHeight(block.header.height.value);
  out.setIndex(index);
  out.setReceipt(data_of(receipt_bytes));
  out.setTransaction(data_of(content));
  out.setTime(static_cast<std::uint64_t>(block.header.time.count()));
  out.setConfirmations(ledger_.head().height.value - block.header.height.value + 1);
}

void ChainActor::tell_waiters(const TxId& id) {
  const auto [first, last] = waiters_.equal_range(id);
  std::vector<runtime::Reply<wire::TransactionInfo>> told;
  for (auto at = first; at != last; ++at) told.push_back(std::move(at->second.reply));
  waiters_.erase(first, last);
  for (auto& reply : told) answer(id, std::move(reply), {});
}

void ChainActor::overdue() {
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    const Approved* waiting = mempool_.find(at->first);
    at->second.pending = at->second.pending || waiting != nullptr;
    // Neither here nor in a block, although it waited: its last height has passed, or another one took its nonce.
    const bool gone = at->second.pending && waiting == nullptr && !finishing_;
    if (!gone && at->second.due > now()) {
      ++at;
      continue;
    }
    auto reply = std::move(at->second.reply);
    const TxId id = at->first;
    at = waiters_.erase(at);
    if (gone)
      ledger_.location_of(
          id, [this, id, reply = std::move(reply)](base::Outcome<std::optional<rows::Location>> where) mutable {
            if (where.ok() && where.value()) return answer_final(*where.value(), std::move(reply));
            reply.send([&](wire::TransactionInfo::Builder out) {
              out.setId(data_of(id.view()));
              out.setState(wire::TransactionState::EXPIRED);
            });
          });
    else answer(id, std::move(reply), {});
  }
  std::erase_if(account_waiters_, [this](AccountWaiter& one) {
    if (one.due > now()) return false;
    one.reply.refuse({Code::timeout, "no block has followed that would prove it"});
    return true;
  });
  if (!waiters_.empty() || !account_waiters_.empty()) after<Waiters>(std::chrono::milliseconds(100));
}

}  // namespace troupe::chain
