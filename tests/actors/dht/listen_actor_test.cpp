// Listening among nodes: what comes to a place is told to those that listen, and to nobody else.
#include "actors/dht/listen_actor.hpp"

#include <doctest/doctest.h>

#include <list>

#include "messages/runtime.capnp.h"
#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

/// Somebody who listens at a node.
class Ear {
 public:
  Ear(DhtCluster& cluster, std::size_t node, const Topic& topic, std::function<void(wire::ListenTo::Builder)> more = {})
      : quarter_(cluster), node_(node) {
    cluster.inside(node, [&](Scripted& self) {
      hold_ = self.subscribe<wire::ListenTo, wire::Came>(
          self.node().find(kListenPath), 600s,
          [&](wire::ListenTo::Builder question) {
            question.setWhat(static_cast<std::uint8_t>(topic.kind));
            question.setKey(data_of(topic.key.view()));
            if (more) more(question);
          },
          [this](wire::Came::Reader item) { take(item); },
          [this](base::Result<void, Error> end) {
            over = true;
            if (!end.ok()) error = end.error();
          });
    });
  }
  ~Ear() { leave(); }
  void leave() {
    if (quarter_[node_].up) quarter_.inside(node_, [this](Scripted&) { hold_.cancel(); });
  }
  bool has(std::string_view value) const { return std::ranges::find(values, value) != values.end(); }
  bool hears(std::string_view value) {
    return quarter_.stage.run_until([&] { return has(value); }, 60s);
  }
  bool hears_of(const base::NodeId& provider) {
    return quarter_.stage.run_until([&] { return std::ranges::count(providers, provider) > 0; }, 60s);
  }
  /// Until it is told how many nodes tell it of changes.
  unsigned listening() {
    quarter_.stage.run_until([&] { return leases.has_value(); }, 60s);
    return leases.value_or(999);
  }

  std::vector<std::string> values;
  std::vector<std::uint64_t> sequences;
  std::vector<base::NodeId> providers;
  std::optional<unsigned> leases;
  std::optional<std::string> ended;
  std::optional<Error> error;
  bool over = false;

 private:
  void take(wire::Came::Reader item) {
    switch (item.which()) {
      case wire::Came::NOTHING: return;
      case wire::Came::LISTENING: leases = item.getListening(); return;
      case wire::Came::VALUE:
        values.push_back(text(bytes_of(item.getValue().getValue())));
        sequences.push_back(item.getValue().getSequence());
        return;
      case wire::Came::PROVIDER: {
        const base::Contact where = messages::read_contact(item.getProvider());
        providers.push_back(crypto::node_id(where.key, where.nonce));
        return;
      }
      case wire::Came::ENDED: ended = text_of(item.getEnded().getWhy()); return;
    }
  }
  DhtCluster& quarter_;
  const std::size_t node_;
  runtime::Subscription hold_;
};

struct Told {
  unsigned listeners = 0;
  std::uint64_t notices = 0;
};
Told told_by(DhtCluster& cluster, std::size_t node) {
  Told out;
  cluster.ask<runtime::wire::Describe, wire::DhtState>(
      node, [](auto) {},
      [&](wire::DhtState::Reader state) {
        out = {state.getListeners(), state.getNotices()};
      });
  return out;
}
Topic value_of(DhtCluster& cluster, std::size_t node, std::string_view name) {
  return {TopicKind::value, key_of_name(cluster[node].identity->public_key(), base::as_bytes(name))};
}
/// What a node answers to Listen of another one.
struct Lease {
  std::optional<Error> error;
  unsigned seconds = 0;
  base::Bytes token;
};
Lease listen_at(DhtCluster& cluster, std::size_t asker, std::size_t of, const Topic& topic, base::ByteView token,
                const std::optional<base::Contact>& claims = {}, unsigned seconds = 60) {
  Lease out;
  out.error = cluster.ask_from<wire::Listen, wire::Listening>(
      asker, of,
      [&](wire::Listen::Builder question) {
        write_asker(question.initAsker(), cluster[asker].settings);
        if (claims) messages::write_contact(question.getAsker().getContact(), *claims);
        question.setToken(data_of(token));
        question.setWhat(static_cast<std::uint8_t>(topic.kind));
        question.setKey(data_of(topic.key.view()));
        question.setSeconds(static_cast<std::uint16_t>(seconds));
      },
      [&](wire::Listening::Reader said) {
        out.seconds = said.getSeconds();
        const auto given = bytes_of(said.getToken());
        out.token.assign(given.begin(), given.end());
      });
  return out;
}

}  // namespace

