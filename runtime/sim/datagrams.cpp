#include "runtime/sim/datagrams.hpp"

#include <caf/actor_cast.hpp>
#include <cstring>
#include <utility>

#include "runtime/ports/events.hpp"

namespace troupe::sim {
namespace {

bool befalls(const std::unique_ptr<base::Random>& chance, std::uint32_t share) {
  return share > 0 && chance->chance(share, kFaultsWhole);
}

}  // namespace

/// The socket as its owner has it.
class DatagramWays::End final : public ports::Datagrams {
 public:
  End(std::shared_ptr<Fabric> fabric, std::shared_ptr<Bound> bound, const base::Endpoint& at)
      : fabric_(std::move(fabric)), bound_(std::move(bound)), at_(at) {}
  ~End() override { fabric_->datagram_ways().give_up(*bound_); }
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  base::Endpoint local() const override { return at_; }
  ports::DatagramCounts counts() const override { return bound_->counts; }

  void send(std::vector<ports::Datagram> batch) override {
    DatagramWays& ways = fabric_->datagram_ways();
    if (batch.size() == 1) return ways.send(*bound_, std::move(batch));
    for (ports::Datagram& one : batch) {
      Alone alone;
      alone.push_back(std::move(one));
      ways.send(*bound_, std::move(alone));
    }
  }

 private:
  std::shared_ptr<Fabric> fabric_;
  std::shared_ptr<Bound> bound_;
  base::Endpoint at_;
};

/// Held by one datagram that waits for its owner, and may outlive the socket.
class DatagramWays::Credit {
 public:
  explicit Credit(std::shared_ptr<Bound> bound) : bound_(std::move(bound)) { ++bound_->waiting; }
  ~Credit() { --bound_->waiting; }
  Credit(const Credit&) = delete;
  Credit& operator=(const Credit&) = delete;

 private:
  std::shared_ptr<Bound> bound_;
};

/// Nodes of a stage differ only in the last bytes of their addresses.
std::size_t DatagramWays::Hash::operator()(const base::Endpoint& endpoint) const {
  std::uint64_t last = 0;
  std::memcpy(&last, endpoint.address.data() + endpoint.address.size() - sizeof last, sizeof last);
  const std::uint64_t mixed = (last ^ endpoint.port) * 0x9e3779b97f4a7c15;  // Knuth's multiplicative hashing
  return mixed ^ mixed >> 32U;
}

std::unique_ptr<ports::Datagrams> DatagramWays::open(base::Endpoint at, const runtime::Handle& owner) {
  const bool any_port = at.port == 0;
  if (any_port) at.port = fabric_.free_port();
  while (present(at) != nullptr) {
    if (!any_port) return nullptr;
    at.port = fabric_.free_port();
  }
  const std::size_t number = places_.size();
  const auto [known, is_new] = places_.try_emplace(at);
  Binding& place = known->second;
  if (is_new) {
    place.at = at;
    place.number = number;
  }
  place.bound = std::make_shared<Bound>();
  place.bound->place = &place;
  place.bound->owner = caf::actor_cast<caf::weak_actor_ptr>(owner);
  return std::make_unique<End>(fabric_.shared_from_this(), place.bound, at);
}

void DatagramWays::vanish(const Address& node) {
  for (auto& [at, place] : places_)
    if (at.address == node && place.bound) give_up(*place.bound);
}

void DatagramWays::give_up(Bound& bound) {
  bound.owner = nullptr;
  if (Binding* const place = std::exchange(bound.place, nullptr))
    place->bound.reset();  // last: it may be the only owner
}

/// Returns null if no node is there. (A node that appears there while a datagram would be in flight misses it.)
DatagramWays::Binding* DatagramWays::present(const base::Endpoint& at) {
  const auto known = places_.find(at);
  return known != places_.end() && known->second.bound ? &known->second : nullptr;
}

/// The reference is valid until the next call.
DatagramWays::Route& DatagramWays::way(Binding& from, const Binding& to) {
  if (from.ways.size() <= to.number) from.ways.resize(places_.size());
  Route& way = from.ways[to.number];
  if (way.latency < base::Duration::zero()) way.latency = fabric_.latency(from.at.address, to.at.address);
  const bool draws = faults_.loss > 0 || faults_.twice > 0 || faults_.late > 0;
  if (draws && !way.chance) {
    const std::string name = "datagrams." + from.at.text() + "." + to.at.text();
    way.chance = std::make_unique<base::Random>(fabric_.stage().once(name));
  }
  return way;
}

void DatagramWays::send(Bound& bound, Alone alone) {
  if (bound.place == nullptr) return;
  ports::Datagram& datagram = alone.front();
  const std::size_t size = datagram.bytes.size();
  if (size == 0 || size > ports::kDatagramBytesMax) return void(++bound.counts.oversize);
  if (!datagram.with.dialable()) return void(++bound.counts.unsent);
  ++bound.counts.sent;
  Binding& from = *bound.place;
  Binding* const to = present(datagram.with);
  if (to == nullptr || fabric_.is_cut(from.at.address, to->at.address)) return;
  if (fabric_.backlog(from.at.address, to->at.address) > kNarrowWaitMax) return;
  const Route& way = this->way(from, *to);
  if (befalls(way.chance, faults_.loss)) return;
  const bool twice = befalls(way.chance, faults_.twice);
  const base::Instant arrives = fabric_.depart(from.at.address, to->at.address, way.latency, datagram.bytes);
  datagram.with = from.at;
  datagram.here = {};  // a socket has one address
  if (twice) travel(way, *to, arrives, alone);
  travel(way, *to, arrives, std::move(alone));
}

void DatagramWays::travel(const Route& way, Binding& to, base::Instant arrives, Alone alone) {
  if (befalls(way.chance, faults_.late))
    arrives = arrives + base::Duration(1 + way.chance->below(base::Duration(kLateMax).count()));
  // Three members of 48 bytes in all: a larger event would need an allocation.
  fabric_.stage().at(arrives, [fabric = fabric_.shared_from_this(), &to, alone = std::move(alone)]() mutable {
    fabric->datagram_ways().arrive(to, std::move(alone));
  });
}

void DatagramWays::arrive(const Binding& to, Alone alone) {
  const std::shared_ptr<Bound>& bound = to.bound;
  if (!bound || fabric_.is_cut(alone.front().with.address, to.at.address)) return;
  if (bound->waiting >= ports::kDatagramsWaitingMax) return void(++bound->counts.dropped);
  ++bound->counts.received;
  const auto owner = caf::actor_cast<runtime::Handle>(bound->owner);
  ports::deliver(owner, ports::Arrived{std::move(alone), std::make_shared<const Credit>(bound)});
}

}  // namespace troupe::sim
