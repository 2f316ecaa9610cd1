#pragma once
// Encodes and decodes this domain's parts of messages/dht.capnp.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "actors/dht/logic/lookup_types.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/settings.hpp"
#include "messages/codec.hpp"
#include "messages/common.capnp.h"
#include "messages/dht.capnp.h"
#include "runtime/base/error.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::dht {

using troupe::text_of;  // in addition to the enums here

/// Returns a time span in whole units for a message; a negative span becomes zero.
template <class Unit>
std::uint64_t units_of(base::Duration span) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(std::chrono::duration_cast<Unit>(span).count(), 0));
}
inline std::uint64_t ms_of(base::Duration span) { return units_of<std::chrono::milliseconds>(span); }
inline std::uint64_t us_of(base::Duration span) { return units_of<std::chrono::microseconds>(span); }

/// Returns nullopt unless it has 20 bytes.
inline std::optional<Key> read_key(capnp::Data::Reader from) { return Key::from(bytes_of(from)); }

/// Returns a contact, or nullopt if its id lacks its work or its endpoint cannot be dialled.
std::optional<Contact> read_contact(messages::wire::Contact::Reader from, unsigned work_bits);
/// Returns the valid contacts of a list, at most `most`.
std::vector<Contact> read_contacts(capnp::List<messages::wire::Contact>::Reader from, std::size_t most,
                                   unsigned work_bits);
/// Returns whether a node at `said_by` may claim that itself or another node is at `where`. Rejects a loopback address
/// from another machine, where it means that machine.
inline bool believed(const base::Endpoint& where, const base::Endpoint& said_by) {
  return !where.is_loopback() || said_by.is_loopback();
}
/// Reads a list that an actor of this node wrote, without checking it again.
std::vector<Contact> own_contacts(capnp::List<messages::wire::Contact>::Reader from);

void write(messages::wire::Contact::Builder to, const Contact& contact);
void write(capnp::List<messages::wire::Contact>::Builder to, const std::vector<Contact>& contacts);

/// Writes this node as the asker, with its endpoint.
void write_asker(wire::Asker::Builder to, const DhtSettings& settings);
/// Returns the asker if it is the sender, otherwise nullopt. A client's endpoint is not dialable.
std::optional<Contact> read_asker(wire::Asker::Reader from, const std::optional<base::NodeId>& sender,
                                  unsigned work_bits);

/// Writes a value for people, opened if it is sealed and `own` can open it.
void write(wire::GotValue::Builder to, const KvRecord& record, const crypto::Identity& own);

/// Returns the error text for an invalid record, for operators.
base::Error to_error(RecordError why);
/// Writes an error into a message; only the message's limits shorten it.
void write(messages::wire::Error::Builder to, const base::Error& error);
base::Error read(messages::wire::Error::Reader from);
std::string_view name(Ending ending);

void write(wire::Question::Builder to, const Hop& hop, base::Instant now);
void write(wire::RefusedContact::Builder to, const RefusedContact& refused);

}  // namespace troupe::dht
