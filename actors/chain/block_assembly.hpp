#pragma once
// A part of `/chain`: the blocks of the next height. It puts them together from header and ids, and asks neighbours for
// transactions that do not wait here.
//
// Limits  kMax whole blocks, and as many that are not whole; each asks kAskedAtOnceMax neighbours at a time.
#include "actors/chain/chain_part.hpp"

namespace troupe::chain {

class BlockAssembly final : public ChainPart {
 public:
  static constexpr std::size_t kMax = 64;  // our choice

  /// A block whose transactions are not all here yet.
  struct Assembly {
    Block block;  // without transactions
    std::vector<TxId> ids;
    std::map<TxId, Approved> have;
    std::set<base::NodeId> asked{};  // and not answered
    base::Instant ask_next{};        // another node, from then on
  };

  using ChainPart::ChainPart;

  /// Blocks that are whole here.
  std::map<BlockId, std::shared_ptr<const Candidate>>& candidates() { return candidates_; }
  const std::map<BlockId, std::shared_ptr<const Candidate>>& candidates() const { return candidates_; }
  std::shared_ptr<const Candidate> find(const BlockId& id) const;
  /// Null if that block lacks nothing, or is not known.
  const Assembly* part_of(const BlockId& id) const;
  /// Here, or of a block that is voted on: the pool may have dropped that. Null: neither.
  const Approved* known(const TxId& id) const;

  void fetch(const BlockId& id);
  /// Whether the body belongs to the block, as far as it was checked.
  bool offer(const BlockId& id, wire::ProposedBlock::Reader body, const base::NodeId& from);
  /// With a known proposal, whose first body was missing or false, or came from a node that keeps the rest. Returns the
  /// proposal if it is to be passed on.
  std::optional<SignedProposal> offer_again(const SignedProposal& proposal, wire::ProposedBlock::Reader body,
                                            const base::NodeId& from);
  /// Asks others for what blocks lack, if those that were asked have taken long.
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
  std::set<BlockId> wanted_;  // asked for, not here
};

}  // namespace troupe::chain
