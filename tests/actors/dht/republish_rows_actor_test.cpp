// What is published, on a disk that is full, slow or still opening.
#include <doctest/doctest.h>

#include <functional>

#include "actors/dht/republish_actor.hpp"
#include "actors/dht/wire.hpp"
#include "messages/store.capnp.h"
#include "tests/actors/dht/sweep.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;
using base::Bytes;
using troupe::test::ActorFixture;
using troupe::test::Scripted;

namespace {

/// `/dht/republish` between a store and a `/dht` that a test bends to its will.
class Publisher {
 public:
  struct Store {
    Disk rows;
    bool opening = false;     // nothing is read yet
    bool full = false;        // it takes nothing but erasures
    bool slow_reads = false;  // they are answered by release(), with what was there when they came
    bool slow_commits = false;
    int commits = 0;
    std::vector<std::function<void()>> held{};
  };

  explicit Publisher(std::chrono::milliseconds period = 1h) {
    settings_->identity =
        std::make_shared<const crypto::Identity>(crypto::Identity::make(actors.ports.world().chance, 0));
    settings_->work_bits = 0;
    settings_->republish.period = period;
    settings_->health = &health;
  }

  ~Publisher() {
    store.slow_reads = store.slow_commits = false;
    store.held.clear();
  }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Starts it over the rows of the store.
  void begin() {
    actors.start("store", [this](Scripted&, runtime::Handlers& on) { serve(on); });
    actors.start("dht", [this](Scripted&, runtime::Handlers& on) { stand_in(on); });
    actors.start(
        "parent", [](Scripted&, runtime::Handlers&) {},
        [this](Scripted& self) {
          parent_ = &self;
          sweep_ = self.spawn("republish", [this] { return std::make_unique<RepublishActor>(settings_); });
        });
    actors.stage.settle();
  }
  void stop() {
    actors.inside([&](Scripted&) { parent_->stop_child(sweep_); });
  }
  void release() {
    for (auto& one : std::exchange(store.held, {})) one();
    actors.stage.settle();
  }

