#pragma once
// A part of `/chain`: gets the blocks after the head from a neighbour, and sends blocks to neighbours.
//
// Asked   the neighbour with the fewest misses (logic/peer_score.hpp). If it takes long, another neighbour is asked too
//         (logic/blocks_asked.hpp). The first valid response counts.
// Limits  prepares at most kGivingMax responses at a time, one per requesting node.
#include <deque>

#include "actors/chain/fork_recovery.hpp"
#include "actors/chain/logic/blocks_asked.hpp"

namespace troupe::chain {

class BlockSync final : public ChainPart {
 public:
  static constexpr std::size_t kGivingMax = 8;             // our choice: 20 MiB of blocks in flight
  static constexpr std::chrono::seconds kSyncPatience{1};  // our choice: requested blocks arrive by then

  struct AskBeside {};

  BlockSync(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds, HeadComparison& heads,
            ForkRecovery& forks)
      : ChainPart(owner, chain, neighbours, rounds), heads_(heads), forks_(forks) {}

  /// Requests blocks from a neighbour that has announced a higher block than this node's head.
  void sync();
  /// Checks and runs the next queued block, unless a block is being run.
  void take_next();
  /// Whether blocks from a neighbour are queued here.
  bool has_blocks() const { return !synced_.empty(); }
  /// Whether this node is about to get blocks. A node that promises blocks but sends none delays nothing for long.
  bool catching_up() const { return has_blocks() || now() < blocks_awaited_to_; }
  /// Drops the queued blocks, because the head has changed.
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
  base::Instant blocks_awaited_to_{};  // the next height does not begin before this time
  bool synced_late_ = false;           // the queued blocks arrived late: they do not improve their sender's rank
  base::NodeId synced_from_;           // the sender of the queued blocks
  std::deque<std::pair<base::Bytes, Commit>> synced_;
  std::set<base::NodeId> giving_;  // nodes to which blocks are being sent
};

}  // namespace troupe::chain
