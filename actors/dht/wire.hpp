#pragma once
// What this domain says and reads in the words of messages/dht.capnp.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "actors/dht/logic/lookup_types.hpp"
#include "actors/dht/logic/record.hpp"
#include "actors/dht/settings.hpp"
#include "messages/common.capnp.h"
#include "messages/dht.capnp.h"
#include "messages/words.hpp"
#include "runtime/base/error.hpp"
#include "runtime/crypto/identity.hpp"

namespace troupe::dht {

using troupe::text_of;  // beside those of its enums

/// Whole units of a time in a message; one before zero is zero.
template <class Unit>
std::uint64_t units_of(base::Duration span) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(std::chrono::duration_cast<Unit>(span).count(), 0));
}
inline std::uint64_t ms_of(base::Duration span) { return units_of<std::chrono::milliseconds>(span); }
inline std::uint64_t us_of(base::Duration span) { return units_of<std::chrono::microseconds>(span); }

/// Nothing unless it has 20 bytes.
inline std::optional<Key> read_key(capnp::Data::Reader from) { return Key::from(bytes_of(from)); }

/// A contact whose id shows its work and whose endpoint can be dialled; nothing otherwise.
std::optional<Contact> read_contact(messages::wire::Contact::Reader from, unsigned work_bits);
/// The good ones of a list, at most `most`.
std::vector<Contact> read_contacts(capnp::List<messages::wire::Contact>::Reader from, std::size_t most,
                                   unsigned work_bits);
/// Whether a node that is at `said_by` may say that another, or it itself, is at `where`: a loopback address means
/// another machine there.
inline bool believed(const base::Endpoint& where, const base::Endpoint& said_by) {
  return !where.is_loopback() || said_by.is_loopback();
}
/// The same of a list that an actor of this node wrote: nothing is checked again.
std::vector<Contact> own_contacts(capnp::List<messages::wire::Contact>::Reader from);

void write(messages::wire::Contact::Builder to, const Contact& contact);
void write(capnp::List<messages::wire::Contact>::Builder to, const std::vector<Contact>& contacts);

/// Who asks: this node, where it can be asked.
void write_asker(wire::Asker::Builder to, const DhtSettings& settings);
/// The asker, if it is the sender; its endpoint is not dialable if it is a client. Nothing for another node's contact.
std::optional<Contact> read_asker(wire::Asker::Reader from, const std::optional<base::NodeId>& sender,
                                  unsigned work_bits);

/// What people see of it: opened, if it is sealed and `own` may.
void write(wire::GotValue::Builder to, const KvRecord& record, const crypto::Identity& own);

/// The error that an operator reads of a record that is no good.
base::Error to_error(RecordError why);
/// Into a message; nothing of the error is lost but what its limits cut.
void write(messages::wire::Error::Builder to, const base::Error& error);
base::Error read(messages::wire::Error::Reader from);
std::string_view name(Ending ending);

void write(wire::Question::Builder to, const Hop& hop, base::Instant now);
void write(wire::RefusedContact::Builder to, const RefusedContact& refused);

}  // namespace troupe::dht
