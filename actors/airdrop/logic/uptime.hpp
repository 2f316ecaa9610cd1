#pragma once
// Airdrops by uptime: pays nodes that were present for some hours of a window, as their watchers have signed.
//
// Evidence  a file in the content store, which the terms name: the registration of each paid node, and the signed
//           statements of its watchers (actors/registry/logic). `airdrop verify` computes the list from it and the
//           rule.
// Bytes     "troupe airdrop evidence v1" || for each node, sorted by id: the length of its registration (2) and the
//           registration || the count of uptimes (1), the length of each (2) and its bytes. Numbers are little-endian.
// Hours     the lower median of kUptimeQuorum or more watchers other than the node; fewer watchers prove nothing.
// Owners    at most `per_owner` nodes of an owner, and `per_net` of an address group, are paid: those with most hours,
//           and among equals those with the least id. 0: no limit. Each node at a loopback address is its own group.
// Groups    the group of the address at which most watchers see the node; among equals, the least. If no watcher
//           reports an address, the group of the address that the node claims.
// Limits    the evidence does not show omitted nodes: objections are for them. The ids of watchers show the proof of
//           work that the verifying command requires.
#include <optional>
#include <string>
#include <vector>

#include "actors/airdrop/logic/terms.hpp"
#include "actors/registry/api.hpp"

namespace troupe::airdrop {

inline constexpr std::size_t kUptimeQuorum = 3;                           // our choice: of five watchers
inline constexpr std::size_t kUptimesMax = 8;                             // per node
inline constexpr std::size_t kEvidenceBytesMax = std::size_t{512} << 20;  // our choice: about 500,000 nodes

struct Evidence {
  base::Bytes registration;
  std::vector<base::Bytes> uptimes;
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

base::Bytes encode(const std::vector<Evidence>& all);
std::optional<std::vector<Evidence>> decode_evidence(base::ByteView bytes);

/// A node that was present.
struct Present {
  base::NodeId node;
  registry::Owner owner;
  base::AddressGroup group;
  Address to;  ///< the account that its registration names, or the account of its key
  std::uint32_t hours = 0;
};
/// Returns the node that the evidence proves present during the window, with its hours, or an error message for people.
base::Result<Present, std::string> present_by(const Evidence& evidence, const UptimeRule& rule, unsigned work_bits);

/// Returns the nodes that are paid according to the rule's hours and limits, sorted by id.
std::vector<Present> paid_of(std::vector<Present> all, const UptimeRule& rule);
/// Returns the nodes as a list for terms: each account once, with a weight of 1 per node that names it.
std::vector<Recipient> list_of(const std::vector<Present>& paid);

}  // namespace troupe::airdrop
