#include "actors/peers/sim.hpp"

#include <algorithm>

#include "actors/peers/sim_workload.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::peers {
namespace {

constexpr std::uint64_t kOperationsPerMinuteMax = 40;  // at load 100; our choice: operators are slow

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  const std::uint64_t count = std::clamp<std::uint64_t>(
      kOperationsPerMinuteMax * std::min(shape.load, 100u) * draw.seconds() / 6000, 1, sim::kOperationsMax / 4);
  std::vector<sim::Operation> out;
  for (std::uint64_t i = 0; i < count; ++i) {
    const base::Duration at = draw.moment();
    const std::uint16_t node = draw.node();
    const std::int64_t to = draw.node();
    const std::int64_t dice = draw.below(10);
    if (dice < 6) out.push_back({at, node, "peers.list", {}});
    else out.push_back({at, node, dice < 8 ? "peers.connect" : dice < 9 ? "peers.join" : "peers.drop", {{"to", to}}});
  }
  return out;
}

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::NumberSpec to{"to", 0, sim::kNodesMax - 1, true};
  static const sim::WorkloadSpec spec{
      .name = "peers",
      .operations =
          {
              {"connect", "an operator connects to a node by its id and address", {to}},
              {"join", "an operator connects to the node at an address", {to}},
              {"drop", "an operator ends the link to a node", {to}},
              {"list", "an operator lists the peers of a node"},
          },
      .knobs =
          {
              {"peers.links_target", {"2", "4"}},
              {"peers.health_period", {"2s", "10s"}},
              {"peers.exchange_period", {"5s", "30s"}},
              {"peers.rejoin_period", {"5s", "60s"}},
              {"peers.known_max", {"16", "64"}},
              {"net.handshake_timeout", {"4s", "20s"}},
              {"net.links_per_address_max", {"8"}},
          },
      .invariants =
          {
              {"strangers", "no node knows or links an id that no machine ever had, nor itself"},
              {"answered", "a link that was requested to an id leads to that id"},
              {"held-off", "a peer that was dropped is not linked for ten minutes"},
              {"remembered", "a peer that worked and was saved is known from then on, also after a restart"},
              {"honest", "no node is banned in a run without malicious nodes, whatever fails"},
              {"book", "no more peers are known than the setting allows"},
          },
      .sometimes =
          {
              {"peers: a dial failed and is tried later", "a known peer did not answer"},
              {"peers: a silent link was dropped", "three pings in a row were missed"},
              {"peers: an unwelcome link was dropped", "a peer that an operator had dropped came back", true},
              {"peers: rows waited for the store", "a commit of known peers failed"},
          },
      .mutants =
          {
              {"peers.rows_unsaved", "known peers are never stored"},
              {"peers.dropped_is_welcome", "a peer that an operator dropped may come back at once"},
              {"peers.failed_dial_not_repeated", "a known peer that failed once is never dialled again"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<PeersWorkload>,
  };
  return spec;
}

}  // namespace troupe::peers
