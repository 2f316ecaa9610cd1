// The path of a message into a mailbox, out of it, and to its handler.
#include "messages/common.capnp.h"
#include "messages/runtime.capnp.h"
#include "runtime/actor/caller.hpp"
#include "runtime/actor/shell.hpp"
#include "runtime/base/address_group.hpp"
#include "runtime/ports/events.hpp"

namespace troupe::runtime {
namespace {

const base::Error kFull{base::Code::overloaded, "the mailbox of the actor is full", std::chrono::milliseconds(100)};
const base::Error kWaiting{base::Code::unavailable, "the actor failed and waits for its restart",
                           std::chrono::milliseconds(100)};

const base::Error kExpired{base::Code::timeout, "the deadline passed before the actor handled the request"};
const base::Error kMalformed{base::Code::malformed, "the message violates its schema"};
const base::Error kStreamsFull{base::Code::overloaded, "too many streams of this actor are open",
                               std::chrono::milliseconds(100)};

/// Whether the envelope is only the token for the newest message of its kind (shell_latest.hpp).
bool is_token(caf::message_id id, const Envelope& envelope) {
  return !id.is_request() && !id.is_response() && envelope.kind() != nullptr &&
         envelope.kind()->when_full == messages::WhenFull::keep_latest;
}

bool is_control(const Envelope& envelope) {
  return envelope.kind() != nullptr && envelope.kind()->lane == messages::Lane::control;
}

/// Whether another node sent it, not an actor of this node or one of its operators.
bool is_of_peer(const caf::mailbox_element& element, const caf::actor_system& system) {
  const auto* data = element.sender ? remote_data_of(*element.sender.get(), system) : nullptr;
  return data != nullptr && (data->process_id() & kRoleMask) == static_cast<std::uint32_t>(messages::Role::peer);
}

template <class Kind>
bool is(const Envelope& envelope) {
  return envelope.kind() == &messages::kind_of<Kind>();
}

}  // namespace

// -- into the mailbox, in the sender's thread --

void Shell::enqueue(caf::mailbox_element_ptr element, caf::execution_unit* worker) {
  if (const Envelope* const envelope = envelope_in(*element)) {
    if (envelope->header().trace.id != 0 || tapped()) [[unlikely]]
      envelope->note_admitted(now());
    if (!element->mid.is_response() && !is_control(*envelope) && begins(envelope->header().signal) &&
        !admit(*element, *envelope, worker))
      return;
  }
  caf::event_based_actor::enqueue(std::move(element), worker);
}

/// Counts a request or tell in, or sends it back. Everything else is bounded elsewhere: responses by the requests,
/// items by their credit, wake-ups by the clock.
bool Shell::admit(caf::mailbox_element& element, const Envelope& envelope, caf::execution_unit* worker) {
  Record& record = *record_;
  const bool question = element.mid.is_request();
  if (question && record.activity.load(std::memory_order_relaxed) == Activity::waiting) {
    bounce(element, kWaiting, worker);
    return false;
  }
  if (!question && envelope.kind()->when_full == messages::WhenFull::keep_latest) return keep_latest(element, envelope);
  if (!counting_) return true;
  const std::uint64_t number = record.received.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t handled = record.handled.load(std::memory_order_relaxed);
  // The last part is reserved for the actors of this node, however many requests other nodes send.
  const std::uint64_t shared = mailbox_max_ - mailbox_max_ / base::kReservePart;
  if (number >= handled + shared && (number >= handled + mailbox_max_ || is_of_peer(element, setup_.node->system())))
      [[unlikely]] {
    record.received.fetch_sub(1, std::memory_order_relaxed);
    record.refused_full.fetch_add(1, std::memory_order_relaxed);
    setup_.node->world().mutations.sometimes("actor: a mailbox was full");
    if (question) bounce(element, kFull, worker);
    else setup_.node->count(DeadLetter::full);
    return false;
  }
  if (record.mark_number.load(std::memory_order_relaxed) < handled || number == 0)
    record.mark(number, setup_.node->world().clock.coarse(), envelope.kind(),
                element.sender ? element.sender->id() : 0);
  return true;
}

bool Shell::keep_latest(caf::mailbox_element& element, const Envelope& envelope) {
  Latest* places = latest_.load(std::memory_order_acquire);
  if (places == nullptr) {
    auto fresh = std::make_unique<Latest>();
    if (latest_.compare_exchange_strong(places, fresh.get(), std::memory_order_acq_rel)) places = fresh.release();
  }
  switch (places->keep(element.sender.get(), envelope)) {
    case Latest::Kept::first:
      if (counting_) record_->received.fetch_add(1, std::memory_order_relaxed);
      return true;
    case Latest::Kept::replaced: return false;
    case Latest::Kept::full: break;
  }
  record_->refused_full.fetch_add(1, std::memory_order_relaxed);
  setup_.node->count(DeadLetter::full);
  return false;
}

void Shell::bounce(const caf::mailbox_element& element, const base::Error& error, caf::execution_unit* worker) {
  if (!element.sender) return;
  element.sender->enqueue(
      caf::make_mailbox_element(caf::strong_actor_ptr{ctrl()}, element.mid.response_id(), {}, error_envelope(error)),
      worker);
}

// -- out of the mailbox --

caf::invoke_message_result Shell::consume(caf::mailbox_element& element) {
  const Here here(this);
  if (ended_) return caf::invoke_message_result::dropped;
  if (const Envelope* const envelope = envelope_in(element)) {
    if (turn_ != nullptr) turn_->next(envelope->kind());
    // Kept by a copy: the handler may outlive the element in the queue only through its own copy.
    caf::strong_actor_ptr asker;
    if (!element.stages.empty()) [[unlikely]]
      asker = std::move(element.stages.back());
    take(std::move(element.sender), std::move(asker), element.mid, *envelope);
  } else {
    if (turn_ != nullptr) turn_->next(nullptr);
    take_foreign(element);
  }
  if (!finishing_ && !fresh_.empty()) come_round();
  if (finishing_) end();
  arm();
  if (setup_.node->witness != nullptr && object_ && !ended_) setup_.node->witness->handled(setup_.path, *object_);
  return caf::invoke_message_result::consumed;
}

/// Starts the trace that the handler of this message passes on.
Trace Shell::enter(const Envelope& envelope) {
  Trace trace = envelope.header().trace;
  if (trace.id != 0) trace.span = setup_.node->next_span();
  span_ = trace.id != 0 ? trace.span : 0;
  return trace;
}

/// Passes a message to the taps once it has been handled.
class Shell::Tapping {
 public:
  Tapping(Shell& shell, const caf::strong_actor_ptr& sender, bool answer, const Envelope& envelope)
      : shell_(shell),
        sender_(sender),
        envelope_(envelope),
        answer_(answer),
        began_(shell.now()),
        admitted_(envelope.admitted()) {}  // before the handler passes it on
  ~Tapping() {
    if (!handled_) return;
    shell_.tap(sender_.get(), envelope_,
               {.at = began_,
                .waited = admitted_ == base::Instant{} ? base::Duration{0} : began_ - admitted_,
                .took = shell_.now() - began_,
                .handler = shell_.span_,
                .way = Tapped::Direction::in,
                .answer = answer_,
                .other = sender_ ? sender_->id() : 0});
  }
  Tapping(const Tapping&) = delete;
  Tapping& operator=(const Tapping&) = delete;
  /// The message still waits: its tap gets it after its handler.
  void put_off() { handled_ = false; }

