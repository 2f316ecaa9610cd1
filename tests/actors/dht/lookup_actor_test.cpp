// Searches among nodes that lie, say nothing or break.
#include "actors/dht/lookup_actor.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/dht_cluster.hpp"
#include "tests/runtime/crypto/memory_disk.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

/// What a search brought to whoever asked for it.
struct Outcome {
  std::optional<Error> error;
  std::string ending, record, refusal;
  unsigned asked = 0, unanswered = 0, stores = 0, stored = 0;
  std::vector<base::NodeId> nearest, providers;
  std::vector<std::pair<base::NodeId, std::string>> fates, refused;
  base::Duration took{0};
};
Outcome search(DhtCluster& cluster, std::size_t i, const Key& key,
               std::function<void(wire::Search::Builder)> more = {}) {
  Outcome out;
  const auto began = cluster.stage.now();
  out.error = cluster.ask<wire::Search, wire::SearchResult>(
      i,
      [&](wire::Search::Builder question) {
        question.setKey(data_of(key.view()));
        question.setExplain(true);
        if (more) more(question);
      },
      [&](wire::SearchResult::Reader result) {
        out.ending = text_of(result.getEnding());
        out.record = text(bytes_of(result.getRecord()));
        out.asked = result.getAsked();
        out.unanswered = result.getUnanswered();
        out.stores = result.getStores();
        out.stored = result.getStored();
        for (const Contact& one : own_contacts(result.getNearest())) out.nearest.push_back(one.id);
        for (const Contact& one : own_contacts(result.getProviders())) out.providers.push_back(one.id);
        for (const auto one : result.getQuestions()) {
          const base::Contact where = messages::read_contact(one.getContact());
          out.fates.push_back({crypto::node_id(where.key, where.nonce), text_of(one.getFate())});
        }
        for (const auto one : result.getRefused())
          out.refused.push_back({*read_key(one.getNode()), text_of(one.getWhy())});
      });
  out.took = cluster.stage.now() - began;
  return out;
}
void for_value(wire::Search::Builder question) { question.getGoal().setValue(static_cast<std::uint8_t>(Space::kv)); }

/// A node that answers pings, and questions as a test says.
struct Liar {
  std::function<void(wire::FoundValue::Builder)> value;
  std::function<void(wire::Nodes::Builder)> nodes;
  std::function<void(wire::Providers::Builder)> providers;
  bool silent = false;
  std::size_t stores = 0;

  Scripted::Receive acts() {
    return [this](Scripted&, runtime::Handlers& on) {
      on.ask<wire::Ping, wire::Pong>([](auto, auto reply) { reply.done(); });
      answer<wire::FindNode, wire::Nodes>(on, nodes);
      answer<wire::FindValue, wire::FoundValue>(on, value);
      answer<wire::GetProviders, wire::Providers>(on, providers);
      on.ask<wire::Store, wire::StoreDone>([this](auto, auto reply) {
        ++stores;
        reply.done();
      });
    };
  }

 private:
  template <class Q, class A>
  void answer(runtime::Handlers& on, const std::function<void(typename A::Builder)>& fill) {
    // Kept by the actor: a reply must not outlive it.
    on.ask<Q, A>([this, &fill, kept = std::vector<runtime::Reply<A>>()](auto, runtime::Reply<A> reply) mutable {
      if (silent) return kept.push_back(std::move(reply));
      if (fill) reply.send(fill);
      else reply.done();
    });
  }
};

/// Three honest nodes, and the last one a liar.
DhtCluster::Tune with(Liar& liar, std::size_t at = 3) {
  return [&liar, at](std::size_t i, ClusterNode& member) {
    if (i == at) member.acts = liar.acts();
    else if (i == 0) member.knows = {at};
  };
}
std::string fate_of(const Outcome& outcome, const base::NodeId& id) {
  for (const auto& [whom, fate] : outcome.fates)
    if (whom == id) return fate;
  return "not asked";
}

}  // namespace

