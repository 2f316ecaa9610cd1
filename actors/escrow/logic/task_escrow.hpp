#pragma once
// An escrow for a task: several providers with a price each; providers with agreeing answers are paid.
//
// Join     a submitter engages a provider for one attempt, by a deposit of exactly its price, which counts once. If the
//          ledger refuses the deposit, nothing is recorded.
// Sealed   an answer is shown only once the escrow has opened: another provider could copy it before.
// Opens    when all answers are in: open_if_all_are_in(). Answers of `quorum` providers are paid; other prices go back.
// Wait     an answer is paid at most kDueMax after its due time: other providers are given no later due time than that.
// Back     at once: the price of a provider that declines, or is silent until its time. A deposit without a result at
//          its time is no longer awaited: if it is posted later, it is returned whole.
// Fund     gets floor(released / 20), counted over the total.
// Money    paid out in transfers from the escrow's account, one at a time; a refused transfer is sent again unchanged.
// Limits   kProvidersMax to be paid, kEngagedMax ever engaged, kDepositsBytesMax of deposits in progress; a time is at
//          most kDueMax from now.
// Source   BOINC (quorum), Golem (agreement and payment by provider).
#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "actors/wallet/api.hpp"

namespace troupe::escrow {

using TaskEscrowId = base::FixedBytes<struct TaskEscrowIdTag, 32>;
using TaskHash = base::FixedBytes<struct TaskHashTag, 32>;
/// The hash of a program's result.
using TaskAnswer = base::FixedBytes<struct TaskAnswerTag, 32>;

inline constexpr std::size_t kProvidersMax = 16;
inline constexpr std::size_t kEngagedMax = 64;    // our choice: includes retries; the row is written whole
inline constexpr std::size_t kEngagedRead = 128;  // the limit of rows of earlier versions
/// Our choice: a single-signer deposit per provider that may be paid. A chain may postpone a deposit forever, and it is
/// kept.
inline constexpr std::size_t kDepositsBytesMax = 8 << 10;
inline constexpr wallet::UnixMs kDueMax = std::chrono::hours(24 * 30);     // our choice
inline constexpr wallet::UnixMs kAbandonedAfter = std::chrono::hours(24);  // our choice
inline constexpr const char* kTaskAccountKind = "task";

/// A submitter's commitment. The same task has the same agreement.
struct TaskAgreement {
  wallet::BookId book;
  wallet::Address buyer, fund;
  TaskHash task;
  std::uint8_t quorum = 1;  ///< providers with equal answers, 1 to kProvidersMax

  friend bool operator==(const TaskAgreement&, const TaskAgreement&) = default;
};
base::Bytes encode(const TaskAgreement& agreement);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<TaskAgreement> decode_task_agreement(base::ByteView bytes);
TaskEscrowId id_of(const TaskAgreement& agreement);
wallet::Address account_of(const TaskEscrowId& id);

// --- acts: signed by the submitter or a provider

/// By the submitter: engages a provider for an attempt.
struct Engage {
  std::uint64_t token = 0;
  wallet::Address provider, pay_to;
  wallet::Amount price;
  wallet::UnixMs due{0};  ///< the time for its answer
  wallet::TransferId deposit;
  friend bool operator==(const Engage&, const Engage&) = default;
};
struct HandIn {
  std::uint64_t token = 0;
  TaskAnswer answer;
};
/// By the provider: it gives up this attempt.
struct Resign {
  std::uint64_t token = 0;
};
/// By the submitter: engages no further providers, and accepts these attempts whatever other providers answer. An
/// accepted answer is paid at once; an accepted provider without an answer is paid at its time.
struct Settle {
  std::vector<std::uint64_t> accepted;  ///< ascending
};
struct TaskAct {
  TaskEscrowId escrow;
  wallet::Address by;
  std::variant<Engage, HandIn, Resign, Settle> what;
};
/// Returns the signed bytes.
base::Bytes encode(const TaskAct& act);
/// Returns nullopt unless the bytes are the canonical encoding.
std::optional<TaskAct> decode_task_act(base::ByteView bytes);

enum class TaskEscrowError : std::uint8_t {
  party,   ///< not by this party
  opened,  ///< it has opened, or engages no further providers
  full,    ///< kProvidersMax, or kEngagedMax
  token,   ///< unknown, engaged for something else, or its deposit was for another attempt
  price,   ///< 0, or more than 2^63 - 1 in all
  due,     ///< past, or beyond kDueMax from now or from the time of a waiting answer
  late,    ///< its time was over, or it has resigned
  other,   ///< another answer was submitted
  busy,    ///< the limit of deposits in progress is reached
};
std::string_view name(TaskEscrowError error);

enum class ProviderState : std::uint8_t {
  paying,   ///< its deposit is in progress
  engaged,  ///< it works
  handed,   ///< it has submitted its answer
  paid,
  wrong,  ///< enough other providers agree on another answer
  resigned,
  silent,  ///< no answer until its time
};
std::string_view name(ProviderState state);

struct Provider {
  Engage engaged;
  ProviderState state = ProviderState::paying;
  std::optional<TaskAnswer> answer;
  bool accepted = false;  ///< by the submitter
  base::Bytes deposit;    ///< the signed transfer, while it is in progress

