#pragma once
// The tasks that this node has submitted, at kOrdersPath: chooses nodes for them, and stores their results.
//
// Durable  a task before its submission is answered, and its end before it is reported (book.hpp). Attempts in progress
//          are lost with this actor, and repeated.
// Tokens   the number of this actor's starts, which is durable before the first token, and a count.
// Nodes    this node and the registry's verified nodes (checks_actor.hpp), scanned every kLookPeriod while tasks wait.
// Trust    for each node whose results were compared, a row has its number of right results in a row. It may be lost.
// Money    the price is in the task's escrow before a node is asked; ended tasks are settled (settlement.hpp).
// Leases   an attempt that talks to hosts renews its lease (logic/lease.hpp). New attempts wait until the lease has
//          ended.
// Arrays   an array is a row, written before its id is returned, and forgotten with its last member.
// Texts    attempts' output is in rows; a task has ended once all its rows are durable. Unread output is erased.
// Readers  read these rows, also while they are written.
// Phases   orders_actor.cpp: operators; _arrays.cpp: arrays; _place.cpp: nodes and choices; _attempts.cpp: results of
//          attempts; _read.cpp: readers, and the removal of old tasks.
// Limits   TaskSettings::tasks_max and kept_bytes, with eviction of the oldest ended tasks (make_room); kReadersMax.
#include <array>
#include <deque>
#include <map>
#include <set>

#include "actors/registry/codec.hpp"
#include "actors/task/book.hpp"
#include "actors/task/logic/array.hpp"
#include "actors/task/logic/lease.hpp"
#include "actors/task/logic/risk.hpp"
#include "actors/task/settlement.hpp"
#include "runtime/actor/actor.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::task {

class OrdersActor final : public runtime::Actor {
 public:
  static constexpr const char* kName = "orders";
  static constexpr std::size_t kReadersMax = 256;          // our choice
  static constexpr std::size_t kParkedMax = 256;           // our choice: submissions that wait for a scan of the nodes
  static constexpr std::uint32_t kMadeMax = 64;            // our choice: members of an array written at once
  static constexpr std::chrono::seconds kLookPeriod{10};   // our choice
  static constexpr std::chrono::seconds kLookSoon{2};      // our choice: while a node is likely to be verified soon
  static constexpr std::chrono::seconds kLeftAlone{10};    // our choice: for a node that did not take a task
  static constexpr unsigned kLeftAloneDoubled = 5;         // our choice: how often it doubles, to 5 min
  static constexpr std::chrono::minutes kDeclinedFor{10};  // our choice: after kLeftAlone, until the node is forgotten
  static constexpr std::chrono::hours kLeftAloneMost{1};   // our choice: even if the node asks for longer
  static constexpr std::chrono::minutes kPaidForNothing{5};  // our choice: for an engaged node that did not take it
  static constexpr std::chrono::seconds kLackedFirst{1};     // our choice: if no node has a task's inputs; doubles
  static constexpr unsigned kLackedDoubled = 6;              // our choice: how often it doubles, to some 1 min
  static constexpr unsigned kForNothingDoubled = 8;          // our choice: how often it doubles. After the second such
                                                             // node a task waits kLeftAlone, then doubling: some ten
                                                             // nodes in the first hour
  static constexpr base::Duration kWaitMax = std::chrono::seconds{30};  // our choice: at a node; doubles with each move
  static constexpr base::Duration kFetchMax =
      std::chrono::minutes{5};                  // our choice: the same for a task with inputs, which take time to fetch
  static constexpr unsigned kMovesDoubled = 8;  // our choice: how often it doubles, to some two hours
  static constexpr std::chrono::minutes kEndsMargin{5};  // our choice: after all time that the worker grants an attempt
  static constexpr std::uint32_t kSmallTexts = 1'024;  // our choice: rows of an attempt that may have a few bytes each
  static constexpr std::uint64_t kTextBytesLeast = 256;         // our choice: average size of its further rows
  static constexpr std::chrono::seconds kSettleAgain{5};        // our choice
  static constexpr std::chrono::milliseconds kTickPeriod{500};  // our choice: a retry waits at least 1 s
  static constexpr std::size_t kNodesMax = 20'000;              // our choice: as many as the registry watches
  static constexpr std::size_t kLooksMax = 200'000;  // our choice: checks of nodes between two ticks; some 50 ms
  explicit OrdersActor(TaskSettings settings);

  void receive(runtime::Handlers& on) override;
  void start() override;
  void stop() override;
  void check() const override;

 private:
  struct TasksAgain {};
  struct TextsAgain {};
  struct Tick {};
  struct StartAgain {};
  struct StillThere {};
  using Submitted = runtime::Reply<wire::TaskSubmitted>;
  using Done = base::Callback<void(const base::Outcome<void>&)>;

