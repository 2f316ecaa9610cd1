#pragma once
// Which accepted connections may become links: counted before memory is allocated for one.
//
// Line     one has at most links_per_address_max links, and handshakes_per_address_max unfinished handshakes.
// Rate     handshakes_per_second, by the shares of base/rate_budget.hpp: a handshake costs a millisecond, and asking
//          for it nothing.
// Room     when there are too many unfinished handshakes, or too many of one address group, the oldest one of the group
//          with most makes room (base/share_budget.hpp); of groups with equally many, the oldest of them all. A link
//          that has proven who it is does not.
// Reserve  the last kReservePart of links_max is for links that this node dials.
// Owner    the pool, under its lock. Time is monotonic, given by the caller.
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "runtime/base/rate_budget.hpp"
#include "runtime/base/result.hpp"
#include "runtime/base/share_budget.hpp"
#include "runtime/net/settings.hpp"

namespace troupe::net {

/// Why a connection was turned away, besides the refusals of the handshake.
enum class Turned : std::uint8_t {
  too_many_links,
  too_many_of_address,
  too_many_handshakes,
  handshakes_of_address,
  handshake_rate,  ///< more handshakes in a second than its neighbourhood, or all strangers, may cost
  made_room,       ///< its handshake was the oldest of the group with most, and another connection came
  handshake_timeout,
  too_slow,   ///< it took less of what waits for it, or sent less of a frame, than an honest node does
  no_buffer,  ///< most waited for it, or from it, of all links of the group with most, and there was no more memory
  channel,    ///< TLS failed, or the bytes were not TLS
  frames,     ///< a frame broke the rules of the link
  duplicate,  ///< another link to the same node is in service
  banned,     ///< its node is banned
  elsewhere,  ///< it has proven our own key under another start number: our identity is used elsewhere too
};
inline constexpr std::size_t kTurned = 14;

std::string_view name(Turned why);

class Seats {
 public:
  Seats(const LinkLimits& limits, base::Instant now);

  struct Admission {
    std::uint64_t seat = 0;
    std::optional<std::uint64_t> gives_way;  ///< has lost its seat to it: the caller ends that connection
  };
  base::Result<Admission, Turned> admit(const base::Endpoint& from, base::Instant now);
  /// Its handshake is over; only the link counts from here on. False if there are too many links: a stranger leaves, an
  /// operator may stay. An unknown seat is ignored.
  bool settle(std::uint64_t seat);
  /// The connection has ended. An unknown seat is ignored.
  void leave(std::uint64_t seat);

  bool has(std::uint64_t seat) const { return seats_.contains(seat); }
  std::size_t taken() const { return seats_.size(); }
  /// How many links strangers may have here.
  std::size_t most() const { return limits_.links_max - limits_.links_max / base::kReservePart; }
  std::size_t handshakes() const { return static_cast<std::size_t>(handshakes_.used()); }
  /// Ensures what must hold.
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
