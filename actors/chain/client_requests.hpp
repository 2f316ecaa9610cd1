#pragma once
// A part of `/chain`: transactions that clients submit, look up and wait for, and accounts with their proofs.
//
// Limits  kWaitersMax requests wait for a transaction, and as many for a proof.
#include "actors/chain/transaction_pool.hpp"

namespace troupe::chain {

class ClientRequests final : public runtime::Part {
 public:
  static constexpr std::size_t kWaitersMax = 16'384;  // our choice

  ClientRequests(runtime::Actor& owner, LocalChain& chain, TransactionPool& pool)
      : Part(owner), chain_(chain), pool_(pool) {}
  void receive(runtime::Handlers& on);

  /// It is in a block.
  void tell_waiters(const TxId& id);
  /// A block is final: it may prove the state before it.
  void tell_account_waiters();
  /// The chain went back.
  void forget() { last_read_ = {}; }

 private:
  struct Overdue {};
  struct Waiter {
    base::Instant due;
    bool pending = false;  // it waited here
    runtime::Reply<wire::TransactionInfo> reply;
  };
  struct AccountWaiter {
    base::Instant due;
    wallet::Address address;
    Height height;  // whose root is waited for
    runtime::Reply<wire::ChainAccount> reply;
  };
  /// A block that is final, read.
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

  LocalChain& chain_;
  TransactionPool& pool_;
  std::map<std::pair<Fork, Height>, std::vector<BlockRead>> blocks_read_;  // who waits for which
  std::pair<Height, std::shared_ptr<const ReadBlock>> last_read_;
  bool overdue_armed_ = false;
  std::multimap<TxId, Waiter> waiters_;
  std::vector<AccountWaiter> account_waiters_;
};

}  // namespace troupe::chain