  KvRecord record(const std::string& name, std::uint64_t sequence, std::chrono::seconds lasts = 48h,
                  std::size_t size = 3) {
    KvRecord out;
    out.sequence = sequence;
    out.created = wall();
    out.expires = wall() + lasts;
    out.name = bytes_of(name);
    out.value = Bytes(size, 1);
    return sign(settings_->identity->key(), out);
  }
  void publish(const KvRecord& record) {
    actors.inside([&](Scripted& self) {
      self.tell<wire::Published>(sweep_, [&](wire::Published::Builder out) {
        out.setWhat(static_cast<std::uint8_t>(Published::kv));
        out.setKey(data_of(key_of(record).view()));
        out.setRecord(data_of(encode(record)));
      });
    });
  }
  void announce(const Key& key, bool there) {
    actors.inside([&](Scripted& self) {
      const auto fill = [&](auto out) {
        out.setWhat(static_cast<std::uint8_t>(Published::provider));
        out.setKey(data_of(key.view()));
      };
      if (there) self.tell<wire::Published>(sweep_, fill);
      else self.tell<wire::Withdrawn>(sweep_, fill);
    });
  }
  /// Puts until nothing more finds room, with a store that takes nothing.
  void fill() {
    store.full = true;
    for (int i = 0; i < 300; ++i) publish(record("n" + std::to_string(i), 5, 48h, 60'000));
    REQUIRE(reason("dht-published").find("found no space to wait") != std::string::npos);
  }
  struct Dropped {
    bool answered = false;
    std::optional<base::Error> error{};
  };
  std::shared_ptr<Dropped> drop(const std::vector<KvRecord>& records) {
    const auto out = std::make_shared<Dropped>();
    actors.inside([&](Scripted& self) {
      self.ask<wire::DropRows, wire::RowsDropped>(
          sweep_, self.now() + 60s,
          [&](wire::DropRows::Builder order) {
            const auto size = static_cast<unsigned>(records.size());
            auto keys = order.initKeys(size);
            auto sequences = order.initSequences(size);
            order.setExpired(true);
            for (unsigned i = 0; i < size; ++i) {
              keys.set(i, data_of(row_key(records[i])));
              sequences.set(i, records[i].sequence);
            }
          },
          [out](runtime::Answer<wire::RowsDropped> answer) {
            out->answered = true;
            if (!answer.ok()) out->error = answer.error();
          });
    });
    return out;
  }

  static Bytes row_key(const KvRecord& record) { return Republish::row_key({key_of(record), Published::kv}); }
  void keep(const KvRecord& record) { store.rows[row_key(record)] = encode(record); }
  bool keeps(const KvRecord& record) const {
    const auto row = store.rows.find(row_key(record));
    return row != store.rows.end() && row->second == encode(record);
  }
  std::vector<std::uint64_t> published(const KvRecord& record) const {
    const auto known = searched.find(key_of(record));
    return known == searched.end() ? std::vector<std::uint64_t>() : known->second;
  }
  std::string reason(const std::string& source) const {
    for (const auto& each : health.reasons())
      if (each.source == source) return each.text;
    return {};
  }
  std::uint64_t items() const { return settings_->counters->published; }
  base::WallTime wall() { return actors.ports.world().clock.wall(); }
  RepublishSettings& times() { return settings_->republish; }

  observe::Health health;
  Store store;
  std::map<Key, std::vector<std::uint64_t>> searched;  // sequences, in order
  ActorFixture actors;                                 // after what its actors write to

 private:
  static Bytes copy(capnp::Data::Reader data) { return {data.begin(), data.end()}; }

  void serve(runtime::Handlers& on) {
    on.ask<store::wire::Commit, messages::wire::Nothing>(
        [this](store::wire::Commit::Reader commit, runtime::Reply<messages::wire::Nothing> reply) {
          ++store.commits;
          RowChange change;
          for (const auto row : commit.getRows()) {
            if (row.getValue().isPut()) change.save.push_back({copy(row.getKey()), copy(row.getValue().getPut())});
            else change.erase.push_back(copy(row.getKey()));
          }
          later(store.slow_commits, [this, change, reply = std::make_shared<decltype(reply)>(std::move(reply))] {
            if (store.full && !change.save.empty())
              return reply->refuse(base::Error{base::Code::no_space, "the device is full"});
            save(store.rows, change);
            reply->done();
          });
        });
    on.ask<store::wire::Get, store::wire::Found>(
        [this](store::wire::Get::Reader get, runtime::Reply<store::wire::Found> reply) {
          const auto row = store.rows.find(copy(get.getKey()));
          const auto value = row == store.rows.end() ? std::optional<Bytes>() : row->second;
          later(store.slow_reads, [value, reply = std::make_shared<decltype(reply)>(std::move(reply))] {
            if (!value) return reply->refuse(base::Error{base::Code::not_found, "no such row"});
            reply->send([&](store::wire::Found::Builder out) { out.setValue(data_of(*value)); });
          });
        });
    on.ask<store::wire::Scan, store::wire::Slice>(
        [this](store::wire::Scan::Reader, runtime::Reply<store::wire::Slice> reply) {
          if (store.opening) return reply.refuse(base::Error{base::Code::unavailable, "the store is opening"});
          reply.send([&](store::wire::Slice::Builder out) {
            auto rows = out.initRows(static_cast<unsigned>(store.rows.size()));
            unsigned i = 0;
            for (const auto& [key, value] : store.rows) {
              rows[i].setKey(data_of(key));
              rows[i++].setValue(data_of(value));
            }
          });
        });
  }
  void stand_in(runtime::Handlers& on) {
    on.tell<wire::LastSigned>([](wire::LastSigned::Reader) {});
    on.ask<wire::GetTable, wire::TableRows>([](wire::GetTable::Reader, runtime::Reply<wire::TableRows> reply) {
      reply.send([](wire::TableRows::Builder out) {
        out.setNodes(4);
        out.initBuckets(1);
      });
    });
    on.ask<wire::Search, wire::SearchResult>(
        [this](wire::Search::Reader search, runtime::Reply<wire::SearchResult> reply) {
          const auto items = search.getGoal().getRegion();
          for (const auto item : items) {
            const Key key = *read_key(item.getKey());
            searched[key].push_back(sequence_in({key, Published::kv}, copy(item.getRecord())));
          }
          reply.send([&](wire::SearchResult::Builder out) {
            out.initNearest(1);
            auto has = out.initItems(items.size());
            for (unsigned i = 0; i < has.size(); ++i) has.set(i, true);
          });
        });
  }
  void later(bool slow, std::function<void()> answer) {
    if (slow) store.held.push_back(std::move(answer));
    else answer();
  }

  std::shared_ptr<DhtSettings> settings_ = std::make_shared<DhtSettings>();
  Scripted* parent_ = nullptr;
  runtime::Handle sweep_;
};

}  // namespace

TEST_CASE("republish rows: a put that comes while its expired row is read stays") {
  Publisher one(20h);
  const auto old = one.record("x", 5, 100s);
  one.keep(old);
  one.begin();
  one.actors.stage.run_for(2h);
  one.store.slow_reads = true;
  one.actors.stage.run_until([&] { return !one.store.held.empty(); }, 30h);
  REQUIRE(one.store.held.size() == 1);
  const auto fresh = one.record("x", 7);
  one.publish(fresh);
  REQUIRE(one.keeps(fresh));
  one.store.slow_reads = false;
  one.release();
  one.actors.stage.run_for(2min);
  CHECK(one.keeps(fresh));
  CHECK(one.items() == 1);
  CHECK(one.published(fresh).back() == 7);
}

TEST_CASE("republish rows: what is withdrawn while its region is read is not sent") {
  Publisher one;
  const auto other = one.record("other", 5);
  one.begin();
  one.store.slow_reads = true;
  const Key key = key_of(other);
  one.publish(other);
  one.announce(key, true);
  one.actors.stage.run_until([&] { return !one.store.held.empty(); }, 2h);
  REQUIRE(one.store.held.size() == 1);  // of one key: a record, and a provider after it
  one.announce(key, false);
  one.store.slow_reads = false;
  one.release();
  one.actors.stage.run_for(10s);
  CHECK(one.published(other) == std::vector<std::uint64_t>{5});
  CHECK(one.items() == 1);
}

TEST_CASE("republish rows: a put that finds no room to wait does not bring back what it took the place of") {
  Publisher one(1h);
  const auto old = one.record("x", 5), fresh = one.record("x", 7, 48h, 60'000);
  one.keep(old);
  one.begin();
  one.actors.stage.run_for(10s);
  one.fill();
  one.searched.clear();
  one.publish(fresh);
  one.actors.stage.run_for(72min);
  CHECK(one.published(old).empty());
  CHECK_FALSE(one.store.rows.contains(one.row_key(old)));  // nor after a restart
  one.store.full = false;
  one.actors.stage.run_for(10s);
  one.publish(fresh);
  one.actors.stage.run_for(72min);
  CHECK(one.keeps(fresh));
  CHECK(one.published(fresh).back() == 7);
}

TEST_CASE("republish rows: what needs no room is taken while there is none") {
  Publisher one(5h);
  one.begin();
  one.announce(key(3), true);
  one.publish(one.record("n0", 1, 48h, 60'000));
  REQUIRE(one.store.rows.contains(Republish::row_key({key(3), Published::provider})));
  one.fill();
  const auto waits = one.record("n7", 6, 48h, 50'000);
  SUBCASE("it is on disk as it is") { one.announce(key(3), true); }
  SUBCASE("it takes the place of as much that waits") { one.publish(waits); }
  const auto items = one.items();
  CHECK(items > 200);
  one.store.full = false;
  one.actors.stage.run_for(10s);
  CHECK(one.items() == items);
  CHECK(one.store.rows.contains(Republish::row_key({key(3), Published::provider})));
}

TEST_CASE("republish rows: an older put that is late does not stand in for one that found no room") {
  Publisher one(5h);
  one.begin();
  one.fill();
  one.publish(one.record("x", 7, 48h, 60'000));
  one.store.full = false;
  one.actors.stage.run_for(10s);
  const auto old = one.record("x", 5);
  one.publish(old);
  CHECK_FALSE(one.keeps(old));
  CHECK_FALSE(one.reason("dht-published").empty());
}

TEST_CASE("republish rows: who drops what is not there waits for nobody") {
  Publisher one(100h);
  one.begin();
  const auto fresh = one.record("x", 7);
  one.publish(fresh);
  one.store.slow_commits = true;
  one.publish(one.record("y", 7));
  auto order = one.record("x", 5);
  const auto dropped = one.drop({order});
  CHECK(dropped->answered);
  CHECK_FALSE(dropped->error);
  CHECK(one.keeps(fresh));
}

TEST_CASE("republish rows: rows beyond the limit stay on disk for a start with more room") {
  Publisher one(100h);
  std::vector<KvRecord> all;
  for (int i = 0; i < 5; ++i) all.push_back(one.record("x" + std::to_string(i), 5));
  for (const KvRecord& each : all) one.keep(each);
  one.times().items_max = 3;
  one.begin();
  CHECK(one.items() == 3);
  CHECK(one.reason("dht-published").find("the maximum published (3 keys), and 2") != std::string::npos);
  for (const KvRecord& each : all) CHECK(one.keeps(each));
  for (int i = 0; i < 3; ++i)
    for (const KvRecord& each : all) one.publish(each);  // put once more
  CHECK(one.reason("dht-published").find("the maximum published (3 keys), and 2") != std::string::npos);
}

TEST_CASE("republish rows: what found no room is a reason of health until it is put anew") {
  Publisher one(100h);
  one.begin();
  one.fill();
  one.store.full = false;
  one.actors.stage.run_for(10s);
  CHECK(one.reason("dht-published").find("put the keys again") != std::string::npos);
  for (int i = 0; i < 300; ++i) one.publish(one.record("n" + std::to_string(i), 6));
  CHECK(one.reason("dht-published").empty());
  CHECK(one.items() == 300);
}

TEST_CASE("republish rows: on a full device what has expired is cleaned, at the first order") {
  Publisher one(100h);
  std::vector<KvRecord> old;
  for (int i = 0; i < 30; ++i) old.push_back(one.record("x" + std::to_string(i), 5, 100s));
  for (const KvRecord& each : old) one.keep(each);
  one.begin();
  one.actors.stage.run_for(2h);
  SUBCASE("with all room taken") { one.fill(); }
  SUBCASE("behind a commit that will fail") {
    one.store.full = one.store.slow_commits = true;
    one.publish(one.record("y", 5));
  }
  const auto dropped = one.drop(old);
  one.store.slow_commits = false;
  one.release();
  one.actors.stage.run_for(10ms);
  CHECK(dropped->answered);
  CHECK_FALSE(dropped->error);
  for (const KvRecord& each : old) CHECK_FALSE(one.store.rows.contains(one.row_key(each)));
}

TEST_CASE("republish rows: who waits for an erasure that fails is told, and it is tried again") {
  Publisher one(100h);
  const auto old = one.record("x", 5, 100s);
  one.keep(old);
  one.begin();
  one.actors.stage.run_for(2h);
  one.store.slow_commits = true;
  const auto dropped = one.drop({old});
  one.fill();
  REQUIRE_FALSE(dropped->answered);
  one.store.held.clear();  // no answer will come
  one.actors.stage.run_for(1min);
  CHECK(dropped->answered);
  CHECK(dropped->error);
  one.store.slow_commits = one.store.full = false;
  one.release();
  one.actors.stage.run_for(1min);
  CHECK_FALSE(one.store.rows.contains(one.row_key(old)));
}

TEST_CASE("republish rows: a store that takes nothing is asked again less and less often, not for each put") {
  Publisher one;
  one.begin();
  one.store.full = true;
  const int before = one.store.commits;
  for (int i = 0; i < 50; ++i) one.publish(one.record("n" + std::to_string(i), 5));
  CHECK(one.store.commits - before == 1);
  one.actors.stage.run_for(10s);
  CHECK(one.store.commits - before <= 6);
  one.store.full = false;
  one.actors.stage.run_for(store::kRetryMax);
  CHECK(one.store.rows.size() == 51);  // and the cursor
}

TEST_CASE("republish rows: what waits behind a commit is the last word of one that is stopped") {
  Publisher one;
  one.begin();
  one.store.slow_commits = true;
  const auto first = one.record("a", 5), second = one.record("b", 5);
  one.publish(first);
  one.publish(second);
  one.stop();
  one.release();
  CHECK(one.keeps(first));
  CHECK(one.keeps(second));
}

TEST_CASE("republish rows: a put that comes before the rows are read leaves the sweep where it was") {
  Publisher one;
  Republish sweep(one.times(), one.wall());
  const auto there = one.record("a", 5);
  save(one.store.rows, sweep.add({key_of(there), Published::kv}, encode(there), one.wall()).value());
  save(one.store.rows, sweep.cursor_row());
  one.store.opening = true;
  one.begin();
  one.publish(one.record("b", 6));
  CHECK(one.store.rows.at({0}) == sweep.cursor_row().value);
  one.store.opening = false;
  one.actors.stage.run_for(5s);
  CHECK(one.searched.empty());
}
