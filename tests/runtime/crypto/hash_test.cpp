#include "runtime/crypto/hash.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace troupe;
using crypto::Sha256;
using crypto::sha256;

namespace {

// FIPS 180-4 examples (NIST CSRC "SHA-256 example values"): one block, two blocks, nothing, a million letters.
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kTwoBlocks = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
constexpr const char* kNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kMillion = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
constexpr const char* kTwoBlocksText = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

}  // namespace

TEST_CASE("crypto: SHA-256 gives the values of FIPS 180-4") {
  CHECK(sha256(base::as_bytes("abc")).hex() == kAbc);
  CHECK(sha256(base::as_bytes(kTwoBlocksText)).hex() == kTwoBlocks);
  CHECK(sha256({}).hex() == kNothing);
  CHECK(sha256(base::as_bytes(std::string(1'000'000, 'a'))).hex() == kMillion);
}

TEST_CASE("crypto: a hash does not depend on how its input is cut") {
  const std::string text = kTwoBlocksText;
  Sha256 hash;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto first = base::as_bytes(text).first(cut);
    const auto second = base::as_bytes(text).subspan(cut);
    hash.update(first);
    hash.update({});
    hash.update(second);
    REQUIRE(hash.finish().hex() == kTwoBlocks);
    REQUIRE(sha256(first, second).hex() == kTwoBlocks);
    REQUIRE(sha256(first, {}, second).hex() == kTwoBlocks);
  }
}

TEST_CASE("crypto: a finished hash starts anew, also after it has been moved") {
  Sha256 first;
  first.update(base::as_bytes("something"));
  first.finish();
  CHECK(first.finish().hex() == kNothing);
  first.update(base::as_bytes("ab"));
  Sha256 second = std::move(first);
  second.update(base::as_bytes("c"));
  CHECK(second.finish().hex() == kAbc);
}
