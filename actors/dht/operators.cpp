#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/codec.hpp"
#include "actors/dht/parts.hpp"
#include "actors/dht/sealing.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::uint64_t kExpectedAheadMax = std::chrono::milliseconds(std::chrono::days(1)).count();

Error seal_error(SealError why) {
  switch (why) {
    case SealError::no_readers:
      return {Code::malformed, "invalid readers: a sealed value has 1 to 16 different readers"};
    case SealError::reader_refused: return {Code::malformed, "invalid reader: not the public key of a node"};
    case SealError::oversize:
      return {Code::malformed, "value too large: a sealed value with its wrapped keys has at most 65,536 bytes"};
  }
  return {Code::internal, "the value cannot be sealed: unknown reason"};
}

}  // namespace

// -- put and get ------------------------------------------------------------------------------------------------------

void Operators::put(wire::Put::Reader request, runtime::Reply<wire::PutDone> reply) {
  const auto space = space_of(request.getSpace());
  if (!space) return reply.refuse({Code::unsupported, "unknown space"});
  const auto name = bytes_of(request.getName()), value = bytes_of(request.getValue());
  if (name.size() > kNameBytesMax || value.size() > kValueBytesMax)
    return reply.refuse({Code::malformed, "invalid value: a name has at most 64 bytes, a value at most 65,536"});
  if (request.getReaders().size() > 0 && *space != Space::kv)
    return reply.refuse({Code::malformed, "readers need a signed value (/kv)"});
  if ((request.getSeconds() > 0 || request.getExpected().isSequence()) && *space != Space::kv)
    return reply.refuse({Code::malformed, "a lifetime or an expected sequence needs a signed value (/kv)"});
  if (request.getSeconds() > static_cast<std::uint64_t>(std::chrono::seconds(kLifetimeMax).count()))
    return reply.refuse({Code::malformed, "invalid lifetime: a record lasts at most seven days"});
  Put put{.explain = request.getExplain(), .asker = sender(), .reply = std::move(reply)};
  const crypto::Identity& identity = *head_.settings().identity;
  switch (*space) {
    case Space::pk: return store(PkRecord{identity.public_key(), identity.nonce()}, std::move(put));
    case Space::cid: return store(CidRecord{{value.begin(), value.end()}}, std::move(put));
    case Space::kv: break;
  }
  if (request.getSeconds() > 0) put.lasts = std::chrono::seconds(request.getSeconds());
  KvRecord record;
  record.name.assign(name.begin(), name.end());
  record.value.assign(value.begin(), value.end());
  const Key place = key_of_name(identity.public_key(), name);
  if (request.getReaders().size() > 0) {
    std::vector<base::PublicKey> readers;
    for (const auto one : request.getReaders()) {
      const auto key = base::PublicKey::from(bytes_of(one));
      if (!key) return put.reply.refuse({Code::malformed, "invalid reader: a public key has 32 bytes"});
      readers.push_back(*key);
    }
    auto sealed = seal_for(value, readers, place, identity, world().chance);
    if (!sealed.ok()) return put.reply.refuse(seal_error(sealed.error()));
    record.value = std::move(sealed).value();
    record.sealing = Sealing::sealed;
  }
  if (request.getExpected().isSequence()) put.expected = request.getExpected().getSequence();
  const std::uint64_t expected = put.expected.value_or(0);
  if (expected > date_number() + kExpectedAheadMax && head_.held_sequence({Space::kv, place}) != expected)
    return put.reply.refuse({Code::malformed,
                             "the expected sequence is a date more than a day ahead, and not the stored one: a "
                             "higher sequence could soon leave none for later values"});
  if (expected > 0) return put_in_place(std::move(record), std::move(put));
  const auto dated_record = dated(std::move(record), place, put.lasts, put.expected);
  store(sign(identity.key(), dated_record), std::move(put));
}

/// A node without a record may be new, and accepts a record with any expected sequence (BEP 44). So all holders are
/// first asked for their newest sequence, which must be the expected one. Each still decides by its own record at that
/// time.
void Operators::put_in_place(KvRecord record, Put put) {
  const Key place = key_of_name(head_.settings().identity->public_key(), record.name);
  const runtime::Handle asker = put.asker;
  head_.search_for(
      {.asker = asker},
      [&](wire::Search::Builder out) {
        out.setKey(data_of(place.view()));
        out.getGoal().setValue(static_cast<std::uint8_t>(Space::kv));
        out.setQuorum(kContactsMax);
      },
      [this, record = std::move(record), place, put = std::move(put)](const Searched& end) mutable {
        if (!end.answer.ok()) return put.reply.refuse(end.answer.error());
        if (const auto why = unexpected_error(end.answer.value(), *put.expected)) return put.reply.refuse(*why);
        const auto dated_record = dated(std::move(record), place, put.lasts, put.expected);
        store(sign(head_.settings().identity->key(), dated_record), std::move(put));
      });
}

std::uint64_t Operators::date_number() const {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(wall().since_origin());
  return static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 1));
}

/// Continues from the highest signed sequence, because the date may have been set back since. Ignores sequences that a
/// user has chosen.
void Operators::continue_from(std::uint64_t sequence) {
  constexpr std::uint64_t kAheadMax = std::chrono::milliseconds(std::chrono::years(1)).count();
  if (sequence <= date_number() + kAheadMax) last_sequence_ = std::max(last_sequence_, sequence);
}

