#pragma once
// What other nodes, and this one, let this node run: at kPath, the head of the domain.
//
// Takes    an order that its submitter has signed and asks for itself, whose limits fit into what this node gives to
//          tasks; of two attempts of a task the one with the higher token.
// Waits    in a queue, most urgent first and longer waiting ones before, for cores and memory; then an actor of the
//          attempt is spawned, `/task/ID`. One of another node that does not fit yet is passed by those that do not
//          delay it (logic/line.hpp).
// Paid     an order whose price this node wants begins once that lies in an escrow (earnings.hpp); what comes of the
//          attempt is handed in, and without an answer it resigns.
// Closed   while no sandbox can be made, which is tried at the start and each kTryAgain, or where task.slots is 0.
// Malice   of a program ends all dealings with its submitter for a while (malice.hpp).
// Checks   are orders like others, and free (logic/spot.hpp).
// Spawns   `orders` (orders_actor.hpp), `inputs` (inputs_actor.hpp), `checks` (checks_actor.hpp), and the attempts.
// Limits   kWaitingMax attempts wait, of which a node and its address group have shares; so do they of kStarts, beyond
//          which one of another node waits. What an attempt prints and leaves is read from descriptors: those of all
//          have a bound, and another attempt waits for them as for cores.
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
  static constexpr std::size_t kTokensMax = 4'096;          // our choice: of tasks that ended here last
  static constexpr std::chrono::seconds kTryAgain{60};      // our choice
  static constexpr std::uint32_t kOrdersPerSecond = 1'024;  // our choice: a tenth of a core
  static constexpr base::Rate kStarts{64, 256};             // our choice: each is a sandbox
  static constexpr std::uint32_t kDescriptorsMax = 512;     // our choice: twice this is half of what is no stream's
  static constexpr std::uint64_t kOwnMemoryPart = 8;        // our choice: an eighth is for tasks of this node
  static constexpr runtime::logic::Credit kUntaken{16, 256u << 10};  // our choice: of each, it is in memory
  static constexpr std::size_t kPutOffMax = 64;                      // our choice: a walk of all that wait for each
  static constexpr std::chrono::milliseconds kPutOff{250};           // our choice: not again within a turn
  static constexpr std::chrono::minutes kDrainMax{2};     // our choice: what an attempt said last waits for its reader
  static constexpr std::chrono::seconds kAging{60};       // our choice: after that long one is as urgent as the next
  static constexpr std::chrono::minutes kBeginMargin{5};  // our choice: beyond its time, until its inputs are there
  explicit WorkerActor(TaskSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void process(ports::ProcessEvent&& event) override;
  void down(const runtime::Handle& ended, const std::optional<base::Error>& why) override;
  void check() const override;

  /// Attempts that wait or run.
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
    base::Instant begins_at{};                                       ///< and not before
    runtime::Sink<wire::AttemptItem> waiting;                        ///< until it runs
    std::unique_ptr<runtime::OutputRelay<wire::AttemptItem>> relay;  ///< from then on, unless it is given up
    runtime::Handle actor;                                           ///< null: it waits
    base::Instant began{};                                           ///< then
    bool program_runs = false;                                       ///< or has run
    bool lacks_input = false;                                        ///< no node has one of its inputs
    bool program_ended = false;                                      ///< what it has left is taken
  };
  /// An attempt that its submitter asks for.
  struct Asked {
    AttemptActor::What what;
    User user;
    runtime::Sink<wire::AttemptItem> to;
    bool gone = false;     ///< its submitter has given it up
    bool engaged = false;  ///< its price lies in the escrow
  };
  /// Cores and processes until its program has ended, the rest until all was taken of what that has left.
  static Used used_by(const One& one);
  void take(wire::RunAttempt::Reader request, runtime::Sink<wire::AttemptItem> to);
  void look_up(std::shared_ptr<Asked> asked);
  void admit(Asked asked);
  /// What is engaged for it goes back.
  void turn_away(Asked& asked, const base::Error& why);
  /// Of all orders of that node.
  std::optional<base::Error> refusal_of(const base::NodeId& submitter) const;
  std::optional<base::Error> refusal(const AttemptActor::What& what) const;
  /// Though none of its tasks are taken: what others say of it keeps it from no proof of this node.
  bool may_check(const base::NodeId& submitter) const {
    return closed_.empty() && !is_short() && !malice_.tried_here(submitter);
  }
  /// Of memory: those of others that begin would be the next to be ended.
  bool is_short() const { return now() < short_until_; }
  void run_short(const base::Error& why);
  void hear_malice(wire::AttemptMalicious::Reader told);
  void hear_warnings(wire::WarnedOf::Reader told);
  /// It could not be handed in any more.
  bool too_late(const One& one) const;
  void begin_next();
  /// Nothing: it begins now, which is counted.
  std::optional<base::Duration> wait_to_begin(const User& user);
  /// The most urgent one that waits, `own` ones included or not; with a line those alone that pass its head.
  std::optional<TaskId> next(bool own, const std::optional<Line>& line) const;
  bool fits(const One& one) const;
  Line line_behind(const One& head) const;
  static Line::Running running(const One& one, base::Instant began);
  /// What tasks of this node, or those of others, may use together; the memory is that of both.
  Used most(bool own) const;
  std::uint64_t memory_used() const { return own_.memory + others_.memory; }
  std::uint64_t memory_of_others() const { return memory_ - memory_ / kOwnMemoryPart; }
  /// Own tasks have as much again as those of others.
  Used& used_by_its_like(const One& one) { return one.user.reserved ? own_ : others_; }
  const Used& used_by_its_like(const One& one) const { return one.user.reserved ? own_ : others_; }
  void begin(const TaskId& id);
  void note_end(One& one);
  /// Its submitter has given it up, or asks anew.
  void give_up(const TaskId& id);
  void forget(const TaskId& id);
  void sweep();
  /// At the latest after that.
  void sign_within(base::Duration period);
  void sign();
  void say_waits(const TaskId& id);
  void probe();
  /// The registry: whether this node takes tasks.
  void tell_registry();
  void count();

  const TaskSettings settings_;
  std::uint32_t slots_ = 0;  // thousandths of cores, for each of both
  std::uint32_t pids_ = 0;   // of tasks of other nodes
  Used own_, others_;        // of tasks that this node has submitted, and those of other nodes
  std::uint64_t memory_ = 0;
  std::string closed_;
  base::Instant short_until_{};
  std::unique_ptr<ports::Process> probing_;
  std::map<TaskId, One> all_;
  /// Of attempts that have ended: what they said last waits for its reader.
  struct Draining {
    User user;
    std::unique_ptr<runtime::OutputRelay<wire::AttemptItem>> relay;
    base::Instant until;
  };
  std::vector<Draining> draining_;
  std::optional<base::Duration> signs_;  // how soon
  std::set<TaskId> waiting_;
  Malice malice_;
  Earnings earnings_;
  /// Attempts that are paid and were not handed in.
  struct Owed {
    escrow::TaskEscrowId escrow;
    base::Instant ended{};  ///< what its actor said last may still come
  };
  std::map<std::pair<TaskId, std::uint64_t>, Owed> owed_;  // by task and token
  std::vector<std::weak_ptr<Asked>> looking_up_;
  std::map<TaskId, std::uint64_t> tokens_;  // the highest, of those that ended too
  std::deque<TaskId> ended_;                // in the order of their ends
  base::ShareBudget<base::NodeId> places_{kWaitingMax};
  base::RateBudget<base::NodeId> orders_;                             // of other nodes, whose signatures are verified
  base::RateBudget<base::NodeId> starts_;                             // of attempts of other nodes
  base::ShareBudget<base::NodeId> look_ups_{Earnings::kCheckingMax};  // of escrows, at the hosts that submitters name
};

}  // namespace troupe::task
