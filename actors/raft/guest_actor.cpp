#include "actors/raft/guest_actor.hpp"

#include <algorithm>

#include "messages/codec.hpp"

namespace troupe::raft {
namespace {

constexpr std::size_t kPrefixMax = 1'024;  // messages/raft.capnp

}  // namespace

GuestActor::GuestActor(SharedSettings settings, std::string group, const Members& members)
    : settings_(std::move(settings)), group_(std::move(group)) {
  for (const auto& [member, at] : members) lines_.emplace_back(settings_->links, member, at, path_of(group_));
}

void GuestActor::receive(runtime::Handlers& on) {
  on.other([this](const runtime::Envelope& question, runtime::AnyReply reply) { take(question, std::move(reply)); });
  on.stream<wire::WatchKeys, wire::KeyChange>([this](auto ask, auto sink) { watch_keys(ask, std::move(sink)); });
  on.timer<Look>([this] { look(); });
  on.timer<Idle>([this] {
    look_at_watches({});
    if (watches_.empty()) finish();
    else after<Idle>(kIdle);
  });
  on.describe<wire::GuestState>([this](wire::GuestState::Builder state) {
    state.setMembers(static_cast<std::uint32_t>(lines_.size()));
    state.setAsked(asked_);
  });
}

void GuestActor::start() {
  node().publish<wire::GetGroup, wire::Execute, wire::GetKey, wire::RangeKeys, wire::KeepLease, wire::WatchKeys>(
      path(), self());
  after<Idle>(kIdle);
}

void GuestActor::down(const runtime::Handle& ended, const std::optional<base::Error>&) {
  for (Line& line : lines_)
    if (line.down(ended)) return;
}

void GuestActor::take(const runtime::Envelope& question, runtime::AnyReply reply) {
  // A member would count a kind that never comes over links as this node's misbehaviour.
  if (!question.kind()->from.has(messages::Role::peer))
    return reply.refuse({base::Code::unsupported, "only a member of the group answers this: send it to a member"});
  if (!is_client(*settings_, caller())) return reply.refuse(stranger());
  ++asked_;
  after<Idle>(kIdle);
  if (const runtime::Handle to = member()) return pass(to, question, std::move(reply));
  if (waiting_.size() >= kWaitingMax)
    return reply.refuse({base::Code::overloaded, "too many requests wait for a link to a member of the group"});
  waiting_.push_back({now() + kPatience, question, std::move(reply)});
  after<Look>(kLook);
}

void GuestActor::look() {
  const runtime::Handle to = member();
  while (!waiting_.empty() && (to || waiting_.front().due <= now())) {
    Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    if (to) pass(to, std::move(first.question), std::move(first.reply));
    else first.reply.refuse({base::Code::unavailable, "this node can reach no member of the group: nothing was done"});
  }
  look_at_watches(to);
  const bool begins = std::ranges::any_of(watches_, [](const Watch& one) { return !one.begun; });
  if (!waiting_.empty() || begins) after<Look>(kLook);
}

void GuestActor::watch_keys(wire::WatchKeys::Reader ask, runtime::Sink<wire::KeyChange> sink) {
  if (!is_client(*settings_, caller())) return sink.fail(stranger());
  look_at_watches({});
  if (ask.getPrefix().size() > kPrefixMax)
    return sink.fail({base::Code::malformed, "the prefix is too long: at most 1024 bytes"});
  if (watches_.size() >= kWatchesMax) return sink.fail({base::Code::overloaded, "too many watches through this node"});
  ++asked_;
  Watch& watch = watches_.emplace_back(Watch{.due = now() + kPatience,
                                             .prefix = std::string(base::as_text(bytes_of(ask.getPrefix()))),
                                             .revision = ask.getRevision(),
                                             .for_ms = ask.getForMs(),
                                             .sink = std::move(sink)});
  watch.sink.on_ready([this, &watch] { pass(watch); });
  watch.sink.on_cancel([&watch] {
    watch.over = true;
    watch.from.cancel();
  });
  look();
}

/// Starts watches that wait for a link, and removes ended watches.
void GuestActor::look_at_watches(const runtime::Handle& to) {
  watches_.remove_if([](const Watch& one) { return one.over; });
  for (Watch& one : watches_) {
    if (one.begun || one.over) continue;
    if (to) begin(one, to);
    else if (one.due <= now()) {
      one.over = true;
      one.sink.fail({base::Code::unavailable, "this node can reach no member of the group"});
    }
  }
}

void GuestActor::begin(Watch& watch, const runtime::Handle& to) {
  watch.begun = true;
  watch.from = subscribe_raw<wire::WatchKeys>(
      to, kSilence,
      [&](wire::WatchKeys::Builder out) {
        out.setPrefix(data_of(base::as_bytes(watch.prefix)));
        out.setRevision(watch.revision);
        out.setForMs(watch.for_ms);
      },
      [this, &watch](const runtime::Envelope& item) {
        watch.held.push_back(item);
        pass(watch);
      },
      [this, &watch](const base::Outcome<void>& ended) {
        watch.ended = ended.ok();
        if (ended.ok()) return pass(watch);
        if (!std::exchange(watch.over, true)) watch.sink.fail(ended.error());
      });
}

/// Grants the member as much credit as the client gives.
void GuestActor::pass(Watch& watch) {
  while (!watch.over && !watch.held.empty() && watch.sink.ready()) {
    watch.sink.forward(watch.held.front());
    watch.held.pop_front();
  }
  if (!watch.held.empty()) return watch.from.pause();
  watch.from.resume();
  if (watch.ended && !std::exchange(watch.over, true)) watch.sink.end();
}

runtime::Handle GuestActor::member() {
  for (Line& line : lines_) {
    bool fresh = false;
    const runtime::Handle out = line.handle(now(), fresh);
    if (fresh) watch(out);
    if (out && settings_->links->linked(line.member().node)) return out;
  }
  return {};
}

void GuestActor::pass(const runtime::Handle& to, runtime::Envelope question, runtime::AnyReply reply) {
  const bool writes = question.kind() == &messages::kind_of<wire::Execute>();
  request(to, std::move(question), [writes, reply = std::move(reply)](const runtime::Envelope& answer) mutable {
    // This node's own result: the link has ended, or the time is up.
    if (writes && answer.header().signal == runtime::Signal::error &&
        answer.header().origin != runtime::Origin::foreign)
      return reply.refuse(
          {base::Code::unknown_outcome, "the link to the member has ended: the command may have been written"});
    reply.forward(answer);
  });
}

}  // namespace troupe::raft
