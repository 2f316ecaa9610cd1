#pragma once
// What becomes of a question that came as a datagram, decided by its head alone: so that whoever can send packets makes
// us neither compute much, nor keep anything, nor send more than was sent.
//
// Order   who is known and where it was: open. Anybody else first proves the address by a cookie, which costs one HMAC
//         and is shorter than any question. Then its work is checked (one hash), then the budget of curves is asked.
//         Keys whose question did not open are kept for a while: whoever repeats it cannot spend the budget of its
//         neighbours by the key and nonce of somebody else, which are no secret.
// Ids     a key has as many as work is done for. The latest has its session, and neither a budget nor a rate anew.
// Use     decide(); open the question with the keys of the session, or of an agreement made for it; what opened is
//         welcome(), and only then is anything noted: forged datagrams change nothing but counters and budgets.
// Replay  a datagram that is sent again by somebody else opens again, from its old address while that is proven. It is
//         dropped if it is among the latest kTokensKept of its node, and costs that nothing. An older one is answered
//         again: so questions must be idempotent, and their answers go to who asked. The rate of its session bounds
//         them.
// Limits  kSessionsMax, kNeighboursMax, kTriedMax, and AdmissionLimits.
// Time    monotonic, given by the caller.
// Owner   one actor; not thread-safe.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>

#include "runtime/crypto/identity.hpp"
#include "runtime/net/logic/cookies.hpp"
#include "runtime/net/logic/curve_budget.hpp"
#include "runtime/net/logic/datagram.hpp"
#include "runtime/net/logic/lru_map.hpp"
#include "runtime/net/logic/sessions.hpp"

namespace troupe::net {

inline constexpr std::size_t kTriedMax = 256;  // our choice: as many as one neighbourhood can pay for at once

struct AdmissionLimits {
  unsigned work_bits = crypto::kWorkBitsDefault;  ///< of the network
  CurveLimits curves;
  std::uint32_t questions_per_second = 10'000;  ///< of one node
  std::uint32_t questions_burst = 10'000;
  std::size_t sessions_max = kSessionsMax;
};

enum class DropReason : std::uint8_t {
  own_key,            ///< it says that it is from ourselves
  lacks_work,         ///< its id does not show the work that this network asks for
  neighbours_budget,  ///< strangers near its address have made us agree often enough for now
  all_budget,         ///< strangers have made us agree often enough for now
  banned,             ///< the node that it says it is from is
  bad_key,            ///< no keys can be agreed on with its key, as was found lately
  bad_address,        ///< nobody can be answered where it says that it comes from, such as at port 0
};
inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::bad_address) + 1;

std::string_view name(DropReason why);

/// Open it with the keys of its session, which stays valid until the next call that notes something.
struct Open {
  const Session* session;
};
/// Open it with keys agreed on with its key. The budget is paid.
struct AgreeFirst {
  base::NodeId id;
  /// Those, if they are at hand: then there was nothing to pay. Valid until the next call that notes something.
  const crypto::DatagramKeys* agreed = nullptr;
};
/// Send this, which is not longer than the question.
struct SendCookie {
  CookieReply reply;
};
struct Drop {
  DropReason why;
};
using Decision = std::variant<Open, AgreeFirst, SendCookie, Drop>;

/// What is done with a question that opened.
enum class Welcome : std::uint8_t {
  answer,    ///< its address is proven: the answer may be longer than the question
  too_many,  ///< its node asks more than it may; drop it
  repeated,  ///< it was welcome before; drop it
};

/// Questions that did not open are those decided open or agree first, less those that were let in, too many or
/// repeated. `agreements` are those that had to be made.
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

  /// Notes that a question opened after the decision Open, by the same head and address.
  Welcome welcome(const base::Endpoint& from, const QuestionHead& head, base::Instant now);
  /// Notes that a question opened after the decision AgreeFirst with the keys agreed on, and makes its session.
  Welcome welcome(const base::Endpoint& from, const QuestionHead& head, const AgreeFirst& decision,
                  const crypto::DatagramKeys& keys, base::Instant now);

  /// Notes that a question did not open after the decision AgreeFirst with the keys agreed on; nothing: there are none
  /// for that key.
  void did_not_open(const base::PublicKey& key, const std::optional<crypto::DatagramKeys>& keys);

  /// The session with a node whom we ask, or null; valid until the next call that notes something.
  const Session* find(const base::PublicKey& key) const { return sessions_.find(key); }
  /// Notes one with a node whom we ask, unless there is one. The caller has checked the work of `id`.
  const Session& meet(const base::PublicKey& key, std::uint32_t work_nonce, const base::NodeId& id,
                      const crypto::DatagramKeys& keys, base::Instant now);
  /// Notes that its answer to a question that waited for it opened: it gets what is sent to `from`. An address that it
  /// has proven otherwise stays, so that nobody moves a node who passes questions on to it.
  void answered(const base::Endpoint& from, const base::PublicKey& key, base::Instant now);

  const AdmissionCounters& counters() const { return counters_; }
  std::size_t sessions() const { return sessions_.size(); }

 private:
  Decision judge(const base::Endpoint& from, const QuestionHead& head, base::Instant now);
  void count(const Decision& decision);
  Session session(const base::PublicKey& key, std::uint32_t work_nonce, const base::NodeId& id,
                  const crypto::DatagramKeys& keys, base::Instant now) const;
  Welcome let_in(Session& session, const base::Endpoint& from, const QuestionHead& head, base::Instant now);

  base::PublicKey own_;
  AdmissionLimits limits_;
  Cookies cookies_;
  CurveBudget curves_;
  Sessions sessions_;
  Banned banned_;
  LruMap<base::PublicKey, std::optional<crypto::DatagramKeys>> tried_{kTriedMax};  // none of them has a session
  AdmissionCounters counters_;
};

}  // namespace troupe::net
