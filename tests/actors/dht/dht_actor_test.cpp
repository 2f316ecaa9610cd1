// Nodes of the DHT together: how they meet, and what is put and found.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

std::string to_text(const std::optional<Error>& error) { return error ? error->message : "done"; }

}  // namespace

TEST_CASE("dht: nodes that know one node find all others") {
  DhtCluster cluster(8);
  cluster.stage.run_for(2min);  // all came at once: some meet when ranges are refreshed
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t other = 0; other < 8; ++other) CHECK(cluster.lists(i, other) == (i != other));
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht: what is put at one node is got at all others, also when its putter has died") {
  DhtCluster cluster(6);
  Key key;
  Space space = Space::kv;
  std::string value = "a value";
  SUBCASE("a signed value") {}
  SUBCASE("a value by its hash") { space = Space::cid; }
  SUBCASE("a value that needs a link") {
    space = Space::cid;
    value = std::string(kValueBytesMax, 'x');
  }
  SUBCASE("an empty value") { value.clear(); }
  SUBCASE("the key of a node") {
    space = Space::pk;
    value = text(cluster[0].identity->public_key().view());
  }
  const auto stored = cluster.put(0, space, space == Space::kv ? "orders" : "", space == Space::pk ? "" : value);
  REQUIRE_MESSAGE(!stored.error, to_text(stored.error));
  CHECK(stored.asked == 6);
  CHECK(stored.stored == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    const auto got = cluster.get(i, space, stored.key);
    CHECK_MESSAGE(!got.error, to_text(got.error));
    CHECK(got.value == value);
    CHECK(got.sequence == stored.sequence);
  }
  cluster.kill(0);
  for (std::size_t i = 1; i < 6; ++i) CHECK(cluster.get(i, space, stored.key).value == value);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht: a node that has just come gets what was put before") {
  DhtCluster cluster(4);
  cluster.kill(3);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE_FALSE(stored.error);
  cluster.begin(3);
  cluster.stage.run_for(10s);
  CHECK(cluster.get(3, Space::kv, stored.key).value == "seven");
}

TEST_CASE("dht: a get by name is of this node's own value, and what nobody holds is not found") {
  DhtCluster cluster(3);
  REQUIRE_FALSE(cluster.put(1, Space::kv, "orders", "of 1").error);
  const auto by_name = [](wire::GetValue::Builder question) {
    question.disownKey();
    question.setName(data_of(base::as_bytes("orders")));
  };
  CHECK(cluster.get(1, Space::kv, {}, by_name).value == "of 1");
  CHECK(code(cluster.get(2, Space::kv, {}, by_name).error) == Code::not_found);
  CHECK(code(cluster.get(0, Space::cid, key(9)).error) == Code::not_found);
}

TEST_CASE("dht: a content id is compared as a whole, not by the part that is its key") {
  DhtCluster cluster(3);
  REQUIRE_FALSE(cluster.put(0, Space::cid, "", "bytes").error);
  base::Digest digest = crypto::sha256(base::as_bytes("bytes"));
  const auto by_digest = [&](wire::GetValue::Builder question) { question.setDigest(data_of(digest.view())); };
  CHECK(cluster.get(1, Space::cid, {}, by_digest).value == "bytes");
  digest.bytes[31] ^= 1;
  CHECK(code(cluster.get(1, Space::cid, {}, by_digest).error) == Code::not_found);
}

TEST_CASE("dht: of two values under one name all nodes have the newer one") {
  DhtCluster cluster(5);
  const auto first = cluster.put(0, Space::kv, "orders", "first");
  REQUIRE_FALSE(first.error);
  cluster.stage.run_for(1s);
  const auto second = cluster.put(0, Space::kv, "orders", "second");
  REQUIRE_FALSE(second.error);
  CHECK(second.key == first.key);
  CHECK(second.sequence > first.sequence);
  for (std::size_t i = 0; i < 5; ++i) CHECK(cluster.get(i, Space::kv, first.key).value == "second");
}

TEST_CASE("dht: two values put at one moment are numbered one after the other") {
  DhtCluster cluster(3);
  const auto first = cluster.put(0, Space::kv, "orders", "first");
  const auto second = cluster.put(0, Space::kv, "orders", "second");
  CHECK_FALSE(first.error);
  CHECK_MESSAGE(!second.error, to_text(second.error));
  CHECK(cluster.get(2, Space::kv, first.key).value == "second");
}

