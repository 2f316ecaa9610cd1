#pragma once
// How a node is paid for the attempts that it runs: it looks whether its price lies in the task's escrow before it
// begins, and hands in what the program came to, or resigns, until the escrow has answered.
//
// Price   that of this node's registration (`registry register --price`), asked for again when it changes.
// Limits  kHandingMax acts wait for the book, and as many answers again, kAskingMax of them are under way, in turns;
//         kCheckingMax attempts wait to be looked up.
// Owner   WorkerActor.
#include <deque>
#include <map>

#include "actors/task/settlement.hpp"
#include "messages/registry.capnp.h"
#include "runtime/actor/followers.hpp"

namespace troupe::task {

class Earnings final : public runtime::Part {
 public:
  static constexpr std::size_t kHandingMax = 4'096;     // our choice
  static constexpr std::size_t kAskingMax = 64;         // our choice
  static constexpr std::size_t kCheckingMax = 256;      // our choice
  static constexpr std::chrono::seconds kHandAgain{2};  // our choice
  /// Beyond its time, until the answer is due: its inputs come first, and what comes of it is taken and handed in.
  static constexpr std::chrono::minutes kDueMargin{5};  // our choice

  Earnings(runtime::Actor& owner, std::shared_ptr<const crypto::Identity> identity, std::string registry)
      : Part(owner),
        identity_(std::move(identity)),
        registry_(std::move(registry)),
        self_(wallet::address_of(identity_->public_key())),
        pay_to_(self_) {}

  /// Call it in the owner's receive(). `Timers` are empty structs, of this object alone.
  template <class Refresh, class Hand>
  void receive(runtime::Handlers& on) {
    wait_to_refresh_ = [](Earnings& self) { self.after<Refresh>(runtime::kFollowEvery); };
    wait_to_hand_ = [](Earnings& self, base::Duration delay) { self.after<Hand>(delay); };
    on.timer<Refresh>([this] { refresh(); });
    on.tell<registry::wire::OwnRegistrationChanged>(
        [this](registry::wire::OwnRegistrationChanged::Reader) { refresh(); });
    on.timer<Hand>([this] { hand(); });
  }
  /// Call it in the owner's start().
  void refresh();
  /// By which this node is paid, if it has a price and the book has answered; empty otherwise.
  const std::string& book() const { return book_; }
  /// Called when book() has changed.
  void on_book(base::Callback<void()> changed) { book_changed_ = std::move(changed); }

  /// What this node wants for an order; 0: nothing.
  std::uint64_t wanted(const Order& order) const;
  using Done = base::Callback<void(const base::Outcome<wallet::UnixMs>&)>;
  /// Whether that price lies in the escrow for this attempt, and until when it is to be handed in.
  void check(const Order& order, std::uint64_t token, const escrow::TaskEscrowId& id, Done done);
  void hand_in(const escrow::TaskEscrowId& id, std::uint64_t token, const Answer& answer);
  void resign(const escrow::TaskEscrowId& id, std::uint64_t token);

 private:
  struct Handing {
    escrow::TaskAct act;
    int unknown = 0;  ///< answers that there is no such escrow
  };
  base::Outcome<wallet::UnixMs> due_of(const Order& order, std::uint64_t token,
                                       escrow::wire::TaskEscrowIs::Reader is) const;
  void put(const escrow::TaskEscrowId& id, std::uint64_t token, decltype(escrow::TaskAct::what) what);
  void hand();
  using Key = std::pair<escrow::TaskEscrowId, std::uint64_t>;
  void hand(const Key& key, const Handing& one);
  void learn_book();

  const std::shared_ptr<const crypto::Identity> identity_;
  const std::string registry_;
  const wallet::Address self_;
  void (*wait_to_refresh_)(Earnings&) = nullptr;
  void (*wait_to_hand_)(Earnings&, base::Duration) = nullptr;
  wallet::Address pay_to_;
  std::optional<std::uint64_t> price_;
  std::string book_;
  base::Callback<void()> book_changed_;
  std::size_t checking_ = 0;
  std::map<Key, Handing> handing_;
  std::size_t asking_ = 0;                           // of them
  std::deque<Key> turns_;                            // the next to be asked for
  std::deque<std::pair<base::Instant, Key>> later_;  // they were not taken, and have a turn again then
};

}  // namespace troupe::task
