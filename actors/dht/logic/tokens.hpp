#pragma once
// What a node that wants to store has to bring: proof that it asked this node a moment ago.
//
// Token   the first 8 bytes of SHA-256(secret (16) || caller's id (20) || generation (8, little-endian)). The hashed
//         bytes have one length and most of the hash is kept back, so that nothing can be appended to them: no need
//         for HMAC, and one block of SHA-256 is as cheap as it gets.
// Time    a generation lasts kTokenGeneration by the node's monotonic clock; the present and the last are taken. So a
//         token is good for 5 to 10 minutes, and nothing is kept of whom it was given to.
// Caller  its id alone: whoever sends a sealed datagram or speaks on a link has proven that, while its address may
//         change between question and store.
// Owner   one actor.
#include <cstdint>

#include "actors/dht/logic/contact.hpp"
#include "actors/dht/logic/encoding.hpp"
#include "runtime/base/time.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::dht {

inline constexpr std::chrono::minutes kTokenGeneration{5};  // BEP 5: "tokens up to ten minutes old are accepted"

using Token = base::FixedBytes<struct TokenTag, 8>;
using TokenSecret = base::FixedBytes<struct TokenSecretTag, 16>;

class Tokens {
 public:
  /// `secret` is drawn from the Chance port at each start; tokens of the last start are worth nothing.
  explicit Tokens(const TokenSecret& secret) : secret_(secret) {}

  Token give(const base::NodeId& caller, base::Instant now) const { return token(caller, generation(now)); }

  /// Whether give() has said `token` to `caller` in this generation or the last.
  bool good(const Token& shown, const base::NodeId& caller, base::Instant now) const {
    const std::uint64_t present = generation(now);
    return shown == token(caller, present) || shown == token(caller, present - 1);
  }

 private:
  static std::uint64_t generation(base::Instant now) {
    return static_cast<std::uint64_t>(now.since_origin() / kTokenGeneration);
  }
  Token token(const base::NodeId& caller, std::uint64_t generation) const {
    base::Bytes number;
    append_number(number, generation);
    const base::Digest digest = crypto::sha256(secret_.view(), caller.view(), number);
    return *Token::from(digest.view().first(Token::kBytes));
  }

  TokenSecret secret_;
};

}  // namespace troupe::dht
