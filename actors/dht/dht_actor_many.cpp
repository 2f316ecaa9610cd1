// Many values put and got at once: keys whose holders are nearly the same nodes share their searches.
//
// Put     one search for the holders of a region, which then stores all records of it (lookup_actor_region.cpp).
// Get     where several keys lie in one region, a search for the nodes there goes first, and each key's own search
//         begins at those that have answered it. What is said of a value is what a search for it alone would say.
// Limits  kBatchesMax batches, of kRegionItemsMax values and, for a put, kRegionBytesMax; kManyAtOnce searches each.
#include <algorithm>
#include <deque>

#include "actors/dht/api.hpp"
#include "actors/dht/dht_actor.hpp"
#include "actors/dht/logic/regions.hpp"
#include "actors/dht/republish_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kManyAtOnce = 8;  // our choice: a batch leaves room for others
constexpr std::size_t kSharedMin = 4;   // our choice: a search for the nodes asks 20, one for a value some five

const Error kTooManyBatches{Code::overloaded, "this node puts and gets too many values at once",
                            std::chrono::milliseconds(200)};

}  // namespace

unsigned DhtActor::region_bits() const { return dht::region_bits(table_.network_size(), settings_->copies); }

// -- put -------------------------------------------------------------------------------------------------------------

struct DhtActor::ManyPuts {
  struct One {
    Key key{};
    std::optional<base::Digest> digest{};
    std::uint64_t sequence = 0;
    Published what = Published::cid;
    base::Bytes record{};
    std::size_t asked = 0, stored = 0;
    std::optional<Error> error{};
  };
  std::vector<One> items{};
  std::vector<std::vector<std::size_t>> regions{};
  std::size_t begun = 0, ended = 0;  // regions
  runtime::Handle asker{};
  Reply<wire::PutManyDone> reply{};

  void answer() {
    reply.send([this](wire::PutManyDone::Builder out) {
      auto list = out.initItems(static_cast<unsigned>(items.size()));
      for (unsigned i = 0; i < list.size(); ++i) {
        const One& one = items[i];
        list[i].setKey(data_of(one.key.view()));
        if (one.digest) list[i].setDigest(data_of(one.digest->view()));
        list[i].setSequence(one.sequence);
        list[i].setAsked(static_cast<std::uint16_t>(one.asked));
        list[i].setStored(static_cast<std::uint16_t>(one.stored));
        if (one.error) write(list[i].initError(), *one.error);
      }
    });
  }
};

void DhtActor::put_many(wire::PutMany::Reader order, Reply<wire::PutManyDone> reply) {
  if (order.getItems().size() > kRegionItemsMax)
    return reply.refuse({Code::malformed, "at most 64 values are put at once"});
  if (order.getSeconds() > static_cast<std::uint64_t>(std::chrono::seconds(kLifetimeMax).count()))
    return reply.refuse({Code::malformed, "a record lasts seven days at most"});
  if (!room_for_batch()) return reply.refuse(kTooManyBatches);
  const auto lasts = order.getSeconds() == 0 ? kLifetimeDefault : std::chrono::seconds(order.getSeconds());
  const crypto::Identity& identity = *settings_->identity;
  const auto puts = std::make_shared<ManyPuts>();
  std::vector<Key> keys;
  std::size_t bytes = 0;
  for (const auto item : order.getItems()) {
    const auto space = space_of(item.getSpace());
    const auto name = bytes_of(item.getName()), value = bytes_of(item.getValue());
    if (!space || *space == Space::pk || name.size() > kNameBytesMax || value.size() > kValueBytesMax)
      return reply.refuse({Code::malformed, "a name has at most 64 bytes, a value 65,536, and both have a space"});
    ManyPuts::One one;
    Record record = CidRecord{{value.begin(), value.end()}};
    if (*space == Space::kv) {
      KvRecord kv;
      kv.name.assign(name.begin(), name.end());
      kv.value.assign(value.begin(), value.end());
      record = sign(identity.key(), dated(std::move(kv), key_of_name(identity.public_key(), name), lasts, {}));
    } else {
      one.digest = crypto::sha256(value);
    }
    one.key = key_of(record);
    one.sequence = sequence_of(record);
    one.what = static_cast<Published>(*space);
    one.record = encode(record);
    bytes += one.record.size();
    keys.push_back(one.key);
    puts->items.push_back(std::move(one));
  }
  if (bytes > kRegionBytesMax) return reply.refuse({Code::malformed, "at most 512 KiB are put at once"});
  puts->regions = by_region(keys, region_bits(), kRegionItemsMax);
  puts->asker = sender();
  puts->reply = std::move(reply);
  if (puts->items.empty()) return puts->answer();
  ++many_puts_;
  go_on(puts);
}

void DhtActor::go_on(const std::shared_ptr<ManyPuts>& puts) {
  while (puts->begun < puts->regions.size() && puts->begun - puts->ended < kManyAtOnce) {
    const auto& region = puts->regions[puts->begun++];
    Wanted wanted{
        .key = puts->items[region[region.size() / 2]].key, .goal = wire::Search::Goal::REGION, .asker = puts->asker};
    for (const std::size_t i : region) wanted.region.emplace_back(puts->items[i].key, puts->items[i].record);
    search(wanted, [this, puts, region](runtime::Answer<wire::SearchResult>& answer) {
      // Read once: a list counts against the message's limit of reading each time that it is fetched.
      const auto results = answer.ok() ? answer.value().getItemResults() : capnp::List<wire::ItemResult>::Reader();
      for (unsigned k = 0; k < region.size(); ++k) {
        ManyPuts::One& one = puts->items[region[k]];
        if (k >= results.size()) {
          one.error = answer.ok() ? Error{Code::internal, "its search has said nothing of it"} : answer.error();
          continue;
        }
        one.asked = results[k].getAsked();
        one.stored = results[k].getStored();
        one.error = store_error(results[k]);
        if (!one.error || may_be_stored(one.what, *one.error)) publish(one.what, one.key, one.record, one.stored);
      }
      if (++puts->ended < puts->regions.size()) return go_on(puts);
      --many_puts_;
      puts->answer();
    });
  }
}

