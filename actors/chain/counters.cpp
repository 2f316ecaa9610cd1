#include "actors/chain/counters.hpp"

namespace troupe::chain {

observe::CounterTable table_of(const Counters& counters) {
  using observe::MetricType;
  return {
      {"troupe_chain_height", "Height of the latest final block.", MetricType::gauge, counters.height, "height"},
      {"troupe_chain_pending", "Transactions that wait for a block.", MetricType::gauge, counters.pending, "pending"},
      {"troupe_chain_blocks_total", "Blocks that became final here.", MetricType::counter, counters.blocks, "blocks"},
      {.metric = "troupe_chain_block_seconds_total",
       .help = "Time between consecutive final blocks, by their own timestamps.",
       .value = counters.block_ms,
       .unit = observe::CounterUnit::milliseconds},
      {"troupe_chain_transactions_total", "Transactions in final blocks.", MetricType::counter, counters.transactions,
       "transactions"},
      {"troupe_chain_rounds_total", "Rounds that final blocks needed after their first round.", MetricType::counter,
       counters.rounds, "rounds"},
      {"troupe_chain_missed_total", "Blocks whose commit lacks this node's vote.", MetricType::counter, counters.missed,
       "missed"},
      {"troupe_chain_synced_total", "Blocks that were fetched whole from a neighbour.", MetricType::counter,
       counters.synced, "synced"},
      {"troupe_chain_received_total", "Transactions received from neighbours, including repeats.", MetricType::counter,
       counters.received, "received"},
      {"troupe_chain_refused_total", "Requests of other nodes that were refused because of rate limits.",
       MetricType::counter, counters.refused, "refused"},
      {"troupe_chain_lies_total", "Messages from other nodes that no honest node sends.", MetricType::counter,
       counters.lies, "lies"},
  };
}

}  // namespace troupe::chain
