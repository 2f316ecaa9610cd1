#include "actors/dht/wire.hpp"

#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/sealing.hpp"
#include "messages/contact.hpp"

namespace troupe::dht {

using base::Code;
using base::Error;

namespace {
constexpr std::size_t kErrorBytesMax = 1'024;  // messages/common.capnp, Error
}  // namespace

std::optional<Contact> read_contact(messages::wire::Contact::Reader from, unsigned work_bits) {
  const base::Contact where = messages::read_contact(from);
  if (!where.endpoint.dialable()) return std::nullopt;
  const auto id = crypto::check(where.key, where.nonce, work_bits);
  if (!id) return std::nullopt;
  return Contact{*id, where};
}

std::vector<Contact> read_contacts(capnp::List<messages::wire::Contact>::Reader from, std::size_t most,
                                   unsigned work_bits) {
  std::vector<Contact> out;
  for (unsigned i = 0; i < std::min<std::size_t>(from.size(), most); ++i)
    if (auto contact = read_contact(from[i], work_bits)) out.push_back(std::move(*contact));
  return out;
}

std::vector<Contact> own_contacts(capnp::List<messages::wire::Contact>::Reader from) {
  std::vector<Contact> out;
  for (const auto one : from) {
    const base::Contact where = messages::read_contact(one);
    out.push_back({crypto::node_id(where.key, where.nonce), where});
  }
  return out;
}

void write(messages::wire::Contact::Builder to, const Contact& contact) { messages::write_contact(to, contact.where); }

void write(capnp::List<messages::wire::Contact>::Builder to, const std::vector<Contact>& contacts) {
  for (unsigned i = 0; i < to.size(); ++i) write(to[i], contacts[i]);
}

void write_asker(wire::Asker::Builder to, const DhtSettings& settings) {
  const crypto::Identity& own = *settings.identity;
  messages::write_contact(to.initContact(), {own.public_key(), own.nonce(), settings.endpoint});
}

std::optional<Contact> read_asker(wire::Asker::Reader from, const std::optional<base::NodeId>& sender,
                                  unsigned work_bits) {
  if (!sender || !from.hasContact()) return std::nullopt;
  const base::Contact where = messages::read_contact(from.getContact());
  const auto id = crypto::check(where.key, where.nonce, work_bits);
  if (id != sender) return std::nullopt;
  return Contact{*id, where};
}

void write(wire::GotValue::Builder to, const KvRecord& record, const crypto::Identity& own) {
  to.setOwner(data_of(record.owner.view()));
  to.setName(data_of(record.name));
  to.setSequence(record.sequence);
  to.setCreated(base::unix_seconds(record.created));
  to.setExpires(base::unix_seconds(record.expires));
  if (record.sealing == Sealing::open) return to.setValue(data_of(record.value));
  const auto opened = open_as(record.value, key_of_name(record.owner, record.name), record.owner, own);
  to.setSealed(!opened.ok());
  to.setValue(data_of(opened.ok() ? opened.value() : record.value));
}

Error to_error(RecordError why) {
  switch (why) {
    case RecordError::malformed: return {Code::malformed, "not a valid record"};
    case RecordError::oversize:
      return {Code::malformed, "invalid value: a name has at most 64 bytes, a value at most 65,536"};
    case RecordError::foreign_key: return {Code::refused, "the record belongs under another key"};
    case RecordError::bad_signature: return {Code::refused, "the record is not signed by its owner"};
    case RecordError::expired: return {Code::refused, "the record has expired"};
    case RecordError::from_the_future:
      return {Code::refused,
              "the record was made in the future: one of two clocks is wrong, and 'troupe status' says which"};
    case RecordError::too_long_lived: return {Code::refused, "invalid lifetime: a record lasts at most seven days"};
    case RecordError::lacks_work: return {Code::refused, "the node id lacks the work that this network requires"};
  }
  return {Code::internal, "invalid record: unknown reason"};
}

void write(messages::wire::Error::Builder to, const Error& error) {
  to.setCode(static_cast<std::uint16_t>(error.code));
  to.setMessage(error.message.substr(0, kErrorBytesMax));
  to.setRetryAfterMs(static_cast<std::uint32_t>(std::clamp<std::int64_t>(error.retry_after.count(), 0, UINT32_MAX)));
}

Error read(messages::wire::Error::Reader from) {
  return {base::code_of(from.getCode()), text_of(from.getMessage()).substr(0, kErrorBytesMax),
          std::chrono::milliseconds(from.getRetryAfterMs())};
}

std::string_view name(Ending ending) {
  constexpr std::string_view kNames[] = {"found", "converged", "gave up", "nobody", "deadline", "cancelled"};
  return kNames[static_cast<std::size_t>(ending)];
}

void write(wire::Question::Builder to, const Hop& hop, base::Instant now) {
  write(to.initContact(), hop.whom);
  to.setPath(static_cast<std::uint8_t>(hop.path));
  to.setDepth(static_cast<std::uint8_t>(std::min<std::size_t>(hop.depth, 255)));
  to.setDistance(data_of(hop.distance.view()));
  if (hop.named_by) to.setNamedBy(data_of(hop.named_by->view()));
  to.setChosen(std::string(text_of(hop.chosen)));
  to.setFate(std::string(text_of(hop.fate)));
  const base::Duration took = hop.fate == Fate::waiting || hop.fate == Fate::late ? now - hop.asked_at : hop.took;
  to.setMicroseconds(us_of(took));
  to.setHasValue(hop.version.has_value());
  if (hop.version) to.setSequence(hop.version->sequence);
  to.setTaken(static_cast<std::uint8_t>(hop.taken));
}

void write(wire::RefusedContact::Builder to, const RefusedContact& refused) {
  to.setNode(data_of(refused.id.view()));
  to.setNamedBy(data_of(refused.named_by.view()));
  to.setWhy(std::string(text_of(refused.why)));
}

}  // namespace troupe::dht
