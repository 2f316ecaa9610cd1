#pragma once
// The keys that two nodes share without exchanging a message, from the Ed25519 keys that are their identities.
//
// Source  RFC 7748 (X25519), RFC 8032 5.1.5 (the scalar of a seed), RFC 5869 (HKDF); README.md, "Shared keys of two
//         nodes", has the sections, and what the scheme does not protect against.
// Keys    HKDF-SHA256 of the X25519 secret, no salt, info "troupe-dgram-1" || the sender's key || the receiver's key:
//         one key for each direction.
// Safety  No forward secrecy: an attacker that learns a node's seed can open all earlier datagrams of that node.
// Speed   80 us per agreement (Xeon). Keys are cached for each peer, and a budget limits agreements with unknown nodes.
// Owner   An Agreement is constant, and safe from several threads at once.
#include <optional>

#include "runtime/base/ids.hpp"
#include "runtime/crypto/keys.hpp"
#include "runtime/crypto/seal.hpp"

namespace troupe::crypto {

/// The u-coordinate of a point of curve25519, little-endian: input and output of X25519.
using MontgomeryU = base::FixedBytes<struct MontgomeryUTag, 32>;
using Scalar = Secret<struct ScalarTag, 32>;
using SharedSecret = Secret<struct SharedSecretTag, 32>;

/// The keys between two nodes, one for each direction.
struct DatagramKeys {
  SealingKey send;
  OpeningKey receive;
};

/// Returns the point of curve25519 for an Ed25519 key, or nullopt if the key is not a point, is not the canonical
/// encoding of its y, or has small order. The time depends on the key, which is public.
std::optional<MontgomeryU> montgomery_u(const base::PublicKey& key);

/// Returns the scalar of the key with this `seed`.
Scalar scalar_of(const Seed& seed);

/// Computes X25519; returns nullopt if the result is zero, as for a `u` of small order.
std::optional<SharedSecret> x25519(const Scalar& scalar, const MontgomeryU& u);

/// Computes HKDF-SHA256 into `out`, which has at most 8,160 bytes. An empty salt means 32 zeros.
void hkdf_sha256(base::ByteView secret, base::ByteView salt, base::ByteView info, std::span<std::uint8_t> out);

class Agreement {
 public:
  explicit Agreement(const SecretKey& own);

  /// Returns the keys shared with `peer`, or nullopt if `peer` is not a valid key of a node.
  std::optional<DatagramKeys> with(const base::PublicKey& peer) const;

 private:
  Scalar scalar_;
  base::PublicKey own_;
};

}  // namespace troupe::crypto
