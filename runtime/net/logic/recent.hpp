#pragma once
// A map of what was used lately: strangers choose its keys, so it has a most, and one more forgets the entry that was
// used least lately.
//
// Speed   as std::set, and not hashed: who chooses the keys could choose them for one bucket.
// Owner   whoever has it; not thread-safe. Values stay where they are until they are forgotten.
#include <cstddef>
#include <list>
#include <optional>
#include <set>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::net {

template <class Key, class Value>
class Recent {
 public:
  /// `most` is at least 1.
  explicit Recent(std::size_t most) : most_(most) { base::ensure(most > 0, "there is room for one entry"); }

  /// The value of `key`, or null.
  const Value* find(const Key& key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &(*found)->second;
  }
  /// The same, used just now.
  Value* use(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    oldest_first_.splice(oldest_first_.end(), oldest_first_, *found);
    return &(*found)->second;
  }
  /// Sets the value of `key`, used just now.
  Value& put(const Key& key, Value value) {
    if (Value* const known = use(key)) return *known = std::move(value);
    if (places_.size() == most_) {
      places_.erase(oldest_first_.begin());
      oldest_first_.pop_front();
    }
    oldest_first_.emplace_back(key, std::move(value));
    places_.insert(std::prev(oldest_first_.end()));
    base::ensure(places_.size() == oldest_first_.size(), "each entry has its place by age");
    return oldest_first_.back().second;
  }
  /// Forgets `key`, and says what its value was.
  std::optional<Value> take(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return std::nullopt;
    const auto entry = *found;
    places_.erase(found);
    std::optional<Value> out(std::in_place, std::move(entry->second));
    oldest_first_.erase(entry);
    return out;
  }
  /// Forgets what `which(value)` says.
  void forget_if(const auto& which) {
    for (auto one = oldest_first_.begin(); one != oldest_first_.end();) {
      if (!which(std::as_const(one->second))) {
        ++one;
        continue;
      }
      places_.erase(one);
      one = oldest_first_.erase(one);
    }
  }
  void clear() {
    places_.clear();
    oldest_first_.clear();
  }

  std::size_t size() const { return places_.size(); }
  bool full() const { return places_.size() == most_; }

 private:
  using Entries = std::list<std::pair<const Key, Value>>;
  using Entry = typename Entries::iterator;
  struct ByKey {
    using is_transparent = void;
    bool operator()(Entry a, Entry b) const { return a->first < b->first; }
    bool operator()(Entry a, const Key& b) const { return a->first < b; }
    bool operator()(const Key& a, Entry b) const { return a < b->first; }
  };

  std::size_t most_;
  Entries oldest_first_;
  std::set<Entry, ByKey> places_;
};

}  // namespace troupe::net
