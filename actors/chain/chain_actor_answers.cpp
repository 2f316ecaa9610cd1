// What operators ask of the chain.
#include "actors/chain/chain_actor.hpp"
#include "actors/chain/validator_actor.hpp"
#include "messages/words.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;
using base::ByteView;
using base::Code;
using base::Error;

constexpr std::uint32_t kBlocksMax = 100;           // messages/chain.capnp
constexpr std::uint32_t kTransactionsMax = 256;     // messages/chain.capnp
constexpr std::size_t kBlocksBytesMax = 2'500'000;  // messages/chain.capnp
constexpr std::size_t kStateBytesMax = 900'000;     // messages/chain.capnp
constexpr std::size_t kListBytesMax = 2'000'000;    // messages/chain.capnp
constexpr std::chrono::milliseconds kAccountWaitMax{600'000};

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

Bytes ids_in(const Block& block) {
  Bytes out;
  for (const SignedTransaction& one : block.transactions) base::append(out, id_of(one.content).view());
  return out;
}

}  // namespace

template <class A>
bool ChainActor::refuse_unready(runtime::Reply<A>& reply) const {
  if (chain_.ready) return false;
  if (!chain_.exists()) reply.refuse({Code::not_found, "this node has no chain: it was begun without --chain"});
  else if (damaged_) reply.refuse(*damaged_);
  else reply.refuse({Code::unavailable, "the chain is not read yet", std::chrono::milliseconds(200)});
  return true;
}

void ChainActor::answers(runtime::Handlers& on) {
  on.ask<wire::GetChainStatus, wire::ChainStatus>([this](auto, auto reply) {
    if (!refuse_unready(reply)) status(reply);
  });
  on.ask<wire::ListBlocks, wire::BlockInfos>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) blocks(ask, std::move(reply));
  });
  on.ask<wire::GetChainAccount, wire::ChainAccount>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) account(ask, std::move(reply));
  });
  on.ask<wire::ListState, wire::StateRows>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) state(ask, std::move(reply));
  });
  on.ask<wire::GetChainParams, wire::ChainParams>([this](auto, auto reply) {
    if (refuse_unready(reply)) return;
    reply.send([this](wire::ChainParams::Builder out) {
      out.setHeight(chain_.ledger.head().height.value);
      auto rows = out.initRows(kParams);
      for (unsigned i = 0; i < rows.size(); ++i) {
        rows[i].setName(std::string(info(static_cast<Param>(i)).name));
        rows[i].setValue(chain_.ledger.next().parameters[static_cast<Param>(i)]);
      }
    });
  });
  on.ask<wire::SubmitTransaction, wire::TransactionInfo>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) submit(ask, std::move(reply));
  });
  on.ask<wire::GetTransaction, wire::TransactionInfo>([this](auto ask, auto reply) {
    if (refuse_unready(reply)) return;
    const auto id = TxId::from(bytes_of(ask.getId()));
    if (!id) return reply.refuse({Code::malformed, "the id of a transaction has 32 bytes"});
    answer(*id, std::move(reply), std::chrono::milliseconds(ask.getWaitMs()));
  });
  on.ask<wire::ListTransactions, wire::TransactionInfos>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) transactions(ask, std::move(reply));
  });
  on.ask<wire::ListValidators, wire::ValidatorInfos>([this](auto, auto reply) {
    if (!refuse_unready(reply)) validators(std::move(reply));
  });
  on.ask<wire::VerifyChain, wire::ChainVerified>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) verify(ask, std::move(reply));
  });
  on.ask<wire::ResumeValidator, wire::ValidatorResumed>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) rejoining_.release(ask, std::move(reply));
  });
  on.ask<wire::DiffChain, wire::ChainDiff>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) diff_with(ask, std::move(reply));
  });
  on.ask<wire::ResumeChain, wire::ChainResumed>([this](auto ask, auto reply) {
    if (!refuse_unready(reply)) forks_.resume_by(ask, std::move(reply));
  });
  on.stream<wire::WatchChain, wire::ChainBlock>([this](auto, auto sink) {
    if (!chain_.ready) return sink.fail({Code::unavailable, "the chain is not read yet, or this node has none"});
    const std::uint64_t id = ++watcher_ids_;
    auto& watcher = watchers_[id];
    watcher.next = chain_.ledger.head().height.next();
    watcher.sink = std::move(sink);
    watcher.sink.on_ready([this, id] { tell_watcher(id); });
    watcher.sink.on_cancel([this, id] { watchers_.erase(id); });
  });
  on.describe<wire::ChainState>([this](wire::ChainState::Builder out) {
    if (!chain_.ready) return;
    out.setHeight(chain_.ledger.head().height.value);
    out.setRound(chain_.consensus ? chain_.consensus->place().round.value : 0);
    out.setStep(chain_.consensus ? std::string(name(chain_.consensus->step())) : "idle");
    out.setPending(chain_.mempool.count());
    out.setNeighbours(size32(neighbours_.all()));
    out.setTarget(target().value);
    out.setCachedRows(chain_.ledger.cached());
  });
}

