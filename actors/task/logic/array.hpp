#pragma once
// An order that is submitted many times at once: its members differ by their number alone (member_of).
//
// Id      that of its order, which has no index; no task has it.
// Members are made in the order of their numbers, some at a time; `made` is written with the rows of their tasks, so
//         that each is made once.
// Closed  once it was cancelled: no more are made, and those that are missing count as cancelled.
// Row     version (1) || members (4) || made (4) || closed (1) || order (the rest). Numbers are little-endian.
#include <optional>

#include "actors/task/logic/order.hpp"

namespace troupe::task {

struct Array {
  Order order;
  std::uint32_t members = 0;  ///< 1 to kArrayMax
  std::uint32_t made = 0;
  bool closed = false;

  /// Whether it may have more.
  bool grows() const { return !closed && made < members; }
  Order member(std::uint32_t index) const { return member_of(order, index); }

  base::Bytes encode() const;
  static std::optional<Array> decode(base::ByteView row);
  friend bool operator==(const Array&, const Array&) = default;
};

/// Nothing if each of `members` members of that order is one that can be kept.
std::optional<OrderError> fault(const Order& order, std::uint32_t members);

}  // namespace troupe::task
