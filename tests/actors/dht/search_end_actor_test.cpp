// Searches whose asker goes away, providers that come as they are found, and what is shown of a search meanwhile.
#include <doctest/doctest.h>

#include "actors/dht/lookup_actor.hpp"
#include "tests/actors/dht/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

std::uint64_t cancelled(DhtCluster& cluster, std::size_t i) {
  return cluster[i].settings.counters->ended[static_cast<std::size_t>(Ending::cancelled)];
}

/// An actor of that node that asks one question.
template <class Q, class A>
runtime::Handle asker(DhtCluster& cluster, std::size_t i, std::function<void(typename Q::Builder)> fill) {
  return cluster[i].life().node.start("asker", script({}, [fill](Scripted& self) {
                                        self.ask<Q, A>(self.node().find(kPath), self.now() + 300s, fill,
                                                       [](runtime::Answer<A>) {});
                                      }));
}

}  // namespace

TEST_CASE("dht search: whoever wants it explained is told how it went where nothing was found too") {
  DhtCluster cluster(5);
  const auto seek = [&](bool explain, std::function<void(wire::GotValue::Reader)> take) {
    return cluster.ask<wire::GetValue, wire::GotValue>(
        0,
        [&](wire::GetValue::Builder question) {
          question.setSpace(static_cast<std::uint8_t>(Space::kv));
          question.setKey(data_of(key(1).view()));
          question.setExplain(explain);
        },
        std::move(take));
  };
  std::optional<Code> why;
  unsigned questions = 0;
  CHECK_FALSE(seek(true, [&](wire::GotValue::Reader got) {
    REQUIRE(got.hasError());
    why = read(got.getError()).code;
    questions = got.getSearch().getQuestions().size();
  }));
  CHECK(why == Code::not_found);
  CHECK(questions == 4);
  const auto error = seek(false, [](wire::GotValue::Reader) { FAIL("there is nothing to give"); });
  REQUIRE(error);
  CHECK(error->code == Code::not_found);
}

TEST_CASE(
    "dht search: in a small network with a node gone, what is not found is said not to be there within a minute") {
  DhtCluster cluster(5);
  cluster.kill(4);
  const auto seek = [&] { return code(cluster.get(0, Space::kv, key(1)).error); };
  CHECK(seek() == Code::unavailable);  // it may only begin anew
  cluster.stage.run_for(45s);
  CHECK(seek() == Code::not_found);
  CHECK(seek() == Code::not_found);
  SUBCASE("unless most are gone: then it may be this node that is cut off") {
    for (std::size_t i = 2; i < 4; ++i) cluster.kill(i);
    seek();
    cluster.stage.run_for(45s);
    CHECK(seek() == Code::unavailable);
  }
}

