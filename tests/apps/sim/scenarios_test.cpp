// The scenarios of tests/scenarios name domains, operations, settings and numbers that exist.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "apps/host/domains.hpp"
#include "apps/sim/scenario_file.hpp"
#include "apps/sim/workloads.hpp"

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

void check(const path& name, const std::string& text) {
  const auto read = read_scenario(text, all_workloads(), settings_table());
  CHECK_MESSAGE(read.ok(), name.string(), ": ", read.ok() ? "" : read.error().message);
  if (!read.ok()) return;
  const auto again =
      read_scenario(write_scenario(read.value(), all_workloads(), ""), all_workloads(), settings_table());
  REQUIRE(again.ok());
  CHECK((again.value() == read.value()));
}

TEST_CASE("sim scenarios: each in tests/scenarios can be read, and says first what it is about") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TROUPE_SCENARIOS)) {
    if (entry.path().extension() != ".toml") continue;
    const std::string text = text_of(entry.path());
    check(entry.path().filename(), text);
    CHECK_MESSAGE(text.starts_with("# "), entry.path().filename().string());
    ++count;
  }
  CHECK(count > 0);
}

TEST_CASE("sim scenarios: the example of their README can be read") {
  check("README.md", example_of(text_of(path(TROUPE_SCENARIOS) / "README.md")));
}

}  // namespace
}  // namespace troupe::apps
