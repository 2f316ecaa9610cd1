#include "actors/registry/registry_actor.hpp"

#include <doctest/doctest.h>

#include "actors/registry/codec.hpp"
#include "messages/runtime.capnp.h"
#include "messages/store.capnp.h"
#include "tests/actors/registry/registry_fixture.hpp"

using namespace troupe;
using namespace troupe::registry;
using messages::Role;

TEST_CASE("registry: a node publishes what it has, and lists itself") {
  RegistryFixture it;
  const auto registration = read_registration(it.published, 0);
  REQUIRE(registration.ok());
  CHECK(registration.value().id() == it.settings.identity->id());
  CHECK(registration.value().at.text() == "10.0.0.9:4000");
  CHECK(registration.value().capabilities.size() == 5);
  const auto listed = it.list();
  CHECK(listed.ended);
  CHECK(listed.nodes == std::vector{it.settings.identity->id()});
}

TEST_CASE("registry: a heartbeat is taken from its own node alone, once a period") {
  RegistryFixture it;
  const TestNode node(1), other(2);
  test::ForeignActor own(it, node.id(), Role::peer), stranger(it, other.id(), Role::peer);
  const std::uint64_t first = it.ms();
  CHECK(refused(it.beat(stranger, node.signed_beat(first)), base::Code::refused));
  CHECK(refused(it.beat(own, {1, 2, 3}), base::Code::malformed));
  base::Bytes forged = node.signed_beat(first);
  forged.back() ^= 1;
  CHECK(refused(it.beat(own, forged), base::Code::refused));
  CHECK(taken(it.beat(own, node.signed_beat(first))));
  CHECK(taken(it.beat(own, node.signed_beat(first))));
  CHECK(refused(it.beat(own, node.signed_beat(first + 1)), base::Code::refused));
  CHECK(it.settings.counters->beats == 1);
  it.stage.run_for(60s);
  CHECK(taken(it.beat(own, node.signed_beat(it.ms()))));
}

TEST_CASE("registry: a node is listed once both its heartbeat and its registration came") {
  RegistryFixture it;
  const TestNode node(1);
  test::ForeignActor own(it, node.id(), Role::peer);
  CHECK(refused(it.offer(own, node.signed_registration()), base::Code::refused));
  CHECK(taken(it.beat(own, node.signed_beat(it.ms()))));
  CHECK(it.list().nodes.size() == 1);
  CHECK(taken(it.offer(own, node.signed_registration())));
  CHECK(it.list().nodes.size() == 2);
  it.stage.run_for(200s);
  auto listed = it.list();
  REQUIRE(listed.nodes.size() == 2);
  CHECK(std::ranges::count(listed.statuses, wire::Status::OFFLINE) == 1);
}

TEST_CASE("registry: a node that registers without end is told to wait, and heartbeats and others are not") {
  RegistryFixture it;
  const TestNode greedy(1), neighbour(2), other(3);
  test::ForeignActor from(it, greedy.id(), Role::peer, base::Endpoint::parse("198.51.100.7:4000"));
  test::ForeignActor near(it, neighbour.id(), Role::peer, base::Endpoint::parse("198.51.100.8:4000"));
  test::ForeignActor far(it, other.id(), Role::peer, base::Endpoint::parse("203.0.113.1:4000"));
  REQUIRE(taken(it.beat(from, greedy.signed_beat(it.ms()))));
  REQUIRE(taken(it.beat(far, other.signed_beat(it.ms()))));
  std::uint64_t sequence = kBeginMs;
  const auto flood = [&](base::Duration time) {
    std::size_t out = 0;
    for (const base::Duration step = 100ms; time > base::Duration::zero(); time -= step) {
      for (int i = 0; i < 100; ++i) out += taken(it.offer(from, greedy.signed_registration(++sequence)));
      it.stage.run_for(step);
    }
    return out;
  };
  flood(2s);
  CHECK(flood(3s) <= 3 * RegistryActor::kRegistrations.per_second);
  CHECK(taken(it.beat(near, neighbour.signed_beat(it.ms()))));
  CHECK(taken(it.offer(far, other.signed_registration())));
}

