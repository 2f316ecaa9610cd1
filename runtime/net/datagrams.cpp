#include "runtime/net/datagrams.hpp"

#include <caf/actor_proxy.hpp>
#include <caf/actor_system.hpp>
#include <caf/make_actor.hpp>

#include "runtime/actor/caller.hpp"
#include "runtime/actor/envelope_type.hpp"
#include "runtime/net/logic/frame.hpp"

namespace troupe::net {
namespace {

using base::Code;
using base::Error;
using runtime::Envelope;
using runtime::Outbound;
using runtime::Signal;

constexpr std::chrono::seconds kForgetDatagramAfter{2};  // after the deadline: a later response has no requester
const Error kQuestionsFull{Code::overloaded, "too many requests wait for responses by datagram",
                           std::chrono::milliseconds(200)};
const Error kBanned{Code::unavailable, "this node has temporarily banned that peer"};
const Error kNoLink{Code::overloaded, "this node has reached its limit of links (net.links_max)",
                    std::chrono::milliseconds(1000)};
const Error kSilentDialled{Code::overloaded,  // which says nothing about the other node
                           "the other node answers no datagram, and too many such nodes are being dialled",
                           std::chrono::milliseconds(1000)};
const Error kLargeDialled{Code::overloaded,
                          "the response is too large for a datagram, and too many such nodes are being dialled",
                          std::chrono::milliseconds(1000)};
const Error kElsewhere{Code::unavailable,
                       "the other node answers no datagram at this address, and its link has another address"};

/// The handle of an actor that is reached by datagram.
class DatagramProxy final : public caf::actor_proxy {
 public:
  DatagramProxy(caf::actor_config& config, std::shared_ptr<Datagrams> table,
                std::shared_ptr<const Datagrams::Route> route)
      : caf::actor_proxy(config), table_(std::move(table)), route_(std::move(route)) {}

  using caf::actor_proxy::enqueue;
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* worker) override {
    table_->hand_over(route_, std::move(element), worker);
  }
  void kill_proxy(caf::execution_unit* worker, caf::error why) override { cleanup(std::move(why), worker); }

 private:
  const std::shared_ptr<Datagrams> table_;
  const std::shared_ptr<const Datagrams::Route> route_;
};

void answer(const caf::strong_actor_ptr& who, std::uint64_t message_id, const Error& why, caf::execution_unit* worker) {
  if (!who) return;
  who->enqueue(
      caf::make_mailbox_element(nullptr, caf::message_id{message_id}.response_id(), {}, runtime::error_envelope(why)),
      worker);
}

/// Returns whether the link is known to lead to another address, or was dialled to one. For a link dialled at the
/// address from `/peers` this is not known yet.
bool leads_elsewhere(const runtime::Handle& proxy, const base::Endpoint& where) {
  const auto* const remote = dynamic_cast<const runtime::Proxy*>(caf::actor_cast<caf::abstract_actor*>(proxy));
  const auto there = remote == nullptr ? std::nullopt : remote->proven_at();
  return there && there->address != where.address;  // a node that dialled this node used another port
}

}  // namespace

// -- proxies --

runtime::Handle Datagrams::proxy(const base::Contact& contact, const std::string& path) {
  runtime::Handle dropped;  // released after the lock: a proxy may hold the last reference to other objects
  const std::lock_guard hold(lock_);
  const auto known = proxies_.find(Where{contact, path});
  if (known != proxies_.end()) {
    oldest_first_.splice(oldest_first_.end(), oldest_first_, known->second.used);
    return known->second.proxy;
  }
  if (!valid_path(path)) return {};
  if (contact.key == pool_->setup().identity->public_key()) return {};  // this node's key, with any id
  auto route = std::make_shared<const Route>(Route{contact, crypto::node_id(contact.key, contact.nonce), path});
  const runtime::Handle out = make_proxy(route);
  if (!actor_) return out;
  const auto used = oldest_first_.insert(oldest_first_.end(), route.get());
  proxies_.emplace(std::move(route), ProxyEntry{out, used});
  if (proxies_.size() > kRoutesMax) {
    const Route& last = *oldest_first_.front();
    const auto oldest = proxies_.find(Where{last.contact, last.path});
    dropped = std::move(oldest->second.proxy);
    oldest_first_.pop_front();
    proxies_.erase(oldest);
  }
  return out;
}

