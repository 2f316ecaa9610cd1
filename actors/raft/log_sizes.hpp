#pragma once
// The sizes that the packs of logs must still have when they are reopened: a small file outside their folder.
//
// Bytes   version (1), last record (8), number of suspects (4), suspects (8 each). For each pack: number (4), bytes
//         (8), lost bytes (8). Finally the CRC-32C of all bytes before it (4). Little-endian.
// Older   the first version had neither suspects nor lost bytes, and is not read.
#include <map>
#include <optional>
#include <set>

#include "runtime/base/bytes.hpp"

namespace troupe::raft {

using Incarnation = std::uint64_t;  ///< identifies a log

struct LogSizes {
  struct Pack {
    std::uint64_t bytes = 0;  ///< synced bytes
    std::uint64_t lost = 0;   ///< known lost bytes; if all are lost, the pack may be missing
    friend bool operator==(const Pack&, const Pack&) = default;
  };
  std::map<std::uint32_t, Pack> packs{};  ///< by number
  std::set<Incarnation> suspects{};       ///< logs that may lack something
  std::uint64_t last = 0;                 ///< number of the newest record in the packs

  base::Bytes encode() const;
  static std::optional<LogSizes> decode(base::ByteView bytes);
  friend bool operator==(const LogSizes&, const LogSizes&) = default;
};

}  // namespace troupe::raft
