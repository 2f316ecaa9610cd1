#pragma once
// Which host is looked up next: in the order of asking, but of each owner one at a time. A name server that is silent
// about the names of one owner holds one thread, and those of others are not behind it.
//
// Owner   what the caller numbers so (a process in a sandbox); 0 is each question on its own.
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
  /// It is not wanted any more. Nothing if it is under way, or over.
  void forget(std::uint64_t number) {
    std::erase_if(waiting_, [number](const Question& one) { return one.number == number; });
  }
  void clear() { waiting_.clear(); }

  /// Under way from now on, until done().
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
