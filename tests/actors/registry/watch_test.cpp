#include "actors/registry/logic/watch.hpp"

#include <doctest/doctest.h>

#include "tests/actors/registry/nodes.hpp"

using namespace troupe;
using namespace troupe::registry;

namespace {

constexpr base::Duration kPeriod = 60s;

struct TestWatch {
  explicit TestWatch(std::size_t nodes_max = 100) : watched({.period = kPeriod, .nodes_max = nodes_max}) {}
  Watched watched;
  base::Instant now = kBegin;
  base::WallTime wall = kBeginWall;

  void pass(base::Duration time) {
    now = now + time;
    wall = wall + time;
  }
  std::uint64_t ms() const { return static_cast<std::uint64_t>(wall.since_origin() / 1ms); }
  base::User<base::NodeId> user(const TestNode& node) const {
    base::AddressGroup group;
    group.prefix[0] = node.id().bytes[0];
    return {.id = node.id(), .group = group};
  }
  /// Why it was refused; nothing if it was taken, or is the last one.
  std::optional<Watched::Refusal> beat(const TestNode& node, Watched::Way way = Watched::Way::told,
                                       std::uint32_t load = 100) {
    return beat(node, node.beat(ms(), load), way);
  }
  std::optional<Watched::Refusal> beat(const TestNode& node, const Heartbeat& said,
                                       Watched::Way way = Watched::Way::told) {
    const auto look = watched.look(node.id(), said, way, now, wall);
    if (look.refused || look.again) return look.refused;
    if (watched.take(user(node), said, sign(said, node.identity->key()), way, now) == nullptr)
      return Watched::Refusal::full;
    return std::nullopt;
  }
  void enter(const TestNode& node) {
    REQUIRE_FALSE(beat(node));
    REQUIRE(watched.take(user(node), node.registration(), node.signed_registration(), now));
  }
  Status status(const TestNode& node) const { return watched.status(*watched.find(node.id()), now); }
};

}  // namespace

TEST_CASE("registry watch: a site has one of a node's watchers, as long as others are near to it") {
  const auto site = [](std::uint8_t number) {
    base::AddressGroup out;
    out.prefix[0] = number;
    return out;
  };
  const std::vector<base::AddressGroup> near{site(1), site(1), site(1), site(2), site(2), site(3), site(4), site(5)};
  CHECK(choose_watchers(near) == std::vector<std::size_t>{0, 3, 5, 6, 7});
  CHECK(choose_watchers(std::span(near).first(6)) == std::vector<std::size_t>{0, 3, 5, 1, 2});
  CHECK(choose_watchers(std::span(near).first(3)) == std::vector<std::size_t>{0, 1, 2});
  CHECK(choose_watchers({}).empty());
}

TEST_CASE("watch: more than one heartbeat a period is refused, less a tenth") {
  const TestNode node(1);
  TestWatch it;
  REQUIRE_FALSE(it.beat(node));
  it.pass(kPeriod - kPeriod / 10 - 1ms);
  CHECK(it.beat(node) == Watched::Refusal::early);
  it.pass(1ms);
  CHECK_FALSE(it.beat(node));
}

TEST_CASE("watch: a heartbeat that was asked for is not early, and keeps the next one from nothing") {
  const TestNode node(1);
  TestWatch it;
  REQUIRE_FALSE(it.beat(node));
  it.pass(1s);
  CHECK_FALSE(it.beat(node, Watched::Way::pulled));
  it.pass(kPeriod - 1s);
  CHECK_FALSE(it.beat(node));
}

TEST_CASE("watch: an old number is refused, the last one is no news") {
  const TestNode node(1);
  TestWatch it;
  const Heartbeat first = node.beat(it.ms());
  REQUIRE_FALSE(it.beat(node, first));
  it.pass(kPeriod);
  REQUIRE_FALSE(it.beat(node));
  CHECK(it.beat(node, first) == Watched::Refusal::old);
  const auto heard = it.watched.find(node.id())->heard;
  const Heartbeat last = it.watched.find(node.id())->beat;
  it.pass(kPeriod);
  CHECK_FALSE(it.beat(node, last));
  CHECK(it.watched.find(node.id())->heard == heard);  // said again by another one, maybe
}

