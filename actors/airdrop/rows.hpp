#pragma once
// The rows of airdrops, as durable::Storage keeps them.
//
// Keys    'h' id: the state; 't' id: the terms, the owner's signature, and the deposit; 'p' id, page: a page of the
//         list; 'o' id, index: the objections to a recipient; 'u' id: the owner of an airdrop that has not ended; 'n'
//         owner, nonce: the airdrop with this nonce. Numbers in keys are big-endian.
#include "actors/airdrop/logic/airdrop.hpp"
#include "actors/wallet/codec.hpp"

namespace troupe::airdrop::rows {

inline constexpr const char* kKeyspace = "airdrop";

inline base::Bytes prefix(char of) { return {static_cast<std::uint8_t>(of)}; }
base::Bytes key(char of, const AirdropId& id);
base::Bytes numbered_key(char of, const AirdropId& id, std::uint64_t number);
base::Bytes nonce_key(const Terms& terms);

/// The data with which an airdrop is created.
struct Founding {
  Terms terms;
  wallet::Approval by;
  wallet::SignedBytes deposit;  ///< a signed transfer
};
base::Bytes encode(const Founding& founding);
std::optional<Founding> decode_founding(base::ByteView bytes);

}  // namespace troupe::airdrop::rows
