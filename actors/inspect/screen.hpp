#pragma once
// The rows of one screen: the first rows by a column among all actors that match a filter.
//
// Order   numbers descending, texts ascending, or the reverse; then by path.
// Limits  keeps at most 2 * limit rows.
// Owner   one request; not thread-safe.
#include <memory>
#include <string>
#include <vector>

#include "runtime/actor/registry.hpp"
#include "runtime/observe/logic/filter.hpp"

namespace troupe::inspect {

class Screen {
 public:
  struct Kept {
    observe::ActorRow row;  ///< its path is `path`
    std::string path;
    std::shared_ptr<const runtime::Record> record;
  };

  enum class Order : std::uint8_t { usual, reversed };

  /// `top` is a column, or null: by path. `limit` is at least 1.
  Screen(observe::Filter filter, const observe::Field* top, std::size_t limit, Order order = Order::usual)
      : filter_(std::move(filter)),
        top_(top != nullptr ? top : observe::find_field("path")),
        limit_(limit),
        order_(order) {}

  /// Counts the actor, and keeps it while it is among the first. All views in `row` except its path are constants.
  void show(const observe::ActorRow& row, const std::shared_ptr<const runtime::Record>& record);

  /// Returns whether show() may take long.
  bool slow() const { return filter_.slow(); }

  std::uint64_t total() const { return total_; }
  std::uint64_t matched() const { return matched_; }
  /// Returns the kept rows, in order.
  std::vector<Kept> rows() &&;

 private:
  bool before(const observe::ActorRow& a, const observe::ActorRow& b) const;
  void prune();

  const observe::Filter filter_;
  const observe::Field* const top_;
  const std::size_t limit_;
  const Order order_;
  std::uint64_t total_ = 0;
  std::uint64_t matched_ = 0;
  std::vector<Kept> kept_;
  bool full_ = false;  // kept_[limit_ - 1] is the worst of the best so far
};

}  // namespace troupe::inspect
