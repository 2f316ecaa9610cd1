#include "runtime/actor/taps.hpp"

#include <algorithm>

namespace troupe::runtime {

Tap::Taken Tap::take() {
  Taken out;
  const std::lock_guard hold(lock_);
  out.messages.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  bytes_ = 0;
  out.seen = seen_;
  out.dropped = dropped_;
  return out;
}

void Tap::put(const Tapped& message) {
  if (trace_ != 0 && message.envelope.header().trace.id != trace_) return;
  if (message.at >= until_ || (never_ != nullptr && message.envelope.kind() == never_)) return;
  const std::size_t bytes = message.envelope.bytes().size();
  const std::lock_guard hold(lock_);
  ++seen_;
  if (waiting_.size() >= kTappedMax || bytes_ + bytes > kTappedBytesMax) {
    ++dropped_;
    return;
  }
  bytes_ += bytes;
  waiting_.push_back(message);
  // Envelopes from other nodes are copied. A kept envelope would count as unfinished at its service, so an operator's
  // tap would make this node refuse requests.
  const Envelope& envelope = message.envelope;
  if (envelope.header().origin == Origin::foreign) waiting_.back().envelope = envelope.with(envelope.header());
}

std::shared_ptr<Tap> Taps::open(Tap::Wants wants, std::uint64_t trace, base::Instant until,
                                const messages::KindInfo* never) {
  const std::lock_guard hold(lock_);
  const auto free = std::ranges::find(taps_, nullptr);
  if (free == taps_.end()) return nullptr;
  *free = std::make_shared<Tap>(std::move(wants), trace, until, never);
  edition_.store(++changes_, std::memory_order_relaxed);
  // Separate from the stored pointer, so that the end of the last reference is seen.
  return {free->get(), [this, kept = *free](Tap*) { close(kept); }};
}

void Taps::close(const std::shared_ptr<Tap>& tap) {
  const std::lock_guard hold(lock_);
  if (const auto found = std::ranges::find(taps_, tap); found != taps_.end()) found->reset();
  const bool none = std::ranges::all_of(taps_, [](const auto& one) { return one == nullptr; });
  ++changes_;
  edition_.store(none ? 0 : changes_, std::memory_order_relaxed);
}

/// Copies the list, so that functions and queues of taps are used without the lock: many actors call this at once.
std::vector<std::shared_ptr<Tap>> Taps::all(std::uint8_t taps) const {
  std::vector<std::shared_ptr<Tap>> out(kTapsMax);
  const std::lock_guard hold(lock_);
  for (std::size_t i = 0; i < kTapsMax; ++i)
    if ((taps >> i & 1u) != 0) out[i] = taps_[i];
  return out;
}

std::uint8_t Taps::wanted(std::string_view path, const char* kind, const Record& record, base::Instant now) const {
  std::uint8_t out = 0;
  const auto taps = all(0xff);
  for (std::size_t i = 0; i < kTapsMax; ++i)
    if (taps[i] && now < taps[i]->until_ && taps[i]->wants_(path, kind, record, now))
      out = static_cast<std::uint8_t>(out | 1u << i);
  return out;
}

void Taps::put(std::uint8_t taps, const Tapped& message) {
  for (const auto& tap : all(taps))
    if (tap) tap->put(message);
}

}  // namespace troupe::runtime
