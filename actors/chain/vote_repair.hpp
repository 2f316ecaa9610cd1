#pragma once
// A part of `/chain`: pushes votes and proposals to neighbours, and resends lost ones.
//
// Push    the sender pushes to all neighbours. A node that receives a message for the first time forwards it to some
//         neighbours (neighbours.hpp).
// Repair  while a height makes no progress, each node announces what it has, and its neighbours send what it lacks.
#include "actors/chain/block_assembly.hpp"

namespace troupe::chain {

class VoteRepair final : public ChainPart {
 public:
  static constexpr std::chrono::milliseconds kMendEach{300};  // our choice: longer than a round trip around the earth

  VoteRepair(runtime::Actor& owner, LocalChain& chain, Neighbours& neighbours, Rounds& rounds, BlockAssembly& assembly)
      : ChainPart(owner, chain, neighbours, rounds), assembly_(assembly) {}

  void push(const SignedVote& vote, const std::optional<base::NodeId>& except);
  /// Sends the block as this node has read or built it, never the received bytes: these may have parts that were not
  /// checked.
  void push(const SignedProposal& proposal, const std::optional<base::NodeId>& except);
  /// Announces which votes and proposals this node has, so that neighbours send the missing ones.
  void tell_held();
  void hear_held(wire::HeldVotes::Reader held);

 private:
  BlockAssembly& assembly_;
};

}  // namespace troupe::chain
