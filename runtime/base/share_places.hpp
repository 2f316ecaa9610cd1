#pragma once
// Who holds which of a limited number of places, each held by one user and under one key.
//
// Shares  those of share_budget.hpp: an address group and an id have a part, the last part is for reserved users.
// Once    a key that holds a place takes no second one, and gives it back once.
// Owner   one actor; not thread-safe.
#include <map>

#include "runtime/base/share_budget.hpp"

namespace troupe::base {

template <class Key, class Id>
class SharePlaces {
 public:
  explicit SharePlaces(std::uint64_t most) : budget_(most) {}

  /// Whether `user` may hold one more.
  bool fits(const User<Id>& user) const { return budget_.fits(user, 1); }
  /// Holds one, whether or not it fits. Nothing if `key` has one.
  void hold(const Key& key, const User<Id>& user) {
    if (holders_.try_emplace(key, user).second) budget_.hold(user, 1);
  }
  /// Nothing if `key` has none.
  void release(const Key& key) {
    if (const auto holder = holders_.extract(key); !holder.empty()) budget_.release(holder.mapped(), 1);
  }

  bool has(const Key& key) const { return holders_.contains(key); }
  std::uint64_t held(const User<Id>& user) const { return budget_.held(user); }
  std::size_t size() const { return holders_.size(); }
  const std::map<Key, User<Id>>& holders() const { return holders_; }

 private:
  std::map<Key, User<Id>> holders_;
  ShareBudget<Id> budget_;
};

}  // namespace troupe::base