  bool awaited() const { return state == ProviderState::paying || state == ProviderState::engaged; }
  /// Returns whether its deposit is in progress, even after its time.
  bool depositing() const { return !deposit.empty(); }
  friend bool operator==(const Provider&, const Provider&) = default;
};

class TaskEscrow {
 public:
  TaskEscrow() : TaskEscrow(TaskAgreement{}) {}
  explicit TaskEscrow(TaskAgreement agreement);

  const TaskAgreement& agreement() const { return agreement_; }
  const std::vector<Provider>& providers() const { return providers_; }
  const Provider* find(std::uint64_t token) const;
  wallet::Amount released() const { return released_; }
  /// Returns the deposited money that is neither paid out nor bound.
  wallet::Amount held() const { return held_; }
  bool opened() const { return opened_; }
  /// Returns whether it has opened, and everything is paid out.
  bool over() const {
    return opened_ && owed_.empty() && !outgoing_.bound() && std::ranges::none_of(providers_, &Provider::depositing);
  }
  /// Returns whether nothing was ever deposited or is in progress.
  bool empty() const { return providers_.empty(); }
  /// Returns "created", "running", "opened" or "settled".
  std::string_view state() const;
  /// Returns when tick() may change something, or nullopt.
  std::optional<wallet::UnixMs> deadline() const;
  /// The payment in progress; it is sent until the ledger has confirmed it.
  const std::optional<wallet::Transfer>& payment() const { return outgoing_.bound(); }

  /// Applies an act; `deposit` comes with Engage. Repeating the act changes nothing.
  base::Result<void, TaskEscrowError> take(const TaskAct& act, base::Bytes deposit, wallet::UnixMs now);
  /// Records the ledger's result for the deposit of that attempt; returns false if none is in progress.
  bool deposited(std::uint64_t token);
  bool deposit_refused(std::uint64_t token);
  /// Returns whether something has changed: a silent provider loses its price, and the escrow may open.
  bool tick(wallet::UnixMs now);
  void paid(const wallet::TransferId& transfer);

  base::Bytes encode() const;
  /// Returns nullopt unless the bytes are the canonical encoding.
  static std::optional<TaskEscrow> decode(base::ByteView bytes);
  void check() const;
  friend bool operator==(const TaskEscrow&, const TaskEscrow&) = default;

 private:
  using Result = base::Result<void, TaskEscrowError>;
  Result take(const wallet::Address& by, const Engage& what, base::Bytes deposit, wallet::UnixMs now);
  Result take(const wallet::Address& by, const HandIn& what);
  Result take(const wallet::Address& by, const Resign& what);
  Result take(const wallet::Address& by, const Settle& what);
  Provider* provider(std::uint64_t token);
  /// Returns the latest time for a new provider, so that submitted answers do not wait forever.
  wallet::UnixMs due_max(wallet::UnixMs now) const;
  void owe(const wallet::Address& to, wallet::Amount amount);
  void pay(Provider& provider);
  void give_back(Provider& provider, ProviderState how);
  /// Opens when no provider is awaited, and the submitter has settled or an answer waits beyond the latest time of any
  /// provider; without answers after kAbandonedAfter. Without a quorum each timely answer is paid, because the
  /// submitter chose quorum and providers.
  void open_if_all_are_in(wallet::UnixMs now);
  void bind();

  TaskAgreement agreement_;
  std::vector<Provider> providers_;
  bool settled_ = false, opened_ = false;
  wallet::Amount held_, released_;
  std::vector<wallet::Credit> owed_;  // in no transfer yet
  wallet::Outgoing outgoing_;
};

}  // namespace troupe::escrow
