#pragma once
// A role as in messages/annotations.capnp.
#include "messages/annotations.capnp.h"
#include "messages/kinds.hpp"

namespace troupe::net {

inline messages::wire::Role wire_role(messages::Role role) {
  switch (role) {
    case messages::Role::inside: return messages::wire::Role::INSIDE;
    case messages::Role::peer: return messages::wire::Role::PEER;
    case messages::Role::view: return messages::wire::Role::VIEW;
    case messages::Role::operate: return messages::wire::Role::OPERATE;
  }
  return messages::wire::Role::INSIDE;
}

}  // namespace troupe::net
