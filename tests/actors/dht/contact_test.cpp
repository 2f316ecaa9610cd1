// The points of the id space.
#include "actors/dht/logic/contact.hpp"

#include <doctest/doctest.h>

using namespace troupe;

TEST_CASE("dht contact: ids and keys are points of one space") {
  base::NodeId id;
  id.bytes[0] = 0x80;
  dht::Key key;
  key.bytes[0] = 0xc0;
  CHECK(base::distance(id, key).bytes[0] == 0x40);
}
