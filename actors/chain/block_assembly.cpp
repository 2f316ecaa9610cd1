#include "actors/chain/block_assembly.hpp"

#include "actors/chain/wire.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

constexpr std::chrono::seconds kFetchDue{5};        // our choice
constexpr std::chrono::milliseconds kAskNext{500};  // our choice: longer than a round trip around the earth
constexpr std::size_t kAskedMax = 3;                // neighbours, for one block

}  // namespace

std::shared_ptr<const Candidate> BlockAssembly::find(const BlockId& id) const {
  const auto found = candidates_.find(id);
  return found != candidates_.end() ? found->second : nullptr;
}

const BlockAssembly::Assembly* BlockAssembly::part_of(const BlockId& id) const {
  const auto found = assemblies_.find(id);
  return found != assemblies_.end() ? &found->second : nullptr;
}

const Approved* BlockAssembly::known(const TxId& id) const {
  if (const Approved* one = chain_.mempool.find(id)) return one;
  for (const auto& [block, candidate] : candidates_)
    if (const Approved* one = candidate->find(id)) return one;
  return nullptr;
}

void BlockAssembly::fetch(const BlockId& id) {
  if (const auto here = candidates_.find(id); here != candidates_.end()) {
    const Header& header = here->second->block.header;
    return chain_.consensus->block(id, header.time, header.proposer, here->second->verdict);
  }
  if (assemblies_.contains(id)) return;
  wanted_.insert(id);
  if (neighbours_.all().empty() || world().mutations.on("chain.block_unasked")) return;
  // The proposer of a block has it. The other nodes differ each time, because nodes that were asked before may lack the
  // block or withhold it.
  const auto proposal = rounds_.proposal_of(id);
  auto at = std::next(neighbours_.all().begin(), static_cast<std::ptrdiff_t>(random().below(neighbours_.all().size())));
  if (proposal && neighbours_.find(proposal->validator) != nullptr) ask_for(id, proposal->validator);
  for (std::size_t asked = 0; asked < std::min(kAskedMax, neighbours_.all().size()); ++asked, ++at) {
    if (at == neighbours_.all().end()) at = neighbours_.all().begin();
    if (!proposal || at->first != proposal->validator) ask_for(id, at->first);
  }
}

void BlockAssembly::ask_for(const BlockId& id, const base::NodeId& from) {
  ask<wire::GetProposed, wire::PushProposal>(
      neighbours_.at(from), now() + kFetchDue,
      [&](wire::GetProposed::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        out.setBlock(data_of(id.view()));
      },
      [this, id, from](runtime::Answer<wire::PushProposal> answer) {
        if (!answer.ok() || !wanted_.contains(id) || offer(id, answer.value().getBody(), from)) return;
        neighbours_.accuse(from, net::wire::Violation::BAD_RECORD, "a block that was not requested");
      });
}

bool BlockAssembly::offer(const BlockId& id, wire::ProposedBlock::Reader body, const base::NodeId& from) {
  if (candidates_.contains(id) || chain_.halted || chain_.finishing) return true;
  if (assemblies_.contains(id)) {
    assemble(id, from);
    return true;
  }
  if (assemblies_.size() >= kMax) return true;
  auto proposed = chain::read(body, id);
  if (!proposed) return false;
  Assembly out;
  out.block = std::move(proposed->block);
  out.ids = std::move(proposed->ids);
  out.ask_next = now() + kAskNext;
  if (std::set<TxId>(out.ids.begin(), out.ids.end()).size() != out.ids.size())
    return true;  // an authentic body, but of an invalid block
  wanted_.erase(id);
  assemblies_.emplace(id, std::move(out));
  assemble(id, from);
  return true;
}

/// A node that forwards a proposal before the proposer's own push arrives may add a false body, or withhold missing
/// transactions. This treats such a body like a first body, but charges it to its sender's quota.
std::optional<SignedProposal> BlockAssembly::offer_again(const SignedProposal& proposal,
                                                         wire::ProposedBlock::Reader body, const base::NodeId& from) {
  const BlockId& id = proposal.content.block;
  const std::optional<SignedProposal> heard = rounds_.proposal_of(id);
  if (!heard || candidates_.contains(id) || candidates_.size() >= kMax) return std::nullopt;
  const bool lacks_some = assemblies_.contains(id);
  if (lacks_some && from != heard->validator)
    return std::nullopt;  // every neighbour pushes it, and one was asked for the rest
  if (neighbours_.too_much(
          static_cast<std::uint32_t>(body.totalSize().wordCount * sizeof(capnp::word) / kPieceBytes + 1)))
    return std::nullopt;
  if (offer(id, body, from)) return lacks_some ? std::nullopt : heard;
  neighbours_.accuse_caller(net::wire::Violation::BAD_RECORD, "a block that is not the proposed one");
  return std::nullopt;
}