runtime::Handle Datagrams::make_proxy(std::shared_ptr<const Route> route) {
  caf::actor_config config;
  auto& system = pool_->node().system();
  const caf::node_id there = runtime::remote_node_id(route->id, messages::Role::peer);
  return caf::make_actor<DatagramProxy, caf::actor>(system.next_actor_id(), there, &system, config, shared_from_this(),
                                                    std::move(route));
}

/// Without a deadline, a request whose datagram is lost would wait forever; over a link, the end of the link answers
/// it. A request with a deadline beyond kServedFor would wait for a response that can no longer come.
bool Datagrams::fits(const Route& route, const Envelope& envelope, base::Instant now) {
  return route.contact.endpoint.dialable() && envelope.header().signal == Signal::message &&
         envelope.kind() != nullptr && envelope.kind()->datagram && envelope.header().due <= now + kServedFor &&
         envelope.bytes().size() <= question_words_bytes_max(route.path.size());
}

void Datagrams::hand_over(const std::shared_ptr<const Route>& route, caf::mailbox_element_ptr element,
                          caf::execution_unit* worker) {
  if (!element->content().match_elements<Envelope>()) return;  // CAF's own messages stay on this side
  const Envelope& envelope = element->content().get_as<Envelope>(0);
  if (element->mid.is_request() && pool_->is_banned(route->id))
    return answer(element->sender, element->mid.integer_value(), kBanned, worker);
  if (!element->mid.is_request() || !fits(*route, envelope, pool_->node().world().clock.coarse()))
    return give_to_link(*route, std::move(element), worker);
  Outbound out;
  runtime::Handle actor;
  bool silent = false;
  {
    const std::lock_guard hold(lock_);
    silent = actor_ && is_silent(*route);
    if (!silent) actor = actor_;
    if (actor && waiting_.size() < kAsksMax) {
      out.correlation = ++last_;
      waiting_.emplace(out.correlation, Asked{element->sender, element->mid.integer_value(), envelope, route, 0});
    }
  }
  if (silent && !may_dial_silent(*route))
    return answer(element->sender, element->mid.integer_value(), kSilentDialled, worker);
  if (!actor)
    return give_to_link(*route, std::move(element), worker, silent ? Pool::DialKind::silent : Pool::DialKind::own,
                        true);
  if (out.correlation == 0) return answer(element->sender, element->mid.integer_value(), kQuestionsFull, worker);
  out.from = element->sender ? element->sender->id() : 0;
  out.envelope = envelope;
  actor->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, std::move(out)), worker);
}

/// Reads the clock, because sweep() does not run while no datagram is in flight.
bool Datagrams::is_silent(const Route& route) {
  const Silence* const known = silent_.find(silent(route));
  if (known == nullptr || known->questions < kSilentMax) return false;
  if (pool_->node().world().clock.coarse() < known->until) return true;
  silent_.take(silent(route));
  return false;
}

/// Returns whether a link to it exists, is being dialled, or may be dialled now.
bool Datagrams::may_dial_silent(const Route& route) {
  if (pool_->in_service(route.id) || pool_->is_dialling(route.contact)) return true;
  if (!pool_->may_dial_named(route.contact.endpoint, Pool::DialKind::silent)) return false;
  const base::Instant now = pool_->node().world().clock.coarse();
  const std::lock_guard hold(lock_);
  return silent_dials_.take(now);
}