TEST_CASE("dht search: it ends with whoever asked for it") {
  DhtCluster cluster(5);
  for (std::size_t i = 1; i < 5; ++i) cluster.kill(i);  // so that it takes its time
  runtime::Handle whom;
  SUBCASE("a value") {
    whom = asker<wire::GetValue, wire::GotValue>(cluster, 0, [](wire::GetValue::Builder question) {
      question.setSpace(static_cast<std::uint8_t>(Space::cid));
      question.setKey(data_of(key(1).view()));
    });
  }
  SUBCASE("a put, of which nothing is stored then") {
    whom = asker<wire::Put, wire::PutDone>(cluster, 0, [](wire::Put::Builder order) {
      order.setSpace(static_cast<std::uint8_t>(Space::cid));
      order.setValue(data_of(base::as_bytes("some bytes")));
    });
  }
  SUBCASE("nodes, for another domain") {
    whom = asker<wire::Search, wire::SearchResult>(cluster, 0, [](wire::Search::Builder search) {
      search.setKey(data_of(key(1).view()));
      search.getGoal().setNodes();
    });
  }
  cluster.stage.run_for(20ms);
  REQUIRE(cluster.state(0).searches == 1);
  CHECK(cancelled(cluster, 0) == 0);
  caf::anon_send_exit(whom, caf::exit_reason::kill);
  whom = {};
  cluster.stage.run_for(20ms);
  CHECK(cluster.state(0).searches == 0);
  CHECK(cancelled(cluster, 0) == 1);
  CHECK_FALSE(cluster.has_path(0, "/dht/lookup"));
  cluster.stage.run_for(5s);
  CHECK(cluster.state(0).records == 0);
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht search: what it has done so far is shown") {
  DhtCluster cluster(5);
  cluster.kill(3);
  cluster.kill(4);
  const auto whom = asker<wire::GetValue, wire::GotValue>(cluster, 0, [](wire::GetValue::Builder question) {
    question.setSpace(static_cast<std::uint8_t>(Space::cid));
    question.setKey(data_of(key(1).view()));
  });
  cluster.stage.run_for(40ms);
  std::string path;
  for (const std::string& one : cluster.paths(0))
    if (one.starts_with("/dht/lookup-")) path = one;
  REQUIRE_FALSE(path.empty());
  std::string goal, phase;
  unsigned asked = 0, in_flight = 0, shown = 0;
  std::uint64_t runs = 0, due = 0;
  REQUIRE_FALSE(cluster.ask<runtime::wire::Describe, wire::LookupState>(
      0, [](auto) {},
      [&](wire::LookupState::Reader state) {
        goal = dht::text_of(state.getGoal());
        phase = dht::text_of(state.getPhase());
        asked = state.getAsked();
        in_flight = state.getInFlight();
        shown = state.getPaths().size();
        runs = state.getRunsMs();
        due = state.getDueMs();
      },
      path.c_str()));
  CHECK(goal == "value");
  CHECK(phase == "searching");
  CHECK(asked >= 2);
  CHECK(shown >= 1);
  CHECK(runs >= 40);
  CHECK(due > 20'000);
}

TEST_CASE("dht providers: of what this node holds itself few of one address are named, and a third at first") {
  DhtCluster cluster(8, [](std::size_t, ClusterNode& member) { member.settings.copies = 8; });
  base::Digest cid;
  cid.bytes[0] = 9;
  const Key place = dht::key_of(cid);
  const auto announce = [&](std::size_t who, std::size_t at, std::optional<base::Endpoint> claims = {}) {
    const Token token = cluster.token(who, at);
    DhtSettings said = cluster[who].settings;
    if (claims) said.endpoint = *claims;
    return cluster.ask_from<wire::AddProvider, wire::Added>(who, at, [&](wire::AddProvider::Builder out) {
      write_asker(out.initAsker(), said);
      out.setToken(data_of(token.view()));
      out.setKey(data_of(place.view()));
    });
  };
  SUBCASE("one address") {
    for (std::size_t who = 1; who <= 6; ++who)
      REQUIRE_FALSE(announce(who, 0, base::Endpoint::parse("203.0.113.7:" + std::to_string(4000 + who))));
    CHECK(cluster.providers(0, cid).size() == kProvidersOfHostMax);
  }
  SUBCASE("a third") {
    for (std::size_t who = 1; who <= 6; ++who) REQUIRE_FALSE(announce(who, 0));
    REQUIRE_FALSE(announce(7, 2));
    const auto named = cluster.providers(0, cid, 3);
    CHECK(named.size() == 3);  // what nobody else fills it may
    CHECK(named.contains(cluster[7].id()));
  }
}

TEST_CASE("dht providers: they come as they are found, those that this node knows at once") {
  DhtCluster cluster(6, [](std::size_t, ClusterNode& member) { member.settings.copies = 6; });
  base::Digest cid;
  cid.bytes[0] = 9;
  const Key place = dht::key_of(cid);
  const auto announce = [&](std::size_t who, std::size_t at) {
    const Token token = cluster.token(who, at);
    return cluster.ask_from<wire::AddProvider, wire::Added>(who, at, [&](wire::AddProvider::Builder out) {
      write_asker(out.initAsker(), cluster[who].settings);
      out.setToken(data_of(token.view()));
      out.setKey(data_of(place.view()));
    });
  };
  REQUIRE_FALSE(announce(1, 0));  // at the node that will be asked
  REQUIRE_FALSE(announce(2, 3));  // at another one
  cluster.kill(4);
  cluster.kill(5);  // so that the search does not end soon
  struct Came {
    std::vector<std::pair<base::NodeId, base::Instant>> providers;
    std::optional<base::Instant> end;
    std::size_t last = 0, all = 0;
  };
  Came came;
  runtime::Subscription hold;
  const auto begun = cluster.stage.now();
  cluster.inside(0, [&](Scripted& self) {
    hold = self.subscribe<wire::FindProviders, wire::FoundProviders>(
        self.node().find(kPath), 300s,
        [&](wire::FindProviders::Builder question) { question.setCid(data_of(cid.view())); },
        [&](wire::FoundProviders::Reader found) {
          for (const Contact& one : own_contacts(found.getProviders()))
            came.providers.push_back({one.id, cluster.stage.now()});
          came.last += found.getLast();
          if (found.getLast()) came.all = found.getSearch().getProviders().size();
        },
        [&](base::Result<void, Error> ended) {
          CHECK(ended.ok());
          came.end = cluster.stage.now();
        });
  });
  cluster.stage.run_until([&] { return came.end.has_value(); }, 60s);
  REQUIRE(came.end);
  REQUIRE(came.providers.size() == 2);
  CHECK(came.providers[0].first == cluster[1].id());
  CHECK(came.providers[0].second - begun < 1ms);
  CHECK(came.providers[1].first == cluster[2].id());
  CHECK(came.providers[1].second < *came.end);
  CHECK(came.last == 1);
  CHECK(came.all == 2);

  SUBCASE("enough of them at hand end it no sooner than one answer of others would") {
    const std::uint64_t before = cluster[0].settings.counters->questions;
    CHECK(cluster.providers(0, cid, 1) == std::set{cluster[1].id()});
    CHECK(cluster[0].settings.counters->questions > before);
  }
  SUBCASE("whoever wants them no more ends the search") {
    bool ended = false;
    cluster.inside(0, [&](Scripted& self) {
      hold = self.subscribe<wire::FindProviders, wire::FoundProviders>(
          self.node().find(kPath), 300s,
          [&](wire::FindProviders::Builder question) { question.setCid(data_of(cid.view())); }, [](auto) {},
          [&](base::Result<void, Error>) { ended = true; });
    });
    cluster.stage.run_for(20ms);
    REQUIRE(cluster.state(0).searches == 1);
    cluster.inside(0, [&](Scripted&) { hold.cancel(); });
    cluster.stage.run_for(20ms);
    CHECK(cluster.state(0).searches == 0);
    CHECK(cancelled(cluster, 0) == 1);
    CHECK_FALSE(ended);
  }
  SUBCASE("a wrong length is no content") {
    std::optional<Error> why;
    cluster.inside(0, [&](Scripted& self) {
      hold = self.subscribe<wire::FindProviders, wire::FoundProviders>(
          self.node().find(kPath), 300s,
          [&](wire::FindProviders::Builder question) { question.setCid(data_of(base::as_bytes("short"))); },
          [](auto) {},
          [&](base::Result<void, Error> ended) {
            if (!ended.ok()) why = ended.error();
          });
    });
    cluster.stage.run_for(1s);
    REQUIRE(why);
    CHECK(why->code == Code::malformed);
  }
  CHECK(cluster.failures().empty());
}

TEST_CASE("dht: a node that starts before the others meets them soon after they have come") {
  DhtCluster cluster(2, [](std::size_t i, ClusterNode& member) {
    if (i == 0) member.knows = {1};
    else member.knows = {};
  });
  for (const std::size_t i : {0, 1}) cluster.kill(i);
  cluster.begin(0);
  cluster.stage.run_for(3s);
  CHECK(cluster.table(0).empty());
  cluster.begin(1);
  cluster.stage.run_for(8s);
  CHECK(cluster.lists(0, 1));
}
