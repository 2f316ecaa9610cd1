#pragma once
// The tasks that this node has submitted, at kOrdersPath: it chooses the nodes that run them, and keeps what they say.
//
// Durable  a task from the answer to its submission on, and its end before it is told (book.hpp); attempts under way
//          are lost with this actor, and repeated.
// Tokens   the number of this actor's starts, which is durable before it gives one, and a count.
// Nodes    are those of the registry, looked at again each kLookPeriod while there is something to place, and this one;
//          others get nothing until they are verified (checks_actor.hpp). Candidates are made once a look. Of those
//          that may get something now each is looked at for each task that wants one, kLooksMax times between two ticks
//          at the most: then the next tick goes on with the next task. Each gets some tasks more than it has cores for,
//          so that it need not wait for the next; one that does not take a task is left alone for a while.
//          What it did not take goes to nodes of other sites first, while there are any.
// Trust    how often in a row a node was right where answers were compared is a row of its own, and may be lost.
// Money    the price of an attempt lies in the task's escrow before its node is asked (settlement.hpp); a task that has
//          ended is settled until the escrow has answered. While nothing can be paid, nodes with a price are left
//          alone.
// Leases   an attempt that talks to hosts asks for its lease again and again; the next one begins once that has surely
//          ended (logic/lease.hpp), and none before a lease of before this actor's start has.
// Arrays   an array is a row, written before its id is returned. Its members are tasks: one batch adds at most kMadeMax
//          of them, with the row that counts them, as long as there is space. The array is forgotten with its
//          last member.
// Texts    what attempts print and leave are rows; a task has ended once all of its are durable. Those that are not
//          read any more go at once: of an attempt that came to nothing, or whose answer did not decide.
// Readers  read these rows, also while they are written.
// Phases   orders_actor.cpp: operators; _arrays.cpp: arrays; _place.cpp: nodes and choices; _attempts.cpp: results of
//          attempts; _read.cpp: readers, and the removal of old tasks.
// Limits   TaskSettings::tasks_max and kept_bytes: the tasks that ended first make room; kReadersMax. Once half of
//          kept_bytes is used a site of other nodes that has more than a quarter makes room itself, or loses its
//          attempt.
#include <array>
#include <deque>
#include <map>
#include <set>

