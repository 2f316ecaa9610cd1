#include "runtime/actor/shell.hpp"

#include "messages/runtime.capnp.h"

namespace troupe::runtime {
namespace {

const base::Error kBroke{base::Code::internal, "the actor failed before it responded"};
const base::Error kEnded{base::Code::unavailable, "the actor has ended"};

/// A behavior that CAF requires; consume() never uses it. Shared by all shells.
const caf::behavior& idle_behavior() {
  static const caf::behavior behavior{[](caf::unit_t) {}};
  return behavior;
}

}  // namespace

Shell::Shell(caf::actor_config& config, Setup setup)
    : caf::event_based_actor(config),
      setup_(std::move(setup)),
      mailbox_max_(setup_.options.mailbox_max == 0 ? setup_.node->limits().mailbox_max : setup_.options.mailbox_max),
      counting_(setup_.node->limits().counting) {
  const bool listed = setup_.node->registry().add({setup_.path, setup_.options.kind, record_, self()});
  base::ensure(listed, "a node has space for one more actor");
}

Shell::~Shell() { delete latest_.load(std::memory_order_relaxed); }

Handle Shell::self() { return caf::actor_cast<caf::actor>(this); }

caf::behavior Shell::make_behavior() {
  const Here here(this);
  guarded(nullptr, [this] { build(); });
  come_round();
  if (finishing_) end();
  arm();
  return ended_ ? caf::behavior{} : idle_behavior();
}

thread_local const Shell* Shell::running_here = nullptr;

Shell::resume_result Shell::resume(caf::execution_unit* worker, std::size_t throughput_max) {
  Host* host = setup_.node->host;
  if (host != nullptr) host->runs(id());
  if (!watches_node_) setup_.node->rest().stir();
  const ports::Clock& clock = setup_.node->world().clock;
  Turn& turn = turn_here();
  turn_ = &turn;
  const base::Instant began = clock.coarse();
  turn.begin(record_.get(), setup_.options.placement == ports::Placement::own_thread, began);
  if (counting_) record_->begin_turn(began);
  batch_now_ = began;
  batch_now_known_ = true;
  resume_result result{};
  for (std::size_t left = throughput_max; left > 0;) {
    const std::size_t part = std::min(left, part_);
    result = caf::event_based_actor::resume(worker, part);
    left -= part;
    if (result != resume_result::resume_later) break;  // another thread may run this actor: part_ is no longer ours
    const bool ticked = clock.coarse() != began;
    part_ = ticked ? kPartMin : std::min(2 * part_, kPartMax);
    if (ticked) break;
  }
  // From here on another thread may run this actor: access only our own or atomic data.
  turn.end();
  if (counting_) {
    const base::Instant at = clock.coarse();
    const base::Instant since = turn.began_at();        // later than `began` if a part of it was counted
    if (at > since) record_->end_turn(at, at - since);  // most are shorter than a tick
  }
  if (host != nullptr) host->ran(id());
  return result;
}

/// For times that need not be exact. An actor may start on its parent's thread, in another actor's turn.
base::Instant Shell::turn_began() const {
  return turn_ != nullptr ? turn_->began_at() : setup_.node->world().clock.coarse();
}

base::Instant Shell::batch_now() {
  if (!batch_now_known_) {
    batch_now_ = setup_.node->world().clock.coarse();
    batch_now_known_ = true;
  }
  return batch_now_;
}

base::Random& Shell::random() {
  if (!random_) random_ = std::make_unique<base::Random>(setup_.node->world().chance.seed());
  return *random_;
}

void Shell::build() {
  record_->activity.store(Activity::running, std::memory_order_release);  // after this, an exception is a new failure
  ++incarnation_;
  handlers_ = Handlers{};
  object_ = setup_.factory();
  base::ensure(object_ != nullptr, "a factory makes an actor");
  object_->shell_ = this;
  object_->receive(handlers_);
  object_->start();
}

void Shell::drop_object(const base::Error& why) {
  held_ = false;     // a restart ends a pause
  dropping_ = &why;  // the reason for replies that are dropped with the object
  const auto served = served_in_order();
  served_.clear();
  for (const auto& stream : served) stream->abandon(why);
  auto pending = std::move(pending_);
  pending_.clear();
  free_.clear();
  for (Pending& one : pending)
    if (one.stream) one.stream->abandon(why);
  pending.clear();
  count_asking();
  object_.reset();
  handlers_ = Handlers{};
  for (const Handle& one : watched_) {
    stop_observing(caf::actor_cast<caf::actor_control_block*>(one));
    setup_.node->watchers().remove(one.id(), id());
  }
  watched_.clear();
  soon_.clear();
  stop_children();
  deadlines_ = logic::Deadlines{};
  dropping_ = nullptr;
}

void Shell::answer_unanswered(const base::Error& error) {
  if (!std::exchange(current_.unanswered, false)) return;
  answer({current_.sender, current_.message_id, current_.trace}, error_envelope(error));
}

void Shell::begin(const Envelope& envelope) {
  current_.unanswered = begins(envelope.header().signal) && caf::message_id{current_.message_id}.is_request();
  setup_.node->host->handles(setup_.path);
  current_.unanswered = false;
}

/// A kj::Exception over foreign words is the sender's fault, found while reading. All others break this actor.
void Shell::thrown(const Envelope* envelope, std::exception_ptr what) {
  try {
    std::rethrow_exception(std::move(what));
  } catch (const kj::Exception& broken) {
    if (envelope == nullptr || envelope->header().origin == Origin::local)
      return fail({base::Code::internal, broken.getDescription().cStr()});
    dead_letter(DeadLetter::malformed);
    answer_unanswered({base::Code::malformed, "the message violates its schema"});
  } catch (const base::StateUnknown& lost) {
    fail({base::Code::unknown_outcome, lost.what()});
  } catch (const std::exception& broken) {
    fail({base::Code::internal, broken.what()});
  } catch (...) {
    fail({base::Code::internal, "a handler threw something other than an exception"});
  }
}

void Shell::fail(base::Error error) {
  if (ended_ || record_->activity.load(std::memory_order_relaxed) == Activity::waiting) return;
  record_->activity.store(Activity::waiting, std::memory_order_release);
  record_->last_error.store(error.code, std::memory_order_relaxed);
  trouble(error);
  setup_.node->on_failure(setup_.path, error);
  answer_unanswered(error);
  drop_object(kBroke);
  if (!setup_.parent) {  // no supervisor is left to decide
    if (setup_.options.on_failure != logic::OnFailure::stop) setup_.node->on_fatal(error);
    decision_ = Decision::unwatched;
    return end();
  }
  send(setup_.parent, Envelope::build<wire::ChildFailed>({}, [&](wire::ChildFailed::Builder out) {
         out.setChild(setup_.number);
         out.initError().setCode(static_cast<std::uint16_t>(error.code));
         out.getError().setMessage(error.message.substr(0, 1024).c_str());
       }));
}

/// Ends for good. The object goes first, while its address still works.
void Shell::end() {
  if (ended_) return;
  if (decision_ == Decision::killed) decision_ = Decision::finished;
  record_->activity.store(Activity::stopping, std::memory_order_release);
  if (object_ && !std::exchange(said_last_, true)) {
    try {
      object_->stop();
    } catch (const std::exception&) {
      record_->last_error.store(base::Code::internal, std::memory_order_relaxed);
    }
  }
  const bool ordered = decision_ == Decision::stopped || decision_ == Decision::killed_by_operator;
  if (ordered && awaits_children()) return;
  ended_ = true;
  if (setup_.parent) {
    send(setup_.parent,
         Envelope::build<wire::ChildEnded>({}, [&](wire::ChildEnded::Builder out) { out.setChild(setup_.number); }));
  }
  quit();
}

/// CAF's last call, for any cause of the end; queued requests are bounced after it.
void Shell::on_exit() {
  const Here here(this);
  ended_ = true;
  record_->activity.store(Activity::stopping, std::memory_order_release);
  drop_object(kEnded);
  for (Stashed& waiting : stash_)
    if (waiting.id.is_request()) answer({waiting.sender, waiting.id.integer_value(), {}}, error_envelope(kEnded));
  stash_.clear();
  // If this was the last reference, nobody can be woken, and a new reference must not be made.
  if (ctrl()->strong_refs > 0) setup_.node->world().clock.forget(self());
  setup_.node->registry().remove(setup_.path, record_.get());
  bury();
  recent_.reset();  // other actors' handles may keep the rest of this actor for long
  setup_.parent = {};
  setup_.factory = {};  // it may own something that owns this actor
}

void Shell::rename(std::string path) {
  base::ensure(setup_.parent == nullptr, "only an actor without a parent moves");
  setup_.node->registry().remove(setup_.path, record_.get());
  setup_.path = std::move(path);
  setup_.node->registry().add({setup_.path, setup_.options.kind, record_, self()});
}

/// After a restart: handles the messages that waited, in order, unless the actor breaks again.
void Shell::replay() {
  std::vector<Stashed> waiting = std::move(stash_);
  stash_.clear();
  replaying_ = true;
  for (Stashed& message : waiting) {
    if (!object_) stash_.push_back(std::move(message));
    else take(std::move(message.sender), std::move(message.asker), message.id, message.envelope);
  }
  replaying_ = false;
}

// -- requests and timers --

namespace {
constexpr int kPlaceBits = 20;  // of a request's number: its slot in pending_; the rest counts up and never repeats
constexpr std::uint64_t kPlaceMask = (std::uint64_t{1} << kPlaceBits) - 1;
}  // namespace

std::uint64_t Shell::add_pending(Pending pending, base::Instant due) {
  std::uint32_t place = 0;
  if (free_.empty()) {
    place = static_cast<std::uint32_t>(pending_.size());
    pending_.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  pending.id = (++asked_ << kPlaceBits | place) & caf::message_id::request_id_mask;
  const std::uint64_t id = pending.id;
  pending_[place] = std::move(pending);
  count_asking();
  if (due != base::Instant::max()) deadlines_.add(id, due);
  return id;
}

void Shell::count_asking() {
  record_->asking.store(static_cast<std::uint32_t>(pending_.size() - free_.size()), std::memory_order_relaxed);
}

Shell::Pending* Shell::find_pending(std::uint64_t id) {
  const std::uint64_t place = id & kPlaceMask;
  return place < pending_.size() && pending_[place].id == id ? &pending_[place] : nullptr;
}

Shell::Pending Shell::take_pending(std::uint64_t id) {
  Pending* found = find_pending(id);
  if (found == nullptr) return {};
  Pending out = std::move(*found);
  *found = Pending{};
  free_.push_back(static_cast<std::uint32_t>(id & kPlaceMask));
  count_asking();
  deadlines_.remove(id);
  return out;
}

/// Responds to a request of this actor, or ends its stream, through the mailbox like every response. So a callback
/// never runs inside ask().
void Shell::refuse_later(std::uint64_t id, base::Code code, const char* text) {
  enqueue(caf::make_mailbox_element(
              nullptr, caf::message_id{id | caf::message_id::response_flag_mask | caf::message_id::default_async_value},
              {}, error_envelope({code, text})),
          execution());
}

void Shell::request(const Handle& to, Envelope question, base::Callback<void(const Envelope&)> callback,
                    const Handle& asker) {
  const bool full = pending_.size() - free_.size() >= setup_.node->limits().asks_max;
  if (full || !to || !question) {
    const std::uint64_t refused = add_pending({0, std::move(callback), nullptr}, base::Instant::max());
    if (full)
      return refuse_later(refused, base::Code::overloaded, "too many requests of this actor wait for a response");
    if (!to) return refuse_later(refused, base::Code::unavailable, "there is no actor to ask");
    return refuse_later(refused, base::Code::internal, "the request is larger than its kind may be");
  }
  const std::uint64_t id =
      add_pending({0, std::move(callback), nullptr, question.kind(), to.id(), turn_began()}, question.header().due);
  const bool urgent = question.kind()->lane == messages::Lane::control;
  const caf::message_id mid{id | (urgent ? 0 : caf::message_id::default_async_value)};
  // CAF's own list for actors behind the sender. A proxy does not pass it on: another node sees only this actor.
  caf::mailbox_element::forwarding_stack behind;
  if (asker) behind.push_back(caf::actor_cast<caf::strong_actor_ptr>(asker));
  post(caf::actor_cast<caf::actor_control_block*>(to),
       caf::make_mailbox_element(ctrl(), mid, std::move(behind), std::move(question)));
}

void Shell::set_timer(TimerTag tag, base::Duration delay) {
  const auto id = kTimerBit | reinterpret_cast<std::uintptr_t>(tag);
  if (delay > base::Duration::zero()) {
    soon_.erase(tag);
    deadlines_.add(id, now() + delay);
    return;
  }
  deadlines_.remove(id);
  soon_[tag] = {++soons_, current_.trace};
  fresh_.push_back({tag, soons_});
  if (running_here != this) come_round();
}

/// Timers without delay run after the messages that wait, or at once if none does. Timers set by those are queued.
void Shell::come_round() {
  const std::size_t at_once = running_here == this ? fresh_.size() : 0;
  for (std::size_t i = 0; i < fresh_.size(); ++i) {
    const SoonMessage one = fresh_[i];
    if (i < at_once && mailbox().empty()) take_soon(one);
    else enqueue(caf::make_mailbox_element(ctrl(), caf::make_message_id(), {}, one), execution());
  }
  fresh_.clear();
}

void Shell::clear_timer(TimerTag tag) {
  deadlines_.remove(kTimerBit | reinterpret_cast<std::uintptr_t>(tag));
  soon_.erase(tag);
}

void Shell::note_stirs() {
  watches_node_ = true;
  setup_.node->rest().begin();
}

void Shell::await_stir(TimerTag tag) {
  soon_[tag] = {++soons_, {}};
  setup_.node->rest().wait(self(), tag, soons_);
}

/// A timer without delay is due, unless it was cancelled or set again since.
void Shell::take_soon(const SoonMessage& message) {
  const auto waits = soon_.find(message.tag);
  if (waits == soon_.end() || waits->second.number != message.number) return;
  // Work in steps is one piece of work with one trace. A timer with a delay starts another; otherwise a trace of a
  // repeating timer would never end.
  current_ = {.trace = waits->second.trace};
  if (turn_ != nullptr) turn_->next(nullptr);  // without a message, also if it runs after one
  soon_.erase(waits);
  run_timer(message.tag);
  current_ = {};
}

void Shell::arm() {
  const auto next = deadlines_.next();
  if (ended_ || !next || *next >= armed_) return;
  armed_ = *next;
  setup_.node->world().clock.wake(self(), armed_);
}

void Shell::wake_up() {
  armed_ = base::Instant::max();
  const base::Instant at = now();
  // Compares the earliest deadline, not the wake-up time: most deadlines are of requests that got a response since.
  if (const auto next = deadlines_.next(); next && *next < at && at - *next >= kLateTimer) [[unlikely]]
    setup_.node->alarms().sound(Alarm::late_timer, setup_.path, at - *next, at);
  while (!ended_) {
    const auto due = deadlines_.take_due(at);
    if (!due) break;
    run_due(*due);
  }
}

void Shell::run_due(std::uint64_t id) {
  if ((id & kTimerBit) != 0) return run_timer(reinterpret_cast<TimerTag>(id & ~kTimerBit));
  if ((id & kRevivalBit) != 0) return revive_children(id & ~kRevivalBit);
  if (id == kHoldBit) return unhold();
  if ((id & kIdleBit) != 0) {
    for (const auto& [key, stream] : served_)
      if (stream->idle_id() == id) return check_idle(id, std::shared_ptr<StreamEnd>(stream));
    return;
  }
  Pending* waiting = find_pending(id);
  if (waiting == nullptr) return;
  if (waiting->stream) return check_idle(id, std::shared_ptr<StreamEnd>(waiting->stream));
  static const Envelope late = error_envelope({base::Code::timeout, "no response came before the deadline"});
  take_answer(id, late);
}

void Shell::run_timer(TimerTag tag) {
  for (Handlers::Timer& timer : handlers_.timers_)
    if (timer.tag == tag) return guarded(nullptr, [&] { timer.run(); });
}

}  // namespace troupe::runtime
