// troupe bench chain
#include "apps/bench/command.hpp"

#include "apps/chain/bench/figures.hpp"
#include "runtime/base/text.hpp"

namespace troupe::apps {
namespace {

constexpr std::uint64_t kValidatorsDefault = 4;

Ending run_chain(const Invocation& invocation, Console& console) {
  const auto span = bench::span_of(invocation);
  if (!span.ok()) return span.error();
  bench::ChainPlan plan{.validators = invocation.number("--validators").value_or(kValidatorsDefault),
                        .span = span.value(),
                        .only = invocation.text("--only").value_or("")};
  plan.nodes = invocation.number("--nodes").value_or(plan.validators);
  if (plan.nodes < plan.validators)
    return usage_failure("--nodes includes the validators: it must be at least --validators",
                         "troupe help bench chain");
  if (const std::string name = plan.unknown(); !name.empty())
    return usage_failure(
        '"' + base::shortened(name, 40) + "\" is not a figure of these nodes; figures for " +
            "up to 4 nodes: chain.verify, chain.transfer, chain.sync, chain.final, chain.pause with 4 validators, and "
            "chain.execute; for more: chain.verify, chain.transfer, chain.final and chain.gossip",
        "troupe help bench chain");
  os::Waker waker{SIGINT, SIGTERM};
  const auto folder = bench::ScratchFolder::make(invocation.text("--dir").value_or(""));
  if (!folder.ok()) return folder.error();
  if (plan.in_one_process()) {
    bench::Runner runner(waker, *folder.value(), {});
    return bench::print(invocation, console, bench::measure_chain_inside(runner, plan));
  }
  auto nodes = bench::ChainNodes::start(invocation.table(), *folder.value(), plan);
  if (!nodes.ok()) return nodes.error();
  bench::Runner runner(waker, *folder.value(), {});
  return bench::print(invocation, console, bench::measure_chain(waker, runner, nodes.value(), plan));
}

}  // namespace

Commands chain_bench_commands() {
  return {
      {.name = "bench chain",
       .summary = "Measure a ledger with validators on loopback, and a node with a million accounts, with synced disks",
       .options = {number_option("--validators", "V",
                                 "number of validators; up to 4 nodes are separate processes (default 4)", 1,
                                 bench::ChainPlan::kNodesMax),
                   number_option("--nodes", "N",
                                 "number of nodes; more than 4 share one process (default the validators)", 1,
                                 bench::ChainPlan::kNodesMax),
                   bench::seconds_option(), bench::only_option(), bench::dir_option()},
       .run = run_chain}};
}

}  // namespace troupe::apps
