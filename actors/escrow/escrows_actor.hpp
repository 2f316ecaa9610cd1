#pragma once
// The escrows of a book, at kPath: finds or starts the actor of an escrow if this node keeps the book, and otherwise
// passes requests to the book's node.
//
// Wake      an escrow's actor starts with a request, its deadline or a credit; if unfinished, also every kAliveEvery.
// Deadlines are in rows, the next ones also in memory. A majority of the group's members have passed the time used
//           (agree_on_time). For a book at one node it is the node's date, once it has not jumped for kSteadyFor.
// Early     a deadline that could not fire is retried; retries use a tenth of the time. Later deadlines do not wait.
// Outage    service is noted every kAliveEvery; after a gap of kOutage, deadlines wait for the grace of their escrows.
// Trust     each act is verified here first; then the rate of its account is checked (act_rates.hpp).
// Spawns    `arbiters`, `tasks` (task_escrows_actor.hpp), and an actor for each active escrow.
// Limits    kAwakeMax active escrows; EscrowSettings::acts_per_minute per account; in all, 60 proposals per minute by
//           accounts that never received money.
#include <list>
#include <map>
#include <set>

#include "actors/escrow/arbiters_actor.hpp"
#include "actors/escrow/escrow_actor.hpp"
#include "actors/escrow/task_escrows_actor.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::escrow {

class EscrowsActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "escrows";
  static constexpr std::size_t kAwakeMax = 16'384;          // our choice: 100 MiB
  static constexpr std::chrono::seconds kAliveEvery{20};    // our choice
  static constexpr std::size_t kEarlyMax = 4'096;           // our choice: requests while the seat is being taken
  static constexpr std::chrono::seconds kTryAgain{1};       // our choice: deadlines that could not fire or be read
  static constexpr std::chrono::seconds kOutage{60};        // from the issue on escrow
  static constexpr std::chrono::minutes kSteadyFor{10};     // from the issue on escrow
  static constexpr std::chrono::milliseconds kStep{1'000};  // our choice
  /// Our choice: requests of other nodes per second, in units of kUnitBytes: 400 acts with 16 signatures, a third of a
  /// core.
  static constexpr base::Rate kAsked{4'000, 8'000};
  static constexpr base::Rate kActed{256, 1'024};  // our choice: of acts, because each writes permanent rows
  static constexpr base::Rate kOpened{16, 1'024};  // our choice: 70 MB of rows and memory per hour, by other nodes
  static constexpr std::size_t kUnitBytes = 256;
  static constexpr std::uint32_t kScanUnits = 64;  // per kListRows rows read: 62 scans per second
  static constexpr std::uint32_t kPageUnits = 16;  // per page of a log with its acts: 235 pages per second
  static constexpr std::size_t kReadingMax = 64;   // our choice: log pages read at a time for other nodes, 40 MiB
  explicit EscrowsActor(SharedSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;

 private:
  std::optional<base::Error> refusal(const runtime::Envelope& question);
  struct Follow {};
  struct Again {};
  struct Deadlines {};
  struct Alive {};
  struct Minute {};
  using Nothing = runtime::Reply<messages::wire::Nothing>;
  using Question = durable::Keyed::Question;
  struct Early {
    runtime::Envelope question;
    runtime::AnyReply reply;
    runtime::Caller from;
  };
  struct Watcher {
    std::optional<EscrowId> escrow;
    std::optional<base::NodeId> node;  ///< another node, which watches for its clients
    runtime::Sink<wire::EscrowEvent> sink;
    std::deque<std::pair<EscrowId, std::shared_ptr<const base::Bytes>>> waiting{};
    runtime::Subscription from{};  // its subscription at the book's node
    bool over = false;
  };
  struct Clocks;
  struct Pass;

  void take(Early early);
  template <class Q, class A>
  bool serve(const runtime::Envelope& question, runtime::AnyReply& reply,
             void (EscrowsActor::*handler)(typename Q::Reader, runtime::Reply<A>));
  base::Callback<void()> written();
  void pass_to(const runtime::Handle& child, const runtime::Envelope& question, runtime::AnyReply reply);
  void begin();
  void end();
  void begin_arbiters();
  void begin_tasks();

  void terms(wire::GetTerms::Reader ask, runtime::Reply<wire::TermsAre> reply);
  void open(wire::OpenEscrow::Reader ask, runtime::Reply<wire::EscrowIs> reply);
  void act(wire::TakeAct::Reader ask, runtime::Reply<wire::ActTaken> reply);
  void show(wire::GetEscrow::Reader ask, runtime::Reply<wire::EscrowIs> reply);
  void look_at(wire::LookAt::Reader ask, runtime::Reply<wire::ActTaken> reply);
  void list(wire::ListEscrows::Reader ask, runtime::Reply<wire::Escrows> reply);
  void held(wire::GetHeld::Reader ask, runtime::Reply<wire::HeldIs> reply);
  void list_held(wire::ListHeld::Reader ask, runtime::Reply<wire::HeldAccounts> reply);
  void add_held(const base::User<base::NodeId>& by, const base::Bytes& prefix, const base::Bytes& from, Amount sum,
                runtime::Reply<wire::HeldIs> reply);
  void watch_escrows(wire::WatchEscrows::Reader ask, runtime::Sink<wire::EscrowEvent> sink);
  void show(Watcher& watcher);
  base::NodeId owner() const;

  void ask_escrow(const EscrowId& id, Question question);
  void happened(wire::Happened::Reader told);
  void wake_unfinished();
  void wake_page(const base::Bytes& from);

  void deadlines();
  void agree_on_time(base::Callback<void()> then);
  void ask_due(const rows::Timer& timer, const std::shared_ptr<Pass>& pass, base::Callback<void()> done);
  void fire();
  void fire_page(const std::shared_ptr<Pass>& pass, const base::Bytes& from);
  void fired(const Pass& pass);
  void look_again(base::Duration after);
  void arm(UnixMs deadline);
  bool steady();
  void note_alive();
  void not_alive(const base::Error& why);
  void back(std::uint64_t run, const std::function<void()>& commit);
  UnixMs time() const { return group_time(wall(), now(), *correction_); }

  const SharedSettings settings_;
  durable::Seat seat_;
  durable::Gateway gateway_;
  durable::Room room_;
  std::optional<durable::Storage> storage_;  // of the current term
  std::uint64_t run_ = 0;                    // answers to an earlier term are ignored
  runtime::Handle arbiters_, tasks_;
  std::optional<std::vector<Arbiter>> candidates_;  // the candidates of draws, once known
  durable::Keyed escrows_;
  std::list<Watcher> watchers_;
  std::shared_ptr<std::atomic<std::uint32_t>> watching_ = std::make_shared<std::atomic<std::uint32_t>>(0);
  std::shared_ptr<std::atomic<std::int64_t>> correction_ = std::make_shared<std::atomic<std::int64_t>>(kNoGroup);
  std::shared_ptr<std::atomic<std::uint32_t>> unknown_ = std::make_shared<std::atomic<std::uint32_t>>(0);
  std::shared_ptr<ActRates> rates_ = std::make_shared<ActRates>(settings_->acts_per_minute);
  std::optional<UnixMs> next_deadline_;
  bool firing_ = false;
  std::set<EscrowId> due_;                   // were asked to fire a passed deadline, and have not answered
  UnixMs passed_{0};                         // timers up to then were checked
  std::optional<base::Instant> look_again_;  // when to retry timers that could not fire; nullopt: there are none
  base::Duration look_pace_ = kTryAgain;
  bool waking_ = false;
  bool alive_ = false;  // the row of the outage was read, and the time is known
  std::vector<Early> early_;
  std::optional<base::Error> damaged_;  ///< why the rows of escrows cannot be read
  std::vector<Nothing> ready_;
  runtime::Caller asker_;  // of the current request
  std::size_t asked_bytes_ = 0;
  UnixMs up_since_{0};
  std::optional<base::Bytes> alive_row_;
  std::optional<std::chrono::nanoseconds> offset_;  // date minus the monotonic clock
  std::optional<base::Instant> stepped_;
  base::RateBudget<base::NodeId> asked_{kAsked, base::Instant{}};
  base::RateBudget<base::NodeId> acted_{kActed, base::Instant{}};
  base::RateBudget<base::NodeId> acted_for_tasks_{kActed, base::Instant{}};  // task acts do not wait for escrow acts
  base::RateBudget<base::NodeId> opened_{kOpened, base::Instant{}};
  base::ShareBudget<base::NodeId> reading_{kReadingMax, {.reserve = base::Reserve::none}};  // logs, for other nodes
  std::shared_ptr<std::atomic<std::uint32_t>> again_ = std::make_shared<std::atomic<std::uint32_t>>(0);
};

}  // namespace troupe::escrow
