// Buckets behind their mailboxes: whom they ping, what they tell the head, and how long they live.
#include "actors/dht/bucket_actor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "actors/dht/api.hpp"
#include "actors/dht/buckets_actor.hpp"
#include "actors/dht/wire.hpp"
#include "messages/runtime.capnp.h"
#include "runtime/actor/host.hpp"
#include "runtime/base/ensure.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;
using troupe::test::ActorFixture;
using troupe::test::Scripted;

namespace {

/// The parent of all buckets, with a head that notes what it is told and nodes that answer pings or do not.
class Shelf final : public runtime::Host {
 public:
  Shelf() {
    settings = std::make_shared<DhtSettings>();
    settings->identity =
        std::make_shared<const crypto::Identity>(crypto::Identity::make(actors.ports.world().chance, 0));
    settings->endpoint = *base::Endpoint::parse("10.0.0.1:4000");
    settings->work_bits = 0;
    actors.node.host = this;
    actors.node.reaches = [this](const base::Contact& contact, const std::string&) {
      return nodes.at(crypto::node_id(contact.key, contact.nonce));
    };
    actors.start("dht", [this](Scripted&, runtime::Handlers& on) {
      on.tell<wire::BucketHolds>([this](wire::BucketHolds::Reader said) {
        ++told;
        Row& row = rows[said.getRange()];
        row = {};
        for (const Contact& one : own_contacts(said.getGood())) row.good.push_back(one.id);
        for (const Contact& one : own_contacts(said.getRest())) row.rest.push_back(one.id);
        for (const auto ms : said.getHeardMs()) row.heard_ms.push_back(ms);
        for (const auto one : said.getSilent()) row.silent.push_back(*read_key(one.getNode()));
        if (const auto id = read_key(said.getSettled())) settled.insert(*id);
      });
    });
    actors.start(
        "parent", [](auto&, auto&) {},
        [this](Scripted& self) {
          buckets = self.spawn("bucket", [settings = settings] { return std::make_unique<BucketsActor>(settings); },
                               {.kind = BucketsActor::kName});
        });
    actors.stage.settle();
  }
  ~Shelf() {
    kept.clear();
    nodes.clear();
    buckets = {};
  }

  /// Another node in that range of ours, which answers pings while it is in `alive`.
  Contact contact(std::uint8_t range, std::string endpoint = {}) {
    Contact out;
    do {
      for (auto& byte : out.where.key.bytes) byte = static_cast<std::uint8_t>(random.next());
      out.id = crypto::node_id(out.where.key, 0);
    } while (range_of(settings->identity->id(), out.id)->prefix != range);
    ++made;
    if (endpoint.empty())
      endpoint = "10.0." + std::to_string(made / 200) + "." + std::to_string(made % 200 + 1) + ":4000";
    out.where.endpoint = *base::Endpoint::parse(endpoint);
    alive.insert(out.id);
    nodes[out.id] = actors.start("n" + std::to_string(made), [this, id = out.id](Scripted&, runtime::Handlers& on) {
      on.ask<wire::Ping, wire::Pong>([this, id](wire::Ping::Reader, runtime::Reply<wire::Pong> reply) {
        ++pinged[id];
        if (const auto error = says.find(id); error != says.end())
          reply.forward(runtime::error_envelope({error->second, "it says"}, {.origin = runtime::Origin::foreign}));
        else if (refuses) reply.refuse({base::Code::overloaded, "too many questions wait"});
        else if (alive.contains(id)) reply.done();
        else kept.push_back(std::move(reply));
      });
    });
    return out;
  }
  void hear(const Contact& who, Evidence evidence = Evidence::answered) {
    actors.inside([&](Scripted& self) {
      self.tell<wire::Hear>(buckets, [&](wire::Hear::Builder out) {
        out.setRange(range_of(settings->identity->id(), who.id)->prefix);
        write(out.initContact(), who);
        out.setAnswered(evidence == Evidence::answered);
      });
    });
  }
  void missed(const Contact& who, bool forget = false) {
    actors.inside([&](Scripted& self) {
      self.tell<wire::Missed>(buckets, [&](wire::Missed::Builder out) {
        out.setRange(range_of(settings->identity->id(), who.id)->prefix);
        out.setNode(data_of(who.id.view()));
        out.setForget(forget);
      });
    });
  }
  void forget(const Contact& who) { missed(who, true); }
  bool lives(std::uint8_t range) const {
    return static_cast<bool>(actors.node.find("/bucket/" + std::to_string(range)));
  }
  bool lists(std::uint8_t range, const Contact& who) {
    return std::ranges::find(rows[range].good, who.id) != rows[range].good.end();
  }

