#include "runtime/os/acceptor.hpp"

#include <unistd.h>

#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>

#include "runtime/os/sockets.hpp"
#include "runtime/os/stream.hpp"
#include "runtime/ports/events.hpp"

namespace troupe::os {

Acceptor::Acceptor(caf::actor_config& config, std::shared_ptr<Links> links, caf::io::doorman_ptr doorman,
                   caf::weak_actor_ptr owner)
    : caf::io::broker(config),
      links_(std::move(links)),
      doorman_(std::move(doorman)),
      owner_(std::move(owner)),
      handle_(doorman_->hdl()) {}

caf::behavior Acceptor::make_behavior() {
  if (!links_->join(ctrl())) {
    quit();
    return {};
  }
  add_doorman(std::move(doorman_));
  return {
      [this](const caf::io::new_connection_msg& arrival) { accepted(arrival.handle); },
      [this](const caf::io::acceptor_closed_msg&) { leave_later(backend(), ctrl()); },
      [this](BrokerCommand& order) {
        if (order.command == Command::go_on) return go_on();
        if (order.command == Command::leave) return quit();
        leave_later(backend(), ctrl());  // the listener is gone, or the network ends
      },
  };
}

bool Acceptor::cleanup(caf::error&& reason, caf::execution_unit* host) {
  const bool first = caf::io::broker::cleanup(std::move(reason), host);
  doorman_ = nullptr;
  links_->leave(id());
  return first;
}

void Acceptor::accepted(caf::io::connection_handle handle) {
  caf::io::scribe_ptr scribe = take(handle);
  scribe->set_parent(nullptr);
  const int socket = static_cast<int>(handle.id());
  const ports::RemoteAddress from{remote_endpoint(socket), remote_user(socket)};
  if (trusted(socket)) {
    tune(socket);
    auto stream = std::make_shared<Stream>(links_, links_->take_slot(), std::move(scribe));
    ports::deliver(caf::actor_cast<runtime::Handle>(owner_), ports::Accepted{std::move(stream), from});
  }
  if (halted_ || links_->has_room(ctrl())) return;
  halted_ = true;
  halt(handle_);
}

/// Like with a scribe, resuming in the round of the halt would be lost.
void Acceptor::go_on() {
  const caf::strong_actor_ptr self = ctrl();
  backend().post([self, this] {
    if (!halted_ || !valid(handle_) || !links_->has_room(self)) return;
    halted_ = false;
    trigger(handle_);
  });
}

}  // namespace troupe::os
