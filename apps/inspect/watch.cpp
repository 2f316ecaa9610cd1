// troupe sim watch DOMAIN[,...]|FILE
#include "apps/inspect/screens/run_time.hpp"
#include "apps/sim/options.hpp"

namespace troupe::apps {
namespace {

Ending watch_world(const Invocation& invocation, Console& console, sim::WorkloadSpecs workloads) {
  if (invocation.globals.json)
    return usage_failure("the screens are for people; `troupe sim` prints a run as JSON", "troupe help sim");
  auto world = sim_command::world_of(invocation, workloads);
  if (!world.ok()) return world.error();
  return screens::run_time(console, {.scenario = std::move(world.value().scenario), .snapshots = {}}, workloads,
                           world.value().words);
}

}  // namespace

Commands watch_commands() {
  return {{.name = "sim watch",
           .summary = "Show one simulation run on the screens of `troupe inspect`, and move in its time",
           .options = sim_command::seed_options(),
           .positionals = {{.name = "DOMAIN[,DOMAIN...]|FILE", .help = "domains as for `sim`, or a scenario file"}},
           .notes = R"(
keys
  , . < > g $               one event or one second back or forward, to a time, to the failure or the end; ? shows all

examples
  troupe sim watch dht --nodes 60 --seed 8412
  troupe sim dht --seed 8412 --trace run-8412.trace; troupe inspect run-8412.trace
)",
           .run = sim_command::simulating(watch_world, all_workloads())}};
}

}  // namespace troupe::apps
