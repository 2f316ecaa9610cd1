#include <doctest/doctest.h>
#include <sodium.h>

#include <vector>

#include "runtime/base/random.hpp"
#include "tests/runtime/crypto/signature_rule.hpp"
#include "tests/support.hpp"

using namespace troupe;
using base::PublicKey;
using crypto::Signature;

namespace {

struct Claim {
  PublicKey key;
  base::Bytes message;
  Signature signature;
};

bool sodium_verifies(const Claim& claim) {
  return crypto_sign_verify_detached(claim.signature.bytes.data(), claim.message.data(), claim.message.size(),
                                     claim.key.bytes.data()) == 0;
}

bool verified(const Claim& claim) { return crypto::verify(claim.key, claim.message, claim.signature); }

/// Whether the claim is valid; that does not depend on who says so.
bool agreed(const Claim& claim) {
  const bool valid = verified(claim);
  REQUIRE(valid == tests::rule_accepts(claim.key, claim.message, claim.signature));
  REQUIRE(valid == sodium_verifies(claim));
  return valid;
}

/// The eight points whose order divides 8, and the other encodings of them: y + p where that fits, and the neutral
/// element and its double with a sign that x = 0 does not have.
constexpr const char* kSmallPoints[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    // not canonical
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
constexpr std::size_t kSmallCanonical = 8;

using Number = std::array<std::uint8_t, 32>;  // little-endian, modulo the order of the group

/// Draws of the mutations.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_.below(bound); }
  std::uint8_t byte() { return static_cast<std::uint8_t>(random_.next()); }
  void fill(std::span<std::uint8_t> out) {
    for (std::uint8_t& each : out) each = byte();
  }
  base::Bytes message() {
    base::Bytes out(below(200));
    fill(out);
    return out;
  }
  Number scalar() {
    std::array<std::uint8_t, 64> wide;
    fill(wide);
    Number out;
    crypto_core_ed25519_scalar_reduce(out.data(), wide.data());
    return out;
  }
  Number small_point(std::size_t among) {
    Number out;
    REQUIRE(base::parse_hex(kSmallPoints[below(among)], out));
    return out;
  }

 private:
  base::Random random_;
};

using Signer = crypto::SecretKey;

/// Signers of which Botan makes the same signatures.
std::vector<Signer> signers_of(Draw& draw) {
  std::vector<Signer> out;
  for (std::size_t i = 0; i < 64; ++i) {
    crypto::Seed seed;
    draw.fill(seed.bytes);
    out.emplace_back(seed);
    const base::Bytes message = draw.message();
    REQUIRE(out.back().sign(message) == tests::botan_signature(seed, message));
  }
  return out;
}

Claim honest(const Signer& signer, Draw& draw) {
  Claim out{signer.public_key(), draw.message(), {}};
  out.signature = signer.sign(out.message);
  return out;
}

Number times_base(const Number& scalar) {
  Number out;
  REQUIRE(crypto_scalarmult_ed25519_base_noclamp(out.data(), scalar.data()) == 0);
  return out;
}

Number sum(const Number& a, const Number& b) {
  Number out;
  REQUIRE(crypto_core_ed25519_add(out.data(), a.data(), b.data()) == 0);
  return out;
}

/// The work of a signer that knows its scalar, and adds points of small order to its key and to R, or has R of small
/// order alone. By the equation with the cofactor each is good; by the rule, about one in ten.
Claim crafted(Draw& draw) {
  const Number secret = draw.scalar();
  const bool small_r = draw.below(4) == 0;
  const Number once = small_r ? Number{} : draw.scalar();
  const Number of_key = draw.small_point(kSmallCanonical), of_r = draw.small_point(kSmallCanonical);
  const Number key = sum(times_base(secret), of_key);
  const Number r = small_r ? of_r : sum(times_base(once), of_r);
  Claim out{PublicKey{key}, draw.message(), {}};
  std::array<std::uint8_t, 64> hash;
  crypto_hash_sha512_state state;
  crypto_hash_sha512_init(&state);
  crypto_hash_sha512_update(&state, r.data(), r.size());
  crypto_hash_sha512_update(&state, key.data(), key.size());
  crypto_hash_sha512_update(&state, out.message.data(), out.message.size());
  crypto_hash_sha512_final(&state, hash.data());
  Number k, s;
  crypto_core_ed25519_scalar_reduce(k.data(), hash.data());
  crypto_core_ed25519_scalar_mul(s.data(), k.data(), secret.data());
  crypto_core_ed25519_scalar_add(s.data(), s.data(), once.data());
  std::ranges::copy(r, out.signature.bytes.begin());
  std::ranges::copy(s, out.signature.bytes.begin() + 32);
  return out;
}

/// Adds the order of the group to a number below it.
void add_order(std::span<std::uint8_t, 32> number) {
  const auto order = test::bytes_of_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  sodium_add(number.data(), order.data(), order.size());
}

/// Changes one field of 32 bytes: a bit, a byte, all of it, its sign or highest bits, or into an edge case.
void mutate_field(std::span<std::uint8_t, 32> field, Draw& draw) {
  switch (draw.below(7)) {
    case 0: field[draw.below(32)] ^= static_cast<std::uint8_t>(1 << draw.below(8)); return;
    case 1: field[draw.below(32)] = draw.byte(); return;
    case 2: return draw.fill(field);
    case 3: field[31] ^= 0x80; return;
    case 4: field[31] ^= static_cast<std::uint8_t>(draw.byte() & 0xf0); return;
    case 5: std::ranges::copy(draw.small_point(std::size(kSmallPoints)), field.begin()); return;
    default: add_order(field); return;  // of S a second number for the same
  }
}

void mutate(Claim& claim, std::size_t field, Draw& draw) {
  const std::span<std::uint8_t, 64> signature = claim.signature.bytes;
  switch (field) {
    case 0: return mutate_field(claim.key.bytes, draw);
    case 1: return mutate_field(signature.first<32>(), draw);
    case 2: return mutate_field(signature.last<32>(), draw);
    default: break;
  }
  if (claim.message.empty() || draw.below(3) == 0) claim.message.push_back(draw.byte());
  else if (draw.below(2) == 0) claim.message.pop_back();
  else claim.message[draw.below(claim.message.size())] ^= static_cast<std::uint8_t>(1 << draw.below(8));
}

}  // namespace

