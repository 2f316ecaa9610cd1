#include "apps/commands.hpp"

namespace troupe::apps {

// Each file of commands has one such function: declare and list it here.
using CommandFile = Commands();
CommandFile airdrop_commands, bench_commands, chain_commands, config_commands, demo_commands, dht_commands,
    escrow_commands, file_commands, fund_commands, help_commands, inspect_commands, kv_commands, log_commands,
    node_commands, operator_commands, peers_commands, raft_commands, registry_commands, reputation_commands,
    sandbox_commands, sim_commands, status_commands, task_commands, trace_commands, version_commands, wallet_commands,
    watch_commands;

static constexpr CommandFile* kFiles[] = {
    node_commands,     status_commands,     peers_commands, dht_commands,     file_commands,    raft_commands,
    kv_commands,       wallet_commands,     chain_commands, escrow_commands,  fund_commands,    airdrop_commands,
    registry_commands, reputation_commands, task_commands,  inspect_commands, trace_commands,   log_commands,
    operator_commands, config_commands,     bench_commands, demo_commands,    sandbox_commands, sim_commands,
    watch_commands,    version_commands,    help_commands,
};

Commands commands() {
  Commands all;
  for (CommandFile* file : kFiles)
    for (auto& command : file()) all.push_back(std::move(command));
  return all;
}

}  // namespace troupe::apps
