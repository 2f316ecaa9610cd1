#include "runtime/actor/ended.hpp"

namespace troupe::runtime {

std::string_view name(Decision decision) {
  switch (decision) {
    case Decision::finished: return "finished";
    case Decision::stopped: return "stopped";
    case Decision::given_up: return "given up";
    case Decision::unwatched: return "unwatched";
    case Decision::killed: return "killed";
    case Decision::killed_by_operator: return "killed by an operator";
  }
  return "unknown";
}

void EndedActors::add(Ended ended) {
  Ended oldest;  // released after the lock
  if (ended.why.size() > kEndedWhyBytesMax) ended.why.resize(kEndedWhyBytesMax);
  const std::lock_guard hold(lock_);
  ++count_;
  latest_.push_back(std::move(ended));
  if (latest_.size() <= kEndedMax) return;
  oldest = std::move(latest_.front());
  latest_.pop_front();
}

std::vector<Ended> EndedActors::list() const {
  const std::lock_guard hold(lock_);
  return {latest_.rbegin(), latest_.rend()};
}

std::uint64_t EndedActors::count() const {
  const std::lock_guard hold(lock_);
  return count_;
}

}  // namespace troupe::runtime