  using Rank = std::tuple<int, std::uint64_t, TaskId>;

  /// An attempt in progress.
  struct Running {
    runtime::Subscription stream;
    base::NodeId node;
    std::uint32_t texts = 0;  ///< rows whose writing has begun
    std::size_t saving = 0;   ///< rows being written
    std::uint64_t printed = 0, left = 0;
    std::array<base::Bytes, 2> gathered{};  ///< small pieces of both streams, not saved yet
    crypto::Sha256 standard;                ///< of everything that has arrived
    std::uint64_t standard_bytes = 0;
    crypto::Sha256 output;  ///< the last of `outputs`
    Parts outputs;
    std::optional<Ended> ended;
    bool over = false;                     ///< its stream has ended without error
    std::optional<base::Instant> renewed;  ///< last grant of its lease, for an order with hosts
    bool paid = false;
    bool lacks_input = false;                       ///< no node has one of its inputs
    base::Instant moves_at = base::Instant::max();  ///< if it still waits then, it may be moved
    std::optional<base::Instant> ends_by{};         ///< when all of a begun attempt must have arrived
    std::optional<base::Instant> paused{};          ///< since when this node has stopped reading its stream
  };
  /// The rows with an attempt's output.
  struct Texts {
    base::User<base::NodeId> of;  ///< its node
    std::uint32_t rows = 0;       ///< numbers assigned so far
    std::uint64_t bytes = 0;
  };
  static constexpr std::uint64_t kTextsBefore = 0;  ///< used as a token, for rows from before this actor's start
  struct Job {
    Entry entry;
    Task durable;                                 ///< as in its row
    std::vector<Submitted> askers;                ///< requests that wait for its row
    bool written = false;                         ///< its row was written once
    std::map<std::uint64_t, Running> running;     ///< by token
    std::optional<base::Instant> held_until{};    ///< for an order with hosts: until then an earlier lease may hold
    std::map<std::uint64_t, Texts> texts{};       ///< by token
    Declined declined{};                          ///< nodes that declined, could not be paid or let it wait
    std::string declined_why{};                   ///< the last reason that a node gave
    unsigned lacked = 0;                          ///< times in a row that a node could not get its inputs
    std::optional<base::Instant> placed_again{};  ///< not placed before this time, because its inputs may be missing
    std::optional<base::Instant> pays_again{};    ///< engages no node before this time
    unsigned for_nothing = 0;                     ///< engaged nodes that did not take it
    unsigned moves = 0;                           ///< away from nodes that let it wait

    /// Returns its key in `open_`.
    Rank rank(const TaskId& id) const { return {-entry.order.priority, entry.task.submitted_ms(), id}; }
    /// Returns what is reported: an end only once it is durable.
    const Task& told() const { return final(entry.task.state()) ? durable : entry.task; }
  };
  struct Reading {
    runtime::Sink<wire::TaskText> to;
    TaskId id;
    wire::TaskPart what = wire::TaskPart::LOG;
    bool follow = false;
    std::uint64_t token = 0;  ///< whose output is read; 0: none yet
    base::Bytes from;         ///< the next row
    std::deque<std::pair<base::Bytes, base::Bytes>> rows;
    bool scanning = false, at_end = false;
  };
  struct ArrayJob {
    Array array;
    std::vector<Submitted> askers{};   ///< requests that wait for its row
    bool written = false;              ///< its row was written once
    bool making = false;               ///< members are being written
    bool unsaved = false;              ///< its row could not be written and is retried
    std::size_t known = 0;             ///< members that are tasks here
    std::size_t done = 0, failed = 0;  ///< members with a durable end, even if forgotten; failed: not done
    std::size_t open = 0;              ///< known members without a durable end
  };
  struct Parked {
    Order order;
    std::uint32_t array = 0;  ///< members; 0: not an array
    Submitted reply;
  };

