#pragma once
// Admission of requests by datagram, decided by their heads only. A sender of packets must not make this node compute
// much, keep anything, or send more than it received.
//
// Order   A known node at its proven address: open. Otherwise a cookie proves the address first (one HMAC), then the
//         work is checked (one hash), then the budget of key agreements. An opened request is charged to the budget of
//         requests.
// Use     Call decide(); open the request with the keys of the session, or with agreed keys; if it opened, call
//         welcome(). Only welcome() records anything, so a forged datagram changes only counters and budgets.
// Rules   Several ids of one key, replayed requests and keys that did not open: README.md, "Questions by datagram".
// Limits  kSessionsMax, kTriedMax, and AdmissionLimits with the quotas of base/rate_budget.hpp.
// Owner   One actor; not thread-safe. Time is monotonic, given by the caller.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include "runtime/base/rate_budget.hpp"
#include "runtime/crypto/identity.hpp"
#include "runtime/net/logic/cookies.hpp"
#include "runtime/net/logic/datagram.hpp"
#include "runtime/net/logic/lru_map.hpp"
#include "runtime/net/logic/sessions.hpp"

namespace troupe::net {

inline constexpr std::size_t kTriedMax = 256;  // our choice: an address group's quota of one burst

struct AdmissionLimits {
  unsigned work_bits = crypto::kWorkBitsDefault;  ///< required by the network
  base::Rate agreements{512, 1'024};   ///< with nodes without a session; 80 us each, and a request costs nothing
  base::Rate questions{8'192, 8'192};  ///< opened requests; our choice: half of a core's capacity
  std::size_t sessions_max = kSessionsMax;
};

enum class DropReason : std::uint8_t {
  own_key,      ///< it claims to come from this node
  lacks_work,   ///< its id lacks this network's required work
  agreements,   ///< the budget of key agreements, or its address's quota, is used up
  banned,       ///< its claimed sender is banned
  bad_key,      ///< its key was recently found invalid
  bad_address,  ///< no response can be sent to its claimed address, such as port 0
};
inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::bad_address) + 1;

std::string_view name(DropReason why);

/// Open the request with the keys of its session. `session` stays valid until the next call that is not const.
struct Open {
  const Session* session;
};
/// Open the request with keys agreed on with its key. The budget has been charged.
struct AgreeFirst {
  base::NodeId id;
  /// The agreed keys, if they are already known: the budget was not charged then. Valid until the next call that is not
  /// const.
  const crypto::DatagramKeys* agreed = nullptr;
};
/// Answer with this cookie, which is not longer than the request.
struct SendCookie {
  CookieReply reply;
};
struct Drop {
  DropReason why;
};
using Decision = std::variant<Open, AgreeFirst, SendCookie, Drop>;

/// What to do with an opened request.
enum class Welcome : std::uint8_t {
  answer,    ///< its address is proven: the response may be longer than the request
  too_many,  ///< the budget of requests, or its key's quota, is used up; drop it
  repeated,  ///< the same request was accepted before; drop it
};

/// The number of requests that did not open is the number of Open and AgreeFirst decisions less `welcome`, `too_many`
/// and `repeated`. `agreements` counts computed key agreements.
struct AdmissionCounters {
  std::uint64_t opens = 0;
  std::uint64_t agreements = 0;
  std::uint64_t cookies = 0;
  std::array<std::uint64_t, kDropReasons> drops{};  ///< by DropReason
  std::uint64_t welcome = 0;
  std::uint64_t too_many = 0;
  std::uint64_t repeated = 0;

  friend bool operator==(const AdmissionCounters&, const AdmissionCounters&) = default;
};

class DatagramAdmission {
 public:
  using Banned = std::function<bool(const base::NodeId&)>;
  /// `chance` outlives it.
  DatagramAdmission(
      const base::PublicKey& own, AdmissionLimits limits, ports::Chance& chance, base::Instant now,
      Banned banned = [](const base::NodeId&) { return false; });

  Decision decide(const base::Endpoint& from, const QuestionHead& head, base::Instant now);

  /// Records that a request opened after the decision Open; `from` and `head` are those given to decide().
  Welcome welcome(const base::Endpoint& from, const QuestionHead& head, base::Instant now);
  /// Records that a request opened after the decision AgreeFirst with the agreed `keys`, and makes its session.
  Welcome welcome(const base::Endpoint& from, const QuestionHead& head, const AgreeFirst& decision,
                  const crypto::DatagramKeys& keys, base::Instant now);

  /// Records that a request did not open after the decision AgreeFirst with the agreed `keys`. Without `keys`,
  /// agreement with `key` is impossible.
  void did_not_open(const base::PublicKey& key, const std::optional<crypto::DatagramKeys>& keys);

  /// Returns the session with a node to which this node sends requests, or null; valid until the next call that is not
  /// const.
  const Session* find(const base::PublicKey& key) const { return sessions_.find(key); }
  /// Makes a session with a node to which this node sends requests, unless there is one. The caller has checked the
  /// work of `id`.
  const Session& meet(const base::PublicKey& key, std::uint32_t work_nonce, const base::NodeId& id,
                      const crypto::DatagramKeys& keys);
  /// Records that the response to a pending request opened, so the node receives packets at `from`. Does not replace an
  /// address that the node has proven otherwise: a node that forwards our requests to it cannot move it.
  void answered(const base::Endpoint& from, const base::PublicKey& key, base::Instant now);

  const AdmissionCounters& counters() const { return counters_; }
  std::size_t sessions() const { return sessions_.size(); }

 private:
  Decision judge(const base::Endpoint& from, const QuestionHead& head, base::Instant now);
  void count(const Decision& decision);
  Session session(const base::PublicKey& key, std::uint32_t work_nonce, const base::NodeId& id,
                  const crypto::DatagramKeys& keys) const;
  Welcome let_in(Session& session, const base::Endpoint& from, const QuestionHead& head, base::Instant now);

  base::PublicKey own_;
  AdmissionLimits limits_;
  Cookies cookies_;
  base::RateBudget<base::AddressGroup> agreements_;  // by address (/64 for IPv6)
  base::RateBudget<base::PublicKey> questions_;      // by key: all ids of a key share a quota
  Sessions sessions_;
  Banned banned_;
  LruMap<base::PublicKey, std::optional<crypto::DatagramKeys>> tried_{kTriedMax};  // keys without a session
  AdmissionCounters counters_;
};

}  // namespace troupe::net