  void runs(std::uint64_t) override {}
  void ran(std::uint64_t) override {}
  void handles(std::string_view at) override {
    if (break_path.empty() || at != break_path) return;
    break_path.clear();
    throw base::InvariantBroken("a test breaks this actor");
  }
  bool takes(std::uint64_t, caf::actor_control_block&, caf::mailbox_element_ptr&) override { return false; }

  struct Row {
    std::vector<Key> good, rest, silent;
    std::vector<std::uint64_t> heard_ms;
  };
  std::vector<runtime::Reply<wire::Pong>> kept;  // pings that nobody answers
  std::map<std::uint8_t, Row> rows;
  std::set<Key> settled, alive;
  std::map<Key, base::Code> says;  // in place of an answer
  bool refuses = false;            // a limit of this node keeps each ping back
  std::map<Key, int> pinged;
  std::map<base::NodeId, runtime::Handle> nodes;
  std::size_t told = 0;
  std::string break_path;
  std::shared_ptr<DhtSettings> settings;
  base::Random random{7};
  std::size_t made = 0;
  runtime::Handle buckets;
  ActorFixture actors;
};

}  // namespace

TEST_CASE("bucket actor: is born with its first contact and ends with its last") {
  Shelf shelf;
  const Contact one = shelf.contact(3);
  CHECK_FALSE(shelf.lives(3));
  shelf.hear(one);
  CHECK(shelf.lives(3));
  CHECK_FALSE(shelf.lives(4));
  CHECK(shelf.lists(3, one));
  CHECK(shelf.settled.contains(one.id));

  shelf.alive.clear();
  for (int i = 0; i < 100 && shelf.rows[3].silent.empty(); ++i) {
    shelf.missed(one);
    shelf.actors.stage.run_for(60s);
  }
  CHECK(shelf.rows[3].silent == std::vector{one.id});
  CHECK(shelf.rows[3].rest == std::vector{one.id});
  CHECK(shelf.lives(3));
  shelf.forget(one);
  shelf.actors.stage.settle();
  CHECK_FALSE(shelf.lives(3));
  CHECK(shelf.rows[3].good.empty());
  CHECK(shelf.rows[3].rest.empty());

  SUBCASE("and is born again") {
    shelf.alive.insert(one.id);
    shelf.hear(one);
    CHECK(shelf.lives(3));
    CHECK(shelf.lists(3, one));
  }
}

TEST_CASE("bucket actor: who has only asked is pinged before it is listed") {
  Shelf shelf;
  const Contact one = shelf.contact(0), silent = shelf.contact(0);
  shelf.alive.erase(silent.id);
  shelf.hear(one, Evidence::asked_us);
  shelf.hear(silent, Evidence::asked_us);
  shelf.actors.stage.run_for(5s);
  CHECK(shelf.pinged[one.id] == 1);
  CHECK(shelf.pinged[silent.id] == 1);
  CHECK(shelf.lists(0, one));
  CHECK_FALSE(shelf.lists(0, silent));
}

