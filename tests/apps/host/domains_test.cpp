#include "apps/host/domains.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "runtime/config/settings.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

std::string problem(const std::string& toml) {
  config::Sources sources;
  sources.file = config::TextFile{"f", toml};
  const auto loaded = config::Settings::load(settings_table(), sources);
  return loaded.ok() ? "" : loaded.error().front().text();
}

}  // namespace

TEST_CASE("domains: no limit can be zero unless its line says what zero means") {
  const config::Table table = settings_table();
  for (const auto& setting : table.settings()) {
    if (setting.kind != config::Kind::count && setting.kind != config::Kind::bytes &&
        setting.kind != config::Kind::duration)
      continue;
    const bool says =
        setting.doc.find("0:") != std::string_view::npos || setting.doc.find("0 B:") != std::string_view::npos;
    CHECK_MESSAGE((setting.min > 0 || says), setting.key);
  }
}

TEST_CASE("domains: the limits of address groups are within what a table can hold and an address has") {
  CHECK(problem("[dht]\ngroup_v4_bits = 32\n").empty());
  CHECK(problem("[dht]\ngroup_v4_bits = 33\n") == "f:2: dht.group_v4_bits must be from 8 to 32");
  CHECK(problem("[dht]\ngroup_v6_bits = 129\n") == "f:2: dht.group_v6_bits must be from 16 to 128");
  CHECK(problem("[dht]\ngroup_bucket_max = 21\n") == "f:2: dht.group_bucket_max must be from 1 to 20");
  CHECK(problem("[dht]\ngroup_table_max = 0\n") == "f:2: dht.group_table_max must be from 1 to 3200");
  CHECK(problem("[dht]\nstore = 'tape'\n") == "f:2: dht.store must be one of disk memory");
}

TEST_CASE("domains: a level is set for what logs, and for nothing else") {
  CHECK(std::ranges::is_sorted(log_names()));
  for (const auto name : log_names()) CHECK(problem("[log.levels]\n" + std::string(name) + " = 'debug'\n").empty());
  CHECK(problem("[log.levels]\nnet = 'debug'\n").starts_with("f:1: log.levels must be a section in which each name"));
}

TEST_CASE("domains: each has a name of its own, and each source of health belongs to one") {
  std::vector<std::string_view> names;
  for (const auto* spec : domains()) names.push_back(spec->name);
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
  const auto sources = health_sources();
  CHECK(std::ranges::find(sources, "dht-republish") != sources.end());
}
