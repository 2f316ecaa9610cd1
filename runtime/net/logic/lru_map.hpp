#pragma once
// An LRU map with a fixed capacity, because untrusted peers choose its keys. When it is full, a new key evicts the
// least recently used entry.
//
// Speed   Logarithmic, as std::map. Not hashed: a peer that chooses keys could make them collide.
// Owner   Its holder; not thread-safe. A value keeps its address until its entry is removed.
#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::net {

template <class Key, class Value>
class LruMap {
 public:
  /// `capacity` is at least 1.
  explicit LruMap(std::size_t capacity) : capacity_(capacity) {
    base::ensure(capacity > 0, "an LRU map has room for one entry");
  }

  /// Returns the value of `key`, or null.
  const Value* find(const Key& key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : &found->second->second;
  }
  /// Returns the value of `key`, or null, and marks the entry as used now.
  Value* use(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    oldest_first_.splice(oldest_first_.end(), oldest_first_, found->second);
    return &found->second->second;
  }
  /// Sets the value of `key`, and marks the entry as used now.
  Value& put(const Key& key, Value value) {
    if (Value* const known = use(key)) return *known = std::move(value);
    if (by_key_.size() == capacity_) {
      by_key_.erase(oldest_first_.front().first);
      oldest_first_.pop_front();
    }
    oldest_first_.emplace_back(key, std::move(value));
    by_key_.emplace(key, std::prev(oldest_first_.end()));
    base::ensure(by_key_.size() == oldest_first_.size(), "each entry has a position by age");
    return oldest_first_.back().second;
  }
  /// Removes `key`; returns its value, or nullopt.
  std::optional<Value> take(const Key& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    const auto entry = found->second;
    by_key_.erase(found);
    std::optional<Value> out(std::in_place, std::move(entry->second));
    oldest_first_.erase(entry);
    return out;
  }
  /// Removes the entries for which `which(value)` is true.
  void forget_if(const auto& which) {
    for (auto one = oldest_first_.begin(); one != oldest_first_.end();) {
      if (!which(std::as_const(one->second))) {
        ++one;
        continue;
      }
      by_key_.erase(one->first);
      one = oldest_first_.erase(one);
    }
  }
  void clear() {
    by_key_.clear();
    oldest_first_.clear();
  }

  std::size_t size() const { return by_key_.size(); }
  bool full() const { return by_key_.size() == capacity_; }

 private:
  using Entries = std::list<std::pair<const Key, Value>>;
  using Entry = typename Entries::iterator;
  std::size_t capacity_;
  Entries oldest_first_;
  std::map<Key, Entry> by_key_;
};

}  // namespace troupe::net
