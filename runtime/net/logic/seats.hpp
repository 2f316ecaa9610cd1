#pragma once
// Which accepted connections may become links: counted before memory is allocated for them.
//
// Address  An address (a /64 for IPv6) has at most links_per_address_max links, and handshakes_per_address_max
//          unfinished handshakes.
// Rate     handshakes_per_second, with the quotas of base/rate_budget.hpp, because a handshake costs this node a
//          millisecond, and the requester nothing.
// Evicted  Above a limit of unfinished handshakes, in total or per address group, the oldest handshake of the largest
//          group is evicted (base/share_budget.hpp); of equally large groups, the oldest of all. A link whose node is
//          proven is never evicted.
// Reserve  The last kReservePart of links_max is for links that this node dials.
// Owner    The pool, under its lock. Time is monotonic, given by the caller.
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "runtime/base/rate_budget.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/net/settings.hpp"

namespace troupe::net {

/// Why a connection was refused, in addition to the refusals of the handshake.
enum class Turned : std::uint8_t {
  too_many_links,
  too_many_of_address,
  too_many_handshakes,
  handshakes_of_address,
  handshake_rate,  ///< above the rate of handshakes for its address group, or for all untrusted nodes
  made_room,       ///< its handshake was the oldest of the largest group, and another connection arrived
  handshake_timeout,
  too_slow,   ///< it read its queued bytes, or sent a frame, more slowly than an honest node
  no_buffer,  ///< memory was exhausted, and it had the most queued bytes in the largest group
  channel,    ///< TLS failed, or the bytes were not TLS
  frames,     ///< a frame violated the protocol
  duplicate,  ///< another link to the same node is in service
  banned,     ///< its node is banned
  elsewhere,  ///< it has proven this node's key with another start number: another process has our identity
};
inline constexpr std::size_t kTurned = 14;

std::string_view name(Turned why);

class Seats {
 public:
  Seats(const LinkLimits& limits, base::Instant now);

  struct Admission {
    std::uint64_t seat = 0;
    std::optional<std::uint64_t> gives_way;  ///< the evicted connection, which the caller ends
  };
  base::Result<Admission, Turned> admit(const base::Endpoint& from, base::Instant now);
  /// Counts the seat as a link, and no longer as a handshake. Returns false if there are too many links: a peer must
  /// then leave, an operator may stay. An unknown seat is ignored.
  bool settle(std::uint64_t seat);
  /// Ends the connection. An unknown seat is ignored.
  void leave(std::uint64_t seat);

  bool has(std::uint64_t seat) const { return seats_.contains(seat); }
  std::size_t taken() const { return seats_.size(); }
  /// Returns how many links untrusted nodes may have to this node.
  std::size_t most() const { return limits_.links_max - limits_.links_max / base::kReservePart; }
  std::size_t handshakes() const { return static_cast<std::size_t>(handshakes_.used()); }
  /// Checks the invariants.
  void check() const;

 private:
  struct Seat {
    base::AddressGroup line;
    base::User<std::uint64_t> user;
    bool shaking_hands = true;
  };
  struct Line {
    std::size_t links = 0, handshakes = 0;
  };

  const LinkLimits limits_;
  std::map<std::uint64_t, Seat> seats_;
  std::map<base::AddressGroup, Line> lines_;
  base::RateBudget<base::AddressGroup> rate_;
  base::ShareBudget<std::uint64_t> handshakes_;
  std::uint64_t last_ = 0;
};

}  // namespace troupe::net
