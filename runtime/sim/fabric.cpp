#include "runtime/sim/fabric.hpp"

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <utility>

#include "runtime/base/ensure.hpp"
#include "runtime/ports/events.hpp"
#include "runtime/sim/connection.hpp"
#include "runtime/sim/datagrams.hpp"

namespace troupe::sim {
namespace {

constexpr std::uint64_t kNanosASecond = 1'000'000'000;

/// Adds to a list of weak references, and removes expired entries before the list would grow.
template <class T>
void add(std::vector<std::weak_ptr<T>>& list, const std::shared_ptr<T>& one) {
  if (list.size() == list.capacity()) {
    std::erase_if(list, [](const auto& weak) { return weak.expired(); });
    list.reserve(2 * list.size() + 16);
  }
  list.push_back(one);
}

}  // namespace

Address address_of(std::uint16_t number) {
  return {0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0,
          0xff,
          0xff,
          10,
          0,
          static_cast<std::uint8_t>(number >> 8U),
          static_cast<std::uint8_t>(number)};
}

Fabric::Fabric(Stage& stage, Latency latency)
    : stage_(stage), latency_(latency), datagram_ways_(std::make_unique<DatagramWays>(*this)) {}
Fabric::~Fabric() = default;

std::shared_ptr<Fabric> Fabric::make(Stage& stage, Latency latency) {
  return std::shared_ptr<Fabric>(new Fabric(stage, latency));
}

base::Duration Fabric::latency(const Address& from, const Address& to) const {
  if (from == to) return kLoopbackTime;
  base::Random random = stage_.once("latency." + base::hex(from) + "." + base::hex(to));
  const auto spread = static_cast<std::uint64_t>((latency_.max - latency_.min).count());
  return latency_.min + base::Duration(random.below(spread + 1));
}

void Fabric::heal(const Address& from, const Address& to) {
  const auto known = cuts_.find({from, to});
  if (known == cuts_.end() || --known->second > 0) return;
  cuts_.erase(known);
  for_each_between(from, to, [](Connection& connection) { connection.thaw(); });
}

void Fabric::heal_all() {
  const auto cuts = std::exchange(cuts_, {});
  for (const auto& [way, times] : cuts)
    for_each_between(way.first, way.second, [](Connection& connection) { connection.thaw(); });
}

void Fabric::narrow(const Address& from, const Address& to, std::uint64_t bytes_per_second) {
  base::ensure(bytes_per_second >= 1, "a narrow link lets something through");
  narrow_[{from, to}].bytes_per_second.insert(bytes_per_second);
}

void Fabric::widen(const Address& from, const Address& to, std::uint64_t bytes_per_second) {
  const auto known = narrow_.find({from, to});
  if (known == narrow_.end()) return;
  auto& all = known->second.bytes_per_second;
  if (const auto one = all.find(bytes_per_second); one != all.end()) all.erase(one);
  if (all.empty()) narrow_.erase(known);
}

void Fabric::datagrams(const DatagramFaults& faults) { datagram_ways_->set(faults); }

base::Duration Fabric::backlog(const Address& from, const Address& to) const {
  const auto known = narrow_.find({from, to});
  return known == narrow_.end() ? base::Duration::zero() : known->second.free_at - stage_.now();
}

base::Instant Fabric::depart(const Address& from, const Address& to, base::Duration latency, base::Bytes& piece) {
  const AddressPair way{from, to};
  base::Instant leaves = stage_.now();
  if (const auto known = narrow_.find(way); known != narrow_.end()) {
    Narrow& link = known->second;
    leaves = std::max(leaves, link.free_at);
    leaves = leaves + base::Duration(piece.size() * kNanosASecond / *link.bytes_per_second.begin());
    link.free_at = leaves;
  }
  if (const auto known = corrupt_.find(way); known != corrupt_.end() && !piece.empty()) {
    base::Random& random = stage_.stream("corrupt." + base::hex(from) + "." + base::hex(to));
    const std::uint64_t bit = random.below(piece.size() * 8);
    piece[bit / 8] = static_cast<std::uint8_t>(piece[bit / 8] ^ 1U << bit % 8);
    const auto hit = std::move(known->second);
    corrupt_.erase(known);
    if (hit) hit();
  }
  const auto clog = clogs_.find(way);
  return leaves + latency + (clog == clogs_.end() ? base::Duration::zero() : clog->second);
}

void Fabric::vanish(const Address& node) {
  gone_.insert(node);
  std::erase_if(listeners_, [&](const auto& one) { return one.first.address == node; });
  std::erase_if(local_listeners_, [&](const auto& one) { return one.first.first == node; });
  datagram_ways_->vanish(node);
  for_each_at(node, [&](Connection& connection) { connection.vanish(node); });
  for (const auto& weak : dials_) {
    const auto dial = weak.lock();
    if (!dial || dial->from != node) continue;
    finish(*dial);
    dial->accepted = nullptr;
  }
}

void Fabric::appear(const Address& node) {
  if (gone_.erase(node) == 0) return;
  for_each_at(node, [](Connection& connection) { connection.reset_if_believed(); });
}

std::size_t Fabric::reset(const Address& one, const Address& other) {
  std::size_t ended = 0;
  for_each_between(one, other, [&](Connection& connection) {
    ended += connection.ended() ? 0 : 1;
    connection.reset("connection reset");
  });
  return ended;
}

std::size_t Fabric::half_open(const Address& node, const Address& other) {
  std::size_t ended = 0;
  for_each_between(node, other, [&](Connection& connection) { ended += connection.half_open(node) ? 1 : 0; });
  return ended;
}

std::size_t Fabric::streams() const {
  std::size_t open = 0;
  for (const auto& weak : connections_) {
    const auto connection = weak.lock();
    if (connection && !connection->ended()) ++open;
  }
  return open;
}

void Fabric::for_each(const std::function<bool(const Connection&)>& which,
                      const std::function<void(Connection&)>& action) {
  std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    const auto connection = connections_[i].lock();
    if (connection && which(*connection)) action(*connection);
  }
}

