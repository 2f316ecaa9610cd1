#include "runtime/crypto/agreement.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <string>

#include "runtime/base/ensure.hpp"
#include "tests/runtime/crypto/memory_disk.hpp"
#include "tests/support.hpp"

using namespace troupe;
using crypto::Agreement;
using crypto::MontgomeryU;
using crypto::Scalar;
using crypto::SecretKey;
using crypto::Seed;

namespace {

// RFC 8032 7.1, tests 1 and 2.
constexpr const char* kSeed1 = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
constexpr const char* kKey1 = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
constexpr const char* kSeed2 = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
constexpr const char* kKey2 = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";

constexpr const char* kBaseU = "0900000000000000000000000000000000000000000000000000000000000000";

Scalar scalar(std::string_view hex) {
  Scalar out;
  REQUIRE(base::parse_hex(hex, out.bytes));
  return out;
}

MontgomeryU u(std::string_view hex) { return MontgomeryU::from_hex(hex).value(); }
base::PublicKey key(std::string_view hex) { return base::PublicKey::from_hex(hex).value(); }

void seed_of(std::string_view hex, Seed& out) { REQUIRE(base::parse_hex(hex, out.bytes)); }

SecretKey secret_key(std::string_view hex) {
  Seed seed;
  seed_of(hex, seed);
  return SecretKey(seed);
}

/// A little-endian number of 32 bytes.
base::PublicKey number(int lowest) {
  base::PublicKey out;
  out.bytes[0] = static_cast<std::uint8_t>(lowest);
  return out;
}

}  // namespace

