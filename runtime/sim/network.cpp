#include "runtime/sim/network.hpp"

#include <caf/actor_cast.hpp>

#include "runtime/sim/datagrams.hpp"

namespace troupe::sim {

namespace {

class TcpListener final : public ports::Listener {
 public:
  TcpListener(std::shared_ptr<Fabric> fabric, const base::Endpoint& at, const runtime::Handle& owner)
      : fabric_(std::move(fabric)), at_(at), owner_(owner.address()) {}
  ~TcpListener() override { fabric_->unbind(at_, owner_); }
  TcpListener(const TcpListener&) = delete;
  TcpListener& operator=(const TcpListener&) = delete;
  base::Endpoint local() const override { return at_; }

 private:
  std::shared_ptr<Fabric> fabric_;
  base::Endpoint at_;
  caf::actor_addr owner_;
};

class LocalListener final : public ports::Listener {
 public:
  LocalListener(std::shared_ptr<Fabric> fabric, const Address& node, std::string path, const runtime::Handle& owner)
      : fabric_(std::move(fabric)), node_(node), path_(std::move(path)), owner_(owner.address()) {}
  ~LocalListener() override { fabric_->unbind(node_, path_, owner_); }
  LocalListener(const LocalListener&) = delete;
  LocalListener& operator=(const LocalListener&) = delete;
  base::Endpoint local() const override { return {}; }

 private:
  std::shared_ptr<Fabric> fabric_;
  Address node_;
  std::string path_;
  caf::actor_addr owner_;
};

base::Error listen_error(base::Code code, const std::string& at, const char* why) {
  return {code, "cannot listen at " + at + ": " + why, {}};
}

}  // namespace

base::Outcome<base::Endpoint> Network::here(const base::HostPort& at) const {
  const bool any = at.host == "0.0.0.0" || at.host == "::";
  const auto address = any ? address_ : fabric_->resolve(at.host, address_);
  if (!address) return listen_error(base::Code::not_found, at.text(), "the host is unknown");
  if (*address != address_) return listen_error(base::Code::refused, at.text(), "not an address of this node");
  return base::Endpoint{address_, at.port};
}

base::Outcome<std::unique_ptr<ports::Listener>> Network::listen(const base::HostPort& at,
                                                                const runtime::Handle& owner) {
  const auto place = here(at);
  if (!place.ok()) return place.error();
  const auto bound = fabric_->bind(place.value(), owner);
  if (!bound) return listen_error(base::Code::conflict, at.text(), "the address is in use");
  return std::unique_ptr<ports::Listener>(std::make_unique<TcpListener>(fabric_, *bound, owner));
}

base::Outcome<std::unique_ptr<ports::Listener>> Network::listen_local(const std::string& path,
                                                                      const runtime::Handle& owner) {
  if (!fabric_->bind(address_, path, owner)) return listen_error(base::Code::conflict, path, "the socket is in use");
  return std::unique_ptr<ports::Listener>(std::make_unique<LocalListener>(fabric_, address_, path, owner));
}

base::Outcome<std::unique_ptr<ports::Datagrams>> Network::open_datagrams(const base::HostPort& at,
                                                                         const runtime::Handle& owner) {
  const auto place = here(at);
  if (!place.ok()) return place.error();
  auto bound = fabric_->datagram_ways().open(place.value(), owner);
  if (!bound) return listen_error(base::Code::conflict, at.text(), "the address is in use");
  return bound;
}

void Network::dial(const base::HostPort& to, base::Instant due, std::uint64_t ticket, const runtime::Handle& owner) {
  const auto dial = std::make_shared<Fabric::Dial>();
  dial->from = address_;
  dial->ticket = ticket;
  dial->owner = caf::actor_cast<caf::weak_actor_ptr>(owner);
  const auto address = fabric_->resolve(to.host, address_);
  if (!address) return fabric_->fail(dial, "the host is unknown");
  dial->to = {*address, to.port};
  fabric_->dial(dial, clock_.until(due));
}

void Network::dial_local(const std::string& path, base::Instant due, std::uint64_t ticket,
                         const runtime::Handle& owner) {
  const auto dial = std::make_shared<Fabric::Dial>();
  dial->from = address_;
  dial->to.address = address_;
  dial->path = path;
  dial->ticket = ticket;
  dial->owner = caf::actor_cast<caf::weak_actor_ptr>(owner);
  fabric_->dial(dial, clock_.until(due));
}

}  // namespace troupe::sim
