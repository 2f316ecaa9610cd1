#pragma once
// The arbiters of a book, at kPath/arbiters: joining, leaving, forfeited bonds, and the candidates of draws.
//
// State    one row (actors/durable/api.hpp, StateRow). Each report of an escrow about a round is a row of its own, so
//          that it counts once.
// Join     the deposit is durable before it is sent; after a crash it is sent again.
// Rate     each change writes the whole row, 192 KB when full, so changes for other nodes are limited by kAskedByOthers
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
  /// Our choice: through other nodes one arbiter per second joins or leaves, 64 at once; each counts as kChangeUnits.
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
  /// Commits a change, with an optional row. Payments that the change owes are bound in the same commit.
  void change(base::Callback<base::Outcome<void>(Registry&)> change, Done done, std::optional<base::Bytes> once = {});
  void go_on();
  void deposit_ended(const Address& arbiter, const wallet::TransferId& id, Amount bond, const base::Outcome<void>& how);
  void join(wire::JoinArbiters::Reader question, Nothing reply);
  void add(const User& by, const Address& arbiter, Amount bond, base::Bytes kept, Nothing reply);
  void leave(wire::LeaveArbiters::Reader ask, Nothing reply);
  void note(wire::ArbiterAct::Reader ask, Nothing reply);
  void list(runtime::Reply<wire::Arbiters> reply);
  void tell_root();
  /// Returns why the change is refused now; `may` is the registry's decision.
  std::optional<base::Error> refusal(const User& by, const base::Result<void, RegistryError>& may);

  const Setup setup_;
  durable::Storage storage_;
  wallet::LedgerClient ledger_;
  std::uint64_t run_ = 0;  // answers to an earlier run are ignored
  durable::StateRow<Registry> row_;
  bool telling_ = false;
  std::optional<wallet::BookId> book_;
  std::set<wallet::TransferId> ended_;               // deposits whose ends are not durable yet
  std::map<Address, std::vector<Nothing>> waiting_;  // callers that wait for the ends of their deposits
  std::optional<std::vector<Arbiter>> told_;         // the candidates that the root has acknowledged
  base::RateBudget<base::NodeId> asked_{kAskedByOthers, base::Instant{}};
  Joining joining_{kJoiningMax};  // by caller; for entries of a row that was read the caller is unknown
};

}  // namespace troupe::escrow
