// What there should be on disk, for whoever compares it with what there is: `/dht/audit`.
#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kPageKeys = 256;

std::optional<std::string_view> keyspace_of(capnp::Text::Reader name) {
  for (const std::string_view known : {kRecordRows, kProviderRows})
    if (text_of(name) == known) return known;
  return std::nullopt;
}

}  // namespace

/// Why the index does not tell which rows are held.
std::optional<Error> DhtActor::not_indexed(std::string_view keyspace) const {
  if (!loading_.empty()) return Error{Code::unavailable, "this node still reads what it holds"};
  if (rereading_.contains(keyspace)) return Error{Code::unavailable, "this node reads again what had no room"};
  if (crowded_.contains(keyspace))
    return Error{Code::unavailable,
                 "some of what this node holds has no room before what has expired is dropped, which "
                 "is once its date is believed: an hour after its start, or after the date jumped"};
  return std::nullopt;
}

void DhtActor::answer(wire::FindIndexed::Reader question, Reply<wire::Indexed> reply) {
  const auto keyspace = keyspace_of(question.getKeyspace());
  if (!keyspace) return reply.refuse({Code::unsupported, "there is no index of that keyspace"});
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
  if (!loading_.empty()) return reply.refuse({Code::unavailable, "this node still reads what it holds"});
  const auto after = bytes_of(question.getAfter());
  std::vector<base::Bytes> keys;
  if (question.getWhat() == kProviderNumber) {
    keys = providers_->rows(after.empty() ? std::nullopt : std::optional(base::Bytes(after.begin(), after.end())),
                            kPageKeys);
  } else {
    const auto space = space_of(question.getWhat());
    if (!space) return reply.refuse({Code::unsupported, "this node does not know that space"});
    const auto last = read_row_key(after);
    for (const Place& one : held_->places(*space, last ? std::optional(last->key) : std::nullopt, kPageKeys))
      keys.push_back(row_key(one));
  }
  reply.send([&](wire::IndexedKeys::Builder out) {
    auto list = out.initKeys(static_cast<unsigned>(keys.size()));
    for (unsigned i = 0; i < list.size(); ++i) list.set(i, data_of(keys[i]));
  });
}

/// One whose change is under way has just been found good by whoever stored it. A doubted date says nothing of age.
void DhtActor::answer(wire::DropRows::Reader order, Reply<wire::RowsDropped> reply) {
  const auto keyspace = keyspace_of(order.getKeyspace());
  if (!keyspace) return reply.refuse({Code::unsupported, "there is no index of that keyspace"});
  if (const auto why = not_indexed(*keyspace)) return reply.refuse(*why);
  const bool doubted = look_at_date() == Expired::kept;
  std::set<base::Bytes> erase;
  std::vector<bool> dropped;
  for (const auto one : order.getKeys()) {
    const base::Bytes key(bytes_of(one).begin(), bytes_of(one).end());
    dropped.push_back(!rows(*keyspace).changing(key) && !(order.getExpired() && doubted));
    if (!dropped.back()) continue;
    erase.insert(key);
    RowChange owed;
    if (*keyspace == kRecordRows) {
      if (const auto place = read_row_key(key)) owed = held_->forget(*place);
    } else if (const auto name = Providers::read_row_key(key)) {
      owed = providers_->forget(name->first, name->second);
    }
    for (base::Bytes& row : owed.erase) erase.insert(std::move(row));
  }
  rows(*keyspace).save(
      {.save = {}, .erase = {erase.begin(), erase.end()}},
      [reply = std::move(reply), dropped = std::move(dropped)](const base::Outcome<void>& saved) mutable {
        if (!saved.ok()) return reply.refuse(saved.error());
        reply.send([&](wire::RowsDropped::Builder out) {
          auto list = out.initDropped(static_cast<unsigned>(dropped.size()));
          for (unsigned i = 0; i < list.size(); ++i) list.set(i, dropped[i]);
        });
      });
}

}  // namespace troupe::dht
