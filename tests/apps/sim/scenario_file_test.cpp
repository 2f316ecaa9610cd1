// Scenarios as files: what is written reads back, and what is wrong is named with its line.
#include "apps/sim/scenario_file.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "apps/sim/span.hpp"
#include "runtime/config/settings.hpp"
#include "tests/apps/sim/any_scenario.hpp"
#include "tests/apps/sim/test_workloads.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

base::Outcome<sim::Scenario> parsed(const std::string& text) {
  return read_scenario(text, kTestWorkloads, test_settings());
}

std::string problem(const std::string& text) {
  const auto outcome = parsed(text);
  if (outcome.ok()) return "";
  CHECK(outcome.error().code == base::Code::malformed);
  return outcome.error().message;
}

const std::string kHead = "seed = 1\ndomains = [\"shop\"]\nnodes = 5\ntime = \"60s\"\n";

/// The problem of one more line behind the least that a scenario says.
std::string problem_of(const std::string& line) { return problem(kHead + line + '\n'); }
std::string problem_of_fault(const std::string& fields) {
  return problem_of("fault = [{ at = \"1s\", " + fields + " }]");
}
std::string problem_of_operation(const std::string& fields) {
  return problem_of("operation = [{ at = \"1s\", " + fields + " }]");
}

TEST_CASE("sim spans: are written as people say them, and read back to the nanosecond") {
  CHECK(span_text(0ns) == "0s");
  CHECK(span_text(12'400ms) == "12.4s");
  CHECK(span_text(200us) == "200us");
  CHECK(span_text(1ms + 5ns) == "1.000005ms");
  CHECK(span_text(60s) == "60s");
  CHECK(span_text(30min) == "30m");
  CHECK(span_text(2h) == "2h");
  CHECK(span_text(2h + 1ns) == "7200.000000001s");
  CHECK(span_text(999ns) == "999ns");
  CHECK(parse_span("1.5h") == 90min);
  CHECK(parse_span("2.50s") == 2'500ms);
  for (const auto* wrong : {"", "s", "1", "1.s", ".5s", "1.5ns", "1..5s", "-1s", "1 s", "1.0000000001s", "1e3s", "1d",
                            "9223372036.854775808s", "99999999999999999999s", "2562048h"})
    CHECK_MESSAGE(!parse_span(wrong), wrong);
  CHECK(rc::check([] {
    const auto span = base::Duration(*rc::gen::inRange<std::int64_t>(0, std::numeric_limits<std::int64_t>::max()));
    const auto small = any_span(sim::kWorldTimeMax);
    RC_ASSERT(parse_span(span_text(span)) == span);
    RC_ASSERT(parse_span(span_text(small)) == small);
  }));
}

TEST_CASE("sim scenario file: what was written reads back to the same scenario") {
  CHECK(rc::check([] {
    const auto scenario = any_scenario();
    const auto text = write_scenario(scenario, kTestWorkloads, *rc::gen::arbitrary<std::string>());
    const auto again = parsed(text);
    if (!again.ok()) RC_FAIL(again.error().message + "\n" + text);
    RC_ASSERT(again.value() == scenario);
  }));
}

TEST_CASE("sim scenario file: the largest that is valid is within the bytes that are read") {
  sim::Scenario scenario;
  scenario.domains = {"shop"};
  scenario.nodes = sim::kNodesMax;
  scenario.time = sim::kWorldTimeMax;
  const base::Duration odd = sim::kWorldTimeMax - 1ns;
  scenario.faults.assign(sim::kFaultsMax,
                         {.what = sim::FaultKind::clog, .at = odd, .span = odd, .node = 1'999, .amount = 5'000'000});
  scenario.operations.assign(sim::kOperationsMax, {odd, 1'999, "shop.sell", {{"coins", 1'000'000}, {"thing", 63}}});

  SUBCASE("it reads back") {
    const auto text = write_scenario(scenario, kTestWorkloads, "");
    CHECK(text.size() < kScenarioBytesMax);
    const auto again = parsed(text);
    REQUIRE(again.ok());
    CHECK((again.value() == scenario));
  }
  SUBCASE("one fault more is too many") {
    scenario.faults.push_back(scenario.faults.back());
    scenario.operations.clear();
    CHECK(parsed(write_scenario(scenario, kTestWorkloads, "")).error().message ==
          "line 9: fault must be at most 10000");
  }
  SUBCASE("one operation more is too many") {
    scenario.operations.push_back(scenario.operations.back());
    scenario.faults.clear();
    CHECK(problem(write_scenario(scenario, kTestWorkloads, "")).ends_with("operation must be at most 100000"));
  }
}

TEST_CASE("sim scenario file: it looks as a person would write it") {
  sim::Scenario scenario;
  scenario.seed = 0x8000'0000'0000'0000;
  scenario.domains = {"shop", "mail"};
  scenario.drift_ppm = {0, -50};
  scenario.knobs = {{"net.links_max", "7"}};
  scenario.mutations = {"lost"};
  scenario.faults = {{.what = sim::FaultKind::partition, .at = 12'400ms, .span = 8s, .amount = 0b1001},
                     {.what = sim::FaultKind::clock_step, .at = 20s, .node = 4, .amount = -500}};
  scenario.operations = {{1s, 2, "shop.visit", {{"to", 4}}}};
  const std::string text =
      "# Two lines\n"
      "# about it.\n"
      "seed = \"0x8000000000000000\"\n"
      "domains = [\"shop\", \"mail\"]\n"
      "nodes = 5\n"
      "time = \"60s\"\n"
      "converge = \"30m\"\n"
      "policy = \"random\"\n"
      "latency = [\"200us\", \"20ms\"]\n"
      "drift_ppm = [0, -50]\n"
      "mutations = [\"lost\"]\n"
      "knobs = { \"net.links_max\" = \"7\" }\n"
      "\n"
      "fault = [\n"
      "  { at = \"12.4s\", what = \"partition\", nodes = [\"n1\", \"n4\"], span = \"8s\" },\n"
      "  { at = \"20s\", what = \"clock-step\", node = \"n5\", amount = -500 },\n"
      "]\n"
      "\n"
      "operation = [\n"
      "  { at = \"1s\", node = \"n3\", what = \"shop.visit\", to = \"n5\" },\n"
      "]\n";
  CHECK(write_scenario(scenario, kTestWorkloads, "Two lines\nabout it.") == text);
  REQUIRE(parsed(text).ok());
  CHECK(parsed(text).value() == scenario);
}

TEST_CASE("sim scenario file: sections, any order and defaults are read too") {
  const auto outcome = parsed(kHead +
                              "[knobs]\n\"net.links_max\" = \"7\"\n"
                              "[[fault]]\nat = \"9s\"\nwhat = \"kill\"\nnode = \"n2\"\nspan = \"1s\"\n"
                              "[[fault]]\nat = \"3s\"\nwhat = \"reset\"\nnode = \"n2\"\nother = \"n1\"\n");
  REQUIRE(outcome.ok());
  sim::Scenario wanted;
  wanted.seed = 1;
  wanted.domains = {"shop"};
  wanted.knobs = {{"net.links_max", "7"}};
  wanted.faults = {{.what = sim::FaultKind::reset, .at = 3s, .node = 1, .other = 0},
                   {.what = sim::FaultKind::kill, .at = 9s, .span = 1s, .node = 1}};
  CHECK(outcome.value() == wanted);
}

TEST_CASE("sim scenario file: an operation may have its name of before, order") {
  const std::string rest = " = [{ at = \"1s\", node = \"n1\", what = \"shop.count\" }]";
  const auto now = parsed(kHead + "operation" + rest), before = parsed(kHead + "order" + rest);
  REQUIRE(now.ok());
  REQUIRE(before.ok());
  CHECK(now.value() == before.value());
  CHECK(now.value().operations.size() == 1);
}

TEST_CASE("sim scenario file: the first wrong line is named, and what would be right") {
  CHECK(problem(kHead) == "");

  SUBCASE("what cannot be parsed") {
    CHECK(problem_of("nodes = 6").starts_with("line 5: "));  // twice
    CHECK(problem_of("=").starts_with("line 5: "));
    CHECK(problem("\n" + std::string(1'000, '[')) == "line 2: nested too deeply");
    CHECK(problem(kHead + std::string(kScenarioBytesMax, '#')) == "line 1: longer than 16 MiB");
    CHECK(problem(std::string(500'000, 'x') + " 1").size() < config::kProblemBytesMax);
  }
  SUBCASE("keys that are not known or not there") {
    CHECK(problem_of("polcy = \"pct\"") == "line 5: \"polcy\" is not known; did you mean \"policy\"?");
    CHECK(problem("seed = 1\n") ==
          "line 1: a scenario needs domains, a list of domains such as [\"peers\", \"files\"]");
    CHECK(problem_of(std::string(100'000, 'k') + " = 1").size() < config::kProblemBytesMax);
  }
  SUBCASE("the first in the file, not the first by name") {
    CHECK(problem_of("tls = 1\nbeyond = 1") == "line 5: tls must be true or false");
    CHECK(problem_of("zzz = 1\nbeyond = 1").starts_with("line 5: "));
  }
  SUBCASE("the world") {
    CHECK(problem("seed = -1\ndomains = [\"shop\"]\nnodes = 5\ntime = \"60s\"").starts_with("line 1: seed must be a "));
    CHECK(
        problem("seed = \"0x1\"\ndomains = [\"shop\"]\nnodes = 5\ntime = \"60s\"").starts_with("line 1: seed must be"));
    CHECK(problem("seed = 1\ndomains = []\nnodes = 5\ntime = \"60s\"").starts_with("line 2: domains must be a list"));
    CHECK(problem("seed = 1\ndomains = [\"shoq\"]\nnodes = 5\ntime = \"60s\"") ==
          "line 2: domains: \"shoq\" is not known; did you mean \"shop\"?");
    CHECK(problem("seed = 1\ndomains = [\"shop\", \"shop\"]\nnodes = 5\ntime = \"60s\"") ==
          "line 2: domains: \"shop\" is listed twice");
    CHECK(problem("seed = 1\ndomains = [\"shop\"]\nnodes = 2001\ntime = \"60s\"") ==
          "line 3: nodes must be a whole number from 1 to 2000");
    CHECK(problem("seed = 1\ndomains = [\"shop\"]\nnodes = 5\ntime = 60") ==
          "line 4: time must be a time such as \"1.5s\"");
    CHECK(problem("seed = 1\ndomains = [\"shop\"]\nnodes = 5\ntime = \"8785h\"") ==
          "line 4: time must be at most \"8784h\"");
    CHECK(problem_of("policy = \"lifo\"").starts_with("line 5: policy must be \"fifo\""));
    CHECK(problem_of("latency = [\"2ms\", \"1ms\"]").starts_with("line 5: latency must be the shortest"));
    CHECK(problem_of("latency = [\"2ms\"]").starts_with("line 5: latency must be the shortest"));
    CHECK(problem_of("latency = [\"2ms\", \"61s\"]") == "line 5: latency must be at most \"60s\"");
    CHECK(problem_of("drift_ppm = [1, 2, 3, 4, 5, 6]").starts_with("line 5: drift_ppm must be a list"));
    CHECK(problem_of("drift_ppm = [100001]").starts_with("line 5: drift_ppm must be whole numbers up to 100000"));
    CHECK(problem_of("mutations = [\"forget\"]") ==
          "line 5: mutations: \"forget\" is not known; did you mean \"forgets\"?");
    CHECK(problem_of("mutations = [\"lost\"]").starts_with("line 5: mutations: \"lost\" is not known"));  // mail has it
    CHECK(problem_of("mutations = [\"forgets\", \"forgets\"]") == "line 5: mutations: \"forgets\" is listed twice");
    CHECK(problem_of("knobs = { \"net.link_max\" = \"1\" }") ==
          "line 5: setting \"net.link_max\" is not known; did you mean \"net.links_max\"?");
    CHECK(problem_of("knobs = { \"net.links_max\" = \"0\" }").starts_with("line 5: net.links_max must be "));
    for (const std::string_view own : kWorldSettings) {
      const std::string key(own);
      const std::string listed = key == "join" ? "127.0.0.1:1" : key == "listen" ? "127.0.0.1:1" : "1";
      CHECK(problem_of("knobs = { \"" + key + "\" = \"" + listed + "\" }") ==
            "line 5: setting \"" + key + "\" is not allowed in a scenario: the world sets it itself");
    }
    CHECK(problem_of("knobs = { net.links_max = \"7\" }").starts_with("line 5: knobs must be settings and texts"));
  }
  SUBCASE("faults") {
    CHECK(problem_of("fault = 1") == "line 5: fault must be a list, or sections [[fault]]");
    CHECK(problem_of("fault = [\n1]").starts_with("line 6: fault must be a list of {"));
    CHECK(problem_of("fault = [\n{ at = \"1s\" }]").starts_with("line 6: a fault needs what, the name of a fault"));
    CHECK(problem_of_fault("what = \"partion\"") ==
          "line 5: fault \"partion\" is not known; did you mean \"partition\"?");
    CHECK(problem_of_fault("what = \"kill\", node = \"n1\"") ==
          "line 5: fault \"kill\" needs span, a time such as \"1.5s\"");
    CHECK(problem_of_fault("what = \"kill\", node = \"n1\", span = \"1s\", amount = 1") ==
          "line 5: fault \"kill\" has no \"amount\", but what, at, span, node, by_hand");
    CHECK(problem_of_fault("what = \"kill\", node = \"n6\", span = \"1s\"") ==
          "line 5: node: \"n6\" is not a node of this world; its nodes are \"n1\" to \"n5\"");
    CHECK(problem_of_fault("what = \"kill\", node = 1, span = \"1s\"") == "line 5: node must be a node such as \"n1\"");
    CHECK(problem_of_fault("what = \"reset\", node = \"n1\", other = \"n1\"") == "line 5: other must be another node");
    CHECK(problem_of_fault("what = \"clog\", node = \"n1\", other = \"n2\", span = \"1s\", amount = 0") ==
          "line 5: amount must be a whole number from 1 to 5000000");
    CHECK(problem_of_fault("what = \"power\", node = \"n1\", span = \"1s\", amount = 0") == "");
    CHECK(
        problem_of_fault("what = \"clock-step\", node = \"n1\", amount = -3600001").starts_with("line 5: amount must"));
    CHECK(problem_of("fault = [{ at = \"60.1s\", what = \"kill\", node = \"n1\", span = \"1s\" }]") ==
          "line 5: at must be at most \"60s\"");
    CHECK(problem_of_fault("what = \"disk-lie\", node = \"n1\", span = \"1s\"") ==
          "line 5: fault \"disk-lie\" needs beyond = true");
    CHECK(problem_of("beyond = true\nfault = [{ at = \"1s\", what = \"disk-lie\", node = \"n1\", span = \"1s\" }]") ==
          "");
  }
  SUBCASE("sets of nodes") {
    const auto set = [](const std::string& nodes) {
      return problem_of_fault("what = \"partition\", span = \"1s\", nodes = " + nodes);
    };
    CHECK(set("[\"n1\", \"n5\"]") == "");
    CHECK(set("[]").starts_with("line 5: nodes must be a list of nodes"));
    CHECK(set("[1]").starts_with("line 5: nodes must be a list of nodes"));
    CHECK(set("[\"n1\", \"n1\"]") == "line 5: nodes: \"n1\" is listed twice");
    CHECK(set("[\"n0\"]").starts_with("line 5: nodes: \"n0\" is not a node"));
    const std::string many = "seed = 1\ndomains = [\"shop\"]\nnodes = 100\ntime = \"60s\"\n";
    const std::string cut = "fault = [{ at = \"1s\", what = \"partition\", span = \"1s\", nodes = [\"n";
    CHECK(problem(many + cut + "62\"] }]") == "");
    CHECK(problem(many + cut + "63\"] }]").ends_with("its nodes are \"n1\" to \"n62\""));
  }
  SUBCASE("operations") {
    CHECK(problem_of_operation("node = \"n1\", what = \"shop.count\"") == "");
    CHECK(problem_of_operation("node = \"n1\", what = \"shop.sel\"") ==
          "line 5: operation \"shop.sel\" is not known; did you mean \"shop.sell\"?");
    CHECK(problem_of_operation("node = \"n1\", what = \"mail.send\"") ==
          "line 5: operation \"mail.send\" is not an operation of the scenario's domains");
    CHECK(problem_of_operation("node = \"n1\", what = \"sell\"") ==
          "line 5: operation \"sell\" is not an operation of the scenario's domains");
    CHECK(problem_of_operation("node = \"n1\", what = \"shop.sell\", thing = 1") ==
          "line 5: operation \"shop.sell\" needs coins, a whole number");
    CHECK(problem_of_operation("node = \"n1\", what = \"shop.sell\", thing = 64, coins = 1") ==
          "line 5: thing must be a whole number from 0 to 63");
    CHECK(problem_of_operation("node = \"n1\", what = \"shop.visit\", to = 1") ==
          "line 5: to must be a node such as \"n1\"");
    CHECK(problem_of_operation("node = \"n1\", what = \"shop.count\", thing = 1")
              .starts_with("line 5: operation \"shop.count\" has no \"thing\", but what, at, node"));
    CHECK(problem_of_operation("node = \"n0\", what = \"shop.count\"").starts_with("line 5: node: \"n0\""));
  }
}

}  // namespace
}  // namespace troupe::apps
