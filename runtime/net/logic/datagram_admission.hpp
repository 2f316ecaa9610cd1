#pragma once
// Admission of questions by datagram, decided by their heads alone. A sender of packets must not make this node compute
// much, keep anything, or send more than it received.
//
// Order   a known node at its proven address: open. Otherwise a cookie proves the address first (one HMAC), then the
//         work is checked (one hash), then the budget of key agreements. A question that opened is charged to the
//         budget of questions.
// Use     decide(); open the question with the keys of the session, or with keys agreed on; if it opened, welcome(),
//         and only then is anything recorded. A forged datagram changes nothing but counters and budgets.
// Rules   ids of one key, replayed questions and keys that did not open: README.md, "Questions by datagram".
// Limits  kSessionsMax, kTriedMax, and AdmissionLimits, by the shares of base/rate_budget.hpp.
// Owner   one actor; not thread-safe. Time is monotonic, given by the caller.
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

inline constexpr std::size_t kTriedMax = 256;  // our choice: as many as the share of an address group at once

struct AdmissionLimits {
  unsigned work_bits = crypto::kWorkBitsDefault;  ///< of the network
  base::Rate agreements{512, 1'024};   ///< of keys with nodes that have no session; 80 us each, and free to ask for
  base::Rate questions{8'192, 8'192};  ///< that opened; our choice: half of what a core answers
  std::size_t sessions_max = kSessionsMax;
};

enum class DropReason : std::uint8_t {
  own_key,      ///< it claims to come from this node itself
  lacks_work,   ///< its id lacks the work that this network requires
  agreements,   ///< the budget of key agreements is used up, or the share of its address
  banned,       ///< the node that it claims to come from is banned
  bad_key,      ///< its key lately proved to be no valid key
  bad_address,  ///< the address that it claims to come from cannot be answered, such as port 0
};
inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::bad_address) + 1;

std::string_view name(DropReason why);

/// Open the question with the keys of its session. `session` stays valid until the next call that is not const.
struct Open {
  const Session* session;
};
/// Open the question with keys agreed on with its key. The budget has been charged.
struct AgreeFirst {
  base::NodeId id;
  /// These keys, if they are known already; then the budget was not charged. Valid until the next call that is not
  /// const.
  const crypto::DatagramKeys* agreed = nullptr;
};
/// Answer with this cookie, which is not longer than the question.
struct SendCookie {
  CookieReply reply;
};
struct Drop {
  DropReason why;
};
using Decision = std::variant<Open, AgreeFirst, SendCookie, Drop>;

/// What to do with a question that opened.
enum class Welcome : std::uint8_t {
  answer,    ///< its address is proven: the answer may be longer than the question
  too_many,  ///< the budget of questions is used up, or the share of its node; drop it
  repeated,  ///< it was welcome before; drop it
};

/// The questions that did not open are `opens` and AgreeFirst decisions, less `welcome`, `too_many` and `repeated`.
/// `agreements` are the key agreements that had to be computed.
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

  /// Records that a question opened after the decision Open; `from` and `head` are those given to decide().
  Welcome welcome(const base::Endpoint& from, const QuestionHead& head, base::Instant now);
  /// Records that a question opened after the decision AgreeFirst with the agreed `keys`, and makes its session.
  Welcome welcome(const base::Endpoint& from, const QuestionHead& head, const AgreeFirst& decision,
                  const crypto::DatagramKeys& keys, base::Instant now);

  /// Records that a question did not open after the decision AgreeFirst with the agreed `keys`. Without `keys`, none
  /// can be agreed on with `key`.
  void did_not_open(const base::PublicKey& key, const std::optional<crypto::DatagramKeys>& keys);

  /// The session with a node that this node asks, or null; valid until the next call that is not const.
  const Session* find(const base::PublicKey& key) const { return sessions_.find(key); }
  /// Makes a session with a node that this node asks, unless there is one. The caller has checked the work of `id`.
  const Session& meet(const base::PublicKey& key, std::uint32_t work_nonce, const base::NodeId& id,
                      const crypto::DatagramKeys& keys);
  /// Records that the answer to a waiting question opened, so the node receives what is sent to `from`. An address that
  /// it has proven otherwise stays: a node that forwards questions to it cannot move it.
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
  base::RateBudget<base::AddressGroup> agreements_;  // by address line
  base::RateBudget<base::PublicKey> questions_;      // by key: its other ids share
  Sessions sessions_;
  Banned banned_;
  LruMap<base::PublicKey, std::optional<crypto::DatagramKeys>> tried_{kTriedMax};  // keys without a session
  AdmissionCounters counters_;
};

}  // namespace troupe::net
