// Many values put and got by one question.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

struct PutOne {
  Key key;
  std::optional<base::Digest> digest;
  unsigned stored = 0, asked = 0;
  std::optional<Error> error;
};
struct PutMany {
  std::optional<Error> error;
  std::vector<PutOne> items;
};
using Batch = std::vector<std::pair<Space, std::string>>;  // of kv the name as well

PutMany put_many(DhtCluster& cluster, std::size_t at, const Batch& values) {
  PutMany out;
  out.error = cluster.ask<wire::PutMany, wire::PutManyDone>(
      at,
      [&](wire::PutMany::Builder order) {
        auto items = order.initItems(static_cast<unsigned>(values.size()));
        for (unsigned i = 0; i < items.size(); ++i) {
          items[i].setSpace(static_cast<std::uint8_t>(values[i].first));
          if (values[i].first == Space::kv) items[i].setName(data_of(base::as_bytes(values[i].second)));
          items[i].setValue(data_of(base::as_bytes(values[i].second)));
        }
      },
      [&](wire::PutManyDone::Reader done) {
        for (const auto one : done.getItems()) {
          PutOne item{*read_key(one.getKey()),
                      base::Digest::from(bytes_of(one.getDigest())),
                      one.getStored(),
                      one.getAsked(),
                      {}};
          if (one.hasError()) item.error = read(one.getError());
          out.items.push_back(item);
        }
      });
  return out;
}

struct GotMany {
  std::map<std::size_t, std::string> values;
  std::map<std::size_t, Error> errors;
  std::optional<Error> error;
  bool over = false;
};
struct Wanted {
  Space space;
  Key key;
};
std::shared_ptr<GotMany> begin_get_many(DhtCluster& cluster, std::size_t at, const std::vector<Wanted>& wanted,
                                        runtime::Subscription& hold) {
  const auto out = std::make_shared<GotMany>();
  cluster.inside(at, [&, out](Scripted& self) {
    hold = self.subscribe<wire::GetMany, wire::GotOne>(
        self.node().find(kPath), 300s,
        [&](wire::GetMany::Builder question) {
          auto items = question.initItems(static_cast<unsigned>(wanted.size()));
          for (unsigned i = 0; i < items.size(); ++i) {
            items[i].setSpace(static_cast<std::uint8_t>(wanted[i].space));
            items[i].setKey(data_of(wanted[i].key.view()));
          }
        },
        [out](wire::GotOne::Reader one) {
          if (one.isError()) out->errors[one.getItem()] = read(one.getError());
          else out->values[one.getItem()] = text(bytes_of(one.getGot().getValue()));
        },
        [out](base::Result<void, Error> ended) {
          out->over = true;
          if (!ended.ok()) out->error = ended.error();
        });
  });
  return out;
}
GotMany get_many(DhtCluster& cluster, std::size_t at, const std::vector<Wanted>& wanted) {
  runtime::Subscription hold;
  const auto out = begin_get_many(cluster, at, wanted, hold);
  cluster.stage.run_until([&] { return out->over; }, 301s);
  return *out;
}

DhtCluster::Tune copies(std::size_t count) {
  return [=](std::size_t, ClusterNode& member) { member.settings.copies = count; };
}
Batch some_values(std::size_t count) {
  Batch out;
  for (std::size_t i = 0; i < count; ++i)
    out.push_back({i % 3 == 0 ? Space::kv : Space::cid, "value " + std::to_string(i)});
  return out;
}

}  // namespace

