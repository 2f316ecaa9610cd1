#pragma once
// What a node knows about each of its groups before it reads any log: a row of the store.
#include <optional>

#include "actors/raft/logs.hpp"

namespace troupe::raft {

struct GroupRow {
  Incarnation incarnation = 0;
  Epoch epoch;
  bool member = false;                      ///< its log was begun; false: it is only prepared
  std::optional<Configuration> founding{};  ///< set at a founder; other members have joined
  Incarnation lost = 0;                     ///< incarnation of its lost log, until the group has the new one; 0: none
  std::optional<Configuration> known{};     ///< the members at the last change

  friend bool operator==(const GroupRow&, const GroupRow&) = default;
};

base::Bytes encode(const GroupRow& row);
/// Returns nullopt unless the bytes are what encode() returns.
std::optional<GroupRow> decode_group_row(base::ByteView bytes);

}  // namespace troupe::raft
