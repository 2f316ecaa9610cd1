#include "actors/raft/guest_actor.hpp"

namespace troupe::raft {

GuestActor::GuestActor(SharedSettings settings, std::string group, const Members& members)
    : settings_(std::move(settings)), group_(std::move(group)) {
  for (const auto& [member, at] : members) lines_.emplace_back(settings_->pool, member, at, path_of(group_));
}

void GuestActor::receive(runtime::Handlers& on) {
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) { take(question, std::move(reply)); });
  on.timer<Look>([this] { look(); });
  on.timer<Idle>([this] { finish(); });
  on.describe<wire::GuestState>([this](wire::GuestState::Builder state) {
    state.setMembers(static_cast<std::uint32_t>(lines_.size()));
    state.setAsked(asked_);
  });
}

void GuestActor::start() {
  node().publish<wire::GetGroup, wire::Execute, wire::GetKey, wire::RangeKeys, wire::KeepLease>(path(), self());
  after<Idle>(kIdle);
}

void GuestActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  for (Line& line : lines_)
    if (line.down(ended)) return;
}

void GuestActor::take(const runtime::Envelope& question, runtime::AnyReply reply) {
  // A member would take what never comes over a link for an offence of this node.
  if (!question.kind()->from.has(messages::Role::peer))
    return reply.refuse({base::Code::unsupported, "this is asked at a member of the group alone"});
  ++asked_;
  after<Idle>(kIdle);
  if (const runtime::Handle to = member()) return pass(to, question, std::move(reply));
  if (waiting_.size() >= kWaitingMax)
    return reply.refuse({base::Code::overloaded, "too many questions wait for a link to a member of the group"});
  waiting_.push_back({now() + kPatience, question, std::move(reply)});
  after<Look>(kLook);
}

void GuestActor::look() {
  const runtime::Handle to = member();
  while (!waiting_.empty() && (to || waiting_.front().due <= now())) {
    Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    if (to) pass(to, std::move(first.question), std::move(first.reply));
    else
      first.reply.refuse(
          {base::Code::unavailable, "no member of the group can be reached from here: nothing was done"});
  }
  if (!waiting_.empty()) after<Look>(kLook);
}

runtime::Handle GuestActor::member() {
  for (Line& line : lines_) {
    bool fresh = false;
    const runtime::Handle out = line.handle(now(), fresh);
    if (fresh) watch(out);
    if (out && settings_->pool->in_service(line.member().node)) return out;
  }
  return {};
}

void GuestActor::pass(const runtime::Handle& to, runtime::Envelope question, runtime::AnyReply reply) {
  const bool writes = question.kind() == &messages::kind_of<wire::Execute>();
  request(to, std::move(question), [writes, reply = std::move(reply)](const runtime::Envelope& answer) mutable {
    // What this node itself says of the question: its link has ended, or its time is over.
    if (writes && answer.header().signal == runtime::Signal::error &&
        answer.header().origin != runtime::Origin::foreign)
      return reply.refuse({base::Code::unknown_outcome, "the link to the member has ended: it may have been written"});
    reply.forward(answer);
  });
}

}  // namespace troupe::raft
