#pragma once
// The rule of runtime/crypto/README.md for valid signatures once more, by other means: Botan for the equation, and
// numbers of any size for the points. The oracle of the tests and of the fuzz target.
#include <botan/bigint.h>
#include <botan/ed25519.h>
#include <botan/pubkey.h>
#include <botan/reducer.h>
#include <botan/rng.h>

#include <algorithm>

#include "runtime/crypto/keys.hpp"

namespace troupe::tests {

/// The little-endian number of 32 bytes.
inline Botan::BigInt number_of(base::ByteView bytes) {
  base::Bytes big_endian(bytes.begin(), bytes.end());
  std::reverse(big_endian.begin(), big_endian.end());
  return {big_endian.data(), big_endian.size()};
}

/// The numbers of RFC 8032 5.1.
struct Curve {
  Botan::BigInt p = Botan::BigInt::power_of_2(255) - 19;
  Botan::BigInt order = Botan::BigInt::power_of_2(252) + Botan::BigInt("27742317777372353535851937790883648493");
  Botan::BigInt d{"37095705934669439343138083508754565189542113879843219016388785533085940283555"};
  Botan::Modular_Reducer mod{p};
};

inline const Curve& curve() {
  static const Curve made;
  return made;
}

/// Whether `point` has a y below p, and is not of small order if it is a point. Twice a point has y = 0 just if
/// d y^4 + 2 y^2 = 1; so the points whose order divides 8 are the ones with y (y^2 - 1) (d y^4 + 2 y^2 - 1) = 0.
inline bool large_and_canonical(base::ByteView point) {
  const Curve& c = curve();
  Botan::BigInt y = number_of(point);
  y.clear_bit(255);
  if (y >= c.p) return false;
  const Botan::BigInt square = c.mod.square(y);
  const Botan::BigInt fourth = c.mod.multiply(c.d, c.mod.square(square));
  const Botan::BigInt order_8 = c.mod.reduce(fourth + square + square + (c.p - 1));
  return c.mod.multiply(c.mod.multiply(y, c.mod.reduce(square + (c.p - 1))), order_8) != 0;
}

/// What Botan 2.19 verifies: the equation without the cofactor, and neither the range of S nor the order of points.
inline bool botan_verifies(const base::PublicKey& key, base::ByteView message, const crypto::Signature& signature) {
  try {
    const Botan::Ed25519_PublicKey botan_key(key.bytes.data(), key.bytes.size());
    Botan::PK_Verifier verifier(botan_key, "Pure");
    return verifier.verify_message(message.data(), message.size(), signature.bytes.data(), signature.bytes.size());
  } catch (const Botan::Exception&) {
    return false;
  }
}

inline bool rule_accepts(const base::PublicKey& key, base::ByteView message, const crypto::Signature& signature) {
  return number_of(signature.view().subspan(32)) < curve().order && large_and_canonical(key.view()) &&
         large_and_canonical(signature.view().first(32)) && botan_verifies(key, message, signature);
}

inline crypto::Signature botan_signature(const crypto::Seed& seed, base::ByteView message) {
  const Botan::Ed25519_PrivateKey key(Botan::secure_vector<std::uint8_t>(seed.bytes.begin(), seed.bytes.end()));
  Botan::Null_RNG none;
  Botan::PK_Signer signer(key, none, "Pure");
  return *crypto::Signature::from(signer.sign_message(message.data(), message.size(), none));
}

}  // namespace troupe::tests
