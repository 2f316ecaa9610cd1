#pragma once
// A part of `/chain`: gets the blocks that follow the head from a neighbour, and gives blocks to neighbours.
//
// Asked   the neighbour that has missed least (logic/peer_score.hpp); another neighbour too once it takes long
//         (logic/blocks_asked.hpp). The first good answer counts.
// Limits  kGivingMax answers are read at a time, one for each node.
#include <deque>

#include "actors/chain/fork_recovery.hpp"
#include "actors/chain/logic/blocks_asked.hpp"

namespace troupe::chain {

class BlockSync final : public ChainPart {
 public:
  static constexpr std::size_t kGivingMax = 8;             // our choice: 20 MiB of blocks in flight
  static constexpr std::chrono::seconds kSyncPatience{1};  // our choice: blocks that are asked for are there by then

  struct AskBeside {};

  BlockSync(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds, HeadComparison& heads,
            ForkRecovery& forks)
      : ChainPart(owner, chain, neighbours, rounds), heads_(heads), forks_(forks) {}

  /// Asks a neighbour for blocks if one has told more than are here.
  void sync();
  /// The next block that came whole, once the one before is the head.
  void take_next();
  /// Blocks of a neighbour wait here to be taken.
  bool has_blocks() const { return !synced_.empty(); }
  /// Whether this node is about to get blocks. A node that promises blocks in vain holds up nothing for long.
  bool catching_up() const { return has_blocks() || now() < blocks_awaited_to_; }
  /// Drops the blocks that came: the head has changed.
  void forget();
  void stop_giving() { giving_.clear(); }

  void give(wire::GetBlocks::Reader ask, runtime::Reply<wire::FinalBlocks> reply);

 private:
  struct Giving;
  void got_blocks(const base::NodeId& id, Height from, base::Duration took, runtime::Answer<wire::FinalBlocks> answer);
  void gather(std::shared_ptr<Giving> giving);

  HeadComparison& heads_;
  ForkRecovery& forks_;
  BlocksAsked blocks_asked_;
  base::Instant blocks_awaited_to_{};  // the next height does not begin before
  bool synced_late_ = false;           // what came does not raise the rank of its sender
  base::NodeId synced_from_;           // who has sent what waits here
  std::deque<std::pair<base::Bytes, Commit>> synced_;
  std::set<base::NodeId> giving_;  // for which blocks are being read
};

}  // namespace troupe::chain
