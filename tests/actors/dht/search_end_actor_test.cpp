// Searches whose asker goes away, providers that come as they are found, and what is shown of a search meanwhile.
#include <doctest/doctest.h>

#include "actors/dht/lookup_actor.hpp"
#include "tests/actors/dht/quarter.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;

namespace {

std::uint64_t cancelled(Quarter& quarter, std::size_t i) {
  return quarter[i].settings.counters->ended[static_cast<std::size_t>(Ending::cancelled)];
}

/// An actor of that node that asks one question.
template <class Q, class A>
runtime::Handle asker(Quarter& quarter, std::size_t i, std::function<void(typename Q::Builder)> fill) {
  return quarter[i].life().node.start("asker", script({}, [fill](Scripted& self) {
                                        self.ask<Q, A>(self.node().find(kPath), self.now() + 300s, fill,
                                                       [](runtime::Answer<A>) {});
                                      }));
}

}  // namespace

TEST_CASE("dht search: whoever wants it explained is told how it went where nothing was found too") {
  Quarter quarter(5);
  const auto seek = [&](bool explain, std::function<void(wire::GotValue::Reader)> take) {
    return quarter.ask<wire::GetValue, wire::GotValue>(
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

TEST_CASE("dht search: it ends with whoever asked for it") {
  Quarter quarter(5);
  for (std::size_t i = 1; i < 5; ++i) quarter.kill(i);  // so that it takes its time
  runtime::Handle whom;
  SUBCASE("a value") {
    whom = asker<wire::GetValue, wire::GotValue>(quarter, 0, [](wire::GetValue::Builder question) {
      question.setSpace(static_cast<std::uint8_t>(Space::cid));
      question.setKey(data_of(key(1).view()));
    });
  }
  SUBCASE("a put, of which nothing is stored then") {
    whom = asker<wire::Put, wire::PutDone>(quarter, 0, [](wire::Put::Builder order) {
      order.setSpace(static_cast<std::uint8_t>(Space::cid));
      order.setValue(data_of(base::as_bytes("some bytes")));
    });
  }
  SUBCASE("nodes, for another domain") {
    whom = asker<wire::Search, wire::SearchResult>(quarter, 0, [](wire::Search::Builder search) {
      search.setKey(data_of(key(1).view()));
      search.getGoal().setNodes();
    });
  }
  quarter.stage.run_for(20ms);
  REQUIRE(quarter.state(0).searches == 1);
  CHECK(cancelled(quarter, 0) == 0);
  caf::anon_send_exit(whom, caf::exit_reason::kill);
  whom = {};
  quarter.stage.run_for(20ms);
  CHECK(quarter.state(0).searches == 0);
  CHECK(cancelled(quarter, 0) == 1);
  CHECK_FALSE(quarter.has_path(0, "/dht/lookup"));
  quarter.stage.run_for(5s);
  CHECK(quarter.state(0).records == 0);
  CHECK(quarter.failures().empty());
}

TEST_CASE("dht search: what it has done so far is shown") {
  Quarter quarter(5);
  quarter.kill(3);
  quarter.kill(4);
  const auto whom = asker<wire::GetValue, wire::GotValue>(quarter, 0, [](wire::GetValue::Builder question) {
    question.setSpace(static_cast<std::uint8_t>(Space::cid));
    question.setKey(data_of(key(1).view()));
  });
  quarter.stage.run_for(40ms);
  std::string path;
  for (const std::string& one : quarter.paths(0))
    if (one.starts_with("/dht/lookup-")) path = one;
  REQUIRE_FALSE(path.empty());
  std::string goal, phase;
  unsigned asked = 0, in_flight = 0, shown = 0;
  std::uint64_t runs = 0, due = 0;
  REQUIRE_FALSE(quarter.ask<runtime::wire::Describe, wire::LookupState>(
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
  Quarter quarter(8, [](std::size_t, House& house) { house.settings.copies = 8; });
  base::Digest cid;
  cid.bytes[0] = 9;
  const Key place = dht::key_of(cid);
  const auto announce = [&](std::size_t who, std::size_t at, std::optional<base::Endpoint> claims = {}) {
    const Token token = quarter.token(who, at);
    DhtSettings said = quarter[who].settings;
    if (claims) said.endpoint = *claims;
    return quarter.ask_from<wire::AddProvider, wire::Added>(who, at, [&](wire::AddProvider::Builder out) {
      write_asker(out.initAsker(), said);
      out.setToken(data_of(token.view()));
      out.setKey(data_of(place.view()));
    });
  };
  SUBCASE("one address") {
    for (std::size_t who = 1; who <= 6; ++who)
      REQUIRE_FALSE(announce(who, 0, base::Endpoint::parse("203.0.113.7:" + std::to_string(4000 + who))));
    CHECK(quarter.providers(0, cid).size() == kProvidersOfHostMax);
  }
  SUBCASE("a third") {
    for (std::size_t who = 1; who <= 6; ++who) REQUIRE_FALSE(announce(who, 0));
    REQUIRE_FALSE(announce(7, 2));
    const auto named = quarter.providers(0, cid, 3);
    CHECK(named.size() == 3);  // what nobody else fills it may
    CHECK(named.contains(quarter[7].id()));
  }
}

TEST_CASE("dht providers: they come as they are found, those that this node knows at once") {
  Quarter quarter(6, [](std::size_t, House& house) { house.settings.copies = 6; });
  base::Digest cid;
  cid.bytes[0] = 9;
  const Key place = dht::key_of(cid);
  const auto announce = [&](std::size_t who, std::size_t at) {
    const Token token = quarter.token(who, at);
    return quarter.ask_from<wire::AddProvider, wire::Added>(who, at, [&](wire::AddProvider::Builder out) {
      write_asker(out.initAsker(), quarter[who].settings);
      out.setToken(data_of(token.view()));
      out.setKey(data_of(place.view()));
    });
  };
  REQUIRE_FALSE(announce(1, 0));  // at the node that will be asked
  REQUIRE_FALSE(announce(2, 3));  // at another one
  quarter.kill(4);
  quarter.kill(5);  // so that the search does not end soon
  struct Came {
    std::vector<std::pair<base::NodeId, base::Instant>> providers;
    std::optional<base::Instant> end;
    std::size_t last = 0, all = 0;
  };
  Came came;
  runtime::Subscription hold;
  const auto begun = quarter.stage.now();
  quarter.inside(0, [&](Scripted& self) {
    hold = self.subscribe<wire::FindProviders, wire::FoundProviders>(
        self.node().find(kPath), 300s,
        [&](wire::FindProviders::Builder question) { question.setCid(data_of(cid.view())); },
        [&](wire::FoundProviders::Reader found) {
          for (const Contact& one : own_contacts(found.getProviders()))
            came.providers.push_back({one.id, quarter.stage.now()});
          came.last += found.getLast();
          if (found.getLast()) came.all = found.getSearch().getProviders().size();
        },
        [&](base::Result<void, Error> ended) {
          CHECK(ended.ok());
          came.end = quarter.stage.now();
        });
  });
  quarter.stage.run_until([&] { return came.end.has_value(); }, 60s);
  REQUIRE(came.end);
  REQUIRE(came.providers.size() == 2);
  CHECK(came.providers[0].first == quarter[1].id());
  CHECK(came.providers[0].second - begun < 1ms);
  CHECK(came.providers[1].first == quarter[2].id());
  CHECK(came.providers[1].second < *came.end);
  CHECK(came.last == 1);
  CHECK(came.all == 2);

  SUBCASE("enough of them at hand end it no sooner than one answer of others would") {
    const std::uint64_t before = quarter[0].settings.counters->questions;
    CHECK(quarter.providers(0, cid, 1) == std::set{quarter[1].id()});
    CHECK(quarter[0].settings.counters->questions > before);
  }
  SUBCASE("whoever wants them no more ends the search") {
    bool ended = false;
    quarter.inside(0, [&](Scripted& self) {
      hold = self.subscribe<wire::FindProviders, wire::FoundProviders>(
          self.node().find(kPath), 300s,
          [&](wire::FindProviders::Builder question) { question.setCid(data_of(cid.view())); }, [](auto) {},
          [&](base::Result<void, Error>) { ended = true; });
    });
    quarter.stage.run_for(20ms);
    REQUIRE(quarter.state(0).searches == 1);
    quarter.inside(0, [&](Scripted&) { hold.cancel(); });
    quarter.stage.run_for(20ms);
    CHECK(quarter.state(0).searches == 0);
    CHECK(cancelled(quarter, 0) == 1);
    CHECK_FALSE(ended);
  }
  SUBCASE("a wrong length is no content") {
    std::optional<Error> why;
    quarter.inside(0, [&](Scripted& self) {
      hold = self.subscribe<wire::FindProviders, wire::FoundProviders>(
          self.node().find(kPath), 300s,
          [&](wire::FindProviders::Builder question) { question.setCid(data_of(base::as_bytes("short"))); },
          [](auto) {},
          [&](base::Result<void, Error> ended) {
            if (!ended.ok()) why = ended.error();
          });
    });
    quarter.stage.run_for(1s);
    REQUIRE(why);
    CHECK(why->code == Code::malformed);
  }
  CHECK(quarter.failures().empty());
}

TEST_CASE("dht: a node that starts before the others meets them soon after they have come") {
  Quarter quarter(2, [](std::size_t i, House& house) {
    if (i == 0) house.knows = {1};
    else house.knows = {};
  });
  for (const std::size_t i : {0, 1}) quarter.kill(i);
  quarter.begin(0);
  quarter.stage.run_for(3s);
  CHECK(quarter.table(0).empty());
  quarter.begin(1);
  quarter.stage.run_for(8s);
  CHECK(quarter.lists(0, 1));
}
