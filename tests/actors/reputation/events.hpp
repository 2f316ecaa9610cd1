#pragma once
// Events of a reporter that a test has made up.
#include "actors/reputation/logic/rules.hpp"
#include "actors/reputation/logic/score.hpp"

namespace troupe::reputation {

inline const crypto::SecretKey& test_key() {
  static const crypto::SecretKey key{crypto::Seed()};
  return key;
}

inline Event test_event(std::uint64_t unix_ms, int delta, std::uint8_t nonce = 0) {
  Event out{.by = test_key().public_key(), .unix_ms = unix_ms, .delta = static_cast<std::int8_t>(delta)};
  out.node.bytes[0] = 7;
  out.kind = "late_delivery";
  out.nonce.bytes[0] = nonce;
  return out;
}

}  // namespace troupe::reputation
