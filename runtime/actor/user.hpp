#pragma once
// Who is behind a question, as budgets of resources count users (runtime/base/address_group.hpp).
#include "runtime/actor/actor.hpp"
#include "runtime/base/address_group.hpp"

namespace troupe::runtime {

/// Another node by its id and the group of the address that it has shown; reserved, and the same user, are all others:
/// this node's actors, and operators.
inline base::User<base::NodeId> user_of(const Caller& from) {
  if (from.role != messages::Role::peer || !from.node) return {.reserved = true};
  return {.id = *from.node, .group = from.at ? base::group_of(*from.at) : base::AddressGroup{}};
}

/// An account of theirs, where accounts are what is counted: they cost nothing, but where they are asked from does.
template <class Id>
base::User<Id> user_of(const Caller& from, const Id& account) {
  const auto by = user_of(from);
  return {.id = account, .group = by.group, .reserved = by.reserved};
}

}  // namespace troupe::runtime
