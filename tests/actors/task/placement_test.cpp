#include "actors/task/logic/placement.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/actors/task/orders.hpp"

using namespace troupe;
using namespace troupe::task;

namespace {

Candidate candidate(std::uint8_t number) {
  Candidate out;
  out.node.bytes[0] = number;
  out.owner.bytes[0] = number;
  out.group.prefix[0] = number;
  out.capabilities = {{"arch", "x86_64"},
                      {"cpu", std::uint64_t{4}},
                      {"disk", std::uint64_t{100} << 30},
                      {"memory", std::uint64_t{8} << 30},
                      {"tasks", "any"}};
  out.status = registry::Status::healthy;
  out.reputation = 10;
  return out;
}

std::optional<Lack> lack(const Candidate& node, const Order& order, const Policy& policy = {},
                         const Apart& apart = {}) {
  return lack_of(node, order, order.need.empty() ? registry::Need{} : *registry::need_typed(order.need), policy, apart);
}

}  // namespace

TEST_CASE("placement: what keeps a node from a task has a name") {
  const Order order = small_order();
  const Candidate good = candidate(1);
  CHECK_FALSE(lack(good, order));
  Candidate other = good;
  other.status = registry::Status::unhealthy;
  CHECK(lack(other, order) == Lack::health);
  other.status = registry::Status::offline;
  CHECK(lack(other, order) == Lack::online);
  Order large = order;
  large.limits.memory_bytes = std::uint64_t{9} << 30;
  CHECK(lack(good, large) == Lack::memory);
  large = order;
  large.limits.cpu.thousandths = 4'001;
  CHECK(lack(good, large) == Lack::cpu);
  large = order;
  large.limits.disk_bytes = std::uint64_t{101} << 30;
  CHECK(lack(good, large) == Lack::disk);
  large = order;
  large.need = "arch=aarch64";
  CHECK(lack(good, large) == Lack::need);
  large = order;
  large.hosts = {"a.org:443", "b.org:80"};
  CHECK(lack(good, large) == Lack::network);
  other = good;
  registry::put(other.capabilities, {"network", registry::Texts{"*.org:443", "c.org"}});
  CHECK(lack(other, large) == Lack::network);
  registry::put(other.capabilities, {"network", registry::Texts{"*.org:443", "b.org"}});
  CHECK_FALSE(lack(other, large));
  CHECK(lack(good, order, {.reputation_min = 11}) == Lack::reputation);
  CHECK(lack(good, order, {}, {.tried = {good.node}}) == Lack::tried);
  other = good;
  other.capabilities.pop_back();
  CHECK(lack(other, order) == Lack::tasks);
  registry::put(other.capabilities, {"tasks", registry::Texts{"listed", "aa"}});
  CHECK(lack(other, order, {.submitter = "bb"}) == Lack::accept);
  CHECK_FALSE(lack(other, order, {.submitter = "aa"}));
  CHECK(lack(good, order, {}, {.owners = {good.owner}}) == Lack::apart);
  CHECK(lack(good, order, {}, {.groups = {good.group}}) == Lack::apart);
}

