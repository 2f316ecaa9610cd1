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
    case RecordError::malformed: return {Code::malformed, "that is no record"};
    case RecordError::oversize: return {Code::malformed, "a name has at most 64 bytes, a value 65,536"};
    case RecordError::foreign_key: return {Code::refused, "the record belongs under another key"};
    case RecordError::bad_signature: return {Code::refused, "its owner has not signed the record"};
    case RecordError::expired: return {Code::refused, "the record has expired"};
    case RecordError::from_the_future:
      return {Code::refused, "the record was made in the future: one of two clocks is wrong"};
    case RecordError::too_long_lived: return {Code::refused, "a record lasts seven days at most"};
    case RecordError::lacks_work: return {Code::refused, "the id lacks the work that this network asks for"};
  }
  return {Code::internal, "a record is no good for a reason that has no name"};
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

namespace {

Error conflict_with(std::uint64_t present) {
  return {Code::conflict, "conflict: the sequence held is " + std::to_string(present) + ", not the one expected"};
}

Error error_of(wire::StoreDone::Reader said) {
  const std::string present = std::to_string(said.getPresent());
  switch (said.getResult()) {
    case wire::StoreDone::Result::CONFLICT: return conflict_with(said.getPresent());
    case wire::StoreDone::Result::OLDER:
      return {Code::conflict, "a newer record is held, with the sequence " + present};
    case wire::StoreDone::Result::TIED:
      return {Code::conflict, "another record with the sequence " + present + " is held"};
    case wire::StoreDone::Result::OWNER_FULL:
      return {Code::no_space, "the nodes that should hold it hold as much of this owner as they may"};
    case wire::StoreDone::Result::NO_SPACE: return {Code::no_space, "the nodes that should hold it are full"};
    case wire::StoreDone::Result::BAD: return {Code::refused, text_of(said.getWhy())};
    case wire::StoreDone::Result::STORED: break;
  }
  return {Code::internal, "a node has not stored it for a reason that has no name"};
}

/// Of all, or of one item.
template <class Result>
std::optional<Error> store_error(Result result, std::size_t asked, const std::string& own_failure) {
  const std::size_t stored = result.getStored(), needed = result.getNeeded(), silent = result.getSilent();
  if (asked == 0 && result.getBusy() > 0)
    return Error{Code::overloaded,
                 "nothing is stored, as this node or others have too much to do: " + std::to_string(result.getBusy()) +
                     " nodes that it knows could not be asked; put it again in some seconds",
                 std::chrono::seconds(2)};
  if (asked == 0)
    return Error{Code::unavailable,
                 "no other node answered, and nothing is stored; see by 'troupe peers' whether this node has links"};
  if (stored >= needed) return std::nullopt;
  if (result.hasRefusal() && stored == 0) {
    Error refused = error_of(result.getRefusal());
    const std::string own = "this node's own store: " + own_failure;
    if (refused.code == Code::no_space && !own_failure.empty())
      refused.message = asked == 1 ? own : refused.message + "; " + own;
    return refused;
  }
  std::string text = "only " + std::to_string(stored) + " of " + std::to_string(asked) +
                     " nodes have acknowledged it, and " + std::to_string(needed) + " have to";
  if (asked < needed && silent > 0)
    text += "; " + std::to_string(silent) + " more that this node knows have not answered: see by 'troupe peers' which";
  else if (asked < needed) text += ": too few answered";
  if (!own_failure.empty()) text += "; this node's own store: " + own_failure;
  return Error{Code::unknown_outcome, text};
}

}  // namespace

std::optional<Error> store_error(wire::SearchResult::Reader result) {
  return store_error(result, result.getStores(), text_of(result.getOwnFailure()));
}

std::optional<Error> store_error(wire::ItemResult::Reader result) { return store_error(result, result.getAsked(), {}); }

std::optional<Error> unheard_error(wire::SearchResult::Reader result) {
  const unsigned heard = result.getNearest().size();
  if (!unheard(result)) return std::nullopt;
  if (heard > 0)
    return Error{Code::unavailable,
                 "only " + std::to_string(heard) + " of the " + std::to_string(heard + result.getSilentLately()) +
                     " nodes that this one knows have answered, and none of them has it; what the "
                     "others have is not known: ask again, and see by 'troupe peers' which have links"};
  const unsigned known = std::max<unsigned>(result.getAsked(), result.getSilent());
  if (known == 0)
    return Error{Code::unavailable,
                 "nobody could be asked: this node knows no other that can be dialled, so that what others have is not "
                 "known; make it known to one by 'troupe peers connect HOST:PORT', or start it with --join"};
  return Error{Code::unavailable, "none of the " + std::to_string(known) +
                                      " nodes that this one knows has answered, so that what others have is not known; "
                                      "see by 'troupe peers' whether this node has links"};
}

std::optional<Error> unexpected_error(wire::SearchResult::Reader result, std::uint64_t sequence) {
  if (!result.hasRecord()) {
    if (auto unheard = unheard_error(result)) return unheard;
    return Error{Code::conflict, "conflict: no node that should hold it has a value, nor the sequence expected"};
  }
  if (result.getSilent() > result.getNearest().size())
    return Error{Code::unavailable, std::to_string(result.getSilent()) +
                                        " nodes that may hold a newer value have not answered: see by 'troupe peers' "
                                        "which of them have links"};
  const auto record = parse(bytes_of(result.getRecord()));
  if (!record.ok()) return to_error(record.error());
  const std::uint64_t present = sequence_of(record.value());
  return present == sequence ? std::nullopt : std::optional(conflict_with(present));
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
