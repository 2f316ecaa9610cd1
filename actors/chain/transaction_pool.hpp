#pragma once
// A part of `/chain`: which transactions wait here for a block (logic/mempool.hpp), by the state of the head.
#include "actors/chain/neighbours.hpp"
#include "actors/chain/rounds.hpp"

namespace troupe::chain {

class TransactionPool final : public runtime::Part {
 public:
  using Admitted = base::Callback<void(base::Outcome<void>)>;
  /// A transaction of that account may be in a block from now on.
  using Ready = std::function<void(const wallet::Address&)>;

  TransactionPool(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds, Ready ready)
      : Part(owner), chain_(chain), neighbours_(neighbours), rounds_(rounds), ready_(std::move(ready)) {}

  struct Admission {
    std::optional<base::NodeId> from{};  ///< a neighbour; none: its sender
    bool dry = false;
    bool fresh = false;  ///< it replaces nothing
  };
  void admit(Approved transaction, const Admission& how, Admitted done);
  /// What waits is held against the state after the block.
  void settle(const Candidate& candidate, const Executed& executed);
  /// A block that could not be kept may be here all the same: its transactions wait no longer.
  void settle_all();
  /// Whether what waits is a reason for a block.
  bool hurries() const { return chain_.mempool.count() > 0 && !barren_; }

 private:
  void settle(const std::set<wallet::Address>& touched);

  LocalChain& chain_;
  Neighbours& neighbours_;
  Rounds& rounds_;
  const Ready ready_;
  bool barren_ = false;  // nothing of what waits could be in the latest block
};

/// For its nonce, or for a lower base fee: a proposer that put it into a block too early has not changed that.
inline bool may_wait(Outcome outcome) { return outcome == Outcome::nonce || outcome == Outcome::price; }

}  // namespace troupe::chain