Height ChainActor::target() const {
  Height out = chain_.ledger.head().height;
  for (const auto& [id, one] : neighbours_.all())
    if (one.fork >= chain_.fork) out = std::max(out, one.height);
  return out;
}

void ChainActor::status(runtime::Reply<wire::ChainStatus>& reply) const {
  reply.send([this](wire::ChainStatus::Builder out) {
    const rows::Head& head = chain_.ledger.head();
    const NextBlock& next = chain_.ledger.next();
    out.setChain(data_of(chain_.id.view()));
    out.setName(chain_.genesis().name);
    out.setMode(chain_.settings.dev ? "dev" : chain_.genesis().purpose == Purpose::test ? "test" : "real");
    out.setHeight(head.height.value);
    out.setId(data_of(head.id.view()));
    out.setTime(static_cast<std::uint64_t>(head.time.count()));
    out.setRound(chain_.consensus ? chain_.consensus->place().round.value : 0);
    out.setStep(chain_.consensus ? std::string(name(chain_.consensus->step())) : "idle");
    out.setValidators(size32(next.validators->all()));
    out.setStateRoot(data_of(head.state.hash.view()));
    out.setTarget(target().value);
    UnixMs sum{};
    for (const UnixMs span : spans_) sum += span;
    out.setBlockTimeMs(spans_.empty() ? 0 : static_cast<std::uint64_t>(sum.count()) / spans_.size());
    out.setPending(chain_.mempool.count());
    out.setBaseFee(next.totals.base_fee.value);
    out.setSupply(next.totals.supply.units());
    out.setQuorum(has_quorum());
    out.setNeighbours(size32(neighbours_.all()));
    rejoining_.write_waits(out);
    out.setFork(chain_.fork.value);
    if (!chain_.ledger.divergence()) return;
    const std::vector<base::NodeId> both = suspects_of(*chain_.ledger.divergence());
    auto suspects = out.initSuspects(size32(both));
    for (unsigned i = 0; i < suspects.size(); ++i) suspects.set(i, data_of(both[i].view()));
  });
}

bool ChainActor::has_quorum() const { return heard_quorum_ != base::Instant{} && !stands_still(); }

// -- blocks

struct ChainActor::Gathering {
  Height at, last;
  std::vector<FinalRow> rows;
  bool genesis = false;
  std::size_t bytes = 0;
  runtime::Reply<wire::BlockInfos> reply;
};

void ChainActor::blocks(wire::ListBlocks::Reader ask, runtime::Reply<wire::BlockInfos> reply) {
  const std::uint32_t count = std::clamp<std::uint32_t>(ask.getCount(), 1, kBlocksMax);
  const Height head = chain_.ledger.head().height;
  auto gathering = std::make_shared<Gathering>();
  gathering->reply = std::move(reply);
  if (ask.getId().size() > 0) {
    const auto id = BlockId::from(bytes_of(ask.getId()));
    if (!id) return gathering->reply.refuse({Code::malformed, "the id of a block has 32 bytes"});
    if (*id == BlockId{chain_.id.bytes}) {
      gathering->genesis = true;
      gathering->at = Height{1};
      return list_blocks(gathering);
    }
    return chain_.ledger.height_of(*id, [this, gathering](base::Outcome<std::optional<Height>> at) {
      if (!at.ok()) return gathering->reply.refuse(at.error());
      if (!at.value()) return gathering->reply.refuse({Code::not_found, "no block of this id is here"});
      gathering->at = gathering->last = *at.value();
      list_blocks(gathering);
    });
  }
  // 0 asks for the newest; the genesis is among them where the chain is short.
  const std::uint64_t first = ask.getFrom() > 0 ? ask.getFrom() : head.value + 1 > count ? head.value + 1 - count : 0;
  if (first > head.value)
    return gathering->reply.refuse({Code::not_found, "the chain has no block of this height yet"});
  gathering->genesis = first == 0;
  gathering->at = Height{std::max<std::uint64_t>(first, 1)};
  gathering->last = Height{std::min(head.value, first + count - 1)};
  list_blocks(std::move(gathering));
}

