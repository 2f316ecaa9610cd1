#pragma once
// The arbiters of a book, at kPath/arbiters: who joins and leaves, whose bond is lost, and who can be drawn.
//
// State    one row, written whole with each change; what escrows have said of a round in rows beside it, so that it
//          counts once.
// Join     the deposit is durable before it is sent; after a crash it is sent again.
#include "actors/escrow/escrow_settings.hpp"
#include "actors/escrow/logic/registry.hpp"
#include "actors/escrow/rows.hpp"
#include "messages/common.capnp.h"
#include "messages/escrow.capnp.h"

namespace troupe::escrow {

inline constexpr const char* kArbitersPath = "/escrow/arbiters";

class ArbitersActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "arbiters";
  static constexpr std::size_t kWaitingMax = 1'024;  // our choice
  struct Setup {
    SharedSettings settings;
    durable::Place place;
    std::uint64_t term = 0;
  };
  explicit ArbitersActor(Setup setup)
      : setup_(std::move(setup)), storage_(*this, setup_.place, "escrow", setup_.term) {}

  void receive(runtime::Handlers& on) override;
  void start() override { load(); }

 private:
  struct Reload {};
  struct Resend {};
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  /// A change of a copy of the state; with a row beside it. An error changes nothing.
  struct Wanted {
    base::Callback<base::Outcome<void>(Registry&)> change;
    std::optional<base::Bytes> once{};
    base::Callback<void(const base::Outcome<void>&)> done;
  };

  void load();
  void load_state(const wallet::BookId& book);
  void reload(const base::Error& why);
  void want(Wanted wanted);
  void next();
  void go_on();
  void join(wire::JoinArbiters::Reader ask, Nothing reply);
  void leave(wire::LeaveArbiters::Reader ask, Nothing reply);
  void note(wire::ArbiterAct::Reader ask, Nothing reply);
  void list(runtime::Reply<wire::Arbiters> reply);
  void tell_root();

  const Setup setup_;
  durable::Storage storage_;
  std::uint64_t run_ = 0;  // answers to an earlier one are ignored
  bool busy_ = false, paying_ = false;
  std::optional<wallet::BookId> book_;
  std::optional<Registry> registry_;  // none: it is being read
  std::optional<base::Bytes> row_;
  std::uint64_t commits_ = 0;
  std::deque<Wanted> queue_;
  std::set<Address> sending_;
  std::map<Address, std::vector<Nothing>> waiting_;  // for their deposits
};

}  // namespace troupe::escrow
