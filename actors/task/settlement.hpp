#pragma once
// Pays for attempts. Before a node is asked, its attempt is engaged in the task's escrow (actors/escrow), from this
// node's account. A free attempt needs none of this.
//
// Reserve  on success the price is in the escrow. After an error it is not, or it comes back once the attempt is due.
// Settle   right results are paid at once, other attempts by the escrow's rules. Then no further attempt is engaged.
// Owner    OrdersActor.
#include "actors/escrow/api.hpp"
#include "actors/task/settings.hpp"
#include "messages/escrow.capnp.h"
#include "runtime/actor/part.hpp"

namespace troupe::task {

/// Returns the agreement that binds a task's escrow to its order.
escrow::TaskAgreement agreement_of(const wallet::BookId& book, const wallet::Address& buyer,
                                   const wallet::Address& fund, const TaskId& task, const Order& order);
/// Returns a ledger's name among the capabilities of a node: half of its id.
std::string name_of(const wallet::BookId& book);
/// Returns the account to which a node is paid.
wallet::Address payee_of(const registry::Registration& node);
/// Writes a signed action of this node in the escrow of a task.
void write_act(escrow::wire::SignedAct::Builder to, const escrow::TaskAct& act, const crypto::Identity& by);

class Settlement final : public runtime::Part {
 public:
  struct Attempt {
    TaskId task;
    std::uint64_t token = 0;
    wallet::Address provider, pay_to;
    wallet::Amount price;
    wallet::UnixMs due{0};
  };
  /// Why a price was not reserved: because of this node's account, which affects all tasks, or of this task's escrow.
  enum class Trouble : std::uint8_t { account, escrow };
  struct NotReserved {
    Trouble trouble{};
    base::Error why;
  };
  using Reserved = base::Callback<void(const base::Result<escrow::TaskEscrowId, NotReserved>&)>;
  using Done = base::Callback<void(const base::Outcome<void>&)>;

  Settlement(runtime::Actor& owner, std::shared_ptr<const crypto::Identity> identity)
      : Part(owner), identity_(std::move(identity)), buyer_(wallet::address_of(identity_->public_key())) {}

  void reserve(const Attempt& attempt, const Order& order, Reserved done);
  /// Asks the ledger for its terms, so that known_escrow() and book() can use them.
  void learn(Done learned);
  /// Returns the ledger as a node with a price names it (placement.hpp), or "" if it is unknown.
  std::string book() const { return terms_ ? name_of(terms_->book) : ""; }
  /// Returns the escrow that a paying order's attempts have or would have, or nullopt before the ledger responded.
  std::optional<escrow::TaskEscrowId> known_escrow(const TaskId& task, const Order& order) const;
  /// `accepted`: tokens of the attempts with right results, in rising order. Fails with `not_found` if no attempt was
  /// ever engaged, or if the ledger's node is still starting.
  void settle(const TaskId& task, const Order& order, std::vector<std::uint64_t> accepted, Done done);

 private:
  struct Terms {
    wallet::BookId book;
    wallet::Address fund;
  };
  void with_terms(base::Callback<void(const base::Outcome<Terms>&)> then);
  void engage(const escrow::TaskAgreement& agreement, const Attempt& attempt,
              const wallet::wire::SignedTransfer::Reader& deposit, Reserved done);
  void spent(const wallet::TransferId& transfer, bool posted);

  const std::shared_ptr<const crypto::Identity> identity_;
  const wallet::Address buyer_;
  std::optional<Terms> terms_;
};

}  // namespace troupe::task
