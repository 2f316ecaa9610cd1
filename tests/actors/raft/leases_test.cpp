// Leases of keys while the leaders change, on groups of real actors in virtual time.
#include <doctest/doctest.h>

#include "actors/raft/kv_service.hpp"
#include "tests/actors/raft/adder.hpp"

using namespace troupe;
using namespace troupe::raft;
using namespace std::chrono_literals;
using messages::wire::Nothing;
using raft_test::AdderCluster;

namespace {

const std::string kKeys = path_of("sums");

/// Three members with a store of keys.
struct Leases {
  Leases() : cluster(3) {
    for (auto& home : cluster.homes) home.settings->machine = {};
    REQUIRE(cluster.make(3));
  }

  template <class Question, class Answer, class Fill, class Done>
  void ask(std::size_t node, Fill&& fill, Done&& done) {
    cluster.net.inside(
        node,
        [&](test::Scripted& self) { self.ask<Question, Answer>(self.node().find(kKeys), self.now() + 4s, fill, done); },
        500ms);
  }
  std::uint64_t grant(std::uint64_t ms) {
    std::uint64_t out = 0;
    ask<wire::Execute, wire::Executed>(
        0, [&](wire::Execute::Builder ask) { ask.initWhat().setGrantMs(ms); },
        [&](runtime::Answer<wire::Executed> answer) { out = answer.ok() ? answer.value().getLease() : 0; });
    REQUIRE(out != 0);
    return out;
  }
  bool keep(std::uint64_t lease) {
    bool out = false;
    ask<wire::KeepLease, wire::LeaseKept>(
        1, [&](wire::KeepLease::Builder ask) { ask.setLease(lease); },
        [&](const runtime::Answer<wire::LeaseKept>& answer) { out = answer.ok(); });
    return out;
  }
  std::uint64_t left() {
    std::uint64_t out = 9;
    ask<wire::GetGroup, wire::GroupStatus>(
        0, [](wire::GetGroup::Builder) {},
        [&](runtime::Answer<wire::GroupStatus> answer) { out = answer.ok() ? answer.value().getLeases() : 9; });
    return out;
  }
  void transfer(std::size_t to) {
    ask<wire::ChangeMember, Nothing>(
        to,
        [&](wire::ChangeMember::Builder ask) {
          ask.setChange(wire::MemberChange::TRANSFER);
          ask.initMember().setNode(data_of(cluster.net[to].id().view()));
        },
        [](const runtime::Answer<Nothing>&) {});
  }
  std::uint64_t elections() const {
    std::uint64_t out = 0;
    for (const auto& home : cluster.homes) out += home.settings->counters->leads_won;
    return out;
  }

  AdderCluster cluster;
};

}  // namespace

TEST_CASE("raft leases: a lease ends in its time, however often the leader changes") {
  Leases leases;
  const base::Instant granted = leases.cluster.net.stage.now();
  leases.grant(10'000);
  const std::uint64_t before = leases.elections();
  std::size_t to = 0;
  const auto since = [&] { return leases.cluster.net.stage.now() - granted; };
  while (since() < 9s) {
    CHECK(leases.left() == 1);
    leases.transfer(to++ % 3);
  }
  CHECK(leases.elections() >= before + 5);
  while (since() < 12s && leases.left() > 0) leases.transfer(to++ % 3);
  CHECK(leases.left() == 0);
  CHECK(since() < 12s);
}

TEST_CASE("raft leases: a lease that was kept lasts its whole time under the next leader, too") {
  Leases leases;
  const std::uint64_t lease = leases.grant(4'000);
  for (std::size_t i = 0; i < 6; ++i) {
    leases.cluster.net.stage.run_for(1s);
    REQUIRE(leases.keep(lease));
    leases.transfer(i % 3);
    CHECK(leases.left() == 1);
  }
  leases.cluster.net.stage.run_for(6s);
  CHECK(leases.left() == 0);
  CHECK_FALSE(leases.keep(lease));
}

TEST_CASE("raft requests: a put with a request id is sent to the next leader while the first leader is silent") {
  Leases leases;
  auto& net = leases.cluster.net;
  std::size_t leader = 0;
  for (std::size_t i = 0; i < 3; ++i)
    if (leases.cluster.homes[i].settings->counters->leading == 1) leader = i;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i == leader) continue;
    net.fabric->cut(net[leader].ports.address(), net[i].ports.address());
    net.fabric->cut(net[i].ports.address(), net[leader].ports.address());
  }
  bool done = false;
  leases.ask<wire::Execute, wire::Executed>((leader + 1) % 3,
                                            [](wire::Execute::Builder ask) {
                                              ask.setRequest("once");
                                              auto operation = ask.initWhat().initTxn().initOperations(1)[0];
                                              operation.setKey(data_of(base::as_bytes("key")));
                                              operation.setPut(data_of(base::as_bytes("value")));
                                            },
                                            [&](runtime::Answer<wire::Executed> answer) { done = answer.ok(); });
  net.stage.run_for(1s);  // of the 4 s that its client waits
  CHECK(done);
}

TEST_CASE("raft leases: while there are leases the log grows by an entry a second at most") {
  Leases leases;
  leases.grant(600'000);
  const auto applied = [&] { return leases.cluster.homes[0].settings->counters->applied.load(); };
  leases.cluster.net.stage.run_for(2s);
  const auto before = applied();
  leases.cluster.net.stage.run_for(120s);
  CHECK(applied() - before <= 3);  // a tenth of what is left, not a second
}
