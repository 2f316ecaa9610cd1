#include "runtime/os/stream.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>

#include "runtime/os/orders.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/os/stream_broker.hpp"

namespace troupe::os {

Stream::Stream(std::shared_ptr<Links> links, std::shared_ptr<void> slot, caf::io::scribe_ptr scribe)
    : links_(std::move(links)), slot_(std::move(slot)), scribe_(std::move(scribe)) {}

Stream::~Stream() { give(broker_, Command::forget); }

void Stream::start(const runtime::Handle& owner) {
  const std::lock_guard lock(mutex_);
  const auto weak = caf::actor_cast<caf::weak_actor_ptr>(owner);
  if (broker_) return give(broker_, BrokerCommand{Command::own, {}, weak});
  if (!scribe_) return;
  caf::actor_config config{&links_->system().middleman().backend()};
  // Hidden: the system does not wait for it, and Links::close ends it.
  broker_ = caf::actor_cast<caf::strong_actor_ptr>(links_->system().spawn_class<StreamBroker, caf::hidden>(
      config, StreamBroker::Start{links_, std::move(slot_), std::move(scribe_), weak}));
  scribe_ = nullptr;
  for (base::Bytes& bytes : early_) give(broker_, BrokerCommand{Command::write, std::move(bytes)});
  early_ = {};
}

/// The broker reports the sent bytes.
std::size_t Stream::write(base::Bytes bytes) {
  if (bytes.empty()) return 0;
  const std::lock_guard lock(mutex_);
  if (broker_) give(broker_, BrokerCommand{Command::write, std::move(bytes)});
  else if (scribe_) early_.push_back(std::move(bytes));
  return 0;
}

void Stream::pause(bool paused) { give(broker(), paused ? Command::pause : Command::resume); }

void Stream::close() { close(Command::close); }
void Stream::abandon() { close(Command::abandon); }

void Stream::close(Command how) {
  const std::lock_guard lock(mutex_);
  if (broker_) return give(broker_, how);
  scribe_ = nullptr;
  slot_ = nullptr;
}

caf::strong_actor_ptr Stream::broker() const {
  const std::lock_guard lock(mutex_);
  return broker_;
}

std::shared_ptr<Stream> make_stream(const std::shared_ptr<Links>& links, Descriptor socket) {
  tune(socket.get());
  auto slot = links->take_slot();
  auto scribe = links->system().middleman().backend().new_scribe(socket.get());
  socket.release();  // the scribe owns it now
  return std::make_shared<Stream>(links, std::move(slot), std::move(scribe));
}

}  // namespace troupe::os
