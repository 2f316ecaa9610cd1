#pragma once
// One escrow, at kPath/ID: decides a command, commits the events, applies them, then replies and sends.
//
// Start    the first request starts the actor, which reads the escrow's log. It sleeps after it was idle (Sleepy).
// Command  one at a time: the next command is decided on the result. The events, the timer, unfinished work and the
//          signed act are one commit.
// Log      is replayed from the latest snapshot, made every `escrow.snapshot_after` entries; all entries are kept.
// Doubt    after a commit that failed or whose result is unknown, the log is read again.
// Money    deposits and payments are sent again until the ledger has reported the result. On a chain the ledger then
//          gives the rest to the fund, before the last payment is recorded as ended.
// Source   Akka's persistent actors.
#include <deque>

#include "actors/escrow/act_rates.hpp"
#include "actors/escrow/codec.hpp"
#include "actors/escrow/escrow_settings.hpp"
#include "actors/escrow/group_time.hpp"
#include "actors/escrow/rows.hpp"
#include "actors/wallet/ledger_client.hpp"
#include "messages/common.capnp.h"

namespace troupe::escrow {

class EscrowActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "escrow";
  static constexpr std::size_t kWaitingMax = 256;  // our choice: commands that wait for the current command
  struct Setup {
    SharedSettings settings;
    durable::Place place;
    std::uint64_t term = 0;
    EscrowId id;
    std::shared_ptr<const std::atomic<std::uint32_t>> watchers;
    std::shared_ptr<const std::atomic<std::int64_t>> correction;  ///< see group_time()
    std::shared_ptr<ActRates> rates;
    std::shared_ptr<std::atomic<std::uint32_t>> unknown;  ///< this minute's proposals of never credited accounts
    std::shared_ptr<std::atomic<std::uint32_t>> again;    ///< see wallet::LedgerClient
  };
  explicit EscrowActor(Setup setup)
      : setup_(std::move(setup)),
        storage_(*this, setup_.place, kKeyspace, setup_.term),
        ledger_(*this, {setup_.settings->log, kBackoff, setup_.place.chain ? setup_.again : nullptr}) {}
  static constexpr const char* kKeyspace = "escrow";

  void receive(runtime::Handlers& on) override;
  void start() override { load(); }

 private:
  static constexpr std::chrono::seconds kBookDue{20};  // our choice: then asked again
  static constexpr int kArbiterTermPart = 10;          // our choice: bounds how long a drawn arbiter cannot leave
  static constexpr int kGracePart = 10;                // our choice: bounds the timers that wait after an outage
  static constexpr std::chrono::milliseconds kUnknownIdle{100};  // our choice
  static constexpr std::chrono::milliseconds kBackoff{100};      // our choice
  static constexpr std::chrono::seconds kDamagedAgain{30};       // our choice
  static constexpr std::chrono::seconds kSweepAgain{5};          // our choice: money for the fee may be missing
  struct Reload {};
  struct Resend {};
  struct DepositAgain {};
  struct PayAgain {};
  struct Idle {};
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  struct Taken {
    std::uint64_t sequence = 0;
    bool changed = false;
  };
  using Done = base::Callback<void(const base::Outcome<Taken>&)>;
  /// The act of an account's request.
  struct Request {
    base::Bytes row;
    base::Digest act;
  };
  struct ActWanted {
    Acted acted;
    rows::SignedBytes bytes;
    std::optional<rows::SignedBytes> deposit{};  ///< the deposit of a Fund
    std::optional<base::NodeId> owner{};
    std::optional<Request> request{};
    std::optional<std::string> note{};
    runtime::Caller from{};  ///< the caller of a Fund
    bool tight = false;      ///< accepted only if it moves the escrow to another state, because space is short
  };
  struct FireWanted {
    Fire fire;
    bool draws = true;  ///< whether the candidates are known
  };
  /// The arbiters have acknowledged the report in that row.
  struct SaidWanted {
    base::Bytes row;
  };
  struct Wanted {
    std::variant<ActWanted, FireWanted, SaidWanted, Command> what;
    bool own = false;  ///< begun by this actor itself, so not refused when many commands wait
    Done done;
  };
  struct Step;
  struct Depositing {
    std::optional<rows::SignedBytes> transfer{};
    std::optional<runtime::Caller> from{};  ///< the caller; nullopt: unknown after a start
    std::optional<base::Error> refused{};   ///< the ledger's refusal
    std::vector<Done> waiting{};
  };
  struct Opening;

