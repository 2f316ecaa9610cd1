#pragma once
// Parts of `/chain` for transactions that wait for a block.
//
// Told    each transaction that may be in a block is announced to each neighbour once. A new neighbour gets all ids.
// Asked   for each transaction, one neighbour after another (logic/to_ask.hpp, logic/in_flight.hpp). A neighbour that
//         does not deliver what it announces is asked less.
// Checked kChecked signatures per second for neighbours that are not validators, kCheckedOfValidators for validators,
//         with quotas per node and address group.
#include "actors/chain/block_assembly.hpp"
#include "actors/chain/block_sync.hpp"
#include "actors/chain/logic/in_flight.hpp"

namespace troupe::chain {

/// The transactions that wait here (logic/mempool.hpp), checked against the state of the head (transaction_pool.cpp).
class TransactionPool final : public ChainPart {
 public:
  using Admitted = base::Callback<void(base::Outcome<void>)>;
  /// Called when a transaction of that account is ready for a block.
  using Ready = std::function<void(const wallet::Address&)>;

  TransactionPool(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds, Ready ready)
      : ChainPart(owner, chain, neighbours, rounds), ready_(std::move(ready)) {}

  struct Admission {
    std::optional<base::NodeId> from{};  ///< the neighbour that sent it; nullopt: a client submitted it
    bool dry = false;
    bool fresh = false;  ///< it must not replace another transaction
  };
  void admit(Approved transaction, const Admission& how, Admitted done);
  /// Checks waiting transactions against the state after the block.
  void settle(const Candidate& candidate, const Executed& executed);
  /// Checks all waiting transactions, because a block whose write failed may be stored nevertheless.
  void settle_all();
  /// Whether the waiting transactions are a reason for a block.
  bool hurries() const { return chain_.mempool.count() > 0 && !barren_; }

 private:
  void settle(const std::set<wallet::Address>& touched);

  const Ready ready_;
  bool barren_ = false;  // no waiting transaction could be in the latest block
};

/// Whether a transaction with this outcome keeps waiting, for its nonce or a lower base fee. Otherwise a proposer could
/// remove transactions from all pools by including them too early.
inline bool may_wait(Outcome outcome) { return outcome == Outcome::nonce || outcome == Outcome::price; }

/// Announces this pool's transactions to neighbours, and requests theirs (transaction_gossip.cpp).
class TransactionGossip final : public ChainPart {
 public:
  /// Signatures checked per second: 0.2 s of one thread for neighbours' transactions, 0.3 s for those from validators.
  /// Our choice.
  static constexpr base::Rate kChecked{4'000, 4'000}, kCheckedOfValidators{6'000, 6'000};
  static constexpr base::Rate kTold{200'000, 200'000};  // our choice: about 50 ms per second

  TransactionGossip(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds,
                    TransactionPool& pool, const BlockAssembly& assembly, const BlockSync& sync)
      : ChainPart(owner, chain, neighbours, rounds), pool_(pool), assembly_(assembly), sync_(sync) {}
  void receive(runtime::Handlers& on);

  /// Announces the waiting transactions to a new neighbour.
  void came(Neighbour& neighbour);
  void tell_what_may_go(const wallet::Address& sender);
  /// Called when the block is the head: its transactions are no longer requested.
  void is_final(std::shared_ptr<const Candidate> block);
  /// Forgets announcements, because the chain went back.
  void forget();

 private:
  struct TellTransactions {};
  struct TellPool {};
  struct AskWanted {};
  void tell_transactions();
  void tell_pool();
  void tell_ids(const Neighbour& neighbour, std::span<const TxId> ids);
  void hear_have(wire::HaveTransactions::Reader have);
  /// Returns how many requests to a node may be in flight. A node may announce as many more in advance.
  std::size_t asked_at_most(const base::NodeId& from) const;
  InFlight::Trust trust_in(const base::NodeId& id, const Neighbour& neighbour) const;
  void pass_overdue();
  void ask_wanted();
  void ask_wanted(const base::NodeId& from, Neighbour& neighbour);
  /// Calls ask_wanted() at that time, unless an earlier call is due.
  void ask_wanted_at(base::Instant when);
  std::optional<base::Duration> may_check(const base::NodeId& id, const Neighbour& neighbour, std::uint32_t signatures);
  using Asked = std::map<TxId, std::uint32_t>;  // for each id, how many signatures were charged
  void get_transactions(const base::NodeId& from, Asked asked);
  void got_transactions(const base::NodeId& from, Asked asked, runtime::Answer<wire::Transactions> answer);
  void give(wire::GetTransactions::Reader ask, runtime::Reply<wire::Transactions> reply);

  TransactionPool& pool_;
  const BlockAssembly& assembly_;
  const BlockSync& sync_;
  std::shared_ptr<const Candidate> head_block_;                        // null after a start; its ids may still come
  base::RateBudget<base::NodeId> checked_{kChecked, base::Instant{}};  // signatures, for neighbours
  base::RateBudget<base::NodeId> told_rate_{kTold, base::Instant{}};   // ids that neighbours announce
  base::RateBudget<base::NodeId> checked_of_validators_{kCheckedOfValidators, base::Instant{}};
  base::NodeId asked_last_{};  // the neighbour that was asked first in the last turn
  base::Instant crowded_at_{};
  base::Instant ask_wanted_at_ = base::Instant::max();
  std::vector<TxId> to_tell_;
  base::Instant tell_at_{};  // the earliest time of the next announcement
  InFlight in_flight_;
};

}  // namespace troupe::chain
