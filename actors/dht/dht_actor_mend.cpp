// What a search leaves behind, once whoever asked has its answer: nodes that lag behind are given the newest record of
// what changes, and of what cannot change a copy stays where the next one will ask.
//
// Repair  the record that was found, at those of the nearest that have answered with an older one or none, by the
//         tokens of their answers; at this node, if it holds an older one. Each decides by its own rules what it takes.
// Copies  one at the nearest node asked that had none, and one here (logic/query_cache.hpp).
#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/wire.hpp"
#include "messages/contact.hpp"

namespace troupe::dht {

void DhtActor::mend(const Place& place, wire::SearchResult::Reader result) {
  if (!result.hasRecord() || result.getRecord().size() == 0) return;
  if (place.space == Space::kv) repair(place.key, result);
  if (cache_->on() && cache_->takes(place.space)) leave_copies(place, result);
}

void DhtActor::repair(const Key& key, wire::SearchResult::Reader result) {
  const auto bytes = bytes_of(result.getRecord());
  const auto begin = [&](const runtime::Handle& whom, capnp::Data::Reader token) {
    if (repairs_ >= kRepairsMax) return;
    ++repairs_;
    ++counts_.repairs;
    give(whom, token, key, bytes, std::chrono::seconds(0), [this](bool taken) {
      --repairs_;
      counts_.repaired += taken;
    });
  };
  for (const auto one : result.getLagging())
    begin(node().reach(messages::read_contact(one.getContact()), kPath), one.getToken());
  const auto held = held_->find({Space::kv, key}, wall());
  const auto found = parse(bytes);
  if (held && found.ok() && held->sequence < sequence_of(found.value())) begin(self(), {});
}

void DhtActor::leave_copies(const Place& place, wire::SearchResult::Reader result) {
  const auto bytes = bytes_of(result.getRecord());
  const std::chrono::seconds lasts(result.getLastsS());
  if (lasts.count() == 0) return;
  cache_->put(place, {bytes.begin(), bytes.end()}, lasts, table_.network_size(), now());
  for (const auto one : result.getCopyAt())
    give(node().reach(messages::read_contact(one.getContact()), kPath), one.getToken(), place.key, bytes, lasts,
         [this](bool taken) { counts_.copies_left += taken; });
  show_counts();
}

/// Nobody waits for the answer, and nothing is repeated: the next search does it again.
void DhtActor::give(const runtime::Handle& whom, capnp::Data::Reader token, const Key& key, base::ByteView record,
                    std::chrono::seconds copy_lasts, base::Callback<void(bool)> done) {
  ask<wire::Store, wire::StoreDone>(
      whom, now() + kStoreDue,
      [&](wire::Store::Builder out) {
        write_asker(out.initAsker(), *settings_);
        out.setToken(token);
        out.setKey(data_of(key.view()));
        out.setRecord(data_of(record));
        out.setCopyS(static_cast<std::uint32_t>(copy_lasts.count()));
      },
      [done = std::move(done)](runtime::Answer<wire::StoreDone> answer) mutable {
        done(answer.ok() && answer.value().getResult() == wire::StoreDone::Result::STORED);
      });
}

/// Checked as what is held is; without a row, and gone when it is least wanted.
void DhtActor::take_copy(wire::Store::Reader question, const Key& key, Reply<wire::StoreDone> reply) {
  const auto bytes = bytes_of(question.getRecord());
  const auto offer = admit(bytes, key, caller().node.value_or(own()), wall(), settings_->work_bits);
  const bool copied = offer.ok() && cache_->takes(offer.value().place.space);
  const bool taken = copied && cache_->put(offer.value().place, {bytes.begin(), bytes.end()},
                                           std::chrono::seconds(question.getCopyS()), table_.network_size(), now());
  if (!taken) ++counts_.refused;
  reply.send([&](wire::StoreDone::Builder out) {
    if (taken) return;
    out.setResult(copied ? wire::StoreDone::Result::NO_SPACE : wire::StoreDone::Result::BAD);
    if (!copied) out.setWhy(offer.ok() ? "what changes is not copied" : to_error(offer.error()).message);
  });
  show_counts();
}

}  // namespace troupe::dht
