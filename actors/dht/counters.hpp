#pragma once
// Counters of this node's DHT since its start, for describe() and metrics.
//
// Owner   the actors of one node write, over all incarnations; any thread may read.
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "actors/dht/logic/budgets.hpp"
#include "actors/dht/logic/lookup_types.hpp"
#include "runtime/observe/counter_table.hpp"

namespace troupe::dht {

/// Requests that this node's searches send to other nodes.
enum class Asked : std::uint8_t { find_node, find_value, get_providers, store, add_provider };
inline constexpr std::size_t kAskedKinds = 5;
/// Returns the name in metrics, such as "find_node".
std::string_view name(Asked asked);

inline constexpr std::size_t kEndings = 6;   // values of Ending
inline constexpr std::size_t kFailures = 4;  // values of AskFailure

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  // Requests from other nodes, and how many of them were refused.
  Count pings{0}, find_nodes{0}, find_values{0}, stores{0}, add_providers{0}, get_providers{0}, refused{0};

  // Searches of this node. A search that the local store or cache answered asked no other node.
  Count searched{0}, found{0}, at_hand{0}, hops{0}, questions{0}, unanswered{0}, search_us{0};
  std::array<Count, kEndings> ended{};

  struct Questions {
    Count answered{0}, microseconds{0};  // answered requests
    std::array<Count, kFailures> failed{};
  };
  std::array<Questions, kAskedKinds> asked{};
  Questions& of(Asked kind) { return asked[static_cast<std::size_t>(kind)]; }

  // Cached copies, and stale replicas (dht_actor_search.cpp).
  Count cache_hits{0}, cache_served{0}, copies_left{0}, repairs{0}, repaired{0};

  // Records read back from the store, and requests refused because a budget was used up (logic/budgets.hpp).
  Count rows_read{0};
  std::array<Count, kResources> over_budget{};
  Count reads_refused{0};  // the limit of concurrent reads for other nodes was reached

  // Notices sent to listeners (notices.cpp).
  Count notices{0};

  // Current values.
  Count contacts{0}, nodes{0}, searches{0}, records{0}, record_bytes{0}, announcements{0}, cache_bytes{0};
  Count published{0}, republish_late_ms{0};
};

/// Returns all counters, for /metrics and for describe(), which sets fields of wire::DhtState.
observe::CounterTable table_of(const Counters& counters);

}  // namespace troupe::dht
