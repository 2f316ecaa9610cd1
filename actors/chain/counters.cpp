#include "actors/chain/counters.hpp"

namespace troupe::chain {

observe::CounterTable table_of(const Counters& counters) {
  using observe::MetricType;
  return {
      {"troupe_chain_height", "Height of the latest final block.", MetricType::gauge, counters.height, "height"},
      {"troupe_chain_pending", "Transactions that wait here for a block.", MetricType::gauge, counters.pending,
       "pending"},
      {"troupe_chain_blocks_total", "Blocks that became final here.", MetricType::counter, counters.blocks, "blocks"},
      {.metric = "troupe_chain_block_seconds_total",
       .help = "Time from each of them to the next, by their own times.",
       .value = counters.block_ms,
       .unit = observe::CounterUnit::milliseconds},
      {"troupe_chain_transactions_total", "Transactions in them.", MetricType::counter, counters.transactions,
       "transactions"},
      {"troupe_chain_rounds_total", "Rounds beyond the first that they took.", MetricType::counter, counters.rounds,
       "rounds"},
      {"troupe_chain_missed_total", "Blocks whose commit lacks this node's vote.", MetricType::counter, counters.missed,
       "missed"},
      {"troupe_chain_synced_total", "Blocks that came whole from a neighbour.", MetricType::counter, counters.synced,
       "synced"},
      {"troupe_chain_received_total", "Transactions that neighbours have sent, each as often as it came.",
       MetricType::counter, counters.received, "received"},
      {"troupe_chain_refused_total", "Questions of other nodes that were refused because they had been given enough.",
       MetricType::counter, counters.refused, "refused"},
      {"troupe_chain_lies_total", "Messages of other nodes that no honest node sends.", MetricType::counter,
       counters.lies, "lies"},
  };
}

}  // namespace troupe::chain
