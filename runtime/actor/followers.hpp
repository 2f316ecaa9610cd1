#pragma once
// Actors of this node that are notified when something changes, so that they need not poll.
//
// States  a follower sends `Follow` once a minute, and is forgotten three minutes after its last `Follow`.
// Limits  kFollowersMax; a further follower replaces the follower whose last `Follow` is oldest.
#include <algorithm>
#include <vector>

#include "runtime/actor/part.hpp"

namespace troupe::runtime {

inline constexpr std::size_t kFollowersMax = 16;                  // our choice: a node has fewer domains
inline constexpr std::chrono::seconds kFollowEvery{60};           // our choice: bounds the delay after a restart
inline constexpr base::Duration kFollowedFor = 3 * kFollowEvery;  // our choice

/// `Follow` and `Changed` are empty tells; `Follow` goes to the owner.
template <class Follow, class Changed>
class Followers final : public Part {
 public:
  using Part::Part;

  /// Call it in the owner's receive().
  void receive(Handlers& on) {
    on.tell<Follow>([this](typename Follow::Reader) { follow(sender()); });
  }
  /// Notifies each follower.
  void changed() {
    std::erase_if(all_, [this](const One& one) { return one.until < now(); });
    for (const One& one : all_) tell<Changed>(one.who, [](typename Changed::Builder) {});
  }

 private:
  struct One {
    Handle who;
    base::Instant until;
  };

  void follow(const Handle& who) {
    if (!who) return;
    std::erase_if(all_, [&](const One& one) { return one.who == who || one.until < now(); });
    if (all_.size() >= kFollowersMax) all_.erase(all_.begin());
    all_.push_back({who, now() + kFollowedFor});
  }

  std::vector<One> all_;
};

}  // namespace troupe::runtime
