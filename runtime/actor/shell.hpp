#pragma once
// The CAF actor around a runtime::Actor: owns the mailbox and the address, and outlives its object.
//
// Source  CAF 0.17.6: `consume` and `enqueue` are virtual, so messages bypass CAF's behaviors entirely.
// States  running: has an object. waiting: its handler threw, the object is dropped, the parent decides; new requests
//         get `unavailable`, queued messages stay. Ended: CAF's cleanup has run.
// Limits  NodeLimits; counted only in enqueue(), in the sender's thread.
// Owner   CAF's reference count. Everything except enqueue() runs in the actor's own context.
#include <caf/event_based_actor.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/actor/actor.hpp"
#include "runtime/actor/ended.hpp"
#include "runtime/actor/envelope_type.hpp"
#include "runtime/actor/host.hpp"
#include "runtime/actor/logic/deadlines.hpp"
#include "runtime/actor/recent_messages.hpp"
#include "runtime/actor/shell_latest.hpp"
#include "runtime/actor/stream_end.hpp"
#include "runtime/actor/taps.hpp"
#include "runtime/actor/turns.hpp"

namespace troupe::runtime {

class Shell final : public caf::event_based_actor {
 public:
  struct Setup {
    Node* node;
    std::string path;
    Factory factory;
    SpawnOptions options;
    Handle parent;              ///< null for the root
    logic::ChildId number = 0;  ///< its number at the parent
  };
  Shell(caf::actor_config& config, Setup setup);
  ~Shell() override;

  // For CAF.
  using caf::event_based_actor::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* worker) override;
  caf::invoke_message_result consume(caf::mailbox_element& element) override;
  resume_result resume(caf::execution_unit* worker, std::size_t throughput_max) override;
  caf::behavior make_behavior() override;
  void on_exit() override;
  const char* name() const override { return "troupe.shell"; }

  // For Actor and the templates of its interface.
  Node& node() { return *setup_.node; }
  const std::string& path() const { return setup_.path; }
  Handle self();
  base::Instant now() const { return setup_.node->world().clock.now(); }
  base::Random& random();
  Handle sender() const;
  Caller caller() const;
  Header header() const { return Header{.trace = current_.trace}; }
  void refuse(const base::Error& error);
  void send(const Handle& to, Envelope envelope);
  /// `asker`: the caller() that a receiver on this node sees; null: this actor.
  void request(const Handle& to, Envelope question, base::Callback<void(const Envelope&)> callback,
               const Handle& asker = {});
  void answer(const ReturnAddress& to, Envelope envelope);
  bool refused(const ReturnAddress& question) const {
    return current_.refused && question.message_id == current_.message_id && question.to == current_.sender;
  }
  /// Returns why the object is being dropped; null if it is not being dropped.
  const base::Error* dropping() const { return dropping_; }
  void unwound(const ReturnAddress& question);
  void set_timer(TimerTag tag, base::Duration delay);
  void clear_timer(TimerTag tag);
  void note_stirs();
  void await_stir(TimerTag tag);
  Handle spawn_child(std::string name, Factory factory, SpawnOptions options);
  void stop_child(const Handle& child);
  void watch(const Handle& whom);
  void unwatch(const Handle& whom);
  void finish(std::string why = {});
  void deliver(const caf::strong_actor_ptr& to, caf::strong_actor_ptr from, std::uint64_t message_id,
               Envelope envelope);
  void rename(std::string path);
  /// Returns the response of describe(); nullopt if the object has no state to show, or there is no object.
  std::optional<Envelope> state();

  // Streams (shell_streams.cpp).
  std::shared_ptr<StreamEnd> open_stream(const Handle& to, base::Duration idle, Envelope question,
                                         std::optional<logic::Credit> reads);
  std::shared_ptr<StreamEnd> serve_stream(ReturnAddress from);
  void send_signal(StreamEnd& end, Envelope envelope);
  void forget_stream(StreamEnd& end);
  /// Called when a stream that this actor writes gets credit or runs out of it.
  void note_starving();
  /// Returns the served streams in the order in which they began: the order of notifications must not depend on
  /// addresses.
  std::vector<std::shared_ptr<StreamEnd>> served_in_order() const;

