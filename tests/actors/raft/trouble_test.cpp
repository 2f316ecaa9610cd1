// What the health of a node says of its groups, on groups of real actors in virtual time.
#include <doctest/doctest.h>

#include "tests/actors/raft/adder.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;
using messages::wire::Nothing;
using raft_test::AdderCluster;

namespace {

/// Members with a health each.
struct Judged {
  explicit Judged(std::size_t count) : cluster(count), healths(count) {
    for (std::size_t i = 0; i < count; ++i) cluster.homes[i].settings->health = &healths[i];
    REQUIRE(cluster.make(count));
    REQUIRE(cluster.sum(0, 1) == 1);
  }
  void cut(std::size_t one, bool is) {
    for (std::size_t i = 0; i < healths.size(); ++i) {
      if (i == one) continue;
      const auto a = cluster.net[one].ports.address(), b = cluster.net[i].ports.address();
      for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)})
        is ? cluster.net.fabric->cut(from, to) : cluster.net.fabric->heal(from, to);
    }
  }
  std::string says(std::size_t node) {
    const auto reasons = healths[node].reasons();
    return reasons.empty() ? "" : reasons.front().source + ": " + reasons.front().text;
  }
  /// What this member says of its group, while the group sleeps on.
  void status(std::size_t node, const std::function<void(wire::GroupStatus::Reader)>& look) {
    bool seen = false;
    cluster.net.inside(node, [&](test::Scripted& self) {
      self.ask<wire::GetGroup, wire::GroupStatus>(
          self.node().find(path_of("sums")), self.now() + 4s,
          [](wire::GetGroup::Builder ask) { ask.setLetSleep(true); },
          [&](runtime::Answer<wire::GroupStatus> answer) {
            REQUIRE(answer.ok());
            look(answer.value());
            seen = true;
          });
    });
    CHECK(seen);
  }
  GroupGauges::Gauge gauge(std::size_t node) { return cluster.homes[node].settings->counters->each.all().at("sums"); }
  std::string id(std::size_t node) { return cluster.net[node].id().hex(); }

  AdderCluster cluster;
  std::vector<observe::Health> healths;
};

}  // namespace

TEST_CASE("raft health: a group without a quorum names its silent voters until it has a leader") {
  Judged judged(3);
  judged.cluster.net.stage.run_for(30s);
  for (std::size_t i = 0; i < 3; ++i) CHECK(judged.says(i) == "");
  judged.cut(1, true);
  judged.cut(2, true);
  judged.cluster.net.stage.run_for(70s);
  const std::string says = judged.says(2);
  CHECK_MESSAGE(
      says.starts_with("raft.group.sums: group sums: it has had no leader for 20 s or more; 1 of 3 voters respond, "
                       "2 are needed; silent: "),
      says);
  CHECK(says.find(judged.id(0)) != says.npos);
  CHECK(judged.healths[2].state() == observe::HealthState::failing);
  judged.cut(1, false);
  judged.cut(2, false);
  judged.cluster.net.stage.run_for(60s);
  for (std::size_t i = 0; i < 3; ++i) CHECK(judged.says(i) == "");
}

TEST_CASE("raft health: without a leader a member says at once who answers") {
  Judged judged(3);
  CHECK(judged.gauge(2) == GroupGauges::Gauge{.has_leader = true});
  judged.cut(0, true);
  judged.cut(1, true);
  judged.cluster.net.stage.run_for(15s);
  judged.status(2, [](wire::GroupStatus::Reader is) {
    const std::string reason = is.getReason();
    CHECK_MESSAGE(reason.starts_with("it has no leader; 1 of 3 voters respond, 2 are needed; silent: "), reason);
    for (const auto member : is.getMembers()) {
      const std::string state = member.getState();
      CHECK_MESSAGE((state == "self" || (state == "silent" && member.getLagMs() > 2'000)), state);
    }
    REQUIRE(is.getWhy().size() == 2);
    for (const auto row : is.getWhy()) CHECK(std::string(row.getWhat()) == "silent");
  });
  CHECK(judged.gauge(2) == GroupGauges::Gauge{.has_leader = false, .silent = 2});
}

TEST_CASE("raft health: all members name the silent member, until it answers") {
  Judged judged(3);
  judged.cluster.net.stage.run_for(5s);
  std::size_t gone = 0;
  while (judged.cluster.homes[gone].settings->counters->leading == 1) ++gone;
  judged.cut(gone, true);
  judged.cluster.net.stage.run_for(60s);
  for (std::size_t i = 0; i < 3; ++i) {
    if (i == gone) continue;
    CHECK(judged.says(i) ==
          "raft.group.sums: group sums: 2 of 3 voters respond, 2 are needed; silent: " + judged.id(gone));
    CHECK(judged.healths[i].state() == observe::HealthState::degraded);
    CHECK(judged.gauge(i) == GroupGauges::Gauge{.has_leader = true, .silent = 1});
  }
  judged.cut(gone, false);
  judged.cluster.net.stage.run_for(60s);
  for (std::size_t i = 0; i < 3; ++i) CHECK(judged.says(i) == "");
}

TEST_CASE("raft health: a member that was removed says so, and refuses commands, until it is added again") {
  Judged judged(3);
  std::size_t leader = 0;
  for (std::size_t i = 0; i < 3; ++i)
    if (judged.cluster.homes[i].settings->counters->leading == 1) leader = i;
  const std::size_t gone = (leader + 1) % 3;
  std::optional<base::Error> refused{base::Error{base::Code::internal, "no answer"}};
  judged.cluster.net.inside(
      leader,
      [&](test::Scripted& self) {
        self.ask<wire::ChangeMember, Nothing>(
            self.node().find(path_of("sums")), self.now() + 4s,
            [&](wire::ChangeMember::Builder out) {
              out.setChange(wire::MemberChange::REMOVE);
              out.initMember().setNode(data_of(judged.cluster.net[gone].id().view()));
            },
            [&](const runtime::Answer<Nothing>& answer) {
              refused = answer.ok() ? std::nullopt : std::optional(answer.error());
            });
      },
      5s);
  REQUIRE_FALSE(refused);
  judged.cluster.net.stage.run_for(60s);
  CHECK_MESSAGE(judged.says(gone).starts_with("raft.group.sums: group sums: this member was removed from the group"),
                judged.says(gone));
  CHECK(judged.healths[gone].state() == observe::HealthState::degraded);
  CHECK(judged.says(leader) == "");
  const auto elections = judged.cluster.homes[gone].settings->counters->elections.load();
  CHECK_FALSE(judged.cluster.sum(gone, 1));
  CHECK(judged.cluster.refused == base::Code::refused);
  judged.cluster.net.stage.run_for(30s);
  CHECK(judged.cluster.homes[gone].settings->counters->elections == elections);
  REQUIRE(judged.cluster.sum(leader, 1) == 2);
}
