#pragma once
// Derives Ed25519 keys from a seed and a path of hardened steps.
//
// Source  SLIP-0010, its part for ed25519. Path of a wallet: m/44'/7631471'/0'; 7631471 is "tro" in ASCII.
#include <initializer_list>

#include "actors/wallet/logic/mnemonic.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::wallet {

/// A node of SLIP-0010's tree.
struct DerivedKey {
  crypto::Secret<struct DerivedSeedTag, 32> seed;  ///< of the Ed25519 key
  crypto::Secret<struct ChainCodeTag, 32> chain;
};

/// Returns the node at the end of the path from the root of `seed`, which has 16 to 64 bytes. Each step is an index
/// below 2^31 and is hardened, because Ed25519 has only hardened steps.
DerivedKey derive(base::ByteView seed, std::initializer_list<std::uint32_t> path);

/// Returns the key of a wallet.
crypto::SecretKey wallet_key(const Mnemonic& words);

}  // namespace troupe::wallet
