// Records and announcements that this node stores for the network, their rows, and other nodes' requests for them.
#include <algorithm>

#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/logic/audit.hpp"
#include "actors/dht/wire.hpp"
#include "runtime/actor/user.hpp"
#include "runtime/net/logic/datagram.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

// An answer stays within a datagram if the record leaves space (runtime/net/logic/datagram.hpp): all except the record
// and the contacts takes less than 100 bytes.
constexpr std::size_t kDatagramWords = 1'328 - 100;
constexpr std::size_t kContactBytes = 56;

bool needs_link(std::size_t record_bytes) { return record_bytes > kDatagramWords; }

/// Sends an answer that exceeds a datagram: `/datagrams` then reports `too_large` instead, so no byte of it is read.
void answer_too_large(runtime::Reply<wire::FoundValue>& reply) {
  reply.send([](wire::FoundValue::Builder out) { out.initRecord(net::kDatagramBytesMax); });
}

/// Returns how many of the contacts fit into an answer; all of them if it needs a link anyway.
std::size_t fitting(std::size_t contacts, std::size_t other_bytes) {
  if (needs_link(other_bytes)) return contacts;
  return std::min(contacts, (kDatagramWords - other_bytes) / kContactBytes);
}

wire::StoreDone::Result result_of(StoreError why) {
  switch (why) {
    case StoreError::older: return wire::StoreDone::Result::OLDER;
    case StoreError::lost_tie: return wire::StoreDone::Result::TIED;
    case StoreError::conflict: return wire::StoreDone::Result::CONFLICT;
    case StoreError::owner_full: return wire::StoreDone::Result::OWNER_FULL;
    case StoreError::no_space: return wire::StoreDone::Result::NO_SPACE;
  }
  return wire::StoreDone::Result::NO_SPACE;
}

constexpr std::size_t kPageKeys = 256;

std::optional<std::string_view> keyspace_of(capnp::Text::Reader name) {
  for (const std::string_view known : {kRecordRows, kProviderRows})
    if (text_of(name) == known) return known;
  return std::nullopt;
}

}  // namespace

// -- rows ------------------------------------------------------------------------------------------------------------

/// Reads the rows back. Corrupt rows are lost here; other nodes have replicas.
void DhtActor::load(std::string_view keyspace) {
  rows(keyspace).load(
      [this, keyspace](base::ByteView key, base::ByteView value) { return take_row(keyspace, key, value); },
      [this, keyspace](const base::Outcome<void>&) {
        loading_.erase(keyspace);
        rereading_.erase(keyspace);
        expire_at();
      });
}

/// Rereads the keyspaces with rows that found no space, now that space is free.
void DhtActor::read_turned_away() {
  for (const std::string_view keyspace : std::exchange(turned_away_, {})) {
    rereading_.insert(keyspace);
    load(keyspace);
  }
}

store::Use DhtActor::take_row(std::string_view keyspace, base::ByteView key, base::ByteView value) {
  if (world().mutations.on("dht.rows_unread")) return store::Use::keep;
  const bool doubted = check_clock() == Expired::kept;
  const auto taken = keyspace == kRecordRows ? held_->load(key, value, wall()) : providers_->load(key, value, wall());
  // What came during loading is newer, and has written its own row.
  if (taken.ok() || taken.error() == RowError::present) return store::Use::keep;
  if (taken.error() != RowError::full || !doubted) return store::Use::erase;
  // Expired rows may occupy the space: this row is read again when they are dropped.
  turned_away_.insert(keyspace);
  return store::Use::keep;
}

Expired DhtActor::check_clock() {
  const Expired as = clock_.look(now(), wall());
  held_->treat(as);
  providers_->treat(as);
  return as;
}

std::optional<Group> DhtActor::network_of_caller() const {
  const auto from = caller().at;
  return from ? std::optional(settings_->groups.group_of(*from)) : std::nullopt;
}

