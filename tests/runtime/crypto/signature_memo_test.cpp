#include "runtime/crypto/signature_memo.hpp"

#include <doctest/doctest.h>

namespace troupe::crypto {
namespace {

SecretKey key_of(std::uint8_t number) {
  Seed seed;
  seed.bytes.fill(number);
  return SecretKey(seed);
}

base::Bytes message_of(std::uint8_t number) { return base::Bytes(100, number); }

TEST_CASE("signature memo: it changes no answer") {
  const SecretKey key = key_of(1), other = key_of(2);
  const Signature before = key.sign(message_of(1));
  SignatureMemo memo;
  const Signature made = key.sign(message_of(2));
  CHECK(memo.knows(key.public_key(), message_of(2), made));
  CHECK(verify(key.public_key(), message_of(1), before));
  CHECK(verify(key.public_key(), message_of(2), made));
  CHECK_FALSE(verify(key.public_key(), message_of(1), made));
  CHECK_FALSE(verify(other.public_key(), message_of(2), made));
  for (std::size_t i = 0; i < made.bytes.size(); ++i) {
    Signature bent = made;
    bent.bytes[i] ^= 1;
    CHECK_FALSE(verify(key.public_key(), message_of(2), bent));
  }
}

TEST_CASE("signature memo: only what is signed while it lives is known, and the newest one is asked") {
  const SecretKey key = key_of(1);
  CHECK(SignatureMemo::here() == nullptr);
  SignatureMemo outer;
  const Signature first = key.sign(message_of(1));
  {
    SignatureMemo inner;
    CHECK(SignatureMemo::here() == &inner);
    CHECK_FALSE(inner.knows(key.public_key(), message_of(1), first));
  }
  CHECK(SignatureMemo::here() == &outer);
  CHECK(outer.knows(key.public_key(), message_of(1), first));
}

TEST_CASE("signature memo: the oldest make room") {
  SignatureMemo memo;
  const auto signature_of = [](std::uint64_t number) {
    Signature out;
    for (std::size_t i = 0; i < 8; ++i) out.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
    return out;
  };
  for (std::uint64_t i = 0; i <= kSignaturesKnownMax; ++i) memo.note({}, message_of(1), signature_of(i));
  CHECK_FALSE(memo.knows({}, message_of(1), signature_of(0)));
  CHECK(memo.knows({}, message_of(1), signature_of(1)));
  CHECK(memo.knows({}, message_of(1), signature_of(kSignaturesKnownMax)));
}

}  // namespace
}  // namespace troupe::crypto
