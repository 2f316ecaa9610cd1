#pragma once
// Gets a node paid for the attempts that it runs. Before an attempt begins, it checks that the price is in the task's
// escrow. Afterwards it submits the result or resigns, until the escrow has responded.
//
// Price   the price in this node's registration (`registry register --price`), read again after each change.
// Limits  kHandingMax actions of any kind wait for the ledger, and kHandingMax more results. kAskingMax of these are in
//         progress at a time, in turn. kCheckingMax attempts wait for the lookup of their escrow.
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
  /// Time beyond the program's limit until the result is due: to fetch inputs first, and to submit the result.
  static constexpr std::chrono::minutes kDueMargin{5};  // our choice

  Earnings(runtime::Actor& owner, std::shared_ptr<const crypto::Identity> identity, std::string registry)
      : Part(owner),
        identity_(std::move(identity)),
        registry_(std::move(registry)),
        self_(wallet::address_of(identity_->public_key())),
        pay_to_(self_) {}

  /// Call it in the owner's receive(). `Refresh` and `Hand` are empty structs for this object only.
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
  /// Returns the ledger that pays this node, or "" without a price or before the ledger has responded.
  const std::string& book() const { return book_; }
  /// Sets the callback that is called when book() has changed.
  void on_book(base::Callback<void()> changed) { book_changed_ = std::move(changed); }

  /// Returns this node's price for an order; 0 if it is free.
  std::uint64_t wanted(const Order& order) const;
  using Done = base::Callback<void(const base::Outcome<wallet::UnixMs>&)>;
  /// Checks that the price is in the escrow for this attempt, and returns when the result is due.
  void check(const Order& order, std::uint64_t token, const escrow::TaskEscrowId& id, Done done);
  void hand_in(const escrow::TaskEscrowId& id, std::uint64_t token, const Answer& answer);
  void resign(const escrow::TaskEscrowId& id, std::uint64_t token);

 private:
  struct Handing {
    escrow::TaskAct act;
    int unknown = 0;  ///< responses that there is no such escrow
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
  std::size_t asking_ = 0;                           // entries of `handing_` in progress
  std::deque<Key> turns_;                            // actions to request, the next first
  std::deque<std::pair<base::Instant, Key>> later_;  // actions that failed, with the time of their next turn
};

}  // namespace troupe::task