void DhtActor::expire() {
  expire_at_ = base::Instant::max();
  const bool trusted = check_clock() == Expired::dropped;
  record_rows_.save(held_->sweep(wall()));
  provider_rows_.save(providers_->sweep(wall()));
  const auto swept = [&](const std::optional<base::WallTime>& wake_at) { return !wake_at || *wake_at > wall(); };
  if (trusted && loading_.empty() && rereading_.empty() && swept(held_->wake_at()) && swept(providers_->wake_at()))
    read_turned_away();
  expire_at();
}

void DhtActor::expire_at() {
  auto at = held_->wake_at();
  if (const auto other = providers_->wake_at(); other && (!at || *other < *at)) at = other;
  show_counts();
  auto when = base::Instant::max();
  // At least 10 s away: expired records are never served, swept or not. A store does not postpone the sweep.
  if (at) when = now() + std::max<base::Duration>(*at - wall(), std::chrono::seconds(10));
  if (const auto trusted = clock_.trusted_at()) when = std::min(when, std::max(*trusted, now()));
  if (expire_at_ <= when) return;
  expire_at_ = when;
  after<Expire>(when - now());
}

// -- reading ---------------------------------------------------------------------------------------------------------

std::vector<Contact> DhtActor::held_providers(const Key& key, std::size_t most) {
  return providers_->find(key, most, wall(), random());
}

/// If the store does not answer, this node asks other nodes.
void DhtActor::read(const RecordKey& place, const Budgets::User& reader, base::Callback<void(base::ByteView)> found) {
  const auto reading = held_->read(place, wall());
  const bool takes_place = reading && reading->encoded == nullptr && !reader.reserved;
  if (takes_place && !hold_read(reader)) return found(base::ByteView());
  look_up(place, reading, [this, takes_place, reader, found = std::move(found)](const auto& record) mutable {
    if (takes_place) reads_.release(reader, 1);
    found(record.ok() ? record.value() : base::ByteView());
  });
}

void DhtActor::look_up(const RecordKey& place, const std::optional<Reading>& reading,
                       base::Callback<void(const base::Outcome<base::ByteView>&)> found) {
  if (!reading) return found(base::ByteView());
  if (reading->encoded != nullptr) return found(base::ByteView(*reading->encoded));
  const base::Bytes key = row_key(place);
  ++counts_.rows_read;
  record_rows_.get(key,
                   [this, place, key, found = std::move(found)](const base::Outcome<store::Rows::Value>& row) mutable {
                     if (!row.ok() && row.error().code != Code::corrupt) return found(row.error());
                     if (!row.ok()) return found(base::ByteView());
                     const auto record = row.value() ? held_->loaded(place, *row.value(), wall())
                                                     : base::Result<base::Bytes, LoadedError>(LoadedError::corrupt);
                     if (record.ok()) return found(base::ByteView(record.value()));
                     if (record.error() == LoadedError::corrupt && !record_rows_.changing(key))
                       record_rows_.save(held_->forget(place));
                     found(base::ByteView());  // the record was replaced: the next request finds it
                   });
}

void DhtActor::answer(wire::FindValue::Reader question, Reply<wire::FoundValue> reply) {
  ++counts_.find_values;
  const auto key = read_key(question.getKey());
  const auto space = space_of(question.getSpace());
  if (!key || question.getContactsMax() == 0)
    return malformed(reply, "invalid request: a key has 20 bytes, and at least one contact has to be requested");
  if (!space) return reply.refuse({Code::unsupported, "unknown space"});
  const std::size_t contacts_max = std::min<std::size_t>(question.getContactsMax(), kContactsMax);
  note_asker(question.getAsker());
  const RecordKey place{*space, *key};
  // Checked before a large record is read and hashed for nothing.
  const auto held = held_->read(place, wall());
  if (held && caller().by_datagram && needs_link(held->facts.bytes)) return answer_too_large(reply);
  std::optional<Budgets::User> reader;
  if (held && held->encoded == nullptr && of_stranger()) {
    reader = may_read(held->facts.bytes);
    if (!reader) return;
  }
  const base::WallTime ends = held ? held->facts.expires : base::WallTime();
  look_up(place, held,
          [this, reader, reply = std::move(reply), place, contacts_max, ends,
           asker = caller()](const base::Outcome<base::ByteView>& record) mutable {
            if (reader) reads_.release(*reader, 1);
            if (!record.ok())
              return reply.refuse({Code::unavailable,
                                   "this node cannot read its replica now: " + record.error().message +
                                       "; ask another node, or retry later",
                                   kReadAgain});
            found_value(std::move(reply), place, contacts_max, record.value(), ends, asker);
          });
}