TEST_CASE("bucket actor: a node that says `dropped` is not pinged without end, and one that says `overloaded` lives") {
  Shelf shelf;
  const Contact liar = shelf.contact(0), busy = shelf.contact(0);
  shelf.says = {{liar.id, base::Code::dropped}, {busy.id, base::Code::overloaded}};
  shelf.hear(liar, Evidence::asked_us);
  shelf.hear(busy, Evidence::asked_us);
  shelf.actors.stage.run_for(std::chrono::minutes(1));
  CHECK(shelf.pinged[liar.id] <= 3);
  CHECK_FALSE(shelf.lists(0, liar));
  CHECK(shelf.lists(0, busy));
}

TEST_CASE("bucket actor: a ping that a limit of this node keeps back is no silence, and is tried again") {
  Shelf shelf;
  const Contact one = shelf.contact(0), newcomer = shelf.contact(0);
  shelf.hear(one);
  shelf.refuses = true;
  shelf.hear(newcomer, Evidence::asked_us);
  shelf.actors.stage.run_for(30min);
  CHECK(shelf.lists(0, one));
  CHECK(shelf.rows[0].rest.empty());
  CHECK(shelf.pinged[one.id] > 1);
  CHECK(shelf.pinged[one.id] <= 30min / kPingTimeout);
  CHECK_FALSE(shelf.lists(0, newcomer));
  SUBCASE("one that is sent is answered") {
    shelf.refuses = false;
    shelf.hear(newcomer, Evidence::asked_us);
    shelf.actors.stage.run_for(1min);
    CHECK(shelf.lists(0, newcomer));
  }
  SUBCASE("one that is sent and not answered is silence") {
    shelf.refuses = false;
    shelf.alive.clear();
    shelf.actors.stage.run_for(30min);
    CHECK_FALSE(shelf.lists(0, one));
  }
}

TEST_CASE("bucket actor: who is forgotten while it is pinged stays so, whatever it answers") {
  Shelf shelf;
  const Contact one = shelf.contact(0), other = shelf.contact(0);
  shelf.hear(other);
  shelf.alive.erase(one.id);
  shelf.hear(one, Evidence::asked_us);
  shelf.actors.stage.settle();
  REQUIRE(shelf.kept.size() == 1);
  SUBCASE("forgotten") {
    shelf.forget(one);
    shelf.actors.stage.settle();
    shelf.kept[0].done();
    shelf.actors.stage.run_for(1s);
    CHECK_FALSE(shelf.lists(0, one));
  }
  SUBCASE("else its answer lists it") {
    shelf.kept[0].done();
    shelf.actors.stage.run_for(1s);
    CHECK(shelf.lists(0, one));
  }
}

TEST_CASE("bucket actor: a newcomer takes a place of a full bucket only after a ping to its oldest went unanswered") {
  Shelf shelf;
  std::vector<Contact> first;
  for (std::size_t i = 0; i < kContactsMax; ++i) {
    first.push_back(shelf.contact(0));
    shelf.hear(first.back());
    shelf.actors.stage.run_for(1s);
  }
  CHECK(shelf.rows[0].good.size() == kContactsMax);
  const Contact newcomer = shelf.contact(0);
  shelf.actors.stage.run_for(kQuietMax);
  SUBCASE("an answer keeps the old contact") {
    shelf.hear(newcomer);
    shelf.actors.stage.run_for(10s);
    CHECK(shelf.pinged[first[0].id] >= 1);
    CHECK(shelf.lists(0, first[0]));
    CHECK_FALSE(shelf.lists(0, newcomer));
  }
  SUBCASE("silence gives the place away in the end") {
    shelf.alive.erase(first[0].id);
    shelf.hear(newcomer);
    shelf.actors.stage.settle();
    CHECK_FALSE(shelf.lists(0, newcomer));
    shelf.actors.stage.run_for(std::chrono::minutes(10));
    CHECK(shelf.pinged[first[0].id] >= 2);
    CHECK_FALSE(shelf.lists(0, first[0]));
    CHECK(shelf.lists(0, newcomer));
  }
  CHECK(shelf.rows[0].good.size() == kContactsMax);
}

