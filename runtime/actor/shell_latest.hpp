#pragma once
// The slots of `keep_latest` messages: one per sender and kind; the mailbox has one token for each.
//
// Limits  kLatestPlacesMax slots; a further message is dropped like any tell above its limit.
// Safety  any thread; the lock is held for one search.
#include <map>
#include <mutex>
#include <utility>

#include "runtime/actor/envelope.hpp"

namespace troupe::runtime {

class Latest {
 public:
  enum class Kept : std::uint8_t {
    first,     ///< a new slot: a token must go into the mailbox
    replaced,  ///< a token already waits there
    full,      ///< no free slot
  };

  Kept keep(const void* sender, const Envelope& envelope) {
    const std::lock_guard hold(lock_);
    const std::pair key{sender, envelope.kind()};
    if (const auto place = places_.find(key); place != places_.end()) {
      place->second = envelope;
      return Kept::replaced;
    }
    if (places_.size() >= kLatestPlacesMax) return Kept::full;
    places_.emplace(key, envelope);
    return Kept::first;
  }
  /// Returns the newest message in the slot of `token`, or the token's own message if there is no slot.
  Envelope take(const void* sender, const Envelope& token) {
    const std::lock_guard hold(lock_);
    const auto place = places_.find({sender, token.kind()});
    if (place == places_.end()) return token;
    Envelope out = std::move(place->second);
    places_.erase(place);
    return out;
  }

 private:
  static constexpr std::size_t kLatestPlacesMax = 1024;  // our choice: the number of links of a node
  std::mutex lock_;
  std::map<std::pair<const void*, const messages::KindInfo*>, Envelope> places_;
};

}  // namespace troupe::runtime