TEST_CASE("crypto: of twelve edge cases the fourth alone is a valid signature") {
  struct Case {
    const char* what;
    Claim claim;
    bool botan;
  };
  const auto of = [](const char* key, const char* message, const char* signature) {
    return Claim{*PublicKey::from_hex(key), test::bytes_of_hex(message), *Signature::from_hex(signature)};
  };
  // Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020, table 6 and appendix.
  const Case kCases[] = {
      {"small key and R, S = 0",
       of("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
          "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
          "0000000000000000000000000000000000000000000000000000000000000000"),
       true},
      {"small key",
       of("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
          "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
          "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"
          "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"),
       true},
      {"small R",
       of("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
          "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"
          "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e"),
       true},
      {"mixed key and R that cancel each other out",
       of("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
          "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
          "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f"
          "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009"),
       true},
      {"mixed key and R, good with the cofactor alone",
       of("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
          "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
          "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512"
          "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"),
       false},
      {"mixed key, good with the cofactor alone and k not reduced",
       of("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
          "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
          "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7"
          "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405"),
       false},
      {"S above L",
       of("442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
          "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
          "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e"
          "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514"),
       true},
      {"S far above L",
       of("442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
          "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
          "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942"
          "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22"),
       false},
      {"R not canonical, hashed as its canonical form",
       of("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
          "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
          "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f"),
       false},
      {"R not canonical, hashed as it is",
       of("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
          "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
          "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908"),
       false},
      {"key not canonical, hashed as its canonical form",
       of("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
          "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
          "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
          "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"),
       false},
      {"key not canonical, hashed as it is",
       of("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
          "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
          "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc"
          "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"),
       true},
  };
  for (const Case& each : kCases) {
    CAPTURE(each.what);
    const bool valid = &each == &kCases[3];
    CHECK(verified(each.claim) == valid);
    CHECK(tests::rule_accepts(each.claim.key, each.claim.message, each.claim.signature) == valid);
    // What the libraries would say alone: libsodium the rule, Botan more.
    CHECK(sodium_verifies(each.claim) == valid);
    CHECK(tests::botan_verifies(each.claim.key, each.claim.message, each.claim.signature) == each.botan);
  }
}

TEST_CASE("crypto: a point of small order, in whichever encoding, is neither key nor R") {
  Draw draw(17);
  const Claim good = honest(signers_of(draw).front(), draw);
  for (const char* hex : kSmallPoints) {
    const auto point = *PublicKey::from_hex(hex);
    CHECK_FALSE(crypto::usable(point));
    CHECK_FALSE(tests::large_and_canonical(point.view()));
    Claim of_key = good, of_r = good;
    of_key.key = point;
    std::ranges::copy(point.bytes, of_r.signature.bytes.begin());
    CHECK_FALSE(verified(of_key));
    CHECK_FALSE(verified(of_r));
  }
}

TEST_CASE("crypto: libsodium and Botan agree on 100,000 signatures: honest, crafted, and mutated at each field") {
  const std::uint64_t pairs = test::rounds(100'000);
  Draw draw(2020);
  const std::vector<Signer> signers = signers_of(draw);
  std::uint64_t valid_honest = 0, valid_crafted = 0, valid_mutated = 0;
  for (std::uint64_t i = 0; i < pairs; ++i) {
    CAPTURE(i);
    const bool is_honest = i % 8 < 4;
    Claim claim = is_honest ? honest(signers[draw.below(signers.size())], draw) : crafted(draw);
    if (is_honest) valid_honest += verified(claim) ? 1 : 0;
    if (!is_honest && agreed(claim)) ++valid_crafted;
    mutate(claim, i % 4, draw);
    if (agreed(claim)) ++valid_mutated;
  }
  CHECK(valid_honest == pairs / 2);
  CHECK(valid_crafted > pairs / 2 / 20);
  CHECK(valid_crafted < pairs / 2 / 4);
  CHECK(valid_mutated < pairs / 100);  // a byte may be drawn as it was
}