/// Each call may lead to a dial, even to the same node: its dials may fail at once.
bool Datagrams::may_dial_for_large(const Route& route) {
  if (pool_->in_service(route.id) || pool_->is_dialling(route.contact)) return true;
  if (!pool_->may_dial_named(route.contact.endpoint, Pool::DialKind::large)) return false;
  const base::Instant now = pool_->node().world().clock.coarse();
  const std::lock_guard hold(lock_);
  return !large_dials_.take({.id = route.id, .group = base::group_of(route.contact.endpoint)}, now);
}

void Datagrams::give_to_link(const Route& route, caf::mailbox_element_ptr element, caf::execution_unit* worker,
                             Pool::DialKind kind, bool to_its_address) {
  const runtime::Handle proxy = pool_->remote(route.contact, route.path, kind);
  const bool elsewhere = proxy && to_its_address && leads_elsewhere(proxy, route.contact.endpoint);
  if (proxy && !elsewhere) {
    over_links_.fetch_add(1, std::memory_order_relaxed);
    return proxy->enqueue(std::move(element), worker);
  }
  if (element->mid.is_request())
    answer(element->sender, element->mid.integer_value(), elsewhere ? kElsewhere : kNoLink, worker);
  else pool_->node().count(runtime::DeadLetter::gone);
}

void Datagrams::over_link(const Asked& asked) {
  if (!may_dial_for_large(*asked.route)) return answer(asked.who, asked.message_id, kLargeDialled, nullptr);
  give_to_link(*asked.route,
               caf::make_mailbox_element(asked.who, caf::message_id{asked.message_id}, {}, asked.question), nullptr,
               Pool::DialKind::large);
}

// -- from the actor --

void Datagrams::open(runtime::Handle actor) {
  const std::lock_guard hold(lock_);
  actor_ = std::move(actor);
}

void Datagrams::close(const Error& why) {
  std::map<std::uint64_t, Asked> waiting;
  Proxies places;  // each proxy holds this table, which could not end otherwise
  {
    const std::lock_guard hold(lock_);
    actor_ = {};
    waiting.swap(waiting_);
    silent_.clear();
    places.swap(proxies_);
    oldest_first_.clear();
  }
  for (const auto& [number, one] : waiting) answer(one.who, one.message_id, why, nullptr);
}

std::optional<Datagrams::Asked> Datagrams::asked(std::uint64_t number) const {
  const std::lock_guard hold(lock_);
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return std::nullopt;
  return found->second;
}

std::optional<Datagrams::Asked> Datagrams::take(std::uint64_t number) {
  const std::lock_guard hold(lock_);
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return std::nullopt;
  Asked out = std::move(found->second);
  waiting_.erase(found);
  return out;
}

bool Datagrams::send_again(std::uint64_t number) {
  const std::lock_guard hold(lock_);
  const auto found = waiting_.find(number);
  if (found == waiting_.end() || found->second.cookies == kCookiesMax) return false;
  ++found->second.cookies;
  return true;
}

void Datagrams::heard(const Route& route) {
  const std::lock_guard hold(lock_);
  silent_.take(silent(route));
}

void Datagrams::sweep(base::Instant now) {
  std::vector<Asked> forgotten;  // released after the lock: they may hold last references
  const std::lock_guard hold(lock_);
  silent_.forget_if([&](const Silence& one) { return one.until <= now; });
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    const base::Instant due = one->second.question.header().due;
    if (due == base::Instant::max() || due + kForgetDatagramAfter > now) {
      ++one;
      continue;
    }
    const Silent where = silent(*one->second.route);
    Silence* const known = silent_.use(where);
    Silence& silence = known != nullptr ? *known : silent_.put(where, {});
    ++silence.questions;
    silence.until = now + kSilenceKept;
    forgotten.push_back(std::move(one->second));
    one = waiting_.erase(one);
  }
}

std::size_t Datagrams::waiting() const {
  const std::lock_guard hold(lock_);
  return waiting_.size();
}

}  // namespace troupe::net
