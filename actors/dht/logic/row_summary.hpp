#pragma once
// Summarizes a row of the DHT for `troupe dht list`: reads only the row, and verifies nothing (audit.hpp does).
#include <optional>
#include <string_view>

#include "actors/dht/logic/audit.hpp"

namespace troupe::dht {

struct RowSummary {
  AuditSpace space = AuditSpace::kv;
  Published what = Published::kv;
  base::Bytes key;             ///< for a cid the whole hash of its value
  std::uint64_t sequence = 0;  ///< for a kv
  base::Bytes name;            ///< for a kv
  base::Bytes whose;           ///< for a kv its owner's public key, for an announcement its provider's id; otherwise
                               ///< empty
  std::size_t value_bytes = 0;
  std::optional<base::WallTime> expires;  ///< nullopt for a row that is republished
};

/// Returns nullopt for an unreadable row, and for the sweep's cursor. `hold`: how long this node keeps remote records.
std::optional<RowSummary> summary_of(std::string_view keyspace, base::ByteView key, base::ByteView row,
                                     std::chrono::seconds hold);

}  // namespace troupe::dht
