#include "actors/chain/candidate.hpp"

#include <algorithm>
#include <numeric>

#include "actors/chain/wire.hpp"

namespace troupe::chain {
namespace {

bool follows(const LocalChain& chain, const Header& header, const base::Mutations& mutations) {
  const rows::Head& head = chain.ledger.head();
  const NextBlock& next = chain.ledger.next();
  return header.fork == chain.fork && header.height == head.height.next() && header.parent == head.id &&
         (header.time > head.time || mutations.on("chain.time_not_later")) && header.blocks == next.blocks &&
         header.validators == hash_of(*next.validators) && header.next_validators == hash_of(*next.next_validators) &&
         header.parameters == hash_of(next.parameters) && header.state == head.state.hash &&
         header.receipts == head.receipts && next.validators->index_of(header.proposer).has_value();
}

}  // namespace

const Approved* Candidate::find(const TxId& wanted) const {
  const auto id_at = [this](std::uint32_t place) -> const TxId& { return (*transactions)[place].id(); };
  const auto at = std::ranges::lower_bound(by_id, wanted, {}, id_at);
  return at != by_id.end() && id_at(*at) == wanted ? &(*transactions)[*at] : nullptr;
}

void write(wire::ProposedBlock::Builder out, const Candidate& candidate) {
  std::vector<TxId> ids;
  for (const Approved& one : *candidate.transactions) ids.push_back(one.id());
  write(out, candidate.block, ids);
}

std::optional<std::vector<Approved>> approve(const LocalChain& chain, std::vector<SignedTransaction> transactions) {
  std::vector<Approved> out;
  out.reserve(transactions.size());
  for (SignedTransaction& one : transactions) {
    if (const Approved* waiting = chain.mempool.find(id_of(one.content));
        waiting != nullptr && waiting->whole() == one) {
      out.push_back(*waiting);
      continue;
    }
    auto approved = Approved::verify(std::move(one), chain.id, chain.fork);
    if (!approved.ok()) return std::nullopt;
    out.push_back(std::move(approved).value());
  }
  return out;
}

std::shared_ptr<Candidate> judge(const LocalChain& chain, Block block, std::vector<Approved> transactions,
                                 const base::Mutations& mutations) {
  block.transactions.clear();
  auto out = std::make_shared<Candidate>();
  out->id = id_of(block.header);
  out->bytes = encode(block, transactions);
  const auto commit_fine = [&] {
    const rows::Head& head = chain.ledger.head();
    if (head.height.value == 0) return block.commit.empty();
    const auto commit = commit_of(block.commit);
    return commit &&
           verify_commit(chain.id, *chain.ledger.head_validators(),
                         {chain.ledger.forks().of(head.height), head.height, head.id}, *commit, crypto::verify)
               .ok();
  };
  const auto lists_fine = [&] {
    return judge_late(block.late, chain.ledger.next().presence, chain.id, chain.fork, crypto::verify).ok() &&
           judge_evidence(block.evidence, evidence_view(chain, mutations), chain.id, crypto::verify).ok();
  };
  const bool valid = follows(chain, block.header, mutations) &&
                     !flaw(block, transactions, chain.ledger.next().parameters) &&
                     fits(chain.ledger.next().parameters, transactions) && commit_fine() && lists_fine();
  out->verdict = valid ? Verdict::valid : Verdict::invalid;
  out->block = std::move(block);
  out->transactions = std::make_shared<const std::vector<Approved>>(std::move(transactions));
  out->by_id.resize(out->transactions->size());
  std::iota(out->by_id.begin(), out->by_id.end(), 0u);
  std::ranges::sort(out->by_id, {},
                    [&](std::uint32_t place) -> const TxId& { return (*out->transactions)[place].id(); });
  return out;
}

EvidenceView evidence_view(const LocalChain& chain, const base::Mutations& mutations) {
  static const std::set<base::NodeId> none;
  const NextBlock& next = chain.ledger.next();
  const bool again = mutations.on("chain.evidence_twice");
  return {chain.ledger.head().height.next(), *next.validators, *next.next_validators, again ? none : next.judged};
}

}  // namespace troupe::chain
