// What people ask: values put and got, nodes and providers found, the table shown.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/lookup_actor.hpp"
#include "actors/dht/sealing.hpp"
#include "actors/dht/wire.hpp"
#include "actors/files/api.hpp"
#include "messages/files.capnp.h"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::chrono::seconds kHasDue{5};

Error seal_error(SealError why) {
  switch (why) {
    case SealError::no_readers: return {Code::malformed, "a sealed value has 1 to 16 readers, each once"};
    case SealError::reader_refused: return {Code::malformed, "one of the readers is no key of a node"};
    case SealError::oversize: return {Code::malformed, "a sealed value and what it needs have at most 65,536 bytes"};
  }
  return {Code::internal, "a value cannot be sealed for a reason that has no name"};
}

/// What became of a store: nothing if enough nodes have it.
std::optional<Error> refused(wire::SearchResult::Reader result, std::size_t copies) {
  const std::size_t stores = result.getStores(), stored = result.getStored();
  if (stores > 0 && stored >= stores_needed(stores, copies)) return std::nullopt;
  if (stores == 0) return Error{Code::unavailable, "no other node answered"};
  if (result.hasRefusal() && stored == 0) {
    const auto said = result.getRefusal();
    const std::string present = std::to_string(said.getPresent());
    switch (said.getResult()) {
      case wire::StoreDone::Result::CONFLICT:
        return Error{Code::conflict, "conflict: the sequence held is " + present + ", not the one expected"};
      case wire::StoreDone::Result::OLDER:
        return Error{Code::conflict, "a newer record is held, with the sequence " + present};
      case wire::StoreDone::Result::TIED:
        return Error{Code::conflict, "another record with the sequence " + present + " is held"};
      case wire::StoreDone::Result::OWNER_FULL:
        return Error{Code::no_space, "the nodes that should hold it hold as much of this owner as they may"};
      case wire::StoreDone::Result::NO_SPACE: return Error{Code::no_space, "the nodes that should hold it are full"};
      case wire::StoreDone::Result::BAD: return Error{Code::refused, text_of(said.getWhy())};
      case wire::StoreDone::Result::STORED: break;
    }
  }
  return Error{Code::unknown_outcome,
               "only " + std::to_string(stored) + " of " + std::to_string(stores) + " nodes have acknowledged it"};
}

template <class Out>
void copy_result(Out out, wire::SearchResult::Reader result) {
  out.setSearch(result);
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
  Wanted wanted{.goal = wire::Search::Goal::STORE, .explain = order.getExplain()};
  const crypto::Identity& identity = *settings_->identity;
  switch (*space) {
    case Space::pk: return put(PkRecord{identity.public_key(), identity.nonce()}, std::move(wanted), std::move(reply));
    case Space::cid: return put(CidRecord{{value.begin(), value.end()}}, std::move(wanted), std::move(reply));
    case Space::kv: break;
  }
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
  const auto seconds = order.getSeconds() == 0 ? kLifetimeDefault : std::chrono::seconds(order.getSeconds());
  if (seconds > kLifetimeMax) return reply.refuse({Code::malformed, "a record lasts seven days at most"});
  record.created = wall();
  record.expires = wall() + seconds;
  if (order.getExpected().isSequence()) wanted.expected = order.getExpected().getSequence();
  // The date makes numbers that grow over restarts without a row; what is held here already is never gone below.
  const auto held = held_->find({Space::kv, place}, wall());
  const auto date = static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(wall().since_origin()).count(), 1));
  record.sequence =
      std::max({date, last_sequence_ + 1, held ? held->sequence + 1 : 1, wanted.expected.value_or(0) + 1});
  last_sequence_ = record.sequence;
  put(sign(identity.key(), std::move(record)), std::move(wanted), std::move(reply));
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
    if (const auto why = refused(result, settings_->copies)) return reply.refuse(*why);
    publish(what, key, bytes);
    reply.send([&](wire::PutDone::Builder out) {
      out.setKey(data_of(key.view()));
      if (digest) out.setDigest(data_of(digest->view()));
      out.setSequence(sequence);
      copy_result(out, result);
    });
  });
}

/// From now on it is kept in the network. That it is known to be is not waited for: it is there already.
void DhtActor::publish(Published what, const Key& key, base::ByteView record) {
  tell<wire::Published>(republish_, [&](wire::Published::Builder out) {
    out.setWhat(static_cast<std::uint8_t>(what));
    out.setKey(data_of(key.view()));
    out.setRecord(data_of(record));
  });
}