TEST_CASE("dht listen: what is put is told to a node that listens, what was there before first") {
  DhtCluster cluster(5);
  std::string large;
  SUBCASE("values that fit into a datagram") {}
  SUBCASE("values that need a link") { large = std::string(20'000, 'x'); }
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "one" + large).error);
  Ear ear(cluster, 3, value_of(cluster, 0, "orders"));
  CHECK(ear.hears("one" + large));
  CHECK(ear.listening() == 5);
  for (const std::string value : {"two", "three", "four"}) {
    REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", value + large).error);
    CHECK(ear.hears(value + large));
  }
  CHECK(ear.values.size() == 4);
  CHECK(std::ranges::is_sorted(ear.sequences));
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht listen: a place where nothing lies yet is listened to, for longer than a lease") {
  DhtCluster cluster(4);
  Ear ear(cluster, 1, value_of(cluster, 2, "orders"));
  CHECK(ear.listening() == 4);
  cluster.stage.run_for(30min);
  CHECK_FALSE(ear.over);
  for (const std::size_t node : {0, 1, 2, 3}) CHECK(told_by(cluster, node).listeners == 1);
  REQUIRE_FALSE(cluster.put(2, Space::kv, "orders", "late").error);
  CHECK(ear.hears("late"));
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht listen: two at one node share its leases, and the one that comes later hears what is there") {
  DhtCluster cluster(4);
  const Topic topic = value_of(cluster, 0, "orders");
  Ear first(cluster, 1, topic);
  CHECK(first.listening() == 4);
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "one").error);
  CHECK(first.hears("one"));
  Ear second(cluster, 1, topic);
  CHECK(second.hears("one"));
  CHECK(second.listening() == 4);
  CHECK(told_by(cluster, 2).listeners == 1);
  first.leave();
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "two").error);
  CHECK(second.hears("two"));
  CHECK_FALSE(first.has("two"));
}

TEST_CASE("dht listen: it ends with who listens, and holders hear of it at once") {
  DhtCluster cluster(4);
  const Topic topic = value_of(cluster, 0, "orders");
  SUBCASE("who leaves") {
    Ear ear(cluster, 1, topic);
    CHECK(ear.listening() == 4);
    ear.leave();
    cluster.stage.run_for(1s);
    for (const std::size_t node : {0, 1, 2, 3}) CHECK(told_by(cluster, node).listeners == 0);
  }
  SUBCASE("who has heard as much as was asked for") {
    Ear ear(cluster, 1, topic, [](wire::ListenTo::Builder question) { question.setCount(1); });
    CHECK(ear.listening() == 4);
    REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "one").error);
    CHECK(cluster.stage.run_until([&] { return ear.over; }, 10s));
    CHECK(ear.ended);
    CHECK(ear.has("one"));
    CHECK_FALSE(ear.error);
    cluster.stage.run_for(1s);
    CHECK(told_by(cluster, 2).listeners == 0);
  }
  SUBCASE("whose time is over") {
    Ear ear(cluster, 1, topic, [](wire::ListenTo::Builder question) { question.setMilliseconds(5'000); });
    CHECK(cluster.stage.run_until([&] { return ear.over; }, 5s));
    CHECK(ear.ended);
  }
  SUBCASE("whose node dies: its leases end by themselves") {
    Ear ear(cluster, 1, topic);
    CHECK(ear.listening() == 4);
    cluster.kill(1);
    cluster.stage.run_for(5min);
    REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "one").error);
    for (const std::size_t node : {0, 2, 3}) CHECK(told_by(cluster, node).listeners == 0);
  }
  SUBCASE("whose node dies, with notices on the way: they are sent a few times") {
    Ear ear(cluster, 1, topic);
    CHECK(ear.listening() == 4);
    cluster.kill(1);
    REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "one").error);
    cluster.stage.run_for(60s);
    for (const std::size_t node : {0, 2, 3}) {
      CHECK(told_by(cluster, node).listeners == 0);
      CHECK(told_by(cluster, node).notices <= kNoticeTriesMax);
    }
  }
  SUBCASE("whose actor breaks: the stream ends with an error, and its holders are told that nobody listens") {
    Ear ear(cluster, 1, topic);
    CHECK(ear.listening() == 4);
    cluster.break_at(1, "/dht/listen");
    REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "one").error);
    CHECK(cluster.stage.run_until([&] { return ear.over; }, 10s));
    CHECK(ear.error);
    cluster.stage.run_for(30s);
    REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "two").error);
    cluster.stage.run_for(30s);
    for (const std::size_t node : {0, 1, 2, 3}) CHECK(told_by(cluster, node).listeners == 0);
  }
}

