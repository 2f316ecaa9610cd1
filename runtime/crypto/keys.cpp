#include "runtime/crypto/keys.hpp"

#include <botan/mem_ops.h>
#include <sodium.h>

#include <algorithm>
#include <string_view>

#include "runtime/base/ensure.hpp"
#include "runtime/crypto/secret.hpp"
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

// The y of the eight points whose order divides 8, computed as [kOrder] times arbitrary points.
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

/// Returns whether `point` is the canonical encoding of its y, below the prime, and not a point of small order.
bool canonical_of_large_order(std::span<const std::uint8_t, 32> point) {
  Word256 y;
  std::ranges::copy(point, y.begin());
  y[31] &= 0x7f;  // without the sign of x
  return below(y.data(), kPrime) && std::ranges::find(kSmallOrder, y) == std::ranges::end(kSmallOrder);
}

struct Signed {
  std::string_view message;
  std::string_view signature;

  bool good_for(const base::PublicKey& key) const {
    const auto text = *base::Digest::from_hex(message);
    const auto bytes = *Signature::from_hex(signature);
    return crypto_sign_verify_detached(bytes.bytes.data(), text.bytes.data(), text.bytes.size(), key.bytes.data()) == 0;
  }
};

// Vectors 3 and 4 of Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020, table 6: one key and two messages.
// Key and R have components of small order, which cancel each other in the first; in the second they would only with a
// cofactor.
constexpr std::string_view kMixedKey = "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d";
constexpr Signed kCancelled{"9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
                            "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
                            "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009"};
constexpr Signed kLeftOver{"e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
                           "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
                           "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"};

/// Called before each use of libsodium. The first call initializes it and checks its equation, because it is loaded
/// when the program starts, and its sources after version 1.0.22 have the equation with the cofactor.
void make_ready() {
  static const bool ready = [] {
    base::ensure(sodium_init() >= 0, "libsodium starts");
    const auto key = *base::PublicKey::from_hex(kMixedKey);
    base::ensure(kCancelled.good_for(key) && !kLeftOver.good_for(key),
                 "libsodium verifies Ed25519 by the equation without the cofactor");
    return true;
  }();
  (void)ready;
}

}  // namespace

/// The seed and the public key, in libsodium's layout.
struct SecretKey::Bytes : Secret<struct SecretKeyTag, crypto_sign_SECRETKEYBYTES> {};

Seed::Seed(std::span<const std::uint8_t, 32> from) { std::ranges::copy(from, bytes.begin()); }
Seed::~Seed() { wipe(bytes); }

SecretKey::SecretKey(const Seed& seed) : bytes_(std::make_unique<Bytes>()) {
  make_ready();
  crypto_sign_seed_keypair(public_key_.bytes.data(), bytes_->bytes.data(), seed.bytes.data());
}

SecretKey SecretKey::generate(ports::Chance& chance) {
  Seed seed;
  chance.fill(seed.bytes);
  return SecretKey(seed);
}

SecretKey::~SecretKey() = default;
SecretKey::SecretKey(SecretKey&&) noexcept = default;
SecretKey& SecretKey::operator=(SecretKey&&) noexcept = default;

Signature SecretKey::sign(base::ByteView message) const {
  if (const SignatureScheme* const scheme = SignatureScheme::here()) return scheme->sign(public_key_, message);
  Signature out;
  crypto_sign_detached(out.bytes.data(), nullptr, message.data(), message.size(), bytes_->bytes.data());
  return out;
}

void SecretKey::copy_seed(Seed& out) const { std::copy_n(bytes_->bytes.begin(), out.bytes.size(), out.bytes.begin()); }

bool verify(const base::PublicKey& key, base::ByteView message, const Signature& signature) {
  if (const SignatureScheme* const scheme = SignatureScheme::here()) return scheme->sign(key, message) == signature;
  // libsodium 1.0.18 refuses the same, unless it was built with ED25519_COMPAT. But the rule is ours, so it is checked
  // here.
  const std::span<const std::uint8_t, 64> bytes = signature.bytes;
  if (!below(bytes.data() + 32, kOrder) || !usable(key) || !canonical_of_large_order(bytes.first<32>())) return false;
  make_ready();
  return crypto_sign_verify_detached(bytes.data(), message.data(), message.size(), key.bytes.data()) == 0;
}

bool usable(const base::PublicKey& key) { return canonical_of_large_order(key.bytes); }

void wipe(std::span<std::uint8_t> secret) { Botan::secure_scrub_memory(secret.data(), secret.size()); }

}  // namespace troupe::crypto