void Fabric::for_each_between(const Address& one, const Address& other,
                              const std::function<void(Connection&)>& action) {
  for_each([&](const Connection& connection) { return connection.between(one, other); }, action);
}

void Fabric::for_each_at(const Address& node, const std::function<void(Connection&)>& action) {
  for_each([&](const Connection& connection) { return connection.touches(node); }, action);
}

std::optional<Address> Fabric::resolve(const std::string& host, const Address& from) const {
  if (host == "localhost") return from;
  const auto numeric = base::Endpoint::parse(base::HostPort{host, 1}.text());
  if (numeric) return numeric->is_loopback() ? from : numeric->address;
  const auto known = names_.find(host);
  if (known == names_.end()) return std::nullopt;
  return known->second;
}

std::optional<base::Endpoint> Fabric::bind(base::Endpoint at, const runtime::Handle& owner) {
  const bool any_port = at.port == 0;
  if (any_port) at.port = free_port();
  while (listeners_.contains(at)) {
    if (!any_port) return std::nullopt;
    at.port = free_port();
  }
  listeners_[at] = caf::actor_cast<caf::weak_actor_ptr>(owner);
  return at;
}

std::uint16_t Fabric::free_port() {
  const std::uint16_t port = port_next_;
  port_next_ = port == 0xffff ? kFirstFreePort : static_cast<std::uint16_t>(port + 1);
  return port;
}

bool Fabric::bind(const Address& node, const std::string& path, const runtime::Handle& owner) {
  return local_listeners_.emplace(std::pair{node, path}, caf::actor_cast<caf::weak_actor_ptr>(owner)).second;
}

void Fabric::unbind(const base::Endpoint& at, const caf::actor_addr& owner) {
  const auto known = listeners_.find(at);
  if (known != listeners_.end() && caf::actor_cast<caf::actor_addr>(known->second) == owner) listeners_.erase(known);
}