void ChainActor::list_blocks(std::shared_ptr<Gathering> gathering) {
  if (gathering->at > gathering->last || gathering->bytes > kBlocksBytesMax) {
    return gathering->reply.send([&](wire::BlockInfos::Builder out) {
      const unsigned before = gathering->genesis ? 1 : 0;
      auto rows = out.initRows(size32(gathering->rows) + before);
      if (before > 0) write_genesis(rows[0]);
      for (unsigned i = before; i < rows.size(); ++i) write(rows[i], gathering->rows[i - before]);
    });
  }
  chain_.ledger.block(gathering->at, [this, gathering](base::Outcome<std::optional<FinalRow>> row) {
    if (!row.ok() || !row.value())
      return gathering->reply.refuse(row.ok() ? Error{Code::not_found, "no such block"} : row.error());
    gathering->bytes += row.value()->block.size() / 8 + 512;  // of a transaction its id is shown
    gathering->rows.push_back(std::move(*row.value()));
    gathering->at = gathering->at.next();
    list_blocks(gathering);
  });
}

void ChainActor::write(wire::BlockInfo::Builder out, const FinalRow& row) const {
  const auto block = parse_block(row.block);
  if (!block.ok()) return;
  const Header& header = block.value().header;
  const Bytes header_bytes = encode(header), ids = ids_in(block.value());
  out.setHeader(data_of(header_bytes));
  out.setId(data_of(row.commit.block.view()));
  out.setHeight(header.height.value);
  out.setTime(static_cast<std::uint64_t>(header.time.count()));
  out.setTransactions(data_of(ids));
  auto evidence = out.initEvidence(size32(block.value().evidence));
  for (unsigned i = 0; i < evidence.size(); ++i) evidence.set(i, data_of(block.value().evidence[i]));
  auto signatures = out.initSignatures(size32(row.commit.votes));
  const ValidatorSet& set = *chain_.ledger.next().validators;
  std::set<base::NodeId> signed_by;
  std::uint64_t power = 0;
  for (unsigned i = 0; i < signatures.size(); ++i) {
    const base::NodeId& id = row.commit.votes[i].validator;
    signatures[i].setValidator(data_of(id.view()));
    signatures[i].setRound(row.commit.place.round.value);
    if (signed_by.insert(id).second)
      if (const auto index = set.index_of(id)) power += set.at(*index).power;
  }
  std::vector<base::NodeId> absent;
  for (const Validator& one : set.all())
    if (!signed_by.contains(one.id)) absent.push_back(one.id);
  auto missing = out.initAbsent(size32(absent));
  for (unsigned i = 0; i < missing.size(); ++i) missing.set(i, data_of(absent[i].view()));
  out.setPower(power);
  out.setOf(set.power());
  out.setRound(row.commit.place.round.value);
}

void ChainActor::write_genesis(wire::BlockInfo::Builder out) const {
  out.setId(data_of(chain_.id.view()));
  out.setTime(static_cast<std::uint64_t>(chain_.genesis().time.count()));
}

void ChainActor::tell_watchers() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, watcher] : watchers_) ids.push_back(id);
  for (const std::uint64_t id : ids) tell_watcher(id);
}

void ChainActor::tell_watcher(std::uint64_t id) {
  const auto at = watchers_.find(id);
  if (at == watchers_.end() || !at->second.sink.ready() || at->second.next > chain_.ledger.head().height) return;
  const Height height = at->second.next;
  at->second.next = height.next();
  chain_.ledger.block(height, [this, id](base::Outcome<std::optional<FinalRow>> row) {
    const auto found = watchers_.find(id);
    if (found == watchers_.end() || !row.ok() || !row.value()) return;
    found->second.sink.push([&](wire::ChainBlock::Builder out) { write(out.initInfo(), *row.value()); });
    tell_watcher(id);
  });
}

