#pragma once
// How much of a resource each untrusted user holds. When it is full, the largest user of the largest group is evicted.
//
// Shares  1/kGroupPart of the whole for an address group, 1/kIdPart for an id. They apply only once half of the whole
//         is used, or as Sharing says.
// Reserve the last 1/kReservePart of the whole is for reserved users, unless Sharing has no reserve. They have no
//         quotas.
// Equals  among users with equal amounts, the user with the smallest id is evicted; among equal groups, the group with
//         the smallest id in it. If ids count up, that is the oldest user.
// Limits  the whole limits the sum of the amounts, and so the number of users.
// Owner   one actor; not thread-safe.
#include <algorithm>
#include <map>
#include <optional>

#include "runtime/base/address_group.hpp"
#include "runtime/base/ensure.hpp"

namespace troupe::base {

enum class Reserve : std::uint8_t { kept, none };

struct Sharing {
  std::uint32_t bound_part = 2;  ///< quotas apply in the last of this many equal parts of the whole; at least 1
  Reserve reserve = Reserve::kept;
};

template <class Id>
class ShareBudget {
 public:
  explicit ShareBudget(std::uint64_t whole, Sharing sharing = {}) : whole_(whole), sharing_(sharing) {}

  /// Sets the size of the whole. Amounts already held above it stay.
  void resize(std::uint64_t whole) { whole_ = whole; }

  /// Whether `user` may hold `amount` more.
  bool fits(const User<Id>& user, std::uint64_t amount) const {
    const bool all = user.reserved || sharing_.reserve == Reserve::none;
    const std::uint64_t most = all ? whole_ : whole_ - whole_ / kReservePart;
    if (amount > most || used_ > most - amount) return false;
    return user.reserved || used_ + amount <= whole_ - whole_ / sharing_.bound_part || !above_share(user, amount);
  }

  /// Adds `amount`, whether or not it fits: some amounts are known only afterwards.
  void hold(const User<Id>& user, std::uint64_t amount) {
    if (amount == 0) return;
    used_ += amount;
    ids_[user.id] += amount;
    Group& group = groups_[user.group];
    group.used += amount;
    group.users[user.id] += amount;
  }

  /// Subtracts `amount`. Holding less than that is a broken invariant.
  void release(const User<Id>& user, std::uint64_t amount) {
    if (amount == 0) return;
    const auto group = groups_.find(user.group);
    ensure(group != groups_.end() && used_ >= amount, "only what is held is released");
    used_ -= amount;
    less(ids_, user.id, amount);
    less(group->second.users, user.id, amount);
    group->second.used -= amount;
    if (group->second.users.empty()) groups_.erase(group);
  }

  /// Returns the user to evict so that `user` can hold `amount` more. Candidates are users for which `may` returns
  /// true: the largest of the largest group, or of the group of `user` if that group exceeds its quota. Returns nullopt
  /// if that is `user` itself, which is then refused.
  template <class May>
  std::optional<Id> gives_way(const User<Id>& user, std::uint64_t amount, May&& may) const {
    const auto own = groups_.find(user.group);
    const std::uint64_t own_used = own == groups_.end() ? 0 : own->second.used;
    auto from = own;
    if (user.reserved || own == groups_.end() || own_used + amount <= whole_ / kGroupPart) {
      from = std::ranges::max_element(groups_, smaller, &std::pair<const AddressGroup, Group>::second);
      if (from != own && !user.reserved && (from == groups_.end() || from->second.used < own_used + amount))
        return std::nullopt;
    }
    if (from == groups_.end()) return std::nullopt;
    const std::pair<const Id, std::uint64_t>* largest = nullptr;
    for (const auto& one : from->second.users)
      if (one.first != user.id && may(one.first) && (largest == nullptr || one.second > largest->second))
        largest = &one;
    if (largest == nullptr) return std::nullopt;
    const bool smaller = from == own && largest->second < held(user) + amount;
    return smaller && !user.reserved ? std::nullopt : std::optional(largest->first);
  }

  /// Returns the largest user of the largest group, among the users for which `may` returns true.
  template <class May>
  std::optional<Id> largest(May&& may) const {
    return gives_way({.reserved = true}, 0, may);
  }

  std::uint64_t used() const { return used_; }
  std::uint64_t whole() const { return whole_; }
  std::uint64_t held(const User<Id>& user) const {
    const auto known = ids_.find(user.id);
    return known == ids_.end() ? 0 : known->second;
  }
  std::uint64_t held(const AddressGroup& group) const {
    const auto known = groups_.find(group);
    return known == groups_.end() ? 0 : known->second.used;
  }

 private:
  struct Group {
    std::uint64_t used = 0;
    std::map<Id, std::uint64_t> users;
  };
  static bool smaller(const Group& a, const Group& b) {
    return a.used != b.used ? a.used < b.used : b.users.begin()->first < a.users.begin()->first;
  }
  bool above_share(const User<Id>& user, std::uint64_t amount) const {
    return held(user) + amount > whole_ / kIdPart || held(user.group) + amount > whole_ / kGroupPart;
  }
  static void less(std::map<Id, std::uint64_t>& held, const Id& whose, std::uint64_t amount) {
    const auto known = held.find(whose);
    ensure(known != held.end() && known->second >= amount, "only what is held is released");
    known->second -= amount;
    if (known->second == 0) held.erase(known);
  }

  std::uint64_t whole_;
  Sharing sharing_;
  std::uint64_t used_ = 0;
  std::map<AddressGroup, Group> groups_;
  std::map<Id, std::uint64_t> ids_;
};

}  // namespace troupe::base
