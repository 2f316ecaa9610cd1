#pragma once
// An escrow for a task: several providers with a price each; those whose answers agree are paid.
//
// Join     a submitter engages a provider for one attempt, by a deposit of just its price, which counts once. A deposit
//          that the ledger refuses leaves nothing.
// Sealed   what a provider hands in is shown once the escrow has opened: before that another one could copy it.
// Opens    when the submitter has settled, or what is handed in waits beyond the latest time that any provider had; and
//          no provider is awaited any more. Who has an answer that `quorum` providers gave is paid, the others' prices
//          go back. Without such an answer each that came in time is paid: the submitter chose quorum and providers. It
//          may have an answer paid at once; one that it has accepted before it came is paid when it was due, too. One
//          in which nothing has been left for kAbandonedAfter ends, too.
// Wait     who has handed in is paid within kDueMax of its own time: no later time is given to others after that.
// Back     at once: the price of a provider that declines, or that is silent until its time. A deposit whose end is
//          unknown at its time is no longer awaited: if it is posted later, it is returned whole.
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
/// Of what a program came to.
using TaskAnswer = base::FixedBytes<struct TaskAnswerTag, 32>;

inline constexpr std::size_t kProvidersMax = 16;
inline constexpr std::size_t kEngagedMax = 64;  // our choice: retries take more than are paid; the row is written whole
inline constexpr std::size_t kEngagedRead = 128;  // of a row of before: as many were engaged
/// Our choice: deposits of one signer of all that may be paid. A chain may put one off without end, and it is kept.
inline constexpr std::size_t kDepositsBytesMax = 8 << 10;
inline constexpr wallet::UnixMs kDueMax = std::chrono::hours(24 * 30);     // our choice
inline constexpr wallet::UnixMs kAbandonedAfter = std::chrono::hours(24);  // our choice
inline constexpr const char* kTaskAccountKind = "task";

/// What a submitter binds itself to. The same task has the same agreement.
struct TaskAgreement {
  wallet::BookId book;
  wallet::Address buyer, fund;
  TaskHash task;
  std::uint8_t quorum = 1;  ///< providers with equal answers, 1 to kProvidersMax

  friend bool operator==(const TaskAgreement&, const TaskAgreement&) = default;
};
base::Bytes encode(const TaskAgreement& agreement);
/// Nothing unless the bytes are what encode() gives.
std::optional<TaskAgreement> decode_task_agreement(base::ByteView bytes);
TaskEscrowId id_of(const TaskAgreement& agreement);
wallet::Address account_of(const TaskEscrowId& id);

// --- acts: what the submitter or a provider signs

/// By the submitter: this attempt is paid for.
struct Engage {
  std::uint64_t token = 0;
  wallet::Address provider, pay_to;
  wallet::Amount price;
  wallet::UnixMs due{0};  ///< handed in by then
  wallet::TransferId deposit;
  friend bool operator==(const Engage&, const Engage&) = default;
};
struct HandIn {
  std::uint64_t token = 0;
  TaskAnswer answer;
};
/// By the provider: nothing comes of this attempt.
struct Resign {
  std::uint64_t token = 0;
};
/// By the submitter: no one else is engaged, and what these hand in is paid whatever the others do.
struct Settle {
  std::vector<std::uint64_t> accepted;  ///< rising
};
struct TaskAct {
  TaskEscrowId escrow;
  wallet::Address by;
  std::variant<Engage, HandIn, Resign, Settle> what;
};
/// The bytes that are signed.
base::Bytes encode(const TaskAct& act);
/// Nothing unless the bytes are what encode() gives.
std::optional<TaskAct> decode_task_act(base::ByteView bytes);

enum class TaskEscrowError : std::uint8_t {
  party,   ///< not by this party
  opened,  ///< it has opened, or no one else is engaged any more
  full,    ///< kProvidersMax, or kEngagedMax
  token,   ///< none of this escrow, engaged for something else, or by a deposit of another attempt
  price,   ///< 0, or more than 2^63 - 1 in all
  due,     ///< past, or beyond kDueMax from now or from the time of an answer that waits to be paid
  late,    ///< its time was over, or it has resigned
  other,   ///< another answer was handed in
  busy,    ///< as many deposits are under way as may be
};
std::string_view name(TaskEscrowError error);

enum class ProviderState : std::uint8_t {
  paying,   ///< its deposit is under way
  engaged,  ///< it works
  handed,   ///< it has handed in
  paid,
  wrong,  ///< enough others have answered alike
  resigned,
  silent,  ///< until its time
};
std::string_view name(ProviderState state);

struct Provider {
  Engage engaged;
  ProviderState state = ProviderState::paying;
  std::optional<TaskAnswer> answer;
  bool accepted = false;  ///< by the submitter
  base::Bytes deposit;    ///< the signed transfer, while it is under way

  bool awaited() const { return state == ProviderState::paying || state == ProviderState::engaged; }
  /// Its deposit is under way, also beyond its time.
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
  /// What has been paid in and is not paid out, nor bound to be.
  wallet::Amount held() const { return held_; }
  bool opened() const { return opened_; }
  /// It has opened, and all is paid out.
  bool over() const {
    return opened_ && owed_.empty() && !outgoing_.bound() && std::ranges::none_of(providers_, &Provider::depositing);
  }
  /// Nothing was ever paid in, and nothing is on its way.
  bool empty() const { return providers_.empty(); }
  /// created, running, opened, settled.
  std::string_view state() const;
  /// When tick() may change something; nothing: not by time.
  std::optional<wallet::UnixMs> deadline() const;
  /// What is on its way; it is sent until the ledger has confirmed it.
  const std::optional<wallet::Transfer>& payment() const { return outgoing_.bound(); }

  /// What an act brings; `deposit` comes with Engage. Without a change the same act again is fine.
  base::Result<void, TaskEscrowError> take(const TaskAct& act, base::Bytes deposit, wallet::UnixMs now);
  /// What the ledger has said of the deposit of that attempt; false if none is under way.
  bool deposited(std::uint64_t token);
  bool deposit_refused(std::uint64_t token);
  /// Whether something has changed: who is silent loses its price, and it may open.
  bool tick(wallet::UnixMs now);
  void paid(const wallet::TransferId& transfer);

  base::Bytes encode() const;
  /// Nothing unless the bytes are what encode() gives.
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
  /// Who has handed in does not wait for new ones without end.
  wallet::UnixMs due_max(wallet::UnixMs now) const;
  void owe(const wallet::Address& to, wallet::Amount amount);
  void pay(Provider& provider);
  void give_back(Provider& provider, ProviderState how);
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