  // -- escrow_actor_load.cpp
  void load();
  void load_snapshot(rows::Founding founding, rows::Head head);
  void load_log(rows::Founding founding, rows::Head head, const base::Bytes& from, Replay before);
  void breaks(const std::string& how);
  void load_deposits(Party party);
  void load_sayings();
  void loaded();
  void reload(const base::Error& why);
  /// Calls back once the escrow is read, or with the reason of failure.
  void when_loaded(durable::Opening::Then then);

  // -- escrow_actor_open.cpp
  void open(wire::OpenAt::Reader ask, runtime::Reply<wire::EscrowIs> reply);
  void open_at_book(std::shared_ptr<Opening> opening);
  void follow(std::shared_ptr<Opening> opening);
  void if_unpaid(std::shared_ptr<Opening> opening, base::Callback<void()> then);
  void found(std::shared_ptr<Opening> opening);

  // -- escrow_actor.cpp
  void act(wire::ActAt::Reader ask, runtime::Reply<wire::ActTaken> reply);
  void look_up_request(std::shared_ptr<Wanted> wanted);
  void take(Wanted wanted);
  void look_before(std::shared_ptr<Wanted> wanted);
  Party party_of(const ActWanted& act) const;
  Reveal secret() const;
  void credited(wallet::wire::Credited::Reader ask, Nothing reply);
  void due(wire::DueAt::Reader ask, Nothing reply);
  void show(std::uint64_t after, std::uint32_t rows_max, runtime::Reply<wire::EscrowIs> reply);
  void send_page(const durable::Storage::Page& entries, const durable::Storage::Page& acts,
                 runtime::Reply<wire::EscrowIs> reply) const;

  void want(Wanted wanted);
  bool is_for(const Address& by) const;
  void next();
  void want_own(Command command);
  void perform(Wanted wanted);
  Command command_of(const Wanted& wanted) const;
  void nothing_happens(Wanted& wanted);
  void commit(Step step);
  /// Calls back once the commit is durable, or with an error: then the rows are read again.
  void make_durable(durable::Storage::Commit commit, durable::Opening::Then then);
  void happens(Step& step);
  void answer(Step& step);
  Step step_of(Wanted wanted, const Command& command, Decision decision, UnixMs at) const;
  durable::Storage::Commit commit_of(const Step& step) const;
  std::optional<rows::Founding> founding_after(const ActWanted* act, const Command& command,
                                               const Decision& decision) const;
  void happened(const std::vector<Entry>& entries);
  void resend();
  void effect(const Effect& effect);
  void send_deposit(Party party);
  void payment_ended(const wallet::TransferId& id);
  void deposit_ended(Party party, const base::Outcome<Taken>& how);
  // -- escrow_actor_aside.cpp
  std::map<base::Bytes, Address> sayings_of(const ActWanted* act, const Decision& decision, const Escrow& after) const;
  void say();
  void forget(Wanted wanted);

  base::Error unknown() const;
  const Escrow& escrow() const { return replay_->escrow(); }
  UnixMs time() const;

  const Setup setup_;
  durable::Storage storage_;
  wallet::LedgerClient ledger_;
  std::uint64_t run_ = 0;  // answers to an earlier run are ignored
  durable::Opening loaded_{kWaitingMax, "this escrow"};
  bool busy_ = false;
  std::optional<rows::Founding> founding_;
  std::optional<Replay> replay_;
  std::optional<base::Bytes> head_row_;
  std::uint64_t commits_ = 0;
  std::deque<Wanted> queue_;
  EachParty<Depositing> deposits_{};
  std::map<base::Bytes, Address> sayings_;  // reports about arbiters, by their rows
  bool saying_ = false;
  bool snapshot_doubted_ = false;
};

}  // namespace troupe::escrow
