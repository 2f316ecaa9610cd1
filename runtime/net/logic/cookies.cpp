#include "runtime/net/logic/cookies.hpp"

#include <algorithm>

namespace troupe::net {
namespace {

crypto::Mac fresh(ports::Chance& chance) {
  crypto::MacKey secret;
  chance.fill(secret.bytes);
  return crypto::Mac(secret.bytes);
}

std::array<std::uint8_t, 16 + 2 + base::PublicKey::kBytes> bound_to(const base::Endpoint& asker,
                                                                    const base::PublicKey& key) {
  std::array<std::uint8_t, 16 + 2 + base::PublicKey::kBytes> out;
  auto end = std::ranges::copy(asker.address, out.begin()).out;
  *end++ = static_cast<std::uint8_t>(asker.port);
  *end++ = static_cast<std::uint8_t>(asker.port >> 8);
  std::ranges::copy(key.bytes, end);
  return out;
}

}  // namespace

Cookies::Cookies(ports::Chance& chance, base::Instant now)
    : chance_(chance), current_(fresh(chance)), previous_(fresh(chance)), since_(now) {}

Cookie Cookies::make(const base::Endpoint& asker, const base::PublicKey& key, base::Instant now) {
  renew(now);
  return current_.of(bound_to(asker, key));
}

bool Cookies::good(const Cookie& cookie, const base::Endpoint& asker, const base::PublicKey& key, base::Instant now) {
  if (cookie == Cookie{}) return false;
  renew(now);
  const auto bytes = bound_to(asker, key);
  return current_.verify(bytes, cookie) || previous_.verify(bytes, cookie);
}

/// A secret expires on time, even if no request came to renew it.
void Cookies::renew(base::Instant now) {
  if (now - since_ < kSecretKept) return;
  const bool in_time = now - since_ < 2 * kSecretKept;
  previous_ = in_time ? std::move(current_) : fresh(chance_);
  current_ = fresh(chance_);
  since_ = in_time ? since_ + kSecretKept : now;
}

}  // namespace troupe::net
