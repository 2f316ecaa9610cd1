#include "actors/chain/queries.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::Error;

constexpr std::chrono::milliseconds kOverdueEach{100};  // our choice
constexpr std::uint32_t kTransactionsMax = 256;         // messages/chain.capnp
constexpr std::size_t kListBytesMax = 2'000'000;        // messages/chain.capnp
constexpr std::chrono::milliseconds kAccountWaitMax{600'000};
constexpr std::chrono::minutes kWaitMax{10};  // our choice

Error error_of(TransactionError why) {
  const Code code = why == TransactionError::authority || why == TransactionError::wrong_chain ? Code::refused
                    : why == TransactionError::unsupported                                     ? Code::unsupported
                                                                                               : Code::malformed;
  return {code, "invalid transaction: " + std::string(name(why))};
}

void write_pending(wire::TransactionInfo::Builder out, const Approved& one) {
  const Bytes content = encode(one.content());
  out.setId(data_of(one.id().view()));
  out.setState(wire::TransactionState::PENDING);
  out.setTransaction(data_of(content));
}

void write_existence(wire::Existence::Builder out, const ExistenceProof& proof) {
  out.setKey(data_of(proof.key));
  out.setValue(data_of(proof.value));
  auto path = out.initPath(size32(proof.path));
  for (unsigned i = 0; i < path.size(); ++i) {
    path[i].setPrefix(data_of(proof.path[i].prefix));
    path[i].setSuffix(data_of(proof.path[i].suffix));
  }
}

void write_account(wire::Account::Builder out, const Account& account) {
  out.setBalance(account.balance.units());
  out.setNonce(account.nonce.value);
  out.setStaked(account.staked.units());
  out.setUnbonding(account.unbonding.units());
  out.setRewards(account.rewards.units());
  out.setFaucetMs(static_cast<std::uint64_t>(account.faucet.count()));
}

}  // namespace

void ClientRequests::receive(runtime::Handlers& on) {
  on.timer<Overdue>([this] { overdue(); });
  on.ask<wire::SubmitTransaction, wire::TransactionInfo>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) submit(ask, std::move(reply));
  });
  on.ask<wire::GetTransaction, wire::TransactionInfo>([this](auto ask, auto reply) {
    if (chain_.refuse_unready(reply)) return;
    const auto id = TxId::from(bytes_of(ask.getId()));
    if (!id) return reply.refuse({Code::malformed, "invalid transaction id: expected 32 bytes"});
    answer(*id, std::move(reply), std::chrono::milliseconds(ask.getWaitMs()));
  });
  on.ask<wire::ListTransactions, wire::TransactionInfos>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) transactions(ask, std::move(reply));
  });
  on.ask<wire::GetChainAccount, wire::ChainAccount>([this](auto ask, auto reply) {
    if (!chain_.refuse_unready(reply)) account(ask, std::move(reply));
  });
}

void ClientRequests::submit(wire::SubmitTransaction::Reader ask, runtime::Reply<wire::TransactionInfo> reply) {
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

/// A final transaction has used its nonce. So only a refused transaction can be final, and is looked up.
void ClientRequests::refuse_unless_final(const TxId& id, const Error& why,
                                         runtime::Reply<wire::TransactionInfo> reply) {
  chain_.ledger.location_of(
      id, [this, why, reply = std::move(reply)](const base::Outcome<std::optional<rows::Location>>& at) mutable {
        if (at.ok() && at.value()) return answer_final(*at.value(), std::move(reply));
        reply.refuse(at.ok() ? why : at.error());
      });
}

void ClientRequests::answer(const TxId& id, runtime::Reply<wire::TransactionInfo> reply, base::Duration wait) {
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
        if (waiting == nullptr) return reply.refuse({Code::not_found, "this node knows no transaction with this id"});
        reply.send([&](wire::TransactionInfo::Builder out) { write_pending(out, *waiting); });
      });
}

void ClientRequests::answer_final(const rows::Location& at, runtime::Reply<wire::TransactionInfo> reply) {
  read_block(at.height, [this, at, reply = std::move(reply)](
                            const base::Outcome<std::shared_ptr<const ReadBlock>>& read) mutable {
    if (!read.ok()) return reply.refuse(read.error());
    const auto& block = read.value()->block;  // clang 15 has no bindings in lambdas
    const auto& receipts = read.value()->receipts;
    if (at.index >= block.transactions.size() || at.index >= receipts.size())
      return reply.refuse({Code::corrupt, "the block of the transaction cannot be read"});
    reply.send([&](wire::TransactionInfo::Builder out) { write_final(out, block, at.index, receipts[at.index]); });
  });
}