TEST_CASE("lookup actor: a record that does not validate never comes out, and whoever lied has failed") {
  Liar liar;
  DhtCluster cluster(4, with(liar));
  cluster.stage.run_for(60s);  // until the first one has looked again
  REQUIRE(cluster.lists(0, 3));
  const KvRecord good = cluster.signed_by(1, 7, "seven");
  KvRecord bad = good;
  Space space = Space::kv;
  bool offends = true;  // else an honest node may say so
  SUBCASE("forged") { bad.value = bytes_of("forged"); }
  SUBCASE("of somebody else") { bad = cluster.signed_by(2, 9, "nine"); }
  SUBCASE("under another name") { bad = cluster.signed_by(1, 9, "nine", "other"); }
  SUBCASE("expired") {
    bad.created = cluster.wall() - 100s;
    bad.expires = cluster.wall() - 1s;
    bad = sign(cluster[1].identity->key(), bad);
    offends = false;
  }
  SUBCASE("of a clock an hour ahead") {
    bad.created = cluster.wall() + 3'600s;
    bad = sign(cluster[1].identity->key(), bad);
    offends = false;
  }
  SUBCASE("of another space") { space = Space::cid; }
  base::Bytes said = encode(bad);
  SUBCASE("no record") { said = base::Bytes(40, 3); }
  SUBCASE("of a space that only newer nodes know") {
    said = base::Bytes(40, 9);
    offends = false;
  }
  SUBCASE("too large") {
    said.assign(kRecordBytesMax + 1, 7);
    said[0] = 2;
  }
  liar.value = [&](wire::FoundValue::Builder out) { out.setRecord(data_of(said)); };
  const auto outcome = search(cluster, 0, key_of(good), [&](wire::Search::Builder question) {
    question.getGoal().setValue(static_cast<std::uint8_t>(space));
  });
  REQUIRE_FALSE(outcome.error);
  CHECK(outcome.record.empty());
  CHECK(fate_of(outcome, cluster[3].id()) == (offends ? "failed" : "answered"));
  CHECK(cluster.get(0, space, key_of(good)).error);
  CHECK(cluster[0].accused.empty() == !offends);
  for (const auto& accused : cluster[0].accused)
    CHECK(accused == std::pair{cluster[3].id(), net::wire::Violation::BAD_RECORD});
  // Beside honest holders it changes nothing.
  if (space == Space::kv) {
    CHECK(cluster.store(1, 2, good).result == wire::StoreDone::Result::STORED);
    CHECK(cluster.get(0, Space::kv, key_of(good)).value == "seven");
  }
  CHECK(cluster.failures().empty());
}

