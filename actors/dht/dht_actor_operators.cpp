// What people ask: values put and got, nodes and providers found, the table shown.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/sealing.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::uint64_t kExpectedAheadMax = std::chrono::milliseconds(std::chrono::days(1)).count();

Error seal_error(SealError why) {
  switch (why) {
    case SealError::no_readers: return {Code::malformed, "a sealed value has 1 to 16 readers, each once"};
    case SealError::reader_refused: return {Code::malformed, "one of the readers is no key of a node"};
    case SealError::oversize: return {Code::malformed, "a sealed value and what it needs have at most 65,536 bytes"};
  }
  return {Code::internal, "a value cannot be sealed for a reason that has no name"};
}

}  // namespace

// -- put and get -----------------------------------------------------------------------------------------------------

void DhtActor::answer(wire::Put::Reader order, Reply<wire::PutDone> reply) {
  const auto space = space_of(order.getSpace());
  if (!space) return reply.refuse({Code::unsupported, "this node does not know that space"});
  const auto name = bytes_of(order.getName()), value = bytes_of(order.getValue());
  if (name.size() > kNameBytesMax || value.size() > kValueBytesMax)
    return reply.refuse({Code::malformed, "a name has at most 64 bytes, a value 65,536"});
  if (order.getReaders().size() > 0 && *space != Space::kv)
    return reply.refuse({Code::malformed, "only what this node signs can be sealed for readers"});
  if ((order.getSeconds() > 0 || order.getExpected().isSequence()) && *space != Space::kv)
    return reply.refuse({Code::malformed, "only what this node signs has an end and a number to expect"});
  Wanted wanted{.goal = wire::Search::Goal::STORE, .explain = order.getExplain(), .asker = sender()};
  const crypto::Identity& identity = *settings_->identity;
  switch (*space) {
    case Space::pk: return put(PkRecord{identity.public_key(), identity.nonce()}, std::move(wanted), std::move(reply));
    case Space::cid: return put(CidRecord{{value.begin(), value.end()}}, std::move(wanted), std::move(reply));
    case Space::kv: break;
  }
  const auto lasts = order.getSeconds() == 0 ? kLifetimeDefault : std::chrono::seconds(order.getSeconds());
  if (lasts > kLifetimeMax) return reply.refuse({Code::malformed, "a record lasts seven days at most"});
  KvRecord record;
  record.name.assign(name.begin(), name.end());
  record.value.assign(value.begin(), value.end());
  const Key place = key_of_name(identity.public_key(), name);
  if (order.getReaders().size() > 0) {
    std::vector<base::PublicKey> readers;
    for (const auto one : order.getReaders()) {
      const auto key = base::PublicKey::from(bytes_of(one));
      if (!key) return reply.refuse({Code::malformed, "a reader is named by a key of 32 bytes"});
      readers.push_back(*key);
    }
    auto sealed = seal_for(value, readers, place, identity, world().chance);
    if (!sealed.ok()) return reply.refuse(seal_error(sealed.error()));
    record.value = std::move(sealed).value();
    record.sealing = Sealing::sealed;
  }
  if (order.getExpected().isSequence()) wanted.expected = order.getExpected().getSequence();
  const auto held = held_->find({Space::kv, place}, wall());
  if (wanted.expected.value_or(0) > date_number() + kExpectedAheadMax && !(held && held->sequence == wanted.expected))
    return reply.refuse({Code::malformed,
                         "the sequence expected is a date more than a day ahead, and not the one held here: a number "
                         "beyond it could soon leave none for the values after it"});
  if (wanted.expected.value_or(0) > 0)
    return put_in_place(std::move(record), lasts, std::move(wanted), std::move(reply));
  put(sign(identity.key(), dated(std::move(record), place, lasts, wanted.expected)), std::move(wanted),
      std::move(reply));
}

