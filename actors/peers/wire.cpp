#include "actors/peers/wire.hpp"

#include <algorithm>

#include "actors/peers/api.hpp"

namespace troupe::peers {
namespace {

wire::PeerState state_of(State state) {
  switch (state) {
    case State::known: return wire::PeerState::KNOWN;
    case State::dialling: return wire::PeerState::DIALLING;
    case State::linked: return wire::PeerState::LINKED;
    case State::healthy: return wire::PeerState::HEALTHY;
    case State::unhealthy: return wire::PeerState::UNHEALTHY;
    case State::banned: return wire::PeerState::BANNED;
  }
  return wire::PeerState::KNOWN;
}

wire::LinkDirection direction_of(const std::optional<Direction>& direction) {
  if (!direction) return wire::LinkDirection::NONE;
  return *direction == Direction::outbound ? wire::LinkDirection::OUTBOUND : wire::LinkDirection::INBOUND;
}

std::uint64_t milliseconds_of(base::Duration span) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(span).count(), 0));
}

void write(wire::PeerRow::Builder to, const PeerView& line, const Carried& carried, base::Instant now) {
  to.setNode(data_of(line.id.view()));
  if (line.endpoint.dialable()) to.setAddress(line.endpoint.text().c_str());
  to.setState(state_of(line.state));
  if (line.rtt) to.getRttMs().setValue(std::chrono::duration<double, std::milli>(*line.rtt).count());
  to.setDirection(direction_of(line.direction));
  to.setSent(carried.sent);
  to.setReceived(carried.received);
  to.setScore(line.score);
  if (line.last_heard) to.getLastHeardMs().setValue(milliseconds_of(now - *line.last_heard));
  if (line.banned_until) to.getBannedForMs().setValue(milliseconds_of(*line.banned_until - now));
}

std::vector<Contact> read_some(capnp::List<messages::wire::Contact>::Reader from, std::size_t most) {
  std::vector<Contact> out;
  for (unsigned i = 0; i < std::min<std::size_t>(from.size(), most); ++i) out.push_back(read(from[i]));
  return out;
}

}  // namespace

void write(capnp::List<messages::wire::Contact>::Builder to, const std::vector<Contact>& contacts) {
  for (std::uint32_t i = 0; i < to.size(); ++i) write(to[i], contacts[i]);
}

std::vector<Contact> read(wire::Contacts::Reader contacts) { return read_some(contacts.getList(), kContactsMax + 1); }
std::vector<Contact> read(wire::KnownContacts::Reader known) { return read_some(known.getList(), kKnownContactsMax); }

DialFailure failure_of(net::wire::NotThere::Met met) {
  switch (met) {
    case net::wire::NotThere::Met::NOBODY: return DialFailure::unreachable;
    case net::wire::NotThere::Met::ANOTHER: return DialFailure::wrong_identity;
    case net::wire::NotThere::Met::OURSELVES: return DialFailure::ourselves;
  }
  return DialFailure::unreachable;
}

std::optional<Violation> violation_of(net::wire::Violation how) {
  switch (how) {
    case net::wire::Violation::MALFORMED: return Violation::malformed;
    case net::wire::Violation::PROTOCOL: return Violation::protocol;
    case net::wire::Violation::FORBIDDEN: return Violation::forbidden;
    case net::wire::Violation::FLOODING: return Violation::flooding;
    case net::wire::Violation::UNPROVEN_CONTACT: return Violation::unproven_contact;
    case net::wire::Violation::TOO_MANY: return Violation::too_many;
    case net::wire::Violation::BAD_RECORD: return Violation::bad_record;
    case net::wire::Violation::WRONG_TOKEN: return Violation::wrong_token;
  }
  return std::nullopt;
}

Traffic read(net::wire::LinkRows::Reader rows) {
  Traffic out;
  for (const auto row : rows.getLinks()) {
    const auto id = node_of(row.getNode());
    if (id && row.getRole() == messages::wire::Role::PEER) out[*id] = {row.getSent(), row.getReceived()};
  }
  return out;
}

void write(capnp::List<wire::PeerRow>::Builder to, const std::vector<PeerView>& lines, const Traffic& traffic,
           base::Instant now) {
  for (std::uint32_t i = 0; i < to.size(); ++i) {
    const auto found = traffic.find(lines[i].id);
    write(to[i], lines[i], lines[i].direction && found != traffic.end() ? found->second : Carried{}, now);
  }
}

}  // namespace troupe::peers
