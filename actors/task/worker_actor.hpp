#pragma once
// Runs tasks of other nodes and of this node, at kPath. It is the head of the domain.
//
// Takes    an order that its signer itself asks this node to run, if its limits fit. Of two attempts of a task, the
//          attempt with the higher token is taken.
// Waits    in a queue for cores and memory, by priority and waiting time; then `/task/ID`, the attempt's actor, is
//          spawned. If another node's attempt does not fit, attempts that do not delay it may pass (logic/line.hpp).
// Paid     an order with a price begins once the price is in an escrow (earnings.hpp). Its result is submitted to the
//          escrow; an attempt without a result resigns.
// Closed   while no sandbox can be made (tried at the start and every kTryAgain), or if task.slots is 0.
// Malice   after a malicious program, all tasks of its submitter are refused for a while (malice.hpp).
// Checks   spot checks are ordinary, unpaid orders (logic/spot.hpp).
// Spawns   `orders`, `inputs`, `checks` and `warnings` (their _actor.hpp), and the attempts.
// Limits   kWaitingMax waiting attempts and kStarts, with quotas per node and address group. Attempts also wait for
//          descriptors (kDescriptorsMax), from which their output is read.
#include <map>
#include <set>

#include "actors/task/attempt_actor.hpp"
#include "actors/task/earnings.hpp"
#include "actors/task/logic/line.hpp"
#include "actors/task/malice.hpp"
#include "runtime/actor/relay.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_budget.hpp"

