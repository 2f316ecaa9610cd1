// What the DHT tells of others that misbehave, and what becomes of those that are banned for it.
#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using Accused = std::vector<std::pair<base::NodeId, net::wire::Violation>>;
using Violation = net::wire::Violation;
using Result = troupe::dht::wire::StoreDone::Result;

namespace {

/// `/peers` of a node bans another one for so long; zero pardons it.
void ban(DhtCluster& cluster, std::size_t i, std::size_t whom, std::chrono::milliseconds span) {
  cluster.inside(i, [&cluster, whom, span](Scripted& self) {
    self.tell<net::wire::Shun>(self.node().find("/links"), [&](net::wire::Shun::Builder out) {
      out.setNode(data_of(cluster[whom].id().view()));
      out.setMilliseconds(static_cast<std::uint64_t>(span.count()));
    });
  });
  cluster.stage.run_for(1s);
}
std::vector<base::NodeId> named(DhtCluster& cluster, std::size_t asker, std::size_t of) {
  std::vector<base::NodeId> out;
  cluster.ask_from<wire::FindNode, wire::Nodes>(
      asker, of, [](wire::FindNode::Builder question) { question.setTarget(data_of(key(1).view())); },
      [&](wire::Nodes::Reader nodes) {
        for (const Contact& one : own_contacts(nodes.getContacts())) out.push_back(one.id);
      });
  return out;
}
/// A store over a link, in which nobody else can have said it.
std::optional<Error> store_by_link(DhtCluster& cluster, std::size_t asker, std::size_t of, const KvRecord& record,
                                   const base::Bytes& token) {
  return cluster.ask_of<wire::Store, wire::StoreDone>(
      asker, [&cluster, of](Scripted& self) { return self.node().remote(cluster[of].id(), kPath); },
      [&](wire::Store::Builder order) {
        order.setToken(data_of(token));
        order.setKey(data_of(key_of(record).view()));
        order.setRecord(data_of(encode(record)));
      });
}

}  // namespace

TEST_CASE("dht bans: who is banned leaves the table at once, is named to nobody, and is back once it is pardoned") {
  DhtCluster cluster(4);
  REQUIRE(cluster.lists(0, 2));
  ban(cluster, 0, 2, 3'600s);
  CHECK_FALSE(cluster.lists(0, 2));
  CHECK(cluster.lists(0, 1));
  CHECK(std::ranges::count(named(cluster, 1, 0), cluster[2].id()) == 0);
  // Others name it, and it asks; neither brings it back.
  CHECK(cluster.ask<wire::FindNearest, wire::Nearest>(
            0, [](wire::FindNearest::Builder question) { question.setTarget(data_of(key(1).view())); },
            [&](wire::Nearest::Reader nearest) {
              for (const Contact& one : own_contacts(nearest.getSearch().getNearest()))
                CHECK(one.id != cluster[2].id());
            }) == std::nullopt);
  CHECK(cluster.token(2, 0) == Token{});
  cluster.stage.run_for(600s);
  CHECK_FALSE(cluster.lists(0, 2));
  CHECK(cluster.put(0, Space::cid, "", "a value").stored == 3);  // with the node itself

  ban(cluster, 0, 2, 0s);
  CHECK(cluster.store(2, 0, cluster.signed_by(2, 7, "seven")).result == Result::STORED);
  cluster.stage.run_for(10s);
  CHECK(cluster.lists(0, 2));
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht bans: a store of what is no good is told of, one of another clock is not") {
  DhtCluster cluster(3);
  const Token token = cluster.token(1, 0);
  KvRecord record = cluster.signed_by(1, 7, "seven");
  Key key = key_of(record);
  base::Bytes bytes = encode(record);
  bool offends = true;
  SUBCASE("a signature over other bytes") {
    record.value = bytes_of("other");
    bytes = encode(record);
  }
  SUBCASE("under another key") { key.bytes[0] ^= 1; }
  SUBCASE("cut") { bytes.resize(bytes.size() / 2); }
  SUBCASE("a value above the limit") {
    bytes.assign(kValueBytesMax + 2, 7);
    bytes[0] = static_cast<std::uint8_t>(Space::cid);
  }
  SUBCASE("an hour from now") {
    record.created = cluster.wall() + 3'600s;
    bytes = encode(sign(cluster[1].identity->key(), record));
    offends = false;
  }
  SUBCASE("an hour ago") {
    record.created = cluster.wall() - 7'200s;
    record.expires = cluster.wall() - 3'600s;
    bytes = encode(sign(cluster[1].identity->key(), record));
    offends = false;
  }
  SUBCASE("of a space that only newer nodes know") {
    bytes[0] = 9;
    offends = false;
  }
  CHECK(cluster.store(1, 0, key, bytes, token.view()).result == Result::BAD);
  CHECK(cluster[0].accused == (offends ? Accused{{cluster[1].id(), Violation::BAD_RECORD}} : Accused{}));
}

TEST_CASE("dht bans: a wrong token is told of where only its sender can have said it") {
  DhtCluster cluster(3);
  const KvRecord record = cluster.signed_by(1, 7, "seven");
  const base::Bytes wrong(Token::kBytes, 7);
  SUBCASE("by datagram anybody may say it again when it is old") {
    CHECK(cluster.store(1, 0, key_of(record), encode(record), wrong).error->code == Code::refused);
    CHECK(cluster[0].accused.empty());
  }
  SUBCASE("over a link") {
    CHECK(store_by_link(cluster, 1, 0, record, wrong)->code == Code::refused);
    CHECK(cluster[0].accused == Accused{{cluster[1].id(), Violation::WRONG_TOKEN}});
  }
}

TEST_CASE("dht bans: a question that is none is told of, and so is nothing that is merely refused") {
  DhtCluster cluster(3);
  const auto ask = [&](std::size_t bytes, std::uint8_t contacts_max) {
    return cluster.ask_from<wire::FindNode, wire::Nodes>(1, 0, [&](wire::FindNode::Builder question) {
      question.setTarget(data_of(base::Bytes(bytes, 1)));
      question.setContactsMax(contacts_max);
    });
  };
  CHECK_FALSE(ask(20, 255));
  CHECK(cluster
            .ask_from<wire::FindValue, wire::FoundValue>(1, 0,
                                                         [&](wire::FindValue::Builder question) {
                                                           question.setSpace(200);
                                                           question.setKey(data_of(key(1).view()));
                                                         })
            ->code == Code::unsupported);
  CHECK(cluster[0].accused.empty());
  CHECK(ask(19, 20)->code == Code::malformed);
  CHECK(ask(20, 0)->code == Code::malformed);
  CHECK(cluster[0].accused.size() == 2);
  for (const auto& accused : cluster[0].accused) CHECK(accused == std::pair{cluster[1].id(), Violation::MALFORMED});
}

TEST_CASE("dht bans: whoever dies, is slow or hears nothing has done nothing") {
  DhtCluster cluster(5);
  cluster.put(1, Space::kv, "orders", "seven");
  cluster.cut(2, 0);
  cluster.cut(0, 3);
  cluster.kill(4);
  for (int i = 0; i < 5; ++i) {
    cluster.put(0, Space::kv, "orders", std::to_string(i));
    cluster.get(0, Space::kv, key_of_name(cluster[1].identity->public_key(), bytes_of("orders")));
    cluster.stage.run_for(60s);
  }
  CHECK(cluster.state(0).unanswered > 0);  // it has met them
  for (std::size_t i = 0; i < 5; ++i) CHECK(cluster[i].accused.empty());
}
