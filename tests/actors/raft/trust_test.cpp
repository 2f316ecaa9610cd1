// From which nodes members and guests of a group take commands, and whose word on a group counts.
#include <doctest/doctest.h>

#include "actors/raft/kv_service.hpp"
#include "tests/actors/raft/adder.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;
using base::Code;
using messages::wire::Nothing;
using raft_test::AdderCluster;

namespace {

const std::string kGroup = "sums";
constexpr std::size_t kLeader = 0, kMember = 1, kClient = 2, kStranger = 3;

/// A store of keys on two nodes; a third is its client, a fourth is nothing to it.
struct Keys {
  Keys() : cluster(4) {
    for (auto& home : cluster.homes) {
      home.settings->machine = {};
      home.settings->invited_by_all = false;
      home.settings->invites = {cluster.net[kLeader].id(), cluster.net[kMember].id()};
    }
    for (const std::size_t member : {kLeader, kMember})
      cluster.homes[member].settings->clients = {cluster.net[kClient].id()};
    REQUIRE(cluster.make(2));
  }

  /// What becomes of a question of an actor of `node` to `path` at `to`; nothing: it was answered.
  template <class Question, class Answer, class Fill>
  std::optional<base::Error> asked(std::size_t node, std::size_t to, const std::string& path, Fill&& fill) {
    std::optional<base::Error> out{base::Error{Code::internal, "no answer"}};
    cluster.net.inside(
        node,
        [&](test::Scripted& self) {
          const auto service = node == to ? self.node().find(path) : self.node().remote(cluster.net[to].id(), path);
          self.ask<Question, Answer>(service, self.now() + 4s, fill, [&](const runtime::Answer<Answer>& answer) {
            out = answer.ok() ? std::nullopt : std::optional(answer.error());
          });
        },
        5s);
    return out;
  }
  std::optional<base::Error> put(std::size_t node, std::size_t to, const std::string& key) {
    return asked<wire::Execute, wire::Executed>(node, to, path_of(kGroup), [&](wire::Execute::Builder out) {
      auto operation = out.initWhat().initTxn().initOperations(1)[0];
      operation.setKey(data_of(base::as_bytes(key)));
      operation.setPut(data_of(base::as_bytes("value")));
    });
  }
  std::optional<base::Error> get(std::size_t node, std::size_t to, const std::string& key) {
    return asked<wire::GetKey, wire::GotKey>(
        node, to, path_of(kGroup), [&](wire::GetKey::Builder out) { out.setKey(data_of(base::as_bytes(key))); });
  }
  std::optional<base::Error> range(std::size_t node, std::size_t to, const std::string& prefix) {
    return asked<wire::RangeKeys, wire::KeyRows>(node, to, path_of(kGroup), [&](wire::RangeKeys::Builder out) {
      out.setPrefix(data_of(base::as_bytes(prefix)));
    });
  }
  std::optional<base::Error> reach(std::size_t node) {
    return asked<wire::ReachGroup, Nothing>(node, node, kPath,
                                            [](wire::ReachGroup::Builder out) { out.setGroup(kGroup); });
  }
  /// So that there is a link between them.
  void link(std::size_t one, std::size_t other) {
    cluster.net.serve<bench::wire::Number>(other, "hello" + std::to_string(one), test::successor);
    (void)asked<bench::wire::Number, bench::wire::Number>(one, other, "/hello" + std::to_string(one), test::number(1));
  }

  AdderCluster cluster;
};

}  // namespace

TEST_CASE("raft trust: who may not command a group may not command it through a node that may") {
  Keys keys;
  CHECK_FALSE(keys.put(kClient, kLeader, "key"));
  CHECK(keys.put(kStranger, kLeader, "key")->code == Code::refused);
  REQUIRE_FALSE(keys.reach(kClient));
  CHECK_FALSE(keys.put(kClient, kClient, "key"));
  CHECK_FALSE(keys.get(kClient, kClient, "key"));
  CHECK(keys.put(kStranger, kClient, "key")->code == Code::refused);
  CHECK(keys.get(kStranger, kClient, "key")->code == Code::refused);
  CHECK(keys.range(kStranger, kClient, "")->code == Code::refused);
  keys.cluster.homes[kClient].settings->clients = {keys.cluster.net[kStranger].id()};
  CHECK_FALSE(keys.get(kStranger, kClient, "key"));
}

