// The scenarios of tests/scenarios name domains, orders, settings and numbers that exist.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "actors/dht/sim.hpp"
#include "actors/files/sim.hpp"
#include "actors/peers/sim.hpp"
#include "apps/host/settings.hpp"
#include "apps/sim/scenario_file.hpp"

namespace troupe::apps {
namespace {

using std::filesystem::path;

std::string text_of(const path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What stands between ```toml and ```.
std::string example_of(const std::string& page) {
  const std::string fence = "```toml\n";
  const auto begin = page.find(fence);
  const auto end = page.find("```\n", begin + fence.size());
  REQUIRE(begin != page.npos);
  REQUIRE(end != page.npos);
  return page.substr(begin + fence.size(), end - begin - fence.size());
}

struct Domains {
  std::unique_ptr<sim::Domain> peers = peers::peers_domain();
  std::unique_ptr<sim::Domain> dht = dht::dht_domain();
  std::unique_ptr<sim::Domain> files = files::files_domain();
  std::vector<const sim::DomainCard*> cards{&peers->card(), &dht->card(), &files->card()};

  void check(const path& name, const std::string& text) const {
    const auto read = read_scenario(text, cards, settings_table());
    CHECK_MESSAGE(read.ok(), name.string(), ": ", read.ok() ? "" : read.error().message);
    if (!read.ok()) return;
    const auto again = read_scenario(write_scenario(read.value(), cards, ""), cards, settings_table());
    REQUIRE(again.ok());
    CHECK((again.value() == read.value()));
  }
};

TEST_CASE("sim scenarios: each in tests/scenarios can be read, and says first what it is about") {
  const Domains domains;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TROUPE_SCENARIOS)) {
    if (entry.path().extension() != ".toml") continue;
    const std::string text = text_of(entry.path());
    domains.check(entry.path().filename(), text);
    CHECK_MESSAGE(text.starts_with("# "), entry.path().filename().string());
    ++count;
  }
  CHECK(count > 0);
}

TEST_CASE("sim scenarios: the example of their README can be read") {
  Domains().check("README.md", example_of(text_of(path(TROUPE_SCENARIOS) / "README.md")));
}

}  // namespace
}  // namespace troupe::apps
