#pragma once
// A party of `troupe bench escrow`, with a public key that is derived from its name.
#include "actors/escrow/codec.hpp"
#include "actors/wallet/codec.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::bench {

struct Purse {
  explicit Purse(const std::string& name)
      : key([&] {
          crypto::Seed seed;
          seed.bytes = crypto::sha256(base::as_bytes(name)).bytes;
          return crypto::SecretKey(seed);
        }()),
        policy(wallet::Policy::of_key(key.public_key())) {}

  wallet::Approval sign(base::ByteView bytes) const { return {key.public_key(), key.sign(bytes)}; }
  void write(wallet::wire::SignedTransfer::Builder out, const wallet::Transfer& transfer) const {
    const auto approval = sign(wallet::encode(transfer));
    wallet::write(out, transfer, policy, std::span(&approval, 1));
  }
  void write(escrow::wire::SignedAct::Builder out, const escrow::Act& act) const {
    const base::Bytes bytes = escrow::encode(act);
    const auto approval = sign(bytes);
    escrow::write(out, bytes, policy, std::span(&approval, 1));
  }

  crypto::SecretKey key;
  wallet::Policy policy;
  std::uint64_t debits = 0;
};

}  // namespace troupe::bench