TEST_CASE("registry: a stranger that reads histories without end is told to wait, and others are not") {
  RegistryFixture it;
  const TestNode greedy(1), other(2);
  test::ForeignActor from(it, greedy.id(), Role::peer, base::Endpoint::parse("198.51.100.7:4000"));
  test::ForeignActor modest(it, other.id(), Role::peer, base::Endpoint::parse("203.0.113.1:4000"));
  const auto read = [&](test::ForeignActor& asker) {
    return asker.ask<wire::GetHistory>(
        it.registry, [&](wire::GetHistory::Builder out) { out.setNode(data_of(greedy.id().view())); });
  };
  std::size_t answered = 0;
  while (!refused(read(from), base::Code::overloaded)) REQUIRE(++answered <= RegistryActor::kHistoryReads.burst);
  CHECK_FALSE(refused(read(modest), base::Code::overloaded));
}

TEST_CASE("registry: what an operator sets is signed anew, and a request has one content") {
  RegistryFixture it;
  const std::uint64_t before = read_registration(it.published, 0).value().sequence;
  const auto set = [&](const Capabilities& added, const char* request) {
    base::Bytes bytes;
    append(bytes, added);
    std::optional<Registration> out;
    std::optional<base::Error> error;
    it.inside([&](test::Scripted& self) {
      self.ask<wire::Register, wire::Registered>(
          it.registry, self.now() + 5s,
          [&](wire::Register::Builder to) {
            to.setCapabilities(data_of(bytes));
            to.setPrice(9);
            to.setRequest(request);
          },
          [&](runtime::Answer<wire::Registered> answer) {
            if (answer.ok()) out = parse_registration(bytes_of(answer.value().getRegistration()));
            else error = answer.error();
          });
    });
    return std::pair(out, error);
  };
  const auto [first, none] = set({{"gpu", "a100"}}, "one");
  REQUIRE(first);
  CHECK(first->sequence > before);
  CHECK(first->price == 9);
  CHECK(first->capabilities.size() == 6);
  CHECK(set({{"gpu", "a100"}}, "one").first == first);
  CHECK(set({{"gpu", "b200"}}, "one").second->code == base::Code::conflict);
  Capabilities many;
  for (int i = 0; i < 28; ++i) put(many, {"own" + std::to_string(i), Flag{}});
  CHECK(set(many, "many").second->code == base::Code::refused);
  CHECK(set({}, "").first->capabilities.size() == 6);
}

TEST_CASE("registry: a node with too few watchers seeks more, later and later, and soon once a newcomer shows itself") {
  RegistryFixture it;
  const auto contact = [](const TestNode& node) {
    return base::Contact{node.identity->public_key(), 0, *base::Endpoint::parse("10.0.0.2:4000")};
  };
  const TestNode first(1), second(2);
  it.nearest = {contact(first)};
  it.stage.run_for(5s);
  const std::uint64_t soon = it.searches;
  it.stage.run_for(60s);
  const std::uint64_t later = it.searches - soon;
  CHECK(later >= 3);
  CHECK(later <= 6);
  it.stage.run_for(600s);
  const std::uint64_t before = it.searches;
  it.nearest.push_back(contact(second));
  test::ForeignActor own(it, second.id(), Role::peer);
  CHECK(taken(it.beat(own, second.signed_beat(it.ms()))));
  CHECK(taken(it.beat(own, second.signed_beat(it.ms()))));
  it.stage.run_for(3s);
  CHECK(it.searches == before + 1);
  CHECK(it.settings.counters->watchers == 2);
}