TEST_CASE("dht listen: while holders come and go it goes on") {
  DhtCluster cluster(6, [](std::size_t, ClusterNode& member) { member.settings.copies = 3; });
  const Topic topic = value_of(cluster, 0, "orders");
  Ear ear(cluster, 1, topic);
  CHECK(ear.listening() > 0);
  for (const std::size_t node : {2, 3}) cluster.kill(node);
  cluster.stage.run_for(2min);
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "one").error);
  CHECK(ear.hears("one"));
  for (const std::size_t node : {2, 3}) cluster.restart(node);
  for (const std::size_t node : {4, 5}) cluster.kill(node);
  cluster.stage.run_for(12min);
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "two").error);
  CHECK(ear.hears("two"));
}

TEST_CASE("dht listen: a node that cannot be dialled asks now and then") {
  DhtCluster cluster(4, [](std::size_t i, ClusterNode& member) {
    if (i == 3) member.settings.endpoint = {};
  });
  Ear ear(cluster, 3, value_of(cluster, 0, "orders"));
  CHECK(ear.listening() == 0);
  REQUIRE_FALSE(cluster.put(0, Space::kv, "orders", "one").error);
  CHECK(ear.hears("one"));
  for (const std::size_t node : {0, 1, 2}) CHECK(told_by(cluster, node).listeners == 0);
}

TEST_CASE("dht listen: new providers are told, those that were there first") {
  DhtCluster cluster(5);
  const base::Digest cid = crypto::sha256(base::as_bytes("a file"));
  REQUIRE_FALSE(cluster.provide(0, cid));
  Ear ear(cluster, 4, {TopicKind::providers, key_of(cid)});
  CHECK(ear.hears_of(cluster[0].id()));
  CHECK(ear.listening() == 5);
  for (const std::size_t node : {1, 2}) {
    REQUIRE_FALSE(cluster.provide(node, cid));
    CHECK(ear.hears_of(cluster[node].id()));
  }
  REQUIRE_FALSE(cluster.provide(1, cid));  // again
  cluster.stage.run_for(10s);
  CHECK(ear.providers.size() == 3);
}

