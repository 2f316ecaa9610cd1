// Which addresses count as one operator's.
#include "actors/dht/logic/group.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/contacts.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

TEST_CASE("dht group: a /24 of IPv4 and a /48 of IPv6 are one, whatever the port") {
  const GroupOf group;
  CHECK(group(endpoint("192.0.2.1:1")) == group(endpoint("192.0.2.255:2")));
  CHECK(group(endpoint("192.0.2.1:1")) != group(endpoint("192.0.3.1:1")));
  CHECK(group(endpoint("[2001:db8:1:2::3]:1")) == group(endpoint("[2001:db8:1:ffff::4]:2")));
  CHECK(group(endpoint("[2001:db8:1::3]:1")) != group(endpoint("[2001:db8:2::3]:1")));
}

TEST_CASE("dht group: loopback and the simulation name each endpoint its own") {
  const GroupOf group;
  CHECK(group(endpoint("127.0.0.1:1")) != group(endpoint("127.0.0.1:2")));
  CHECK(group(endpoint("[::1]:1")) != group(endpoint("[::1]:2")));
  CHECK(group(endpoint("10.0.0.1:1")) != group(endpoint("10.0.0.2:1")));
}

TEST_CASE("dht group: the widths are settings") {
  GroupOf group;
  group.ten_net = TenNet::network;
  CHECK(group(endpoint("10.0.0.1:1")) == group(endpoint("10.0.0.2:2")));
  group.v4_bits = 16;
  CHECK(group(endpoint("192.0.2.1:1")) == group(endpoint("192.0.3.1:1")));
  group.v4_bits = 32;
  CHECK(group(endpoint("192.0.2.1:1")) != group(endpoint("192.0.2.2:1")));
  group.v4_bits = 255;  // counts as 32
  CHECK(group(endpoint("192.0.2.1:1")) == group(endpoint("192.0.2.1:2")));
  group.v4_bits = 0;
  CHECK(group(endpoint("192.0.2.1:1")) == group(endpoint("198.51.100.1:1")));
  group.v6_bits = 60;
  CHECK(group(endpoint("[2001:db8:0:10::1]:1")) == group(endpoint("[2001:db8:0:1f::1]:1")));
  CHECK(group(endpoint("[2001:db8:0:10::1]:1")) != group(endpoint("[2001:db8:0:20::1]:1")));
}
