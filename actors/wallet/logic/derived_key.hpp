#pragma once
// Ed25519 keys that follow from a seed and a path of hardened steps.
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

/// The node at the end of the path from the root of `seed`, which has 16 to 64 bytes. Each step is an index below 2^31,
/// and is hardened: Ed25519 knows no others.
DerivedKey derive(base::ByteView seed, std::initializer_list<std::uint32_t> path);

/// The key of a wallet.
crypto::SecretKey wallet_key(const Mnemonic& words);

}  // namespace troupe::wallet