TEST_CASE("crypto: X25519 is that of RFC 7748") {
  struct Vector {
    const char* scalar;
    const char* u;
    const char* out;
  };
  constexpr Vector kVectors[] = {
      // 5.2; the second u has its unused bit set
      {"a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
       "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
       "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"},
      {"4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
       "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
       "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"},
      // 5.2, once iterated
      {kBaseU, kBaseU, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"},
      // 6.1: Alice's and Bob's public keys, and what they share
      {"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a", kBaseU,
       "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"},
      {"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", kBaseU,
       "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"},
      {"77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
       "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
       "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
      {"5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
       "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
       "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"},
  };
  for (const Vector& vector : kVectors) {
    const auto shared = crypto::x25519(scalar(vector.scalar), u(vector.u));
    REQUIRE(shared.has_value());
    CHECK(base::hex(shared->bytes) == vector.out);
  }
}

TEST_CASE("crypto: X25519 iterated a thousand times is that of RFC 7748 5.2") {
  Scalar k = scalar(kBaseU);
  MontgomeryU point = u(kBaseU);
  for (int i = 0; i < 1000; ++i) {
    const auto next = crypto::x25519(k, point);
    REQUIRE(next.has_value());
    point.bytes = k.bytes;
    k.bytes = next->bytes;
  }
  CHECK(base::hex(k.bytes) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("crypto: a shared secret of zeros is refused, which each u of small order gives") {
  const Scalar k = scalar("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  // The orders 4, 1, 8, 8 and 2, then p and p + 1 (cr.yp.to/ecdh.html, "How do I validate Curve25519 public keys?").
  for (const char* small : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"})
    CHECK_FALSE(crypto::x25519(k, u(small)).has_value());
}

TEST_CASE("crypto: HKDF is that of RFC 5869") {
  base::Bytes out(42);
  crypto::hkdf_sha256(base::Bytes(22, 0x0b), test::bytes_of_hex("000102030405060708090a0b0c"),
                      test::bytes_of_hex("f0f1f2f3f4f5f6f7f8f9"),
                      out);  // A.1
  CHECK(base::hex(out) == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  crypto::hkdf_sha256(base::Bytes(22, 0x0b), {}, {}, out);  // A.3
  CHECK(base::hex(out) == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  base::Bytes too_long(255 * 32 + 1);
  CHECK_THROWS_AS(crypto::hkdf_sha256({}, {}, {}, too_long), base::InvariantBroken);
}

TEST_CASE("crypto: the map takes Ed25519's base point to X25519's") {
  // RFC 8032 5.1 (y = 4/5) and RFC 7748 4.1 (u = 9); either sign of x.
  CHECK(crypto::montgomery_u(key("5866666666666666666666666666666666666666666666666666666666666666")) == u(kBaseU));
  CHECK(crypto::montgomery_u(key("58666666666666666666666666666666666666666666666666666666666666e6")) == u(kBaseU));
}

TEST_CASE("crypto: keys map to what Python's integers make of them") {
  // Computed apart from this code: x recovered by RFC 8032 5.1.3, u = (1 + y) * pow(1 - y, p - 2, p) % p, and a ladder
  // typed from RFC 7748 5 in Python, by which [scalar] 9 is the same u.
  CHECK(crypto::montgomery_u(key(kKey1)) == u("d85e07ec22b0ad881537c2f44d662d1a143cf830c57aca4305d85c7a90f6b62e"));
  CHECK(crypto::montgomery_u(key(kKey2)) == u("25c704c594b88afc00a76b69d1ed2b984d7e22550f3ed0802d04fbcd07d38d47"));
  Seed seed;
  seed_of(kSeed1, seed);
  CHECK(base::hex(crypto::scalar_of(seed).bytes) == "307c83864f2833cb427a2ef1c00a013cfdff2768d980c0a3a520f006904de94f");
}

TEST_CASE("crypto: a key that is no point, not canonical or of small order is refused") {
  for (const int none : {2, 7, 8, 11, 12, 13, 17, 20, 22}) {  // no x, by RFC 8032 5.1.3 in Python
    CHECK_FALSE(crypto::montgomery_u(number(none)).has_value());
  }
  for (const int some : {3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 19, 21}) {
    CHECK(crypto::montgomery_u(number(some)).has_value());
  }
  for (const char* bad : {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000080",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
                          "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p + 3
                          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"})
    CHECK_FALSE(crypto::montgomery_u(key(bad)).has_value());
}

TEST_CASE("crypto: the keys of two nodes are golden, one for each direction") {
  // By Python: the ladder above, then HKDF from hmac.new(…, "sha256").
  constexpr const char* k1To2 = "f217f07cb7322ae7c291a142d94959a05b6310e8c7fa6e8b3e5cb5af88143f56";
  constexpr const char* k2To1 = "4371e0b2b2303f81fef3d6f5a02e0c4c3a917aa69add4a353d9af5bb3b879dce";
  const auto first = Agreement(secret_key(kSeed1)).with(key(kKey2));
  const auto second = Agreement(secret_key(kSeed2)).with(key(kKey1));
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(base::hex(first->send.bytes) == k1To2);
  CHECK(base::hex(second->receive.bytes) == k1To2);
  CHECK(base::hex(first->receive.bytes) == k2To1);
  CHECK(base::hex(second->send.bytes) == k2To1);
}

TEST_CASE("crypto: any two nodes share keys, and the map agrees with the scalar") {
  const bool held = rc::check([] {
    tests::SeededChance chance(*rc::gen::arbitrary<std::uint64_t>());
    const SecretKey one = SecretKey::generate(chance);
    const SecretKey two = SecretKey::generate(chance);
    const auto ours = Agreement(one).with(two.public_key());
    const auto theirs = Agreement(two).with(one.public_key());
    RC_ASSERT(ours.has_value());
    RC_ASSERT(theirs.has_value());
    RC_ASSERT(ours->send.bytes == theirs->receive.bytes);
    RC_ASSERT(ours->receive.bytes == theirs->send.bytes);
    RC_ASSERT(ours->send.bytes != ours->receive.bytes);

    Seed seed;
    one.copy_seed(seed);
    const auto by_scalar = crypto::x25519(crypto::scalar_of(seed), u(kBaseU));
    RC_ASSERT(by_scalar->bytes == crypto::montgomery_u(one.public_key())->bytes);
  });
  CHECK(held);
}

TEST_CASE("crypto: any 32 bytes are refused or agreed on, and half of them are no points") {
  int points = 0;
  tests::SeededChance chance(1);
  const Agreement agreement(secret_key(kSeed1));
  for (int i = 0; i < 200; ++i) {
    base::PublicKey random;
    chance.fill(random.bytes);
    points += agreement.with(random).has_value() ? 1 : 0;
  }
  CHECK(points > 70);
  CHECK(points < 130);
}
