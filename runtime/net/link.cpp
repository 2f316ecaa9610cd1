#include "runtime/net/link.hpp"

#include <caf/actor_system.hpp>
#include <caf/make_actor.hpp>
#include <caf/sec.hpp>

#include "runtime/actor/caller.hpp"
#include "runtime/actor/envelope_type.hpp"
#include "runtime/net/remote_proxy.hpp"

namespace troupe::net {
namespace {

using runtime::Envelope;
using runtime::Outbound;
using runtime::Signal;

constexpr std::size_t kProxiesMax = 1024;         // our choice: a node publishes tens of services
constexpr std::size_t kReasonBytesMax = 200;      // our choice: a line on a terminal
constexpr std::chrono::seconds kForgetAfter{30};  // after the deadline: a later response has no requester
const base::Error kGone{base::Code::unavailable, "the link to the other node has ended"};
const base::Error kQueueFull{base::Code::overloaded, "too many bytes are queued for the other node",
                             std::chrono::milliseconds(200)};
const base::Error kAsksFull{base::Code::overloaded, "too many requests wait for responses of the other node",
                            std::chrono::milliseconds(200)};
const base::Error kNobody{base::Code::unavailable, "the other node did not say which of its actors sent this"};
const base::Error kTargetEnded{base::Code::unavailable, "the requested actor has ended"};

}  // namespace

Link::Link(runtime::Node& node, std::uint64_t serial, Side side, const LinkLimits& limits,
           std::shared_ptr<ServedBytes> all_served)
    : served(std::make_shared<Served>(std::move(all_served))),
      node_(node),
      serial_(serial),
      side_(side),
      limits_(limits),
      last_correlation_(side == Side::dialler ? 1 : 2) {}

void Link::set_peer(runtime::Handle peer) { peer_ = std::move(peer); }

void Link::who_is_there(const base::NodeId& id, messages::Role role) {
  const std::lock_guard hold(lock_);
  id_ = id;
  role_ = role;
}

void Link::where_it_is(const base::Endpoint& address) {
  const std::lock_guard hold(lock_);
  proven_at_ = address;
}

std::optional<base::Endpoint> Link::proven_at() const {
  const std::lock_guard hold(lock_);
  return proven_at_;
}

runtime::Handle Link::proxy(const std::string& path) {
  const std::lock_guard hold(lock_);
  if (closed()) return {};
  if (const auto found = proxies_.find(path); found != proxies_.end()) return found->second;
  if (proxies_.size() >= kProxiesMax || !valid_path(path)) return {};
  caf::actor_config config;
  auto& system = node_.system();
  auto fresh =
      caf::make_actor<RemoteProxy, caf::actor>(system.next_actor_id(), runtime::remote_node_id(id_, role_), &system,
                                               config, shared_from_this(), &*paths_.insert(path).first);
  proxies_.emplace(path, fresh);
  return fresh;
}

caf::strong_actor_ptr Link::answers() {
  const std::lock_guard hold(lock_);
  if (closed()) return {};
  if (!answers_) {
    caf::actor_config config;
    auto& system = node_.system();
    answers_ = caf::make_actor<RemoteProxy, caf::actor>(system.next_actor_id(), runtime::remote_node_id(id_, role_),
                                                        &system, config, shared_from_this(), nullptr);
  }
  return caf::actor_cast<caf::strong_actor_ptr>(answers_);
}

void Link::set_hang_up_reason(std::string why) {
  if (why.size() > kReasonBytesMax) why.resize(kReasonBytesMax);
  const std::lock_guard hold(lock_);
  hang_up_reason_ = std::move(why);
}

std::string Link::hang_up_reason() const {
  const std::lock_guard hold(lock_);
  return hang_up_reason_;
}

std::map<std::uint64_t, std::string> Link::names() const {
  const std::lock_guard hold(lock_);
  const bool peer = role_ == messages::Role::peer;
  const bool local = !peer && id_ == base::NodeId{};  // over the control socket, where neither side has an id
  const std::string who =
      local ? "an operator at this machine" : (peer ? "" : "operator ") + id_.hex().substr(0, kIdDigits);
  std::map<std::uint64_t, std::string> out;
  for (const auto& [path, proxy] : proxies_) out.emplace(proxy.id(), who + ':' + path);
  if (answers_) out.emplace(answers_.id(), who);
  return out;
}

// -- from a proxy --

void Link::hand_over(const std::string* path, caf::mailbox_element& element, caf::execution_unit* worker) {
  const caf::message_id id = element.mid;
  Outbound out;
  out.from = element.sender ? element.sender->id() : 0;
  out.path = path;
  if (!element.content().match_elements<Envelope>()) {
    // CAF's own message about a request to an actor that has ended; CAF's other messages stay on this side.
    if (!id.is_response()) return;
    out.envelope = runtime::error_envelope(kTargetEnded);
  } else {
    out.envelope = element.content().get_as<Envelope>(0);
  }
  if (id.is_response()) {  // the response to an admitted request of the other side
    out.answers = true;
    out.path = nullptr;
    out.correlation = id.request_id().integer_value();
    const std::size_t before = queued_.fetch_add(cost(out.envelope), std::memory_order_relaxed);
    // Small requests may have large responses, and the requester may not read them: then all of them would queue here.
    if (out.envelope.header().signal == Signal::message && before + cost(out.envelope) > limits_.queue_bytes_max) {
      queued_.fetch_sub(cost(out.envelope), std::memory_order_relaxed);
      out.envelope = runtime::error_envelope(kQueueFull);
      queued_.fetch_add(cost(out.envelope), std::memory_order_relaxed);
    }
    return forward(std::move(out), id.is_urgent_message(), worker);
  }
  if (closed()) return bounce(element, kGone, worker);
  if (path == nullptr) return bounce(element, kNobody, worker);
  if (!admit(out.envelope)) return bounce(element, kQueueFull, worker);
  const std::size_t bytes = cost(out.envelope);
  if (id.is_request() && !enter(out.envelope, element, out)) {
    queued_.fetch_sub(bytes, std::memory_order_relaxed);
    return bounce(element, closed() ? kGone : kAsksFull, worker);
  }
  forward(std::move(out), id.is_urgent_message(), worker);
}

bool Link::admit(const Envelope& envelope) {
  const std::size_t bytes = cost(envelope);
  const std::size_t before = queued_.fetch_add(bytes, std::memory_order_relaxed);
  // Items are bounded by their credit, and none of a stream may be lost.
  if (before + bytes <= limits_.queue_bytes_max || !runtime::begins(envelope.header().signal)) return true;
  queued_.fetch_sub(bytes, std::memory_order_relaxed);
  return false;
}

/// Assigns a number to a request; finds the number for a stream's later messages.
bool Link::enter(const Envelope& envelope, caf::mailbox_element& element, Outbound& out) {
  const Signal signal = envelope.header().signal;
  const StreamKey key{element.sender.get(), element.mid.request_id().integer_value()};
  const std::lock_guard hold(lock_);
  if (closed()) return false;
  if (runtime::begins(signal)) {
    if (waiting_.size() >= limits_.asks_max) return false;
    out.correlation = last_correlation_ += 2;
    waiting_.emplace(
        out.correlation,
        Waiting{{element.sender, element.mid.integer_value()}, envelope.header().due, signal == Signal::open});
    if (signal == Signal::open) streams_.emplace(key, out.correlation);
    return true;
  }
  out.path = nullptr;
  const auto found = streams_.find(key);
  if (found == streams_.end()) return true;  // the stream has ended: the peer drops messages without a number
  out.correlation = found->second;
  if (signal == Signal::error || signal == Signal::cancel) {
    waiting_.erase(found->second);
    streams_.erase(found);
  }
  return true;
}

void Link::bounce(caf::mailbox_element& element, const base::Error& why, caf::execution_unit* worker) {
  if (element.mid.is_request() && element.sender) {
    element.sender->enqueue(
        caf::make_mailbox_element(nullptr, element.mid.response_id(), {}, runtime::error_envelope(why)), worker);
  } else {
    node_.count(why.code == base::Code::overloaded ? runtime::DeadLetter::full : runtime::DeadLetter::gone);
  }
}

void Link::forward(Outbound out, bool urgent, caf::execution_unit* worker) {
  if (!peer_) return;
  const auto id = caf::make_message_id(urgent ? caf::message_priority::high : caf::message_priority::normal);
  peer_->enqueue(caf::make_mailbox_element(nullptr, id, {}, std::move(out)), worker);
}

void Link::watch(const std::string* path) {
  if (closed()) return;
  Outbound out;
  out.what = Outbound::What::watch;
  out.path = path;
  forward(std::move(out), false, nullptr);
}

// -- from the peer --

Link::Asker Link::asker(std::uint64_t correlation, bool last) {
  const std::lock_guard hold(lock_);
  const auto found = waiting_.find(correlation);
  if (found == waiting_.end()) return {};
  if (!last) return found->second.asker;
  if (found->second.stream)
    streams_.erase(
        {found->second.asker.who.get(), caf::message_id{found->second.asker.message_id}.request_id().integer_value()});
  Asker out = std::move(found->second.asker);
  waiting_.erase(found);
  return out;
}

void Link::down(const std::string& path, const base::Error& why) {
  runtime::Handle ended;
  {
    const std::lock_guard hold(lock_);
    const auto found = proxies_.find(path);
    if (found == proxies_.end()) return;
    ended = std::move(found->second);
    proxies_.erase(found);
  }
  const caf::error reason = why.code == base::Code::unavailable ? caf::error{caf::exit_reason::normal}
                                                                : caf::make_error(caf::sec::runtime_error);
  static_cast<RemoteProxy*>(caf::actor_cast<caf::abstract_actor*>(ended))->kill_proxy(nullptr, reason);
}

void Link::sweep(base::Instant now) {
  const std::lock_guard hold(lock_);
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    const bool over =
        !one->second.stream && one->second.due != base::Instant::max() && one->second.due + kForgetAfter < now;
    one = over ? waiting_.erase(one) : std::next(one);
  }
}