TEST_CASE("dht: a put that expects another sequence than is held is a conflict, and changes nothing") {
  DhtCluster cluster(5);
  const auto expecting = [](std::uint64_t sequence) {
    return [sequence](wire::Put::Builder order) { order.getExpected().setSequence(sequence); };
  };
  const auto first = cluster.put(0, Space::kv, "orders", "first");
  REQUIRE_FALSE(first.error);
  cluster.stage.run_for(1s);
  const auto second = cluster.put(0, Space::kv, "orders", "second", expecting(first.sequence));
  REQUIRE_MESSAGE(!second.error, to_text(second.error));
  cluster.stage.run_for(1s);
  const auto third = cluster.put(0, Space::kv, "orders", "third", expecting(first.sequence));
  REQUIRE(third.error);
  CHECK(third.error->code == Code::conflict);
  CHECK(third.error->message.find("conflict") != std::string::npos);
  CHECK(third.error->message.find(std::to_string(second.sequence)) != std::string::npos);
  for (std::size_t i = 0; i < 5; ++i) CHECK(cluster.get(i, Space::kv, first.key).value == "second");
}

TEST_CASE("dht: the newest of what holders say is got, if enough of them are asked") {
  DhtCluster cluster(6);
  const auto old = cluster.put(0, Space::kv, "orders", "old");
  REQUIRE_FALSE(old.error);
  const auto answer = cluster.store(1, 3, cluster.signed_by(0, old.sequence + 1, "new"));
  REQUIRE_FALSE(answer.error);
  REQUIRE(answer.result == wire::StoreDone::Result::STORED);
  const auto all = [](wire::GetValue::Builder question) { question.setQuorum(20); };
  for (std::size_t i = 0; i < 6; ++i) CHECK(cluster.get(i, Space::kv, old.key, all).value == "new");
}

TEST_CASE("dht: a value is gone when its time is over, at its holders too") {
  DhtCluster cluster(4);
  const auto stored =
      cluster.put(0, Space::kv, "orders", "seven", [](wire::Put::Builder order) { order.setSeconds(600); });
  REQUIRE_FALSE(stored.error);
  cluster.stage.run_for(590s);
  CHECK(cluster.get(1, Space::kv, stored.key).value == "seven");
  cluster.stage.run_for(11s);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(cluster.held(i, (i + 1) % 4, Space::kv, stored.key).empty());
    CHECK(code(cluster.get(i, Space::kv, stored.key).error) == Code::not_found);
  }
  cluster.stage.run_for(kDateDoubted);
  for (std::size_t i = 0; i < 4; ++i) CHECK(cluster.state(i).records == 0);
}