TEST_CASE("dht listen: a lease needs a token of the asker, and the asker where it says that it is") {
  DhtCluster cluster(3);
  const Topic topic = value_of(cluster, 0, "orders");
  const auto first = listen_at(cluster, 1, 0, topic, {});
  CHECK_FALSE(first.error);
  CHECK(first.seconds == 0);
  REQUIRE(first.token.size() == Token::kBytes);
  CHECK(told_by(cluster, 0).listeners == 0);
  CHECK(listen_at(cluster, 2, 0, topic, first.token).seconds == 0);  // another's

  // Somebody else's address: that one is asked, does not know of it, and hears nothing more.
  base::Contact elsewhere = cluster[1].where();
  elsewhere.endpoint = cluster[2].at;
  CHECK(listen_at(cluster, 1, 0, topic, first.token, elsewhere).seconds == 0);
  elsewhere.endpoint.port = 9;  // and nobody's
  CHECK(listen_at(cluster, 1, 0, topic, first.token, elsewhere).seconds == 0);
  CHECK(listen_at(cluster, 1, 0, topic, first.token, cluster[2].where()).error);
  CHECK(told_by(cluster, 0).listeners == 0);

  CHECK(listen_at(cluster, 1, 0, topic, first.token).seconds == 60);
  CHECK(listen_at(cluster, 1, 0, topic, first.token, {}, 60'000).seconds == 300);
  CHECK(told_by(cluster, 0).listeners == 1);
  // Nobody listens there in truth: the first notice ends it.
  REQUIRE(cluster.store(1, 0, cluster.signed_by(0, 1, "one")).result == wire::StoreDone::Result::STORED);
  cluster.stage.run_for(10s);
  CHECK(told_by(cluster, 0).listeners == 0);
  CHECK(told_by(cluster, 0).notices == 1);

  const auto odd = [&](std::uint8_t what, std::size_t bytes) {
    return cluster.ask_from<wire::Listen, wire::Listening>(1, 0, [&](wire::Listen::Builder question) {
      write_asker(question.initAsker(), cluster[1].settings);
      question.setWhat(what);
      question.setKey(data_of(base::ByteView(base::Bytes(bytes, 1))));
    });
  };
  for (const int what : {0, 1, 3, 5}) CHECK(odd(static_cast<std::uint8_t>(what), 20)->code == Code::unsupported);
  for (const std::size_t bytes : {0, 19, 21}) CHECK(odd(2, bytes)->code == Code::malformed);
}

// Each address that one named was of another site, so that one site took all places.
TEST_CASE("dht listen: pings of listeners are of the site that they are at, whichever addresses they name") {
  DhtCluster cluster(4);
  const Topic topic = value_of(cluster, 0, "orders");
  const runtime::Handle silent = cluster[0].life().node.start(
      "silent", script([](Scripted&, runtime::Handlers& on) {
        on.ask<wire::Ping, wire::Pong>([kept = std::make_shared<std::vector<runtime::Reply<wire::Pong>>>()](
                                           auto, auto reply) { kept->push_back(std::move(reply)); });
      }));
  runtime::Node& holder = cluster[0].life().node;
  holder.reaches = [silent, before = holder.reaches](const base::Contact& contact, const std::string& path) {
    return contact.endpoint.port == 9 ? silent : before(contact, path);
  };
  unsigned named = 0;  // an address of a group of its own each time
  const auto elsewhere = [&](std::size_t asker) {
    base::Contact out = cluster[asker].where();
    out.endpoint =
        *base::Endpoint::parse("100." + std::to_string(64 + named / 256) + "." + std::to_string(named % 256) + ".1:9");
    ++named;
    return out;
  };
  for (const std::size_t asker : {1, 2}) {
    const base::Bytes token = listen_at(cluster, asker, 0, topic, {}).token;
    cluster.inside(asker, [&](Scripted& self) {
      for (std::size_t i = 0; i < kListenersPingedMax / 4; ++i)
        self.ask<wire::Listen, wire::Listening>(
            self.node().reach(cluster[0].where(), kPath), self.now() + 10s,
            [&](wire::Listen::Builder question) {
              write_asker(question.initAsker(), cluster[asker].settings);
              messages::write_contact(question.getAsker().getContact(), elsewhere(asker));
              question.setToken(data_of(token));
              question.setWhat(static_cast<std::uint8_t>(topic.kind));
              question.setKey(data_of(topic.key.view()));
              question.setSeconds(60);
            },
            [](runtime::Answer<wire::Listening>) {});
    });
  }
  const base::Bytes token = listen_at(cluster, 3, 0, topic, {}).token;
  const auto refused = cluster.state(0).refused;
  CHECK(listen_at(cluster, 3, 0, topic, token, elsewhere(3)).seconds == 0);
  CHECK(cluster.state(0).refused == refused + 1);
  cluster.stage.run_for(5s);
  CHECK(listen_at(cluster, 3, 0, topic, token).seconds == 60);
}

TEST_CASE("dht listen: a listener that a holder has no room to ask stays, and is told later") {
  DhtCluster cluster(3);
  Ear ear(cluster, 1, value_of(cluster, 2, "orders"));
  REQUIRE(ear.listening() == 3);
  bool full = true;
  int refused = 0;
  runtime::Node& holder = cluster[0].life().node;
  const runtime::Handle refuser = holder.start("refuser", script([&](Scripted&, runtime::Handlers& on) {
                                                 on.ask<wire::Changed, wire::Noted>([&](auto, auto reply) {
                                                   ++refused;
                                                   reply.refuse({Code::overloaded, "too many questions wait"});
                                                 });
                                               }));
  holder.reaches = [&, before = holder.reaches](const base::Contact& contact, const std::string& path) {
    return full && path == kListenPath ? refuser : before(contact, path);
  };
  REQUIRE_FALSE(cluster.put(2, Space::kv, "orders", "one").error);
  cluster.stage.run_for(20s);
  CHECK(refused > 3);
  CHECK(refused <= 21);  // once a second
  CHECK(told_by(cluster, 0).listeners == 1);
  full = false;
  cluster.stage.run_for(5s);
  const int before = refused;
  cluster.stage.run_for(5s);
  CHECK(refused == before);
  CHECK(told_by(cluster, 0).listeners == 1);
}

TEST_CASE("dht listen: limits of a holder are answered with no lease, and values come all the same") {
  DhtCluster cluster(3, [](std::size_t, ClusterNode& member) { member.settings.listeners.listeners_max = 2; });
  Ear first(cluster, 1, value_of(cluster, 0, "one"));
  CHECK(first.listening() == 3);
  Ear second(cluster, 2, value_of(cluster, 0, "two"));
  CHECK(second.listening() == 1);  // at its own node, for which a place is left
  REQUIRE_FALSE(cluster.put(0, Space::kv, "two", "2").error);
  CHECK(second.hears("2"));
}

TEST_CASE("dht listen: what others push is taken from holders alone, and only if it is signed") {
  DhtCluster cluster(3);
  const KvRecord real = cluster.signed_by(0, 7, "real");
  KvRecord forged = cluster.signed_by(0, 9, "forged");
  forged.value = bytes_of(std::string_view("altered"));
  const auto push = [&](std::size_t from, const Record& record) {
    bool listens = false;
    cluster.ask_of<wire::Changed, wire::Noted>(
        from, [&](Scripted& self) { return self.node().reach(cluster[1].where(), kListenPath); },
        [&](wire::Changed::Builder out) {
          out.setWhat(2);
          out.setKey(data_of(key_of(real).view()));
          auto present = out.initPresent();
          present.setSequence(sequence_of(record));
          present.setTag(data_of(tag_of(encode(record)).view()));
          present.setRecord(data_of(encode(record)));
        },
        [&](wire::Noted::Reader said) { listens = said.getListens(); });
    return listens;
  };
  CHECK_FALSE(push(2, real));
  Ear ear(cluster, 1, {TopicKind::value, key_of(real)});
  CHECK(ear.listening() == 3);
  CHECK(push(2, forged));
  CHECK(push(2, real));
  CHECK(ear.hears("real"));
  CHECK(push(2, cluster.signed_by(0, 6, "older")));
  cluster.stage.run_for(5s);
  CHECK(ear.values.size() == 1);
}

TEST_CASE("dht listen: nonsense is refused, and so is one reader too many") {
  DhtCluster cluster(1);
  const auto code = [&](std::uint8_t what, std::size_t bytes) {
    Ear ear(cluster, 0, {}, [&](wire::ListenTo::Builder question) {
      question.setWhat(what);
      question.setKey(data_of(base::ByteView(base::Bytes(bytes, 1))));
    });
    cluster.stage.run_until([&] { return ear.over; }, 1s);
    return ear.error ? std::optional(ear.error->code) : std::nullopt;
  };
  CHECK(code(1, 20) == Code::unsupported);
  CHECK(code(2, 19) == Code::malformed);
  std::list<Ear> ears;
  for (std::size_t i = 0; i < kListenReadersMax; ++i)
    ears.emplace_back(cluster, 0, Topic{TopicKind::value, key(static_cast<int>(i % 3))});
  CHECK(code(2, 20) == Code::overloaded);
  ears.pop_front();
  CHECK_FALSE(code(2, 20));
  CHECK(cluster.failures().empty());
}
