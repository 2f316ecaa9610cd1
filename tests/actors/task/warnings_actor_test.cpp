#include "actors/task/warnings_actor.hpp"

#include <doctest/doctest.h>

#include "actors/dht/api.hpp"
#include "messages/codec.hpp"
#include "messages/contact.hpp"
#include "messages/dht.capnp.h"
#include "runtime/base/whole_units.hpp"
#include "runtime/store/store_actor.hpp"
#include "tests/actors/task/orders.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::task;
using namespace std::chrono_literals;

namespace {

/// `/warnings` at a node whose DHT knows some witnesses.
struct WarningsFixture : test::ActorFixture {
  struct Witness {
    crypto::Identity identity;
    std::uint8_t site = 1;
    base::Bytes says{};
  };

  WarningsFixture() {
    settings.identity = std::make_shared<const crypto::Identity>(crypto::Identity::make(ports.world().chance, 0));
    settings.work_bits = 0;
    settings.linked_at = [this](const base::NodeId& id) -> std::optional<base::Endpoint> {
      if (const auto known = linked.find(id); known != linked.end())
        return *base::Endpoint::parse("192.1." + std::to_string(known->second) + ".1:7000");
      for (const Witness& one : witnesses)
        if (one.identity.id() == id) return *base::Endpoint::parse("192.0." + std::to_string(one.site) + ".1:7000");
      return std::nullopt;
    };
    store = node.start("store", [] { return std::make_unique<store::StoreActor>("store"); });
    start("dht", [this](test::Scripted&, runtime::Handlers& on) {
      on.ask<dht::wire::Search, dht::wire::SearchResult>([this](dht::wire::Search::Reader search,
                                                                runtime::Reply<dht::wire::SearchResult> reply) {
        if (linked.empty()) REQUIRE(node_of(search.getKey()) == place_of_warnings(submitter().id()));
        if (search.getGoal().isProvide()) {
          ++announced;
          return reply.send([](dht::wire::SearchResult::Builder out) {
            out.setStores(1);
            out.setStored(1);
          });
        }
        ++searched;
        reply.send([this](dht::wire::SearchResult::Builder out) {
          if (connected) out.initNearest(1);
          auto all = out.initProviders(static_cast<unsigned>(witnesses.size()));
          for (unsigned i = 0; i < all.size(); ++i) {
            base::Contact contact{.key = witnesses[i].identity.public_key()};
            contact.endpoint = *base::Endpoint::parse("192.0." + std::to_string(100 + i) + ".1:7000");  // as it says
            messages::write_contact(all[i], contact);
          }
        });
      });
    });
    start("task", [this](test::Scripted&, runtime::Handlers& on) {
      on.tell<wire::WarnedOf>([this](wire::WarnedOf::Reader told) {
        CHECK(node_of(told.getSubmitter()) == submitter().id());
        warned.push_back(text_of(told.getCall()));
      });
    });
    node.remotes_at = [this](const base::Contact& contact, const std::string& path) {
      CHECK(path == kWarningsPath);
      const base::NodeId id = crypto::node_id(contact.key, contact.nonce);
      const auto at = std::ranges::find(witnesses, id, [](const Witness& one) { return one.identity.id(); });
      return start("witness" + std::to_string(asked++), [says = at->says](test::Scripted&, runtime::Handlers& on) {
        on.ask<wire::GetWarnings, wire::Warnings>(
            [says](wire::GetWarnings::Reader, runtime::Reply<wire::Warnings> reply) {
              reply.send([&](wire::Warnings::Builder out) { out.setWarning(data_of(says)); });
            });
      });
    };
    begin();
  }
  void begin() {
    actor = node.start("warnings", [this] { return std::make_unique<WarningsActor>(settings); });
    stage.run_for(5s);
  }
  void warn_of(const Order& order) { warn_of(order, submitter().id()); }
  void warn_of(const Order& order, const base::NodeId& id) {
    inside([&](test::Scripted& self) {
      self.tell<wire::WarnOf>(actor, [&](wire::WarnOf::Builder out) {
        out.setSubmitter(data_of(id.view()));
        out.setCall("ptrace");
        out.setOrder(data_of(sign(order, submitter().key())));
      });
    });
    stage.run_for(5s);
  }
  std::optional<Warned> shown() {
    std::optional<Warned> out;
    inside([&](test::Scripted& self) {
      self.ask<wire::GetWarnings, wire::Warnings>(
          actor, self.now() + 5s,
          [](wire::GetWarnings::Builder to) { to.setSubmitter(data_of(submitter().id().view())); },
          [&](runtime::Answer<wire::Warnings> answer) {
            REQUIRE(answer.ok());
            if (answer.value().getWarning().size() == 0) return;
            const auto read = read_warning(bytes_of(answer.value().getWarning()), 0);
            REQUIRE(read.ok());
            out = read.value();
          });
    });
    stage.run_for(1s);
    return out;
  }
  /// A node at that site says that it has seen `order` try something, `ago` from now.
  Witness& add(std::uint8_t number, std::uint8_t site, const Order& order, base::Duration ago = {}) {
    Witness one{other_node(number), site};
    Warning warning{.by = one.identity.public_key(), .call = "ptrace", .order_bytes = sign(order, submitter().key())};
    warning.unix_ms = base::unix_milliseconds(ports.world().clock.wall()) - static_cast<std::uint64_t>(ago / 1ms);
    one.says = sign(warning, one.identity.key());
    return witnesses.emplace_back(std::move(one));
  }
  void look() {
    inside([&](test::Scripted& self) {
      self.tell<wire::LookForWarnings>(
          actor, [&](wire::LookForWarnings::Builder out) { out.setSubmitter(data_of(submitter().id().view())); });
    });
    stage.run_for(20s);
  }