/// A client that requests all transactions of a block one by one has it read only once.
void ClientRequests::read_block(Height height, BlockRead then) {
  if (last_read_.second && last_read_.first == height) return then(last_read_.second);
  auto& waiting = blocks_read_[{chain_.fork, height}];
  waiting.push_back(std::move(then));
  if (waiting.size() > 1) return;
  chain_.ledger.block(height, [this, height, fork = chain_.fork](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok()) return block_read({fork, height}, row.error());
    if (!row.value())
      return block_read({fork, height}, Error{Code::corrupt, "the block of the transaction is missing"});
    chain_.ledger.receipts(height, [this, height, fork,
                                    bytes = std::move(row.value()->block)](base::Outcome<std::vector<Bytes>> receipts) {
      if (!receipts.ok()) return block_read({fork, height}, receipts.error());
      auto block = parse_block(bytes);
      if (!block.ok())
        return block_read({fork, height}, Error{Code::corrupt, "the block of the transaction cannot be read"});
      auto read = std::make_shared<const ReadBlock>(ReadBlock{std::move(block).value(), std::move(receipts).value()});
      if (fork == chain_.fork) last_read_ = {height, read};
      block_read({fork, height}, std::move(read));
    });
  });
}

void ClientRequests::block_read(const std::pair<Fork, Height>& at,
                                const base::Outcome<std::shared_ptr<const ReadBlock>>& read) {
  auto waiting = blocks_read_.extract(at);
  for (auto& then : waiting.mapped()) then(read);
}

void ClientRequests::write_final(wire::TransactionInfo::Builder out, const Block& block, std::uint32_t index,
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

struct ClientRequests::Listing {
  struct One {
    Block block;
    std::uint32_t index;
    Bytes receipt;
  };
  std::vector<rows::Location> at;
  std::size_t done = 0, bytes = 0;
  std::optional<Bytes> next;
  std::vector<One> found;
  runtime::Reply<wire::TransactionInfos> reply;
};

void ClientRequests::transactions(wire::ListTransactions::Reader ask, runtime::Reply<wire::TransactionInfos> reply) {
  const std::uint32_t limit =
      ask.getLimit() == 0 ? kTransactionsMax : std::min<std::uint32_t>(ask.getLimit(), kTransactionsMax);
  if (ask.getAddress().size() == 0) {
    const std::vector<const Approved*> waiting = chain_.mempool.some({}, limit);
    return reply.send([&](wire::TransactionInfos::Builder out) {
      auto rows = out.initRows(size32(waiting));
      for (unsigned i = 0; i < rows.size(); ++i) write_pending(rows[i], *waiting[i]);
      out.setMore(chain_.mempool.count() > waiting.size());
    });
  }
  const auto address = wallet::Address::from(bytes_of(ask.getAddress()));
  if (!address) return reply.refuse({Code::malformed, "an address has 32 bytes"});
  const Bytes prefix = rows::history_prefix(*address);
  const ByteView before = bytes_of(ask.getBefore());
  if (!before.empty() && (before.size() <= prefix.size() || !std::equal(prefix.begin(), prefix.end(), before.begin())))
    return reply.refuse({Code::malformed, "invalid position in the transactions of this address"});
  chain_.ledger.history(*address, Bytes(before.begin(), before.end()), limit,
                        [this, reply = std::move(reply)](base::Outcome<Ledger::History> history) mutable {
                          if (!history.ok()) return reply.refuse(history.error());
                          auto listing = std::make_shared<Listing>();
                          listing->at = std::move(history.value().at);
                          listing->next = std::move(history.value().next);
                          listing->reply = std::move(reply);
                          list_next(std::move(listing));
                        });
}

void ClientRequests::list_next(std::shared_ptr<Listing> listing) {
  if (listing->done == listing->at.size() || listing->bytes > kListBytesMax) {
    return listing->reply.send([&](wire::TransactionInfos::Builder out) {
      auto rows = out.initRows(size32(listing->found));
      for (unsigned i = 0; i < rows.size(); ++i)
        write_final(rows[i], listing->found[i].block, listing->found[i].index, listing->found[i].receipt);
      out.setMore(listing->next.has_value());
      if (listing->next) out.setNext(data_of(*listing->next));
    });
  }
  const rows::Location at = listing->at[listing->done++];
  chain_.ledger.block(at.height, [this, at, listing](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok() || !row.value())
      return listing->reply.refuse(row.ok() ? Error{Code::corrupt, "a block is missing"} : row.error());
    chain_.ledger.receipts(at.height, [this, at, listing,
                                       row = std::move(*row.value())](base::Outcome<std::vector<Bytes>> got) {
      auto block = parse_block(row.block);
      if (!got.ok() || !block.ok() || at.index >= got.value().size() || at.index >= block.value().transactions.size())
        return listing->reply.refuse(got.ok() ? Error{Code::corrupt, "a block cannot be read"} : got.error());
      // Keeps only the shown part of the block, because a page may come from as many large blocks.
      Block one{.header = block.value().header, .transactions = {block.value().transactions[at.index]}};
      listing->bytes += kTransactionBytesMax;
      listing->found.push_back({std::move(one), 0, got.value()[at.index]});
      list_next(listing);
    });
  });
}

// -- accounts

