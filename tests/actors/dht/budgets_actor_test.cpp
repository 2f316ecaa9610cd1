// What a node does for others before it refuses, and what it refuses before it has cost anything.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using Result = troupe::dht::wire::StoreDone::Result;

namespace {

DhtCluster tight(BudgetLimits limits) {
  return DhtCluster(3, [limits](std::size_t i, ClusterNode& member) {
    if (i == 0) member.settings.budgets = limits;
  });
}

/// What a node has refused for a budget.
std::uint64_t over(DhtCluster& cluster, Resource resource) {
  return cluster[0].settings.counters->over_budget[static_cast<std::size_t>(resource)];
}

}  // namespace

TEST_CASE("dht budgets: what is too large for a datagram is refused before it is read") {
  DhtCluster cluster(3);
  const Record large = CidRecord{base::Bytes(kValueBytesMax, 7)};
  REQUIRE(cluster.store(1, 0, large).result == Result::STORED);
  const auto& read = cluster[0].settings.counters->rows_read;
  const std::uint64_t before = read;
  CHECK(cluster.held(1, 0, Space::cid, key_of(large)) == text(encode(large)));  // over a link, in the end
  CHECK(read == before + 1);
}

TEST_CASE("dht budgets: who listens to a large value is told its tag, and nothing is read") {
  DhtCluster cluster(3);
  const Record large = cluster.signed_by(1, 7, std::string(60'000, 'x'));
  REQUIRE(cluster.store(1, 0, large).result == Result::STORED);
  const Token token = cluster.token(1, 0);
  const std::uint64_t before = cluster[0].settings.counters->rows_read;
  std::string told;
  CHECK_FALSE(cluster.ask_from<wire::Listen, wire::Listening>(
      1, 0,
      [&](wire::Listen::Builder out) {
        write_asker(out.initAsker(), cluster[1].settings);
        out.setToken(data_of(token.view()));
        out.setWhat(2);
        out.setKey(data_of(key_of(large).view()));
        out.setSeconds(60);
      },
      [&](wire::Listening::Reader said) {
        CHECK(said.getSeconds() == 60);
        CHECK(said.getPresent().getSequence() == 7);
        CHECK_FALSE(said.getPresent().hasRecord());
        told = text(bytes_of(said.getPresent().getTag()));
      }));
  CHECK(told == text(tag_of(encode(large)).view()));
  CHECK(cluster[0].settings.counters->rows_read == before);
}

TEST_CASE("dht budgets: a record that is held is compared before it is checked, and costs no check") {
  DhtCluster cluster = tight({.checks_per_second = 16});
  const Record record = cluster.signed_by(1, 7, "seven");
  const Token token = cluster.token(1, 0);
  for (int i = 0; i < 200; ++i)
    REQUIRE(cluster.store(1, 0, key_of(record), encode(record), token.view()).result == Result::STORED);
  CHECK(over(cluster, Resource::checks) == 0);
  CHECK(cluster.state(0).records == 1);
  SUBCASE("one of the same size that is not the same is checked") {
    KvRecord forged = cluster.signed_by(1, 7, "seven");
    forged.value = bytes_of("other");
    CHECK(cluster.store(1, 0, key_of(record), encode(forged), token.view()).result == Result::BAD);
  }
}

TEST_CASE("dht budgets: who stores too often waits, and the node itself never does") {
  DhtCluster cluster = tight({.checks_per_second = 16});
  const Token token = cluster.token(1, 0);
  const auto store = [&](std::uint64_t sequence) {
    const Record record = cluster.signed_by(1, sequence, "value");
    return cluster.store(1, 0, key_of(record), encode(record), token.view());
  };
  std::uint64_t sequence = 1;
  auto last = store(sequence);
  for (; !last.error && sequence < 1'000; last = store(sequence)) ++sequence;
  REQUIRE(code(last.error) == Code::overloaded);
  CHECK(last.error->retry_after > 0ms);
  CHECK(over(cluster, Resource::checks) > 0);
  for (int i = 0; i < 20; ++i) CHECK_FALSE(cluster.put(0, Space::cid, {}, std::to_string(i)).error);
  cluster.stage.run_for(2s);
  CHECK(store(sequence).result == Result::STORED);
}

TEST_CASE("dht budgets: bytes on disk are limited, and announcements count among them") {
  DhtCluster cluster = tight({.written_per_second = 1u << 20});
  const Token token = cluster.token(1, 0);
  std::optional<base::Error> why;
  std::size_t stored = 0;
  for (; !why && stored < 200; ++stored) {
    const Record record = cluster.signed_by(1, stored + 1, std::string(60'000, 'x'));
    why = cluster.store(1, 0, key_of(record), encode(record), token.view()).error;
  }
  REQUIRE(code(why) == Code::overloaded);
  CHECK(stored < 100);
  CHECK(over(cluster, Resource::written) == 1);
  CHECK_FALSE(announce(cluster, 2, 0, key(5), cluster.token(2, 0)));
  const Record again = cluster.signed_by(1, stored - 1, std::string(60'000, 'x'));
  CHECK_FALSE(cluster.store(1, 0, key_of(again), encode(again), token.view()).error);  // writes nothing
}

TEST_CASE("dht budgets: questions of peers are limited, and go on after a while") {
  DhtCluster cluster = tight({.questions_per_second = 16});
  const auto ask = [&] {
    return cluster.ask_from<wire::FindNode, wire::Nodes>(
        1, 0, [&](wire::FindNode::Builder out) { out.setTarget(data_of(key(1).view())); });
  };
  std::optional<base::Error> why;
  for (int i = 0; !why && i < 1'000; ++i) why = ask();
  REQUIRE(code(why) == Code::overloaded);
  CHECK(why->retry_after > 0ms);
  CHECK(over(cluster, Resource::questions) > 0);
  cluster.stage.run_for(5s);
  CHECK_FALSE(ask());
}

TEST_CASE("dht budgets: a large record that is read costs as many questions as it has pieces of 2 KiB") {
  DhtCluster cluster(3, [](std::size_t i, ClusterNode& member) {
    member.settings.held.cache_bytes_max = 0;
    if (i == 0) member.settings.budgets.questions_per_second = 16;
  });
  const Record large = cluster.signed_by(1, 7, std::string(60'000, 'x'));
  const Record small = cluster.signed_by(1, 7, "seven", "small");
  for (const Record& one : {large, small}) REQUIRE(cluster.store(1, 0, one).result == Result::STORED);
  cluster.stage.run_for(10s);
  const auto ask = [&](const Record& record) {
    return cluster.ask_from<wire::FindValue, wire::FoundValue>(1, 0, [&](wire::FindValue::Builder out) {
      out.setSpace(static_cast<std::uint8_t>(Space::kv));
      out.setKey(data_of(key_of(record).view()));
    });
  };
  const std::uint64_t before = cluster[0].settings.counters->rows_read;
  std::optional<base::Error> why;
  for (int i = 0; !why && i < 8; ++i) why = ask(large);
  REQUIRE(code(why) == Code::overloaded);
  CHECK(why->retry_after > 0ms);
  CHECK(cluster[0].settings.counters->rows_read <= before + 3);
  cluster.stage.run_for(5s);
  CHECK_FALSE(ask(small));
  CHECK_FALSE(ask(large));
}

TEST_CASE("dht budgets: few records are read for others at a time, and what is not read is not said to be missing") {
  DhtCluster cluster(2, [](std::size_t i, ClusterNode& member) {
    member.settings.held.cache_bytes_max = 0;
    member.stores = i != 0;
  });
  std::vector<runtime::Reply<store::wire::Found>> reads;  // that the store of node 0 has not answered
  cluster[0].life().node.start(
      "store", script([&](Scripted&, runtime::Handlers& on) {
        on.ask<store::wire::Scan, store::wire::Slice>(
            [](auto, runtime::Reply<store::wire::Slice> reply) { reply.send([](store::wire::Slice::Builder) {}); });
        on.ask<store::wire::Commit, messages::wire::Nothing>([](auto, runtime::Reply<messages::wire::Nothing> reply) {
          reply.send([](messages::wire::Nothing::Builder) {});
        });
        on.ask<store::wire::Get, store::wire::Found>(
            [&](auto, runtime::Reply<store::wire::Found> reply) { reads.push_back(std::move(reply)); });
      }));
  cluster.stage.run_for(10s);
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  REQUIRE(cluster.store(1, 0, record).result == Result::STORED);
  std::map<Code, std::size_t> refused;
  const auto ask = [&](std::size_t count) {
    cluster.inside(1, [&, count](Scripted& self) {
      for (std::size_t i = 0; i < count; ++i)
        self.ask<wire::FindValue, wire::FoundValue>(
            self.node().remote(cluster[0].id(), kPath), self.now() + 60s,
            [&](wire::FindValue::Builder out) {
              out.setSpace(static_cast<std::uint8_t>(Space::kv));
              out.setKey(data_of(key_of(record).view()));
            },
            [&](runtime::Answer<wire::FoundValue> answer) {
              REQUIRE_FALSE(answer.ok());
              ++refused[answer.error().code];
            });
    });
    cluster.stage.run_for(1s);
  };
  ask(200);
  // The shares bind once half of the places are taken.
  CHECK(reads.size() == kReadsMax / 2);
  CHECK(refused == std::map<Code, std::size_t>{{Code::overloaded, 200 - kReadsMax / 2}});
  CHECK(cluster[0].settings.counters->reads_refused == 200 - kReadsMax / 2);
  // A listener is told what there is, and not its value.
  std::uint64_t sequence = 0;
  std::size_t bytes = 1;
  CHECK_FALSE(cluster.ask_from<wire::Listen, wire::Listening>(
      1, 0,
      [&](wire::Listen::Builder out) {
        write_asker(out.initAsker(), cluster[1].settings);
        out.setWhat(static_cast<std::uint8_t>(TopicKind::value));
        out.setKey(data_of(key_of(record).view()));
      },
      [&](wire::Listening::Reader said) {
        sequence = said.getPresent().getSequence();
        bytes = said.getPresent().getRecord().size();
      }));
  CHECK(sequence == 7);
  CHECK(bytes == 0);
  CHECK(reads.size() == kReadsMax / 2);
  // This node itself needs no place.
  cluster.inside(0, [&](Scripted& self) {
    self.ask<wire::FindValue, wire::FoundValue>(
        self.node().find(kPath), self.now() + 60s,
        [&](wire::FindValue::Builder out) {
          out.setSpace(static_cast<std::uint8_t>(Space::kv));
          out.setKey(data_of(key_of(record).view()));
        },
        [](auto) {});
  });
  CHECK(reads.size() == kReadsMax / 2 + 1);
  for (auto& one : std::exchange(reads, {})) one.refuse({Code::overloaded, "the store has too much to do"});
  cluster.stage.run_for(1s);
  CHECK(refused[Code::unavailable] == kReadsMax / 2);
  ask(10);
  CHECK(reads.size() == 10);
  for (auto& one : std::exchange(reads, {})) one.refuse({Code::overloaded, "the store has too much to do"});
  cluster.stage.run_for(1s);
}
