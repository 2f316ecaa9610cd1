#pragma once
// Keys of tests: the same number gives the same key.
#include "actors/wallet/logic/policy.hpp"
#include "runtime/crypto/keys.hpp"

namespace troupe::wallet {

inline crypto::SecretKey test_key(std::uint8_t number) {
  crypto::Seed seed;
  seed.bytes.fill(number);
  return crypto::SecretKey(seed);
}

inline Address test_address(std::uint8_t number) { return address_of(test_key(number).public_key()); }

inline Approval approval(const crypto::SecretKey& key, base::ByteView message) {
  return {key.public_key(), key.sign(message)};
}

}  // namespace troupe::wallet
