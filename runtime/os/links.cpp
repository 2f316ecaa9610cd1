#include "runtime/os/links.hpp"

#include "runtime/os/orders.hpp"

namespace troupe::os {

std::shared_ptr<void> Links::take_slot() {
  const std::lock_guard lock(mutex_);
  ++streams_;
  return {static_cast<void*>(this), [self = shared_from_this()](void*) { self->give_slot_back(); }};
}

void Links::give_slot_back() {
  std::map<caf::actor_id, caf::weak_actor_ptr> waiting;
  {
    const std::lock_guard lock(mutex_);
    --streams_;
    if (streams_ < streams_max_) waiting.swap(waiting_);
  }
  for (const auto& [id, acceptor] : waiting) give(acceptor, Command::go_on);
}

std::size_t Links::streams() const {
  const std::lock_guard lock(mutex_);
  return streams_;
}

bool Links::has_room(const caf::strong_actor_ptr& acceptor) {
  const std::lock_guard lock(mutex_);
  if (streams_ < streams_max_) return true;
  waiting_[acceptor->id()] = caf::actor_cast<caf::weak_actor_ptr>(acceptor);
  return false;
}

bool Links::join(const caf::strong_actor_ptr& broker) {
  const std::lock_guard lock(mutex_);
  if (closing_) return false;
  brokers_[broker->id()] = caf::actor_cast<caf::weak_actor_ptr>(broker);
  return true;
}

void Links::leave(caf::actor_id broker) {
  const std::lock_guard lock(mutex_);
  brokers_.erase(broker);
  waiting_.erase(broker);
  left_.notify_all();
}

void Links::close() {
  std::unique_lock lock(mutex_);
  closing_ = true;
  const auto brokers = brokers_;
  lock.unlock();
  for (const auto& [id, broker] : brokers) give(broker, Command::abort);
  lock.lock();
  left_.wait(lock, [this] { return brokers_.empty(); });
}

}  // namespace troupe::os
