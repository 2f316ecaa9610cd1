#pragma once
// One escrow of a task, at kTaskEscrowsPath/ID.
//
// Commit   one at a time (actors/durable/api.hpp, StateRow), with the row that says whether it waits for anything.
// Money    deposits and payments are durable before they are sent, and sent again until the ledger has said what
//          became of them.
// Time     a provider is late by that on which the book's group has agreed (`/escrow`, GetTerms), and after an outage
//          of the book it has kBackGrace longer. When it was engaged, its time was looked at by this node's date.
// Sleep    once it waits for nothing, and nothing was asked for kIdle, it tells its parent.
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
  static constexpr std::size_t kWaitingMax = 256;                // our choice: questions while it is read
  static constexpr std::chrono::milliseconds kUnknownIdle{100};  // our choice: a stranger may ask for any id
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
  /// False if it cannot be read.
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
  std::uint64_t run_ = 0;  // answers to an earlier one are ignored
  durable::Opening open_{kWaitingMax, "this escrow"};
  bool looking_ = false;
  std::optional<Address> on_chain_;                      // where its account stands, once that was asked
  std::set<std::uint64_t> ended_;                        // deposits whose ends are not durable yet
  std::map<std::uint64_t, std::vector<Reply>> waiting_;  // for the end of a deposit, by token
};

}  // namespace troupe::escrow