  // -- operators
  void submit(wire::SubmitTask::Reader request, Submitted reply);
  /// Sets replicas and quorum for that risk, or returns why it cannot.
  std::optional<base::Error> set_replicas(Order& order, double risk) const;
  bool answer_known(const Order& order, Submitted& reply);
  void admit(Order order, std::uint32_t array, Submitted reply);
  void accept(Order order, std::uint32_t array, Submitted reply);
  Job& add(const TaskId& id, Order order);
  Policy policy() const {
    return {.require_verified = settings_.require_verified,
            .book = settlement_.book(),
            .submitter = settings_.self().hex()};
  }
  /// Returns the policy. While the task may not engage a node it lacks the ledger, so only nodes without a price fit.
  Policy policy(const Job& job) const {
    Policy out = policy();
    if (job.pays_again && now() < *job.pays_again) out.book.clear();
    return out;
  }
  void answer_askers(const TaskId& id, const base::Outcome<void>& saved);
  void list(wire::ListTasks::Reader question, runtime::Reply<wire::TaskRows> reply) const;
  void view(wire::ViewTask::Reader question, runtime::Reply<wire::TaskIs> reply);
  void cancel(wire::CancelTask::Reader request, runtime::Reply<wire::TaskCancelled> reply);
  void loaded();
  void save_start();
  store::Use take(base::ByteView key, base::ByteView value);
  void save(const TaskId& id, Done done);
  bool mutated(const char* name) const { return world().mutations.on(name); }
  /// Evicts the oldest ended tasks. Once half of kept_bytes is used, another node's address group with more than a
  /// quarter evicts only tasks that it has run; false if there are none. So it cannot push out other nodes' results.
  bool make_room(const base::User<base::NodeId>& of, std::uint64_t text_bytes);
  base::User<base::NodeId> user_of(const Attempt& attempt) const {
    return {attempt.node, attempt.group, attempt.node == settings_.self()};
  }
  void count();
  std::uint64_t unix_ms() const { return base::unix_milliseconds(wall()); }

  // -- arrays: orders_actor_arrays.cpp
  void accept_array(Order order, std::uint32_t members, Submitted reply);
  void answer_askers(ArrayJob& job, const TaskId& id, const base::Outcome<void>& saved);
  void make_members(const TaskId& id);
  void members_saved(const TaskId& id, const std::vector<TaskId>& made, const base::Outcome<void>& saved);
  void view(wire::ViewArray::Reader question, runtime::Reply<wire::ArrayIs> reply) const;
  void cancel_array(const TaskId& id, runtime::Reply<wire::TaskCancelled> reply);
  void member_known(const TaskId& array, const TaskId& id);
  void member_ended(const TaskId& id);
  enum class Turn : std::uint8_t { now, later, never };
  static Turn turn_after(const ArrayJob& job);
  void member_forgotten(const TaskId& id);
  void arrays_loaded();
  /// Returns the array of a member, or null.
  const TaskId* array_of(const TaskId& id) const;

  // -- nodes: orders_actor_place.cpp
  void look();
  void take(registry::wire::NodeRows::Reader part);
  void rate_next(const std::optional<base::NodeId>& behind);
  void looked();
  Candidate own() const;
  void make_candidates();
  /// Returns all known nodes in their current state; this node is first.
  std::span<const Candidate> candidates();
  /// Returns the nodes that would take one more task now.
  Free free_nodes();
  bool is_free(const Candidate& node) const;
  /// Leaves a node that did not take a task alone for `first`, doubled with each such task in a row, and at least for
  /// `asked`.
  void leave_alone(const base::NodeId& node, base::Duration first, base::Duration asked = {});
  /// Returns how many tasks a node may get: a few more than it has cores, so it never waits for the next.
  std::size_t ahead(const Candidate& node) const;
  /// Places the waiting tasks. Each free node is checked for each task, at most kLooksMax times between two ticks; the
  /// next tick resumes with the next task. Nodes outside of the address groups that declined come first.
  void place();
  void place(const TaskId& id, Free& free);
  void begin(const TaskId& id, const Candidate& at);
  void reserve(const TaskId& id, std::uint64_t token, const Candidate& at, std::uint64_t price);
  void not_reserved(const TaskId& id, std::uint64_t token, const Settlement::NotReserved& why);
  /// Delays further engagements after an engaged node did not take the task. Until the attempt is due, its price may
  /// not come back, and it may occupy one of the escrow's escrow::kProvidersMax places.
  void paid_for_nothing(Job& job);
  void give_back(const base::NodeId& node, const base::Bytes& order, std::uint64_t token,
                 const escrow::TaskEscrowId& paid_by);
  runtime::Handle worker_at(const base::NodeId& node);
  void run(const TaskId& id, std::uint64_t token, const std::optional<escrow::TaskEscrowId>& paid_by);
  void owe_again(const TaskId& id);
  void settle(const TaskId& id);
  void settle_if_owing(const TaskId& id);
  Turn turn_of(const Job& job) const;
  void tick();
  void move_waiting();
  void save_gathered();
  /// Returns whether the job has changed.
  bool tick(Job& job);
  void arm();

