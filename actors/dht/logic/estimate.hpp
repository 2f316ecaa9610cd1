#pragma once
// How long an answer takes: from one peer, and over the whole network as this node sees it.
//
// Source  RFC 6298 2 (smoothing, and the time-out from it), 5.5 (doubling after a loss).
// Limits  kEstimatesMax peers; a further peer evicts the peer with the oldest answer.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "actors/dht/logic/contact.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

inline constexpr std::chrono::milliseconds kTimeoutFirst{500};  // our choice: RFC 6298 has 1 s, but asks no other node
/// Our choice: a late node is only passed over, so the 1 s of RFC 6298 is not needed. But a busy machine that stalls
/// briefly must not make all nodes send twice.
inline constexpr std::chrono::milliseconds kTimeoutMin{50};
inline constexpr std::chrono::milliseconds kTimeoutMax{3'000};  // RFC 6298 5.7
inline constexpr std::uint32_t kDoublingsMax = 3;
inline constexpr std::size_t kEstimatesMax = 256;  // our choice: more than a table usually lists, 24 KiB

class RoundTrip {
 public:
  /// Adds the time from a request to its answer.
  void note(base::Duration sample) {
    sample = std::max(sample, base::Duration{1});
    if (!known()) {
      smoothed_ = sample;
      variation_ = sample / 2;
    } else {
      const base::Duration off = smoothed_ > sample ? smoothed_ - sample : sample - smoothed_;
      variation_ = (3 * variation_ + off) / 4;
      smoothed_ = (7 * smoothed_ + sample) / 8;
    }
    doublings_ = 0;
  }
  /// Notes that no answer came: the time-out doubles until the next answer.
  void lost() { doublings_ = std::min(doublings_ + 1, kDoublingsMax); }

  bool known() const { return smoothed_ > base::Duration::zero(); }
  /// Returns the average time of an answer; zero if not known.
  base::Duration expected() const { return smoothed_; }
  /// Returns the time within which an answer counts as usual.
  base::Duration usual() const { return smoothed_ + variation_; }
  /// Returns the time-out, from kTimeoutMin to kTimeoutMax.
  base::Duration timeout() const {
    const base::Duration once = known() ? smoothed_ + 4 * variation_ : base::Duration{kTimeoutFirst};
    return std::min<base::Duration>(std::max<base::Duration>(once, kTimeoutMin) * (1U << doublings_), kTimeoutMax);
  }

  friend auto operator<=>(const RoundTrip&, const RoundTrip&) = default;

 private:
  base::Duration smoothed_{0};
  base::Duration variation_{0};
  std::uint32_t doublings_ = 0;
};

/// The estimates of one node: one over all answers, and one per recent peer.
class RoundTrips {
 public:
  void note(const Key& id, base::Duration sample) {
    all_.note(sample);
    touch(id).note(sample);
  }
  /// Changes only the peer's estimate: one dead peer must not slow down requests to all other nodes.
  void lost(const Key& id) {
    const auto peer = peers_.find(id);
    if (peer != peers_.end()) peer->second.estimate.lost();
  }

  const RoundTrip& all() const { return all_; }
  std::optional<RoundTrip> of(const Key& id) const {
    const auto peer = peers_.find(id);
    if (peer == peers_.end()) return std::nullopt;
    return peer->second.estimate;
  }
  std::size_t size() const { return peers_.size(); }

 private:
  struct Peer {
    RoundTrip estimate;
    std::uint64_t turn = 0;
  };

  RoundTrip& touch(const Key& id) {
    Peer& peer = peers_[id];
    peer.turn = ++turns_;
    // Scans all estimates, because this is rare: an order by turn would cost more at each known peer.
    if (peers_.size() > kEstimatesMax)
      peers_.erase(std::ranges::min_element(peers_, {}, [](const auto& one) { return one.second.turn; }));
    return peer.estimate;
  }

  RoundTrip all_;
  std::map<Key, Peer> peers_;
  std::uint64_t turns_ = 0;
};

}  // namespace troupe::dht
