// A node with a domain of a test: everything that walks the list of domains sees it, and no file names it.
#include "tests/apps/toy/toy.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "actors/inspect/api.hpp"
#include "actors/node/api.hpp"
#include "apps/host/metrics.hpp"
#include "apps/sim/sim.hpp"
#include "apps/sim/workloads.hpp"
#include "apps/sim/world.hpp"
#include "messages/common.capnp.h"
#include "tests/apps/harness.hpp"

namespace troupe::apps {
namespace {

using namespace std::chrono_literals;

const DomainSpecs& with_toy() {
  static const DomainSpecs all = [] {
    DomainSpecs out = domains();
    out.push_back(&toy::domain());
    return out;
  }();
  return all;
}

struct ToyWorld {
  ToyWorld() : world({.nodes = 1, .settings = {{"toy.greeting", "good evening"}}, .domains = &with_toy()}) {
    REQUIRE(world.start(0).ok());
    REQUIRE(world.stage().run_until([&] { return world.serving(0); }, 10s));
  }
  World world;
};

TEST_CASE("toy domain: its settings are shown and checked like all others") {
  const auto shown = config::Settings::load(settings_table(with_toy()), {});
  REQUIRE(shown.ok());
  CHECK(shown.value().render_toml(false).find("[toy]\ngreeting = \"hello\"\nvisitors_max = 3") != std::string::npos);
  config::Sources sources;
  sources.environment = {{"TROUPE_TOY__GREETING", "hullo"}};
  const auto wrong = config::Settings::load(settings_table(with_toy()), sources);
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().front().text() == "TROUPE_TOY__GREETING: toy.greeting must be one of hello good evening");
  CHECK(settings_table().find("toy.greeting") == nullptr);
}

TEST_CASE("toy domain: its actor runs beside the others, and the inspector lists it") {
  ToyWorld toy;
  std::string kind;
  toy.world.inside(0, [&](runtime::ExternalActor::Inside& actor) {
    actor.ask<inspect::wire::ListActors, inspect::wire::ActorRows>(
        actor.node().find(inspect::kPath), actor.now() + 5s,
        [](inspect::wire::ListActors::Builder question) { question.setFilter("/toy"); },
        [&](runtime::Answer<inspect::wire::ActorRows> rows) {
          REQUIRE(rows.ok());
          REQUIRE(rows.value().getActors().size() == 1);
          kind = rows.value().getActors()[0].getKind();
        });
  });
  toy.world.stage().run_for(1s);
  CHECK(kind == "toy");
}

TEST_CASE("toy domain: it logs under its name, whose level can be set, and its reason is in the health") {
  ToyWorld toy;
  const auto lines = toy.world.log(0);
  CHECK(std::ranges::any_of(
      lines, [](const std::string& line) { return line.ends_with("toy: opened greeting=\"good evening\""); }));
  const auto names = log_names(with_toy());
  CHECK(std::ranges::find(names, "toy") != names.end());
  const auto sources = health_sources(with_toy());
  CHECK(std::ranges::find(sources, "toy") != sources.end());
  CHECK(std::ranges::any_of(toy.world.health(0).reasons(), [](const auto& reason) {
    return reason.source == "toy" && reason.text == "nothing is sold";
  }));

  bool set = false;
  toy.world.inside(0, [&](runtime::ExternalActor::Inside& actor) {
    actor.ask<node::wire::SetLogLevel, messages::wire::Nothing>(
        actor.node().find(node::kPath), actor.now() + 5s,
        [](node::wire::SetLogLevel::Builder level) {
          level.setLevel("debug");
          level.setDomain("toy");
        },
        [&](const runtime::Answer<messages::wire::Nothing>& answer) { set = answer.ok(); });
  });
  toy.world.stage().run_for(1s);
  CHECK(set);
}

TEST_CASE("toy domain: `troupe sim list` names its workload") {
  const auto all = workloads(with_toy());
  const Seen seen = run_with(sim_commands(all), {"sim", "list"});
  CHECK(seen.exit == Exit::done);
  CHECK(seen.out.find("toy.visit") != std::string::npos);
}

TEST_CASE("toy domain: what it counts is among the metrics") {
  ToyWorld toy;
  const auto families = domain_families(toy.world.domains(0));
  const auto found = std::ranges::find(families, "toy_visitors_total", &observe::Family::name);
  REQUIRE(found != families.end());
  CHECK(found->samples == std::vector<observe::Sample>{{{}, std::uint64_t{1}}});
}

}  // namespace
}  // namespace troupe::apps
