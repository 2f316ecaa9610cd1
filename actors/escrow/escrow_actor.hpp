#pragma once
// One escrow, at kPath/ID: what is decided becomes durable, then it has happened, then it is answered and sent.
//
// Start    by the first question about it; reads its log. Sleeps when nothing was asked for a while (Sleepy).
// Command  one at a time: the next is decided on what this one leaves. Events, the timer, what is unfinished and the
//          signed act are one commit.
// Log      is replayed from the latest snapshot on, made every `escrow.snapshot_after` entries; all of it stays.
// Doubt    after a commit whose end is not known, or that is void, the log is read again.
// Money    deposits and payments are sent again until the ledger has said what became of them. On a chain the ledger
//          then gives the fund what is left, before the last of them is noted as ended.
// Source   Akka's persistent actors.
#include <deque>

#include "actors/escrow/act_rates.hpp"
#include "actors/escrow/escrow_settings.hpp"
#include "actors/escrow/group_time.hpp"
#include "actors/escrow/rows.hpp"
#include "actors/escrow/words.hpp"
#include "actors/wallet/ledger_client.hpp"
#include "messages/common.capnp.h"

namespace troupe::escrow {

class EscrowActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "escrow";
  static constexpr std::size_t kWaitingMax = 256;  // our choice: commands that wait for the one under way
  struct Setup {
    SharedSettings settings;
    durable::Place place;
    std::uint64_t term = 0;
    EscrowId id;
    std::shared_ptr<const std::atomic<std::uint32_t>> watchers;
    std::shared_ptr<const std::atomic<std::int64_t>> correction;  ///< see group_time()
    std::shared_ptr<ActRates> rates;
    std::shared_ptr<std::atomic<std::uint32_t>> unknown;  ///< escrows that unknown accounts proposed in this minute
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
  static constexpr std::chrono::seconds kBookDue{20};            // our choice: it is tried again
  static constexpr int kArbiterTermPart = 10;                    // our choice: who is drawn cannot leave meanwhile
  static constexpr int kGracePart = 10;                          // our choice: until then the timers are there
  static constexpr std::chrono::milliseconds kUnknownIdle{100};  // our choice
  static constexpr std::chrono::milliseconds kBackoff{100};      // our choice
  static constexpr std::chrono::seconds kDamagedAgain{30};       // our choice
  static constexpr std::chrono::seconds kSweepAgain{5};          // our choice: a chain may have no fee for it yet
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
  /// Which act a request of its account was about.
  struct Request {
    base::Bytes row;
    base::Digest act;
  };
  struct ActWanted {
    Acted acted;
    rows::SignedBytes bytes;
    std::optional<rows::SignedBytes> deposit{};  ///< of a Fund
    std::optional<base::NodeId> owner{};
    std::optional<Request> request{};
    std::optional<std::string> note{};
    runtime::Caller from{};  ///< a Fund: who has asked
    bool tight = false;      ///< it is taken only if the escrow goes on with it
  };
  struct FireWanted {
    Fire fire;
    bool draws = true;  ///< it is known who can be drawn
  };
  /// That row of what was to be said is done.
  struct SaidWanted {
    base::Bytes row;
  };
  struct Wanted {
    std::variant<ActWanted, FireWanted, SaidWanted, Command> what;
    bool own = false;  ///< what this actor has begun itself is not turned away when others ask much
    Done done;
  };
  struct Step;
  struct Depositing {
    std::optional<rows::SignedBytes> transfer{};
    std::optional<runtime::Caller> from{};  ///< who has asked for it; nothing: not known after a start
    std::optional<base::Error> refused{};   ///< by the ledger
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
  /// Calls back once the escrow is read, or with the reason why it is not.
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
  /// Calls back once it is durable, or with the reason why it is not: then the rows are read again.
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
  std::uint64_t run_ = 0;  // answers to an earlier one are ignored
  durable::Opening loaded_{kWaitingMax, "this escrow"};
  bool busy_ = false;
  std::optional<rows::Founding> founding_;
  std::optional<Replay> replay_;
  std::optional<base::Bytes> head_row_;
  std::uint64_t commits_ = 0;
  std::deque<Wanted> queue_;
  EachParty<Depositing> deposits_{};
  std::map<base::Bytes, Address> sayings_;  // of arbiters, by their rows
  bool saying_ = false;
  bool snapshot_doubted_ = false;
};

}  // namespace troupe::escrow
