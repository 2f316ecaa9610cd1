#pragma once
// An airdrop, at kPath/list/ID: from the deposit of its pool to the last payment.
//
// Commit   one at a time: the state, and the rows that belong to the change (actors/durable/api.hpp, StateRow).
// Time     the time on which the book's group has agreed (`/escrow`, GetTerms). After an outage of the book, objections
//          stay open for at least `escrow.grace`, or for the objection period if that is shorter.
// Payment  up to kAtOnce transfers are in flight; the state is saved every kSaveEvery of them. After a crash the same
//          transfers are sent again from the saved state. After a refusal, once all are answered, sending restarts at
//          the first refused transfer with half as many in flight. It waits as long as the ledger says, or longer while
//          none is posted.
// Sleep    the actor notifies the list when the airdrop has ended and was idle for kIdle.
#include <deque>

#include "actors/airdrop/airdrop_settings.hpp"
#include "actors/airdrop/codec.hpp"
#include "actors/airdrop/rows.hpp"
#include "actors/wallet/ledger_client.hpp"
#include "messages/common.capnp.h"
#include "runtime/base/ensure.hpp"

namespace troupe::airdrop {

class AirdropActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "airdrop";
  static constexpr std::size_t kAtOnce = 32;                     // our choice: transfers without an answer
  static constexpr std::size_t kSaveEvery = 32;                  // our choice
  static constexpr std::size_t kWaitingMax = 256;                // our choice: requests of each kind
  static constexpr std::uint32_t kObjectedRows = 64;             // messages/airdrop.capnp
  static constexpr std::chrono::milliseconds kUnknownIdle{100};  // our choice: an untrusted node may ask for any id
  static constexpr std::chrono::seconds kIdle{20};               // our choice
  struct Setup {
    AirdropSettings settings;
    durable::Place place;
    std::uint64_t term = 0;
    AirdropId id;
  };
  explicit AirdropActor(Setup setup);

  void receive(runtime::Handlers& on) override;
  void start() override { load(); }

 private:
  struct Reload {};
  struct Due {};
  struct Resend {};
  struct DepositAgain {};
  struct OwedAgain {};
  struct RunDue {};
  struct PayAgain {};
  struct Idle {};
  using Row = durable::StateRow<Airdrop>;
  using IsReply = runtime::Reply<wire::AirdropIs>;
  using StepReply = runtime::Reply<wire::AirdropStep>;
  using ObjectedReply = runtime::Reply<wire::ObjectedRow>;
  /// The book's times.
  struct Times {
    UnixMs now{0}, up_since{0}, grace{0};
    bool steady = false;  ///< the date has not jumped for a while
    wallet::BookId book;
  };
  struct InFlight {
    Batch batch;
    bool answered = false, posted = false;
  };

  // Opening (airdrop_actor.cpp).
  void load();
  void load_state();
  void load_objected();
  void opened();
  void reload(const base::Error& why);
  /// Calls `then` if the airdrop exists, otherwise refuses `reply`; waits until this is known.
  template <class A>
  void when_there(runtime::Reply<A> reply, base::Callback<void(runtime::Reply<A>)> then);
  template <class A>
  void reading(runtime::Reply<A> reply, base::Callback<void(runtime::Reply<A>&)> then);
  bool there() const { return founding_ && row_.state() != nullptr && state().state != State::depositing; }
  void at_time(base::Callback<void(const base::Outcome<Times>&)> then);

  // The course of the airdrop.
  void go_on();
  void due();
  void follow();
  void deposit();
  void deposited();
  void unfollow(const base::Error& why);
  void not_deposited(const base::Error& why);
  void give_back_all();
  void clear(char of);
  /// Returns the end of the time for objections or pages, which is later after an outage of the book.
  UnixMs ends(const Times& times) const;
  void tell_list(bool over);
  void finished();
  const Airdrop& state() const {
    base::ensure(row_.state() != nullptr, "the state of an airdrop is used after it was read");
    return *row_.state();
  }

  // Requests (airdrop_actor.cpp).
  void create(wire::CreateAirdrop::Reader ask, IsReply reply);
  void create_it(const std::shared_ptr<rows::Founding>& founding, const Times& times, IsReply reply);
  void add(wire::AddPage::Reader ask, StepReply reply);
  void page(std::uint32_t number, runtime::Reply<wire::PageIs> reply);
  void run(StepReply reply);
  void tell_waiting();
  void show(IsReply& reply) const;

  // Objections (objections.cpp).
  void object(wire::Object::Reader ask, ObjectedReply reply);
  void decide(wire::Decide::Reader ask, ObjectedReply reply);
  void find_recipient(std::uint32_t index, const Address& recipient,
                      base::Callback<void(const base::Outcome<Recipient>&)> then);
  void change_objected(std::uint32_t index, const Recipient& recipient,
                       base::Callback<base::Result<void, AirdropError>(Airdrop&, Objected&)> change,
                       ObjectedReply reply);
  void objections(std::uint32_t from, runtime::Reply<wire::Objections>& reply) const;

  // Payments (paying.cpp).
  void pay();
  void read_page(std::uint32_t number);
  void send(std::size_t at);
  void posted(wallet::TransferNumber number, const base::Outcome<void>& how);
  void save(const Cursor& reached, bool last);

  const Setup setup_;
  durable::Storage storage_;
  wallet::LedgerClient ledger_;
  Row row_;
  std::uint64_t run_ = 0;  // answers to an earlier run are ignored
  durable::Opening open_{kWaitingMax, "this airdrop"};
  std::optional<rows::Founding> founding_;  // empty: the airdrop does not exist
  AllObjected objected_;
  std::vector<IsReply> creating_;
  struct Waiting {
    StepReply reply;
    base::Instant due;  // when the caller gets the progress so far
  };
  std::vector<Waiting> running_;
  bool asking_ = false;  // the deposit, or the return of the pool, is being requested

  std::deque<InFlight> in_flight_;
  std::size_t window_ = kAtOnce;  // the limit of in_flight_; lower if the ledger is busy
  /// The reason why a transfer was not posted. Then no more are sent until all are answered and a pause is over.
  std::optional<base::Error> failed_;
  base::Backoff pays_again_{std::chrono::seconds(1), std::chrono::seconds(30)};  // our choice
  Cursor planned_, reached_;
  std::optional<std::uint32_t> page_number_;
  Page page_;
  bool reading_page_ = false;
  std::size_t unsaved_ = 0;
};

template <class A>
void AirdropActor::when_there(runtime::Reply<A> reply, base::Callback<void(runtime::Reply<A>)> then) {
  open_.when<A>(std::move(reply), [this, then = std::move(then)](runtime::Reply<A> waiting) mutable {
    if (there()) then(std::move(waiting));
    else waiting.refuse({base::Code::not_found, "the book has no such airdrop"});
  });
}

}  // namespace troupe::airdrop
