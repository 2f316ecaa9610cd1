#include "actors/chain/sim_liar.hpp"

#include "actors/chain/wire.hpp"
#include "messages/codec.hpp"

namespace troupe::chain {
namespace {

using base::Bytes;

constexpr std::uint64_t kSeldom = 40;  // one step in that many is signed twice; our choice
constexpr std::uint64_t kAheadMs = 3'600'000;
constexpr std::size_t kTurned = 64;  // transactions of a block in reverse order; our choice

}  // namespace

Liar::Liar(sim::Nodes& nodes, std::size_t node, crypto::SecretKey key, const ChainId& chain)
    : nodes_(nodes), random_(nodes.chance("chain.liar")), node_(node), key_(std::move(key)), chain_(chain) {}

void Liar::handled(const ChainActor& chain) {
  const Consensus* consensus = chain.consensus();
  if (consensus == nullptr) return;
  const Moment moment{consensus->place(), consensus->step(), chain.blocks_here().size()};
  if (moment == last_) return;
  if (moment.place.height != last_.place.height) said_.clear();
  last_ = moment;
  Place place = moment.place;
  if (*nodes_.id(node_) == consensus->proposer().id && proposed_ != place) {
    proposed_ = place;
    propose(chain, place);
  }
  if (random_.chance(1, 8)) place.round.value += 1 + static_cast<std::uint32_t>(random_.below(3));
  for (const Step step : {Step::prevote, Step::precommit})
    if (random_.chance(2, 3)) vote(chain, place, step, random_.chance(1, kSeldom));
}

Choice Liar::choice(const ChainActor& chain) {
  const std::vector<BlockId> blocks = chain.blocks_here();
  if (random_.chance(1, 16)) {
    BlockId made{};
    for (auto& byte : made.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
    return made;
  }
  if (blocks.empty() || random_.chance(1, 3)) return std::nullopt;
  return blocks[random_.below(blocks.size())];
}

void Liar::vote(const ChainActor& chain, Place place, Step step, bool twice) {
  const Choice first = said_.try_emplace({place, step}, choice(chain)).first->second;
  const Choice second = twice ? choice(chain) : first;
  const bool all = random_.chance(1, 2);
  for (const Validator& one : chain.ledger().next().validators->all()) {
    if (!all && random_.chance(1, 2)) continue;
    const auto vote = sign(Vote{place, step, random_.chance(1, 2) ? first : second});
    send<wire::PushVote>(chain, one.id, [vote](wire::PushVote::Builder out) {
      const Bytes bytes = encode(vote);
      out.setVote(data_of(bytes));
    });
  }
}

void Liar::propose(const ChainActor& chain, const Place& place) {
  const UnixMs parent = chain.ledger().head().time;
  const UnixMs honest = std::max(parent + UnixMs{1}, chain.unix_ms());
  const auto made = [&](UnixMs time) {
    Block out = chain.next_block(time);
    seal(out);
    return out;
  };
  switch (random_.below(8)) {
    case 0: return;  // stays silent
    case 1: return propose(chain, place, made(honest + UnixMs(kAheadMs)), true);
    case 2: return propose(chain, place, made(parent + UnixMs(random_.below(2))), true);
    case 3: {
      Block wrong = made(honest);
      wrong.header.state.bytes[random_.below(32)] ^= 1;
      return propose(chain, place, wrong, true);
    }
    case 4: {
      Block wrong = made(honest);
      wrong.commit.clear();  // not the commit of its header
      return propose(chain, place, wrong, true);
    }
    case 5: return propose(chain, place, made(honest), false);
    case 6:
      if (random_.chance(1, 4)) {
        propose(chain, place, made(honest), false);
        return propose(chain, place, made(honest + UnixMs{1}), false);
      }
      [[fallthrough]];
    default: return propose_turned(chain, place, honest);
  }
}

/// A transaction that waits for an earlier one of its sender is refused first, and done later.
void Liar::propose_turned(const ChainActor& chain, const Place& place, UnixMs time) {
  std::vector<Approved> transactions;
  std::vector<TxId> ids;
  for (const Approved* one : chain.waiting(kTurned)) transactions.insert(transactions.begin(), *one);
  for (const Approved& one : transactions) ids.push_back(one.id());
  Block block = chain.next_block(time);
  seal(block, transactions);
  propose(chain, place, block, true, ids);
}

void Liar::propose(const ChainActor& chain, const Place& place, const Block& block, bool all,
                   const std::vector<TxId>& ids) {
  const auto proposal = sign(Proposal{place, std::nullopt, id_of(block.header), block.header.time});
  for (const Validator& one : chain.ledger().next().validators->all())
    if (all || random_.chance(1, 2))
      send<wire::PushProposal>(chain, one.id, [proposal, block, ids](wire::PushProposal::Builder out) {
        const Bytes bytes = encode(proposal);
        out.setProposal(data_of(bytes));
        write(out.initBody(), block, ids);
      });
}

template <class Content>
Signed<Content> Liar::sign(const Content& content) const {
  return {content, *nodes_.id(node_), key_.sign(signed_bytes(chain_, content))};
}

/// Also sends to its own node, which forwards what it receives.
template <class Message, class Fill>
void Liar::send(const ChainActor& chain, const base::NodeId& to, Fill fill) {
  const bool here = to == *nodes_.id(node_);
  nodes_.inside(node_, [this, here, far = here ? runtime::Handle() : chain.at(to), fill](sim::Nodes::Inside& actor) {
    actor.tell<Message>(here ? actor.node().find(kPath) : far, [&](typename Message::Builder out) {
      out.setChain(data_of(chain_.view()));
      fill(out);
    });
  });
}

}  // namespace troupe::chain