TEST_CASE("registry: a search that finds none is no end of seeking, and a node that has left seeks none") {
  RegistryFixture it;
  const TestNode first(1);
  const base::Contact contact{first.identity->public_key(), 0, *base::Endpoint::parse("10.0.0.2:4000")};
  it.nearest = {contact};
  it.stage.run_for(3s);
  it.nearest.clear();
  it.stage.run_for(40s);
  const std::size_t before = it.seeks;
  it.stage.run_for(200s);
  CHECK(it.seeks > before);
  it.nearest = {contact};
  it.inside([&](test::Scripted& self) {
    self.ask<wire::Unregister, wire::Registered>(
        it.registry, self.now() + 5s, [](wire::Unregister::Builder) {}, [](runtime::Answer<wire::Registered>) {});
  });
  it.stage.run_for(130s);
  const std::size_t left = it.seeks;
  it.stage.run_for(700s);
  CHECK(it.seeks == left);
}

TEST_CASE("registry: that a node has left is told again to a watcher that has missed it") {
  RegistryFixture it;
  const TestNode first(1);
  it.nearest = {{first.identity->public_key(), 0, *base::Endpoint::parse("10.0.0.2:4000")}};
  it.stage.run_for(70s);
  REQUIRE(it.told);
  CHECK(it.told->registered);
  it.watcher_is_away = true;
  it.inside([&](test::Scripted& self) {
    self.ask<wire::Unregister, wire::Registered>(
        it.registry, self.now() + 5s, [](wire::Unregister::Builder) {}, [](runtime::Answer<wire::Registered>) {});
  });
  it.stage.run_for(5s);
  CHECK(it.told->registered);
  it.watcher_is_away = false;
  it.stage.run_for(61s);
  CHECK_FALSE(it.told->registered);
}

TEST_CASE("registry: a page has at most 128 rows, and this node in its place") {
  RegistryFixture it;
  std::vector<std::unique_ptr<test::ForeignActor>> all;
  for (std::uint8_t i = 1; i <= 200; ++i) {
    const TestNode node(i);
    all.push_back(std::make_unique<test::ForeignActor>(it, node.id(), Role::peer));
    REQUIRE(taken(it.beat(*all.back(), node.signed_beat(it.ms()))));
    REQUIRE(taken(it.offer(*all.back(), node.signed_registration())));
  }
  const auto listed = it.list();
  CHECK(listed.ended);
  CHECK(listed.nodes.size() == 201);
  CHECK(std::ranges::is_sorted(listed.nodes));
  CHECK(std::ranges::count(listed.nodes, it.settings.identity->id()) == 1);
}