bool DhtActor::hold_read(const Budgets::User& reader) {
  if (reads_.fits(reader, 1)) {
    reads_.hold(reader, 1);
    return true;
  }
  ++counts_.reads_refused;
  reads_full_.refused(node(), reader.group, now());
  return false;
}

/// Charges for the read of a large record: reading, hashing and copying it costs more than a request.
std::optional<Budgets::User> DhtActor::may_read(std::size_t bytes) {
  const std::uint32_t more = read_cost(bytes);
  if (more > 0 && !affords(Resource::questions, more)) return std::nullopt;
  const auto user = runtime::user_of(caller());
  if (hold_read(user)) return user;
  refuse(Error{Code::overloaded,
               "too many record reads for other nodes in progress (limit 256): ask another node, or retry later",
               kReadAgain});
  return std::nullopt;
}

/// Other nodes get a cached copy if no record is stored; this node's actors ask only for stored records.
void DhtActor::found_value(Reply<wire::FoundValue> reply, const RecordKey& place, std::size_t contacts_max,
                           base::ByteView record, base::WallTime ends, const runtime::Caller& asker) {
  base::Duration lasts{0};
  if (!record.empty()) {
    lasts = std::max(ends - wall(), base::Duration::zero());
  } else if (asker.node && cache_->takes(place.space)) {
    if (const auto copy = cache_->get(place, now())) {
      if (asker.by_datagram && needs_link(copy->record.size())) return answer_too_large(reply);
      ++counts_.cache_served;
      record = copy->record;
      lasts = copy->lasts;
    }
  }
  const auto nearest = closest_but(place.key, fitting(contacts_max, record.size()), asker.node);
  reply.send([&](wire::FoundValue::Builder out) {
    if (!record.empty()) out.setRecord(data_of(record));
    out.setLastsS(static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(lasts).count()));
    write(out.initContacts(size32(nearest)), nearest);
    if (asker.node) out.setToken(data_of(tokens_->give(*asker.node, now()).view()));
  });
}

void DhtActor::answer(wire::GetProviders::Reader question, Reply<wire::Providers> reply) {
  ++counts_.get_providers;
  const auto key = read_key(question.getKey());
  if (!key || question.getProvidersMax() == 0)
    return malformed(reply, "invalid request: a key has 20 bytes, and at least one provider has to be requested");
  const auto found = held_providers(*key, std::min<std::size_t>(question.getProvidersMax(), kContactsMax));
  const auto nearest = closest_but(*key, fitting(kContactsMax, found.size() * kContactBytes), caller().node);
  reply.send([&](wire::Providers::Builder out) {
    write(out.initProviders(size32(found)), found);
    write(out.initContacts(size32(nearest)), nearest);
    if (const auto token = token_of_caller()) out.setToken(data_of(token->view()));
  });
  note_asker(question.getAsker());
}

// -- storing ---------------------------------------------------------------------------------------------------------