 private:
  Shell& shell_;
  const caf::strong_actor_ptr sender_;
  const Envelope envelope_;
  const bool answer_;
  const base::Instant began_, admitted_;
  bool handled_ = true;
};

void Shell::take(caf::strong_actor_ptr sender, caf::strong_actor_ptr asker, caf::message_id id,
                 const Envelope& envelope) {
  if (setup_.node->witness != nullptr) setup_.node->witness->taken(this->id(), sender ? sender->id() : 0, envelope);
  span_ = 0;
  std::optional<Tapping> tapping;
  if (tapped() && !is_token(id, envelope)) [[unlikely]]
    tapping.emplace(*this, sender, id.is_response(), envelope);
  if (id.is_response()) return take_answer(id.request_id().integer_value(), envelope);
  current_ = {std::move(sender), id.integer_value(), enter(envelope), std::move(asker)};
  // CAF resumes an actor with its own thread until its mailbox is empty: a batch without end.
  if (setup_.options.placement == ports::Placement::own_thread) batch_now_known_ = false;
  if (is_control(envelope) && envelope.header().signal == Signal::message && take_runtime_message(envelope)) {
    current_ = {};
    return;
  }
  if (!begins(envelope.header().signal)) {
    const auto served = served_.find({current_.sender.get(), current_.message_id & caf::message_id::request_id_mask});
    if (served == served_.end()) return setup_.node->count(DeadLetter::late_answer);
    if (counting_) Record::count(record_->answers);
    const auto stream = served->second;
    if (current_.trace.id == 0) current_.trace = stream->trace();
    guarded(&envelope, [&] { stream->take(envelope, batch_now()); });
    current_ = {};
    return;
  }
  if (!object_ || held_) {  // queued before it broke or was paused: it keeps its position
    if (tapping) tapping->put_off();
    stash_.push_back({std::move(current_.sender), std::move(current_.asker), id, envelope});
    current_ = {};
    return;
  }
  handle(envelope);
  // The handler itself has caught exceptions that destroyed its Reply.
  answer_unanswered(kMalformed);
  current_ = {};
}

void Shell::handle(const Envelope& envelope) {
  Record& record = *record_;
  const bool counted = counting_ && !is_control(envelope);
  const std::uint64_t number = record.handled.load(std::memory_order_relaxed);
  last_kind_ = envelope.kind();
  const bool sampled = counted && number % kSampleEvery == 0;
  const auto note = [&](base::Instant from, base::Duration took) {
    recent_->note({envelope.kind(), current_.sender ? current_.sender->id() : 0, envelope.header().trace.id, from, took,
                   static_cast<std::uint32_t>(envelope.bytes().size())});
  };
  if (sampled || recent_) {
    const base::Instant from = now();
    run_handler(envelope);
    const base::Duration took = now() - from;
    if (sampled) record.sample(took);
    if (sampled) roll_turn();
    if (recent_) note(from, took);
  } else {
    run_handler(envelope);
    if (recent_) note(batch_now(), base::Duration::zero());  // granted because this message broke the actor
  }
  if (counted) record.handled.store(number + 1, std::memory_order_release);  // one writer: no need for an atomic add
}

void Shell::run_handler(const Envelope& token) {
  if (token.kind() == nullptr) return dead_letter(DeadLetter::unsupported);
  const bool question = caf::message_id{current_.message_id}.is_request();
  Envelope latest;
  const bool kept = is_token(caf::message_id{current_.message_id}, token);
  if (kept) {
    latest = latest_.load(std::memory_order_acquire)->take(current_.sender.get(), token);
  }
  std::optional<Tapping> tapping;
  if (kept && tapped()) tapping.emplace(*this, current_.sender, false, latest);
  const Envelope& envelope = kept ? latest : token;
  ReturnAddress from{question ? current_.sender : caf::strong_actor_ptr{}, question ? current_.message_id : 0,
                     current_.trace};
  const auto refuse_question = [&](const base::Error& why, DeadLetter reason) {
    if (question) answer(from, error_envelope(why));
    dead_letter(reason);
  };
  // Its asker's own deadline is over too, but an actor that passed the request on must be notified.
  if (envelope.header().due != base::Instant::max() && envelope.header().due <= batch_now())
    return refuse_question(kExpired, DeadLetter::expired);
  Handlers::Entry* entry = handlers_.find(envelope.kind());
  if (entry == nullptr && !handlers_.other_)
    return refuse_question(
        {base::Code::unsupported, std::string(envelope.kind()->name) + " is not supported by this actor"},
        DeadLetter::unsupported);
  if (entry == nullptr)
    return guarded(&envelope,
                   [&] { handlers_.other_(envelope, question ? AnyReply(this, std::move(from)) : AnyReply()); });
  if (question == (entry->form == Handlers::Form::tell))
    return refuse_question({base::Code::unsupported, "this kind is not a request"}, DeadLetter::unsupported);
  if (entry->form == Handlers::Form::stream && from.to && !takes_streams(*from.to.get(), setup_.node->system()))
    return refuse_question(
        {base::Code::unsupported, "this kind opens a stream, which needs a link: datagrams cannot carry it"},
        DeadLetter::unsupported);
  if (entry->form == Handlers::Form::stream && served_.size() >= setup_.node->limits().streams_max)
    return answer(from, error_envelope(kStreamsFull));
  guarded(&envelope, [&] { entry->run(*this, envelope, std::move(from)); });
}

void Shell::dead_letter(DeadLetter reason) {
  Record::count(record_->dead_letters);
  setup_.node->count(reason);
}

void Shell::take_answer(std::uint64_t id, const Envelope& envelope) {
  Pending* waiting = find_pending(id);
  if (waiting == nullptr) return setup_.node->count(DeadLetter::late_answer);
  if (counting_) Record::count(record_->answers);
  current_ = {.trace = enter(envelope)};
  if (waiting->stream) {
    const auto stream = waiting->stream;
    if (current_.trace.id == 0) current_.trace = stream->trace();
    guarded(&envelope, [&] { stream->take(envelope, batch_now()); });
  } else {
    Pending taken = take_pending(id);
    guarded(&envelope, [&] { taken.callback(envelope); });
  }
  current_ = {};
}

/// Handles messages from the runtime to its own actors. Only actors of this node may send them.
bool Shell::take_runtime_message(const Envelope& envelope) {
  if (envelope.header().origin == Origin::foreign && !is<wire::Describe>(envelope)) return false;
  if (is<wire::Suspend>(envelope)) {
    if (object_) {
      record_->activity.store(Activity::waiting, std::memory_order_release);
      drop_object({base::Code::unavailable, "the actor restarts with its sibling"});
    }
  } else if (is<wire::Revive>(envelope)) {
    if (object_ || finishing_) return true;
    record_->restarted(now());
    guarded(nullptr, [this] { build(); });
    replay();
  } else if (is<wire::Stop>(envelope)) {
    Envelope::Reading<wire::Stop> reading(envelope);
    const Decision how = reading.root().getGivenUp()  ? Decision::given_up
                         : reading.root().getKilled() ? Decision::killed_by_operator
                                                      : Decision::stopped;
    // The order has overtaken earlier messages, which are handled first.
    if (object_ && how == Decision::stopped && caf::message_id{current_.message_id}.is_urgent_message())
      return self()->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, envelope), execution()),
             true;
    decision_ = how;
    finish();
  } else if (is<wire::ChildFailed>(envelope)) {
    Envelope::Reading<wire::ChildFailed> reading(envelope);
    const auto failed = reading.root();
    child_failed(failed.getChild(),
                 {base::code_of(failed.getError().getCode()), failed.getError().getMessage().cStr()});
  } else if (is<wire::ChildEnded>(envelope)) {
    Envelope::Reading<wire::ChildEnded> reading(envelope);
    child_ended(reading.root().getChild());
  } else if (is<wire::Describe>(envelope)) {
    describe();
  } else if (is<wire::Portray>(envelope)) {
    portray(envelope);
  } else if (is<wire::Hold>(envelope)) {
    Envelope::Reading<wire::Hold> reading(envelope);
    hold(reading.root().getMilliseconds());
  } else if (is<wire::Unhold>(envelope)) {
    unhold();
  } else if (is<wire::Restart>(envelope)) {
    fail({base::Code::unavailable, "an operator restarted the actor"});
  } else if (is<wire::LookAway>(envelope)) {
    drop_recent();
  } else if (is<wire::AwaitReady>(envelope) && object_ && handlers_.find(envelope.kind()) == nullptr) {
    ready();
  } else {
    return false;
  }
  return true;
}