void ClientRequests::account(wire::GetChainAccount::Reader ask, runtime::Reply<wire::ChainAccount> reply) {
  const auto address = wallet::Address::from(bytes_of(ask.getAddress()));
  if (!address) return reply.refuse({Code::malformed, "an address has 32 bytes"});
  if (ask.getProof()) {
    if (account_waiters_.size() >= kWaitersMax)
      return reply.refuse({Code::overloaded, "too many requests wait for a proof", std::chrono::seconds(1)});
    const base::Duration wait = std::min<base::Duration>(std::chrono::milliseconds(ask.getWaitMs()), kAccountWaitMax);
    AccountWaiter waiter{now() + wait, *address, chain_.ledger.head().height, std::move(reply)};
    // The header of the next height proves the state of a height.
    return prove_account(std::move(waiter));
  }
  const auto seen = std::make_shared<Account>();
  chain_.ledger.with_rows(
      [this, address = *address, seen] {
        StateView view = chain_.ledger.view();
        *seen = view.account(address);
        return !view.damage();
      },
      [this, address = *address, seen, reply = std::move(reply)](const base::Outcome<void>& read) mutable {
        if (!read.ok()) return reply.refuse(read.error());
        reply.send([&](wire::ChainAccount::Builder out) {
          out.setHeight(chain_.ledger.head().height.value);
          write_account(out.initAccount(), *seen);
          out.setNextNonce(chain_.mempool.next_free(address, seen->nonce).value);
        });
      });
}

void ClientRequests::prove_account(AccountWaiter waiter) {
  if (waiter.height >= chain_.ledger.head().height) {
    // A block that does not exist yet proves the latest state; the head proves the state before it.
    waiter.height = chain_.ledger.head().height;
    account_waiters_.push_back(std::move(waiter));
    return look_for_overdue();
  }
  const auto one = std::make_shared<AccountWaiter>(std::move(waiter));
  chain_.ledger.block(one->height.next(), [this, one](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok() || !row.value())
      return one->reply.refuse(row.ok() ? Error{Code::corrupt, "a block is missing"} : row.error());
    const auto block = std::make_shared<const base::Result<Block, BlockError>>(parse_block(row.value()->block));
    if (!block->ok()) return one->reply.refuse({Code::corrupt, "a block cannot be read"});
    chain_.ledger.state_at(one->height, [this, one, block](base::Outcome<std::optional<TreeRoot>> root) {
      if (!root.ok() || !root.value())
        return one->reply.refuse(root.ok() ? Error{Code::not_found, "the state of that height is no longer kept"}
                                           : root.error());
      struct Shown {
        TreeProof proof;
        Account account;
      };
      const auto proven = std::make_shared<Shown>();
      chain_.ledger.with_rows(
          [this, one, proven, at = *root.value()] {
            StateView view(chain_.ledger, at);
            proven->account = view.account(one->address);
            auto proof = prove(chain_.ledger, at, account_key(one->address));
            if (proof.ok()) proven->proof = std::move(proof).value();
            return proof.ok() && !view.damage();
          },
          [this, one, block, proven, at = *root.value()](const base::Outcome<void>& read) {
            if (!read.ok()) return one->reply.refuse(read.error());
            one->reply.send([&](wire::ChainAccount::Builder out) {
              out.setHeight(one->height.value);
              write_account(out.initAccount(), proven->account);
              out.setNextNonce(chain_.mempool.next_free(one->address, proven->account.nonce).value);
              const Bytes header = encode(block->value().header);
              out.setRoot(data_of(at.hash.view()));
              out.setHeader(data_of(header));
              if (proven->proof.exist) write_existence(out.initExist(), *proven->proof.exist);
              if (const auto& none = proven->proof.nonexist) {
                auto to = out.initNonexist();
                to.setKey(data_of(none->key));
                if (none->left) write_existence(to.initLeft(), *none->left);
                if (none->right) write_existence(to.initRight(), *none->right);
              }
            });
          });
    });
  });
}

void ClientRequests::tell_account_waiters() {
  for (AccountWaiter& one : std::exchange(account_waiters_, {})) prove_account(std::move(one));
}

// -- what is waited for

void ClientRequests::tell_waiters(const TxId& id) {
  const auto [first, last] = waiters_.equal_range(id);
  std::vector<runtime::Reply<wire::TransactionInfo>> told;
  for (auto at = first; at != last; ++at) told.push_back(std::move(at->second.reply));
  waiters_.erase(first, last);
  for (auto& reply : told) answer(id, std::move(reply), {});
}

/// Runs soon, once for all that come to wait in between.
void ClientRequests::look_for_overdue() {
  if (!std::exchange(overdue_armed_, true)) after<Overdue>(kOverdueEach);
}

void ClientRequests::overdue() {
  overdue_armed_ = false;
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    const Approved* waiting = chain_.mempool.find(at->first);
    at->second.pending = at->second.pending || waiting != nullptr;
    // It waited here, and is now neither here nor in a block: it has expired, or another transaction used its nonce.
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
         "no later block proves that state yet: too few validators respond, or this node receives no blocks"});
    return true;
  });
  if (!waiters_.empty() || !account_waiters_.empty()) look_for_overdue();
}

}  // namespace troupe::chain
