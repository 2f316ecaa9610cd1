#pragma once
// Compares the dates of this node and its linked peers, and decides whose clock is wrong.
//
// Steady  dates are in seconds: a difference counts as new only if it has changed by kDatesSteady.
// Rule    a date differs if it is more than kDatesApartMax from this node's date. If more than half of at least two
//         peers differ, this node's clock is wrong; otherwise the clocks of the peers that differ.
// Limits  one date for each linked peer.
// Owner   the actor `peers`; not thread-safe. Reads no clock and sends nothing.
#include <chrono>
#include <map>
#include <string>

#include "runtime/base/ids.hpp"
#include "runtime/base/time.hpp"

namespace troupe::peers {

inline constexpr std::chrono::seconds kDatesSteady{5};     // our choice
inline constexpr std::chrono::seconds kDatesApartMax{30};  // our choice: a date that NTP keeps is right to a second

class Dates {
 public:
  /// Notes the date of `peer`, which is `ahead` of this node's date.
  void said(const base::NodeId& peer, base::Duration ahead);
  /// Forgets a peer whose link has ended.
  void forget(const base::NodeId& peer) { ahead_.erase(peer); }
  /// Returns which clock is wrong and what to do, for people, with the ids of both nodes; empty if all agree.
  std::string fault(const base::NodeId& self) const;

 private:
  std::map<base::NodeId, base::Duration> ahead_;
};

}  // namespace troupe::peers
