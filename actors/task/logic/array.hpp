#pragma once
// An order that is submitted many times at once. Its members differ only in their number (member_of).
//
// Id      the id of the array's order, which has no index. No task has that id.
// Members are created in the order of their numbers, a few at a time. `made` is written with the rows of their tasks,
//         so each member is created once.
// Closed  true after a cancellation: no more members are created, and the missing ones count as cancelled.
// Row     version (1) || members (4) || made (4) || closed (1) || order (the rest). Numbers are little-endian.
#include <optional>

#include "actors/task/logic/order.hpp"

namespace troupe::task {

struct Array {
  Order order;
  std::uint32_t members = 0;  ///< 1 to kArrayMax
  std::uint32_t made = 0;
  bool closed = false;

  /// Returns whether more members can be created.
  bool grows() const { return !closed && made < members; }
  Order member(std::uint32_t index) const { return member_of(order, index); }

  base::Bytes encode() const;
  static std::optional<Array> decode(base::ByteView row);
  friend bool operator==(const Array&, const Array&) = default;
};

/// Returns why `members` members of that order cannot be kept, or nullopt if they can.
std::optional<OrderError> fault(const Order& order, std::uint32_t members);

}  // namespace troupe::task
