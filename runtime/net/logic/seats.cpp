#include "runtime/net/logic/seats.hpp"

#include <utility>

namespace troupe::net {

std::string_view name(Turned why) {
  switch (why) {
    case Turned::too_many_links: return "too_many_links";
    case Turned::too_many_of_address: return "too_many_of_address";
    case Turned::too_many_handshakes: return "too_many_handshakes";
    case Turned::handshakes_of_address: return "handshakes_of_address";
    case Turned::handshake_rate: return "handshake_rate";
    case Turned::made_room: return "made_room";
    case Turned::handshake_timeout: return "handshake_timeout";
    case Turned::too_slow: return "too_slow";
    case Turned::no_buffer: return "no_buffer";
    case Turned::channel: return "channel";
    case Turned::frames: return "frames";
    case Turned::duplicate: return "twin";  // the name of the metric's label
    case Turned::banned: return "banned";
    case Turned::elsewhere: return "elsewhere";
  }
  return "frames";
}

Seats::Seats(const LinkLimits& limits, base::Instant now)
    : limits_(limits),
      rate_({limits.handshakes_per_second, 2 * limits.handshakes_per_second}, now),
      handshakes_(limits.handshakes_max) {}

base::Result<Seats::Admission, Turned> Seats::admit(const base::Endpoint& from, base::Instant now) {
  const base::AddressGroup line = base::line_of(from);
  Admission out{.seat = last_ + 1};
  const base::User<std::uint64_t> user{out.seat, base::group_of(from)};
  if (taken() - handshakes() >= most()) return Turned::too_many_links;
  if (const auto known = lines_.find(line); known != lines_.end()) {
    if (known->second.links >= limits_.links_per_address_max) return Turned::too_many_of_address;
    if (known->second.handshakes >= limits_.handshakes_per_address_max) return Turned::handshakes_of_address;
  }
  if (!handshakes_.fits(user, 1)) {
    out.gives_way = handshakes_.gives_way(user, 1, [](std::uint64_t) { return true; });
    if (!out.gives_way) return Turned::too_many_handshakes;
  }
  if (rate_.take({line, user.group}, now)) return Turned::handshake_rate;
  if (out.gives_way) leave(*out.gives_way);
  last_ = out.seat;
  Line& at = lines_[line];
  ++at.links;
  ++at.handshakes;
  handshakes_.hold(user, 1);
  seats_.emplace(out.seat, Seat{line, user});
  return out;
}

bool Seats::settle(std::uint64_t seat) {
  const auto known = seats_.find(seat);
  if (known == seats_.end() || !std::exchange(known->second.shaking_hands, false)) return true;
  --lines_.at(known->second.line).handshakes;
  handshakes_.release(known->second.user, 1);
  return taken() - handshakes() <= most();
}

void Seats::leave(std::uint64_t seat) {
  const auto known = seats_.find(seat);
  if (known == seats_.end()) return;
  settle(seat);
  const auto line = lines_.find(known->second.line);
  if (--line->second.links == 0) lines_.erase(line);
  seats_.erase(known);
}

void Seats::check() const {
  base::ensure(handshakes() <= taken() && handshakes() <= limits_.handshakes_max,
               "only accepted links shake hands, and few at once");
  base::ensure(lines_.size() <= taken(), "an address is remembered for as long as it has a seat");
}

}  // namespace troupe::net
