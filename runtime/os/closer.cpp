#include "runtime/os/closer.hpp"

#include <utility>

namespace troupe::os {

Closer::~Closer() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  woken_.notify_one();
  thread_.join();
}

void Closer::close(std::shared_ptr<const void> owner) {
  {
    const std::lock_guard lock(mutex_);
    owners_.push_back(std::move(owner));
  }
  woken_.notify_one();
}

void Closer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    woken_.wait(lock, [this] { return ends_ || !owners_.empty(); });
    auto owners = std::exchange(owners_, {});
    if (owners.empty()) return;
    lock.unlock();
    owners.clear();
    lock.lock();
  }
}

}  // namespace troupe::os
