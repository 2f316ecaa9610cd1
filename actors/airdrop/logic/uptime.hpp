#pragma once
// Who is paid by an airdrop whose rule is uptime: nodes that were there for some hours of a window, as their watchers
// have signed.
//
// Evidence  a file in the content store, which the terms name: of each node that is paid its registration, and what its
//           watchers have signed (actors/registry/logic). The list follows from it and the rule: `airdrop verify`
//           computes it again.
// Bytes     "troupe airdrop evidence v1" || of each node, by rising id: the length of its registration (2) and that ||
//           the count of uptimes (1), the length of each (2) and that. Numbers are little-endian.
// Hours     of kUptimeQuorum or more watchers the lower median; fewer watchers prove nothing. The node is none of them.
// Owners    at most `per_owner` nodes of an owner, and `per_net` of an address group, are paid: those with most hours,
//           of equals the one with the least id. 0: no limit. Nodes at loopback are groups of their own.
// Groups    that of the address from which most watchers hear the node, of equals the least; where none of them tells,
//           of the address that it claims.
// Limits    what is left out leaves no trace in the evidence: that is what objections are for. The ids of watchers show
//           the work that the verifying command asks for.
#include <optional>
#include <string>
#include <vector>

#include "actors/airdrop/logic/terms.hpp"
#include "actors/registry/api.hpp"

namespace troupe::airdrop {

inline constexpr std::size_t kUptimeQuorum = 3;                           // our choice: of five watchers
inline constexpr std::size_t kUptimesMax = 8;                             // of a node
inline constexpr std::size_t kEvidenceBytesMax = std::size_t{512} << 20;  // our choice: about 500,000 nodes

struct Evidence {
  base::Bytes registration;
  std::vector<base::Bytes> uptimes;
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

base::Bytes encode(const std::vector<Evidence>& all);
std::optional<std::vector<Evidence>> decode_evidence(base::ByteView bytes);

/// A node that was there.
struct Present {
  base::NodeId node;
  registry::Owner owner;
  base::AddressGroup group;
  Address to;  ///< the account that its registration names, or that of its key
  std::uint32_t hours = 0;
};
/// What the evidence proves of a window; an error says why it proves nothing, for people.
base::Result<Present, std::string> present_by(const Evidence& evidence, const UptimeRule& rule, unsigned work_bits);

/// Who is paid: the rule's hours and limits are kept. By rising id.
std::vector<Present> paid_of(std::vector<Present> all, const UptimeRule& rule);
/// The same as a list for terms: each account once, with a weight of 1 for each node that names it.
std::vector<Recipient> list_of(const std::vector<Present>& paid);

}  // namespace troupe::airdrop
