#include "actors/durable/api.hpp"

namespace troupe::durable {

using base::Code;

void Home::receive_home(runtime::Handlers& on) {
  seat_.receive<Follow>(on);
  gateway_.receive<Again>(on);
  // Who asked was judged when it came.
  gateway_.when_here([this](const runtime::Envelope& question, runtime::AnyReply reply, const runtime::Caller&) {
    ask_child(question, std::move(reply));
  });
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) { take(question, std::move(reply)); });
}

void Home::start() {
  publish();
  const auto begin = [this] {
    if (child_) return;  // that of another term is ending: down() begins the next
    child_ = begin_child(child_name_);
    watch(child_);
  };
  seat_.start(begin, [this] {
    if (child_) stop_child(child_);
  });
}

void Home::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  if (ended != child_) return;
  child_ = {};
  if (!seat_.here()) return;
  child_ = begin_child(child_name_);
  watch(child_);
}

bool Home::operator_of_the_place() const {
  const runtime::Caller from = caller();
  if (from.role == messages::Role::peer) return from.node && seat_.trusts(*from.node);
  return from.who() == "local";
}

void Home::take(const runtime::Envelope& question, runtime::AnyReply reply) {
  if (const auto why = refusal(question)) return reply.refuse(*why);
  if (!seat_.here()) return gateway_.pass(question, std::move(reply));
  ask_child(question, std::move(reply));
}

void Home::ask_child(const runtime::Envelope& question, runtime::AnyReply reply) {
  if (!child_) return reply.refuse({Code::unavailable, "it is being opened: try again in a moment"});
  request(child_, question,
          [reply = std::move(reply)](const runtime::Envelope& answer) mutable { reply.forward(answer); });
}

}  // namespace troupe::durable
