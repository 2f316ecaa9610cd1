#include "runtime/net/logic/sessions.hpp"

#include <algorithm>
#include <span>

namespace troupe::net {

bool Tokens::contains(const Token& token) const {
  const auto known = std::span(tokens_).first(std::min(count_, kTokensKept));
  return std::ranges::find(known, token) != known.end();
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
