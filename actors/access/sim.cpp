#include "actors/access/sim.hpp"

#include "actors/access/sim_workload.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::access {
namespace {

constexpr std::uint16_t kNodes = 3;  // our choice: few nodes, so that each has many changes

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  std::vector<sim::Operation> out;
  for (std::size_t i = 0, count = draw.count(40, 500); i < count; ++i) {
    const base::Duration at = draw.moment();
    const auto node = static_cast<std::uint16_t>(draw.node() % kNodes);
    const std::int64_t dice = draw.below(100), key = draw.below(kSimKeys);
    const std::int64_t kind = draw.below(kSimKinds), thing = draw.below(kSimThings);
    if (dice < 20) out.push_back({at, node, "access.make", {{"key", key}}});
    else if (dice < 25) out.push_back({at, node, "access.revoke", {{"key", key}}});
    else if (dice < 35)
      out.push_back(
          {at, node, "access.grant", {{"key", key}, {"pattern", draw.below(kSimPatterns)}, {"access", draw.below(3)}}});
    else if (dice < 65)
      out.push_back(
          {at, node, "access.claim", {{"key", key}, {"kind", kind}, {"thing", thing}, {"node", draw.below(2)}}});
    else if (dice < 72) out.push_back({at, node, "access.release", {{"kind", kind}, {"thing", thing}}});
    else if (dice < 90)
      out.push_back({at,
                     node,
                     "access.begin",
                     {{"key", key}, {"request", draw.below(kSimRequests)}, {"content", draw.below(2)}}});
    else out.push_back({at, node, "access.read", {}});
  }
  return out;
}

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::NumberSpec key{"key", 0, kSimKeys - 1}, kind{"kind", 0, kSimKinds - 1},
      thing{"thing", 0, kSimThings - 1};
  static const sim::WorkloadSpec spec{
      .name = "access",
      .operations =
          {
              {"make", "an operator makes a key of the HTTP API", {key}},
              {"revoke", "an operator revokes a key", {key}},
              {"grant",
               "an operator lets a key use a path: 0 not, 1 to read, 2 to write",
               {key, {"pattern", 0, kSimPatterns - 1}, {"access", 0, 2}}},
              {"claim",
               "a key becomes the owner of a thing, perhaps together with the node",
               {key, kind, thing, {"node", 0, 1}}},
              {"release", "a thing is removed", {kind, thing}},
              {"begin",
               "a caller begins a request with an idempotency key",
               {key, {"request", 0, kSimRequests - 1}, {"content", 0, 1}}},
              {"read", "an operator lists the keys and what belongs to them"},
          },
      .invariants =
          {
              {"exists", "an acknowledged key exists, with its grants, until it is revoked"},
              {"same", "the same secret is always the same key"},
              {"revoked", "once a key is revoked, all its later requests are refused, and no list has it"},
              {"watched", "without faults, a watcher learns of a revoked key within two seconds"},
              {"one-owner", "a thing other than a file or content never belongs to two keys"},
              {"kept", "an acknowledged claim holds until the thing is released"},
              {"once", "a request that was begun with other content is a conflict; with the same content it is not"},
          },
      .mutants =
          {
              {"access.revoked_in_memory", "a revoked key comes back with the next start"},
              {"access.two_owners", "a second key may claim a thing that already has an owner"},
              {"access.unwatched", "watchers are not notified of revoked keys"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<AccessWorkload>,
  };
  return spec;
}

}  // namespace troupe::access
