#pragma once
// Two domains as a scenario names them. Cards of their own: what a file may say is tested apart from what domains do.
#include <array>

#include "apps/sim/scenario_file.hpp"
#include "tests/runtime/config/node_settings.hpp"

namespace troupe::apps {

inline const sim::DomainCard kShopCard{
    .name = "shop",
    .orders = {{"sell", "sells a thing", {{"thing", 0, 63}, {"coins", -5, 1'000'000}}},
               {"visit", "goes to another node", {{"to", 0, sim::kNodesMax - 1, true}}},
               {"count", "counts all things"}},
    .mutants = {{"sells-twice", "one thing to two"}, {"forgets", "what was sold"}},
};
inline const sim::DomainCard kMailCard{
    .name = "mail",
    .orders = {{"send", "sends a letter", {{"to", 0, sim::kNodesMax - 1, true}}}},
    .mutants = {{"lost", "a letter is lost"}},
};
inline constexpr std::array kTestCards{&kShopCard, &kMailCard};

inline const config::Table& test_settings() {
  static const config::Table table = config::test::node_table();
  return table;
}

}  // namespace troupe::apps