 private:
  // CAF's execution unit dangles outside of resume(), where a test or a handle's destructor may still send.
  static thread_local const Shell* running_here;
  struct Here {
    explicit Here(const Shell* shell) : before(std::exchange(running_here, shell)) {}
    ~Here() { running_here = before; }
    Here(const Here&) = delete;
    Here& operator=(const Here&) = delete;
    const Shell* before;
  };
  caf::execution_unit* execution() const { return running_here == this ? context() : nullptr; }

  struct Current {  // the current message
    caf::strong_actor_ptr sender;
    std::uint64_t message_id = 0;
    Trace trace;
    caf::strong_actor_ptr asker;  // the caller for which the sender asks (request_for()); null: the sender itself
    bool refused = false;         // Actor::refuse has responded
    bool unanswered = false;      // its Reply was destroyed by an exception
  };
  struct Pending {         // a request that waits, or a stream that this actor opened
    std::uint64_t id = 0;  // zero: free
    base::Callback<void(const Envelope&)> callback;
    std::shared_ptr<StreamEnd> stream;
    // For the inspector: the request's kind, its receiver (CAF's number) and the turn that sent it.
    const messages::KindInfo* kind = nullptr;
    std::uint64_t whom = 0;
    base::Instant since{};
  };
  struct Stashed {
    caf::strong_actor_ptr sender, asker;
    caf::message_id id;
    Envelope envelope;
  };
  struct Revival {
    std::vector<logic::ChildId> children;
  };
  struct Family {
    explicit Family(logic::RestartPolicy policy) : supervision(policy) {}
    struct Child {
      std::string name;
      Handle handle;
    };
    logic::Supervision supervision;
    std::map<logic::ChildId, Child> children;
    std::map<std::uint64_t, Revival> revivals;
  };

  // A deadline belongs to a request (the plain number), a timer, the revival of children, a served stream or a pause.
  static constexpr std::uint64_t kTimerBit = std::uint64_t{1} << 63;
  static constexpr std::uint64_t kRevivalBit = std::uint64_t{1} << 62;
  static constexpr std::uint64_t kIdleBit = std::uint64_t{1} << 61;
  static constexpr std::uint64_t kHoldBit = std::uint64_t{1} << 60;

  // Life (shell.cpp).
  void build();
  void drop_object(const base::Error& why);
  void fail(base::Error error);
  void end();
  /// Runs code of the domain; thrown() handles an exception from it.
  template <class F>
  void guarded(const Envelope* envelope, F&& run) {
    try {
      if (setup_.node->host != nullptr && envelope != nullptr) begin(*envelope);
      run();
    } catch (...) {
      thrown(envelope, std::current_exception());
    }
  }
  void thrown(const Envelope* envelope, std::exception_ptr what);
  void answer_unanswered(const base::Error& error);
  /// Lets a host break this actor, as if the handler had thrown before its response.
  void begin(const Envelope& envelope);
  void replay();

  // Messages (shell_messages.cpp).
  bool admit(caf::mailbox_element& element, const Envelope& envelope, caf::execution_unit* worker);
  bool keep_latest(caf::mailbox_element& element, const Envelope& envelope);
  void bounce(const caf::mailbox_element& element, const base::Error& error, caf::execution_unit* worker);
  void take(caf::strong_actor_ptr sender, caf::strong_actor_ptr asker, caf::message_id id, const Envelope& envelope);
  void handle(const Envelope& envelope);
  void run_handler(const Envelope& envelope);
  void dead_letter(DeadLetter reason);
  void take_answer(std::uint64_t id, const Envelope& envelope);
  bool take_runtime_message(const Envelope& envelope);
  Trace enter(const Envelope& envelope);
  void hold(std::uint32_t milliseconds);
  void unhold();
  void describe();
  void ready();

  // Inspection of this actor (shell_portrait.cpp).
  void portray(const Envelope& question);
  void trouble(const base::Error& error);
  void drop_recent();
  void tap(const caf::actor_control_block* other, const Envelope& envelope, Tapped message);
  class Tapping;
  bool tapped() const { return setup_.node->taps().edition() != 0; }
  void roll_turn();
  base::Instant turn_began() const;
  void bury();
  void take_foreign(caf::mailbox_element& element);
  void take_down(const caf::down_msg& down);