/// Whoever holds nothing may be new, and takes what expects any sequence (BEP 44): so that the one expected is there,
/// and the newest, is asked of all holders before. Each of them still decides by what it holds then.
void DhtActor::put_in_place(KvRecord record, std::chrono::seconds lasts, Wanted wanted, Reply<wire::PutDone> reply) {
  const Key place = key_of_name(settings_->identity->public_key(), record.name);
  const Wanted before{.key = place,
                      .goal = wire::Search::Goal::VALUE,
                      .space = Space::kv,
                      .quorum = kContactsMax,
                      .asker = wanted.asker};
  search(before, [this, record = std::move(record), place, lasts, wanted = std::move(wanted),
                  reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
    if (!answer.ok()) return reply.refuse(answer.error());
    if (const auto why = unexpected_error(answer.value(), *wanted.expected)) return reply.refuse(*why);
    const auto dated_record = dated(std::move(record), place, lasts, wanted.expected);
    put(sign(settings_->identity->key(), dated_record), std::move(wanted), std::move(reply));
  });
}

std::uint64_t DhtActor::date_number() const {
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(wall().since_origin());
  return static_cast<std::uint64_t>(std::max<std::int64_t>(since.count(), 1));
}

/// The date may have been set back since. Numbers of another kind, which a user has chosen, are not gone on from.
void DhtActor::continue_from(std::uint64_t sequence) {
  constexpr std::uint64_t kAheadMax = std::chrono::milliseconds(std::chrono::years(1)).count();
  if (sequence <= date_number() + kAheadMax) last_sequence_ = std::max(last_sequence_, sequence);
}

/// The date makes numbers that grow over restarts; what is held here or was published before is never gone below.
KvRecord DhtActor::dated(KvRecord record, const Key& place, std::chrono::seconds lasts,
                         std::optional<std::uint64_t> expected) {
  record.created = wall();
  record.expires = wall() + lasts;
  const auto held = held_->find({Space::kv, place}, wall());
  record.sequence =
      std::max({date_number(), last_sequence_ + 1, held ? held->sequence + 1 : 1, expected.value_or(0) + 1});
  continue_from(record.sequence);
  return record;
}

void DhtActor::put(const Record& record, Wanted wanted, Reply<wire::PutDone> reply) {
  wanted.key = key_of(record);
  wanted.record = encode(record);
  const std::uint64_t sequence = sequence_of(record);
  const auto* content = std::get_if<CidRecord>(&record);
  const auto digest = content ? std::optional(crypto::sha256(content->value)) : std::nullopt;
  const Key key = wanted.key;
  const base::Bytes bytes = wanted.record;
  const auto what = static_cast<Published>(space_of(record));
  search(wanted, [this, key, digest, sequence, what, bytes,
                  reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
    if (!answer.ok()) return reply.refuse(answer.error());
    const auto result = answer.value();
    const auto why = store_error(result);
    if (!why || may_be_stored(what, *why)) publish(what, key, bytes, result.getStored());
    if (why) return reply.refuse(*why);
    reply.send([&](wire::PutDone::Builder out) {
      out.setKey(data_of(key.view()));
      if (digest) out.setDigest(data_of(digest->view()));
      out.setSequence(sequence);
      out.setSearch(result);
    });
  });
}

/// Too few have said so, and some may: what changes is published again, as else the sweep would bring the record before
/// it to those that have not this one. What cannot change has none before it, and its put can be repeated.
bool DhtActor::may_be_stored(Published what, const Error& why) {
  return what == Published::kv && why.code == Code::unknown_outcome;
}

/// From now on it is kept in the network, where `stored` nodes have it. That it is known to be is not waited for.
void DhtActor::publish(Published what, const Key& key, base::ByteView record, std::size_t stored) {
  tell<wire::Published>(republish_, [&](wire::Published::Builder out) {
    out.setWhat(static_cast<std::uint8_t>(what));
    out.setKey(data_of(key.view()));
    out.setRecord(data_of(record));
    out.setHurry(stored <= 1);
  });
}

void DhtActor::answer(wire::GetValue::Reader question, Reply<wire::GotValue> reply) {
  const auto space = space_of(question.getSpace());
  if (!space) return reply.refuse({Code::unsupported, "this node does not know that space"});
  Wanted wanted{.goal = wire::Search::Goal::VALUE,
                .space = space,
                .quorum = question.getQuorum(),
                .explain = question.getExplain(),
                .asker = sender()};
  const auto what = sought(bytes_of(question.getDigest()), bytes_of(question.getKey()), bytes_of(question.getName()));
  if (!what) return reply.refuse({Code::malformed, "a key has 20 bytes, a content id 32"});
  wanted.key = what->key;
  search(wanted, [this, what = *what, explain = question.getExplain(),
                  reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
    const auto why = unread(answer, what.digest);
    if (why && (!explain || !answer.ok())) return reply.refuse(*why);
    reply.send([&](wire::GotValue::Builder out) {
      if (!why) return write_got(out, answer.value());
      out.setSearch(answer.value());
      write(out.initError(), *why);
    });
  });
}