TEST_CASE("dht many: values put together are each found alone, and with fewer searches than one each") {
  DhtCluster cluster(16, copies(4));
  const Batch values = some_values(48);
  const std::uint64_t before = cluster.state(3).searched;
  const auto put = put_many(cluster, 3, values);
  REQUIRE_FALSE(put.error);
  REQUIRE(put.items.size() == values.size());
  CHECK(cluster.state(3).searched - before <= 16);
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    const PutOne& one = put.items[i];
    CHECK_FALSE(one.error);
    CHECK(one.stored >= 3);
    CHECK(one.digest.has_value() == (values[i].first == Space::cid));
    CHECK(cluster.get((i * 7) % 16, values[i].first, one.key).value == values[i].second);
  }
  // What was put is kept in the network.
  cluster.stage.run_for(1s);
  CHECK(cluster[3].settings.counters->published == values.size());
  CHECK(cluster.failures().empty());

  SUBCASE("and found together, each with its own answer") {
    std::vector<Wanted> wanted;
    for (std::size_t i = 0; i < values.size(); ++i) wanted.push_back({values[i].first, put.items[i].key});
    wanted.push_back({Space::cid, key(1)});
    wanted.push_back({Space::kv, put.items[1].key});  // another space
    const auto got = get_many(cluster, 9, wanted);
    CHECK_FALSE(got.error);
    REQUIRE(got.values.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(got.values.at(i) == values[i].second);
    REQUIRE(got.errors.size() == 2);
    for (const auto& [item, why] : got.errors) CHECK(why.code == Code::not_found);
    CHECK(cluster.state(9).searches == 0);
  }
}

TEST_CASE("dht many: of several values each says how many nodes have it") {
  DhtCluster cluster(4, copies(4));
  for (const std::size_t i : {1, 2}) cluster[i].disk.set_capacity(1);
  const auto put = put_many(cluster, 0, some_values(6));
  REQUIRE_FALSE(put.error);
  for (const PutOne& one : put.items) {
    REQUIRE(one.error);
    CHECK(one.error->code == Code::unknown_outcome);
    CHECK(one.error->message.find("2 of 4") != std::string::npos);
    CHECK(one.stored == 2);
    CHECK(one.asked == 4);
  }
  cluster.stage.run_for(1s);
  CHECK(cluster[0].settings.counters->published == 2);  // of what changes: some nodes have it already
}

TEST_CASE("dht many: what is too much for the others at once is stored there later") {
  DhtCluster cluster(4, [](std::size_t, ClusterNode& member) { member.settings.budgets = {.checks_per_second = 16}; });
  Batch values;
  for (int i = 0; i < 60; ++i) values.emplace_back(Space::cid, "value " + std::to_string(i));
  const PutMany put = put_many(cluster, 0, values);
  REQUIRE_FALSE(put.error);
  for (const PutOne& one : put.items) {
    CHECK_FALSE(one.error);
    CHECK(one.stored == 4);
  }
}

TEST_CASE("dht many: none, too many and too much") {
  DhtCluster cluster(3, copies(3));
  CHECK(put_many(cluster, 0, {}).items.empty());
  CHECK_FALSE(put_many(cluster, 0, some_values(64)).error);
  CHECK(put_many(cluster, 0, some_values(65)).error->code == Code::malformed);
  CHECK_FALSE(put_many(cluster, 0, Batch(7, {Space::cid, std::string(kValueBytesMax, 'a')})).error);
  CHECK(put_many(cluster, 0, Batch(9, {Space::cid, std::string(kValueBytesMax, 'a')})).error->code == Code::malformed);
  CHECK(put_many(cluster, 0, {{Space::pk, ""}}).error->code == Code::malformed);
  CHECK(get_many(cluster, 0, {}).over);
  CHECK(get_many(cluster, 0, std::vector<Wanted>(65, {Space::cid, key(1)})).error->code == Code::malformed);
  CHECK(get_many(cluster, 0, std::vector<Wanted>(64, {Space::cid, key(1)})).errors.size() == 64);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht many: whoever wants them no more ends their searches") {
  DhtCluster cluster(6, copies(3));
  for (std::size_t i = 1; i < 6; ++i) cluster.kill(i);
  runtime::Subscription hold;
  std::vector<Wanted> wanted;
  for (int i = 0; i < 64; ++i) wanted.push_back({Space::cid, key(i)});
  const auto got = begin_get_many(cluster, 0, wanted, hold);
  cluster.stage.run_for(20ms);
  CHECK(cluster.state(0).searches > 0);
  cluster.inside(0, [&](Scripted&) { hold.cancel(); });
  cluster.stage.run_for(20ms);
  CHECK(cluster.state(0).searches == 0);
  CHECK(cluster[0].settings.counters->searched <= 64 + 10);
  CHECK(cluster.failures().empty());
}
