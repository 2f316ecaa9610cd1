#pragma once
// The keys that two nodes share without exchanging a message, from the Ed25519 keys that are their identities.
//
// Source  RFC 7748 (X25519), RFC 8032 5.1.5 (the scalar of a seed), RFC 5869 (HKDF); sections in README.md, "Shared
//         keys of two nodes", with what the scheme does not protect against.
// Keys    HKDF-SHA256 of the X25519 secret, no salt, info "troupe-dgram-1" || the sender's key || the receiver's key:
//         one key for each direction.
// Safety  no forward secrecy: an attacker that learns a node's seed opens all earlier datagrams of that node.
// Speed   80 us for an agreement (Xeon). Keys are cached for each peer, and unknown nodes have a budget.
// Owner   an Agreement is constant, and safe from several threads at once.
#include <optional>

#include "runtime/base/ids.hpp"
#include "runtime/crypto/keys.hpp"
#include "runtime/crypto/seal.hpp"

namespace troupe::crypto {

/// The u of a point of curve25519, little-endian, as X25519 takes and gives it.
using MontgomeryU = base::FixedBytes<struct MontgomeryUTag, 32>;
using Scalar = Secret<struct ScalarTag, 32>;
using SharedSecret = Secret<struct SharedSecretTag, 32>;

/// The keys with which one node talks to another.
struct DatagramKeys {
  SealingKey send;
  OpeningKey receive;
};

/// The point of curve25519 for an Ed25519 key; nothing if the key is no point, not the canonical encoding of its y, or
/// of small order. The time depends on the key, which is public.
std::optional<MontgomeryU> montgomery_u(const base::PublicKey& key);

/// The scalar that belongs to the key of `seed`.
Scalar scalar_of(const Seed& seed);

/// X25519; nothing if the result is zeros, as it is for a `u` of small order.
std::optional<SharedSecret> x25519(const Scalar& scalar, const MontgomeryU& u);

/// HKDF-SHA256. An empty salt is 32 zeros. `out` has at most 8,160 bytes.
void hkdf_sha256(base::ByteView secret, base::ByteView salt, base::ByteView info, std::span<std::uint8_t> out);

class Agreement {
 public:
  explicit Agreement(const SecretKey& own);

  /// The keys shared with `peer`; nothing if `peer` is no valid key of a node.
  std::optional<DatagramKeys> with(const base::PublicKey& peer) const;

 private:
  Scalar scalar_;
  base::PublicKey own_;
};

}  // namespace troupe::crypto
