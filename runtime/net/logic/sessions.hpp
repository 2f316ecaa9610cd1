#pragma once
// With whom we can exchange datagrams at once: the keys agreed on, and the address that each has proven.
//
// Limits  sessions_max; one more forgets that of which no good datagram has come for the longest time. Its node is a
//         stranger again, and loses a round trip and an agreement by it.
// Time    monotonic, given by the caller.
// Owner   one doorkeeper; not thread-safe.
#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "runtime/actor/logic/budget.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"
#include "runtime/crypto/agreement.hpp"

namespace troupe::net {

inline constexpr std::size_t kSessionsMax = 4096;  // 1.5 MiB

/// An address may be given to somebody else, who did not ask for what is sent there.
inline constexpr std::chrono::minutes kProofKept{10};

struct ProvenAddress {
  base::Endpoint at;
  base::Instant until;  ///< no longer proven then
};

struct Session {
  base::NodeId id;  ///< of the key with work_nonce; its work was checked
  std::uint32_t work_nonce = 0;
  crypto::DatagramKeys keys;
  runtime::logic::RateLimit questions;  ///< that we answer it
  std::optional<ProvenAddress> proven;

  bool proven_at(const base::Endpoint& address, base::Instant now) const {
    return proven && proven->at == address && now < proven->until;
  }
};

class Sessions {
 public:
  /// `sessions_max` is at least 1.
  explicit Sessions(std::size_t sessions_max);

  /// The session with `key`, or null; valid until the next put().
  const Session* find(const base::PublicKey& key) const;
  /// The same, used just now.
  Session* use(const base::PublicKey& key);

  /// Notes a session, in place of one with the same key or, when full, of the one that was used least lately.
  Session& put(const base::PublicKey& key, const Session& session);

  std::size_t size() const { return sessions_.size(); }

 private:
  struct Entry {
    Session session;
    std::list<base::PublicKey>::iterator place;
  };

  std::size_t sessions_max_;
  std::map<base::PublicKey, Entry> sessions_;  // not hashed: peers choose their keys
  std::list<base::PublicKey> oldest_first_;
};

}  // namespace troupe::net