void DhtActor::answer(wire::GetValue::Reader question, Reply<wire::GotValue> reply) {
  const auto space = space_of(question.getSpace());
  if (!space) return reply.refuse({Code::unsupported, "this node does not know that space"});
  Wanted wanted{.goal = wire::Search::Goal::VALUE,
                .space = space,
                .quorum = question.getQuorum(),
                .explain = question.getExplain()};
  std::optional<base::Digest> digest;
  if (question.hasDigest()) {
    digest = base::Digest::from(bytes_of(question.getDigest()));
    if (!digest) return reply.refuse({Code::malformed, "a content id has 32 bytes"});
    wanted.key = dht::key_of(*digest);
  } else if (question.hasKey()) {
    const auto key = read_key(question.getKey());
    if (!key) return reply.refuse({Code::malformed, "a key has 20 bytes"});
    wanted.key = *key;
  } else {
    wanted.key = key_of_name(settings_->identity->public_key(), bytes_of(question.getName()));
  }
  search(wanted, [this, digest, reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
    if (!answer.ok()) return reply.refuse(answer.error());
    const auto result = answer.value();
    if (!result.hasRecord()) {
      if (result.getAsked() == 0 || result.getNearest().size() > 0)
        return reply.refuse({Code::not_found, "no node that should hold it has a value"});
      return reply.refuse({Code::unavailable, "no node answered"});
    }
    const auto record = parse(bytes_of(result.getRecord()));
    if (!record.ok()) return reply.refuse(to_error(record.error()));
    const auto* content = std::get_if<CidRecord>(&record.value());
    if (digest && content && crypto::sha256(content->value) != *digest)
      return reply.refuse({Code::not_found, "what lies there has another content id with the same first 20 bytes"});
    reply.send([&](wire::GotValue::Builder out) {
      copy_result(out, result);
      if (content) return out.setValue(data_of(content->value));
      if (const auto* own_key = std::get_if<PkRecord>(&record.value()))
        return out.setValue(data_of(own_key->key.view()));
      write(out, std::get<KvRecord>(record.value()), *settings_->identity);
    });
  });
}

// -- nodes and providers ---------------------------------------------------------------------------------------------

void DhtActor::answer(wire::FindNearest::Reader question, Reply<wire::Nearest> reply) {
  const auto target = read_key(question.getTarget());
  if (!target) return reply.refuse({Code::malformed, "an id has 20 bytes"});
  search(Wanted{.key = *target, .explain = question.getExplain()},
         [reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
           if (!answer.ok()) return reply.refuse(answer.error());
           reply.send([&](wire::Nearest::Builder out) { copy_result(out, answer.value()); });
         });
}

/// What this node does not hold it does not announce.
void DhtActor::answer(wire::Provide::Reader order, Reply<wire::PutDone> reply) {
  const auto cid = base::Digest::from(bytes_of(order.getCid()));
  if (!cid) return reply.refuse({Code::malformed, "a content id has 32 bytes"});
  if (client()) return reply.refuse({Code::refused, "this node cannot be dialled, and provides nothing"});
  ask<files::wire::HasContents, files::wire::Has>(
      node().find(files::kHolderPath), now() + kHasDue,
      [&](files::wire::HasContents::Builder out) {
        auto list = out.initContents(1);
        const auto bytes = cid->view();
        const auto word = [&](std::size_t at) {
          std::uint64_t value = 0;
          for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
          return value;
        };
        list[0].setId0(word(0));
        list[0].setId1(word(8));
        list[0].setId2(word(16));
        list[0].setId3(word(24));
        list[0].setKind(files::wire::ContentKind::MANIFEST);
      },
      [this, cid = *cid, explain = order.getExplain(),
       reply = std::move(reply)](runtime::Answer<files::wire::Has> answer) mutable {
        if (!answer.ok()) return reply.refuse(answer.error());
        if (answer.value().getPresent().size() != 1 || !answer.value().getPresent()[0])
          return reply.refuse({Code::not_found, "this node does not hold " + cid.hex()});
        provide(cid, explain, std::move(reply));
      });
}

void DhtActor::provide(const base::Digest& cid, bool explain, Reply<wire::PutDone> reply) {
  const Key key = dht::key_of(cid);
  search(Wanted{.key = key, .goal = wire::Search::Goal::PROVIDE, .explain = explain},
         [this, key, cid, reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
           if (!answer.ok()) return reply.refuse(answer.error());
           if (const auto why = refused(answer.value(), settings_->copies)) return reply.refuse(*why);
           publish(Published::provider, key, {});
           reply.send([&](wire::PutDone::Builder out) {
             out.setKey(data_of(key.view()));
             out.setDigest(data_of(cid.view()));
             copy_result(out, answer.value());
           });
         });
}

void DhtActor::answer(wire::FindProviders::Reader question, Reply<wire::FoundProviders> reply) {
  const auto bytes = bytes_of(question.getCid());
  const auto key = Key::from(bytes.first(std::min(bytes.size(), Key::kBytes)));
  if (!key || (bytes.size() != Key::kBytes && bytes.size() != base::Digest::kBytes))
    return reply.refuse({Code::malformed, "a content id has 32 bytes, its key 20"});
  search(Wanted{.key = *key,
                .goal = wire::Search::Goal::PROVIDERS,
                .providers_max = std::clamp<std::uint16_t>(question.getProvidersMax(), 1, 1'000),
                .explain = question.getExplain()},
         [reply = std::move(reply)](runtime::Answer<wire::SearchResult>& answer) mutable {
           if (!answer.ok()) return reply.refuse(answer.error());
           reply.send([&](wire::FoundProviders::Builder out) { copy_result(out, answer.value()); });
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