// -- get -------------------------------------------------------------------------------------------------------------

struct DhtActor::ManyGets {
  struct One {
    Space space = Space::cid;
    Key key{};
    std::optional<base::Digest> digest{};
  };
  struct Region {
    std::vector<std::size_t> items;
    std::vector<Contact> starts{};  // that have answered
  };
  struct Task {
    std::size_t region;
    std::optional<std::size_t> item;  // nothing: find the nodes there
  };
  runtime::Sink<wire::GotOne> sink{};
  std::vector<One> items{};
  std::uint8_t quorum = 0;
  std::uint64_t group = 0;
  std::vector<Region> regions{};
  std::deque<Task> tasks{};
  std::size_t under_way = 0, told = 0;
  std::deque<runtime::Envelope> waiting{};  // for credit
  bool over = false;                        // told, or nobody wants it any more

  void begin_items(std::size_t region) {
    const auto& items_there = regions[region].items;
    for (auto at = items_there.rbegin(); at != items_there.rend(); ++at) tasks.push_front({region, *at});
  }
  void tell(runtime::Envelope one) {
    waiting.push_back(std::move(one));
    flush();
  }
  void flush() {
    while (!waiting.empty() && sink.ready()) {
      sink.forward(waiting.front());
      waiting.pop_front();
      ++told;
    }
    if (told < items.size()) return;
    sink.end();
    over = true;
  }
};

bool DhtActor::room_for_batch() {
  std::erase_if(many_gets_, [](const auto& one) { return one->over; });
  return many_puts_ + many_gets_.size() < kBatchesMax;
}

void DhtActor::get_many(wire::GetMany::Reader question, runtime::Sink<wire::GotOne> sink) {
  if (question.getItems().size() > kRegionItemsMax)
    return sink.fail({Code::malformed, "at most 64 values are got at once"});
  if (!room_for_batch()) return sink.fail(kTooManyBatches);
  const auto gets = std::make_shared<ManyGets>();
  std::vector<Key> keys;
  for (const auto item : question.getItems()) {
    const auto space = space_of(item.getSpace());
    const auto place = sought(bytes_of(item.getDigest()), bytes_of(item.getKey()), bytes_of(item.getName()));
    if (!space || !place) return sink.fail({Code::malformed, "a key has 20 bytes, a content id 32, and both a space"});
    gets->items.push_back({*space, place->key, place->digest});
    keys.push_back(place->key);
  }
  gets->sink = std::move(sink);
  if (keys.empty()) return gets->sink.end();
  gets->quorum = question.getQuorum();
  gets->group = ++last_group_;
  const unsigned bits = region_bits();
  for (auto& items : by_region(keys, bits, kRegionItemsMax)) {
    const std::size_t region = gets->regions.size();
    gets->regions.push_back({std::move(items)});
    // Where there are few nodes the table has them all.
    if (bits > 0 && gets->regions.back().items.size() >= kSharedMin) gets->tasks.push_back({region, std::nullopt});
    else
      for (const std::size_t item : gets->regions.back().items) gets->tasks.push_back({region, item});
  }
  const std::weak_ptr<ManyGets> weak = gets;
  gets->sink.on_ready([this, weak] {
    const auto here = weak.lock();
    if (!here) return;
    here->flush();
    go_on(here);
  });
  gets->sink.on_cancel([this, weak, group = gets->group] {
    if (const auto here = weak.lock()) here->over = true;
    stop_searches([group](const UnderWay& one) { return one.group == group; });
  });
  many_gets_.push_back(gets);
  go_on(gets);
}

void DhtActor::go_on(const std::shared_ptr<ManyGets>& gets) {
  // What nobody takes yet is not searched for yet.
  while (!gets->over && gets->under_way < kManyAtOnce && !gets->tasks.empty() && gets->waiting.empty()) {
    const ManyGets::Task task = gets->tasks.front();
    gets->tasks.pop_front();
    ++gets->under_way;
    const ManyGets::Region& region = gets->regions[task.region];
    if (!task.item) {
      const Key middle = gets->items[region.items[region.items.size() / 2]].key;
      search(Wanted{.key = middle, .group = gets->group},
             [this, gets, at = task.region](runtime::Answer<wire::SearchResult>& answer) {
               if (answer.ok()) gets->regions[at].starts = own_contacts(answer.value().getNearest());
               gets->begin_items(at);
               --gets->under_way;
               go_on(gets);
             });
      continue;
    }
    const ManyGets::One& next = gets->items[*task.item];
    search(Wanted{.key = next.key,
                  .goal = wire::Search::Goal::VALUE,
                  .space = next.space,
                  .quorum = gets->quorum,
                  .group = gets->group,
                  .starts = region.starts},
           [this, gets, item = *task.item](runtime::Answer<wire::SearchResult>& answer) {
             const ManyGets::One& one = gets->items[item];
             const auto why = unread(answer, one.digest);
             gets->tell(runtime::Envelope::build<wire::GotOne>({.signal = runtime::Signal::item},
                                                               [&](wire::GotOne::Builder out) {
                                                                 out.setItem(static_cast<std::uint16_t>(item));
                                                                 if (why) return write(out.initError(), *why);
                                                                 write_got(out.initGot(), answer.value());
                                                               }));
             --gets->under_way;
             go_on(gets);
           });
  }
}

}  // namespace troupe::dht
