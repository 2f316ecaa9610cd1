#pragma once
// The Network port of one simulated node: its address on the fabric.
#include "runtime/ports/network.hpp"
#include "runtime/sim/clock.hpp"
#include "runtime/sim/fabric.hpp"

namespace troupe::sim {

class Network final : public ports::Network {
 public:
  /// `clock` is the node's clock, on which deadlines of dials are given.
  Network(std::shared_ptr<Fabric> fabric, const Address& address, const Clock& clock)
      : fabric_(std::move(fabric)), address_(address), clock_(clock) {}

  const Address& address() const { return address_; }

  /// `at` has this node's address, a loopback address, or "0.0.0.0" or "::" for all addresses.
  base::Outcome<std::unique_ptr<ports::Listener>> listen(const base::HostPort& at,
                                                         const runtime::Handle& owner) override;
  base::Outcome<std::unique_ptr<ports::Listener>> listen_local(const std::string& path,
                                                               const runtime::Handle& owner) override;
  void dial(const base::HostPort& to, base::Instant due, std::uint64_t ticket, const runtime::Handle& owner) override;
  void dial_local(const std::string& path, base::Instant due, std::uint64_t ticket,
                  const runtime::Handle& owner) override;
  base::Outcome<std::unique_ptr<ports::Datagrams>> open_datagrams(const base::HostPort& at,
                                                                  const runtime::Handle& owner) override;

 private:
  base::Outcome<base::Endpoint> here(const base::HostPort& at) const;

  std::shared_ptr<Fabric> fabric_;
  Address address_;
  const Clock& clock_;
};

}  // namespace troupe::sim
