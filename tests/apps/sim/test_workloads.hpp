#pragma once
// Two domains as a scenario names them. Specs of their own: what a file may say is tested apart from what domains do.
#include <array>

#include "apps/sim/scenario_file.hpp"
#include "tests/runtime/config/node_settings.hpp"

namespace troupe::apps {

inline const sim::WorkloadSpec kShopWorkload{
    .name = "shop",
    .operations = {{"sell", "sells a thing", {{"thing", 0, 63}, {"coins", -5, 1'000'000}}},
                   {"visit", "goes to another node", {{"to", 0, sim::kNodesMax - 1, true}}},
                   {"count", "counts all things"}},
    .mutants = {{"sells-twice", "one thing to two"}, {"forgets", "what was sold"}},
};
inline const sim::WorkloadSpec kMailWorkload{
    .name = "mail",
    .operations = {{"send", "sends a letter", {{"to", 0, sim::kNodesMax - 1, true}}}},
    .mutants = {{"lost", "a letter is lost"}},
};
inline constexpr std::array kTestWorkloads{&kShopWorkload, &kMailWorkload};

inline const config::Table& test_settings() {
  static const config::Table table = config::test::node_table();
  return table;
}

}  // namespace troupe::apps
