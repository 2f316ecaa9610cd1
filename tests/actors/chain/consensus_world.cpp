#include "tests/actors/chain/consensus_world.hpp"

#include "tests/actors/chain/consensus_world_nodes.hpp"

namespace troupe::chain_test {
namespace {

class World final : Nodes {
 public:
  explicit World(const WorldOptions& options) : Nodes(options) {
    loss_ = random_.below(2) * random_.below(40);
    slow_ = random_.below(2) * random_.below(30);
    crash_ = random_.below(2) * random_.below(30);
    parts_ = random_.chance(1, 2);
    const bool silent = random_.chance(1, 4);
    for (Node& node : nodes_) node.silent = silent && random_.chance(1, 2);
  }

  WorldReport run() {
    try {
      for (Node& node : nodes_) {
        if (node.liar) after(UnixMs{1}, [this, &node] { lie(node); });
        else begin(node);
        after(some(1, 400), [this, &node] { mend(node); });
      }
      after(some(1, 1'000), [this] { part(); });
      while (now_ < start_ + options_.faulty && report_.events < kEventsMax) step();
      calm_ = true;
      cut_.clear();
      for (Node& node : nodes_)
        if (!node.liar && !node.core) begin(node);
      const UnixMs calmed = now_;
      const std::size_t goal = highest() + 2;
      while (!all_at(goal)) {
        must(now_ < calmed + options_.calm && report_.events < kEventsMax, "all decide once the network is calm");
        step();
      }
      report_.calm_used = now_ - calmed;
    } catch (const std::exception& broken) {
      report_.broken = broken.what();
      for (const Node& node : nodes_) report_.state += state_of(node);
    }
    report_.heights = highest();
    report_.reached = bug_.reached;
    return report_;
  }

 private:
  static constexpr std::uint64_t kEventsMax = 400'000;

  // --- faults
  void part() {
    if (calm_) return;
    cut_.clear();
    favoured_.reset();
    if (random_.chance(1, 2)) favour_one();
    else if (parts_ && random_.chance(1, 2))
      for (const Node& node : nodes_)
        if (random_.chance(1, 2)) cut_.insert(node.index);
    after(favoured_ ? some(3'000, 10'000) : some(100, 2'000), [this] { part(); });
  }
  /// One node alone hears precommits, and is heard no more once it has decided: what it decided has to stay decided,
  /// though the others know only their locks.
  void favour_one() {
    do favoured_ = random_.below(nodes_.size());
    while (liars_.contains(*favoured_));
    favoured_from_ = nodes_[*favoured_].disk.chain.size();
    if (crash_ > 0 && random_.chance(1, 2))
      after(some(100, 6'000), [this] {
        for (Node& node : nodes_)
          if (!calm_ && !node.liar && node.core && random_.chance(3, 4)) crash(node);
      });
  }
  /// The power fails at all others, now or soon.
  void others_fail() {
    for (Node& node : nodes_)
      if (!node.liar && node.index != *favoured_ && random_.chance(7, 8))
        after(some(0, 100), [this, &node, run = node.run] {
          if (!calm_ && node.core && node.run == run) crash(node);
        });
  }

  void decided_one(const Node& node) override {
    if (!calm_ && crash_ > 0 && favoured_ == node.index && random_.chance(1, 2)) others_fail();
  }

  // --- liars: they know all that is going on
  void lie(Node& liar);
  void propose_lies(Node& liar, const Consensus& seen);
  void answer(Node& liar, const Node& from, const Talk& talk) override;
  Choice some_choice(Height height) {
    const auto& known = judge_.blocks_of(height);
    if (known.empty() || random_.chance(1, 4)) return std::nullopt;
    return known[random_.chance(1, 2) ? known.size() - 1 : random_.below(known.size())];
  }
};

void World::lie(Node& liar) {
  after(some(10, 120), [this, &liar] { lie(liar); });
  if (liar.silent) return;
  const Node& victim = nodes_[random_.below(nodes_.size())];
  if (!victim.core) return;
  const Place place = victim.core->place();
  if (victim.core->proposer().id == set_.at(liar.index).id && liar.proposed.insert(place).second)
    propose_lies(liar, *victim.core);
  for (std::uint64_t n = random_.below(3); n > 0; --n) {
    Vote vote{place, random_.chance(1, 2) ? Step::prevote : Step::precommit, some_choice(place.height)};
    if (random_.chance(1, 8)) vote.place.round.value += static_cast<std::uint32_t>(random_.below(20));
    for (Node& to : nodes_)
      if (!to.liar && random_.chance(1, 2)) send(liar, to, {.votes = {signed_by(liar, vote)}});
  }
}

/// Two blocks for two halves, blocks that are not sound, wrong times, blocks kept back, valid rounds made up.
void World::propose_lies(Node& liar, const Consensus& seen) {
  const Place place = seen.place();
  const bool at_locks = favoured_decided() && place.round > Round{} && random_.chance(1, 2);
  for (int half = 0; half < 2; ++half) {
    Proposal proposal{place};
    const Choice old = some_choice(place.height);
    if (old && !at_locks && random_.chance(2, 3)) {
      proposal.block = *old;
    } else {
      const Node* parent = nullptr;
      for (const Node& node : nodes_)
        if (node.core.get() == &seen) parent = &node;
      const UnixMs skew = !at_locks && random_.chance(1, 4) ? some(0, 20'000) - UnixMs{10'000} : UnixMs{0};
      const bool sound = at_locks || !random_.chance(1, 5);
      proposal.block = judge_.add({place.height, tip(*parent), now_ + skew, sound, set_.at(liar.index).id});
    }
    if (place.round > Round{} && random_.chance(3, 4)) {
      const std::uint32_t back = std::min<std::uint32_t>(place.round.value, 2);
      proposal.valid_round = Round{place.round.value - 1 - static_cast<std::uint32_t>(random_.below(back))};
    }
    proposal.time = judge_.block(proposal.block).time + UnixMs(random_.chance(1, 10));
    liar.pool.insert(proposal.block);
    for (Node& to : nodes_) {
      if (to.liar || to.index % 2 != static_cast<std::size_t>(half)) continue;
      if (random_.chance(3, 4)) to.pool.insert(proposal.block);
      send(liar, to, {.proposals = {signed_by(liar, proposal)}});
    }
    if (at_locks || random_.chance(1, 3)) {  // the same for all
      for (Node& to : nodes_)
        if (!to.liar) send(liar, to, {.proposals = {signed_by(liar, proposal)}});
      return;
    }
  }
}

/// Agrees with everyone, each time.
void World::answer(Node& liar, const Node& from, const Talk& talk) {
  if (liar.silent || from.liar) return;
  for (const SignedVote& vote : talk.votes) {
    if (random_.chance(1, 4)) continue;
    Node& to = nodes_[from.index];
    send(liar, to, {.votes = {signed_by(liar, vote.content)}});
  }
}

}  // namespace

WorldReport run_world(const WorldOptions& options) { return World(options).run(); }

}  // namespace troupe::chain_test
