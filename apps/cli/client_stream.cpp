// The reading side of Client's streams, between the actor's thread and the caller's.
#include "apps/cli/client.hpp"

namespace troupe::apps {

/// In the actor's context.
void Client::take(Incoming& incoming, Item item) {
  const std::lock_guard hold(incoming.lock);
  incoming.bytes += item->sizeInWords() * sizeof(capnp::word);
  incoming.items.push_back(std::move(item));
  if (incoming.bytes < kReadAheadBytes || incoming.paused) return;
  incoming.paused = true;
  incoming.stream.pause();
}

std::optional<Client::Item> Client::next_item(const std::shared_ptr<Incoming>& incoming,
                                              std::optional<Failure>& failed) {
  const auto something = [&] {
    const std::lock_guard hold(incoming->lock);
    return incoming->ended || !incoming->items.empty();
  };
  if (interrupted() || !wait_until(something)) {
    failed = cut_short();
    return std::nullopt;
  }
  waiting_.reset();
  Item next;
  bool resume = false;
  {
    const std::lock_guard hold(incoming->lock);
    if (incoming->items.empty()) {
      if (incoming->error) failed = failure(*incoming->error);
      return std::nullopt;
    }
    next = std::move(incoming->items.front());
    incoming->items.pop_front();
    incoming->bytes -= next->sizeInWords() * sizeof(capnp::word);
    if (incoming->paused && incoming->bytes <= kReadAheadBytes / 2) resume = !(incoming->paused = false);
  }
  if (resume) run([incoming](runtime::ExternalActor::Inside&) { incoming->stream.resume(); });
  return next;
}

}  // namespace troupe::apps
