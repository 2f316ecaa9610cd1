#pragma once
// The nodes of a world, with what they lose in a crash and what their disks keep; its time and its network. A correct
// node does what a caller of the logic is to do.
#include <deque>
#include <functional>

#include "runtime/base/random.hpp"
#include "tests/actors/chain/consensus_world_judge.hpp"

namespace troupe::chain_test {

struct Talk {  // what one node sends another at once
  std::vector<SignedProposal> proposals;
  std::vector<SignedVote> votes;
  std::optional<Commit> commit;  // for a node that is behind
};

struct Disk {
  Guard guard;
  std::vector<SignedVote> votes;  // own ones, of the height
  std::vector<SignedProposal> proposals;
  std::set<BlockId> blocks;       // that the guard names
  std::vector<SignedVote> proof;  // of its valid value
  std::vector<Commit> chain;
};

struct Node {
  std::size_t index = 0;
  bool liar = false, silent = false;
  std::unique_ptr<Consensus> core;  // none while it is down
  std::uint64_t run = 0;            // one more at each start of a height
  std::set<BlockId> pool;
  std::optional<std::vector<SignedVote>> keep;  // with the next guard
  Disk disk;
  UnixMs clock_offset{};
  std::set<Place> proposed;  // by a liar
};

class Nodes {
 protected:
  explicit Nodes(const WorldOptions& options)
      : options_(options), bug_(options.bug), random_(options.seed), set_(some_set()), judge_(set_, liars_) {
    for (std::size_t i = 0; i < set_.size(); ++i) {
      Node& node = nodes_.emplace_back();
      node.index = i;
      node.liar = liars_.contains(i);
      node.clock_offset = UnixMs(random_.below(60));
    }
    genesis_ = judge_.add({Height{0}, BlockId{}, now_ - UnixMs{1'000}});
  }
  ~Nodes() = default;

  virtual void answer(Node& liar, const Node& from, const Talk& talk) = 0;
  virtual void decided_one(const Node& node) = 0;

  ValidatorSet some_set() {
    const std::size_t count = 4 + random_.below(4);
    const std::uint64_t spread = random_.chance(1, 2) ? 1 : 1 + random_.below(9);
    std::vector<Validator> all;
    for (std::size_t i = 0; i < count; ++i)
      all.push_back({base::NodeId{{static_cast<std::uint8_t>(i + 1)}},
                     base::PublicKey{{static_cast<std::uint8_t>(100 + i)}}, 1 + random_.below(spread)});
    ValidatorSet set = ValidatorSet::from(std::move(all)).value();
    std::uint64_t lying = 0;
    for (std::uint64_t tries = random_.below(16); tries > 0; --tries) {
      const std::size_t at = random_.below(count);
      if (liars_.contains(at) || 3 * (lying + set.at(at).power) >= (options_.beyond ? 2 : 1) * set.power()) continue;
      liars_.insert(at);
      lying += set.at(at).power;
    }
    return set;
  }

  /// A line for a person who looks at a broken seed.
  std::string state_of(const Node& node) const {
    std::string out =
        "validator " + std::to_string(node.index) + " of power " + std::to_string(set_.at(node.index).power);
    if (node.liar) return out + (node.silent ? ": silent\n" : ": lies\n");
    out += ": " + std::to_string(node.disk.chain.size()) + " decided, ";
    if (!node.core) return out + "down\n";
    const auto text = [](const std::optional<Proven>& proven) {
      return proven ? proven->block.hex().substr(0, 4) + " since " + std::to_string(proven->round.value) : "none";
    };
    return out + std::string(name(node.core->step())) + " of round " + std::to_string(node.core->place().round.value) +
           ", locked " + text(node.core->locked()) + ", valid " + text(node.core->valid()) + ", " +
           std::to_string(node.core->votes().size()) + " votes\n";
  }

  // --- time and network
  UnixMs some(std::uint64_t least, std::uint64_t most) { return UnixMs(least + random_.below(most - least + 1)); }
  void after(UnixMs span, std::function<void()> event) { events_.emplace(now_ + span, std::move(event)); }
  void step() {
    auto first = events_.begin();
    now_ = first->first;
    const auto event = std::move(first->second);
    events_.erase(first);
    ++report_.events;
    event();
  }
  UnixMs delay() {
    if (calm_) return some(1, 30);
    return random_.chance(slow_, 100) ? some(1, 3'000) : some(1, 60);
  }
  bool joined(const Node& a, const Node& b) const { return cut_.contains(a.index) == cut_.contains(b.index); }
  void send(const Node& from, Node& to, Talk talk) {
    if (to.index == from.index) return;
    if (favoured_ && !calm_ && !to.liar) {
      const auto& chain = nodes_[*favoured_].disk.chain;
      const bool done = favoured_decided();
      if (done && from.index == *favoured_) return;
      if (to.index != *favoured_)
        std::erase_if(talk.votes, [&](const SignedVote& vote) {
          const bool last = done && vote.content.place > chain.back().place;
          return vote.content.step == Step::precommit && !last;
        });
    }
    const std::uint64_t copies = 1 + (!calm_ && random_.chance(1, 10));
    for (std::uint64_t i = 0; i < copies; ++i) {
      if (!calm_ && (!joined(from, to) || random_.chance(loss_, 100))) continue;
      after(delay(), [this, &from, &to, talk] { hear(to, from, talk); });
    }
  }
  void broadcast(const Node& from, const Talk& talk) {
    for (Node& to : nodes_) send(from, to, talk);
  }
  bool favoured_decided() const { return favoured_ && nodes_[*favoured_].disk.chain.size() > favoured_from_; }

  // --- correct nodes
  Rotation rotation_at(Height height) {
    while (rotations_.size() <= height.value) rotations_.push_back(rotations_.back().next_height(set_, set_));
    return rotations_[height.value];
  }
  BlockId tip(const Node& node) const { return node.disk.chain.empty() ? genesis_ : node.disk.chain.back().block; }
  Height height_of(const Node& node) const { return Height{node.disk.chain.size() + 1}; }
  std::size_t highest() const {
    std::size_t most = 0;
    for (const Node& node : nodes_) most = std::max(most, node.disk.chain.size());
    return most;
  }
  bool all_at(std::size_t height) const {
    for (const Node& node : nodes_)
      if (!node.liar && node.disk.chain.size() < height) return false;
    return true;
  }

  /// The next height, or after a crash the same one.
  void begin(Node& node) {
    ++node.run;
    const Height height = height_of(node);
    if (node.disk.guard.place().height != height) {
      node.disk.votes.clear();
      node.disk.proposals.clear();
      node.disk.proof.clear();
    }
    node.core = std::make_unique<Consensus>(HeightStart{{},
                                                        height,
                                                        shared_set_,
                                                        rotation_at(height),
                                                        judge_.block(tip(node)).time,
                                                        times(),
                                                        set_.at(node.index).id},
                                            node.disk.guard, bug_);
    const Disk disk = node.disk;
    for (const SignedProposal& mine : disk.proposals) receive(node, mine);
    for (const auto* votes : {&disk.proof, &disk.votes})
      for (const SignedVote& vote : *votes) receive(node, vote);
    perform(node);
  }
  void receive(Node& node, const SignedVote& vote) {
    const bool needed = node.core->needs(vote);
    must(node.core->receive(vote).ok() == needed, "what is needed is taken, and nothing else");
  }
  void receive(Node& node, const SignedProposal& proposal) {
    const bool needed = node.core->needs(proposal);
    must(node.core->receive(proposal, clock(node)).ok() == needed, "what is needed is taken, and nothing else");
  }
  static Times times() {
    return {UnixMs{300}, UnixMs{150}, UnixMs{150}, /*precision*/ UnixMs{60}, /*delay*/ UnixMs{200}};
  }
  UnixMs clock(const Node& node) const { return now_ + node.clock_offset; }

  void crash(Node& node) {
    ++report_.crashes;
    ++node.run;
    node.core.reset();
    node.keep.reset();
    node.pool = node.disk.blocks;
    after(some(1, 1'500), [this, &node] {
      if (!node.core) begin(node);
    });
  }
  bool crashes() { return !calm_ && random_.chance(crash_, 1'000); }

  void perform(Node& node) {
    while (node.core) {
      const std::vector<Effect> effects = node.core->take();
      if (effects.empty()) return;
      const std::uint64_t run = node.run;
      for (const Effect& effect : effects) {
        std::visit([&](const auto& what) { perform(node, what); }, effect);
        if (node.run != run) return;  // it has crashed, or the height is done
      }
    }
  }
  void save(Node& node, const Guard& guard) {
    node.disk.guard = guard;
    if (node.keep) node.disk.proof = *std::exchange(node.keep, std::nullopt);
    node.disk.blocks.clear();
    for (const auto& proven : {guard.locked(), guard.valid()}) {
      if (!proven) continue;
      must(guard.place().height != height_of(node) || node.pool.contains(proven->block),
           "what a guard names is held whole");
      node.disk.blocks.insert(proven->block);
    }
  }
  void perform(Node& node, const Keep& keep) { node.keep = keep.prevotes; }
  template <class Content>
  Signed<Content> signed_by(const Node& node, const Content& content) const {
    const Validator& self = set_.at(node.index);
    return {content, self.id, world_signature(self.key, content)};
  }
  void perform(Node& node, const Sign<Vote>& sign) {
    if (crashes()) return crash(node);
    save(node, sign.guard);
    const SignedVote vote = signed_by(node, sign.content);
    node.disk.votes.push_back(vote);
    judge_.sees(node.index, sign.content);
    if (crashes()) return crash(node);
    report_.rounds_max = std::max<std::uint64_t>(report_.rounds_max, sign.content.place.round.value);
    broadcast(node, {.votes = {vote}});
    if (crashes()) return crash(node);
    receive(node, vote);
  }
  void perform(Node& node, const Sign<Proposal>& sign) {
    if (crashes()) return crash(node);
    save(node, sign.guard);
    const SignedProposal proposal = signed_by(node, sign.content);
    node.disk.proposals.push_back(proposal);
    judge_.sees(node.index, sign.content);
    if (crashes()) return crash(node);
    broadcast(node, {.proposals = {proposal}});
    receive(node, proposal);
  }
  void perform(Node& node, const Schedule& schedule) {
    after(schedule.after, [this, &node, run = node.run, timeout = schedule.timeout] {
      if (node.run != run) return;
      node.core->timeout(timeout);
      perform(node);
    });
  }
  void perform(Node& node, const BuildBlock& build) {
    after(calm_ ? some(0, 5) : some(0, random_.chance(1, 8) ? 600 : 20), [this, &node, run = node.run, build] {
      if (node.run != run) return;
      const BlockId parent = tip(node);
      const UnixMs time = std::max(clock(node), judge_.block(parent).time + UnixMs{1});
      const BlockId id = judge_.add({height_of(node), parent, time, true, set_.at(node.index).id});
      node.pool.insert(id);
      node.core->built(build.round, id, time);
      perform(node);
    });
  }
  void perform(Node& node, const FetchBlock& fetch) { look_for(node, fetch.block); }
  void look_for(Node& node, const BlockId& id) {
    if (node.pool.contains(id)) {
      const WorldBlock& block = judge_.block(id);
      const bool follows =
          block.height == height_of(node) && block.parent == tip(node) && block.time > judge_.block(block.parent).time;
      node.core->block(id, block.time, block.proposer, block.sound && follows ? Verdict::valid : Verdict::invalid);
      return;
    }
    Node& other = nodes_[random_.below(nodes_.size())];
    const bool has = other.pool.contains(id) && (other.core || (other.liar && random_.chance(1, 3)));
    const bool arrives = has && (calm_ || (joined(node, other) && !random_.chance(loss_, 100)));
    after(delay() + delay(), [this, &node, run = node.run, id, arrives] {
      if (node.run != run) return;
      if (arrives) node.pool.insert(id);
      look_for(node, id);
      perform(node);
    });
  }
  void perform(Node&, const Evidence& evidence) {
    ++report_.evidence;
    judge_.sees(evidence);
  }
  void perform(Node&, const Diverged&) { must(false, "no correct node diverges"); }
  void perform(Node& node, const Decided& decided) { finish(node, decided.commit); }
  void finish(Node& node, const Commit& commit) {
    judge_.decided(commit);
    node.disk.chain.push_back(commit);
    node.pool.clear();
    node.disk.blocks.clear();
    decided_one(node);
    begin(node);
  }

  void hear(Node& node, const Node& from, const Talk& talk) {
    if (node.liar) return answer(node, from, talk);
    if (!node.core) return;
    if (talk.commit && talk.commit->place.height == height_of(node)) {
      must(verify_commit(kWorldChain, set_, {talk.commit->place.fork, talk.commit->place.height, talk.commit->block},
                         *talk.commit, world_verifies)
               .ok(),
           "a correct node gives true commits");
      ++report_.syncs;
      return finish(node, *talk.commit);
    }
    const std::uint64_t run = node.run;
    for (const SignedProposal& proposal : talk.proposals) {
      receive(node, proposal);
      perform(node);
      if (node.run != run) return;
    }
    for (const SignedVote& vote : talk.votes) {
      receive(node, vote);
      perform(node);
      if (node.run != run) return;
    }
  }
  /// Neighbours compare what they hold.
  void mend(Node& node) {
    after(some(200, 400), [this, &node] { mend(node); });
    if (!node.core) return;
    Node& to = nodes_[random_.below(nodes_.size())];
    if (to.liar) return;
    if (to.disk.chain.size() < node.disk.chain.size()) {
      send(node, to, {.commit = node.disk.chain[to.disk.chain.size()]});
    } else {
      Talk talk{node.core->proposals(), node.core->votes(), {}};
      talk.votes.insert(talk.votes.end(), node.disk.votes.begin(), node.disk.votes.end());
      send(node, to, talk);
    }
  }

  WorldOptions options_;
  PlantedBug bug_;
  base::Random random_;
  std::set<std::size_t> liars_;
  ValidatorSet set_;
  std::shared_ptr<const ValidatorSet> shared_set_ = std::make_shared<const ValidatorSet>(set_);
  std::vector<Rotation> rotations_{Rotation(set_)};
  Judge judge_;
  BlockId genesis_;
  std::deque<Node> nodes_;
  std::multimap<UnixMs, std::function<void()>> events_;
  const UnixMs start_{1'700'000'000'000};
  UnixMs now_ = start_;
  bool calm_ = false;
  std::set<std::size_t> cut_;
  std::optional<std::size_t> favoured_;
  std::size_t favoured_from_ = 0;                  // decided by it before
  std::uint64_t loss_ = 0, slow_ = 0, crash_ = 0;  // in 100, and crashes in 1'000
  bool parts_ = false;
  WorldReport report_;
};

}  // namespace troupe::chain_test