  // -- attempts: orders_actor_attempts.cpp
  void hear(const TaskId& id, std::uint64_t token, wire::AttemptItem::Reader item);
  void hear_printed(const TaskId& id, std::uint64_t token, Running& one, wire::TaskPrinted::Reader printed);
  void hear_output(const TaskId& id, std::uint64_t token, Running& one, wire::TaskOutput::Reader output);
  bool gather(Running& one, bool standard, base::ByteView bytes);
  void save_gathered(const TaskId& id, std::uint64_t token);
  void save_text(const TaskId& id, std::uint64_t token, Running& one, const Text& text);
  void renew(wire::RenewAttempt::Reader request, runtime::Reply<wire::AttemptRenewed> reply);
  void lacks_input(const TaskId& id, std::uint64_t token, const base::Error& why);
  void stream_ended(const TaskId& id, std::uint64_t token, const base::Outcome<void>& end);
  void answered(const TaskId& id, std::uint64_t token);
  void lose(const TaskId& id, std::uint64_t token, const std::string& why);
  /// Ends an attempt whose node was out of memory.
  void spare(const TaskId& id, std::uint64_t token, const base::Error& why);
  /// Ends an attempt whose node is silent, or does not finish.
  void timed_out(const TaskId& id, std::uint64_t token, const std::string& why);
  void end_late();
  /// Call it after each change of the task: ends attempts that it no longer needs, saves it, and reports it.
  void changed(
      const TaskId& id, Done saved = [](const base::Outcome<void>&) {});
  void observe(const TaskId& id, const Attempt& attempt, const char* event);
  /// Returns whether one result of the node is enough now.
  bool believed(const base::NodeId& node);
  /// Updates the records of nodes whose results for the task were compared.
  void remember(const Task& task);
  Running* find(const TaskId& id, std::uint64_t token);

  // -- readers: orders_actor_read.cpp
  void read(wire::ReadTask::Reader question, runtime::Sink<wire::TaskText> to);
  void read_on(std::uint64_t number);
  void read_of(const TaskId& id);
  bool choose_token(Reading& reading);
  void scan(std::uint64_t number);
  /// Returns the token in the keys of an attempt's rows.
  std::uint64_t texts_of(std::uint64_t token) const { return mutated("task.old_texts") ? 0 : token; }
  void push_texts(Reading& reading);
  void still_there();
  /// Forgets the oldest ended task, or only one with output from that address group. Returns false if there is none.
  bool forget_oldest(const std::optional<base::AddressGroup>& of = {});
  void erase_texts(const TaskId& id, base::Bytes from);
  void drop_unread(const TaskId& id);
  void erase_rows(const TaskId& id, std::uint64_t token, std::uint32_t from, std::uint32_t end);
  void erase_row(const TaskId& id);

  const TaskSettings settings_;
  store::Rows tasks_, texts_;
  ports::Hardware::Has has_;
  bool ready_ = false;
  std::uint64_t starts_ = 0;
  std::uint32_t tokens_ = 0;
  std::map<TaskId, Job> jobs_;
  std::map<TaskId, ArrayJob> arrays_;
  std::map<TaskId, TaskId> members_;  // the array of each member that is a task here
  std::map<Nonce, TaskId> nonces_;    // nonces of tasks and arrays
  /// Open tasks, most urgent first.
  std::set<Rank> open_;
  std::set<std::pair<std::uint64_t, TaskId>> ended_;  // by the time of their end
  std::set<TaskId> unsaved_;                          // rows could not be written and are retried
  std::set<TaskId> forgetting_;                       // rows are being erased
  base::ShareBudget<base::NodeId> texts_of_;          // bytes of rows
  std::map<std::uint64_t, Reading> readings_;
  std::uint64_t readers_ = 0;
  std::deque<Parked> parked_;

  std::map<base::NodeId, registry::Listed> nodes_, looked_;
  base::ShareBudget<base::NodeId> looked_sites_{
      kNodesMax};                      // quotas for `looked_`: a large group keeps out no other nodes
  std::vector<Candidate> candidates_;  // this node, then `nodes_` in their order
  std::map<base::NodeId, int> scores_, scored_;
  std::map<base::NodeId, Record> records_;      // of nodes whose results were compared
  std::map<base::NodeId, std::uint32_t> busy_;  // this node's attempts in progress
  struct Alone {
    base::Instant until{};
    unsigned in_a_row = 0;  ///< tasks that it did not take
    bool spared = false;    ///< it was out of memory
  };
  std::map<base::NodeId, Alone> left_alone_;
  Settlement settlement_;
  std::optional<base::Instant> pays_again_;  // until then nothing can be paid, so only nodes without a price fit
  struct Owing {
    std::optional<base::Instant> again{};
    int unknown = 0;  ///< responses that there is no such escrow
  };
  std::map<TaskId, Owing> owing_;  // ended, not settled; nullopt: settlement in progress
  std::optional<base::Instant> looked_at_;
  bool looking_ = false;
  bool await_verified_ = false;  // only unverified nodes fit a new task
  runtime::Subscription look_;
  bool placing_ = false;
  bool armed_ = false;                  // a tick is scheduled
  std::size_t looks_left_ = kLooksMax;  // until the next tick
  std::optional<Rank> place_from_;      // the task at which the next tick resumes; nullopt: the first
};

}  // namespace troupe::task
