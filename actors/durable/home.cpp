#include <algorithm>

#include "actors/durable/api.hpp"

namespace troupe::durable {

using base::Code;

constexpr std::chrono::minutes kOrderDue{1};  // our choice: as for escrows

void Home::receive_home(runtime::Handlers& on) {
  seat_.receive<Follow>(on);
  gateway_.receive<Again>(on);
  // The caller's rights were checked when the request arrived.
  gateway_.when_here([this](const runtime::Envelope& question, runtime::AnyReply reply, const runtime::Caller& from) {
    ask_child(question, from, std::move(reply));
  });
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) { take(question, std::move(reply)); });
}

void Home::start() {
  publish();
  const auto begin = [this] {
    if (child_) return;  // the child of an earlier term is ending: down() starts the next child
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

std::optional<std::chrono::milliseconds> Home::order_wait(const runtime::Envelope& question) {
  constexpr std::chrono::milliseconds kAgain{1'000};  // our choice: a longer wait means that the quota is used up
  const User by = user(caller());
  if (!ordered_ || by.reserved || !seat_.here() || !changes(question)) return std::nullopt;
  const auto wait = ordered_->take(by, now(), static_cast<std::uint32_t>(1 + question.bytes().size() / kUnitBytes));
  if (!wait) return std::nullopt;
  return std::min(std::chrono::ceil<std::chrono::milliseconds>(*wait), kAgain);
}

void Home::take(const runtime::Envelope& question, runtime::AnyReply reply) {
  if (const auto why = refusal(question)) return reply.refuse(*why);
  if (!seat_.here()) return gateway_.pass(question, std::move(reply));
  if (const User by = user(caller()); !by.reserved)
    if (const auto why = room_.refusal(question, by)) return reply.refuse(*why);
  ask_child(question, caller(), std::move(reply));
}

void Home::ask_child(const runtime::Envelope& question, const runtime::Caller& from, runtime::AnyReply reply) {
  const User user = this->user(from);
  if (!asked_.fits(user, 1))
    return reply.refuse(
        {Code::overloaded, "too many requests in progress: retry in a moment", std::chrono::seconds(1)});
  if (!child_) return reply.refuse({Code::unavailable, "this part of the book is being opened: retry in a moment"});
  asked_.hold(user, 1);
  const Room::Order order = room_.begin(changes(question) ? question.bytes().size() : 0, user);
  // With the caller's short deadline its slot would be freed, and its rows charged to nobody, while the child works.
  runtime::Header header = question.header();
  if (!user.reserved) header.due = std::max(header.due, now() + kOrderDue);
  request_for(seat_.behind(from), child_, user.reserved ? question : question.with(header),
              [this, user, order, reply = std::move(reply)](const runtime::Envelope& answer) mutable {
                asked_.release(user, 1);
                room_.end(order);
                reply.forward(answer);
              });
}

}  // namespace troupe::durable