std::optional<DhtActor::Sought> DhtActor::sought(base::ByteView digest, base::ByteView key, base::ByteView name) const {
  if (!digest.empty()) {
    const auto cid = base::Digest::from(digest);
    return cid ? std::optional(Sought{dht::key_of(*cid), cid}) : std::nullopt;
  }
  if (key.empty()) return Sought{key_of_name(settings_->identity->public_key(), name)};
  const auto place = Key::from(key);
  return place ? std::optional(Sought{*place}) : std::nullopt;
}

/// Why there is no value to give; nothing if there is.
std::optional<Error> DhtActor::unread(runtime::Answer<wire::SearchResult>& answer,
                                      const std::optional<base::Digest>& digest) {
  if (!answer.ok()) return answer.error();
  const auto result = answer.value();
  if (!result.hasRecord()) {
    if (auto unheard = unheard_error(result)) return unheard;
    return Error{Code::not_found, "no node that should hold it has a value"};
  }
  const auto record = parse(bytes_of(result.getRecord()));
  if (!record.ok()) return to_error(record.error());
  const auto* content = std::get_if<CidRecord>(&record.value());
  if (digest && content && crypto::sha256(content->value) != *digest)
    return Error{Code::not_found, "what lies there has another content id with the same first 20 bytes"};
  return std::nullopt;
}

void DhtActor::write_got(wire::GotValue::Builder out, wire::SearchResult::Reader result) const {
  out.setSearch(result);
  const auto record = parse(bytes_of(result.getRecord())).value();
  if (const auto* content = std::get_if<CidRecord>(&record)) return out.setValue(data_of(content->value));
  if (const auto* own_key = std::get_if<PkRecord>(&record)) return out.setValue(data_of(own_key->key.view()));
  write(out, std::get<KvRecord>(record), *settings_->identity);
}

// -- nodes and providers ---------------------------------------------------------------------------------------------

void DhtActor::answer(wire::FindNearest::Reader question, Reply<wire::Nearest> reply) {
  const auto target = read_key(question.getTarget());
  if (!target) return reply.refuse({Code::malformed, "an id has 20 bytes"});
  search(Wanted{.key = *target, .explain = question.getExplain(), .asker = sender()},
         [reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
           if (!answer.ok()) return reply.refuse(answer.error());
           reply.send([&](wire::Nearest::Builder out) { out.setSearch(answer.value()); });
         });
}

void DhtActor::answer(wire::GetTable::Reader, Reply<wire::TableRows> reply) {
  reply.send([this](wire::TableRows::Builder out) {
    std::vector<Range> ranges;
    for (std::size_t i = 0; i < kRanges; ++i)
      if (!table_.good(Range{static_cast<std::uint8_t>(i)}).empty()) ranges.push_back({static_cast<std::uint8_t>(i)});
    auto buckets = out.initBuckets(static_cast<unsigned>(ranges.size()));
    for (unsigned i = 0; i < buckets.size(); ++i) {
      buckets[i].setRange(ranges[i].prefix);
      const auto& good = table_.good(ranges[i]);
      auto contacts = buckets[i].initContacts(static_cast<unsigned>(good.size()));
      for (unsigned k = 0; k < contacts.size(); ++k) {
        write(contacts[k].initContact(), good[k]);
        const auto seen = last_seen_.find(good[k].id);
        if (seen != last_seen_.end())
          contacts[k].setLastSeenMs(static_cast<std::uint64_t>(
              std::chrono::duration_cast<std::chrono::milliseconds>(now() - seen->second).count()));
      }
    }
    out.setNodes(table_.network_size().nodes);
    out.setClient(client());
  });
}

}  // namespace troupe::dht
