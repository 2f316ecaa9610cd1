#pragma once
// The rows of one screen: those that a filter means, the first ones by a column, out of as many actors as there are.
//
// Order   by a number the largest first, by a text in its order, or the reverse of both; then by path.
// Limits  keeps 2 * limit rows at most.
// Owner   one question; not thread-safe.
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

  /// Counts the actor, and keeps it while it is one of the first. Views of `row` but its path are constants.
  void show(const observe::ActorRow& row, const std::shared_ptr<const runtime::Record>& record);

  /// Whether show() may take long.
  bool slow() const { return filter_.slow(); }

  std::uint64_t total() const { return total_; }
  std::uint64_t matched() const { return matched_; }
  /// Those kept, in order.
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
