#include "runtime/crypto/keys.hpp"

#include <botan/ed25519.h>
#include <botan/mem_ops.h>
#include <botan/pubkey.h>
#include <botan/rng.h>

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "runtime/crypto/signature_scheme.hpp"

namespace troupe::crypto {
namespace {

using Word256 = std::array<std::uint8_t, 32>;  // little-endian

// The order of the group, RFC 8032 5.1: 2^252 + 27742317777372353535851937790883648493.
constexpr Word256 kOrder{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                         0xa2, 0xde, 0xf9, 0xde, 0x14, 0,    0,    0,    0,    0,    0,
                         0,    0,    0,    0,    0,    0,    0,    0,    0,    0x10};

// The prime of the field, RFC 8032 5.1: 2^255 - 19.
constexpr Word256 kPrime{0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                         0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};

// The y of the eight points whose order divides 8, found as [kOrder] times arbitrary points.
constexpr Word256 kSmallOrder[] = {
    {0},
    {1},
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

bool below(const std::uint8_t* number, const Word256& bound) {
  return std::lexicographical_compare(std::reverse_iterator(number + 32), std::reverse_iterator(number), bound.rbegin(),
                                      bound.rend());
}

Botan::secure_vector<std::uint8_t> to_secure(const Seed& seed) { return {seed.bytes.begin(), seed.bytes.end()}; }

}  // namespace

Seed::Seed(std::span<const std::uint8_t, 32> from) { std::ranges::copy(from, bytes.begin()); }
Seed::~Seed() { wipe(bytes); }

SecretKey::SecretKey(const Seed& seed) : key_(std::make_unique<Botan::Ed25519_PrivateKey>(to_secure(seed))) {
  std::ranges::copy(key_->get_public_key(), public_key_.bytes.begin());
}

SecretKey SecretKey::generate(ports::Chance& chance) {
  Seed seed;
  chance.fill(seed.bytes);
  return SecretKey(seed);
}

SecretKey::~SecretKey() = default;  // Botan keeps the secret in memory that it wipes
SecretKey::SecretKey(SecretKey&&) noexcept = default;
SecretKey& SecretKey::operator=(SecretKey&&) noexcept = default;

Signature SecretKey::sign(base::ByteView message) const {
  if (const SignatureScheme* const scheme = SignatureScheme::here()) return scheme->sign(public_key_, message);
  Botan::Null_RNG none;  // RFC 8032 signatures draw no randomness
  Botan::PK_Signer signer(*key_, none, "Pure");
  const auto made = signer.sign_message(message.data(), message.size(), none);
  const auto signature = Signature::from(made);
  base::ensure(signature.has_value(), "an Ed25519 signature has 64 bytes");
  return *signature;
}

void SecretKey::copy_seed(Seed& out) const {
  // The private key is kept as seed and public key, 32 bytes each.
  std::copy_n(key_->get_private_key().begin(), out.bytes.size(), out.bytes.begin());
}

bool verify(const base::PublicKey& key, base::ByteView message, const Signature& signature) {
  if (const SignatureScheme* const scheme = SignatureScheme::here()) return scheme->sign(key, message) == signature;
  // Botan 2.19.3 checks neither; RFC 8032 5.1.7 demands the first.
  if (!below(signature.bytes.data() + 32, kOrder) || !usable(key)) return false;
  try {
    const Botan::Ed25519_PublicKey botan_key(key.bytes.data(), key.bytes.size());
    Botan::PK_Verifier verifier(botan_key, "Pure");
    return verifier.verify_message(message.data(), message.size(), signature.bytes.data(), signature.bytes.size());
  } catch (const Botan::Exception&) {
    return false;
  }
}

bool usable(const base::PublicKey& key) {
  Word256 y = key.bytes;
  y[31] &= 0x7f;  // without the sign of x
  return below(y.data(), kPrime) && std::ranges::find(kSmallOrder, y) == std::ranges::end(kSmallOrder);
}

void wipe(std::span<std::uint8_t> secret) { Botan::secure_scrub_memory(secret.data(), secret.size()); }

}  // namespace troupe::crypto
