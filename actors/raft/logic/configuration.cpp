#include "actors/raft/logic/configuration.hpp"

#include <algorithm>

#include "runtime/base/fields.hpp"

namespace troupe::raft {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSeatBytes = base::NodeId::kBytes + 8 + 2 + 16 + 2;
static_assert(4 + kMembersMax * kSeatBytes <= kConfigurationBytesMax);

bool empty(const Seat& seat) { return !seat.voter && !seat.outgoing && !seat.learner; }

void tell(Seat& seat, const Change& change) {
  if (change.address != base::Endpoint{}) seat.address = change.address;
  seat.priority = change.priority;
}

void make_voter(Configuration& to, const Change& change) {
  Seat& seat = to.seats[change.member];
  const bool known = !empty(seat);
  seat.voter = true;
  seat.learner = seat.learner_next = seat.promote = false;
  if (!known || change.address != base::Endpoint{}) tell(seat, change);
}

void make_learner(Configuration& to, const Change& change) {
  Seat& seat = to.seats[change.member];
  const bool known = !empty(seat);
  seat.voter = false;
  // It stays a voter of the outgoing half. One seat cannot have both roles.
  (seat.outgoing ? seat.learner_next : seat.learner) = true;
  seat.promote = change.promote;
  if (!known || change.address != base::Endpoint{}) tell(seat, change);
}

void remove(Configuration& to, const MemberId& member) {
  const auto found = to.seats.find(member);
  if (found == to.seats.end()) return;
  Seat& seat = found->second;
  seat.voter = seat.learner = seat.learner_next = seat.promote = false;
  if (empty(seat)) to.seats.erase(found);
}

void apply(Configuration& to, const std::vector<Change>& changes) {
  for (const Change& change : changes) {
    if (change.member.node == base::NodeId{}) continue;
    switch (change.kind) {
      case ChangeKind::voter: make_voter(to, change); break;
      case ChangeKind::learner: make_learner(to, change); break;
      case ChangeKind::remove: remove(to, change.member); break;
      case ChangeKind::update:
        if (const auto seat = to.seats.find(change.member); seat != to.seats.end()) tell(seat->second, change);
    }
  }
}

std::optional<ConfigurationError> flaw(const Configuration& of) {
  if (of.voters() == 0) return ConfigurationError::voters_gone;
  if (of.seats.size() > kMembersMax) return ConfigurationError::too_many_members;
  return std::nullopt;
}

std::uint8_t roles(const Seat& seat) {
  return static_cast<std::uint8_t>(seat.voter | seat.outgoing << 1 | seat.learner << 2 | seat.learner_next << 3 |
                                   seat.promote << 4);
}

/// Returns nullopt if the roles contradict each other.
std::optional<Seat> seat_of(std::uint8_t roles) {
  const auto bit = [&](int at) { return (roles >> at & 1) != 0; };
  Seat seat{.voter = bit(0), .outgoing = bit(1), .learner = bit(2), .learner_next = bit(3), .promote = bit(4)};
  const bool good = roles < 32 && !empty(seat) && !(seat.learner && (seat.voter || seat.outgoing)) &&
                    !(seat.learner_next && (seat.voter || !seat.outgoing)) &&
                    !(seat.promote && !seat.learner && !seat.learner_next);
  return good ? std::optional(seat) : std::nullopt;
}

}  // namespace

bool Configuration::joint() const {
  return std::any_of(seats.begin(), seats.end(), [](const auto& at) { return at.second.outgoing; });
}

bool Configuration::votes(const MemberId& member) const {
  const Seat* seat = find(member);
  return seat != nullptr && (seat->voter || seat->outgoing);
}

std::size_t Configuration::voters() const {
  return std::count_if(seats.begin(), seats.end(), [](const auto& at) { return at.second.voter; });
}

const Seat* Configuration::find(const MemberId& member) const {
  const auto found = seats.find(member);
  return found == seats.end() ? nullptr : &found->second;
}

std::size_t voters_changed(const Configuration& a, const Configuration& b) {
  std::size_t out = 0;
  const auto votes = [](const Configuration& in, const MemberId& id) { return in.find(id) && in.find(id)->voter; };
  for (const auto& [id, seat] : a.seats) out += seat.voter && !votes(b, id);
  for (const auto& [id, seat] : b.seats) out += seat.voter && !votes(a, id);
  return out;
}

Changed change_simply(const Configuration& from, const std::vector<Change>& changes) {
  if (from.joint()) return ConfigurationError::already_joint;
  Configuration to = from;
  apply(to, changes);
  if (const auto bad = flaw(to)) return *bad;
  if (voters_changed(from, to) > 1) {
    // The first voter joins a configuration without voters.
    if (from.voters() != 0 || to.voters() != 1) return ConfigurationError::needs_joint;
  }
  return to;
}

Changed enter_joint(const Configuration& from, const std::vector<Change>& changes, bool auto_leave) {
  if (from.joint()) return ConfigurationError::already_joint;
  if (from.voters() == 0) return ConfigurationError::no_voters;
  Configuration to = from;
  to.auto_leave = auto_leave;
  for (auto& [id, seat] : to.seats) seat.outgoing = seat.voter;
  apply(to, changes);
  if (const auto bad = flaw(to)) return *bad;
  return to;
}

Changed leave_joint(const Configuration& from) {
  if (!from.joint()) return ConfigurationError::not_joint;
  Configuration to;
  for (const auto& [id, seat] : from.seats) {
    Seat stays = seat;
    stays.outgoing = false;
    if (seat.learner_next) stays.learner = true;
    stays.learner_next = false;
    if (!empty(stays)) to.seats.emplace(id, stays);
  }
  return to;
}

base::Bytes encode(const Configuration& configuration) {
  base::Bytes out{kVersion, configuration.auto_leave};
  base::append_number(out, static_cast<std::uint16_t>(configuration.seats.size()));
  for (const auto& [id, seat] : configuration.seats) {
    base::append(out, id.node.view());
    base::append_number(out, id.incarnation);
    out.push_back(roles(seat));
    out.push_back(seat.priority);
    base::append(out, seat.address.address);
    base::append_number(out, seat.address.port);
  }
  return out;
}

std::optional<Configuration> decode_configuration(base::ByteView bytes) {
  base::FieldReader in(bytes);
  const auto version = in.number<std::uint8_t>(), auto_leave = in.number<std::uint8_t>();
  const auto count = in.number<std::uint16_t>();
  if (!in.ok() || version != kVersion || auto_leave > 1 || count > kMembersMax) return std::nullopt;
  Configuration out;
  out.auto_leave = auto_leave != 0;
  for (std::size_t i = 0; i < count; ++i) {
    MemberId id;
    id.node = in.fixed<base::NodeId>();
    id.incarnation = in.number<std::uint64_t>();
    auto seat = seat_of(in.number<std::uint8_t>());
    if (!in.ok() || !seat || id.node == base::NodeId{}) return std::nullopt;
    if (!out.seats.empty() && !(out.seats.rbegin()->first < id))
      return std::nullopt;  // one order, so that there is
                            // one encoding
    seat->priority = in.number<std::uint8_t>();
    seat->address.address = in.array<16>();
    seat->address.port = in.number<std::uint16_t>();
    out.seats.emplace_hint(out.seats.end(), id, *seat);
  }
  if (!in.ended() || out.voters() == 0) return std::nullopt;
  return out;
}

}  // namespace troupe::raft
