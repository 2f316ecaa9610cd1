#include <algorithm>
#include <deque>

#include "actors/dht/api.hpp"
#include "actors/dht/codec.hpp"
#include "actors/dht/logic/regions.hpp"
#include "actors/dht/parts.hpp"
#include "actors/dht/republish_actor.hpp"
#include "actors/dht/wire.hpp"

namespace troupe::dht {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kManyAtOnce = 8;  // our choice: a batch leaves capacity for other searches
constexpr std::size_t kSharedMin = 4;   // our choice: a search for the nodes asks 20, a search for a value about five

const Error kTooManyBatches{Code::overloaded, "too many batches of puts and gets in progress on this node",
                            std::chrono::milliseconds(200)};

}  // namespace

// -- put -------------------------------------------------------------------------------------------------------------

struct Batches::Puts {
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
  runtime::Reply<wire::PutManyDone> reply{};

  void answer() {
    reply.send([this](wire::PutManyDone::Builder out) {
      auto list = out.initItems(size32(items));
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

void Batches::put(wire::PutMany::Reader request, runtime::Reply<wire::PutManyDone> reply) {
  if (request.getItems().size() > kRegionItemsMax)
    return reply.refuse({Code::malformed, "too many values: a batch has at most 64"});
  if (request.getSeconds() > static_cast<std::uint64_t>(std::chrono::seconds(kLifetimeMax).count()))
    return reply.refuse({Code::malformed, "invalid lifetime: a record lasts at most seven days"});
  if (!room()) return reply.refuse(kTooManyBatches);
  const auto lasts = request.getSeconds() == 0 ? kLifetimeDefault : std::chrono::seconds(request.getSeconds());
  const crypto::Identity& identity = *head_.settings().identity;
  const auto puts = std::make_shared<Puts>();
  std::vector<Key> keys;
  std::size_t bytes = 0;
  for (const auto item : request.getItems()) {
    const auto space = space_of(item.getSpace());
    const auto name = bytes_of(item.getName()), value = bytes_of(item.getValue());
    if (!space || *space == Space::pk || name.size() > kNameBytesMax || value.size() > kValueBytesMax)
      return reply.refuse(
          {Code::malformed,
           "invalid value: a name has at most 64 bytes, a value at most 65,536, in the space /kv or /cid"});
    Puts::One one;
    Record record = CidRecord{{value.begin(), value.end()}};
    if (*space == Space::kv) {
      KvRecord kv;
      kv.name.assign(name.begin(), name.end());
      kv.value.assign(value.begin(), value.end());
      record =
          sign(identity.key(), operators_.dated(std::move(kv), key_of_name(identity.public_key(), name), lasts, {}));
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
  if (bytes > kRegionBytesMax) return reply.refuse({Code::malformed, "too much data: a batch has at most 512 KiB"});
  puts->regions = by_region(keys, head_.region_bits(), kRegionItemsMax);
  puts->asker = sender();
  puts->reply = std::move(reply);
  if (puts->items.empty()) return puts->answer();
  ++puts_;
  go_on(puts);
}

void Batches::go_on(const std::shared_ptr<Puts>& puts) {
  while (puts->begun < puts->regions.size() && puts->begun - puts->ended < kManyAtOnce) {
    const auto& region = puts->regions[puts->begun++];
    const auto words = [&](wire::Search::Builder out) {
      out.setKey(data_of(puts->items[region[region.size() / 2]].key.view()));
      auto items = out.getGoal().initRegion(size32(region));
      for (unsigned k = 0; k < items.size(); ++k) {
        items[k].setKey(data_of(puts->items[region[k]].key.view()));
        items[k].setRecord(data_of(puts->items[region[k]].record));
      }
    };
    head_.search_for({.asker = puts->asker}, words, [this, puts, region](const Searched& end) {
      // Fetched once: each fetch of a list counts against the message's read limit.
      auto& answer = end.answer;
      const auto results = answer.ok() ? answer.value().getItemResults() : capnp::List<wire::ItemResult>::Reader();
      for (unsigned k = 0; k < region.size(); ++k) {
        Puts::One& one = puts->items[region[k]];
        if (k >= results.size()) {
          one.error =
              answer.ok() ? Error{Code::internal, "the search returned no result for this value"} : answer.error();
          continue;
        }
        one.asked = results[k].getAsked();
        one.stored = results[k].getStored();
        one.error = store_error(results[k]);
        if (!one.error || Operators::may_be_stored(one.what, *one.error))
          head_.publish(one.what, one.key, one.record, one.stored);
      }
      if (++puts->ended < puts->regions.size()) return go_on(puts);
      --puts_;
      puts->answer();
    });
  }
}

// -- get -------------------------------------------------------------------------------------------------------------

struct Batches::Gets {
  struct One {
    Space space = Space::cid;
    Key key{};
    std::optional<base::Digest> digest{};
  };
  struct Region {
    std::vector<std::size_t> items;
    std::vector<Contact> starts{};  // nodes that have answered
  };
  struct Task {
    std::size_t region;
    std::optional<std::size_t> item;  // nullopt: find the nodes there
  };
  runtime::Sink<wire::GotOne> sink{};
  std::vector<One> items{};
  std::uint8_t quorum = 0;
  std::uint64_t group = 0;
  std::vector<Region> regions{};
  std::deque<Task> tasks{};
  std::size_t under_way = 0, told = 0;
  std::deque<runtime::Envelope> waiting{};  // items that wait for credit
  bool over = false;                        // reported, or its asker is gone

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

bool Batches::room() {
  std::erase_if(gets_, [](const auto& one) { return one->over; });
  return puts_ + gets_.size() < kBatchesMax;
}

void Batches::get(wire::GetMany::Reader question, runtime::Sink<wire::GotOne> sink) {
  if (question.getItems().size() > kRegionItemsMax)
    return sink.fail({Code::malformed, "too many keys: a batch has at most 64"});
  if (!room()) return sink.fail(kTooManyBatches);
  const auto gets = std::make_shared<Gets>();
  std::vector<Key> keys;
  for (const auto item : question.getItems()) {
    const auto space = space_of(item.getSpace());
    const auto place = operators_.sought(bytes_of(item.getDigest()), bytes_of(item.getKey()), bytes_of(item.getName()));
    if (!space || !place)
      return sink.fail({Code::malformed, "invalid key: a key has 20 bytes, a content id 32, and each has a space"});
    gets->items.push_back({*space, place->key, place->digest});
    keys.push_back(place->key);
  }
  gets->sink = std::move(sink);
  if (keys.empty()) return gets->sink.end();
  gets->quorum = question.getQuorum();
  gets->group = head_.new_group();
  const unsigned bits = head_.region_bits();
  for (auto& items : by_region(keys, bits, kRegionItemsMax)) {
    const std::size_t region = gets->regions.size();
    gets->regions.push_back({std::move(items)});
    // In a small network the table knows all nodes.
    if (bits > 0 && gets->regions.back().items.size() >= kSharedMin) gets->tasks.push_back({region, std::nullopt});
    else
      for (const std::size_t item : gets->regions.back().items) gets->tasks.push_back({region, item});
  }
  const std::weak_ptr<Gets> weak = gets;
  gets->sink.on_ready([this, weak] {
    const auto here = weak.lock();
    if (!here) return;
    here->flush();
    go_on(here);
  });
  gets->sink.on_cancel([this, weak, group = gets->group] {
    if (const auto here = weak.lock()) here->over = true;
    head_.stop_group(group);
  });
  gets_.push_back(gets);
  go_on(gets);
}

void Batches::go_on(const std::shared_ptr<Gets>& gets) {
  // While the asker grants no credit, no search starts.
  while (!gets->over && gets->under_way < kManyAtOnce && !gets->tasks.empty() && gets->waiting.empty()) {
    const Gets::Task task = gets->tasks.front();
    gets->tasks.pop_front();
    ++gets->under_way;
    const Gets::Region& region = gets->regions[task.region];
    if (!task.item) {
      const Key middle = gets->items[region.items[region.items.size() / 2]].key;
      head_.search_for(
          {.group = gets->group}, [&](wire::Search::Builder out) { out.setKey(data_of(middle.view())); },
          [this, gets, at = task.region](const Searched& end) {
            if (end.answer.ok()) gets->regions[at].starts = own_contacts(end.answer.value().getNearest());
            gets->begin_items(at);
            --gets->under_way;
            go_on(gets);
          });
      continue;
    }
    const Gets::One& next = gets->items[*task.item];
    const auto words = [&](wire::Search::Builder out) {
      out.setKey(data_of(next.key.view()));
      out.getGoal().setValue(static_cast<std::uint8_t>(next.space));
      out.setQuorum(gets->quorum);
    };
    head_.search_for({.group = gets->group, .starts = region.starts}, words,
                     [this, gets, item = *task.item](const Searched& end) {
                       const auto why = Operators::unread(end, gets->items[item].digest);
                       const auto fill = [&](wire::GotOne::Builder out) {
                         out.setItem(static_cast<std::uint16_t>(item));
                         if (why) return write(out.initError(), *why);
                         operators_.write_got(out.initGot(), end);
                       };
                       gets->tell(runtime::Envelope::build<wire::GotOne>({.signal = runtime::Signal::item}, fill));
                       --gets->under_way;
                       go_on(gets);
                     });
  }
}

}  // namespace troupe::dht