void Shell::hold(std::uint32_t milliseconds) {
  if (!object_ || finishing_) return;
  held_ = true;
  record_->activity.store(Activity::paused, std::memory_order_release);
  deadlines_.remove(kHoldBit);
  deadlines_.add(kHoldBit, now() + std::chrono::milliseconds(milliseconds));
}

void Shell::unhold() {
  if (!std::exchange(held_, false) || finishing_) return;
  deadlines_.remove(kHoldBit);
  record_->activity.store(Activity::running, std::memory_order_release);
  replay();
}

/// For an actor that does not report by itself when it is ready: it is ready once started.
void Shell::ready() {
  if (!caf::message_id{current_.message_id}.is_request()) return dead_letter(DeadLetter::unsupported);
  answer({current_.sender, current_.message_id, current_.trace},
         Envelope::build<messages::wire::Nothing>(header(), [](messages::wire::Nothing::Builder) {}));
}

void Shell::describe() {
  if (!caf::message_id{current_.message_id}.is_request()) return dead_letter(DeadLetter::unsupported);
  const ReturnAddress to{current_.sender, current_.message_id, current_.trace};
  if (!object_) return answer(to, error_envelope(kWaiting));
  if (!handlers_.describe_)
    return answer(to, error_envelope({base::Code::unsupported, "this actor has no state to show"}));
  current_.unanswered = true;
  guarded(nullptr, [&] {
    answer(to, handlers_.describe_(header()));
    current_.unanswered = false;
  });
}

