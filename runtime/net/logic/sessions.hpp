#pragma once
// With whom we can exchange datagrams at once: the keys agreed on, and the address that each has proven.
//
// Limits  sessions_max; one more forgets that of which no good datagram has come for the longest time. Its node loses a
//         round trip and an agreement by it. Half of them are for nodes that have answered us: whoever makes many keys
//         and asks under each pushes out strangers, and not those whom we talk to.
// Time    monotonic, given by the caller.
// Owner   one DatagramAdmission; not thread-safe.
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/actor/logic/budget.hpp"
#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"
#include "runtime/crypto/agreement.hpp"
#include "runtime/net/logic/datagram.hpp"
#include "runtime/net/logic/lru_map.hpp"

namespace troupe::net {

inline constexpr std::size_t kSessionsMax = 4096;  // 2.3 MiB
inline constexpr std::size_t kTokensKept = 64;     // our choice: more than a node has on their way to one other

/// An address may be given to somebody else, who did not ask for what is sent there.
inline constexpr std::chrono::minutes kProofKept{10};

struct ProvenAddress {
  base::Endpoint at;
  base::Instant until;  ///< no longer proven then
};

/// The tokens of its latest questions, each by four of its bytes: it chose them, and one question in 2^26 that is taken
/// for an older one of its own is as one that was lost. Grows with what is noted, as most nodes ask each other little.
class Tokens {
 public:
  bool contains(const Token& token) const;
  void note(const Token& token);

 private:
  std::vector<std::uint32_t> latest_;
  std::size_t oldest_ = 0;  // once there are kTokensKept
};

struct Session {
  base::NodeId id;  ///< of the key with work_nonce; its work was checked
  std::uint32_t work_nonce = 0;
  crypto::DatagramKeys keys;
  runtime::logic::RateLimit questions;  ///< that we answer it
  std::optional<ProvenAddress> proven;
  Tokens tokens;

  bool proven_at(const base::Endpoint& address, base::Instant now) const {
    return proven && proven->at == address && now < proven->until;
  }
};

class Sessions {
 public:
  /// `sessions_max` is at least 2.
  explicit Sessions(std::size_t sessions_max);

  /// The session with `key`, or null; valid until the next put() or answered().
  const Session* find(const base::PublicKey& key) const;
  /// The same, used just now.
  Session* use(const base::PublicKey& key);

  /// Notes a session, in place of one with the same key or, when there are as many strangers as may be, of the stranger
  /// that was used least lately.
  Session& put(const base::PublicKey& key, const Session& session);

  /// Its node has answered us, and is no stranger any more. Null if it was forgotten.
  Session* answered(const base::PublicKey& key);

  std::size_t size() const { return strangers_.size() + answered_.size(); }

 private:
  LruMap<base::PublicKey, Session> strangers_;
  LruMap<base::PublicKey, Session> answered_;
};

}  // namespace troupe::net
