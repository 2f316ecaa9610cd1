#include "actors/escrow/sim.hpp"

#include <algorithm>

#include "actors/escrow/sim_workload.hpp"
#include "runtime/sim/draw.hpp"

namespace troupe::escrow {
namespace {

std::vector<sim::Operation> draw_operations(base::Random& random, const sim::Shape& shape) {
  sim::Draw draw(random, shape);
  // A minority may lose acknowledged data: enough members for that, if there are enough nodes.
  const std::int64_t least = 2 * shape.lost_data_max + 1;
  const std::int64_t members = std::clamp<std::int64_t>(least + 2 * draw.below(2), 1, std::min<int>(shape.nodes, 7));
  std::vector<sim::Operation> out;
  out.push_back({std::chrono::seconds(3), 0, "escrow.found", {{"members", members}}});
  const std::size_t count = draw.count(10, 120);
  for (const base::Duration at : draw.moments(count)) {
    const std::uint16_t node = draw.node();
    const std::int64_t dice = draw.below(100);
    const std::int64_t from = draw.below(kSimParties), to = draw.below(kSimParties);
    if (dice < 8) out.push_back({at, node, "escrow.job", {{"buyer", from}, {"plan", draw.below(kSimJobPlans)}}});
    else if (dice < 30)
      out.push_back({at, node, "escrow.trade", {{"buyer", from}, {"provider", to}, {"plan", draw.below(kSimPlans)}}});
    else if (dice < 45) out.push_back({at, node, "escrow.send", {{"from", from}, {"to", to}}});
    else if (dice < 55) out.push_back({at, node, "escrow.replay", {}});
    else out.push_back({at, node, "escrow.push", {}});
  }
  return out;
}

}  // namespace

const sim::WorkloadSpec& workload() {
  static const sim::WorkloadSpec spec{
      .name = "escrow",
      .operations =
          {
              {"found", "an operator makes the first nodes a group, which keeps the book", {{"members", 1, 7}}},
              {"trade",
               "two parties begin an escrow; the plan says what each of them does",
               {{"buyer", 0, kSimParties - 1}, {"provider", 0, kSimParties - 1}, {"plan", 0, kSimPlans - 1}}},
              {"job",
               "a party engages three others for a task; the plan says what they do",
               {{"buyer", 0, kSimParties - 1}, {"plan", 0, kSimJobPlans - 1}}},
              {"send",
               "money is sent from one account to another",
               {{"from", 0, kSimParties - 1}, {"to", 0, kSimParties - 1}}},
              {"replay", "acts that were signed earlier are sent again", {}},
              {"push", "parties continue their pending requests", {}},
          },
      .knobs =
          {
              {"ledger.book", {"group:world"}, true},
              {"raft.clients", {"any"}, true},
              {"escrow.sign_by", {"40s"}, true},
              {"escrow.fund_by", {"40s"}, true},
              {"escrow.start_by", {"40s"}, true},
              {"escrow.deliver_by", {"40s"}, true},
              {"escrow.review", {"40s"}, true},
              {"escrow.mediation", {"20s"}, true},
              {"escrow.arbiter_term", {"20s"}, true},
              {"escrow.grace", {"2s", "5s"}, true},
              {"escrow.rate_per_account", {"100000"}, true},
              {"escrow.snapshot_after", {"1", "4", "256"}, true},
              {"raft.snapshot_after", {"16", "100"}},
              {"raft.election", {"2s", "4s"}, true},
              {"raft.heartbeat", {"300ms", "600ms"}, true},
          },
      .invariants =
          {
              {"book", "each account has the balance that its postings give, and the book's hash chain is complete"},
              {"posted", "each acknowledged posting is in the book"},
              {"log", "the log of an escrow is complete, and has all acknowledged entries"},
              {"paid", "an escrow that is over and confirmed has paid out all money that it received, once"},
              {"replayed", "an act that was signed earlier takes effect only once"},
              {"unrequested", "the book takes no payment to an escrow except its deposits"},
          },
      .mutants =
          {
              {"escrow.answers_before_commit", "an act is acknowledged before it is durable"},
              {"escrow.counts_twice", "a credit that is reported twice is counted twice"},
              {"escrow.task_forgets_to_send",
               "transfers that an escrow of a task has not sent before a restart are never sent"},
              {"escrow.task_deposit_assumed", "a deposit counts before the ledger has accepted it"},
              {"escrow.snapshot_without_outbox", "payments that a snapshot owes are not made after a restart"},
              {"durable.old_term", "a former leader continues in its old term, and its decisions count"},
              {"wallet.posts_again", "a repeated transfer is posted again"},
          },
      .draw = draw_operations,
      .make = sim::make_workload<EscrowWorkload>,
  };
  return spec;
}

}  // namespace troupe::escrow
