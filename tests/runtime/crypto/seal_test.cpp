#include "runtime/crypto/seal.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "runtime/base/ensure.hpp"
#include "tests/support.hpp"

using namespace troupe;
using crypto::kSealTagBytes;
using crypto::OpeningKey;
using crypto::Sealer;
using crypto::SealingKey;
using crypto::SealNonce;

namespace {

// draft-irtf-cfrg-xchacha-03 A.3.1
constexpr const char* kKey = "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f";
constexpr const char* kNonce = "404142434445464748494a4b4c4d4e4f5051525354555657";
constexpr const char* kAssociated = "50515253c0c1c2c3c4c5c6c7";
constexpr std::string_view kText =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
    "it.";
constexpr const char* kSealed =
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
    "21f9664c97637da9768812f615c68b13b52e"
    "c0875924c1c7987947deafd8780acf49";

template <class Key>
Key key_of(const char* hex) {
  Key out;
  REQUIRE(base::parse_hex(hex, out.bytes));
  return out;
}

base::Bytes with_room(std::string_view text) {
  base::Bytes out(text.begin(), text.end());
  out.resize(out.size() + kSealTagBytes);
  return out;
}

bool zeros(const base::Bytes& bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

TEST_CASE("crypto: sealed bytes are those of the XChaCha draft") {
  Sealer sealer;
  const auto nonce = *SealNonce::from_hex(kNonce);
  base::Bytes bytes = with_room(kText);
  sealer.seal(key_of<SealingKey>(kKey), nonce, test::bytes_of_hex(kAssociated), bytes);
  CHECK(base::hex(bytes) == kSealed);
  REQUIRE(sealer.open(key_of<OpeningKey>(kKey), nonce, test::bytes_of_hex(kAssociated), bytes));
  CHECK(base::as_text(bytes).substr(0, kText.size()) == kText);
}

TEST_CASE("crypto: a changed bit anywhere does not open, and leaves nothing to read") {
  Sealer sealer;
  const auto nonce = *SealNonce::from_hex(kNonce);
  const auto key = key_of<OpeningKey>(kKey);
  const auto sealed = test::bytes_of_hex(kSealed), associated = test::bytes_of_hex(kAssociated);
  const auto refused = [&](const OpeningKey& with, const SealNonce& of, base::ByteView beside, base::Bytes bytes) {
    return !sealer.open(with, of, beside, bytes) && zeros(bytes);
  };
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    auto bad = sealed;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    REQUIRE(refused(key, nonce, associated, bad));
  }
  for (std::size_t bit = 0; bit < 8 * associated.size(); ++bit) {
    auto bad = associated;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    REQUIRE(refused(key, nonce, bad, sealed));
  }
  for (std::size_t bit = 0; bit < 8 * SealNonce::kBytes; ++bit) {
    auto bad = nonce;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    REQUIRE(refused(key, bad, associated, sealed));
  }
  for (std::size_t bit = 0; bit < 8 * OpeningKey::kBytes; ++bit) {
    auto bad = key;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    REQUIRE(refused(bad, nonce, associated, sealed));
  }
  auto good = sealed;
  CHECK(sealer.open(key, nonce, associated, good));  // forgeries before it leave no trace
}

TEST_CASE("crypto: bytes without room for a tag are refused, and cannot be sealed") {
  Sealer sealer;
  for (std::size_t size = 0; size < kSealTagBytes; ++size) {
    base::Bytes bytes(size, 1);
    CHECK_FALSE(sealer.open({}, {}, {}, bytes));
    CHECK(zeros(bytes));
    CHECK_THROWS_AS(sealer.seal({}, {}, {}, bytes), base::InvariantBroken);
  }
}

TEST_CASE("crypto: any bytes of any size open to what was sealed") {
  Sealer sealer, other;
  const bool held = rc::check([&] {
    SealingKey sealing;
    OpeningKey opening;
    SealNonce nonce;
    for (auto& byte : sealing.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
    for (auto& byte : nonce.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
    opening.bytes = sealing.bytes;
    const auto associated = *rc::gen::arbitrary<base::Bytes>();
    const auto text = *rc::gen::arbitrary<base::Bytes>();
    auto bytes = text;
    bytes.resize(text.size() + kSealTagBytes);
    sealer.seal(sealing, nonce, associated, bytes);
    RC_ASSERT(other.open(opening, nonce, associated, bytes));
    bytes.resize(text.size());
    RC_ASSERT(bytes == text);
  });
  CHECK(held);
}