  // One CAF monitor per actor, however many streams and watches depend on its end.
  void observe(caf::actor_control_block* whom);
  void stop_observing(caf::actor_control_block* whom);

  /// Sends to another actor: all messages from this actor to other actors pass here.
  void post(caf::actor_control_block* to, caf::mailbox_element_ptr element);

  // Requests and timers.
  std::uint64_t add_pending(Pending pending, base::Instant due);
  void count_asking();
  Pending* find_pending(std::uint64_t id);
  Pending take_pending(std::uint64_t id);
  void refuse_later(std::uint64_t id, base::Code code, const char* text);
  void wake_up();
  void run_due(std::uint64_t id);
  void run_timer(TimerTag tag);
  void take_soon(const SoonMessage& message);
  void come_round();
  void arm();
  base::Instant batch_now();

  // Children (shell_family.cpp).
  Family& family();
  void child_failed(logic::ChildId child, const base::Error& error);
  void child_ended(logic::ChildId child);
  void revive_children(std::uint64_t revival);
  void stop_children();
  bool awaits_children();
  void give_up(logic::ChildId child);

  void check_idle(std::uint64_t id, const std::shared_ptr<StreamEnd>& stream);

  Setup setup_;
  std::size_t mailbox_max_;
  const bool counting_;
  std::shared_ptr<Record> record_ = std::make_shared<Record>();
  std::atomic<Latest*> latest_{nullptr};

  std::unique_ptr<Actor> object_;
  Handlers handlers_;
  std::uint32_t incarnation_ = 0;
  const base::Error* dropping_ = nullptr;
  bool watches_node_ = false;  // its own turns do not wake the node's watcher (rest.hpp)
  bool finishing_ = false;
  bool said_last_ = false;
  bool ended_ = false;
  Current current_;
  std::vector<Stashed> stash_;  // arrived or queued while waiting
  bool replaying_ = false;
  bool held_ = false;  // an operator has paused it

  std::vector<Pending> pending_;
  std::vector<std::uint32_t> free_;  // slots in pending_
  std::uint64_t asked_ = 0;
  logic::Deadlines deadlines_;

  // A turn has parts, and also ends after the part in which the coarse clock ticks, because handlers differ a
  // thousandfold in time. A part has the overhead of a message, so the parts of an actor with fast handlers grow. They
  // stay short, because the deadlines of all messages in a part are compared with the same instant.
  static constexpr std::size_t kPartMin = 2, kPartMax = 4;  // messages; our choice
  std::size_t part_ = kPartMin;

  base::Instant armed_ = base::Instant::max();
  base::Instant batch_now_{};
  bool batch_now_known_ = false;

  std::map<std::pair<caf::actor_control_block*, std::uint64_t>, std::shared_ptr<StreamEnd>> served_;
  std::unique_ptr<Family> family_;
  std::uint64_t served_ever_ = 0;
  std::vector<Handle> watched_;
  std::map<caf::actor_control_block*, std::size_t> observed_;  // number of streams and watches that depend on each
  struct Soon {
    std::uint64_t number = 0;
    Trace trace;  // the trace of the handler that set the timer
  };
  std::map<TimerTag, Soon> soon_;   // timers without delay in flight
  std::vector<SoonMessage> fresh_;  // the timers of soon_ that the current message has set
  std::uint64_t soons_ = 0;
  logic::ChildId stopping_ = 0;    // the child that is stopping while this actor ends
  logic::ChildId last_child_ = 0;  // numbers are not reused: a message of an old child must not reach a new child
  std::unique_ptr<base::Random> random_;

  // Inspection of this actor.
  Turn* turn_ = nullptr;  // the entry of the thread that runs this actor; null while none does
  const messages::KindInfo* last_kind_ = nullptr;
  std::unique_ptr<base::Error> failure_;  // the last failure; with code zero, the reason why the actor finished
  std::unique_ptr<RecentMessages> recent_;
  Decision decision_ = Decision::killed;
  std::uint32_t span_ = 0;  // of the current handler
  std::uint8_t tapped_by_ = 0;
  std::uint32_t tap_edition_ = 0;
  base::Instant tap_asked_{};
};

}  // namespace troupe::runtime
