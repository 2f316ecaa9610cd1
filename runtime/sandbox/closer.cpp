#include "runtime/sandbox/closer.hpp"

#include <unistd.h>

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace troupe::sandbox {
namespace {

constexpr std::size_t kToCloseMost = 1'024;  // our choice: as many as there are sandboxes

}  // namespace

struct Closer::State {
  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return count > 0 || closing; });
      if (count == 0) return;
      const int next = waiting[--count];
      lock.unlock();
      ::close(next);
      lock.lock();
    }
  }

  std::mutex mutex;
  std::condition_variable wake;
  bool closing = false;
  std::size_t count = 0;
  std::array<int, kToCloseMost> waiting{};
};

Closer::Closer() : pages_(sizeof(State)), state_(std::construct_at(static_cast<State*>(pages_.begin()))) {
  thread_.emplace(*state_);
}

Closer::~Closer() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_one();
  thread_.reset();
  std::destroy_at(state_);
}

void Closer::close(base::Descriptor one) {
  if (!one.valid()) return;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->count == kToCloseMost) return;
    state_->waiting[state_->count++] = one.release();
  }
  state_->wake.notify_one();
}

}  // namespace troupe::sandbox
