// Transactions: taken, passed on, and waited for.
#include "actors/chain/chain_actor.hpp"
#include "actors/chain/wire.hpp"
#include "messages/words.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::Code;
using base::Error;

constexpr std::chrono::milliseconds kOverdueEach{100};  // our choice
constexpr std::chrono::minutes kWaitMax{10};            // our choice

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
  auto approved = Approved::verify(std::move(parsed).value(), chain_.id, chain_.fork);
  if (!approved.ok()) return reply.refuse(error_of(approved.error()));
  const TxId id = approved.value().id();
  const bool dry = ask.getDry();
  pool_.admit(std::move(approved).value(), {.dry = dry, .fresh = ask.getFresh()},
              [this, id, dry, reply = std::move(reply)](const base::Outcome<void>& done) mutable {
                if (!done.ok()) return refuse_unless_final(id, done.error(), std::move(reply));
                const Approved* waiting = dry ? nullptr : chain_.mempool.find(id);
                reply.send([&](wire::TransactionInfo::Builder out) {
                  if (waiting != nullptr) write_pending(out, *waiting);
                  else out.setId(data_of(id.view()));
                });
              });
}

/// A transaction that is final has taken its nonce. So only one that is refused may be final, and is looked for.
void ChainActor::refuse_unless_final(const TxId& id, const Error& why, runtime::Reply<wire::TransactionInfo> reply) {
  chain_.ledger.location_of(
      id, [this, why, reply = std::move(reply)](const base::Outcome<std::optional<rows::Location>>& at) mutable {
        if (at.ok() && at.value()) return answer_final(*at.value(), std::move(reply));
        reply.refuse(at.ok() ? why : at.error());
      });
}

void ChainActor::answer(const TxId& id, runtime::Reply<wire::TransactionInfo> reply, base::Duration wait) {
  chain_.ledger.location_of(
      id, [this, id, wait, reply = std::move(reply)](base::Outcome<std::optional<rows::Location>> at) mutable {
        if (!at.ok()) return reply.refuse(at.error());
        if (at.value()) return answer_final(*at.value(), std::move(reply));
        const Approved* waiting = chain_.mempool.find(id);
        if (wait > base::Duration::zero() && waiters_.size() < kWaitersMax) {
          waiters_.emplace(
              id, Waiter{now() + std::min<base::Duration>(wait, kWaitMax), waiting != nullptr, std::move(reply)});
          return look_for_overdue();
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
  read_block(at.height, [this, at, reply = std::move(reply)](
                            const base::Outcome<std::shared_ptr<const ReadBlock>>& read) mutable {
    if (!read.ok()) return reply.refuse(read.error());
    const auto& block = read.value()->block;  // clang 15 has no bindings in lambdas
    const auto& receipts = read.value()->receipts;
    if (at.index >= block.transactions.size() || at.index >= receipts.size())
      return reply.refuse({Code::corrupt, "its block cannot be read"});
    reply.send([&](wire::TransactionInfo::Builder out) { write_final(out, block, at.index, receipts[at.index]); });
  });
}

/// Who asks for all transactions of a block, one by one, has it read once.
void ChainActor::read_block(Height height, BlockRead then) {
  if (last_read_.second && last_read_.first == height) return then(last_read_.second);
  auto& waiting = blocks_read_[{chain_.fork, height}];
  waiting.push_back(std::move(then));
  if (waiting.size() > 1) return;
  chain_.ledger.block(height, [this, height, fork = chain_.fork](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok()) return block_read({fork, height}, row.error());
    if (!row.value()) return block_read({fork, height}, Error{Code::corrupt, "its block is missing"});
    chain_.ledger.receipts(height, [this, height, fork,
                                    bytes = std::move(row.value()->block)](base::Outcome<std::vector<Bytes>> receipts) {
      if (!receipts.ok()) return block_read({fork, height}, receipts.error());
      auto block = parse_block(bytes);
      if (!block.ok()) return block_read({fork, height}, Error{Code::corrupt, "its block cannot be read"});
      auto read = std::make_shared<const ReadBlock>(ReadBlock{std::move(block).value(), std::move(receipts).value()});
      if (fork == chain_.fork) last_read_ = {height, read};
      block_read({fork, height}, std::move(read));
    });
  });
}

void ChainActor::block_read(const std::pair<Fork, Height>& at,
                            const base::Outcome<std::shared_ptr<const ReadBlock>>& read) {
  auto waiting = blocks_read_.extract(at);
  for (auto& then : waiting.mapped()) then(read);
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
  out.setConfirmations(chain_.ledger.head().height.value - block.header.height.value + 1);
}

void ChainActor::tell_waiters(const TxId& id) {
  const auto [first, last] = waiters_.equal_range(id);
  std::vector<runtime::Reply<wire::TransactionInfo>> told;
  for (auto at = first; at != last; ++at) told.push_back(std::move(at->second.reply));
  waiters_.erase(first, last);
  for (auto& reply : told) answer(id, std::move(reply), {});
}

/// Soon, however many come to wait meanwhile.
void ChainActor::look_for_overdue() {
  if (!std::exchange(overdue_armed_, true)) after<Waiters>(kOverdueEach);
}

void ChainActor::overdue() {
  overdue_armed_ = false;
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    const Approved* waiting = chain_.mempool.find(at->first);
    at->second.pending = at->second.pending || waiting != nullptr;
    // Neither here nor in a block, although it waited: its last height has passed, or another one took its nonce.
    const bool gone = at->second.pending && waiting == nullptr && !chain_.finishing;
    if (!gone && at->second.due > now()) {
      ++at;
      continue;
    }
    auto reply = std::move(at->second.reply);
    const TxId id = at->first;
    at = waiters_.erase(at);
    if (gone)
      chain_.ledger.location_of(
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
    one.reply.refuse(
        {Code::timeout,
         "no block has followed that would prove it: too few validators are heard, or this node follows none"});
    return true;
  });
  if (!waiters_.empty() || !account_waiters_.empty()) look_for_overdue();
}

}  // namespace troupe::chain
