#pragma once
// What a node that wants to store has to bring: proof that it asked this node a moment ago.
//
// Token   the first 8 bytes of SHA-256(secret (16) || caller's id (20) || generation (8, little-endian)): one length
//         and a cut hash, so HMAC is not needed.
// Time    a generation lasts kTokenGeneration of the monotonic clock; the present and the last are taken.
// Caller  its id alone, which a seal or a link has proven; its address may change between question and store.
// Kept    tokens of other nodes are used again for kTokenKept; at most kTokensKeptMax, further ones are not kept.
// Owner   one actor.
#include <cstdint>
#include <map>
#include <optional>

#include "actors/dht/logic/contact.hpp"
#include "runtime/base/fields.hpp"
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
    base::append_number(number, generation);
    const base::Digest digest = crypto::sha256(secret_.view(), caller.view(), number);
    return *Token::from(digest.view().first(Token::kBytes));
  }

  TokenSecret secret_;
};

inline constexpr std::chrono::minutes kTokenKept{3};  // our choice: twice what two searches take that name no time
inline constexpr std::size_t kTokensKeptMax = 512;    // our choice: more than a table usually lists, 40 KiB
static_assert(kTokenKept < kTokenGeneration);

/// What other nodes have given us.
class TokensKept {
 public:
  void keep(const base::NodeId& of, const Token& token, base::Instant now) {
    if (kept_.size() >= kTokensKeptMax)
      std::erase_if(kept_, [now](const auto& one) { return one.second.until <= now; });
    if (kept_.size() >= kTokensKeptMax && !kept_.contains(of)) return;
    kept_.insert_or_assign(of, Kept{token, now + kTokenKept});
  }
  void forget(const base::NodeId& of) { kept_.erase(of); }

  /// Nothing if it may be too old.
  std::optional<Token> find(const base::NodeId& of, base::Instant now) const {
    const auto found = kept_.find(of);
    if (found == kept_.end() || found->second.until <= now) return std::nullopt;
    return found->second.token;
  }
  std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    Token token;
    base::Instant until;
  };
  std::map<base::NodeId, Kept> kept_;
};

}  // namespace troupe::dht
