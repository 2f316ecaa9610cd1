#pragma once
// A complete block of the next height, and whether it is valid, as far as can be checked without running it.
#include "actors/chain/local_chain.hpp"
#include "messages/chain.capnp.h"

namespace troupe::chain {

struct Candidate {
  Block block;        // without transactions
  base::Bytes bytes;  // of the block with its transactions
  BlockId id;
  std::shared_ptr<const std::vector<Approved>> transactions;
  Verdict verdict = Verdict::invalid;
  std::vector<std::uint32_t> by_id{};  // indexes of the transactions, in the order of their ids

  /// Returns null if the block does not contain the transaction.
  const Approved* find(const TxId& wanted) const;
};
void write(wire::ProposedBlock::Builder out, const Candidate& candidate);

/// Verifies the signatures, except of transactions that the pool has verified. Returns nullopt if a signature is
/// invalid.
std::optional<std::vector<Approved>> approve(const LocalChain& chain, std::vector<SignedTransaction> transactions);
std::shared_ptr<Candidate> judge(const LocalChain& chain, Block block, std::vector<Approved> transactions,
                                 const base::Mutations& mutations);
/// Returns the data that decides which evidence a block of the next height may contain.
EvidenceView evidence_view(const LocalChain& chain, const base::Mutations& mutations);

}  // namespace troupe::chain