TEST_CASE("lookup actor: of an answer that names too many, ourselves and nobody, only what is good is taken") {
  Liar liar;
  DhtCluster cluster(4, with(liar));
  cluster.stage.run_for(60s);  // until the first one has looked again
  REQUIRE(cluster.lists(0, 3));
  std::vector<base::Contact> named;
  named.push_back(cluster[0].where());
  named.push_back(cluster[3].where());
  for (std::uint16_t i = 0; i < 30; ++i) {  // as many as its kind allows
    base::Contact one;
    one.key.bytes[0] = static_cast<std::uint8_t>(i + 1);
    one.endpoint = {sim::address_of(static_cast<std::uint16_t>(1'000 + i)), 4000};
    if (i % 10 == 9) one.endpoint.port = 0;
    named.push_back(one);
  }
  liar.nodes = [&](wire::Nodes::Builder out) {
    auto list = out.initContacts(static_cast<unsigned>(named.size()));
    for (unsigned i = 0; i < list.size(); ++i) messages::write_contact(list[i], named[i]);
    out.setToken(data_of(base::ByteView(named[0].key.view()).first(7)));  // of a wrong length
  };
  const auto outcome = search(cluster, 0, key(1));
  REQUIRE_FALSE(outcome.error);
  std::map<std::string, int> why;
  for (const auto& [id, reason] : outcome.refused) ++why[reason];
  CHECK(why[std::string(dht::text_of(Refusal::ourselves))] == 1);
  CHECK(why[std::string(dht::text_of(Refusal::itself))] == 1);
  CHECK(outcome.asked <= 3 + kTakenMax);
  for (const base::NodeId& id : outcome.nearest) CHECK(id != cluster[0].id());
  CHECK(outcome.nearest.size() == 3);
  CHECK(cluster.table(0).size() == 3);
  REQUIRE_FALSE(cluster[0].accused.empty());
  CHECK(cluster[0].accused[0] == std::pair{cluster[3].id(), net::wire::Violation::TOO_MANY});
  // Without a token nothing is stored at it.
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  CHECK_FALSE(stored.error);
  CHECK(liar.stores == 0);
  CHECK(stored.asked == 3);
  CHECK(cluster.failures().empty());
}

TEST_CASE("lookup actor: who names a contact without its work is told of, who names an old address is not") {
  Liar liar;
  tests::SeededChance chance(7);
  DhtCluster cluster(4, [&](std::size_t i, ClusterNode& member) {
    member.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(chance, 4));
    member.settings.identity = member.identity;
    member.settings.work_bits = 4;
    with(liar)(i, member);
  });
  cluster.stage.run_for(60s);
  REQUIRE(cluster.lists(0, 3));
  base::Contact named = cluster[2].where();
  SUBCASE("a lie") {
    while (crypto::check(named.key, named.nonce, 4)) ++named.nonce;
  }
  SUBCASE("an address where nobody lives any more") { named.endpoint = {sim::address_of(999), 4000}; }
  SUBCASE("an address that no node can dial") { named.endpoint.port = 0; }
  const bool lie = !crypto::check(named.key, named.nonce, 4);
  liar.nodes = [&](wire::Nodes::Builder out) { messages::write_contact(out.initContacts(1)[0], named); };
  REQUIRE_FALSE(search(cluster, 0, key(1)).error);
  CHECK(cluster[0].accused.empty() == !lie);
  for (const auto& accused : cluster[0].accused)
    CHECK(accused == std::pair{cluster[3].id(), net::wire::Violation::UNPROVEN_CONTACT});
}

TEST_CASE("lookup actor: providers that cannot be dialled are not named") {
  Liar liar;
  DhtCluster cluster(4, with(liar));
  cluster.stage.run_for(60s);  // until the first one has looked again
  REQUIRE(cluster.lists(0, 3));
  liar.providers = [&](wire::Providers::Builder out) {
    auto list = out.initProviders(30);
    for (unsigned i = 0; i < list.size(); ++i) {
      base::Contact one = cluster[2].where();
      if (i > 0) one.endpoint.port = 0;
      messages::write_contact(list[i], one);
    }
  };
  const auto outcome =
      search(cluster, 0, key(1), [](wire::Search::Builder question) { question.getGoal().setProviders(20); });
  CHECK(outcome.providers == std::vector{cluster[2].id()});
}

TEST_CASE("lookup actor: one that names many providers leaves room for those of others") {
  Liar liar;
  DhtCluster cluster(4, with(liar));
  cluster.stage.run_for(60s);  // until the first one has looked again
  REQUIRE(cluster.lists(0, 3));
  base::Contact false_one{};
  liar.providers = [&](wire::Providers::Builder out) {
    auto list = out.initProviders(20);
    for (unsigned i = 0; i < list.size(); ++i) {
      false_one.key.bytes[0] = static_cast<std::uint8_t>(i + 1);
      false_one.endpoint = *base::Endpoint::parse("203.0." + std::to_string(i) + ".7:4000");
      messages::write_contact(list[i], false_one);
    }
  };
  for (int i = 1; i <= 8; ++i) {  // in some of them the liar answers first
    const Token token = cluster.token(2, 1);
    REQUIRE_FALSE(cluster.ask_from<wire::AddProvider, wire::Added>(2, 1, [&](wire::AddProvider::Builder out) {
      write_asker(out.initAsker(), cluster[2].settings);
      out.setToken(data_of(token.view()));
      out.setKey(data_of(key(i).view()));
    }));
    const auto outcome =
        search(cluster, 0, key(i), [](wire::Search::Builder question) { question.getGoal().setProviders(6); });
    CHECK(std::ranges::count(outcome.providers, cluster[2].id()) == 1);
    CHECK(outcome.providers.size() == 6);  // what nobody else fills, it may
  }
  CHECK(cluster.failures().empty());
}

TEST_CASE("lookup actor: of one address few providers are named, as each is only claimed to live there") {
  Liar liar;
  DhtCluster cluster(4, with(liar));
  cluster.stage.run_for(60s);  // until the first one has looked again
  REQUIRE(cluster.lists(0, 3));
  std::string prefix, suffix;
  SUBCASE("of the fourth version") { prefix = "203.0.113.7:40"; }
  SUBCASE("of the sixth, whose lines have 2^64 addresses") {
    prefix = "[2001:db8::";
    suffix = "]:4000";
  }
  liar.providers = [&](wire::Providers::Builder out) {
    auto list = out.initProviders(20);
    for (unsigned i = 0; i < list.size(); ++i) {
      base::Contact one = cluster[2].where();
      if (i > 0) one.key.bytes[0] = static_cast<std::uint8_t>(i);
      if (i > 0) one.endpoint = *base::Endpoint::parse(prefix + std::to_string(i + 10) + suffix);
      messages::write_contact(list[i], one);
    }
  };
  const auto outcome =
      search(cluster, 0, key(1), [](wire::Search::Builder question) { question.getGoal().setProviders(20); });
  CHECK(outcome.providers.size() == 1 + kProvidersOfHostMax);
  CHECK(std::ranges::count(outcome.providers, cluster[2].id()) == 1);
}

TEST_CASE("lookup actor: a search among those that say nothing ends at its deadline, and its actor with it") {
  Liar liar;
  DhtCluster cluster(2, with(liar, 1));
  cluster.stage.run_for(60s);
  liar.silent = true;
  REQUIRE(cluster.lists(0, 1));
  const auto outcome = search(cluster, 0, key(1), [](wire::Search::Builder question) {
    for_value(question);
    question.setSeconds(1);
  });
  REQUIRE_FALSE(outcome.error);
  CHECK((outcome.ending == "deadline" || outcome.ending == "nobody"));
  CHECK(outcome.took <= 1'100ms);
  CHECK(outcome.unanswered == 1);
  CHECK_FALSE(cluster.has_path(0, "/dht/lookup"));
  CHECK(cluster.state(0).searches == 0);
  CHECK(cluster.get(0, Space::kv, key(1)).error->code == Code::unavailable);
}

TEST_CASE("lookup actor: who falls silent leaves the table though searches end without it, who is slow does not") {
  Liar slow;
  DhtCluster cluster(5, with(slow, 4));
  cluster.stage.run_for(60s);  // until the first one has looked again
  REQUIRE(cluster.lists(0, 3));
  REQUIRE(cluster.lists(0, 4));
  slow.silent = true;  // to questions; it answers pings
  const auto search_and_wait = [&] {
    const auto outcome = search(cluster, 0, key(1));
    CHECK(outcome.took < 1s);
    CHECK(fate_of(outcome, cluster[3].id()) == "late");
    CHECK(fate_of(outcome, cluster[4].id()) == "late");
    cluster.stage.run_for(kPingTimeout + 100ms);
  };
  cluster.kill(3);
  search_and_wait();
  CHECK(cluster.lists(0, 3));  // nobody loses a place by one loss
  search_and_wait();
  CHECK_FALSE(cluster.lists(0, 3));
  CHECK(cluster.lists(0, 4));
  CHECK(cluster.failures().empty());
}

TEST_CASE("lookup actor: a put where nobody answers is no success beyond this node") {
  DhtCluster cluster(5);
  for (std::size_t i = 1; i < 5; ++i) cluster.kill(i);
  const auto began = cluster.stage.now();
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE(stored.error);
  CHECK(stored.error->code == Code::unknown_outcome);
  CHECK(stored.error->message.find("only 1 of 1 nodes have acknowledged it, and 3 have to") != std::string::npos);
  CHECK(cluster.stage.now() - began < 60s);
  CHECK_FALSE(cluster.has_path(0, "/dht/lookup"));
}

TEST_CASE("lookup actor: a put does not wait for the last of its holders") {
  DhtCluster cluster(8, [](std::size_t, ClusterNode& member) { member.settings.copies = 8; });
  cluster[3].disk.set_capacity(1);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  CHECK_FALSE(stored.error);
  CHECK(stored.asked == 8);
  CHECK(stored.stored == 7);
  CHECK(stores_needed(8, 8, Scale::small) == 6);
  for (const std::size_t i : {1, 2}) cluster[i].disk.set_capacity(1);
  cluster.stage.run_for(1s);
  const auto failed = cluster.put(0, Space::kv, "others", "seven");
  REQUIRE(failed.error);
  CHECK(failed.error->code == Code::unknown_outcome);
  CHECK(failed.error->message.find("5 of 8") != std::string::npos);
}

TEST_CASE("lookup actor: how many acknowledgements a store needs") {
  const auto needed = [](std::size_t asked, std::size_t copies) { return stores_needed(asked, copies, Scale::small); };
  CHECK(needed(0, 20) == 0);
  CHECK(needed(1, 20) == 1);
  CHECK(needed(3, 20) == 3);
  // One that refuses is not in the way, as soon as there are three others.
  CHECK(needed(4, 20) == 3);
  CHECK(needed(9, 20) == 7);
  CHECK(needed(10, 20) == 8);
  CHECK(needed(12, 20) == 9);
  CHECK(needed(20, 20) == 15);
  CHECK(needed(40, 20) == 30);
  CHECK(needed(3, 1) == 3);
  CHECK(needed(4, 1) == 3);
  // Who met few nodes in a large network has not stored it where it is looked for.
  for (std::size_t asked = 0; asked <= 10; ++asked) CHECK(stores_needed(asked, 20, Scale::large) == 10);
  CHECK(stores_needed(20, 20, Scale::large) == 15);
  CHECK(stores_needed(40, 20, Scale::large) == 30);
  CHECK(stores_needed(0, 1, Scale::large) == 1);
  // Nor who was met with silence by most of a small one.
  CHECK(stores_needed(2, 20, Scale::small, 7) == 5);
  CHECK(stores_needed(2, 20, Scale::small, 1) == 2);
  CHECK(stores_needed(1, 20, Scale::small, 1) == 1);
  CHECK(stores_needed(1, 20, Scale::small, 40) == 10);
}

TEST_CASE(
    "lookup actor: as large a part of the address groups is as good as of the nodes, where there are many groups") {
  // `alone` nodes with a group each, all of which acknowledge, and groups of three nodes, none of which does.
  const auto enough = [](std::size_t alone, std::size_t refusing, Scale scale, std::size_t copies = 20) {
    StoreCount count;
    for (std::size_t group = 0; group < alone + refusing; ++group) {
      for (int i = 0; i < (group < alone ? 1 : 3); ++i) count.ask(group);
      if (group < alone) count.store(group);
    }
    return count.stored >= stores_needed(count, copies, scale);
  };
  for (const Scale scale : {Scale::small, Scale::large}) {
    CHECK(enough(18, 1, scale));
    CHECK(enough(14, 2, scale));
    CHECK(enough(11, 3, scale));
    CHECK_FALSE(enough(10, 4, scale));
    CHECK_FALSE(enough(7, 1, scale));
  }
  CHECK_FALSE(enough(9, 1, Scale::large));  // half as many as copies have to have it, whatever the groups
  CHECK(enough(9, 1, Scale::small));        // unless there are no more
  // Nodes of one group are counted one by one.
  StoreCount cluster;
  for (int i = 0; i < 8; ++i) cluster.ask(0);
  cluster.store(0);
  for (int stored = 1; stored < 6; ++stored, cluster.store(0)) CHECK(stores_needed(cluster, 8, Scale::small) == 6);
  CHECK(stores_needed(cluster, 8, Scale::small) == 6);
  CHECK(cluster.stored == 6);
}

TEST_CASE("lookup actor: two sites that store nothing cannot make a put fail") {
  // Eight honest nodes at a site each, and three at each of two sites, which say that they store nothing.
  const Scripted::Receive refuses = [](Scripted&, runtime::Handlers& on) {
    on.ask<wire::Ping, wire::Pong>([](auto, auto reply) { reply.done(); });
    on.ask<wire::FindNode, wire::Nodes>(
        [](auto, auto reply) { reply.send([](wire::Nodes::Builder out) { out.setToken(data_of(Token{}.view())); }); });
    on.ask<wire::Store, wire::StoreDone>([](auto, auto reply) { reply.refuse({Code::overloaded, "not now"}); });
  };
  DhtCluster cluster(14, [&](std::size_t i, ClusterNode& member) {
    const std::size_t site = i < 8 ? 1 + i : 20 + i % 2;
    member.number = static_cast<std::uint16_t>(256 * site + i);
    member.at.address = sim::address_of(member.number);
    member.settings.endpoint = member.at;
    member.settings.copies = 12;
    member.settings.groups = {.group_of = {.ten_net = TenNet::network}, .bucket_max = 3};
    if (i >= 8) member.acts = refuses;
    else if (i == 0) member.knows = {8, 9, 10, 11, 12, 13};
  });
  cluster.stage.run_for(60s);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  CHECK_FALSE(stored.error);
  CHECK(stored.asked >= 12);
  CHECK(stored.stored <= 8);
}

TEST_CASE("lookup actor: where most nodes are silent nothing is acknowledged, nor said not to be there") {
  DhtCluster cluster(9);
  for (std::size_t i = 2; i < 9; ++i) cluster.kill(i);
  const auto stored = cluster.put(0, Space::kv, "orders", "seven");
  REQUIRE(stored.error);
  CHECK(stored.error->code == Code::unknown_outcome);
  const auto found = cluster.get(0, Space::cid, key_of_value(base::as_bytes("nothing")));
  REQUIRE(found.error);
  CHECK(found.error->code == Code::unavailable);
}

TEST_CASE("lookup actor: a put says why this node's own store has not taken it") {
  DhtCluster cluster(3, [](std::size_t, ClusterNode& member) { member.settings.copies = 3; });
  cluster[0].disk.set_capacity(1);
  SUBCASE("beside others that have") {
    const auto stored = cluster.put(0, Space::kv, "orders", "seven");
    REQUIRE(stored.error);
    CHECK(stored.error->code == Code::unknown_outcome);
    CHECK(stored.error->message.starts_with("only 2 of 3 nodes have acknowledged it, and 3 have to; this node's own"));
    CHECK(cluster.state(0).records == 0);
    CHECK_FALSE(cluster.get(1, Space::kv, key_of_name(cluster[0].identity->public_key(), bytes_of("orders"))).error);
  }
  SUBCASE("alone") {
    for (const std::size_t i : {1, 2}) cluster.kill(i);
    const auto stored = cluster.put(0, Space::kv, "orders", "seven");
    REQUIRE(stored.error);
    CHECK(stored.error->code == Code::no_space);
    CHECK(stored.error->message.starts_with("this node's own store: "));
  }
}

TEST_CASE("lookup actor: one that breaks ends, and its question is answered") {
  DhtCluster cluster(3);
  cluster.stage.run_for(60s);
  std::string next;
  for (int i = 1; next.empty() && i < 100; ++i) {
    search(cluster, 0, key(1));
    // Names are counted; the next one is that of this node's searches so far.
    next = "/dht/lookup-" + std::to_string(cluster.state(0).searched + 1);
  }
  cluster.break_at(0, next);
  const auto outcome = search(cluster, 0, key(2));
  REQUIRE(outcome.error);
  CHECK(outcome.error->code == Code::internal);
  cluster.stage.run_for(60s);
  CHECK_FALSE(cluster.has_path(0, "/dht/lookup"));
  CHECK(cluster.state(0).searches == 0);
  CHECK_FALSE(search(cluster, 0, key(2)).error);
}
