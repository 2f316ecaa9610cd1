#pragma once
// A block of the next height that is whole here, and whether it is valid: as far as that can be said without running it.
#include "actors/chain/local_chain.hpp"
#include "messages/chain.capnp.h"

namespace troupe::chain {

struct Candidate {
  Block block;        // without transactions
  base::Bytes bytes;  // of the whole block
  BlockId id;
  std::shared_ptr<const std::vector<Approved>> transactions;
  Verdict verdict = Verdict::invalid;
  std::vector<std::uint32_t> by_id{};  // places of the transactions, by rising id

  /// Null if it is not one of them.
  const Approved* find(const TxId& wanted) const;
};
void write(wire::ProposedBlock::Builder out, const Candidate& candidate);

/// Returns nullopt if a transaction is not approved. What waits here in the same form was verified when it came.
std::optional<std::vector<Approved>> approve(const LocalChain& chain, std::vector<SignedTransaction> transactions);
std::shared_ptr<Candidate> judge(const LocalChain& chain, Block block, std::vector<Approved> transactions,
                                 const base::Mutations& mutations);
/// What a block of the next height may have as evidence.
EvidenceView evidence_view(const LocalChain& chain, const base::Mutations& mutations);

}  // namespace troupe::chain