/// Handles mailbox elements without an envelope: wake-ups, events of streams and processes, CAF's own messages.
void Shell::take_foreign(caf::mailbox_element& element) {
  auto& content = element.content();
  if (ports::is_wake_up(element)) return wake_up();
  if (auto* event = ports::take_event(element)) {
    if (counting_) Record::count(record_->answers);
    if (object_) guarded(nullptr, [&] { object_->event(std::move(*event)); });
  } else if (auto* of_process = ports::take_process_event(element)) {
    if (counting_) Record::count(record_->answers);
    if (object_) guarded(nullptr, [&] { object_->process(std::move(*of_process)); });
  } else if (content.match_elements<Outbound>()) {
    if (counting_) Record::count(record_->answers);
    auto& message = content.get_mutable_as<Outbound>(0);
    if (tapped() && message.envelope) [[unlikely]]
      tap(nullptr, message.envelope,
          {.at = now(), .way = Tapped::Direction::out, .answer = message.answers, .other = message.from});
    if (object_) guarded(nullptr, [&] { object_->outbound(std::move(message)); });
  } else if (content.match_elements<SoonMessage>()) {
    take_soon(content.get_as<SoonMessage>(0));
  } else if (content.match_elements<caf::down_msg>()) {
    take_down(content.get_as<caf::down_msg>(0));
  } else if (element.mid.is_response()) {  // CAF's own response for an actor that has ended
    static const Envelope gone = error_envelope({base::Code::unavailable, "the receiver has ended"});
    take_answer(element.mid.request_id().integer_value(), gone);
  } else {
    caf::event_based_actor::consume(element);
  }
}