  TaskSettings settings;
  runtime::Handle store, actor;
  std::vector<Witness> witnesses;
  std::map<base::NodeId, int> linked;  // submitters, by site
  bool connected = true;
  std::size_t announced = 0, searched = 0, asked = 0;
  std::vector<std::string> warned;
};

}  // namespace

TEST_CASE("warnings: what was tried here is signed, announced, and shown, also after a restart") {
  WarningsFixture it;
  CHECK_FALSE(it.shown());
  it.warn_of(small_order());
  CHECK(it.announced == 1);
  const auto shown = it.shown();
  REQUIRE(shown);
  CHECK(shown->submitter == submitter().id());
  CHECK(shown->warning.witness() == it.settings.identity->id());
  CHECK(shown->warning.call == "ptrace");
  it.warn_of(large_order());  // the first one counts
  CHECK(it.shown()->order == id_of(small_order()));
  it.kill(it.actor);
  it.stage.run_for(1s);
  it.begin();
  CHECK(it.shown()->order == id_of(small_order()));
  CHECK(it.announced == 2);
  it.stage.run_for(21h);
  CHECK(it.announced == 3);
  it.stage.run_for(it.settings.malice_refused);
  CHECK_FALSE(it.shown());
}

TEST_CASE("warnings: what three sites have seen of one order is taken over, and asked for once an hour") {
  WarningsFixture it;
  for (std::uint8_t i = 1; i <= 3; ++i) it.add(i, i, small_order(), 1h);
  it.look();
  CHECK(it.warned == std::vector<std::string>{"ptrace"});
  it.look();
  CHECK(it.searched == 1);
  it.stage.run_for(1h);
  it.look();
  CHECK(it.searched == 2);
}

TEST_CASE("warnings: who asks for a look again while one waits or is under way changes nothing") {
  WarningsFixture it;
  for (std::uint8_t i = 1; i <= 3; ++i) it.add(i, i, small_order());
  it.inside([&](test::Scripted& self) {
    for (int i = 0; i < 3; ++i)
      self.tell<wire::LookForWarnings>(
          it.actor, [&](wire::LookForWarnings::Builder out) { out.setSubmitter(data_of(submitter().id().view())); });
  });
  it.stage.run_for(20s);
  CHECK(it.searched == 1);
  CHECK(it.warned.size() == 1);
}

TEST_CASE("warnings: a node that reached no other one looks again after a minute") {
  WarningsFixture it;
  it.connected = false;
  it.look();
  it.connected = true;
  it.look();
  CHECK(it.searched == 1);
  it.stage.run_for(1min);
  it.look();
  it.stage.run_for(1min);
  it.look();
  CHECK(it.searched == 2);
}

TEST_CASE("warnings: two sites, other orders, old words and what others have signed are not enough") {
  WarningsFixture it;
  it.add(1, 1, small_order());
  it.add(2, 2, small_order());
  SUBCASE("the third one is linked from a site that was heard") { it.add(3, 2, small_order()); }
  SUBCASE("of another order") { it.add(3, 3, large_order()); }
  SUBCASE("old") { it.add(3, 3, small_order(), it.settings.malice_refused + 1h); }
  SUBCASE("of tomorrow") { it.add(3, 3, small_order(), -24h); }
  SUBCASE("it shows the word of another") {
    const base::Bytes says = it.witnesses[0].says;
    it.add(3, 3, small_order()).says = says;
  }
  SUBCASE("it says nothing") { it.add(3, 3, small_order()).says.clear(); }
  it.look();
  CHECK(it.searched == 1);
  CHECK(it.warned.empty());
}

TEST_CASE("warnings: many submitters of one site do not push out what was seen of another") {
  WarningsFixture it;
  it.linked[submitter().id()] = 1;
  it.warn_of(small_order());
  const auto many = [&](std::size_t from) {
    for (std::size_t i = from; i < from + WarningsActor::kOwnMax; ++i) {
      const base::NodeId id{{static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i >> 8), 1}};
      it.linked[id] = 2;
      it.warn_of(small_order(), id);
    }
  };
  many(0);
  CHECK(it.shown().has_value());
  it.kill(it.actor);
  it.stage.run_for(1s);
  it.begin();
  CHECK(it.shown().has_value());
  many(1'000);
  CHECK(it.shown().has_value());
}
