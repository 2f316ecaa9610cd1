#pragma once
// The right to speak for an address: its policy, and approvals by signers of it. And what is signed.
//
// Signed  domain || chain (32) || fork (4, little-endian) || content: what is signed for one kind of content, chain or
//         fork is nothing elsewhere.
#include <span>
#include <string_view>

#include "actors/chain/logic/ids.hpp"
#include "actors/chain/logic/place.hpp"
#include "actors/wallet/api.hpp"

namespace troupe::chain {

struct Authority {
  wallet::Policy policy;
  std::vector<wallet::Approval> approvals{};  ///< by rising key, at most wallet::kSignersMax

  friend bool operator==(const Authority&, const Authority&) = default;
};

base::Bytes signed_bytes(std::string_view domain, const ChainId& chain, Fork fork, base::ByteView content);

}  // namespace troupe::chain
