#pragma once
// The rows of airdrops, as durable::Storage keeps them.
//
// Keys    'h' id: the state; 't' id: the terms, the owner's signature, and the deposit; 'p' id, page: a page of
//         the list; 'o' id, index: what was objected to a recipient; 'u' id: it has not ended, with its owner; 'n'
//         owner, nonce: which airdrop has these; 'x' id, sender: what came beside the pool; 'w' id: some of that
//         has not gone back, and when it does. Numbers in keys are big-endian.
#include "actors/airdrop/logic/airdrop.hpp"
#include "actors/wallet/words.hpp"

namespace troupe::airdrop::rows {

inline constexpr const char* kKeyspace = "airdrop";

inline base::Bytes prefix(char of) { return {static_cast<std::uint8_t>(of)}; }
base::Bytes key(char of, const AirdropId& id);
base::Bytes numbered_key(char of, const AirdropId& id, std::uint64_t number);
base::Bytes stray_key(const AirdropId& id, const Address& from);
base::Bytes nonce_key(const Terms& terms);

inline constexpr UnixMs kOwingWaitMax = std::chrono::hours(1);  // as wallet::strays_wait()
/// The row 'w': what came beside the pool goes back then; 0: now.
base::Bytes owing_row(UnixMs due);
/// When it goes back. Nothing: now, as with a row of an earlier version, and where the date was set back meanwhile.
std::optional<UnixMs> waits_until(base::ByteView owing_row, UnixMs now);

/// What an airdrop began with.
struct Founding {
  Terms terms;
  wallet::Approval by;
  wallet::SignedBytes deposit;  ///< a transfer
};
base::Bytes encode(const Founding& founding);
std::optional<Founding> decode_founding(base::ByteView bytes);

}  // namespace troupe::airdrop::rows
