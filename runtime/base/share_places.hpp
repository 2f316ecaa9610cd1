#pragma once
// A limited number of slots and their users. A slot has one user and one key.
//
// Shares  the quotas of share_budget.hpp: for an address group and for an id; the last part is for reserved users.
// Once    a key takes at most one slot, and gives it back once.
// Owner   one actor; not thread-safe.
#include <map>

#include "runtime/base/share_budget.hpp"

namespace troupe::base {

template <class Key, class Id>
class SharePlaces {
 public:
  explicit SharePlaces(std::uint64_t most) : budget_(most) {}

  /// Whether `user` may take one more slot.
  bool fits(const User<Id>& user) const { return budget_.fits(user, 1); }
  /// Takes a slot for `key`, whether or not fits() is true. Does nothing if `key` has a slot.
  void hold(const Key& key, const User<Id>& user) {
    if (holders_.try_emplace(key, user).second) budget_.hold(user, 1);
  }
  /// Does nothing if `key` has no slot.
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
