#pragma once
// The escrows of tasks, at kTaskEscrowsPath: finds or starts the actor of an escrow.
//
// Wake     the first request for an escrow starts its actor. Taking the seat starts the actors of all waiting escrows.
// Trust    each act is verified here first.
// Spawns   an actor for each active escrow.
// Limits   kOpenMax waiting escrows, in quotas per account and per caller's address group; the last eighth is reserved
//          for this node. kAwakeMax active escrows. The rate of acts is limited per link.
#include "actors/escrow/task_escrow_actor.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_places.hpp"

namespace troupe::escrow {

class TaskEscrowsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "task escrows";
  static constexpr std::size_t kOpenMax = 16'384;   // our choice
  static constexpr std::size_t kAwakeMax = 20'000;  // our choice: all open escrows, and some that are only read
  static constexpr std::size_t kEarlyMax = 1'024;   // our choice: requests while the rows are read
  explicit TaskEscrowsActor(TaskEscrowSetup setup);

  void receive(runtime::Handlers& on) override;
  void start() override { take(); }
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  struct Again {};
  struct Look {};
  struct Question {
    runtime::Envelope envelope;
    runtime::AnyReply reply;
    runtime::Caller from;
  };
  void take();
  void find_open();
  void serve(Question question);
  void act(Question question);
  void wake(const TaskEscrowId& id);

  const TaskEscrowSetup setup_;
  durable::Storage storage_;
  durable::Keyed escrows_;
  bool ready_ = false;
  base::SharePlaces<TaskEscrowId, Address> open_{kOpenMax};
  /// Our choice, as for escrows: each escrow adds an account to the book, which is kept forever.
  static constexpr base::Rate kOpened{16, 1'024};
  base::RateBudget<Address> opened_{kOpened, base::Instant{}};
  std::vector<Question> early_;
};

}  // namespace troupe::escrow