void DhtActor::answer(wire::Store::Reader question, Reply<wire::StoreDone> reply) {
  ++counts_.stores;
  const auto key = read_key(question.getKey());
  if (!key) return malformed(reply, "invalid key: a key has 20 bytes");
  if (!may_store(question.getToken())) return;
  note_asker(question.getAsker());
  if (question.getCopyS() > 0) return take_copy(question, *key, std::move(reply));
  const base::NodeId from = caller().node.value_or(own());
  const auto record = bytes_of(question.getRecord());
  // A record equal to the stored one was checked when it arrived.
  auto known = held_->known(record, *key, from, wall());
  if (!known && !affords(Resource::checks)) return;
  const auto checked = known ? base::Result<Offer, RecordError>(std::move(*known))
                             : admit(record, *key, from, wall(), settings_->work_bits);
  if (!checked.ok()) {
    ++counts_.refused;
    if (no_good_ever(record, checked.error()))
      accuse(net::wire::Violation::BAD_RECORD, to_error(checked.error()).message);
    return reply.send([&](wire::StoreDone::Builder out) {
      out.setResult(wire::StoreDone::Result::BAD);
      out.setWhy(to_error(checked.error()).message);
    });
  }
  std::optional<std::uint64_t> expected;
  if (question.getExpected().isSequence()) expected = question.getExpected().getSequence();
  Offer offer = checked.value();
  offer.network = network_of_caller();
  const RecordKey place = offer.place;
  check_clock();
  if (held_->writes(offer, wall()) && !affords(Resource::written, written(offer.encoded.size()))) return;
  auto stored = held_->store(offer, expected, wall());
  if (!stored.ok()) {
    ++counts_.refused;
    return reply.send([&](wire::StoreDone::Builder out) {
      out.setResult(result_of(stored.error().why));
      out.setPresent(stored.error().present.value_or(0));
    });
  }
  if (world().mutations.on("dht.stored_before_commit")) reply.send([](wire::StoreDone::Builder) {});
  Unwritten change{stored.value().rows.erase, stored.value().ended};
  record_rows_.save_row(
      row_key(place), stored.value().rows,
      [this, place, tag = offer.tag, as = stored.value().as, change = std::move(change),
       reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
        if (saved.ok() || world().mutations.on("dht.failed_commit_acknowledged")) {
          reply.send([](wire::StoreDone::Builder) {});
          if (as != StoredAs::refreshed && place.space == Space::kv) notices_->changed({TopicKind::value, place.key});
          return;
        }
        reply.refuse(saved.error());
        unwritten(place, tag, as, change);
      },
      whose_row());
  expire_at();
}

/// Undoes a change that could not be written, because a restart would not know of it. Rows that it should have replaced
/// or erased are read again; an end that it should have extended is restored.
void DhtActor::unwritten(const RecordKey& place, const Tag& tag, StoredAs as, const Unwritten& change) {
  read_again(kRecordRows, change.erased);
  const auto held = held_->find(place, wall());
  if (!held || held->tag != tag) return;
  if (record_rows_.changing(row_key(place))) return;  // the later store decides
  const bool forgets = world().mutations.on("dht.failed_commit_forgets");
  if (as == StoredAs::refreshed && !forgets) {
    if (change.ended) held_->put_back(place, *change.ended);
    return expire_at();
  }
  RowChange rows = held_->forget(place);
  if (as != StoredAs::added) std::erase(rows.erase, row_key(place));
  record_rows_.save(std::move(rows));
  if (as != StoredAs::added && !forgets) read_again(kRecordRows, {row_key(place)});
}

/// Queues rows that are on disk but not in the index, up to the storage limit; the rest is read at the next start.
void DhtActor::read_again(std::string_view keyspace, const std::vector<base::Bytes>& keys) {
  auto& waiting = unindexed_[keyspace].keys;
  const std::uint64_t most =
      keyspace == kRecordRows ? settings_->held.records_max : settings_->providers.announcements_max;
  for (const base::Bytes& key : keys)
    if (waiting.size() < most) waiting.insert(key);
  read_next(keyspace);
}

/// Reads one at a time: thousands of failed changes must not hit the store at once.
void DhtActor::read_next(std::string_view keyspace) {
  Unindexed& unindexed = unindexed_[keyspace];
  if (unindexed.reading || unindexed.keys.empty()) return;
  unindexed.reading = true;
  const base::Bytes key = *unindexed.keys.begin();
  rows(keyspace).get(key, [this, keyspace, key](const base::Outcome<store::Rows::Value>& row) {
    unindexed_[keyspace].reading = false;
    if (!row.ok() && row.error().code != Code::corrupt) return after<ReadNext>(kReadNext);
    unindexed_[keyspace].keys.erase(key);
    const bool useless = row.ok() && row.value() && take_row(keyspace, key, *row.value()) == store::Use::erase;
    if (useless) rows(keyspace).save({.save = {}, .erase = {key}});
    expire_at();
    read_next(keyspace);
  });
}

