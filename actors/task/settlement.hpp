#pragma once
// How a submitter pays for attempts: each is engaged in the task's escrow (actors/escrow) before its node is asked,
// from this node's own account. An attempt that costs nothing needs none of this.
//
// Reserve  the price lies in the escrow once this has succeeded. After an error it does not, or comes back when the
//          attempt was due.
// Settle   what was right is paid at once, the rest as the escrow's rules say; then no attempt is engaged any more.
// Owner    OrdersActor.
#include "actors/escrow/api.hpp"
#include "actors/task/settings.hpp"
#include "messages/escrow.capnp.h"
#include "runtime/actor/part.hpp"

namespace troupe::task {

/// What binds the escrow of a task and its order together.
escrow::TaskAgreement agreement_of(const wallet::BookId& book, const wallet::Address& buyer,
                                   const wallet::Address& fund, const TaskId& task, const Order& order);
/// Of a book, among the capabilities of a node: half of its id.
std::string name_of(const wallet::BookId& book);
/// The account to which a node wants to be paid.
wallet::Address payee_of(const registry::Registration& node);
/// An act of this node in the escrow of a task.
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
  /// What kept a price from being reserved: another task meets the same, or it is the matter of this one alone.
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
  /// Asks the book for its terms, so that known_escrow() and book() know them.
  void learn(Done learned);
  /// As a node with a price names it (placement.hpp); empty: not known.
  std::string book() const { return terms_ ? name_of(terms_->book) : ""; }
  /// Of an order that pays: the escrow that its attempts have, or would have. Nothing before the book was asked.
  std::optional<escrow::TaskEscrowId> known_escrow(const TaskId& task, const Order& order) const;
  /// `accepted` are attempts whose answers were right, rising. `not_found`: nothing was ever engaged, or the book's
  /// node is just beginning.
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
