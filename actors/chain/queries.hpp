#pragma once
// Parts of `/chain` that answer requests of clients from the ledger and the mempool.
//
// Limits  ClientRequests::kWaitersMax requests wait for a transaction, and as many for a proof. At a time, one
//         verification and kDiffsMax comparisons run.
#include "actors/chain/transactions.hpp"

namespace troupe::chain {

/// Transactions that clients submit, look up and wait for, and accounts with their proofs (client_requests.cpp).
class ClientRequests final : public ChainPart {
 public:
  static constexpr std::size_t kWaitersMax = 16'384;  // our choice

  ClientRequests(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds,
                 TransactionPool& pool)
      : ChainPart(owner, chain, neighbours, rounds), pool_(pool) {}
  void receive(runtime::Handlers& on);

  /// Answers the requests that wait for this transaction, because it is in a block.
  void tell_waiters(const TxId& id);
  /// Answers the requests that wait for a proof: a new final block proves the state before it.
  void tell_account_waiters();
  /// Forgets the last block read, because the chain went back.
  void forget() { last_read_ = {}; }

 private:
  struct Overdue {};
  struct Waiter {
    base::Instant due;
    bool pending = false;  // the transaction was in this node's pool
    runtime::Reply<wire::TransactionInfo> reply;
  };
  struct AccountWaiter {
    base::Instant due;
    wallet::Address address;
    Height height;  // the height whose state root is awaited
    runtime::Reply<wire::ChainAccount> reply;
  };
  /// A final block, read from disk.
  struct ReadBlock {
    Block block;
    std::vector<base::Bytes> receipts;
  };
  using BlockRead = base::Callback<void(const base::Outcome<std::shared_ptr<const ReadBlock>>&)>;
  struct Listing;

  void submit(wire::SubmitTransaction::Reader ask, runtime::Reply<wire::TransactionInfo> reply);
  void refuse_unless_final(const TxId& id, const base::Error& why, runtime::Reply<wire::TransactionInfo> reply);
  void answer(const TxId& id, runtime::Reply<wire::TransactionInfo> reply, base::Duration wait);
  void answer_final(const rows::Location& at, runtime::Reply<wire::TransactionInfo> reply);
  void read_block(Height height, BlockRead then);
  void block_read(const std::pair<Fork, Height>& at, const base::Outcome<std::shared_ptr<const ReadBlock>>& read);
  void write_final(wire::TransactionInfo::Builder out, const Block& block, std::uint32_t index,
                   const base::Bytes& receipt) const;
  void transactions(wire::ListTransactions::Reader ask, runtime::Reply<wire::TransactionInfos> reply);
  void list_next(std::shared_ptr<Listing> listing);
  void account(wire::GetChainAccount::Reader ask, runtime::Reply<wire::ChainAccount> reply);
  void prove_account(AccountWaiter waiter);
  void look_for_overdue();
  void overdue();

  TransactionPool& pool_;
  std::map<std::pair<Fork, Height>, std::vector<BlockRead>> blocks_read_;  // callbacks by block
  std::pair<Height, std::shared_ptr<const ReadBlock>> last_read_;
  bool overdue_armed_ = false;
  std::multimap<TxId, Waiter> waiters_;
  std::vector<AccountWaiter> account_waiters_;
};

/// Final blocks, the state, parameters, validators, and the stream of new blocks (chain_queries.cpp).
class ChainQueries final : public ChainPart {
 public:
  using ChainPart::ChainPart;
  void receive(runtime::Handlers& on);

  void tell_watchers();
  /// Restarts the watchers' streams, because the chain went back: they get its new blocks.
  void rewind();

 private:
  struct Gathering;
  struct Watcher {
    runtime::Sink<wire::ChainBlock> sink;
    Height next;
  };
  using Judgement = std::pair<base::NodeId, Height>;

  void blocks(wire::ListBlocks::Reader ask, runtime::Reply<wire::BlockInfos> reply);
  void list_blocks(std::shared_ptr<Gathering> gathering);
  void write(wire::BlockInfo::Builder out, const FinalRow& row) const;
  void write_genesis(wire::BlockInfo::Builder out) const;
  void tell_watcher(std::uint64_t id);
  void state(wire::ListState::Reader ask, runtime::Reply<wire::StateRows> reply);
  void list_validators(std::set<base::NodeId> judged, runtime::Reply<wire::ValidatorInfos> reply);
  /// The result also has validators that evidence has convicted and that are no longer validators.
  void find_evidence(base::Callback<void(std::set<base::NodeId>)> then);
  void find_next_evidence(std::shared_ptr<std::vector<Judgement>> wanted, base::Callback<void()> then);

  std::map<std::uint64_t, Watcher> watchers_;
  std::uint64_t watcher_ids_ = 0;
};

/// Runs all blocks from a given height again, and compares the results with those on disk (verification.cpp).
class Verification final : public ChainPart {
 public:
  using ChainPart::ChainPart;
  void verify(wire::VerifyChain::Reader ask, runtime::Reply<wire::ChainVerified> reply);

 private:
  struct Verifying;
  void verify_from_state(std::shared_ptr<Verifying> verifying);
  void verify_next(std::shared_ptr<Verifying> verifying);
  void verified(const std::shared_ptr<Verifying>& verifying, bool good);
  bool verify_block(Verifying& verifying, const Block& block, const Commit& commit,
                    const std::vector<Approved>& transactions) const;

  bool verifying_ = false;
};

/// Compares this node's state with another node's, from the root downwards where hashes differ (logic/tree_diff.hpp).
/// Also sends rows of the state to nodes that compare theirs (state_diff.cpp).
class StateDiff final : public ChainPart {
 public:
  using ChainPart::ChainPart;
  void diff_with(wire::DiffChain::Reader ask, runtime::Reply<wire::ChainDiff> reply);
  void give(wire::GetTreeRow::Reader ask, runtime::Reply<wire::TreeRow> reply);

 private:
  struct Differing;
  void diff_roots(std::shared_ptr<Differing> differing);
  void ask_tree_row(std::shared_ptr<Differing> differing);
  void diff_next(std::shared_ptr<Differing> differing);

  const std::shared_ptr<std::size_t> diffs_ = std::make_shared<std::size_t>(0);  // in progress
};

}  // namespace troupe::chain