void Shell::take_down(const caf::down_msg& down) {
  auto* ended = down.source.get();
  observed_.erase(ended);
  const base::Error gone{base::Code::unavailable, "the other end of the stream has ended"};
  std::vector<std::shared_ptr<StreamEnd>> broken;
  for (const auto& stream : served_in_order())
    if (stream->other().get() == ended) broken.push_back(stream);
  for (const Pending& one : pending_)
    if (one.stream && one.stream->other().get() == ended) broken.push_back(one.stream);
  for (const auto& stream : broken) guarded(nullptr, [&] { stream->broken(gone); });
  const auto watched = std::find_if(watched_.begin(), watched_.end(), [&](const Handle& whom) {
    return caf::actor_cast<caf::actor_control_block*>(whom) == ended;
  });
  if (watched == watched_.end() || !object_) return;
  const Handle whom = *watched;
  setup_.node->watchers().remove(watched->id(), id());
  watched_.erase(watched);
  std::optional<base::Error> why;
  if (down.reason) why = base::Error{base::Code::unavailable, "the actor has failed or its link has ended"};
  guarded(nullptr, [&] { object_->down(whom, why); });
}

// -- sending --

void Shell::post(caf::actor_control_block* to, caf::mailbox_element_ptr element) {
  Host* host = setup_.node->host;
  if (host != nullptr && host->takes(id(), *to, element)) return;
  to->enqueue(std::move(element), execution());
}

void Shell::send(const Handle& to, Envelope envelope) {
  if (!to) return setup_.node->count(DeadLetter::gone);
  const caf::message_id id{is_control(envelope) ? 0 : caf::message_id::default_async_value};
  post(caf::actor_cast<caf::actor_control_block*>(to),
       caf::make_mailbox_element(caf::strong_actor_ptr{ctrl()}, id, {}, std::move(envelope)));
}

void Shell::answer(const ReturnAddress& to, Envelope envelope) {
  if (!to.to) return;
  post(to.to.get(), caf::make_mailbox_element(caf::strong_actor_ptr{ctrl()},
                                              caf::message_id{to.message_id}.response_id(), {}, std::move(envelope)));
}

void Shell::deliver(const caf::strong_actor_ptr& to, caf::strong_actor_ptr from, std::uint64_t message_id,
                    Envelope envelope) {
  if (!to) return;
  caf::message_id id{message_id};
  if (tapped()) [[unlikely]]
    tap(to.get(), envelope,
        {.at = now(), .way = Tapped::Direction::over, .answer = id.is_response(), .other = to->id()});
  if (is_control(envelope)) id = id.with_high_priority();
  post(to.get(), caf::make_mailbox_element(std::move(from), id, {}, std::move(envelope)));
}

void Shell::unwound(const ReturnAddress& question) {
  const bool at_hand = question.message_id == current_.message_id && question.to == current_.sender;
  if (at_hand) current_.unanswered = true;  // the code that catches the exception sends the response
  else answer(question, error_envelope({base::Code::internal, "the actor failed before it responded"}));
}

void Shell::refuse(const base::Error& error) {
  const caf::message_id id{current_.message_id};
  if (!id.is_request() || current_.refused) return dead_letter(DeadLetter::refused);
  current_.refused = true;
  answer({current_.sender, current_.message_id, current_.trace}, error_envelope(error));
}

Handle Shell::sender() const { return caf::actor_cast<caf::actor>(current_.sender); }

Caller Shell::caller() const {
  const auto& from = current_.asker ? current_.asker : current_.sender;
  return from ? caller_of(*from.get(), setup_.node->system()) : Caller{};
}

}  // namespace troupe::runtime
