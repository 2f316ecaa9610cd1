#include "runtime/actor/rest.hpp"

#include <caf/actor_cast.hpp>

#include "runtime/actor/envelope_type.hpp"

namespace troupe::runtime {

void Rest::wait(const Handle& watcher, const TimerInfo* tag, std::uint64_t number) {
  {
    const std::lock_guard hold(lock_);
    watcher_ = caf::actor_cast<caf::actor_addr>(watcher);
    tag_ = tag;
    number_ = number;
  }
  State before = State::quiet;
  if (!state_.compare_exchange_strong(before, State::resting)) tell();
}

void Rest::end() {
  if (state_.exchange(State::stirred) == State::resting) tell();
}

void Rest::tell() {
  caf::actor_addr watcher;
  SoonMessage message{};
  {
    const std::lock_guard hold(lock_);
    watcher = watcher_;
    message = {tag_, number_};
  }
  if (const auto whom = caf::actor_cast<Handle>(watcher))
    whom->enqueue(caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, message), nullptr);
}

}  // namespace troupe::runtime