// -- the state

void ChainActor::account(wire::GetChainAccount::Reader ask, runtime::Reply<wire::ChainAccount> reply) {
  const auto address = wallet::Address::from(bytes_of(ask.getAddress()));
  if (!address) return reply.refuse({Code::malformed, "an address has 32 bytes"});
  if (ask.getProof()) {
    if (account_waiters_.size() >= kWaitersMax)
      return reply.refuse({Code::overloaded, "too many wait for a proof", std::chrono::seconds(1)});
    const base::Duration wait = std::min<base::Duration>(std::chrono::milliseconds(ask.getWaitMs()), kAccountWaitMax);
    AccountWaiter waiter{now() + wait, *address, chain_.ledger.head().height, std::move(reply)};
    // What proves the state of a height is the header of the next one.
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

void ChainActor::prove_account(AccountWaiter waiter) {
  if (waiter.height >= chain_.ledger.head().height) {
    // The latest state is proven by a block that is not there yet, the one before by the head.
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
        return one->reply.refuse(root.ok() ? Error{Code::not_found, "that state is not kept any more"} : root.error());
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

void ChainActor::tell_account_waiters() {
  for (AccountWaiter& one : std::exchange(account_waiters_, {})) prove_account(std::move(one));
}

void ChainActor::state(wire::ListState::Reader ask, runtime::Reply<wire::StateRows> reply) {
  const Height height = ask.getAt() == 0 ? chain_.ledger.head().height : Height{ask.getAt()};
  const auto from = ask.getFrom().size() > 0 ? Path::from(bytes_of(ask.getFrom())) : std::optional(Path{});
  if (!from) return reply.refuse({Code::malformed, "a place in the tree has 32 bytes"});
  chain_.ledger.state_at(height, [this, height, from = *from,
                                  reply = std::move(reply)](base::Outcome<std::optional<TreeRoot>> root) mutable {
    if (!root.ok()) return reply.refuse(root.error());
    if (!root.value()) return reply.refuse({Code::not_found, "the state of that height is not kept, or not there yet"});
    struct Page {
      std::vector<Leaf> leaves;
      std::optional<Path> next;
    };
    const auto page = std::make_shared<Page>();
    chain_.ledger.with_rows(
        [this, from, page, at = *root.value()] {
          *page = {};
          std::size_t bytes = 0;
          return each_leaf(chain_.ledger, at, from,
                           [&](const Cell& leaf) {
                             bytes += leaf.key.size() + leaf.value.size() + 32;
                             if (bytes > kStateBytesMax && !page->leaves.empty()) {
                               page->next = path_of(leaf.key);
                               return false;
                             }
                             page->leaves.push_back({Bytes(leaf.key.begin(), leaf.key.end()),
                                                     Bytes(leaf.value.begin(), leaf.value.end())});
                             return true;
                           })
              .ok();
        },
        [height, page, reply = std::move(reply)](const base::Outcome<void>& read) mutable {
          if (!read.ok()) return reply.refuse(read.error());
          reply.send([&](wire::StateRows::Builder out) {
            out.setHeight(height.value);
            auto rows = out.initRows(size32(page->leaves));
            for (unsigned i = 0; i < rows.size(); ++i) {
              rows[i].setKey(data_of(page->leaves[i].key));
              rows[i].setValue(data_of(page->leaves[i].value));
            }
            out.setMore(page->next.has_value());
            if (page->next) out.setNext(data_of(page->next->view()));
          });
        });
  });
}

// -- transactions

struct ChainActor::Listing {
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

void ChainActor::transactions(wire::ListTransactions::Reader ask, runtime::Reply<wire::TransactionInfos> reply) {
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
    return reply.refuse({Code::malformed, "no place in the transactions of this address"});
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

void ChainActor::list_next(std::shared_ptr<Listing> listing) {
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
      // Of the block only what is shown is kept: a page may be of as many large blocks.
      Block one{.header = block.value().header, .transactions = {block.value().transactions[at.index]}};
      listing->bytes += kTransactionBytesMax;
      listing->found.push_back({std::move(one), 0, got.value()[at.index]});
      list_next(listing);
    });
  });
}

// -- validators

/// Of validators that blocks have judged: what this node has not heard itself since it started is read.
void ChainActor::find_evidence(base::Callback<void(std::set<base::NodeId>)> then) {
  using Judgement = std::pair<base::NodeId, Height>;
  const auto wanted = std::make_shared<std::vector<Judgement>>();
  const auto all = std::make_shared<std::set<base::NodeId>>();
  chain_.ledger.with_rows(
      [this, wanted, all] {
        wanted->clear();
        StateView view = chain_.ledger.view();
        // Those that have left the set too: only founders were ever in it.
        *all = chain_.ledger.next().judged;
        for (const Founder& one : chain_.genesis().founders)
          if (view.evidence_of(one.node())) all->insert(one.node());
        for (const base::NodeId& id : *all)
          if (!chain_.evidence.contains(id))
            if (const auto judged = view.evidence_of(id)) wanted->emplace_back(id, judged->height);
        return !view.damage();
      },
      [this, wanted, all, then = std::move(then)](const base::Outcome<void>&) mutable {
        find_next_evidence(wanted, [all, then = std::move(then)]() mutable { then(std::move(*all)); });
      });
}

void ChainActor::find_next_evidence(std::shared_ptr<std::vector<std::pair<base::NodeId, Height>>> wanted,
                                    base::Callback<void()> then) {
  if (wanted->empty()) return then();
  const Height height = wanted->back().second;
  wanted->pop_back();
  chain_.ledger.block(height,
                      [this, wanted, then = std::move(then)](base::Outcome<std::optional<FinalRow>> row) mutable {
                        if (row.ok() && row.value())
                          if (const auto block = parse_block(row.value()->block); block.ok())
                            chain_.hear_evidence(block.value());
                        find_next_evidence(wanted, std::move(then));
                      });
}

void ChainActor::validators(runtime::Reply<wire::ValidatorInfos> reply) {
  find_evidence([this, reply = std::move(reply)](std::set<base::NodeId> judged) mutable {
    list_validators(std::move(judged), std::move(reply));
  });
}

void ChainActor::list_validators(std::set<base::NodeId> judged, runtime::Reply<wire::ValidatorInfos> reply) {
  ask<wire::GetGuard, wire::GuardIs>(
      node().find(kValidatorPath), now() + std::chrono::seconds(5),
      [](wire::GetGuard::Builder out) { out.setBlocksFrom(kNoBlocks); },
      [this, judged = std::move(judged), reply = std::move(reply)](runtime::Answer<wire::GuardIs> answer) mutable {
        const auto guard = answer.ok() ? decode_guard(bytes_of(answer.value().getGuard())) : std::nullopt;
        const std::uint64_t refused_here = answer.ok() ? answer.value().getRefused() : 0;
        reply.send([&](wire::ValidatorInfos::Builder out) {
          out.setHeight(chain_.ledger.head().height.value);
          const ValidatorSet& set = *chain_.ledger.next().validators;
          std::set<base::NodeId> all = std::move(judged);
          for (const Validator& one : set.all()) all.insert(one.id);
          auto rows = out.initRows(size32(all));
          unsigned i = 0;
          for (const base::NodeId& id : all) {
            auto row = rows[i++];
            const auto index = set.index_of(id);
            row.setNode(data_of(id.view()));
            row.setOperator(data_of(chain_.owner_of(id).view()));
            row.setPower(index ? set.at(*index).power : 0);
            row.setOrigin(chain_.settings.dev ? "dev" : "genesis");
            row.setState(!index || chain_.ledger.next().judged.contains(id) ? "out" : "active");
            if (const Absence* absence = chain_.ledger.next().presence.absence_of(id)) row.setMissed(absence->missed);
            if (const auto evidence = chain_.evidence.find(id); evidence != chain_.evidence.end()) {
              const Bytes bytes = encode(evidence->second);
              row.initEvidence(1).set(0, data_of(bytes));
            }
            if (id != chain_.settings.self() || !guard) continue;
            auto own = row.initGuard();
            own.setHeight(guard->place().height.value);
            own.setRound(guard->place().round.value);
            own.setStep(std::string(name(guard->step())));
            own.setRefused(refused_here);
          }
        });
      });
}

}  // namespace troupe::chain
