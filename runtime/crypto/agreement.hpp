#pragma once
// The keys that two nodes share without a message between them, from the Ed25519 keys which are their identities.
//
// Source  RFC 7748 4.1 (from Ed25519's curve to X25519's), 5 (X25519), 6.1 (a result of zeros is refused); RFC 8032
//         5.1.5 (the scalar of a seed); RFC 5869 (HKDF).
// Keys    HKDF-SHA256 of the X25519 secret, no salt, info "troupe-dgram-1" || the sender's key || the receiver's key:
//         one for each direction.
// Safety  no forward secrecy: whoever learns the seed of either node can open what was sealed before. A key and its
//         negative share a secret, and so does a key with a part of small order; their owner is the same, and as the
//         info has the keys as they were given, what is sealed for one of them does not open as another's. Whoever
//         learns our seed can also pretend to be anybody to us, as the keys of both sides are for ever. The sender's
//         key travels in clear: who sees datagrams sees who talks to whom.
// Speed   80 us an agreement (Xeon), half of it X25519. Nearly all of the rest maps the key by Botan's BigInt; it could
//         be a tenth with arithmetic of our own, but keys are cached for each peer, and strangers have a budget.
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

/// What one node needs to talk to one other.
struct DatagramKeys {
  SealingKey send;
  OpeningKey receive;
};

/// The other curve's point for an Ed25519 key, or nothing if that is no point, not the one encoding of its y, or of
/// small order. Takes a time that depends on the key, which is public.
std::optional<MontgomeryU> montgomery_u(const base::PublicKey& key);

/// The scalar by which a key of this seed multiplies.
Scalar scalar_of(const Seed& seed);

/// X25519; nothing if the result is zeros, as it is for a `u` of small order.
std::optional<SharedSecret> x25519(const Scalar& scalar, const MontgomeryU& u);

/// HKDF-SHA256. An empty salt is 32 zeros. `out` has at most 8,160 bytes.
void hkdf_sha256(base::ByteView secret, base::ByteView salt, base::ByteView info, std::span<std::uint8_t> out);

class Agreement {
 public:
  explicit Agreement(const SecretKey& own);

  /// The keys shared with `peer`; nothing if that is no key which a node can have.
  std::optional<DatagramKeys> with(const base::PublicKey& peer) const;

 private:
  Scalar scalar_;
  base::PublicKey own_;
};

}  // namespace troupe::crypto
