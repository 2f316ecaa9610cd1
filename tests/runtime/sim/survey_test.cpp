// Surveys: a round has a report of each node that serves, or none.
#include "runtime/sim/survey.hpp"

#include <doctest/doctest.h>

#include "messages/bench.capnp.h"
#include "tests/runtime/actor/questions.hpp"
#include "tests/runtime/sim/nodes_fixture.hpp"

using namespace std::chrono_literals;
using troupe::bench::wire::Number;
using troupe::test::NodesFixture;
namespace runtime = troupe::runtime;
namespace sim = troupe::sim;

namespace {

struct SumReport : sim::SurveyReport {
  std::vector<std::uint64_t> heard;
};

/// Asks each node for the successors of 1 to `questions`, one after the other.
class SurveyOfSums final : public sim::Survey<SumReport> {
 public:
  SurveyOfSums(sim::Nodes& nodes, std::uint64_t questions) : Survey(nodes), questions_(questions) {}

 private:
  void ask_all(std::size_t node) override { go_on(node, 1); }
  void go_on(std::size_t node, std::uint64_t next) {
    if (next > questions_) return;
    ask<Number, Number>(
        node, "/adder", 5s, troupe::test::number(next),
        [](SumReport& report, Number::Reader sum) { report.heard.push_back(sum.getValue()); },
        [this, node, next] { go_on(node, next + 1); });
  }
  const std::uint64_t questions_;
};

struct SurveyWorld {
  SurveyWorld(std::size_t count, std::uint64_t questions) : nodes(count), survey(nodes, questions) {}
  ~SurveyWorld() { nodes.close(); }
  NodesFixture nodes;
  SurveyOfSums survey;
};

}  // namespace

TEST_CASE("sim survey: reports are there when all nodes have answered everything") {
  SurveyWorld world(3, 2);
  world.nodes.start("adder", troupe::test::successor);
  CHECK(world.survey.gap(0) == "n1 has not reported yet what it stores");
  world.survey.begin();
  CHECK(world.survey.reports().empty());
  world.nodes.stage.run_for(1s);
  REQUIRE(world.survey.complete());
  for (const auto& [node, report] : world.survey.reports()) {
    CHECK(report.heard == std::vector<std::uint64_t>{2, 3});
    CHECK(world.survey.gap(node) == "");
  }
}

TEST_CASE("sim survey: one silent node holds a round up, and a round begins when the last is over") {
  std::vector<runtime::Reply<Number>> kept;
  SurveyWorld world(2, 1);
  world.nodes.start("adder", troupe::test::keeper(kept));
  world.survey.begin();
  world.nodes.stage.run_for(1s);
  world.survey.begin();
  world.nodes.stage.run_for(1s);
  REQUIRE(kept.size() == 2);
  kept.front().send(troupe::test::number(5));
  world.nodes.stage.run_for(1s);
  CHECK(world.survey.reports().empty());

  SUBCASE("until it answers") {
    kept.back().send(troupe::test::number(6));
    world.nodes.stage.run_for(1s);
    CHECK(world.survey.complete());
  }
  SUBCASE("until its time is over, which its report says") {
    world.nodes.stage.run_for(10s);
    REQUIRE(world.survey.complete());
    std::size_t gaps = 0;
    for (std::size_t node = 0; node < 2; ++node) gaps += world.survey.gap(node).empty() ? 0 : 1;
    CHECK(gaps == 1);
  }
  SUBCASE("until it dies: then the round has no reports, and late answers change none") {
    world.nodes.kill(1);
    world.survey.died(1);
    for (auto& reply : kept) reply.send(troupe::test::number(7));
    world.nodes.stage.run_for(1s);
    CHECK(world.survey.reports().empty());
    kept.clear();
    world.survey.begin();
    world.nodes.stage.run_for(1s);
    REQUIRE(kept.size() == 1);
    kept.front().send(troupe::test::number(8));
    world.nodes.stage.run_for(1s);
    REQUIRE(world.survey.reports().size() == 1);
    CHECK(world.survey.reports().at(0).heard == std::vector<std::uint64_t>{8});
    CHECK_FALSE(world.survey.complete());
  }
  kept.clear();
}

TEST_CASE("sim survey: a round with nothing to ask is over at once") {
  SurveyWorld world(2, 0);
  world.survey.begin();
  CHECK(world.survey.complete());
}

TEST_CASE("sim survey: a node that died after its answer has no report") {
  SurveyWorld world(2, 0);
  world.survey.begin();
  world.nodes.kill(0);
  world.survey.died(0);
  CHECK(world.survey.gap(0) == "n1 has not reported yet what it stores");
  CHECK(world.survey.reports().size() == 1);
}