namespace troupe::task {

class WorkerActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "task";
  static constexpr std::size_t kWaitingMax = 1'024;         // our choice
  static constexpr std::size_t kTokensMax = 4'096;          // our choice: of the tasks that ended last
  static constexpr std::chrono::seconds kTryAgain{60};      // our choice
  static constexpr std::uint32_t kOrdersPerSecond = 1'024;  // our choice: a tenth of a core
  static constexpr base::Rate kStarts{64, 256};             // our choice: each is a sandbox
  static constexpr std::uint32_t kDescriptorsMax =
      512;  // our choice: twice this is half of the descriptors not used by streams
  static constexpr std::uint64_t kOwnMemoryPart = 8;                 // our choice: an eighth is for tasks of this node
  static constexpr runtime::logic::Credit kUntaken{16, 256u << 10};  // our choice: per attempt, held in memory
  static constexpr std::size_t kPutOffMax = 64;             // our choice: each costs a scan of all waiting attempts
  static constexpr std::chrono::milliseconds kPutOff{250};  // our choice: more than one turn
  static constexpr std::chrono::minutes kDrainMax{2};       // our choice: to read an attempt's last items
  static constexpr std::chrono::seconds kAging{60};         // our choice: a wait that counts as one priority level
  static constexpr std::chrono::minutes kBeginMargin{5};    // our choice: beyond its time limit, for fetching inputs
  explicit WorkerActor(TaskSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void process(ports::ProcessEvent&& event) override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;
  void check() const override;

  /// Returns the number of attempts that wait or run.
  std::size_t tasks() const { return all_.size(); }
  bool has(const TaskId& id) const { return all_.contains(id); }

 private:
  struct Sign {};
  struct Probe {};
  struct Tell {};
  struct RefreshPrice {};
  struct HandAgain {};
  struct MaliceAgain {};
  using User = base::User<base::NodeId>;
  struct One {
    std::shared_ptr<const AttemptActor::What> what;
    User user;
    base::Instant came;
    base::Instant begins_at{};                                       ///< it waits at least until then
    runtime::Sink<wire::AttemptItem> waiting;                        ///< until it runs
    std::unique_ptr<runtime::OutputRelay<wire::AttemptItem>> relay;  ///< while it runs, unless it is given up
    runtime::Handle actor;                                           ///< null: it waits
    base::Instant began{};                                           ///< when it began to run
    bool program_runs = false;                                       ///< or has run
    bool lacks_input = false;                                        ///< no node has one of its inputs
    bool program_ended = false;                                      ///< its outputs are still being read
  };
  /// A request to run an attempt.
  struct Asked {
    AttemptActor::What what;
    User user;
    runtime::Sink<wire::AttemptItem> to;
    bool gone = false;     ///< its submitter gave it up
    bool engaged = false;  ///< its price is in the escrow
  };
  /// Returns what an attempt uses: cores and processes until its program ends, the rest until its outputs are read.
  static Used used_by(const One& one);
  void take(wire::RunAttempt::Reader request, runtime::Sink<wire::AttemptItem> to);
  void look_up(std::shared_ptr<Asked> asked);
  void admit(Asked asked);
  /// Refuses an attempt. An engaged attempt resigns, so its price goes back.
  void turn_away(Asked& asked, const base::Error& why);
  /// Returns why all orders of that node are refused, or nullopt.
  std::optional<base::Error> refusal_of(const base::NodeId& submitter) const;
  std::optional<base::Error> refusal(const AttemptActor::What& what) const;
  /// Returns whether spot checks by a submitter are taken although its tasks are refused: other nodes' warnings about
  /// it do not keep this node from proving itself to it.
  bool may_check(const base::NodeId& submitter) const {
    return closed_.empty() && !is_short() && !malice_.tried_here(submitter);
  }
  /// Returns whether memory is short: a new attempt of another node would be the next to be ended.
  bool is_short() const { return now() < short_until_; }
  void run_short(const base::Error& why);
  void hear_malice(wire::AttemptMalicious::Reader told);
  void hear_warnings(wire::WarnedOf::Reader told);
  /// Returns whether it is too late to submit a result of the attempt.
  bool too_late(const One& one) const;
  void begin_next();
  /// Returns how long the user has to wait, or nullopt if it may begin now; then counts the start.
  std::optional<base::Duration> wait_to_begin(const User& user);
  /// Returns the most urgent waiting attempt. If not `own`, attempts of local tasks are left out. With `line`, only
  /// attempts that may pass its head are considered.
  std::optional<TaskId> next(bool own, const std::optional<Line>& line) const;
  bool fits(const One& one) const;
  Line line_behind(const One& head) const;
  static Line::Running running(const One& one, base::Instant began);
  /// Returns what local tasks, or other nodes' tasks, may use together; they share the memory.
  Used most(bool own) const;
  std::uint64_t memory_used() const { return own_.memory + others_.memory; }
  std::uint64_t memory_of_others() const { return memory_ - memory_ / kOwnMemoryPart; }
  /// Returns the counter for an attempt: local tasks and other nodes' tasks are counted apart, each with as many cores.
  Used& used_by_its_like(const One& one) { return one.user.reserved ? own_ : others_; }
  const Used& used_by_its_like(const One& one) const { return one.user.reserved ? own_ : others_; }
  void begin(const TaskId& id);
  void note_end(One& one);
  /// Forgets a waiting attempt that its submitter gave up or requests again.
  void give_up(const TaskId& id);
  void forget(const TaskId& id);
  void sweep();
  /// Schedules sign() within `period`.
  void sign_within(base::Duration period);
  void sign();
  void say_waits(const TaskId& id);
  void probe();
  /// Tells the registry whether this node takes tasks.
  void tell_registry();
  void count();

  const TaskSettings settings_;
  std::uint32_t slots_ = 0;  // thousandths of cores, for local tasks and again for other nodes'
  std::uint32_t pids_ = 0;   // for tasks of other nodes
  Used own_, others_;        // used by local tasks, and by tasks of other nodes
  std::uint64_t memory_ = 0;
  std::string closed_;
  base::Instant short_until_{};
  std::unique_ptr<ports::Process> probing_;
  std::map<TaskId, One> all_;
  /// Attempts that have ended, while their reader still reads their last items.
  struct Draining {
    User user;
    std::unique_ptr<runtime::OutputRelay<wire::AttemptItem>> relay;
    base::Instant until;
  };
  std::vector<Draining> draining_;
  std::optional<base::Duration> signs_;  // how soon sign() is scheduled
  std::set<TaskId> waiting_;
  Malice malice_;
  Earnings earnings_;
  /// Paid attempts whose result was not submitted yet.
  struct Owed {
    escrow::TaskEscrowId escrow;
    base::Instant ended{};  ///< end of its actor, whose last message may still arrive
  };
  std::map<std::pair<TaskId, std::uint64_t>, Owed> owed_;  // by task and token
  std::vector<std::weak_ptr<Asked>> looking_up_;
  std::map<TaskId, std::uint64_t> tokens_;  // the highest per task, also of ended tasks
  std::deque<TaskId> ended_;                // in the order of their ends
  base::ShareBudget<base::NodeId> places_{kWaitingMax};
  base::RateBudget<base::NodeId> orders_;  // orders of other nodes, whose signatures are verified
  base::RateBudget<base::NodeId> starts_;  // starts of other nodes' attempts
  base::ShareBudget<base::NodeId> look_ups_{Earnings::kCheckingMax};  // escrow lookups, at hosts that submitters name
};

}  // namespace troupe::task
