#pragma once
// What a node needs in order to store here: proof that it asked this node recently.
//
// Token   the first 8 bytes of SHA-256(secret (16) || caller's id (20) || generation (8, little-endian)): fixed length
//         and a truncated hash, so HMAC is not needed.
// Time    a generation lasts kTokenGeneration of the monotonic clock; the current and the previous generation are
//         accepted.
// Caller  only its id, which a seal or a link has proven; its address may change between request and store.
// Kept    other nodes' tokens are reused for kTokenKept; at most kTokensKeptMax are kept.
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
  /// `secret` comes from the Chance port at each start; tokens from an earlier start are invalid.
  explicit Tokens(const TokenSecret& secret) : secret_(secret) {}

  Token give(const base::NodeId& caller, base::Instant now) const { return token(caller, generation(now)); }

  /// Returns whether give() has returned `token` for `caller` in this generation or the previous one.
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

inline constexpr std::chrono::minutes kTokenKept{3};  // our choice: twice the default time of two searches
inline constexpr std::size_t kTokensKeptMax = 512;    // our choice: more than a table usually lists, 40 KiB
static_assert(kTokenKept < kTokenGeneration);

/// Tokens that other nodes have given us.
class TokensKept {
 public:
  void keep(const base::NodeId& of, const Token& token, base::Instant now) {
    if (kept_.size() >= kTokensKeptMax)
      std::erase_if(kept_, [now](const auto& one) { return one.second.until <= now; });
    if (kept_.size() >= kTokensKeptMax && !kept_.contains(of)) return;
    kept_.insert_or_assign(of, Kept{token, now + kTokenKept});
  }
  void forget(const base::NodeId& of) { kept_.erase(of); }

  /// Returns nullopt if there is no token, or if it may be too old.
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
