#pragma once
// Address groups: ranges of addresses that one operator usually has, so that many ids in one group count as few.
//
// Source  the limits of issue 5, part 1; the same idea in BEP 42 and in Heilman et al., "Eclipse Attacks", 2015.
#include "runtime/base/endpoint.hpp"

namespace troupe::dht {

/// The prefix of an address, its other bits zero. An endpoint that is its own group has all its bits.
struct Group {
  base::Endpoint prefix;

  friend auto operator<=>(const Group&, const Group&) = default;
};

/// Whether 10.0.0.0/8 is an ordinary network, or the simulation, where each node has one of its addresses.
enum class TenNet : std::uint8_t { network, simulation };

/// Returns the group of an endpoint. A loopback address says nothing about its operator, so each port is its own group.
struct GroupOf {
  std::uint8_t v4_bits = 24;  ///< at most 32
  std::uint8_t v6_bits = 48;  ///< at most 128
  TenNet ten_net = TenNet::simulation;

  Group operator()(const base::Endpoint& endpoint) const;
  friend auto operator<=>(const GroupOf&, const GroupOf&) = default;
};

/// How many contacts of one group the table may have: the settings of part 1.
struct GroupLimits {
  GroupOf group_of;
  std::size_t bucket_max = 2;
  std::size_t table_max = 3;
};

}  // namespace troupe::dht
