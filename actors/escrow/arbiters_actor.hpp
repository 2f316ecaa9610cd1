#pragma once
// The arbiters of a book, at kPath/arbiters: who joins and leaves, whose bond is lost, and who can be drawn.
//
// State    one row (actors/durable/api.hpp, StateRow); what escrows have said of a round in rows beside it, so that it
//          counts once.
// Join     the deposit is durable before it is sent; after a crash it is sent again.
// Rate     each change writes the whole row, 192 KB where it is full: those that other nodes ask for are kAskedByOthers
//          (runtime/base/rate_budget.hpp).
#include "actors/escrow/escrow_settings.hpp"
#include "actors/escrow/group_time.hpp"
#include "actors/escrow/logic/registry.hpp"
#include "actors/escrow/rows.hpp"
#include "actors/wallet/ledger_client.hpp"
#include "messages/common.capnp.h"
#include "messages/escrow.capnp.h"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_places.hpp"

namespace troupe::escrow {

inline constexpr const char* kArbitersPath = "/escrow/arbiters";

class ArbitersActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "arbiters";
  /// Our choice: of other nodes an arbiter joins or leaves a second, 64 at once; each counts as kChangeUnits.
  static constexpr base::Rate kAskedByOthers{16, 1'024};
  static constexpr std::uint32_t kChangeUnits = 16;
  struct Setup {
    SharedSettings settings;
    durable::Place place;
    std::uint64_t term = 0;
    std::shared_ptr<const std::atomic<std::int64_t>> correction;  ///< see group_time()
  };
  explicit ArbitersActor(Setup setup)
      : setup_(std::move(setup)),
        storage_(*this, setup_.place, "escrow", setup_.term),
        ledger_(*this, {setup_.settings->log}),
        row_(*this, storage_, rows::prefix('A'), "the list of arbiters") {}

  void receive(runtime::Handlers& on) override;
  void start() override { load(); }

 private:
  struct Reload {};
  struct DepositAgain {};
  struct PayAgain {};
  struct TellAgain {};
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  using Done = durable::StateRow<Registry>::Done;
  using User = base::User<base::NodeId>;
  using Joining = base::SharePlaces<Address, base::NodeId>;

  void load();
  void reload(const base::Error& why);
  /// A change, with a row beside it. What is owed by it is bound in the same commit.
  void change(base::Callback<base::Outcome<void>(Registry&)> change, Done done, std::optional<base::Bytes> once = {});
  void go_on();
  void deposit_ended(const Address& arbiter, const wallet::TransferId& id, Amount bond, const base::Outcome<void>& how);
  void join(wire::JoinArbiters::Reader question, Nothing reply);
  void add(const User& by, const Address& arbiter, Amount bond, base::Bytes kept, Nothing reply);
  void leave(wire::LeaveArbiters::Reader ask, Nothing reply);
  void note(wire::ArbiterAct::Reader ask, Nothing reply);
  void list(runtime::Reply<wire::Arbiters> reply);
  void tell_root();
  /// Why it is not done now; `may`: what the arbiters themselves say.
  std::optional<base::Error> refusal(const User& by, const base::Result<void, RegistryError>& may);

  const Setup setup_;
  durable::Storage storage_;
  wallet::LedgerClient ledger_;
  std::uint64_t run_ = 0;  // answers to an earlier one are ignored
  durable::StateRow<Registry> row_;
  bool telling_ = false;
  std::optional<wallet::BookId> book_;
  std::set<wallet::TransferId> ended_;               // deposits whose ends are not durable yet
  std::map<Address, std::vector<Nothing>> waiting_;  // for their deposits
  std::optional<std::vector<Arbiter>> told_;         // to the root, as it has answered: who can be drawn
  base::RateBudget<base::NodeId> asked_{kAskedByOthers, base::Instant{}};
  Joining joining_{kJoiningMax};  // by who has asked; of those in the row when it is read that is not known
};

}  // namespace troupe::escrow