void DhtActor::answer(wire::AddProvider::Reader question, Reply<wire::Added> reply) {
  ++counts_.add_providers;
  const auto key = read_key(question.getKey());
  if (!key) return malformed(reply, "invalid key: a key has 20 bytes");
  if (!may_store(question.getToken())) return;
  const auto from = caller();
  const auto who = read_asker(question.getAsker(), from.node ? from.node : own(), settings_->work_bits);
  if (!who || !who->where.endpoint.dialable() || !believed(who->where.endpoint, from.at.value_or(who->where.endpoint)))
    return reply.refuse(
        {Code::malformed, "invalid announcement: a node announces only itself, at an address that can be dialled"});
  check_clock();
  if (!affords(Resource::written, kRowCost)) return;
  auto added = providers_->add(*key, *who, wall(), network_of_caller());
  if (!added.ok()) {
    ++counts_.refused;
    return reply.refuse({Code::no_space, "this node has reached a limit of announcements"});
  }
  Unwritten change{added.value().rows.erase, added.value().ended};
  provider_rows_.save_row(
      Providers::row_key(*key, who->id), added.value().rows,
      [this, key = *key, who = *who, as = added.value().as, change = std::move(change),
       reply = std::move(reply)](const base::Outcome<void>& saved) mutable {
        if (saved.ok()) {
          reply.send([](wire::Added::Builder) {});
          if (as == AddedAs::added) notices_->changed({TopicKind::providers, key}, who);
          return;
        }
        reply.refuse(saved.error());
        unwritten(key, who.id, as, change);
      },
      whose_row());
  note_asker(question.getAsker());
  expire_at();
}

void DhtActor::unwritten(const Key& key, const base::NodeId& provider, AddedAs as, const Unwritten& change) {
  read_again(kProviderRows, change.erased);
  const base::Bytes row = Providers::row_key(key, provider);
  if (provider_rows_.changing(row)) return;  // the later announcement's own end decides
  if (as == AddedAs::renewed) {
    if (change.ended) providers_->put_back(key, provider, *change.ended);
    return expire_at();
  }
  provider_rows_.save(providers_->forget(key, provider));
}

// -- expected rows, for `/dht/audit` ----------------------------------------------------------------------------------

/// Returns why the index is incomplete, or nullopt.
std::optional<Error> DhtActor::not_indexed(std::string_view keyspace) const {
  if (!loading_.empty()) return Error{Code::unavailable, "this node is still reading its stored records; retry later"};
  if (rereading_.contains(keyspace))
    return Error{Code::unavailable, "this node is reading again the rows that found no space; retry later"};
  if (turned_away_.contains(keyspace))
    return Error{Code::unavailable,
                 "some rows find no space until expired rows are dropped, which "
                 "happens once the clock is trusted: an hour after a start or a jump of the date"};
  return std::nullopt;
}

void DhtActor::answer(wire::FindIndexed::Reader question, Reply<wire::Indexed> reply) {
  const auto keyspace = keyspace_of(question.getKeyspace());
  if (!keyspace) return reply.refuse({Code::unsupported, "unknown keyspace"});
  if (const auto why = not_indexed(*keyspace)) return reply.refuse(*why);
  reply.send([&](wire::Indexed::Builder out) {
    const auto keys = question.getKeys();
    auto rows = out.initRows(keys.size());
    for (unsigned i = 0; i < rows.size(); ++i) {
      const auto bytes = bytes_of(keys[i]);
      rows[i].setChanging(this->rows(*keyspace).changing({bytes.begin(), bytes.end()}));
      if (*keyspace == kRecordRows) {
        const auto place = read_row_key(bytes);
        const auto facts = place ? held_->find(*place, base::WallTime()) : std::nullopt;  // expired or not
        rows[i].setPresent(facts.has_value());
        if (facts) rows[i].setTag(data_of(facts->tag.view()));
      } else if (const auto name = Providers::read_row_key(bytes)) {
        rows[i].setPresent(providers_->has(name->first, name->second));
      }
    }
  });
}