TEST_CASE("dht: a value by its hash is held for as long as the holder says") {
  DhtCluster cluster(3, [](std::size_t, ClusterNode& member) { member.settings.held.hold = 3'600s; });
  const auto stored = cluster.put(0, Space::cid, "", "bytes");
  REQUIRE_FALSE(stored.error);
  cluster.stage.run_for(3'590s);
  CHECK(cluster.get(1, Space::cid, stored.key).value == "bytes");
  cluster.stage.run_for(3'700s);
  for (std::size_t i = 0; i < 3; ++i) CHECK(code(cluster.get(i, Space::cid, stored.key).error) == Code::not_found);
}

TEST_CASE("dht: a value for named readers is opened by them and by nobody else") {
  DhtCluster cluster(4);
  const auto stored = cluster.put(0, Space::kv, "secret", "for 2", [&](wire::Put::Builder order) {
    order.initReaders(1).set(0, data_of(cluster[2].identity->public_key().view()));
  });
  REQUIRE_FALSE(stored.error);
  const auto opened = cluster.get(2, Space::kv, stored.key);
  CHECK_FALSE(opened.sealed);
  CHECK(opened.value == "for 2");
  const auto closed = cluster.get(3, Space::kv, stored.key);
  CHECK_FALSE(closed.error);
  CHECK(closed.sealed);
  CHECK(closed.value.find("for 2") == std::string::npos);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(cluster.held((i + 1) % 4, i, Space::kv, stored.key).find("for 2") == std::string::npos);
}

TEST_CASE("dht: what cannot be put is refused with the reason") {
  DhtCluster cluster(2);
  const auto refused = [&](Space space, std::string name, std::string value,
                           std::function<void(wire::Put::Builder)> more = {}) {
    return code(cluster.put(0, space, name, value, more).error);
  };
  CHECK(refused(Space::kv, std::string(65, 'n'), "x") == Code::malformed);
  CHECK(refused(Space::kv, "n", std::string(kValueBytesMax + 1, 'x')) == Code::malformed);
  CHECK(refused(Space::kv, "n", "x", [](auto order) { order.setSeconds(7 * 86'400 + 1); }) == Code::malformed);
  CHECK(refused(Space::kv, "n", "x", [](auto order) { order.initReaders(17); }) == Code::malformed);
  CHECK(refused(Space::kv, "n", "x", [](auto order) { order.setSpace(9); }) == Code::unsupported);
  CHECK(refused(Space::cid, "", "x", [&](wire::Put::Builder order) {
          order.initReaders(1).set(0, data_of(cluster[1].identity->public_key().view()));
        }) == Code::malformed);
  CHECK(refused(Space::kv, "n", "x", [](wire::Put::Builder order) {
          const base::Bytes low(32);  // of small order: nothing can be sealed for it
          order.initReaders(1).set(0, data_of(low));
        }) == Code::malformed);
  CHECK(cluster.state(0).records == 0);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht: a command that comes before the first contact waits for it, and for ten seconds at most") {
  DhtCluster cluster(4);
  const auto stored = cluster.put(1, Space::kv, "orders", "seven");
  REQUIRE_FALSE(stored.error);
  cluster.kill(3);
  SUBCASE("it is met soon") {
    cluster.begin(3);
    cluster.stage.settle();
    CHECK(cluster.get(3, Space::kv, stored.key).value == "seven");
  }
  const auto alone = [&](bool untried) {
    for (const std::size_t i : {0, 1, 2}) cluster.kill(i);
    cluster[3].knows.clear();
    cluster[3].untried = untried;
    cluster.begin(3);
    cluster.stage.settle();
  };
  const auto seek = [&] {
    const base::Instant from = cluster.stage.now();
    CHECK(code(cluster.get(3, Space::kv, key(1)).error) == Code::unavailable);
    return cluster.stage.now() - from;
  };
  SUBCASE("a seed is still to be tried") {
    alone(true);
    CHECK(seek() >= 9s);
    CHECK(seek() <= 1s);
  }
  SUBCASE("there is none to wait for") {
    alone(false);
    CHECK(seek() <= 1s);
  }
}

TEST_CASE("dht: what was acknowledged is published again, at whatever moment its node is told to end") {
  bool before = false;  // the order came
  std::size_t published = 0;
  for (std::uint64_t events = 3; !before && events < 300; ++events) {
    DhtCluster cluster(1);
    bool acknowledged = false;
    cluster.stage.stop_at(cluster.stage.events() + events);
    cluster.inside(0, [&](Scripted& self) {
      self.ask<wire::Put, wire::PutDone>(
          self.node().find(kPath), self.now() + 300s,
          [](wire::Put::Builder order) {
            order.setSpace(static_cast<std::uint8_t>(Space::kv));
            order.setName(data_of(base::as_bytes("orders")));
          },
          [&](runtime::Answer<wire::PutDone> answer) { acknowledged = answer.ok(); });
    });
    before = acknowledged;
    cluster.stage.go_on();
    cluster.end(0);
    cluster[0].settings.counters->published = 0;
    cluster.begin(0);
    cluster.stage.run_for(5s);
    const auto& kept = cluster[0].settings.counters->published;
    if (acknowledged) CHECK_MESSAGE(kept == 1, events);
    published += kept;
    CHECK(cluster.failures().empty());
  }
  CHECK(before);
  CHECK(published > 1);  // also of some that had not ended when the order came
}

TEST_CASE("dht: a node alone holds what it puts, and finds it and nobody") {
  DhtCluster cluster(1);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE_MESSAGE(!stored.error, to_text(stored.error));
  CHECK(stored.stored == 1);
  CHECK(cluster.get(0, Space::kv, stored.key).value == "seven");
  // What others have it cannot say, as there is nobody to ask.
  const auto unknown = cluster.get(0, Space::kv, key(3)).error;
  CHECK(code(unknown) == Code::unavailable);
  CHECK_MESSAGE(to_text(unknown).find("no node could be asked") != std::string::npos, to_text(unknown));
  const base::Digest cid = crypto::sha256(base::as_bytes("file"));
  CHECK(cluster.providers(0, cid).empty());
  const auto provided = cluster.provide(0, cid);
  CHECK_MESSAGE(!provided, to_text(provided));
  CHECK(cluster.providers(0, cid) == std::set{cluster[0].id()});
}

TEST_CASE("dht: a provider of a content is found by all") {
  DhtCluster cluster(6);
  const base::Digest cid = crypto::sha256(base::as_bytes("file"));
  CHECK(cluster.providers(2, cid).empty());
  for (const std::size_t i : {1, 4}) {
    const auto why = cluster.provide(i, cid);
    CHECK_MESSAGE(!why, to_text(why));
  }
  const std::set both{cluster[1].id(), cluster[4].id()};
  for (std::size_t i = 0; i < 6; ++i) CHECK(cluster.providers(i, cid) == both);
  CHECK(cluster.providers(3, cid, 1).size() == 1);
  SUBCASE("also when one of them has died") {
    cluster.kill(1);
    CHECK(cluster.providers(2, cid) == both);
  }
  SUBCASE("for as long as they run") {
    cluster.stage.run_for(std::chrono::hours(100));
    for (std::size_t i = 0; i < 6; ++i) CHECK(cluster.providers(i, cid) == both);
  }
  SUBCASE("until their time is over, when both have died") {
    cluster.kill(1);
    cluster.kill(4);
    cluster.stage.run_for(std::chrono::hours(49));
    for (const std::size_t i : {0, 2, 3, 5}) CHECK(cluster.providers(i, cid).empty());
    CHECK(cluster.state(0).announcements == 0);
  }
}

TEST_CASE("dht: a node that cannot be dialled puts, gets and finds, and is never listed") {
  DhtCluster cluster(5, [](std::size_t i, ClusterNode& member) {
    if (i == 4) member.settings.endpoint = {};
  });
  const auto stored = cluster.put(4, Space::kv, "orders", "of a client");
  REQUIRE_MESSAGE(!stored.error, to_text(stored.error));
  CHECK(stored.asked == 4);
  CHECK(stored.stored == 4);
  CHECK(cluster.state(4).client);
  CHECK(cluster.state(4).records == 0);
  for (std::size_t i = 0; i < 5; ++i) CHECK(cluster.get(i, Space::kv, stored.key).value == "of a client");
  const base::Digest cid = crypto::sha256(base::as_bytes("file"));
  CHECK(code(cluster.provide(4, cid)) == Code::refused);
  CHECK_FALSE(cluster.provide(0, cid));
  CHECK(cluster.providers(4, cid) == std::set{cluster[0].id()});
  cluster.stage.run_for(std::chrono::hours(3));
  for (std::size_t i = 0; i < 4; ++i) CHECK_FALSE(cluster.lists(i, 4));
  for (std::size_t i = 0; i < 4; ++i) CHECK(cluster.lists(4, i));
}

TEST_CASE("dht: a node that listens everywhere is a client until others agree where they see it") {
  DhtCluster cluster(5, [](std::size_t i, ClusterNode& member) {
    if (i == 4) member.settings.endpoint = {base::Endpoint::parse("0.0.0.0:1")->address, member.at.port};
  });
  CHECK(cluster.state(4).client);
  for (std::size_t i = 0; i < 4; ++i) CHECK_FALSE(cluster.lists(i, 4));
  cluster[4].seen_at = cluster[4].at;
  cluster.stage.run_for(2min);
  CHECK_FALSE(cluster.state(4).client);
  for (std::size_t i = 0; i < 4; ++i) CHECK(cluster.lists(i, 4));
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht: a node that was told where it lives heeds nobody who says otherwise") {
  DhtCluster cluster(3, [](std::size_t i, ClusterNode& member) {
    member.seen_at = {member.at.address, 9};
    if (i == 2) member.settings.endpoint = {};  // and one that does not listen remains a client
  });
  cluster.stage.run_for(2min);
  CHECK_FALSE(cluster.state(0).client);
  CHECK(cluster.state(2).client);
  CHECK(cluster.lists(1, 0));
}

TEST_CASE("dht: more searches than a node has room for are refused, and the others end") {
  DhtCluster cluster(2);
  cluster.cut(0, 1);
  cluster.cut(1, 0);
  std::size_t overloaded = 0, others = 0;
  cluster.inside(0, [&](Scripted& self) {
    for (std::size_t i = 0; i < kSearchesMax + 3; ++i)
      self.ask<wire::FindNearest, wire::Nearest>(
          self.node().find(kPath), self.now() + 60s,
          [&](wire::FindNearest::Builder question) {
            question.setTarget(data_of(key(static_cast<int>(i % 250), static_cast<int>(i / 250)).view()));
          },
          [&](runtime::Answer<wire::Nearest> answer) {
            if (!answer.ok() && answer.error().code == Code::overloaded) ++overloaded;
            else ++others;
          });
  });
  cluster.stage.run_for(60s);
  CHECK(overloaded == 3);
  CHECK(others == kSearchesMax);
  CHECK(cluster.state(0).searches == 0);
  CHECK_FALSE(cluster.has_path(0, "/dht/lookup"));
}

TEST_CASE("dht: a node whose contacts have all died finds those that come later") {
  DhtCluster cluster(6);
  REQUIRE(cluster.table(0).size() == 5);
  for (std::size_t i = 1; i < 6; ++i) cluster.kill(i);
  cluster.stage.run_for(std::chrono::hours(6));
  CHECK(cluster.table(0).size() == 0);
  for (std::size_t i = 1; i < 6; ++i) {
    cluster[i].knows.clear();
    cluster.begin(i);
  }
  cluster[0].knows = {3};
  cluster.stage.run_for(60s);
  CHECK(cluster.lists(0, 3));
}

TEST_CASE("dht: a node that was cut off for hours has its contacts again soon after, though nobody tells it of any") {
  DhtCluster cluster(6);
  REQUIRE(cluster.table(0).size() == 5);
  for (std::size_t i = 1; i < 6; ++i) {
    cluster[i].knows.clear();
    cluster.cut(0, i);
    cluster.cut(i, 0);
  }
  cluster.stage.run_for(std::chrono::hours(6));
  CHECK(cluster.table(0).empty());  // whom it does not reach it tells nobody of
  for (std::size_t i = 1; i < 6; ++i) CHECK_FALSE(cluster.lists(i, 0));
  cluster.fabric->heal_all();
  cluster.stage.run_for(std::chrono::minutes(9));
  CHECK(cluster.table(0).size() == 5);
  for (std::size_t i = 1; i < 6; ++i) CHECK(cluster.lists(i, 0));
}

TEST_CASE("dht: a restarted node finds the network again through whom it knew") {
  DhtCluster cluster(5);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  cluster.restart(2);
  cluster.stage.run_for(10s);
  for (const std::size_t other : {0, 1, 3, 4}) CHECK(cluster.lists(2, other));
  CHECK_FALSE(cluster.held(0, 2, Space::kv, stored.key).empty());
}

TEST_CASE("dht: the table shows when each contact was last heard, not when its neighbour was") {
  DhtCluster cluster(8);
  cluster.stage.run_for(600s);
  const auto range = [&](std::size_t i) { return range_of(cluster[0].id(), cluster[i].id())->prefix; };
  std::size_t asker = 0;
  for (std::size_t i = 1; i < 8; ++i)
    for (std::size_t other = 1; other < i; ++other)
      if (range(i) == range(other)) asker = i;
  REQUIRE(asker > 0);
  CHECK_FALSE(cluster.ask_from<wire::Ping, wire::Pong>(
      asker, 0, [&](wire::Ping::Builder ping) { write_asker(ping.initAsker(), cluster[asker].settings); }));
  cluster.stage.run_for(5s);
  const auto table = cluster.table(0);
  CHECK(table.size() == 7);
  for (const auto& one : table) {
    if (one.id == cluster[asker].id()) CHECK(one.ms < 10'000);
    else CHECK(one.ms > 400'000);
  }
}

TEST_CASE("dht: the DHT goes on after it broke, with what its store has") {
  DhtCluster cluster(4);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE_FALSE(stored.error);
  SUBCASE("itself") {
    cluster.break_at(2, "/dht");
    cluster.ask<wire::GetTable, wire::TableRows>(2, [](auto) {});
  }
  SUBCASE("by its buckets") {
    cluster.break_at(2, "/dht/bucket");
    cluster.stage.run_for(60s);
    cluster.ask_from<wire::Ping, wire::Pong>(
        1, 2, [&](wire::Ping::Builder ping) { write_asker(ping.initAsker(), cluster[1].settings); });
    cluster.stage.settle();
    CHECK(cluster.table(2).empty());
  }
  cluster.stage.run_for(60s);
  CHECK(cluster.failures().size() >= 1);
  CHECK_FALSE(cluster.held(0, 2, Space::kv, stored.key).empty());
  CHECK(cluster.get(2, Space::kv, stored.key).value == "seven");
  for (const std::size_t other : {0, 1, 3}) CHECK(cluster.lists(2, other));
}
