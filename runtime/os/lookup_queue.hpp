#pragma once
// The order of name resolutions: first come, first served, but one at a time per owner. So a silent name server for one
// owner's names blocks only one thread, and other owners' names do not wait for it.
//
// Owner   a number from the caller, such as a sandboxed process; requests with 0 have no owner in common.
// Safety  one thread, or a lock around it.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>

#include "runtime/base/endpoint.hpp"

namespace troupe::os {

class LookupQueue {
 public:
  struct Question {
    std::uint64_t number = 0;
    std::uint64_t owner = 0;
    base::HostPort host{};
  };

  void add(Question question) { waiting_.push_back(std::move(question)); }
  /// Drops a request that is no longer wanted. Does nothing if it is in progress or done.
  void forget(std::uint64_t number) {
    std::erase_if(waiting_, [number](const Question& one) { return one.number == number; });
  }
  void clear() { waiting_.clear(); }

  /// Returns the next request, which is in progress until done(), or nullopt if no request may start.
  std::optional<Question> take() {
    const auto next = std::ranges::find_if(waiting_, [this](const Question& one) { return may(one); });
    if (next == waiting_.end()) return std::nullopt;
    Question out = std::move(*next);
    waiting_.erase(next);
    if (out.owner != 0) under_way_.insert(out.owner);
    return out;
  }
  void done(const Question& question) { under_way_.erase(question.owner); }
  bool ready() const {
    return std::ranges::any_of(waiting_, [this](const Question& one) { return may(one); });
  }

 private:
  bool may(const Question& one) const { return one.owner == 0 || !under_way_.contains(one.owner); }

  std::deque<Question> waiting_;
  std::set<std::uint64_t> under_way_;  // owners
};

}  // namespace troupe::os