void DhtActor::answer(wire::ListIndexed::Reader question, Reply<wire::IndexedKeys> reply) {
  if (!loading_.empty())
    return reply.refuse({Code::unavailable, "this node is still reading its stored records; retry later"});
  const auto after = bytes_of(question.getAfter());
  std::vector<base::Bytes> keys;
  if (question.getWhat() == kProviderNumber) {
    keys = providers_->rows(after.empty() ? std::nullopt : std::optional(base::Bytes(after.begin(), after.end())),
                            kPageKeys);
  } else {
    const auto space = space_of(question.getWhat());
    if (!space) return reply.refuse({Code::unsupported, "unknown space"});
    const auto last = read_row_key(after);
    for (const RecordKey& one : held_->places(*space, last ? std::optional(last->key) : std::nullopt, kPageKeys))
      keys.push_back(row_key(one));
  }
  reply.send([&](wire::IndexedKeys::Builder out) {
    auto list = out.initKeys(size32(keys));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(keys[i]));
  });
}

/// Drops rows. A row whose change is in progress was just checked, and stays. Expired rows stay while the date is not
/// trusted.
void DhtActor::answer(wire::DropRows::Reader request, Reply<wire::RowsDropped> reply) {
  const auto keyspace = keyspace_of(request.getKeyspace());
  if (!keyspace) return reply.refuse({Code::unsupported, "unknown keyspace"});
  if (const auto why = not_indexed(*keyspace)) return reply.refuse(*why);
  const bool doubted = check_clock() == Expired::kept;
  const auto all = std::make_shared<Dropping>(
      Dropping{std::vector<bool>(request.getKeys().size()), request.getKeys().size() + 1, std::move(reply)});
  for (unsigned i = 0; i < request.getKeys().size(); ++i) {
    const auto bytes = bytes_of(request.getKeys()[i]);
    const base::Bytes key(bytes.begin(), bytes.end());
    if (request.getExpired()) {
      if (!doubted && !rows(*keyspace).changing(key)) drop_row(*keyspace, key, all, i);
      else all->next();
      continue;
    }
    // A valid row may have been written since the row was read.
    rows(*keyspace).get(key, [this, keyspace, key, all, i](const base::Outcome<store::Rows::Value>& row) {
      if (!row.ok() && row.error().code != Code::corrupt) all->failed = row.error();
      const bool good = row.ok() ? row.value() && agrees(*keyspace, key, *row.value()) : all->failed.has_value();
      if (!good && !rows(*keyspace).changing(key)) drop_row(*keyspace, key, all, i);
      else all->next();
    });
  }
  all->next();
}

/// Returns whether a row is valid and equals its index entry.
bool DhtActor::agrees(std::string_view keyspace, base::ByteView key, base::ByteView row) const {
  const JudgedRow judged =
      judge(keyspace, key, row, wall(), {settings_->work_bits, settings_->held, settings_->providers});
  if (judged.state != RowState::sound) return false;
  if (keyspace == kRecordRows) {
    const auto place = read_row_key(key);
    const auto facts = place ? held_->find(*place, base::WallTime()) : std::nullopt;
    return facts && facts->tag == judged.tag;
  }
  const auto name = Providers::read_row_key(key);
  return name && providers_->has(name->first, name->second);
}

void DhtActor::drop_row(std::string_view keyspace, const base::Bytes& key, const std::shared_ptr<Dropping>& all,
                        std::size_t number) {
  RowChange change;
  if (keyspace == kRecordRows) {
    if (const auto place = read_row_key(key)) change = held_->forget(*place);
  } else if (const auto name = Providers::read_row_key(key)) {
    change = providers_->forget(name->first, name->second);
  }
  if (std::ranges::find(change.erase, key) == change.erase.end()) change.erase.push_back(key);
  rows(keyspace).save(std::move(change), [all, number](const base::Outcome<void>& saved) {
    if (saved.ok()) all->dropped[number] = true;
    else all->failed = saved.error();
    all->next();
  });
}

/// Counts a row that was dropped or stays.
void DhtActor::Dropping::next() {
  if (--left > 0) return;
  if (failed) return reply.refuse(*failed);
  reply.send([this](wire::RowsDropped::Builder out) {
    auto list = out.initDropped(size32(dropped));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, dropped[i]);
  });
}

}  // namespace troupe::dht
