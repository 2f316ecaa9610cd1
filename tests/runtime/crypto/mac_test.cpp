#include "runtime/crypto/mac.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using crypto::Mac;
using crypto::Tag128;

TEST_CASE("crypto: a proof is the first half of RFC 4231's HMAC, and the object serves many") {
  Mac first(base::Bytes(20, 0x0b));  // 4.2
  CHECK(first.of(base::as_bytes("Hi There")).hex() == "b0344c61d8db38535ca8afceaf0bf12b");
  CHECK(first.of(base::as_bytes("Hi There")).hex() == "b0344c61d8db38535ca8afceaf0bf12b");
  Mac jefe(base::as_bytes("Jefe"));  // 4.3
  CHECK(jefe.of(base::as_bytes("what do ya want for nothing?")).hex() == "5bdcc146bf60754e6a042426089575c7");
}

TEST_CASE("crypto: a proof of other bytes, by another key or with a changed bit is wrong") {
  Mac mac(base::Bytes(32, 1)), other(base::Bytes(32, 2));
  const auto bytes = base::as_bytes("bytes");
  const Tag128 good = mac.of(bytes);
  CHECK(mac.verify(bytes, good));
  CHECK_FALSE(other.verify(bytes, good));
  CHECK_FALSE(mac.verify(base::as_bytes("Bytes"), good));
  for (std::size_t bit = 0; bit < 8 * Tag128::kBytes; ++bit) {
    Tag128 bad = good;
    bad.bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    CHECK_FALSE(mac.verify(bytes, bad));
  }
}
