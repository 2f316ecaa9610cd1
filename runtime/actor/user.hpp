#pragma once
// The user behind a request, as resource budgets count users (runtime/base/address_group.hpp).
#include "runtime/actor/actor.hpp"
#include "runtime/base/address_group.hpp"

namespace troupe::runtime {

/// Returns another node by its id and the group of its proven address. This node's actors and operators are one
/// reserved user.
inline base::User<base::NodeId> user_of(const Caller& from) {
  if (from.role != messages::Role::peer || !from.node) return {.reserved = true};
  return {.id = *from.node, .group = from.at ? base::group_of(*from.at) : base::AddressGroup{}};
}

/// Returns a user per account, if accounts are counted. Accounts cost nothing, but the caller's address group does.
template <class Id>
base::User<Id> user_of(const Caller& from, const Id& account) {
  const auto by = user_of(from);
  return {.id = account, .group = by.group, .reserved = by.reserved};
}

}  // namespace troupe::runtime
