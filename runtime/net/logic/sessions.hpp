#pragma once
// The nodes with which this node can exchange datagrams at once: the agreed keys, and each node's proven address.
//
// Limits  sessions_max. When full, the session whose last good datagram is oldest is forgotten, which costs its node a
//         round trip and an agreement. Half of the sessions are for nodes that have answered this node. So a sender
//         with many keys evicts unknown nodes, but not the nodes that we use.
// Time    Monotonic, given by the caller.
// Owner   One DatagramAdmission; not thread-safe.
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/base/endpoint.hpp"
#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"
#include "runtime/crypto/agreement.hpp"
#include "runtime/net/logic/datagram.hpp"
#include "runtime/net/logic/lru_map.hpp"

namespace troupe::net {

inline constexpr std::size_t kSessionsMax = 4096;  // 2.2 MiB
inline constexpr std::size_t kTokensKept = 64;     // our choice: more than a node has in flight to one other node

/// A proof expires, because the address may pass to another subscriber, which did not request our packets.
inline constexpr std::chrono::minutes kProofKept{10};

struct ProvenAddress {
  base::Endpoint at;
  base::Instant until;  ///< the proof ends then
};

/// The tokens of a node's latest requests, four bytes of each. The node chose the tokens itself; one request in 2^26 is
/// mistaken for an older request, and is then as good as lost. Grows with use, because most nodes exchange few
/// requests.
class Tokens {
 public:
  bool contains(const Token& token) const;
  void note(const Token& token);

 private:
  std::vector<std::uint32_t> latest_;
  std::size_t oldest_ = 0;  // index of the oldest, once there are kTokensKept tokens
};

struct Session {
  base::NodeId id;  ///< id of the key with work_nonce; its work was checked
  std::uint32_t work_nonce = 0;
  crypto::DatagramKeys keys;
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

  /// Returns the session with `key`, or null; valid until the next put() or answered().
  const Session* find(const base::PublicKey& key) const;
  /// Returns the session with `key`, or null, and marks it as used now.
  Session* use(const base::PublicKey& key);

  /// Stores a session in place of a session with the same key. If the half for unknown nodes is full, evicts its least
  /// recently used session.
  Session& put(const base::PublicKey& key, const Session& session);

  /// Records that the node has answered this node and counts as known from now on. Returns null if its session was
  /// forgotten.
  Session* answered(const base::PublicKey& key);

  std::size_t size() const { return strangers_.size() + answered_.size(); }

 private:
  LruMap<base::PublicKey, Session> strangers_;
  LruMap<base::PublicKey, Session> answered_;
};

}  // namespace troupe::net
