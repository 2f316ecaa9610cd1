#include "runtime/sim/open_keys.hpp"

#include <doctest/doctest.h>

namespace troupe::sim {
namespace {

crypto::SecretKey key_of(std::uint8_t number) {
  crypto::Seed seed;
  seed.bytes.fill(number);
  return crypto::SecretKey(seed);
}

base::Bytes message_of(std::uint8_t number) { return base::Bytes(100, number); }

TEST_CASE("open signatures: another message, another key and each bent bit are refused") {
  const crypto::SecretKey key = key_of(1), other = key_of(2);
  const OpenSignatures open;
  const crypto::Signature made = key.sign(message_of(2));
  CHECK(crypto::verify(key.public_key(), message_of(2), made));
  CHECK_FALSE(crypto::verify(key.public_key(), message_of(1), made));
  CHECK_FALSE(crypto::verify(other.public_key(), message_of(2), made));
  for (std::size_t bit = 0; bit < 8 * made.bytes.size(); ++bit) {
    crypto::Signature bent = made;
    bent.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK_FALSE(crypto::verify(key.public_key(), message_of(2), bent));
  }
}

TEST_CASE("open signatures: Ed25519 is back as soon as they end, and takes none of theirs") {
  const crypto::SecretKey key = key_of(1);
  const crypto::Signature before = key.sign(message_of(1));
  crypto::Signature open;
  {
    const OpenSignatures outer;
    {
      const OpenSignatures inner;
      CHECK(crypto::SignatureScheme::here() == &inner);
    }
    CHECK(crypto::SignatureScheme::here() == &outer);
    open = key.sign(message_of(1));
    CHECK_FALSE(crypto::verify(key.public_key(), message_of(1), before));
  }
  CHECK(crypto::SignatureScheme::here() == nullptr);
  CHECK_FALSE(crypto::verify(key.public_key(), message_of(1), open));
  CHECK(key.sign(message_of(1)) == before);
  CHECK(crypto::verify(key.public_key(), message_of(1), before));
}

}  // namespace
}  // namespace troupe::sim
