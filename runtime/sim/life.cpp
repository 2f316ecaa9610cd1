#include "runtime/sim/life.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <stdexcept>

#include "runtime/base/ensure.hpp"

namespace troupe::sim {

Life::Life(Stage& stage, Disk& disk, NodePorts& its_ports, const runtime::NodeLimits& limits,
           std::function<void()> halted)
    : ports(its_ports),
      node(stage.system(), its_ports.world(), limits),
      stage_(stage),
      disk_(disk),
      halted_(std::move(halted)) {
  node.host = this;
  ports.clock().spent([this] { return running_ != 0 ? disk_.owed() : base::Duration::zero(); });
}

Life::~Life() {
  end();
  ports.clock().spent({});
}

/// The order to end has priority over messages that wait.
void Life::end() {
  if (ended_) return;
  ended_ = true;
  rest_ = base::Duration::zero();
  pauses_ = 0;
  resting_ = false;
  if (turn_) stage_.cancel(*std::exchange(turn_, std::nullopt));
  const auto busy = std::exchange(busy_, {});
  for (const auto& [actor, one] : busy) {
    stage_.cancel(one.until);
    stage_.unpark(actor);
  }
  at_hand_.clear();
  ports.processes().crash();
  stop_or_go();
  order_end();
}

/// Sends the order to every actor that has not got it yet, in the order of the registry.
void Life::order_end() {
  std::vector<runtime::Handle> all;
  node.registry().walk([&](const runtime::Listing& one) { return all.push_back(one.handle), true; });
  for (const auto& one : all)
    if (ordered_.insert(one.id()).second) caf::anon_send_exit(one, caf::exit_reason::kill);
}

// -- sent messages, and when they are sent --

void Life::runs(std::uint64_t actor) {
  // An actor that starts only now, or by another actor's last handler: its parent's messages do not reach it.
  if (ended_ && !ordered_.contains(actor)) order_end();
  running_ = actor;
  disk_.take_owed();  // owed by no actor: the start of a node reads its disk, too
}

void Life::ran(std::uint64_t actor) {
  running_ = 0;
  auto sent = std::exchange(at_hand_, {});
  if (ended_) return;
  if (disk_.halted()) return halted_();
  const base::Duration owed = disk_.take_owed();
  if (owed > base::Duration::zero()) {
    stage_.park(actor);
    busy_[actor] = {std::move(sent), stage_.after(owed, [this, actor] { release(actor); })};
  } else {
    deliver(std::move(sent));
  }
  work();
}

bool Life::takes(std::uint64_t actor, caf::actor_control_block& to, caf::mailbox_element_ptr& element) {
  const auto keep = [&](std::vector<Sent>& kept) {
    kept.push_back({caf::strong_actor_ptr{&to}, std::move(element)});
    return true;
  };
  if (ended_) {
    element.reset();
    return true;
  }
  if (const auto busy = busy_.find(actor); busy != busy_.end()) return keep(busy->second.sent);
  if (actor != running_) return false;
  const bool holds = !at_hand_.empty() || disk_.halting() || disk_.owed() > base::Duration::zero();
  return holds && keep(at_hand_);
}

void Life::deliver(std::vector<Sent> sent) {
  for (Sent& one : sent) one.to->enqueue(std::move(one.element), nullptr);
}

void Life::release(std::uint64_t actor) {
  const auto busy = busy_.find(actor);
  if (stopped_) {  // a stopped process learns later that its device is done
    busy->second.due = true;
    return;
  }
  auto sent = std::move(busy->second.sent);
  busy_.erase(busy);
  stage_.unpark(actor);
  deliver(std::move(sent));
}

// -- which actors run --

void Life::pause() {
  ++pauses_;
  stop_or_go();
}

void Life::resume() {
  if (pauses_ > 0) --pauses_;
  stop_or_go();
}

void Life::slow(base::Duration rest) {
  rest_ = rest;
  if (rest > base::Duration::zero()) return;
  if (turn_) stage_.cancel(*std::exchange(turn_, std::nullopt));
  worked_ = 0;
  resting_ = false;
  stop_or_go();
}

void Life::work() {
  if (rest_ == base::Duration::zero() || resting_) return;
  if (worked_++ == 0) turn_ = stage_.after(kWorkSpan, [this] { rest(); });
  if (worked_ == kWorkMessages) rest();
}

void Life::rest() {
  stage_.cancel(*turn_);
  worked_ = 0;
  resting_ = true;
  stop_or_go();
  turn_ = stage_.after(rest_, [this] {
    turn_.reset();
    resting_ = false;
    stop_or_go();
  });
}

void Life::stop_or_go() {
  const bool stops = pauses_ > 0 || resting_;
  if (std::exchange(stopped_, stops) == stops) return;
  if (stopped_) {
    node.registry().walk([&](const runtime::Listing& one) { return parked_.push_back(one.handle.id()), true; });
    for (const ActorNumber actor : parked_) stage_.park(actor);
    return;
  }
  for (const ActorNumber actor : std::exchange(parked_, {}))
    if (!busy_.contains(actor)) stage_.unpark(actor);
  std::vector<ActorNumber> due;
  for (const auto& [actor, one] : busy_)
    if (one.due) due.push_back(actor);
  for (const ActorNumber actor : due) release(actor);
}

// -- breaking actors --

void Life::break_next(std::uint64_t nth, MayBreak may, std::function<void()> hit) {
  base::ensure(nth >= 1, "the next message is the first");
  break_ = Break{nth, std::move(may), std::move(hit)};
}

void Life::handles(std::string_view path) {
  if (!break_ || (break_->may && !break_->may(path)) || --break_->nth > 0) return;
  const auto hit = std::move(break_->hit);
  break_.reset();
  if (hit) hit();
  throw std::runtime_error(kBrokenByFault);
}

}  // namespace troupe::sim
