#pragma once
// Writes and reads the messages of this domain; contact.hpp does so for single contacts.
#include <map>
#include <optional>
#include <vector>

#include "actors/peers/contact.hpp"
#include "actors/peers/logic/decisions.hpp"
#include "messages/codec.hpp"
#include "messages/links.capnp.h"
#include "messages/peers.capnp.h"

namespace troupe::peers {

inline constexpr std::size_t kTargetBytesMax = 300;  // messages/peers.capnp
inline constexpr const char* kIdLength = "a node's id has 20 bytes";

/// Returns the address at which the sender of a Ping or Pong says it can be dialled; not dialable if it does not say.
/// Returns nullopt if the contact does not belong to `sender`.
template <class Message>
std::optional<base::Endpoint> own_word(Message message, const base::NodeId& sender, const IdOf& id_of) {
  if (!message.hasSelf()) return base::Endpoint{};
  const Contact self = read(message.getSelf());
  if (id_of(self.key, self.nonce) != sender) return std::nullopt;
  return self.endpoint;
}

void write(capnp::List<messages::wire::Contact>::Builder to, const std::vector<Contact>& contacts);

/// Returns the contacts that a peer passes on: at most one beyond the limit, which is enough to detect the violation.
std::vector<Contact> read(wire::Contacts::Reader contacts);

/// Encrypted bytes that a link has carried.
struct Carried {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};
using Traffic = std::map<base::NodeId, Carried>;

DialFailure failure_of(net::wire::NotThere::Met met);

/// Returns nullopt for a violation that this version does not know.
std::optional<Violation> violation_of(net::wire::Violation how);

/// Returns the links to peers, without operators' links.
Traffic read(net::wire::LinkRows::Reader rows);

void write(capnp::List<wire::PeerRow>::Builder to, const std::vector<PeerView>& lines, const Traffic& traffic,
           base::Instant now);

}  // namespace troupe::peers