void BlockAssembly::assemble(const BlockId& id, const base::NodeId& from) {
  Assembly& one = assemblies_.at(id);
  std::vector<TxId> missing;
  for (const TxId& wanted_id : one.ids) {
    if (one.have.contains(wanted_id)) continue;
    if (const Approved* waiting = chain_.mempool.find(wanted_id)) one.have.emplace(wanted_id, *waiting);
    else missing.push_back(wanted_id);
  }
  if (missing.empty()) return whole(id);
  if (one.asked.size() >= kAskedAtOnceMax || one.asked.contains(from)) return;
  if (world().mutations.on("chain.missing_unasked")) return;
  one.asked.insert(from);
  if (missing.size() > kGivenAtOnce) missing.resize(kGivenAtOnce);
  ask<wire::GetTransactions, wire::Transactions>(
      neighbours_.at(from), now() + kFetchDue,
      [&](wire::GetTransactions::Builder out) {
        out.setChain(data_of(chain_.id.view()));
        chain::write(out.initIds(size32(missing)), missing);
      },
      [this, id, from,
       asked = std::set<TxId>(missing.begin(), missing.end())](runtime::Answer<wire::Transactions> answer) {
        const auto found = assemblies_.find(id);
        if (found == assemblies_.end()) return;
        found->second.asked.erase(from);
        if (!answer.ok()) return;
        bool more = false;
        for (Approved& given : neighbours_.read_given(from, answer.value(), asked)) {
          const TxId tx = given.id();
          more = found->second.have.emplace(tx, std::move(given)).second || more;
        }
        if (more) assemble(id, from);
      });
}

void BlockAssembly::ask_again() {
  for (const BlockId& id : std::set<BlockId>(wanted_))
    if (chain_.consensus) fetch(id);
  std::vector<BlockId> stalled;
  for (const auto& [id, assembly] : assemblies_) stalled.push_back(id);
  for (const BlockId& id : stalled)
    if (assemblies_.contains(id)) assemble_anew(id);
}

/// The sender of the block may withhold missing transactions. Its proposer has all of them, and other validators may.
void BlockAssembly::assemble_anew(const BlockId& id) {
  Assembly& one = assemblies_.at(id);
  if (now() < one.ask_next) return;
  one.ask_next = now() + kAskNext;
  std::vector<base::NodeId> validators, others;
  for (const auto& [node_id, neighbour] : neighbours_.all())
    if (!one.asked.contains(node_id)) (chain_.is_validator(node_id) ? validators : others).push_back(node_id);
  const base::NodeId proposer = one.block.header.proposer;
  if (std::ranges::find(validators, proposer) != validators.end()) return assemble(id, proposer);
  const auto& some = validators.empty() || random().below(4) == 0 ? others : validators;
  if (!some.empty()) assemble(id, some[random().below(some.size())]);
}

void BlockAssembly::whole(const BlockId& id) {
  auto one = assemblies_.extract(id);
  Assembly& assembly = one.mapped();
  std::vector<Approved> transactions;
  transactions.reserve(assembly.ids.size());
  for (const TxId& tx : assembly.ids) transactions.push_back(assembly.have.at(tx));
  if (candidates_.size() >= kMax) return;
  const std::shared_ptr<const Candidate> candidate =
      judge(chain_, std::move(assembly.block), std::move(transactions), world().mutations);
  wanted_.erase(id);
  candidates_[id] = candidate;
  rounds_.is_whole(*candidate);
}

void BlockAssembly::give(wire::GetProposed::Reader ask, runtime::Reply<wire::PushProposal> reply) {
  const auto id = BlockId::from(bytes_of(ask.getBlock()));
  const auto found = id && chain_.ours(ask.getChain()) ? find(*id) : nullptr;
  if (!found) return reply.refuse({base::Code::not_found, "this node does not have that block"});
  if (neighbours_.refuse_much(static_cast<std::uint32_t>(found->bytes.size() / kPieceBytes + 1), reply)) return;
  reply.send([&](wire::PushProposal::Builder out) { write(out.initBody(), *found); });
}

void BlockAssembly::clear() {
  candidates_.clear();
  assemblies_.clear();
  wanted_.clear();
}

}  // namespace troupe::chain
