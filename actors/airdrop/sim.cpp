#include "actors/airdrop/sim.hpp"

#include <algorithm>

#include "actors/airdrop/sim_workload.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::airdrop {
namespace {

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  // A minority may lose acknowledged data: enough members for that, if there are enough nodes.
  const std::int64_t least = 2 * shape.lost_data_max + 1;
  const std::int64_t members = std::clamp<std::int64_t>(least + 2 * draw.below(2), 1, std::min<int>(shape.nodes, 7));
  std::vector<sim::Operation> out;
  out.push_back({std::chrono::seconds(3), 0, "airdrop.found", {{"members", members}}});
  const std::size_t count = draw.count(10, 80);
  for (const base::Duration at : draw.moments(count)) {
    const std::uint16_t node = draw.node();
    const std::int64_t dice = draw.below(100), party = draw.below(kSimParties);
    if (dice < 20)
      out.push_back({at,
                     node,
                     "airdrop.drop",
                     {{"owner", party}, {"plan", draw.below(kSimDropPlans)}, {"recipients", 1 + draw.below(300)}}});
    else if (dice < 50)
      out.push_back({at,
                     node,
                     "airdrop.vote",
                     {{"by", draw.below(kSimSigners)},
                      {"amount", 1 + draw.below(kSimAmountMax)},
                      {"plan", draw.below(kSimVotePlans)}}});
    else out.push_back({at, node, "airdrop.push", {}});
  }
  return out;
}

/// Returns the signers in the form of the node's setting.
const std::string& signers() {
  static const std::string text = [] {
    std::string out;
    for (std::size_t i = 0; i < static_cast<std::size_t>(kSimSigners); ++i)
      out += (i > 0 ? "," : "") + wallet::text(sim_party(i));
    return out;
  }();
  return text;
}

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::WorkloadSpec spec{
      .name = "airdrop",
      .operations =
          {
              {"found", "an operator makes the first nodes a group, which keeps the book", {{"members", 1, 7}}},
              {"drop",
               "a party promises a pool to a list; the plan says how it ends",
               {{"owner", 0, kSimParties - 1}, {"plan", 0, kSimDropPlans - 1}, {"recipients", 1, 300}}},
              {"vote",
               "a signer of the fund proposes a payment; the plan says who signs it",
               {{"by", 0, kSimSigners - 1}, {"amount", 1, kSimAmountMax}, {"plan", 0, kSimVotePlans - 1}}},
              {"push", "parties continue their pending requests", {}},
          },
      .knobs =
          {
              {"ledger.book", {"group:world"}, true},
              {"raft.clients", {"any"}, true},
              {"airdrop.objections", {"10s", "30s"}, true},
              {"escrow.grace", {"2s", "5s"}, true},
              {"fund.signers", {signers()}, true},
              {"fund.threshold", {"2"}, true},
              {"fund.daily_cap", {"150"}, true},
              {"raft.snapshot_after", {"16", "100"}},
              {"raft.election", {"2s", "4s"}, true},
              {"raft.heartbeat", {"300ms", "600ms"}, true},
          },
      .invariants =
          {
              {"book", "each account has the balance that its postings give, and the book's hash chain is complete"},
              {"known", "acknowledged airdrops and proposals are known"},
              {"paid", "an airdrop that has ended has paid each share once"},
              {"struck", "a recipient whose strike was acknowledged gets nothing"},
              {"voted", "the fund pays each proposal with enough signatures once, and nothing else"},
              {"cap", "the fund approves no more in a day than its cap"},
          },
      .mutants =
          {
              {"airdrop.assumes_posted", "a payment counts as paid once it was sent"},
              {"fund.one_short", "one signature fewer than the threshold is enough"},
              {"fund.counts_no_day", "the sum approved on a day is not counted"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<AirdropWorkload>,
  };
  return spec;
}

}  // namespace troupe::airdrop
