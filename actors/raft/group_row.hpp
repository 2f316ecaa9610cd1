#pragma once
// What a node knows of each of its groups before it reads any log: a row of the store.
#include <optional>

#include "actors/raft/logs.hpp"

namespace troupe::raft {

struct GroupRow {
  Incarnation incarnation = 0;
  Epoch epoch;
  bool member = false;                      ///< its log was begun; otherwise it is prepared
  std::optional<Configuration> founding{};  ///< it is a founder; others have joined
  Incarnation lost = 0;                     ///< the log that it had before; 0: the group has it as it is
  std::optional<Configuration> known{};     ///< the members when they changed last

  friend bool operator==(const GroupRow&, const GroupRow&) = default;
};

base::Bytes encode(const GroupRow& row);
/// Nothing unless the bytes are what encode() makes.
std::optional<GroupRow> decode_group_row(base::ByteView bytes);

}  // namespace troupe::raft
