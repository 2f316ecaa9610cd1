#pragma once
// A node as the DHT knows it, and the points of its id space.
#include "runtime/base/contact.hpp"

namespace troupe::dht {

/// A point of the 160-bit space that ids and keys share; base::distance() compares both.
using Key = base::NodeId;

struct Contact {
  base::NodeId id;      ///< the id of `where`, with checked work
  base::Contact where;  ///< its endpoint is dialable, by both TCP and UDP

  friend auto operator<=>(const Contact&, const Contact&) = default;
};

}  // namespace troupe::dht