void Fabric::unbind(const Address& node, const std::string& path, const caf::actor_addr& owner) {
  const auto known = local_listeners_.find({node, path});
  if (known != local_listeners_.end() && caf::actor_cast<caf::actor_addr>(known->second) == owner)
    local_listeners_.erase(known);
}

const caf::weak_actor_ptr* Fabric::listener(const Dial& dial) const {
  if (!dial.path.empty()) {
    const auto found = local_listeners_.find({dial.from, dial.path});
    return found == local_listeners_.end() ? nullptr : &found->second;
  }
  const auto found = listeners_.find(dial.to);
  return found == listeners_.end() ? nullptr : &found->second;
}

void Fabric::dial(const std::shared_ptr<Dial>& dial, base::Duration patience) {
  add(dials_, dial);
  dial->patience =
      stage_.after(patience, [self = shared_from_this(), dial] { self->fail(dial, "no response in time"); });
  knock(dial);
}

void Fabric::finish(Dial& dial) {
  dial.done = true;
  stage_.cancel(dial.patience);
}

void Fabric::fail(const std::shared_ptr<Dial>& dial, std::string why) {
  if (dial->done) return;
  finish(*dial);
  if (dial->accepted) dial->accepted->drop(Side::dialler);
  dial->accepted = nullptr;
  ports::deliver(caf::actor_cast<runtime::Handle>(dial->owner), ports::DialFailed{dial->ticket, std::move(why)});
}

/// Returns when a first packet that leaves now arrives: it has no bytes, and queues behind earlier packets with bytes.
base::Instant Fabric::depart(const Address& from, const Address& to) {
  base::Bytes none;
  return depart(from, to, latency(from, to), none);
}

/// Sends the first packet, and again later while a cut drops it.
void Fabric::knock(const std::shared_ptr<Dial>& dial) {
  if (dial->done) return;
  if (is_cut(dial->from, dial->to.address) || is_gone(dial->to.address)) {
    stage_.after(kDialAgain, [self = shared_from_this(), dial] { self->knock(dial); });
    return;
  }
  stage_.at(depart(dial->from, dial->to.address), [self = shared_from_this(), dial] {
    if (dial->done) return;
    if (self->is_gone(dial->to.address) || self->is_cut(dial->from, dial->to.address)) return self->knock(dial);
    if (const auto* owner = self->listener(*dial)) {
      dial->accepted = std::make_shared<Connection>(self, dial->from, dial->to.address);
      add(self->connections_, dial->accepted);
      ports::RemoteAddress from;
      if (dial->path.empty()) {
        from.endpoint = {dial->from, self->free_port()};
      } else {
        from.user_id = kUserId;
      }
      ports::deliver(caf::actor_cast<runtime::Handle>(*owner),
                     ports::Accepted{make_stream(dial->accepted, Side::acceptor), from});
    }
    self->answer(dial);
  });
}

/// The other side's first packet travels back: connected or refused.
void Fabric::answer(const std::shared_ptr<Dial>& dial) {
  if (dial->done || is_gone(dial->to.address)) return;  // no machine is there to send it again
  if (is_cut(dial->to.address, dial->from)) {
    stage_.after(kDialAgain, [self = shared_from_this(), dial] { self->answer(dial); });
    return;
  }
  stage_.at(depart(dial->to.address, dial->from), [self = shared_from_this(), dial] {
    if (dial->done) return;
    if (self->is_cut(dial->to.address, dial->from)) return self->answer(dial);
    if (!dial->accepted) return self->fail(dial, dial->path.empty() ? "connection refused" : "no process listens");
    self->finish(*dial);
    ports::deliver(caf::actor_cast<runtime::Handle>(dial->owner),
                   ports::Dialled{dial->ticket, make_stream(std::move(dial->accepted), Side::dialler), dial->to});
  });
}

}  // namespace troupe::sim
