#include "runtime/crypto/agreement.hpp"

#include <botan/bigint.h>
#include <botan/curve25519.h>
#include <botan/kdf.h>
#include <botan/numthry.h>
#include <botan/reducer.h>
#include <botan/sha2_64.h>

#include <algorithm>
#include <string_view>

#include "runtime/base/ensure.hpp"

namespace troupe::crypto {
namespace {

using Botan::BigInt;

constexpr std::string_view kInfoPrefix = "troupe-dgram-1";
constexpr std::size_t kHashBytes = 32;

/// Arithmetic in the field of both curves, and the constant of the Edwards curve (RFC 8032 5.1).
struct Field {
  BigInt p = BigInt::power_of_2(255) - 19;
  BigInt d{"37095705934669439343138083508754565189542113879843219016388785533085940283555"};
  Botan::Modular_Reducer mod{p};

  BigInt times(const BigInt& a, const BigInt& b) const { return mod.multiply(a, b); }
};

const Field& field() {
  static const Field made;
  return made;
}

/// Returns the y of an Ed25519 key, without the sign of x.
BigInt y_of(const base::PublicKey& key) {
  auto big_endian = key.bytes;
  std::ranges::reverse(big_endian);
  big_endian[0] &= 0x7f;
  return {big_endian.data(), big_endian.size()};
}

MontgomeryU little_endian(const BigInt& u) {
  MontgomeryU out;
  u.binary_encode(out.bytes.data(), out.bytes.size());
  std::ranges::reverse(out.bytes);
  return out;
}

/// Returns the key with which `receiver` opens datagrams that `sender` sealed.
template <class Key>
Key derive(const SharedSecret& secret, const base::PublicKey& sender, const base::PublicKey& receiver) {
  std::array<std::uint8_t, kInfoPrefix.size() + 2 * base::PublicKey::kBytes> info;
  auto end = std::ranges::copy(base::as_bytes(kInfoPrefix), info.begin()).out;
  end = std::ranges::copy(sender.bytes, end).out;
  std::ranges::copy(receiver.bytes, end);
  Key key;
  hkdf_sha256(secret.bytes, {}, info, key.bytes);
  return key;
}

}  // namespace

/// On the Edwards curve x^2 = (y^2 - 1) / (d y^2 + 1), and u = (1 + y) / (1 - y). One power decides whether x exists
/// and also does the division. Let w = (y^2 - 1)(d y^2 + 1), which is a square if and only if x^2 is. With e =
/// w^((p-3)/2), the product w e is 1 if and only if w is a square other than 0 (Euler's criterion). Then e = 1 / w, and
/// 1 / (y - 1) = (y + 1)(d y^2 + 1) e.
std::optional<MontgomeryU> montgomery_u(const base::PublicKey& key) {
  if (!usable(key)) return std::nullopt;
  const Field& f = field();
  const BigInt y = y_of(key);
  const BigInt y_squared = f.times(y, y);
  const BigInt below = f.times(f.d, y_squared) + 1;
  const BigInt w = f.times(f.mod.reduce(y_squared + f.p - 1), f.mod.reduce(below));
  const BigInt e = Botan::power_mod(w, (f.p - 3) / 2, f.p);
  if (f.times(w, e) != 1) return std::nullopt;
  const BigInt above = f.mod.reduce(y + 1);
  const BigInt minus_u = f.times(f.times(above, above), f.times(f.mod.reduce(below), e));
  return little_endian(f.p - minus_u);
}

Scalar scalar_of(const Seed& seed) {
  Botan::SHA_512 hash;
  hash.update(seed.bytes.data(), seed.bytes.size());
  const Botan::secure_vector<std::uint8_t> digest = hash.final();
  Scalar out;
  std::copy_n(digest.begin(), Scalar::kBytes, out.bytes.begin());
  out.bytes[0] &= 0xf8;
  out.bytes[31] = static_cast<std::uint8_t>((out.bytes[31] & 0x7f) | 0x40);
  return out;
}

std::optional<SharedSecret> x25519(const Scalar& scalar, const MontgomeryU& u) {
  SharedSecret out;
  Botan::curve25519_donna(out.bytes.data(), scalar.bytes.data(), u.bytes.data());
  std::uint8_t any = 0;  // without a branch per byte, because they are secret
  for (const std::uint8_t byte : out.bytes) any = static_cast<std::uint8_t>(any | byte);
  if (any == 0) return std::nullopt;
  return out;
}

void hkdf_sha256(base::ByteView secret, base::ByteView salt, base::ByteView info, std::span<std::uint8_t> out) {
  base::ensure(out.size() <= 255 * kHashBytes, "HKDF gives at most 255 hashes");
  const auto hkdf = Botan::KDF::create_or_throw("HKDF(SHA-256)");
  const auto made =
      hkdf->derive_key(out.size(), secret.data(), secret.size(), salt.data(), salt.size(), info.data(), info.size());
  std::ranges::copy(made, out.begin());
}

Agreement::Agreement(const SecretKey& own) : own_(own.public_key()) {
  Seed seed;
  own.copy_seed(seed);
  scalar_ = scalar_of(seed);
}

std::optional<DatagramKeys> Agreement::with(const base::PublicKey& peer) const {
  const auto u = montgomery_u(peer);
  if (!u) return std::nullopt;
  const auto secret = x25519(scalar_, *u);
  if (!secret) return std::nullopt;
  return DatagramKeys{derive<SealingKey>(*secret, own_, peer), derive<OpeningKey>(*secret, peer, own_)};
}

}  // namespace troupe::crypto
