// Opening, serving and ending streams.
#include <algorithm>

#include "runtime/actor/shell.hpp"

namespace troupe::runtime {
std::shared_ptr<StreamEnd> Shell::open_stream(const Handle& to, base::Duration idle, Envelope question,
                                              std::optional<logic::Credit> reads) {
  const bool full = pending_.size() - free_.size() >= setup_.node->limits().asks_max;
  caf::strong_actor_ptr other;  // stays null for a stream that ends before it begins
  if (to && !full) other = caf::actor_cast<caf::strong_actor_ptr>(to);
  const std::uint64_t id = add_pending({0, {}, nullptr, question.kind(), to ? to.id() : 0, turn_began()}, now() + idle);
  auto stream =
      std::make_shared<StreamEnd>(*this, StreamEnd::Side::opener, other, id | caf::message_id::default_async_value,
                                  idle, reads.value_or(kStreamWindow));
  stream->set_idle_id(id, now());
  stream->set_trace(question.header().trace);
  find_pending(id)->stream = stream;
  if (!other) {
    if (full) refuse_later(id, base::Code::overloaded, "too many requests of this actor wait for a response");
    else refuse_later(id, base::Code::unavailable, "there is no actor to ask");
    return stream;
  }
  Header head = question.header();
  head.signal = Signal::open;
  if (reads) {
    head.credit_items = reads->items;
    head.credit_bytes = static_cast<std::uint32_t>(reads->bytes);
  }
  observe(other.get());
  post(other.get(), caf::make_mailbox_element(caf::strong_actor_ptr{ctrl()}, caf::message_id{stream->message_id()}, {},
                                              question.with(head)));
  return stream;
}

std::shared_ptr<StreamEnd> Shell::serve_stream(ReturnAddress from) {
  auto stream =
      std::make_shared<StreamEnd>(*this, StreamEnd::Side::server, from.to, from.message_id, kServedIdle, kStreamWindow);
  stream->set_idle_id(kIdleBit | ++served_ever_, now());
  stream->set_trace(from.trace);
  served_.emplace(std::pair{from.to.get(), from.message_id & caf::message_id::request_id_mask}, stream);
  deadlines_.add(stream->idle_id(), now() + stream->idle());
  observe(from.to.get());
  return stream;
}

void Shell::send_signal(StreamEnd& end, Envelope envelope) {
  const caf::message_id asked{end.message_id()};
  const caf::message_id id = end.side() == StreamEnd::Side::opener ? asked : asked.response_id();
  post(end.other().get(), caf::make_mailbox_element(caf::strong_actor_ptr{ctrl()}, id, {}, std::move(envelope)));
}

std::vector<std::shared_ptr<StreamEnd>> Shell::served_in_order() const {
  std::vector<std::shared_ptr<StreamEnd>> all;
  for (const auto& [key, stream] : served_) all.push_back(stream);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a->idle_id() < b->idle_id(); });
  return all;
}

void Shell::forget_stream(StreamEnd& end) {
  deadlines_.remove(end.idle_id());
  stop_observing(end.other().get());
  if (end.side() == StreamEnd::Side::opener) {
    take_pending(end.idle_id());
  } else {
    served_.erase({end.other().get(), end.message_id() & caf::message_id::request_id_mask});
  }
}

void Shell::check_idle(std::uint64_t id, const std::shared_ptr<StreamEnd>& stream) {
  // An actor that owes the response is not idle; the asker has its own idle time-out.
  const base::Instant ends = (stream->owes_answer() ? now() : stream->moved()) + stream->idle();
  if (now() < ends) return deadlines_.add(id, ends);
  guarded(nullptr, [&] { stream->time_out(); });
}

void Handlers::unread(Shell& shell, const ReturnAddress& from) { shell.unwound(from); }

std::shared_ptr<StreamEnd> Handlers::open_output(Shell& shell, const Envelope& question, ReturnAddress&& from) {
  auto stream = shell.serve_stream(std::move(from));
  stream->grant({question.header().credit_items, question.header().credit_bytes});
  return stream;
}

std::shared_ptr<StreamEnd> Handlers::open_input(Shell& shell, ReturnAddress&& from) {
  auto stream = shell.serve_stream(std::move(from));
  stream->grant_first();
  return stream;
}

}  // namespace troupe::runtime
