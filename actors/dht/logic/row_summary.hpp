#pragma once
// Summarizes a row of the DHT for `troupe dht list`: reads only the row, and verifies nothing (audit.hpp does).
#include <optional>
#include <string_view>

#include "actors/dht/logic/audit.hpp"

namespace troupe::dht {

struct RowSummary {
  AuditSpace space = AuditSpace::kv;
  Published what = Published::kv;
  base::Bytes key;             ///< of a cid the whole hash of its value
  std::uint64_t sequence = 0;  ///< of a kv
  base::Bytes name;            ///< of a kv
  base::Bytes whose;           ///< of a kv its owner's public key, of an announcement its provider's id; else empty
  std::size_t value_bytes = 0;
  std::optional<base::WallTime> expires;  ///< nothing for what is published again and again
};

/// `hold` is how long this node keeps what others store. Nothing for what cannot be read, and for the sweep's cursor.
std::optional<RowSummary> summary_of(std::string_view keyspace, base::ByteView key, base::ByteView row,
                                     std::chrono::seconds hold);

}  // namespace troupe::dht
