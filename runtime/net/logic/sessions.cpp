#include "runtime/net/logic/sessions.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::net {

namespace {

std::uint32_t short_of(const Token& token) {
  std::uint32_t out = 0;
  static_assert(sizeof(out) <= Token::kBytes);
  std::memcpy(&out, token.bytes.data(), sizeof(out));
  return out;
}

}  // namespace

bool Tokens::contains(const Token& token) const { return std::ranges::find(latest_, short_of(token)) != latest_.end(); }

void Tokens::note(const Token& token) {
  if (latest_.size() < kTokensKept) return latest_.push_back(short_of(token));
  latest_[oldest_++ % kTokensKept] = short_of(token);
}

Sessions::Sessions(std::size_t sessions_max)
    : strangers_(sessions_max / 2), answered_(sessions_max - sessions_max / 2) {}

const Session* Sessions::find(const base::PublicKey& key) const {
  const Session* const known = answered_.find(key);
  return known != nullptr ? known : strangers_.find(key);
}

Session* Sessions::use(const base::PublicKey& key) {
  Session* const known = answered_.use(key);
  return known != nullptr ? known : strangers_.use(key);
}

Session& Sessions::put(const base::PublicKey& key, const Session& session) {
  if (Session* const known = use(key)) return *known = session;
  return strangers_.put(key, session);
}

Session* Sessions::answered(const base::PublicKey& key) {
  if (const auto stranger = strangers_.take(key)) return &answered_.put(key, *stranger);
  return answered_.use(key);
}

}  // namespace troupe::net
