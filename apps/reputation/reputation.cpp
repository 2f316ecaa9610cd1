// troupe reputation …: the table of its commands.
#include "apps/reputation/reputation.hpp"

#include "apps/wallet/typed.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kReputationNotes = R"(
what it does
  shows how this node rates other nodes, from their behaviour that it has seen: 0 to 100 points, 10 at first; the
  distance to 10 halves every 90 days
  --events lists the events behind the score of NODE
  --verify reads these events, checks each signature, and recomputes the score
exits
  1 with --verify if the score differs, or a signature is invalid
)";

constexpr const char* kReportNotes = R"(
events
  task_success 10, task_failure -5, task_timeout -10, malicious_behavior -50, health_milestone 2, uptime_milestone 5,
  community_contribution 15; others as in reputation.rules or --delta
what it does
  adds the event to this node's own ledger; other nodes do not use it
exits
  2 if no rule has that name; 4 if the registry knows no such node
)";

}  // namespace

Commands reputation_commands() {
  return {
      {.name = "reputation",
       .summary = "Show how this node rates other nodes",
       .options = {{.name = "--events", .help = "list the events behind the score"},
                   {.name = "--verify", .help = "recompute the score"}},
       .positionals = {{.name = "NODE",
                        .help = "id of the node (default all nodes with events)",
                        .arity = Arity::maybe}},
       .needs = Needs::view,
       .notes = kReputationNotes,
       .route = Route{.prints = {"List(ReputationRow)", "Reputation", "List(ReputationEvent)", "ReputationVerified"}},
       .run = reputation_show},
      {.name = "reputation report",
       .summary = "Report another node's behaviour to this node",
       .options = {{.name = "--delta",
                    .value = "N",
                    .help = "points, -100 to 100, for an event without a rule",
                    .number = true},
                   {.name = "--evidence", .value = "CID", .help = "content id of the proof"},
                   wallets::request_option()},
       .positionals = {{.name = "NODE", .help = "id of the node: 40 hexadecimal digits"},
                       {.name = "EVENT", .help = "name of the event, as below"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kReportNotes,
       .route = Route{.role = Role::user, .prints = {"ReputationReported"}},
       .run = reputation_report},
  };
}

}  // namespace troupe::apps