std::size_t Link::waiting() const {
  const std::lock_guard hold(lock_);
  return waiting_.size();
}

std::uint64_t Link::questions() const {
  const std::lock_guard hold(lock_);
  return (last_correlation_ - (side_ == Side::dialler ? 1 : 2)) / 2;
}

std::optional<base::Error> Link::end() const {
  const std::lock_guard hold(lock_);
  return end_;
}

void Link::close(const base::Error& why) {
  std::unordered_map<std::uint64_t, Waiting> waiting;
  std::map<std::string, runtime::Handle, std::less<>> proxies;
  runtime::Handle answers;
  {
    const std::lock_guard hold(lock_);
    if (closed_.exchange(true, std::memory_order_acq_rel)) return;
    end_ = why;
    waiting.swap(waiting_);
    proxies.swap(proxies_);
    answers = std::move(answers_);
    streams_.clear();
  }
  const Envelope gone = runtime::error_envelope(why);
  // In the order of the requests: the result must not depend on a hash.
  std::map<std::uint64_t, Waiting> in_order(std::make_move_iterator(waiting.begin()),
                                            std::make_move_iterator(waiting.end()));
  for (auto& [correlation, one] : in_order) {
    if (!one.asker.who) continue;
    one.asker.who->enqueue(
        caf::make_mailbox_element(nullptr, caf::message_id{one.asker.message_id}.response_id(), {}, gone), nullptr);
  }
  const auto end = [](const runtime::Handle& proxy) {
    static_cast<RemoteProxy*>(caf::actor_cast<caf::abstract_actor*>(proxy))
        ->kill_proxy(nullptr, caf::make_error(caf::sec::remote_linking_failed));
  };
  for (auto& [path, proxy] : proxies) end(proxy);
  if (answers) end(answers);
}

}  // namespace troupe::net