TEST_CASE("bucket actor: of one address group it keeps a few") {
  Shelf shelf;
  shelf.settings->groups.group_of.ten_net = TenNet::network;
  std::vector<Contact> all;
  for (int i = 1; i <= 4; ++i) {
    all.push_back(shelf.contact(0, "192.0.2." + std::to_string(i) + ":4000"));
    shelf.hear(all.back());
  }
  CHECK(shelf.rows[0].good.size() == shelf.settings->groups.bucket_max);
  CHECK(shelf.rows[0].rest.empty());
  for (const Contact& one : all) CHECK(shelf.settled.contains(one.id));
}

TEST_CASE("bucket actor: says how long ago each contact was heard") {
  Shelf shelf;
  const Contact one = shelf.contact(1), other = shelf.contact(1);
  shelf.hear(one);
  shelf.actors.stage.run_for(90s);
  shelf.hear(other);
  CHECK(shelf.rows[1].good == std::vector{one.id, other.id});
  CHECK(shelf.rows[1].heard_ms == std::vector<std::uint64_t>{90'000, 0});
}

TEST_CASE("bucket actor: one that breaks begins empty, says so, and goes on or ends") {
  Shelf shelf;
  const Contact one = shelf.contact(2);
  shelf.hear(one);
  REQUIRE(shelf.lists(2, one));
  shelf.break_path = "/bucket/2";
  shelf.hear(one);
  shelf.actors.stage.run_for(5s);
  CHECK(shelf.rows[2].good.empty());
  SUBCASE("with whom it hears") {
    shelf.hear(one);
    CHECK(shelf.lists(2, one));
  }
  SUBCASE("for it has nobody to hold") {
    shelf.actors.stage.run_for(60s);
    CHECK_FALSE(shelf.lives(2));
  }
}

TEST_CASE("bucket actor: a contact that is heard while its bucket ends is not lost") {
  Shelf shelf;
  const Contact one = shelf.contact(6), other = shelf.contact(6);
  shelf.hear(one);
  shelf.actors.inside([&](Scripted& self) {  // its last contact goes, and in the same moment another one comes
    self.tell<wire::Missed>(shelf.buckets, [&](wire::Missed::Builder out) {
      out.setRange(6);
      out.setNode(data_of(one.id.view()));
      out.setForget(true);
    });
    self.tell<wire::Hear>(shelf.buckets, [&](wire::Hear::Builder out) {
      out.setRange(6);
      write(out.initContact(), other);
      out.setAnswered(true);
    });
  });
  shelf.actors.stage.run_for(1s);
  if (!shelf.lists(6, other)) shelf.hear(other);  // it came to one that had ended, and is met again
  CHECK(shelf.lists(6, other));
}

TEST_CASE("bucket actor: nonsense makes no bucket") {
  Shelf shelf;
  shelf.actors.inside([&](Scripted& self) {
    for (const auto range : {std::uint8_t{160}, std::uint8_t{255}}) {
      self.tell<wire::Hear>(shelf.buckets, [&](wire::Hear::Builder out) { out.setRange(range); });
      self.tell<wire::Missed>(shelf.buckets, [&](wire::Missed::Builder out) { out.setRange(range); });
    }
    self.tell<wire::Hear>(shelf.buckets, [&](wire::Hear::Builder out) { out.setRange(7); });  // nobody's contact
    self.tell<wire::Missed>(shelf.buckets, [&](wire::Missed::Builder out) { out.setRange(8); });
  });
  shelf.actors.stage.run_for(60s);
  for (const auto range : {std::uint8_t{7}, std::uint8_t{8}}) CHECK_FALSE(shelf.lives(range));
  CHECK(shelf.actors.node.find("/bucket"));
}
