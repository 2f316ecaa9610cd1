// The orders of the simulation of peers, without a world.
#include "actors/peers/sim.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace troupe::peers {
namespace {

using namespace std::chrono_literals;

TEST_CASE("peers sim: each order drawn is on the card, at a node and a moment of the world") {
  const auto domain = peers_domain();
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    base::Random random(seed);
    const sim::Shape shape{static_cast<std::uint16_t>(1 + seed), 60s, 0, 100};
    const auto orders = domain->draw(random, shape);
    CHECK(orders.size() == 40);
    for (const sim::Order& order : orders) {
      const auto card = std::ranges::find_if(domain->card().orders, [&](const sim::OrderCard& one) {
        return order.what == "peers." + std::string(one.name);
      });
      REQUIRE(card != domain->card().orders.end());
      CHECK(order.with.size() == card->with.size());
      CHECK(order.node < shape.nodes);
      CHECK(order.at < shape.time);
      if (!order.with.empty()) CHECK(order.with.at("to") < shape.nodes);
    }
  }
}

TEST_CASE("peers sim: the same seed draws the same orders, another one others") {
  const auto draw = [](std::uint64_t seed) {
    base::Random random(seed);
    return peers_domain()->draw(random, {5, 60s, 0, 50});
  };
  CHECK(draw(7) == draw(7));
  CHECK(draw(7) != draw(8));
}

}  // namespace
}  // namespace troupe::peers