TEST_CASE("raft trust: a node that was not named does not pass for a group") {
  Keys keys;
  const auto stranger = keys.cluster.net[kStranger].id();
  keys.cluster.net.inside(kStranger, [&](test::Scripted& self) {
    self.spawn(
        "liar",
        test::script(
            [stranger](test::Scripted&, runtime::Handlers& on) {
              on.ask<wire::GetGroup, wire::GroupStatus>([stranger](auto, runtime::Reply<wire::GroupStatus> reply) {
                reply.send([&](wire::GroupStatus::Builder out) {
                  out.setGroup(kGroup);
                  auto member = out.initMembers(1)[0].initMember();
                  member.setNode(data_of(stranger.view()));
                  member.setIncarnation(1);
                });
              });
            },
            [](test::Scripted& liar) { liar.node().publish<wire::GetGroup>(path_of(kGroup), liar.self()); }));
  });
  keys.link(kClient, kStranger);
  const auto unknown = keys.reach(kClient);
  REQUIRE(unknown);
  CHECK_MESSAGE(unknown->code == Code::not_found, unknown->message);
  SUBCASE("and does once it is named") {
    keys.cluster.homes[kClient].settings->invites.push_back(stranger);
    CHECK_FALSE(keys.reach(kClient));
  }
  SUBCASE("members are found beside it") {
    keys.link(kClient, kLeader);
    CHECK_FALSE(keys.reach(kClient));
    CHECK_FALSE(keys.put(kClient, kClient, "key"));
    CHECK_FALSE(keys.get(kLeader, kLeader, "key"));
  }
}

TEST_CASE("raft trust: rows of actors are for actors of members alone") {
  Keys keys;
  const std::string row = std::string(kActorKeys) + "wallet/a";
  for (const std::size_t member : {kLeader, kMember}) {
    CHECK_FALSE(keys.put(member, member, row));
    CHECK_FALSE(keys.get(member, member, row));
    CHECK_FALSE(keys.range(member, member, std::string(kActorKeys)));
  }
  for (const std::size_t member : {kLeader, kMember}) {
    CHECK(keys.put(kClient, member, row)->code == Code::refused);
    CHECK(keys.get(kClient, member, row)->code == Code::refused);
    for (const std::string& prefix : {std::string(1, kReservedKeys), std::string(kActorKeys), row})
      CHECK(keys.range(kClient, member, prefix)->code == Code::refused);
    CHECK_FALSE(keys.range(kClient, member, ""));
    CHECK_FALSE(keys.range(kClient, member, std::string(1, kReservedKeys) + "file/"));
  }
}

TEST_CASE("raft trust: no group has the name of another child of /raft") {
  for (const std::string name : {"log", "snapshots"}) {
    AdderCluster cluster(1);
    std::optional<base::Error> refused;
    cluster.net.inside(0, [&](test::Scripted& self) {
      self.ask<wire::InitGroup, wire::GroupMade>(
          self.node().find(kPath), self.now() + 5s, [&](wire::InitGroup::Builder out) { out.setGroup(name); },
          [&](const runtime::Answer<wire::GroupMade>& answer) {
            if (!answer.ok()) refused = answer.error();
          });
    });
    REQUIRE(refused);
    CHECK(refused->code == Code::malformed);
  }
}

TEST_CASE("raft trust: a stranger that speaks all the time does not keep a new leader from being known") {
  constexpr std::size_t kVoters = 4, kAdded = 4, kLoud = 5;
  AdderCluster cluster(6);
  REQUIRE(cluster.make(kVoters));
  const auto at = [&](std::size_t node) { return cluster.net[node].ports.address(); };
  const auto isolate = [&](std::size_t one, bool cut) {
    for (std::size_t other = 0; other < kLoud; ++other) {
      if (other == one) continue;
      for (const auto& [from, to] : {std::pair(at(one), at(other)), std::pair(at(other), at(one))})
        cut ? cluster.net.fabric->cut(from, to) : cluster.net.fabric->heal(from, to);
    }
  };
  const auto leader = [&] {
    std::size_t out = 0;
    for (std::size_t node = 1; node <= kAdded; ++node) {
      const Counters& counters = *cluster.homes[node].settings->counters;
      if (counters.leading == 1) out = node;
    }
    return out;
  };
  // One is away while another is added, and comes to lead.
  const std::size_t away = leader() == 3 ? 2 : 3;
  isolate(away, true);
  REQUIRE(cluster.add(kAdded));
  std::optional<std::size_t> apart;
  for (int tries = 0; tries < 20 && leader() != kAdded; ++tries) {
    const std::size_t before = leader();
    isolate(before, true);
    if (apart) isolate(*apart, false);
    apart = before;
    (void)cluster.sum(kAdded, 0);  // an idle group sleeps
    cluster.net.stage.run_for(20s);
  }
  REQUIRE(leader() == kAdded);
  if (apart) isolate(*apart, false);
  REQUIRE(cluster.sum(kAdded, 7) == 7);

  isolate(away, false);
  for (int i = 0; i < 5'000; ++i)
    cluster.net.inside(
        kLoud,
        [&](test::Scripted& self) {
          self.tell<wire::Talk>(self.node().remote(cluster.net[away].id(), path_of(kGroup)),
                                [&](wire::Talk::Builder out) {
                                  out.initFrom().setNode(data_of(cluster.net[kLoud].id().view()));
                                  out.getFrom().setIncarnation(1);
                                  out.initTo().setNode(data_of(cluster.net[away].id().view()));
                                  out.getTo().setIncarnation(1);
                                  out.initBody().initVoteRequest();
                                });
        },
        1ms);
  CHECK(leader() == kAdded);
  CHECK(cluster.homes[away].settings->counters->messages_rejected > 1'000);
  CHECK(cluster.homes[away].machine->sum() == 7);
}