/// Dates the record. Sequences grow across restarts because they come from the date; they never fall below stored or
/// published ones.
KvRecord Operators::dated(KvRecord record, const Key& place, std::chrono::seconds lasts,
                          std::optional<std::uint64_t> expected) {
  record.created = wall();
  record.expires = wall() + lasts;
  const std::uint64_t held = head_.held_sequence({Space::kv, place}).value_or(0);
  record.sequence = std::max({date_number(), last_sequence_ + 1, held + 1, expected.value_or(0) + 1});
  continue_from(record.sequence);
  return record;
}

void Operators::store(const Record& record, Put put) {
  const Key key = key_of(record);
  const base::Bytes bytes = encode(record);
  const auto* content = std::get_if<CidRecord>(&record);
  const auto digest = content ? std::optional(crypto::sha256(content->value)) : std::nullopt;
  const runtime::Handle asker = put.asker;
  head_.search_for(
      {.asker = asker},
      [&](wire::Search::Builder out) {
        out.setKey(data_of(key.view()));
        auto publication = out.getGoal().initStore();
        publication.setRecord(data_of(bytes));
        if (put.expected) publication.getExpected().setSequence(*put.expected);
        out.setExplain(put.explain);
      },
      [this, key, digest, sequence = sequence_of(record), what = static_cast<Published>(space_of(record)), bytes,
       reply = std::move(put.reply)](const Searched& end) mutable {
        if (!end.answer.ok()) return reply.refuse(end.answer.error());
        const auto result = end.answer.value();
        const auto why = store_error(result);
        if (!why || may_be_stored(what, *why)) head_.publish(what, key, bytes, result.getStored());
        if (why) return reply.refuse(*why);
        reply.send([&](wire::PutDone::Builder out) {
          out.setKey(data_of(key.view()));
          if (digest) out.setDigest(data_of(digest->view()));
          out.setSequence(sequence);
          out.setSearch(result);
        });
      });
}

/// Returns whether nodes may have stored it, though too few have acknowledged. A record that can change is republished:
/// otherwise the sweep would push its previous version to nodes that lack it. A record that cannot change has no
/// previous version, and its put can be repeated.
bool Operators::may_be_stored(Published what, const Error& why) {
  return what == Published::kv && why.code == Code::unknown_outcome;
}

void Operators::get(wire::GetValue::Reader question, runtime::Reply<wire::GotValue> reply) {
  if (!space_of(question.getSpace())) return reply.refuse({Code::unsupported, "unknown space"});
  const auto what = sought(bytes_of(question.getDigest()), bytes_of(question.getKey()), bytes_of(question.getName()));
  if (!what) return reply.refuse({Code::malformed, "invalid key: a key has 20 bytes, a content id 32"});
  head_.search_for(
      {.asker = sender()},
      [&](wire::Search::Builder out) {
        out.setKey(data_of(what->key.view()));
        out.getGoal().setValue(question.getSpace());
        out.setQuorum(question.getQuorum());
        out.setExplain(question.getExplain());
      },
      [this, digest = what->digest, explain = question.getExplain(),
       reply = std::move(reply)](const Searched& end) mutable {
        const auto why = unread(end, digest);
        if (why && (!explain || !end.answer.ok())) return reply.refuse(*why);
        reply.send([&](wire::GotValue::Builder out) {
          if (!why) return write_got(out, end);
          out.setSearch(end.answer.value());
          write(out.initError(), *why);
        });
      });
}

std::optional<Operators::Sought> Operators::sought(base::ByteView digest, base::ByteView key,
                                                   base::ByteView name) const {
  if (!digest.empty()) {
    const auto cid = base::Digest::from(digest);
    return cid ? std::optional(Sought{dht::key_of(*cid), cid}) : std::nullopt;
  }
  if (key.empty()) return Sought{key_of_name(head_.settings().identity->public_key(), name)};
  const auto place = Key::from(key);
  return place ? std::optional(Sought{*place}) : std::nullopt;
}

std::optional<Error> Operators::unread(const Searched& end, const std::optional<base::Digest>& digest) {
  if (!end.answer.ok()) return end.answer.error();
  if (end.record == nullptr) {
    if (auto unheard = unheard_error(end.answer.value())) return unheard;
    return Error{Code::not_found, "no node that should store this key has a value"};
  }
  const auto* content = std::get_if<CidRecord>(end.record);
  if (digest && content && crypto::sha256(content->value) != *digest)
    return Error{Code::not_found, "the value there has another content id with the same first 20 bytes"};
  return std::nullopt;
}

void Operators::write_got(wire::GotValue::Builder out, const Searched& end) const {
  out.setSearch(end.answer.value());
  if (const auto* content = std::get_if<CidRecord>(end.record)) return out.setValue(data_of(content->value));
  if (const auto* own_key = std::get_if<PkRecord>(end.record)) return out.setValue(data_of(own_key->key.view()));
  write(out, std::get<KvRecord>(*end.record), *head_.settings().identity);
}

void Operators::nearest(wire::FindNearest::Reader question, runtime::Reply<wire::Nearest> reply) {
  const auto target = read_key(question.getTarget());
  if (!target) return reply.refuse({Code::malformed, "invalid node id: an id has 20 bytes"});
  head_.search_for(
      {.asker = sender()},
      [&](wire::Search::Builder out) {
        out.setKey(data_of(target->view()));
        out.setExplain(question.getExplain());
      },
      [reply = std::move(reply)](const Searched& end) mutable {
        if (!end.answer.ok()) return reply.refuse(end.answer.error());
        reply.send([&](wire::Nearest::Builder out) { out.setSearch(end.answer.value()); });
      });
}

}  // namespace troupe::dht
