#pragma once
// One escrow of a task, at kTaskEscrowsPath/ID.
//
// Commit   one at a time (actors/durable/api.hpp, StateRow), with the row that says whether it waits for anything.
// Money    deposits and payments are durable before they are sent, and are sent again until the ledger has reported the
//          result.
// Time     the agreed time of the book's group decides whether a provider is late (`/escrow`, GetTerms); after an
//          outage of the book it has kBackGrace more. This node's date checks its due time at the engagement.
// Sleep    it notifies its parent once it waits for nothing and was idle for kIdle.
#include <atomic>

#include "actors/escrow/escrow_settings.hpp"
#include "actors/escrow/logic/task_escrow.hpp"
#include "actors/wallet/ledger_client.hpp"
#include "messages/common.capnp.h"
#include "messages/escrow.capnp.h"
#include "runtime/actor/actor.hpp"

namespace troupe::escrow {

inline constexpr const char* kTaskEscrowsPath = "/escrow/tasks";
inline constexpr const char* kTaskKeyspace = "taskescrow";

struct TaskEscrowSetup {
  SharedSettings settings;
  durable::Place place;
  std::uint64_t term = 0;
  std::shared_ptr<std::atomic<std::uint32_t>> again;  ///< see wallet::LedgerClient
};

/// Rows: 'h' id: the state; 'u' id: it waits for something, with its buyer.
base::Bytes task_key(char of, const TaskEscrowId& id);

class TaskEscrowActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "task escrow";
  static constexpr std::size_t kWaitingMax = 256;                // our choice: requests while it is read
  static constexpr std::chrono::milliseconds kUnknownIdle{100};  // our choice: an untrusted node may ask for any id
  static constexpr std::chrono::seconds kIdle{20};               // our choice
  static constexpr std::chrono::minutes kBackGrace{10};          // our choice
  TaskEscrowActor(TaskEscrowSetup setup, const TaskEscrowId& id);

  void receive(runtime::Handlers& on) override;
  void start() override { load(); }
  void check() const override;

 private:
  struct Reload {};
  struct DepositAgain {};
  struct PayAgain {};
  struct Due {};
  struct Idle {};
  using Row = durable::StateRow<TaskEscrow>;
  using Reply = runtime::Reply<wire::TaskEscrowIs>;
  using Change = base::Callback<base::Outcome<void>(TaskEscrow&)>;

  void load();
  void reload(const base::Error& why);
  void take(wire::TakeTaskAct::Reader ask, Reply reply);
  void act(const TaskAct& act, const base::Bytes& deposit, const std::optional<TaskAgreement>& agreement,
           const runtime::Caller& from, Reply reply);
  void unless_own(const Address& pay_to, Reply reply, base::Callback<void(Reply)> then);
  void refuse_unknown(Reply reply);
  void change(Change change, Row::Done done, Row::Whose whose);
  void note(base::Callback<void(TaskEscrow&)> what, base::Callback<void()> noted);
  void go_on();
  /// Returns false if it cannot be decoded.
  bool send_deposit(const Provider& one, std::optional<runtime::Caller> asker);
  void deposit_ended(std::uint64_t token, const base::Outcome<void>& how);
  void arm();
  void due();
  void show(Reply& reply) const;
  bool there() const { return open_ && row_.there(); }
  const TaskEscrow& state() const { return *row_.state(); }

  const TaskEscrowSetup setup_;
  const TaskEscrowId id_;
  durable::Storage storage_;
  wallet::LedgerClient ledger_;
  Row row_;
  std::uint64_t run_ = 0;  // answers to an earlier run are ignored
  durable::Opening open_{kWaitingMax, "this escrow"};
  bool looking_ = false;
  std::optional<Address> on_chain_;                      // its account's address on the chain, once known
  std::set<std::uint64_t> ended_;                        // deposits whose ends are not durable yet
  std::map<std::uint64_t, std::vector<Reply>> waiting_;  // callers that wait for the end of a deposit, by token
};

}  // namespace troupe::escrow
