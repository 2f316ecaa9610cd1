#pragma once
// What a node has counted of its DHT since it started, for describe() and for metrics.
//
// Owner   the actors of one node write, over all their incarnations; every read is safe from any thread.
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "actors/dht/logic/budgets.hpp"
#include "actors/dht/logic/lookup_types.hpp"
#include "runtime/observe/counter_table.hpp"

namespace troupe::dht {

/// Questions that searches of this node put to others.
enum class Asked : std::uint8_t { find_node, find_value, get_providers, store, add_provider };
inline constexpr std::size_t kAskedKinds = 5;
/// As in metrics: "find_node".
std::string_view name(Asked asked);

inline constexpr std::size_t kEndings = 6;   // of Ending
inline constexpr std::size_t kFailures = 4;  // of AskFailure

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  // Questions of other nodes, and those of them that were not taken.
  Count pings{0}, find_nodes{0}, find_values{0}, stores{0}, add_providers{0}, get_providers{0}, refused{0};

  // Searches of this node. Those that its own store or its cache answered asked no other node.
  Count searched{0}, found{0}, at_hand{0}, hops{0}, questions{0}, unanswered{0}, search_us{0};
  std::array<Count, kEndings> ended{};

  struct Questions {
    Count answered{0}, microseconds{0};  // of those that were answered
    std::array<Count, kFailures> failed{};
  };
  std::array<Questions, kAskedKinds> asked{};
  Questions& of(Asked kind) { return asked[static_cast<std::size_t>(kind)]; }

  // Copies, and stale replicas (dht_actor_search.cpp).
  Count cache_hits{0}, cache_served{0}, copies_left{0}, repairs{0}, repaired{0};

  // Records read back from the store, and what was refused for a budget (logic/budgets.hpp).
  Count rows_read{0};
  std::array<Count, kResources> over_budget{};
  Count reads_refused{0};  // as many were under way for other nodes as may be

  // Sent to listeners (notices.cpp).
  Count notices{0};

  // As they are now.
  Count contacts{0}, nodes{0}, searches{0}, records{0}, record_bytes{0}, announcements{0}, cache_bytes{0};
  Count published{0}, republish_late_ms{0};
};

/// All of them, for /metrics and for describe(), which sets fields of wire::DhtState.
observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::dht
