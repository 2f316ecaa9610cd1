#include "runtime/crypto/keys.hpp"

#include <botan/rng.h>
#include <doctest/doctest.h>

#include "runtime/crypto/rng.hpp"
#include "tests/runtime/crypto/memory_disk.hpp"
#include "tests/support.hpp"

using namespace troupe;
using crypto::SecretKey;
using crypto::Seed;
using crypto::Signature;

namespace {

struct Vector {
  const char* seed;
  const char* key;
  const char* message;
  const char* signature;
};

// RFC 8032 7.1, tests 1 to 3.
constexpr Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "5"
     "5141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "0"
     "0d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "0"
     "27beceea1ec40a"},
};

SecretKey key_of(const Vector& vector) {
  Seed seed;
  REQUIRE(base::parse_hex(vector.seed, seed.bytes));
  return SecretKey(seed);
}

}  // namespace

TEST_CASE("crypto: keys and signatures are those of RFC 8032") {
  for (const Vector& vector : kVectors) {
    const SecretKey key = key_of(vector);
    const auto message = test::bytes_of_hex(vector.message);
    CHECK(key.public_key().hex() == vector.key);
    CHECK(key.sign(message).hex() == vector.signature);
    CHECK(crypto::verify(key.public_key(), message, key.sign(message)));
  }
}

TEST_CASE("crypto: a changed bit anywhere makes a signature wrong") {
  const SecretKey key = key_of(kVectors[2]);
  const auto message = test::bytes_of_hex(kVectors[2].message);
  const Signature good = key.sign(message);
  for (std::size_t bit = 0; bit < 8 * Signature::kBytes; ++bit) {
    Signature bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    REQUIRE_FALSE(crypto::verify(key.public_key(), message, bad));
  }
  for (std::size_t bit = 0; bit < 8 * base::PublicKey::kBytes; ++bit) {
    base::PublicKey other = key.public_key();
    other.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    REQUIRE_FALSE(crypto::verify(other, message, good));
  }
  CHECK_FALSE(crypto::verify(key.public_key(), {}, good));
}

TEST_CASE("crypto: a second signature cannot be made of a first by adding the order of the group") {
  const SecretKey key = key_of(kVectors[0]);
  Signature forged = key.sign({});
  unsigned carry = 0;  // S + L, little-endian
  const auto order = test::bytes_of_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  for (std::size_t i = 0; i < 32; ++i) {
    carry += forged.bytes[32 + i] + order[i];
    forged.bytes[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  REQUIRE(carry == 0);
  CHECK_FALSE(crypto::verify(key.public_key(), {}, forged));
}

TEST_CASE("crypto: keys of small order, for which one signature fits many messages, are refused") {
  // With the neutral element as key and R, and S = 0, RFC 8032's equation holds for every message.
  const auto neutral = *base::PublicKey::from_hex("0100000000000000000000000000000000000000000000000000000000000000");
  Signature universal;
  universal.bytes[0] = 1;
  CHECK_FALSE(crypto::verify(neutral, base::as_bytes("anything"), universal));
  for (const char* key : {"0100000000000000000000000000000000000000000000000000000000000080",  // sign bit set
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // p + 1: not canonical
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"})
    CHECK_FALSE(crypto::verify(*base::PublicKey::from_hex(key), base::as_bytes("anything"), universal));
}

TEST_CASE("crypto: bytes that are no point of the curve are refused as a key") {
  const auto no_point = *base::PublicKey::from_hex("0200000000000000000000000000000000000000000000000000000000000000");
  CHECK_FALSE(crypto::verify(no_point, {}, Signature{}));
}

TEST_CASE("crypto: a generated key replays with its chance, and its seed makes it again") {
  tests::SeededChance first(7), again(7), other(8);
  const SecretKey key = SecretKey::generate(first);
  CHECK(key.public_key() == SecretKey::generate(again).public_key());
  CHECK(key.public_key() != SecretKey::generate(other).public_key());
  Seed seed;
  key.copy_seed(seed);
  CHECK(SecretKey(seed).public_key() == key.public_key());
}

TEST_CASE("crypto: Botan draws from the chance of the node and from nothing else") {
  tests::SeededChance first(7), again(7);
  const crypto::Rng one(first), two(again);
  base::Bytes a(100), b(100);
  const base::Bytes extra{1, 2, 3};
  one.botan().randomize(a.data(), a.size());
  two.botan().randomize_with_input(b.data(), b.size(), extra.data(), extra.size());
  CHECK(a == b);
  one.botan().randomize_with_ts_input(a.data(), a.size());
  two.botan().add_entropy(extra.data(), extra.size());
  two.botan().randomize(b.data(), b.size());
  CHECK(a == b);
}
