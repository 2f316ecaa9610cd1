// Searches through whole networks: exact, short, cheap, and hard to mislead.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/actors/dht/network.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

struct Figures {
  std::size_t rounds = 0;
  std::size_t exact = 0;         // find_node gave just the true nearest
  std::size_t true_nearest = 0;  // of all nodes that find_node should have given: those that it gave
  std::size_t should = 0;
  std::size_t found = 0;
  std::size_t node_requests = 0, node_hops = 0;
  std::size_t put_requests = 0;
  std::size_t get_requests = 0, get_hops = 0;
  std::size_t newest_requests = 0;
  std::size_t miss_requests = 0;

  std::size_t percent(std::size_t part, std::size_t whole) const { return 100 * part / whole; }
};

LookupQuestion newest_of(const Key& key, std::size_t copies) {
  LookupQuestion out;
  out.target = key;
  out.kind = LookupKind::find_value;
  out.nearest = copies;
  out.finality = Finality::newest;
  return out;
}

Figures measure(Network& network, std::size_t copies, std::size_t rounds) {
  Figures out;
  out.rounds = rounds;
  for (std::size_t round = 0; round < rounds; ++round) {
    const Key key = network.draw_key();
    const std::size_t node = network.draw_node();
    const Run nodes = network.search(node, key, LookupKind::find_node, copies);
    const auto nearest = network.truly_nearest(key, copies, node);
    out.exact += nodes.outcome.nearest == nearest ? 1 : 0;
    out.should += nearest.size();
    for (const Contact& one : nearest) {
      const auto& given = nodes.outcome.nearest;
      out.true_nearest += std::ranges::count(given, one) > 0 ? 1 : 0;
    }
    out.node_requests += nodes.requests;
    out.node_hops += nodes.outcome.hops;
    out.put_requests += network.put(network.draw_node(), key, copies);
    const Run get = network.search(network.draw_node(), key, LookupKind::find_value, copies);
    out.found += get.outcome.ending == Ending::found ? 1 : 0;
    out.get_requests += get.requests;
    out.get_hops += get.outcome.hops;
    out.newest_requests += network.search(network.draw_node(), newest_of(key, copies)).requests;
    const Key nowhere = network.draw_key();
    out.miss_requests += network.search(network.draw_node(), nowhere, LookupKind::find_value, copies).requests;
  }
  return out;
}

/// "3.07" of a mean, without floating point.
std::string mean(std::size_t sum, std::size_t count) {
  const std::size_t hundredths = 100 * sum / count;
  const std::string low = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + (low.size() < 2 ? ".0" : ".") + low;
}

void report(const std::string& what, const Figures& figures) {
  const auto per_round = [&](std::size_t sum) { return mean(sum, figures.rounds); };
  MESSAGE(what << ": find_node exact " << figures.percent(figures.exact, figures.rounds) << " %, "
               << per_round(figures.node_requests) << " requests, " << per_round(figures.node_hops) << " hops; put "
               << per_round(figures.put_requests) << " requests; get found "
               << figures.percent(figures.found, figures.rounds) << " %, " << per_round(figures.get_requests)
               << " requests, " << per_round(figures.get_hops) << " hops; of a changing value "
               << per_round(figures.newest_requests) << " requests; of nothing " << per_round(figures.miss_requests)
               << " requests");
}

}  // namespace

TEST_CASE("lookup network: at 64 nodes a get takes at most 12 requests, and a put finds the true holders") {
  for (const std::size_t copies : {8, 20}) {
    Network network{64, 1};
    const auto figures = measure(network, copies, 300);
    report(copies == 8 ? "64 nodes, 8 copies" : "64 nodes, 20 copies", figures);
    CHECK(figures.exact * 100 >= figures.rounds * 99);
    CHECK(figures.found == figures.rounds);
    CHECK(figures.get_requests <= 12 * figures.rounds);
    CHECK(figures.get_requests <= 2 * figures.rounds);  // what was reached, and a little
    CHECK(figures.newest_requests <= 4 * figures.rounds);
    CHECK(figures.put_requests <= (2 * copies + 1) * figures.rounds);
  }
}

TEST_CASE("lookup network: at 1,000 nodes") {
  Network network{1'000, 2};
  const auto figures = measure(network, kContactsMax, 300);
  report("1,000 nodes, 20 copies", figures);
  CHECK(figures.exact * 100 >= figures.rounds * 99);
  CHECK(figures.found == figures.rounds);
  CHECK(figures.get_requests <= 4 * figures.rounds);
  CHECK(figures.node_requests <= 24 * figures.rounds);
}

TEST_CASE("lookup network: at 10,000 nodes the mean is at most 3.5 hops") {
  Network network{troupe::test::rounds(10'000), 3};
  const auto figures = measure(network, kContactsMax, 100);
  report("10,000 nodes, 20 copies", figures);
  CHECK(figures.exact * 100 >= figures.rounds * 99);
  CHECK(figures.found == figures.rounds);
  CHECK(figures.node_hops * 2 <= figures.rounds * 7);
  CHECK(figures.get_hops * 2 <= figures.rounds * 7);
  CHECK(figures.node_requests <= 27 * figures.rounds);
}

TEST_CASE("lookup network: loss and dead contacts cost time and requests, not values") {
  Network network{1'000, 4, Faults{.loss_percent = 1, .dead_percent = 20, .liar_percent = 0}};
  const auto figures = measure(network, kContactsMax, 200);
  report("1,000 nodes, 1 % loss, 20 % dead", figures);
  CHECK(figures.true_nearest * 100 >= figures.should * 95);
  CHECK(figures.found * 1'000 >= figures.rounds * 999);
}

TEST_CASE("lookup network: with a fifth of liars values are still found") {
  for (const std::size_t copies : {8, 20}) {
    Network network{1'000, 5, Faults{.loss_percent = 0, .dead_percent = 0, .liar_percent = 20}};
    const auto figures = measure(network, copies, troupe::test::rounds(400, 100));
    report(copies == 8 ? "1,000 nodes, 20 % liars, 8 copies" : "1,000 nodes, 20 % liars, 20 copies", figures);
    CHECK(figures.found * 100 >= figures.rounds * 99);
    CHECK(figures.true_nearest * 100 >= figures.should * 99);
  }
  Network storm{1'000, 6, Faults{.loss_percent = 1, .dead_percent = 10, .liar_percent = 20}};
  const auto figures = measure(storm, kContactsMax, troupe::test::rounds(500, 100));
  report("1,000 nodes, 1 % loss, 10 % dead, 20 % liars", figures);
  CHECK(figures.found * 100 >= figures.rounds * 99);
}

TEST_CASE("lookup network: the same seed gives the same searches") {
  const auto trace = [] {
    Network network{200, 7, Faults{.loss_percent = 5, .dead_percent = 10, .liar_percent = 10}};
    std::vector<std::size_t> out;
    for (int i = 0; i < 50; ++i) {
      const Run run = network.search(network.draw_node(), network.draw_key(), LookupKind::find_node, 20);
      out.push_back(run.requests);
      out.push_back(static_cast<std::size_t>(run.took.count()));
    }
    return out;
  };
  CHECK(trace() == trace());
}