TEST_CASE("placement: a price is for a core and an hour, rounded up, and no node works for less") {
  Order order = small_order();  // one core, one hour
  Candidate node = candidate(1);
  node.price = 7;
  CHECK(cost(node, order) == 7);
  CHECK(lack(node, order) == Lack::price);
  order.price_max = 6;
  CHECK(lack(node, order) == Lack::price);
  order.price_max = 7;
  // Both are paid by one book.
  CHECK(lack(node, order) == Lack::book);
  registry::put(node.capabilities, {"book", "b00c"});
  CHECK(lack(node, order) == Lack::book);
  CHECK(lack(node, order, {.book = "other"}) == Lack::book);
  CHECK_FALSE(lack(node, order, {.book = "b00c"}));
  order.limits.cpu.thousandths = 500;
  order.limits.time = std::chrono::minutes(1);
  CHECK(cost(node, order) == 1);
  // A worker gives others a tenth at least, and was paid for a hundredth.
  node.price = 7'000;
  order.limits.time = std::chrono::hours(1);
  order.limits.cpu.thousandths = 10;
  CHECK(cost(node, order) == 700);
  node.price = INT64_MAX;
  order.limits.cpu.thousandths = 500;
  order.limits.time = std::chrono::hours(1'000);
  CHECK(cost(node, order) == INT64_MAX);
  node.price.reset();
  CHECK_FALSE(cost(node, order));
}

TEST_CASE("placement: the best comes first, and equals are spread by the task") {
  std::vector<Candidate> nodes{candidate(1), candidate(2), candidate(3)};
  nodes[0].load = 1'500;
  nodes[1].reputation = 90;
  const Order order = small_order();
  const Choice choice = choose(nodes, order, id_of(order), {}, {}, 3);
  REQUIRE(choice.best.size() == 3);
  CHECK(choice.best[0]->node == nodes[1].node);
  CHECK(choice.best[2]->node == nodes[0].node);

  const std::vector<Candidate> equal{candidate(1), candidate(2), candidate(3), candidate(4)};
  std::set<base::NodeId> first;
  for (std::uint8_t i = 0; i < 64; ++i) {
    Order one = order;
    one.nonce.bytes[0] = i;
    first.insert(choose(equal, one, id_of(one), {}, {}, 1).best[0]->node);
    CHECK(choose(equal, one, id_of(one), {}, {}, 1).best == choose(equal, one, id_of(one), {}, {}, 1).best);
  }
  CHECK(first.size() == 4);
}

TEST_CASE("placement: nodes that did not take a task come last, from the site that was asked longest ago") {
  std::vector<Candidate> nodes{candidate(1), candidate(2), candidate(3)};
  nodes[1].group = nodes[0].group;
  nodes[0].reputation = nodes[1].reputation = 90;
  const Order order = small_order();
  Declined declined;
  const auto next = [&] {
    const Candidate& out = *choose(nodes, order, id_of(order), {}, {}, 1, declined).best.at(0);
    declined.add(out.node, out.group);
    return out.node.bytes[0];
  };
  const std::uint8_t first = next();
  CHECK(first != 3);
  CHECK(next() == 3);
  CHECK(next() == 3 - first);
  CHECK(next() == 3);
  CHECK(next() == first);
}

TEST_CASE("placement: as many nodes that did not take a task are known as may, and one more forgets the others") {
  Declined declined;
  const auto decline = [&](std::size_t number) {
    Candidate one;
    one.node.bytes[1] = static_cast<std::uint8_t>(number >> 8), one.node.bytes[2] = static_cast<std::uint8_t>(number);
    one.group.prefix[0] = 1;
    declined.add(one.node, one.group);
    return one;
  };
  const Candidate first = decline(0);
  for (std::size_t i = 1; i < Declined::kMax; ++i) decline(i);
  CHECK(declined.turn(first) == std::pair<std::uint64_t, std::uint64_t>(Declined::kMax, 1));
  const Candidate last = decline(Declined::kMax);
  CHECK(declined.turn(last) == std::pair<std::uint64_t, std::uint64_t>(1, 1));
  CHECK(declined.turn(first) == std::pair<std::uint64_t, std::uint64_t>(1, 0));
}

TEST_CASE("placement: replicas go to different owners and address groups") {
  std::vector<Candidate> nodes{candidate(1), candidate(2), candidate(3), candidate(4)};
  nodes[1].owner = nodes[0].owner;
  nodes[2].group = nodes[0].group;
  const Order order = small_order();
  const Choice choice = choose(nodes, order, id_of(order), {}, {}, 4);
  std::set<registry::Owner> owners;
  std::set<base::AddressGroup> groups;
  for (const Candidate* one : choice.best) {
    CHECK(owners.insert(one->owner).second);
    CHECK(groups.insert(one->group).second);
  }
  CHECK(choice.best.size() >= 2);
  CHECK(choice.best.size() + choice.lacks[static_cast<std::size_t>(Lack::apart)] == 4);
}

TEST_CASE("placement: why no node fits is told in numbers") {
  std::vector<Candidate> nodes{candidate(1), candidate(2), candidate(3)};
  nodes[0].status = registry::Status::offline;
  nodes[1].price = 9;
  nodes[2].price = 9;
  const Order order = small_order();
  const Choice choice = choose(nodes, order, id_of(order), {}, {}, 1);
  CHECK(choice.best.empty());
  CHECK(choice.fit == 0);
  CHECK(choice.why() == "1 are offline, 2 are too expensive");
  CHECK_FALSE(choice.possible());
  nodes[0].status = registry::Status::unhealthy;
  const Choice later = choose(nodes, order, id_of(order), {}, {}, 1);
  CHECK(later.best.empty());
  CHECK(later.possible());
  CHECK(later.why() == "2 are too expensive, 1 are not healthy");
  // What is not verified is waited for, where that is asked for.
  const Choice unverified = choose(nodes, order, id_of(order), {.require_verified = true}, {}, 1);
  CHECK(unverified.best.empty());
  CHECK(unverified.possible());
  CHECK(unverified.why() == "2 are too expensive, 1 are not verified");
  nodes[0].status = registry::Status::healthy;
  nodes[0].verified = true;
  CHECK(choose(nodes, order, id_of(order), {.require_verified = true}, {}, 1).best.size() == 1);
  CHECK(choose(std::span<const Candidate>(), order, id_of(order), {}, {}, 1).why() == "");
}

TEST_CASE("placement: what no order can be given now is left out once, and counted for each") {
  const Policy policy{.require_verified = true};
  std::vector<Candidate> nodes(6, candidate(1));
  for (std::uint8_t i = 0; i < 6; ++i) nodes[i].node.bytes[0] = i, nodes[i].verified = true;
  nodes[0].status = registry::Status::offline;
  nodes[1].capabilities.pop_back();
  nodes[2].verified = false;
  nodes[2].price = 1'000'000;  // which depends on the order
  nodes[3].status = registry::Status::unhealthy;
  nodes[4].price = 1'000'000;
  Free free;
  CHECK(free.empty());
  for (Candidate& node : nodes) free.add(node, policy);
  CHECK(free.nodes == std::vector{&nodes[4], &nodes[5]});
  const Order order = small_order();
  const Choice choice = choose(free, order, id_of(order), policy, {}, 1);
  CHECK(choice.best == std::vector<const Candidate*>{&nodes[5]});
  CHECK(choice.why() == "1 are offline, 1 are too expensive, 1 take no tasks, 1 are not verified, 1 are not healthy");
  free.nodes.clear();
  CHECK_FALSE(free.empty());  // there is something to tell
}