TEST_CASE("registry: pages of large registrations are small, and a crowd that asks for them has shares") {
  RegistryFixture it;
  const std::string text(60, 'x');
  std::vector<std::unique_ptr<test::ForeignActor>> all;
  for (std::uint8_t i = 1; i <= 100; ++i) {
    const TestNode node(i);
    Registration large = node.registration();
    for (std::size_t more = 0; more < 24; ++more) put(large.capabilities, {"c" + std::to_string(more), text});
    all.push_back(std::make_unique<test::ForeignActor>(it, node.id(), Role::peer));
    REQUIRE(taken(it.beat(*all.back(), node.signed_beat(it.ms()))));
    const auto bytes = sign(large, node.identity->key());
    REQUIRE(bytes);
    REQUIRE(bytes->size() > 1'500);
    REQUIRE(taken(it.offer(*all.back(), *bytes)));
  }
  CHECK(it.list().nodes.size() == 101);
  std::size_t pages = 0, refusals = 0;
  for (int i = 0; i < 1'000; ++i) {
    const auto answer = all[static_cast<std::size_t>(i % 100)]->ask<wire::ListWatched>(
        it.registry, [](wire::ListWatched::Builder out) { out.setPrefix(data_of(base::NodeId{}.view())); });
    refusals += refused(answer, base::Code::overloaded);
    if (answer.kind() != &messages::kind_of<wire::WatchedPage>()) continue;
    ++pages;
    CHECK(answer.bytes().size() < RegistryActor::kPageBytes + 8'192);
  }
  CHECK(pages > 50);
  CHECK(refusals > 500);
  CHECK(it.list().nodes.size() == 101);  // by this node itself
}

namespace {

Vouch vouch(const TestNode& by, const base::NodeId& node, std::uint64_t unix_ms) {
  return {.by = by.identity->public_key(), .node = node, .unix_ms = unix_ms};
}
runtime::Envelope hand(RegistryFixture& it, test::ForeignActor& from, const base::Bytes& bytes) {
  return from.ask<wire::HandVouch>(it.registry, [&](wire::HandVouch::Builder out) { out.setVouch(data_of(bytes)); });
}
bool took(const runtime::Envelope& answer) { return answer.kind() == &messages::kind_of<wire::VouchTaken>(); }

/// The vouches that this node shows of itself.
std::vector<base::Bytes> shown(RegistryFixture& it, const base::NodeId& of) {
  std::vector<base::Bytes> out;
  it.inside([&](test::Scripted& self) {
    self.ask<wire::ListWatched, wire::WatchedPage>(
        it.registry, self.now() + 5s,
        [](wire::ListWatched::Builder question) { question.setPrefix(data_of(base::NodeId{}.view())); },
        [&](runtime::Answer<wire::WatchedPage> page) {
          for (const auto row : page.value().getRows())
            if (read_checked_heartbeat(bytes_of(row.getHeartbeat()))->id() == of)
              for (const auto one : row.getVouches()) out.emplace_back(one.begin(), one.end());
        });
  });
  return out;
}

}  // namespace

TEST_CASE("registry: a vouch is taken from its judge alone, for this node, and shown") {
  RegistryFixture it;
  const TestNode judge(1), other(2);
  test::ForeignActor from(it, judge.id(), Role::peer), stranger(it, other.id(), Role::peer);
  const base::NodeId& self = it.settings.identity->id();
  const auto good = sign(vouch(judge, self, it.ms()), judge.identity->key());
  CHECK(refused(hand(it, stranger, good), base::Code::refused));
  CHECK(refused(hand(it, from, {1, 2, 3}), base::Code::malformed));
  CHECK(refused(hand(it, from, sign(vouch(judge, other.id(), it.ms()), judge.identity->key())), base::Code::refused));
  CHECK(refused(hand(it, from, sign(vouch(judge, self, it.ms()), other.identity->key())), base::Code::refused));
  CHECK(
      refused(hand(it, from, sign(vouch(judge, self, it.ms() - 601'000), judge.identity->key())), base::Code::refused));
  CHECK(shown(it, self).empty());
  CHECK(took(hand(it, from, good)));
  CHECK(took(hand(it, from, good)));
  CHECK(shown(it, self) == std::vector<base::Bytes>{good});
  it.stage.run_for(599s);
  CHECK(refused(hand(it, from, sign(vouch(judge, self, it.ms()), judge.identity->key())), base::Code::refused));
  it.stage.run_for(1s);
  const auto newer = sign(vouch(judge, self, it.ms()), judge.identity->key());
  CHECK(took(hand(it, from, newer)));
  CHECK(shown(it, self) == std::vector<base::Bytes>{newer});
  CHECK(refused(hand(it, from, good), base::Code::refused));
}

TEST_CASE("registry: a node shows four vouches, and a judge cannot push out what others have just said") {
  RegistryFixture it;
  const base::NodeId& self = it.settings.identity->id();
  const auto by = [&](std::uint8_t number) {
    const TestNode judge(number);
    test::ForeignActor from(it, judge.id(), Role::peer);
    return hand(it, from, sign(vouch(judge, self, it.ms()), judge.identity->key()));
  };
  for (std::uint8_t i = 1; i <= kVouchesMax; ++i) CHECK(took(by(i)));
  CHECK(refused(by(9), base::Code::overloaded));
  it.stage.run_for(12h);
  CHECK(took(by(9)));
  CHECK(shown(it, self).size() == kVouchesMax);
}

TEST_CASE("registry: judges of one address group do not keep those of others out, nor push them out") {
  RegistryFixture it;
  const base::NodeId& self = it.settings.identity->id();
  const auto by = [&](std::uint8_t number, const char* at) {
    const TestNode judge(number);
    test::ForeignActor from(it, judge.id(), Role::peer, base::Endpoint::parse(at));
    return hand(it, from, sign(vouch(judge, self, it.ms()), judge.identity->key()));
  };
  for (std::uint8_t i = 1; i <= kVouchesMax; ++i) CHECK(took(by(i, "198.51.100.7:4000")));
  CHECK(took(by(10, "203.0.113.1:4000")));
  CHECK(took(by(11, "192.0.2.1:4000")));
  CHECK(took(by(12, "198.18.0.1:4000")));
  // One of each group now.
  CHECK(refused(by(13, "198.51.100.8:4000"), base::Code::overloaded));
  CHECK(refused(by(14, "198.19.0.1:4000"), base::Code::overloaded));
  CHECK(shown(it, self).size() == kVouchesMax);
}

TEST_CASE("registry: what a watched node shows is in its row, and says until when it is verified here") {
  RegistryFixture it;
  const TestNode node(1), judge(2);
  test::ForeignActor own(it, node.id(), Role::peer);
  CHECK(taken(it.beat(own, node.signed_beat(it.ms()))));
  const auto offer = [&](const std::vector<base::Bytes>& all) {
    return own.ask<wire::OfferRegistration>(it.registry, [&](wire::OfferRegistration::Builder out) {
      out.setRegistration(data_of(node.signed_registration()));
      auto vouches = out.initVouches(size32(all));
      for (unsigned i = 0; i < vouches.size(); ++i) vouches.set(i, data_of(all[i]));
    });
  };
  const auto until = [&] {
    std::uint64_t out = 0;
    runtime::Subscription stream;
    it.inside([&](test::Scripted& self) {
      stream = self.subscribe<wire::ListNodes, wire::NodeRows>(
          it.node.find(kListPath), 30s, [](wire::ListNodes::Builder) {},
          [&](wire::NodeRows::Reader part) {
            for (const auto row : part.getRows())
              if (read_checked_heartbeat(bytes_of(row.getHeartbeat()))->id() == node.id())
                out = row.getVerifiedUntilMs();
          },
          [](const base::Result<void, base::Error>&) {});
    });
    it.stage.run_for(1s);
    return out;
  };
  const auto said = sign(vouch(judge, node.id(), it.ms()), judge.identity->key());
  CHECK(refused(offer({{1, 2, 3}}), base::Code::malformed));
  CHECK(refused(offer({sign(vouch(judge, judge.id(), it.ms()), judge.identity->key())}), base::Code::malformed));
  CHECK(refused(offer(std::vector(kVouchesMax + 1, said)), base::Code::malformed));
  CHECK(taken(offer({said})));
  CHECK(shown(it, node.id()) == std::vector<base::Bytes>{said});
  CHECK(until() == 0);  // this judge is in no list
  const auto note = [&](bool right) {
    base::Bytes out;
    it.inside([&](test::Scripted& self) {
      self.ask<wire::NoteFinding, wire::FindingNoted>(
          it.node.find(kListPath), self.now() + 5s,
          [&](wire::NoteFinding::Builder finding) {
            finding.setNode(data_of(node.id().view()));
            finding.setRight(right);
            finding.setSeed(data_of(Vouch::Seed{}.view()));
            finding.setAnswer(data_of(base::Digest{}.view()));
          },
          [&](runtime::Answer<wire::FindingNoted> noted) {
            out.assign(noted.value().getVouch().begin(), noted.value().getVouch().end());
          });
    });
    return out;
  };
  const auto signed_here = read_vouch(note(true), 0);
  REQUIRE(signed_here.ok());
  CHECK(signed_here.value().judge() == it.settings.identity->id());
  CHECK(signed_here.value().node == node.id());
  CHECK(until() == signed_here.value().unix_ms + 24 * 3'600'000);
  CHECK(note(false).empty());
  CHECK(until() == 0);
  CHECK(taken(offer({})));
  CHECK(shown(it, node.id()).empty());
}

TEST_CASE("registry: a row of a list names the site from which this node hears a node, not what it claims") {
  RegistryFixture it;
  const TestNode node(1);
  test::ForeignActor own(it, node.id(), Role::peer, base::Endpoint::parse("198.51.100.7:4000"));
  CHECK(taken(it.beat(own, node.signed_beat(it.ms()))));
  CHECK(taken(it.offer(own, node.signed_registration())));
  std::optional<base::AddressGroup> site;
  runtime::Subscription stream;
  it.inside([&](test::Scripted& self) {
    stream = self.subscribe<wire::ListNodes, wire::NodeRows>(
        it.node.find(kListPath), 30s, [](wire::ListNodes::Builder) {},
        [&](wire::NodeRows::Reader part) {
          for (const auto row : part.getRows()) {
            const auto one = read(row);
            REQUIRE(one);
            if (one->registration.id() == node.id()) site = one->site;
          }
        },
        [](const base::Result<void, base::Error>&) {});
  });
  it.stage.run_for(1s);
  it.inside([&](test::Scripted&) { stream.cancel(); });
  CHECK(site == base::group_of(*base::Endpoint::parse("198.51.100.7:4000")));
}

TEST_CASE("registry: ready means that this node can be registered") {
  std::vector<runtime::Reply<store::wire::Slice>> waiting;
  RegistryFixture it([&](test::Scripted&, runtime::Handlers& on) {
    on.ask<store::wire::Scan, store::wire::Slice>(
        [&](store::wire::Scan::Reader, runtime::Reply<store::wire::Slice> reply) {
          waiting.push_back(std::move(reply));
        });
    on.ask<store::wire::Usage, store::wire::Used>([](auto, auto reply) { reply.done(); });
    on.ask<store::wire::Commit, messages::wire::Nothing>([](auto, auto reply) { reply.done(); });
  });
  base::Bytes none;
  append(none, Capabilities{});
  std::optional<bool> ready;
  std::optional<base::Error> early, registered;
  const auto register_it = [&it, &none](test::Scripted& self, std::optional<base::Error>& why) {
    self.ask<wire::Register, wire::Registered>(
        it.registry, self.now() + 10s, [&none](wire::Register::Builder out) { out.setCapabilities(data_of(none)); },
        [&why](const runtime::Answer<wire::Registered>& answer) {
          why = answer.ok() ? base::Error{} : answer.error();
        });
  };
  it.inside([&](test::Scripted& self) {
    register_it(self, early);
    self.ask<runtime::wire::AwaitReady, messages::wire::Nothing>(
        it.registry, self.now() + 60s, [](auto) {},
        [&](const runtime::Answer<messages::wire::Nothing>& answer) { ready = answer.ok(); });
  });
  it.stage.run_for(1s);
  REQUIRE(early);
  CHECK(early->code == base::Code::unavailable);
  CHECK_FALSE(ready);
  it.inside([&](test::Scripted&) {
    for (auto& reply : waiting) reply.done();
    waiting.clear();
  });
  it.stage.run_for(1s);
  REQUIRE(ready);
  CHECK(*ready);
  it.inside([&](test::Scripted& self) { register_it(self, registered); });
  it.stage.run_for(1s);
  REQUIRE(registered);
  CHECK(*registered == base::Error{});
  it.inside([&](test::Scripted&) { waiting.clear(); });
}
