#pragma once
// A part of `/chain`: the blocks of the next height. Assembles each block from its header and transaction ids, and
// requests from neighbours the transactions that the pool lacks.
//
// Limits  kMax complete and kMax incomplete blocks; for each incomplete block, kAskedAtOnceMax requests at a time.
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
    std::set<base::NodeId> asked{};  // nodes that have not responded yet
    base::Instant ask_next{};        // when to ask another node
  };

  using ChainPart::ChainPart;

  /// The complete blocks of the next height.
  std::map<BlockId, std::shared_ptr<const Candidate>>& candidates() { return candidates_; }
  const std::map<BlockId, std::shared_ptr<const Candidate>>& candidates() const { return candidates_; }
  std::shared_ptr<const Candidate> find(const BlockId& id) const;
  /// Returns null if the block is complete or unknown.
  const Assembly* part_of(const BlockId& id) const;
  /// Returns the transaction from the pool, or from a complete block, because the pool may have dropped it; otherwise
  /// null.
  const Approved* known(const TxId& id) const;

  void fetch(const BlockId& id);
  /// Returns false if the body does not belong to the block. A body that is not needed is not checked.
  bool offer(const BlockId& id, wire::ProposedBlock::Reader body, const base::NodeId& from);
  /// Takes the body of a known proposal if its first body was missing or wrong, or came from a node that withholds the
  /// missing transactions. Returns the proposal if it should be forwarded.
  std::optional<SignedProposal> offer_again(const SignedProposal& proposal, wire::ProposedBlock::Reader body,
                                            const base::NodeId& from);
  /// Asks more nodes for missing transactions if the current requests take long.
  void ask_again();
  void give(wire::GetProposed::Reader ask, runtime::Reply<wire::PushProposal> reply);
  /// Forgets all blocks, because the height has ended.
  void clear();

 private:
  void assemble(const BlockId& id, const base::NodeId& from);
  void assemble_anew(const BlockId& id);
  void whole(const BlockId& id);
  void ask_for(const BlockId& id, const base::NodeId& from);

  std::map<BlockId, std::shared_ptr<const Candidate>> candidates_;
  std::map<BlockId, Assembly> assemblies_;
  std::set<BlockId> wanted_;  // requested blocks that have not arrived
};

}  // namespace troupe::chain
