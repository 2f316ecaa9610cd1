#pragma once
// The right to act for an address: its policy, with approvals by its signers. Also the bytes that they sign.
//
// Signed  domain || chain (32) || fork (4, little-endian) || content. So a signature for one kind of content, chain or
//         fork is invalid for every other.
#include <span>
#include <string_view>

#include "actors/chain/logic/ids.hpp"
#include "actors/chain/logic/place.hpp"
#include "actors/wallet/api.hpp"

namespace troupe::chain {

static_assert(wallet::kSignersMax == 16, "a rule of consensus: which addresses can approve depends on it");

struct Authority {
  wallet::Policy policy;
  std::vector<wallet::Approval> approvals{};  ///< sorted by key; as many as the policy's threshold

  friend bool operator==(const Authority&, const Authority&) = default;
};

/// Whether the policy belongs to the address, and the approvals are valid, sorted by key, and exactly as many as the
/// threshold. An id does not cover approvals: if their number were free, any relay could change the size of a
/// transaction.
bool speaks_for(const Authority& authority, const wallet::Address& address, base::ByteView message);

base::Bytes signed_bytes(std::string_view domain, const ChainId& chain, Fork fork, base::ByteView content);

}  // namespace troupe::chain
