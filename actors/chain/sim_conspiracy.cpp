#include "actors/chain/sim_conspiracy.hpp"

#include <algorithm>

#include "actors/chain/wire.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {

using base::Bytes;

Conspiracy::Conspiracy(sim::Nodes& nodes, std::size_t node, std::vector<Member> members,
                       std::array<std::vector<std::size_t>, 2> deceived, const ChainId& chain)
    : nodes_(nodes),
      node_(node),
      members_(std::move(members)),
      random_(nodes.chance("chain.conspiracy")),
      deceived_(std::move(deceived)),
      chain_(chain) {}

bool Conspiracy::has(const base::NodeId& id) const {
  return std::ranges::find(members_, id, &Member::id) != members_.end();
}

void Conspiracy::handled(const ChainActor& chain) {
  const Consensus* consensus = chain.consensus();
  if (consensus == nullptr || consensus->place() == done_ || !has(consensus->proposer().id)) return;
  done_ = consensus->place();
  const UnixMs time = std::max(chain.ledger().head().time + UnixMs{1}, chain.unix_ms());
  for (std::size_t i = 0; i < deceived_.size(); ++i) {
    Place place = done_;
    base::NodeId proposer = consensus->proposer().id;
    if (i > 0 && has(consensus->next_proposer().id) && random_.chance(1, 2)) {
      ++place.round.value;
      proposer = consensus->next_proposer().id;
    }
    Block block = chain.next_block(time + UnixMs{static_cast<std::int64_t>(i)});
    block.header.proposer = proposer;
    seal(block);
    for (const std::size_t node : deceived_[i])
      if (const auto to = nodes_.id(node)) deceive(chain, place, *to, block);
  }
}

void Conspiracy::deceive(const ChainActor& chain, const Place& place, const base::NodeId& to, const Block& block) {
  const BlockId id = id_of(block.header);
  const auto proposer = std::ranges::find(members_, block.header.proposer, &Member::id);
  const Proposal proposal{place, std::nullopt, id, block.header.time};
  const Bytes proposed =
      encode(SignedProposal{proposal, proposer->id, proposer->key.sign(signed_bytes(chain_, proposal))});
  std::vector<Bytes> votes;
  for (const Step step : {Step::prevote, Step::precommit})
    for (const Member& one : members_) {
      const Vote vote{place, step, id};
      votes.push_back(encode(SignedVote{vote, one.id, one.key.sign(signed_bytes(chain_, vote))}));
    }
  nodes_.inside(node_, [this, far = chain.at(to), proposed, votes, block](sim::Nodes::Inside& actor) {
    actor.tell<wire::PushProposal>(far, [&](wire::PushProposal::Builder out) {
      out.setChain(data_of(chain_.view()));
      out.setProposal(data_of(proposed));
      write(out.initBody(), block, {});
    });
    for (const Bytes& vote : votes)
      actor.tell<wire::PushVote>(far, [&](wire::PushVote::Builder out) {
        out.setChain(data_of(chain_.view()));
        out.setVote(data_of(vote));
      });
  });
}

}  // namespace troupe::chain
