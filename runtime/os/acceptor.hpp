#pragma once
// The broker of one listener: passes each new connection to the listener's owner as a stream that is not started.
//
// Limits  accepts nothing while Links is full; until then the kernel's backlog holds new connections.
// Local   on a local socket, a connection is closed at once unless this process's user or root made it.
// Thread  CAF's multiplexer.
#include <caf/io/broker.hpp>
#include <caf/io/doorman.hpp>
#include <memory>

#include "runtime/os/links.hpp"
#include "runtime/os/orders.hpp"

namespace troupe::os {

class Acceptor final : public caf::io::broker {
 public:
  Acceptor(caf::actor_config& config, std::shared_ptr<Links> links, caf::io::doorman_ptr doorman,
           caf::weak_actor_ptr owner);

  bool cleanup(caf::error&& reason, caf::execution_unit* host) override;
  const char* name() const override { return "acceptor"; }

 protected:
  caf::behavior make_behavior() override;

 private:
  void accepted(caf::io::connection_handle handle);
  void go_on();

  std::shared_ptr<Links> links_;
  caf::io::doorman_ptr doorman_;
  caf::weak_actor_ptr owner_;
  caf::io::accept_handle handle_;
  bool halted_ = false;
};

}  // namespace troupe::os