TEST_CASE("watch: a heartbeat of another day is refused") {
  const TestNode node(1);
  TestWatch it;
  for (const std::int64_t off : {-600'001, 600'001}) {
    Heartbeat said = node.beat(it.ms());
    said.unix_ms = static_cast<std::uint64_t>(static_cast<std::int64_t>(said.unix_ms) + off);
    CHECK(it.beat(node, said) == Watched::Refusal::date);
  }
  Heartbeat far = node.beat(it.ms());
  for (const std::uint64_t when : {std::uint64_t{0}, std::uint64_t{1} << 63, UINT64_MAX}) {
    far.unix_ms = when;
    CHECK(it.beat(node, far) == Watched::Refusal::date);
  }
  far.unix_ms = it.ms() + 600'000;
  CHECK_FALSE(it.beat(node, far));
}

TEST_CASE("watch: three missed heartbeats are offline, one makes it healthy again") {
  const TestNode node(1);
  TestWatch it;
  it.enter(node);
  CHECK(it.status(node) == Status::healthy);
  it.pass(3 * kPeriod + kPeriod / 10);
  CHECK(it.status(node) == Status::healthy);
  it.pass(1ms);
  CHECK(it.status(node) == Status::offline);
  CHECK_FALSE(it.beat(node));
  CHECK(it.status(node) == Status::healthy);
  it.pass(kPeriod);
  CHECK_FALSE(it.beat(node, Watched::Way::told, 4'001));
  CHECK(it.status(node) == Status::unhealthy);
}

TEST_CASE("watch: a late node is asked once a period, a silent one less often, and forgotten after a week") {
  const TestNode node(1);
  TestWatch it;
  it.enter(node);
  CHECK(it.watched.due(it.now + kPeriod, 10).empty());
  std::size_t asked = 0;
  base::Duration silent{0};
  while (it.watched.size() > 0) {
    const base::Duration step = it.watched.due_at() - it.now;
    it.pass(step);
    silent += step;
    asked += it.watched.due(it.now, 10).size();
  }
  // It told nothing by itself for a day: another node watches it by now, or it is gone.
  CHECK(silent >= kStrangeAfter);
  CHECK(silent < kStrangeAfter + 11 * kPeriod);
  CHECK(asked > 24 * 6);
  CHECK(asked < 24 * 6 + 20);
  CHECK(it.watched.take_forgotten() == std::vector{node.id()});
  CHECK(it.watched.due_at() == base::Instant::max());
}

TEST_CASE("watch: with no place left the largest group makes room, and no group takes all") {
  TestWatch it(16);
  std::vector<TestNode> nodes;
  for (std::uint8_t i = 0; i < 40; ++i) nodes.emplace_back(static_cast<std::uint8_t>(i + 1));
  base::AddressGroup crowd;
  crowd.prefix[0] = 1;
  const auto enter = [&](const TestNode& node, const base::AddressGroup& group) {
    const Heartbeat said = node.beat(it.ms());
    return it.watched.take({.id = node.id(), .group = group}, said, node.signed_beat(it.ms()), Watched::Way::told,
                           it.now) != nullptr;
  };
  for (std::size_t i = 0; i < 20; ++i) enter(nodes[i], crowd);
  CHECK(it.watched.size() <= 9);
  // Others come, each from a group of its own.
  for (std::size_t i = 20; i < 30; ++i) {
    base::AddressGroup own;
    own.prefix[0] = static_cast<std::uint8_t>(100 + i);
    CHECK(enter(nodes[i], own));
  }
  CHECK(it.watched.size() <= 16);
  for (std::size_t i = 20; i < 30; ++i) CHECK(it.watched.find(nodes[i].id()) != nullptr);
  CHECK_FALSE(it.watched.take_forgotten().empty());
}

TEST_CASE("watch: an older registration takes no newer one's place") {
  const TestNode node(1);
  TestWatch it;
  REQUIRE_FALSE(it.beat(node));
  CHECK(it.watched.take(it.user(node), node.registration(5), node.signed_registration(5), it.now));
  CHECK_FALSE(it.watched.take(it.user(node), node.registration(5), node.signed_registration(5), it.now));
  CHECK_FALSE(it.watched.take(it.user(node), node.registration(4), node.signed_registration(4), it.now));
  CHECK(it.watched.take(it.user(node), node.registration(6), node.signed_registration(6), it.now));
}

TEST_CASE("watch: a walk goes by rising id through a part of the key space") {
  TestWatch it;
  std::vector<TestNode> nodes;
  for (std::uint8_t i = 0; i < 50; ++i) nodes.emplace_back(static_cast<std::uint8_t>(i + 1));
  for (const TestNode& node : nodes) it.enter(node);
  const base::NodeId prefix = nodes[7].id();
  for (const unsigned bits : {0u, 1u, 3u, 160u}) {
    std::vector<base::NodeId> seen;
    it.watched.walk(prefix, bits, std::nullopt, [&](const base::NodeId& id, const Watch&) {
      seen.push_back(id);
      return true;
    });
    CHECK(std::ranges::is_sorted(seen));
    const auto there =
        std::ranges::count_if(nodes, [&](const TestNode& one) { return shared_bits(one.id(), prefix) >= bits; });
    CHECK(seen.size() == static_cast<std::size_t>(there));
    if (seen.size() < 2) continue;
    std::vector<base::NodeId> rest;
    it.watched.walk(prefix, bits, seen[0], [&](const base::NodeId& id, const Watch&) {
      rest.push_back(id);
      return true;
    });
    CHECK(rest.size() == seen.size() - 1);
  }
}

TEST_CASE("watch: after a restart a node counts as heard, and its next heartbeat may come at once") {
  const TestNode node(1);
  TestWatch before;
  before.enter(node);
  TestWatch it;
  it.pass(24h);
  it.watched.restore(it.user(node), *before.watched.find(node.id()), it.now);
  CHECK(it.status(node) == Status::healthy);
  CHECK_FALSE(it.beat(node));
}

TEST_CASE("watch: a node without a registration is in no walk, and is forgotten after ten silent periods") {
  TestWatch it;
  const TestNode named(1), nameless(2);
  it.enter(named);
  REQUIRE_FALSE(it.beat(nameless));
  const auto walked = [&] {
    std::vector<base::NodeId> out;
    it.watched.walk({}, 0, std::nullopt, [&](const base::NodeId& id, const Watch&) {
      out.push_back(id);
      return true;
    });
    return out;
  };
  CHECK(walked() == std::vector{named.id()});
  const auto pass = [&](base::Duration time) {
    for (const base::Instant until = it.now + time; it.now < until;) {
      it.pass(std::min(it.watched.due_at(), until) - it.now);
      it.watched.due(it.now, 10);
    }
  };
  SUBCASE("its heartbeats keep it, and its registration lists it") {
    for (int i = 0; i < 20; ++i) {
      pass(kPeriod);
      REQUIRE_FALSE(it.beat(nameless));
    }
    REQUIRE(it.watched.take(it.user(nameless), nameless.registration(), nameless.signed_registration(), it.now));
    CHECK(walked().size() == 2);
    pass(12 * kPeriod);
    CHECK(walked().size() == 2);
  }
  SUBCASE("silence ends it, and not the other one") {
    pass(10 * kPeriod);
    CHECK(it.watched.size() == 2);
    pass(2 * kPeriod);
    CHECK(it.watched.size() == 1);
    CHECK(it.watched.take_forgotten() == std::vector{nameless.id()});
    CHECK(walked() == std::vector{named.id()});
  }
  SUBCASE("what is forgotten is walked no more") {
    pass(kStrangeAfter + 11 * kPeriod);
    CHECK(it.watched.size() == 0);
    CHECK(walked().empty());
  }
}

TEST_CASE("watch: the site of a node is the one from which it told its last heartbeat") {
  const TestNode node(1);
  TestWatch it;
  it.enter(node);
  const base::AddressGroup first = it.user(node).group;
  CHECK(it.watched.find(node.id())->site == first);
  const auto told_from = [&](const base::AddressGroup& group) {
    it.pass(kPeriod);
    const auto beat = node.beat(it.ms());
    REQUIRE(it.watched.take({.id = node.id(), .group = group}, beat, sign(beat, node.identity->key()),
                            Watched::Way::told, it.now));
    return it.watched.find(node.id())->site;
  };
  base::AddressGroup other;
  other.prefix[0] = 77;
  CHECK(told_from(other) == other);
  CHECK(told_from({}) == other);  // by an operator
  it.pass(2 * kPeriod);
  REQUIRE_FALSE(it.beat(node, Watched::Way::pulled));
  CHECK(it.watched.find(node.id())->site == other);
  TestWatch after_restart;
  after_restart.watched.restore({.id = node.id(), .group = other}, *it.watched.find(node.id()), it.now);
  CHECK(after_restart.watched.find(node.id())->site == other);
}
