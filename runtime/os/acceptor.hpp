#pragma once
// The broker of one listener: passes each new connection to the listener's owner, unread and unstarted.
//
// Limits  stops accepting while Links is full; the kernel's backlog holds new connections until then.
// Local   a connection by a user other than this process's and root is closed at once.
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
