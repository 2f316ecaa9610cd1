// What the commit, the late precommits and the evidence of a block do to the state.
#include "actors/chain/logic/machine.hpp"
#include "tests/actors/chain/chains.hpp"
#include "tests/actors/chain/one_form.hpp"
#include "tests/actors/chain/trees.hpp"

using namespace troupe;
using namespace troupe::chain;

namespace {

base::NodeId node_of(std::uint8_t number) { return founder(number, 1).node(); }
BlockId block_at(Height height) { return filled_block(static_cast<std::uint8_t>(height.value)); }

Genesis four_founders() {
  std::vector<Founding> foundings;
  for (std::uint8_t number = 1; number <= 4; ++number) foundings.push_back({founder(number, number * 10u), {}});
  return found("lists", {}, Purpose::real, {}, foundings).value();
}

/// Blocks without transactions.
struct Blocks {
  Blocks() {
    const auto made = update(tree.rows, tree.root, Height{0}, state_of(genesis));
    REQUIRE(made.ok());
    take(made.value());
  }
  void take(const TreeUpdate& update) {
    tree.rows.commit(update);
    tree.root = update.root;
  }
  StateView view() const { return StateView(tree.rows, tree.root); }

  Vote vote_at(Height at) const { return {{Fork{}, at, Round{}}, Step::precommit, block_at(at)}; }
  template <class Content>
  Signed<Content> by(std::uint8_t number, const Content& content) const {
    const auto key = test_key(static_cast<std::uint8_t>(20 + number));
    return {content, node_of(number), key.sign(signed_bytes(id_of(genesis), content))};
  }
  Evidence lie_of(std::uint8_t number, Height at) const {
    Vote other = vote_at(at);
    other.choice = {};
    return {Evidence::Pair<Vote>{by(number, vote_at(at)), by(number, other)}};
  }
  /// The next block, with a commit by `voters`.
  BlockContext next(const std::vector<std::uint8_t>& voters) const {
    BlockContext out{block_at(height.next()), height.next(), UnixMs{10'000} * (height.value + 1), test_address(9)};
    if (height.value == 0) return out;
    out.commit = Commit{{Fork{}, height, {}}, block_at(height)};
    for (const std::uint8_t number : voters) out.commit->votes.push_back({node_of(number), {}});
    std::ranges::sort(out.commit->votes, {}, &CommitVote::validator);
    return out;
  }
  void run(const BlockContext& block) {
    auto done = execute(tree.rows, tree.root, block, {});
    REQUIRE(done.ok());
    take(done.value().tree);
    height = block.height;
  }
  std::optional<EvidenceError> flaw_of(const std::vector<Evidence>& pieces) const {
    std::vector<base::Bytes> entries;
    for (const Evidence& one : pieces) entries.push_back(encode(one));
    StateView state = view();
    const auto now = state.validators(), later = state.next_validators();
    const auto judged = judge_evidence(entries, {height.next(), *now, *later, state.judged()}, id_of(genesis), by_key);
    return judged.ok() ? std::nullopt : std::optional(judged.error());
  }
  std::vector<base::Bytes> keys_of(StateKind kind) const {
    std::vector<base::Bytes> out;
    REQUIRE(each_leaf(tree.rows, tree.root, {}, [&](const Cell& leaf) {
              if (leaf.key.front() == static_cast<std::uint8_t>(kind))
                out.emplace_back(leaf.key.begin(), leaf.key.end());
              return true;
            }).ok());
    return out;
  }

  Genesis genesis = four_founders();
  Height height;
  TestTree tree;
};

const std::vector<std::uint8_t> kEveryone{1, 2, 3, 4};

}  // namespace

TEST_CASE("chain lists: evidence puts a validator out two heights later, and the state keeps its digest") {
  Blocks chain;
  for (int i = 0; i < 3; ++i) chain.run(chain.next(kEveryone));
  const Evidence lie = chain.lie_of(2, {2});
  CHECK(chain.flaw_of({lie}) == std::nullopt);
  BlockContext block = chain.next(kEveryone);
  block.evidence = {lie};
  chain.run(block);
  StateView view = chain.view();
  CHECK(view.evidence_of(node_of(2)) == Judged{{4}, crypto::sha256(encode(lie))});
  CHECK(view.evidence_of(node_of(1)) == std::nullopt);
  CHECK(view.judged() == std::set{node_of(2)});
  CHECK(view.validators()->index_of(node_of(2)).has_value());             // of height 5
  CHECK_FALSE(view.next_validators()->index_of(node_of(2)).has_value());  // of height 6

  // Any evidence against it is none any more: neither this one nor another, as long as it votes nor later.
  CHECK(chain.flaw_of({lie}) == EvidenceError::judged);
  CHECK(chain.flaw_of({chain.lie_of(2, {3})}) == EvidenceError::judged);
  chain.run(chain.next(kEveryone));
  CHECK_FALSE(chain.view().validators()->index_of(node_of(2)).has_value());
  CHECK(chain.view().judged().empty());
  CHECK(chain.flaw_of({lie}) == EvidenceError::stranger);
  CHECK(chain.view().evidence_of(node_of(2))->height == Height{4});
}

TEST_CASE("chain lists: the last validator stays, and its evidence counts once") {
  Blocks chain;
  chain.run(chain.next({}));
  BlockContext block = chain.next(kEveryone);
  for (const std::uint8_t number : kEveryone) block.evidence.push_back(chain.lie_of(number, {1}));
  std::ranges::sort(block.evidence, {}, accused);
  CHECK(chain.flaw_of(block.evidence) == std::nullopt);
  chain.run(block);
  CHECK(chain.keys_of(StateKind::evidence).size() == 4);
  chain.run(chain.next(kEveryone));
  for (int i = 0; i < 3; ++i) {
    const auto set = chain.view().validators();
    REQUIRE(set->size() == 1);
    CHECK(set->at(0).id == node_of(4));  // that with most power
    CHECK(chain.view().judged() == std::set{node_of(4)});
    CHECK(chain.flaw_of({chain.lie_of(4, {2})}) == EvidenceError::judged);
    CHECK(chain.flaw_of({chain.lie_of(3, {2})}) == EvidenceError::stranger);
    chain.run(chain.next({4}));
  }
}

TEST_CASE("chain lists: out and evidence together put all of them out") {
  Blocks chain;
  BlockContext block = chain.next({});
  block.out = {node_of(1)};
  block.evidence = {chain.lie_of(3, {1})};
  chain.run(block);
  CHECK(*chain.view().next_validators() == validators_of(chain.genesis).without(std::vector{node_of(1), node_of(3)}));
  CHECK(chain.view().evidence_of(node_of(1)) == std::nullopt);
}

TEST_CASE("chain lists: the state keeps the presence, and past validators as long as a height names them") {
  Blocks chain;
  Presence expected = presence_of(validators_of(chain.genesis));
  CHECK(chain.view().presence() == expected);
  const ValidatorSet all = validators_of(chain.genesis);
  const ValidatorSet two = all.without(std::vector{node_of(1), node_of(2)});
  const ValidatorSet one = two.without(std::vector{node_of(3)});
  for (std::uint64_t height = 1; height <= 30; ++height) {
    const auto now = *chain.view().validators();
    BlockContext block = chain.next(height % 3 == 0 ? std::vector<std::uint8_t>{3, 4} : kEveryone);
    if (height == 4) block.out = {node_of(1), node_of(2)};
    if (height == 9) block.evidence = {chain.lie_of(3, {7})};
    if (height == 8) block.late = {chain.by(1, chain.vote_at({2}))};
    if (height == 15) block.late = {chain.by(2, chain.vote_at({5}))};
    expected = after(std::move(expected), {block.height, block.id, now, block.commit, block.late});
    chain.run(block);
    StateView view = chain.view();
    CHECK(view.presence() == expected);
    CHECK_FALSE(view.damage().has_value());
    // Blocks 1 to 5 are of all, 6 to 10 of two, and the rest of one. The leaf of the next height's set is another one.
    const auto next = *view.validators();
    std::vector<base::Bytes> past;
    if (height >= 5 && height <= 14) past.push_back(past_validators_key(hash_of(all)));
    if (height >= 10 && height <= 19) past.push_back(past_validators_key(hash_of(two)));
    CHECK(next == (height < 5 ? all : height < 10 ? two : one));
    auto kept = chain.keys_of(StateKind::past_validators);
    std::ranges::sort(kept);
    std::ranges::sort(past);
    CHECK(kept == past);
  }
  CHECK(expected.absences == std::vector<Absence>{{node_of(4), Height{1}, 0}});
  CHECK(expected.counted(expected.absences.front()) == 20);
}

TEST_CASE("chain lists: misses of a block are those that its commit and late precommits leave") {
  Blocks chain;
  for (int i = 0; i < 10; ++i) chain.run(chain.next({1, 3, 4}));  // 1 to 9 without 2
  BlockContext block = chain.next(kEveryone);
  SUBCASE("none is late") {
    chain.run(block);
    CHECK(chain.view().presence()->absence_of(node_of(2))->missed == 1);
  }
  SUBCASE("the oldest is repaired") {
    const auto presence = chain.view().presence();
    const auto entries = late_for({chain.by(2, chain.vote_at({1}))}, *presence, Fork{}, kBlockBytesMin);
    const auto judged = judge_late(entries, *presence, id_of(chain.genesis), Fork{}, by_key);
    REQUIRE(judged.ok());
    CHECK(judge_late(entries, *presence, ChainId{}, Fork{}, by_key).error() == LateError::bad_signature);
    block.late = judged.value();
    REQUIRE(block.late.size() == 1);
    chain.run(block);
    CHECK(chain.view().presence()->absence_of(node_of(2))->missed == 0);
  }
  CHECK(chain.view().presence()->absence_of(node_of(1))->missed == 0);
}

TEST_CASE("chain lists: what a block has in its lists decides its root, and the same lists give the same one") {
  Blocks one, two, other;
  for (Blocks* chain : {&one, &two, &other})
    for (int i = 0; i < 3; ++i) chain->run(chain->next({1, 3, 4}));
  BlockContext block = one.next(kEveryone);
  block.late = {one.by(2, one.vote_at({1}))};
  one.run(block);
  two.run(block);
  CHECK(one.tree.root == two.tree.root);
  SUBCASE("late") { block.late.clear(); }
  SUBCASE("commit") { block.commit->votes.pop_back(); }
  SUBCASE("evidence") { block.evidence = {one.lie_of(1, {2})}; }
  other.run(block);
  CHECK(one.tree.root.hash != other.tree.root.hash);
}

TEST_CASE("chain lists: a block's lists are read as they were written, or the block is none") {
  Blocks chain;
  for (int i = 0; i < 3; ++i) chain.run(chain.next(kEveryone));
  const BlockContext wanted = chain.next(kEveryone);
  Block block;
  block.header.height = wanted.height;
  block.header.time = wanted.time;
  CHECK(context_of(block, wanted.proposer)->commit == std::nullopt);
  block.commit = commit_entries(*wanted.commit);
  block.late = {encode(chain.by(2, chain.vote_at({1})))};
  block.evidence = {encode(chain.lie_of(1, {2}))};
  const auto context = context_of(block, wanted.proposer);
  REQUIRE(context.has_value());
  CHECK(context->id == id_of(block.header));
  CHECK(context->height == wanted.height);
  CHECK(context->time == wanted.time);
  CHECK(context->proposer == wanted.proposer);
  CHECK(context->commit == wanted.commit);
  CHECK(context->late == std::vector{chain.by(2, chain.vote_at({1}))});
  REQUIRE(context->evidence.size() == 1);
  CHECK(encode(context->evidence.front()) == block.evidence.front());
  for (auto list : {&Block::commit, &Block::late, &Block::evidence}) {
    Block wrong = block;
    (wrong.*list).back().push_back(0);
    CHECK_FALSE(context_of(wrong, wanted.proposer).has_value());
  }
}

TEST_CASE("chain lists: a state without its presence is damaged") {
  Blocks chain;
  for (int i = 0; i < 3; ++i) chain.run(chain.next(kEveryone));
  BlockContext block = chain.next(kEveryone);
  block.out = {node_of(1)};
  chain.run(block);
  chain.run(chain.next(kEveryone));
  const auto past = chain.keys_of(StateKind::past_validators);
  REQUIRE(past.size() == 1);
  for (const base::Bytes& key : {state_key(StateKind::presence), state_key(StateKind::absences), past.front()})
    for (const std::optional<base::Bytes>& value : {std::optional<base::Bytes>(), std::optional(base::Bytes{1})}) {
      Blocks other = chain;
      const auto made = update(other.tree.rows, other.tree.root, other.height.next(), {{key, value}});
      REQUIRE(made.ok());
      other.take(made.value());
      StateView view = other.view();
      CHECK(view.presence() == std::nullopt);
      CHECK(view.damage().has_value());
      other.height = other.height.next();
      BlockContext next = other.next(kEveryone);
      next.height = other.height;
      CHECK_FALSE(execute(other.tree.rows, other.tree.root, next, {}).ok());
    }
  Blocks other = chain;
  const auto made = update(other.tree.rows, other.tree.root, Height{6}, {{evidence_key(node_of(2)), base::Bytes{1}}});
  REQUIRE(made.ok());
  other.take(made.value());
  StateView view = other.view();
  CHECK(view.evidence_of(node_of(2)) == std::nullopt);
  CHECK(view.damage().has_value());
}
