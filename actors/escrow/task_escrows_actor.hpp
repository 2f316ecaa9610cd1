#pragma once
// The escrows of tasks, at kTaskEscrowsPath: finds the actor of one, or begins it.
//
// Wake     the first question about an escrow begins its actor; so does the seat, of each that waits for something.
// Trust    each act is verified here, before anything else about it is done.
// Spawns   an actor for each escrow that is awake.
// Limits   kOpenMax that wait for something, of which an account, and the address group that asks, have shares, and the
//          last eighth is for this node; kAwakeMax awake. How often acts may come is limited by link.
#include "actors/escrow/task_escrow_actor.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_places.hpp"

namespace troupe::escrow {

class TaskEscrowsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "task escrows";
  static constexpr std::size_t kOpenMax = 16'384;   // our choice
  static constexpr std::size_t kAwakeMax = 20'000;  // our choice: what is open, and some that are looked at
  static constexpr std::size_t kEarlyMax = 1'024;   // our choice: questions while the rows are read
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
  /// Our choice, as of escrows: each begins an account of the book, which is kept for ever.
  static constexpr base::Rate kOpened{16, 1'024};
  base::RateBudget<Address> opened_{kOpened, base::Instant{}};
  std::vector<Question> early_;
};

}  // namespace troupe::escrow
