// troupe reputation …: the table of its commands.
#include "apps/reputation/reputation.hpp"

#include "apps/wallet/typed.hpp"

namespace troupe::apps {
namespace {

constexpr const char* kReputationNotes = R"(
what it does
  shows what this node thinks of others, by what it has seen them do: 0 to 100 points, 10 at first, to which a score
  goes back by half in 90 days
  --events lists what the score of NODE follows from
  --verify reads these events, checks each signature, and computes the score again
exits
  1 with --verify if the score is another one, or a signature is bad
)";

constexpr const char* kReportNotes = R"(
events
  task_success 10, task_failure -5, task_timeout -10, malicious_behavior -50, health_milestone 2, uptime_milestone 5,
  community_contribution 15; others as reputation.rules or --delta say
what it does
  adds the event to this node's own book; other nodes do not take it over
exits
  2 if no rule has that name; 4 if the registry knows no such node
)";

}  // namespace

Commands reputation_commands() {
  return {
      {.name = "reputation",
       .summary = "Show what this node thinks of others",
       .options = {{.name = "--events", .help = "what the score follows from"},
                   {.name = "--verify", .help = "compute the score again"}},
       .positionals = {{.name = "NODE",
                        .help = "its id; all nodes with events if it is left out",
                        .arity = Arity::maybe}},
       .needs = Needs::view,
       .notes = kReputationNotes,
       .run = reputation_show},
      {.name = "reputation report",
       .summary = "Tell this node what another one did",
       .options = {{.name = "--delta", .value = "N", .help = "points, -100 to 100, of an event without a rule"},
                   {.name = "--evidence", .value = "CID", .help = "the content that proves it"},
                   wallets::request_option()},
       .positionals = {{.name = "NODE", .help = "its id: 40 hexadecimal digits"},
                       {.name = "EVENT", .help = "its name, as below"}},
       .needs = Needs::operate,
       .effect = Effect::write,
       .notes = kReportNotes,
       .run = reputation_report},
  };
}

}  // namespace troupe::apps
