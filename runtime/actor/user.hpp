#pragma once
// The user behind a request, as resource budgets count users (runtime/base/address_group.hpp).
#include "runtime/actor/actor.hpp"
#include "runtime/base/address_group.hpp"

namespace troupe::runtime {

/// Returns the quota user for a caller. A remote node is its id and the address group of its proven address; this
/// node's actors and operators are one reserved user.
inline base::User<base::NodeId> user_of(const Caller& from) {
  if (from.role != messages::Role::peer || !from.node) return {.reserved = true};
  return {.id = *from.node, .group = from.at ? base::group_of(*from.at) : base::AddressGroup{}};
}

/// Returns the quota user for `account`, where accounts are counted instead of nodes. Accounts cost nothing, so the
/// caller's address group still counts.
template <class Id>
base::User<Id> user_of(const Caller& from, const Id& account) {
  const auto by = user_of(from);
  return {.id = account, .group = by.group, .reserved = by.reserved};
}

}  // namespace troupe::runtime
