#pragma once
// A part of `/chain`: the blocks of the next height. Assembles them from header and ids, and requests transactions that
// are not in the pool from neighbours.
//
// Limits  kMax complete blocks, and as many incomplete ones; each asks at most kAskedAtOnceMax neighbours at a time.
#include "actors/chain/chain_part.hpp"

namespace troupe::chain {

class BlockAssembly final : public ChainPart {
 public:
  static constexpr std::size_t kMax = 64;  // our choice

  /// A block whose transactions have not all arrived.
  struct Assembly {
    Block block;  // without transactions
    std::vector<TxId> ids;
    std::map<TxId, Approved> have;
    std::set<base::NodeId> asked{};  // without a response yet
    base::Instant ask_next{};        // when to ask another node
  };

  using ChainPart::ChainPart;

  /// Blocks that are complete here.
  std::map<BlockId, std::shared_ptr<const Candidate>>& candidates() { return candidates_; }
  const std::map<BlockId, std::shared_ptr<const Candidate>>& candidates() const { return candidates_; }
  std::shared_ptr<const Candidate> find(const BlockId& id) const;
  /// Returns null if the block is complete or unknown.
  const Assembly* part_of(const BlockId& id) const;
  /// Looks in the pool, and in the blocks under vote because the pool may have dropped it. Returns null if in neither.
  const Approved* known(const TxId& id) const;

  void fetch(const BlockId& id);
  /// Returns whether the body belongs to the block, as far as it was checked.
  bool offer(const BlockId& id, wire::ProposedBlock::Reader body, const base::NodeId& from);
  /// For the body of a known proposal whose first body was missing or wrong, or came from a node that withholds the
  /// rest. Returns the proposal if it should be forwarded.
  std::optional<SignedProposal> offer_again(const SignedProposal& proposal, wire::ProposedBlock::Reader body,
                                            const base::NodeId& from);
  /// Asks more nodes for missing transactions if the current requests take long.
  void ask_again();
  void give(wire::GetProposed::Reader ask, runtime::Reply<wire::PushProposal> reply);
  /// The height has ended.
  void clear();

 private:
  void assemble(const BlockId& id, const base::NodeId& from);
  void assemble_anew(const BlockId& id);
  void whole(const BlockId& id);
  void ask_for(const BlockId& id, const base::NodeId& from);

  std::map<BlockId, std::shared_ptr<const Candidate>> candidates_;
  std::map<BlockId, Assembly> assemblies_;
  std::set<BlockId> wanted_;  // requested, not here
};

}  // namespace troupe::chain