#include "actors/registry/words.hpp"
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
  static constexpr std::size_t kParkedMax = 256;           // our choice: submissions that wait for a look at the nodes
  static constexpr std::uint32_t kMadeMax = 64;            // our choice: members of an array that are written at once
  static constexpr std::chrono::seconds kLookPeriod{10};   // our choice
  static constexpr std::chrono::seconds kLookSoon{2};      // our choice: while a node is likely to be verified soon
  static constexpr std::chrono::seconds kLeftAlone{10};    // our choice: a node that did not take a task
  static constexpr unsigned kLeftAloneDoubled = 5;         // our choice: by each in a row, up to 5 min
  static constexpr std::chrono::minutes kDeclinedFor{10};  // our choice: after being left alone; then it is a first one
  static constexpr std::chrono::hours kLeftAloneMost{1};   // our choice: however long it asks for
  static constexpr std::chrono::minutes kPaidForNothing{5};  // our choice: a node that was engaged and did not take it
  static constexpr std::chrono::seconds kLackedFirst{1};     // our choice: a task whose inputs no node has, doubling
  static constexpr unsigned kLackedDoubled = 6;              // our choice: up to some 1 min
  static constexpr unsigned kForNothingDoubled = 8;  // our choice: from the second of a task on it waits kLeftAlone,
                                                     // twice that, and so on: some ten are engaged in the first hour
  static constexpr base::Duration kWaitMax =
      std::chrono::seconds{30};  // our choice: at a node; after each move twice that
  static constexpr base::Duration kFetchMax =
      std::chrono::minutes{5};                            // our choice: with inputs, which take their time
  static constexpr unsigned kMovesDoubled = 8;            // our choice: then two hours each
  static constexpr std::chrono::minutes kEndsMargin{5};   // our choice: beyond all that its worker allows an attempt
  static constexpr std::uint32_t kSmallTexts = 1'024;     // our choice: rows of a few bytes that one attempt may have
  static constexpr std::uint64_t kTextBytesLeast = 256;   // our choice: of its other rows, on the average
  static constexpr std::chrono::seconds kSettleAgain{5};  // our choice
  static constexpr std::chrono::milliseconds kTickPeriod{
      500};                                          // our choice: a task is repeated after 1 s at the soonest
  static constexpr std::size_t kNodesMax = 20'000;   // our choice: as many as the registry watches
  static constexpr std::size_t kLooksMax = 200'000;  // our choice: of nodes, between two ticks; some 50 ms
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

  /// An attempt under way.
  struct Running {
    runtime::Subscription stream;
    base::NodeId node;
    std::uint32_t texts = 0;  ///< rows that were begun
    std::size_t saving = 0;   ///< of them
    std::uint64_t printed = 0, left = 0;
    std::array<base::Bytes, 2> gathered{};  ///< of both streams, while many small pieces come; not yet saved
    crypto::Sha256 standard;                ///< of all that came so far
    std::uint64_t standard_bytes = 0;
    crypto::Sha256 output;  ///< the last of `outputs`
    Parts outputs;
    std::optional<Ended> ended;
    bool over = false;                     ///< its stream has ended well
    std::optional<base::Instant> renewed;  ///< of an order with hosts: its lease was granted last
    bool paid = false;
    bool lacks_input = false;                       ///< no node has one of its inputs
    base::Instant moves_at = base::Instant::max();  ///< if it still waits then, and another node is free
    std::optional<base::Instant> ends_by{};         ///< of one that has begun: all of it is there by then
    std::optional<base::Instant> paused{};          ///< since then this node takes nothing more, and it is not late
  };
  /// Rows of texts of an attempt.
  struct Texts {
    base::User<base::NodeId> of;  ///< its node
    std::uint32_t rows = 0;       ///< numbers given so far
    std::uint64_t bytes = 0;
  };
  static constexpr std::uint64_t kTextsBefore = 0;  ///< in place of a token: those of before this actor's start
  struct Job {
    Entry entry;
    Task durable;                                 ///< as its row has it
    std::vector<Submitted> askers;                ///< wait for its row
    bool written = false;                         ///< once
    std::map<std::uint64_t, Running> running;     ///< by token
    std::optional<base::Instant> held_until{};    ///< of an order with hosts: a lease may not have ended before
    std::map<std::uint64_t, Texts> texts{};       ///< by token
    Declined declined{};                          ///< those that did not take it, could not be paid or let it wait
    std::string declined_why{};                   ///< what the last one said
    unsigned lacked = 0;                          ///< times in a row that a node could not get its inputs
    std::optional<base::Instant> placed_again{};  ///< not placed before: its inputs may be nowhere
    std::optional<base::Instant> pays_again{};    ///< before that it engages no node
    unsigned for_nothing = 0;                     ///< nodes that were engaged and did not take it
    unsigned moves = 0;                           ///< from nodes that let it wait

    /// Its place in `open_`.
    Rank rank(const TaskId& id) const { return {-entry.order.priority, entry.task.submitted_ms(), id}; }
    /// What others are told: an end that is durable alone.
    const Task& told() const { return final(entry.task.state()) ? durable : entry.task; }
  };
  struct Reading {
    runtime::Sink<wire::TaskText> to;
    TaskId id;
    wire::TaskPart what = wire::TaskPart::LOG;
    bool follow = false;
    std::uint64_t token = 0;  ///< whose texts are read; 0: none yet
    base::Bytes from;         ///< the next row
    std::deque<std::pair<base::Bytes, base::Bytes>> rows;
    bool scanning = false, at_end = false;
  };
  struct ArrayJob {
    Array array;
    std::vector<Submitted> askers{};   ///< wait for its row
    bool written = false;              ///< once
    bool making = false;               ///< members are being written
    bool unsaved = false;              ///< its row could not be written: it is tried again
    std::size_t known = 0;             ///< members that are tasks here
    std::size_t done = 0, failed = 0;  ///< members whose end is durable, forgotten since or not; failed: not done
    std::size_t open = 0;              ///< known ones that have no durable end
  };
  struct Parked {
    Order order;
    std::uint32_t array = 0;  ///< members; 0: it is a task
    Submitted reply;
  };

  // -- operators
  void submit(wire::SubmitTask::Reader request, Submitted reply);
  /// Replicas and quorum for that risk. The error says why there are none.
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
  /// While a task engages no node, those that want nothing may still get it.
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
  /// Nodes that print and leave much make room themselves: what others were told to be done stays.
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
  /// Which array it is a member of; null: none.
  const TaskId* array_of(const TaskId& id) const;

  // -- nodes: orders_actor_place.cpp
  void look();
  void take(registry::wire::NodeRows::Reader part);
  void rate_next(const std::optional<base::NodeId>& behind);
  void looked();
  Candidate own() const;
  void make_candidates();
  /// All that are known, as they are now: this one first.
  std::span<const Candidate> candidates();
  /// Of them, those that would take one more now.
  Free free_nodes();
  bool is_free(const Candidate& node) const;
  /// It did not take a task: for `first`, which doubles with each in a row, and for as long as it has asked for.
  void leave_alone(const base::NodeId& node, base::Duration first, base::Duration asked = {});
  std::size_t ahead(const Candidate& node) const;
  void place();
  void place(const TaskId& id, Free& free);
  void begin(const TaskId& id, const Candidate& at);
  void reserve(const TaskId& id, std::uint64_t token, const Candidate& at, std::uint64_t price);
  void not_reserved(const TaskId& id, std::uint64_t token, const Settlement::NotReserved& why);
  /// A node that was engaged did not take it: its price may not come back before it was due, and its place in the
  /// escrow neither, of which there are escrow::kProvidersMax.
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
  /// Whether it has changed.
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
  /// Its node had no memory left for it.
  void spare(const TaskId& id, std::uint64_t token, const base::Error& why);
  /// Its node is silent, or does not come to an end.
  void timed_out(const TaskId& id, std::uint64_t token, const std::string& why);
  void end_late();
  /// After each change of the task: ends what it does not need any more, saves it, tells of it.
  void changed(
      const TaskId& id, Done saved = [](const base::Outcome<void>&) {});
  void observe(const TaskId& id, const Attempt& attempt, const char* event);
  /// Whether one answer of it is enough now.
  bool believed(const base::NodeId& node);
  /// Of a task whose answers were compared: what they say about their nodes.
  void remember(const Task& task);
  Running* find(const TaskId& id, std::uint64_t token);

  // -- readers: orders_actor_read.cpp
  void read(wire::ReadTask::Reader question, runtime::Sink<wire::TaskText> to);
  void read_on(std::uint64_t number);
  void read_of(const TaskId& id);
  bool choose_token(Reading& reading);
  void scan(std::uint64_t number);
  /// Under which token the texts of an attempt lie.
  std::uint64_t texts_of(std::uint64_t token) const { return mutated("task.old_texts") ? 0 : token; }
  void push_texts(Reading& reading);
  void still_there();
  /// One of which that site has printed; nothing: of all. False: there is none.
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
  std::map<Nonce, TaskId> nonces_;    // of tasks and arrays
  /// Not ended, most urgent first.
  std::set<Rank> open_;
  std::set<std::pair<std::uint64_t, TaskId>> ended_;  // by when
  std::set<TaskId> unsaved_;                          // whose rows could not be written: it is tried again
  std::set<TaskId> forgetting_;                       // whose rows are being erased
  base::ShareBudget<base::NodeId> texts_of_;          // bytes of rows
  std::map<std::uint64_t, Reading> readings_;
  std::uint64_t readers_ = 0;
  std::deque<Parked> parked_;

  std::map<base::NodeId, registry::Listed> nodes_, looked_;
  base::ShareBudget<base::NodeId> looked_sites_{kNodesMax};  // of `looked_`: who lists many nodes keeps out no other
  std::vector<Candidate> candidates_;                        // this node, then `nodes_` in their order
  std::map<base::NodeId, int> scores_, scored_;
  std::map<base::NodeId, Record> records_;      // of nodes whose answers were compared with others
  std::map<base::NodeId, std::uint32_t> busy_;  // attempts of this node under way
  struct Alone {
    base::Instant until{};
    unsigned in_a_row = 0;  ///< tasks that it did not take
    bool spared = false;    ///< it had no memory left for one
  };
  std::map<base::NodeId, Alone> left_alone_;
  Settlement settlement_;
  std::optional<base::Instant> pays_again_;  // nothing could be paid before
  struct Owing {
    std::optional<base::Instant> again{};
    int unknown = 0;  ///< answers that there is no such escrow
  };
  std::map<TaskId, Owing> owing_;  // ended, not settled; nothing: being settled
  std::optional<base::Instant> looked_at_;
  bool looking_ = false;
  bool await_verified_ = false;  // a new task found no node, and one that lacks nothing else
  runtime::Subscription look_;
  bool placing_ = false;
  bool armed_ = false;                  // a tick is to come
  std::size_t looks_left_ = kLooksMax;  // until the next tick
  std::optional<Rank> place_from_;      // the task with which it goes on then; nothing: the first
};

}  // namespace troupe::task
