// Prints seed, events and hash of small worlds: tools/check compares what it says in several builds and surroundings.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "apps/sim/draw.hpp"
#include "apps/sim/trial.hpp"

int main(int count, char** words) {
  using namespace troupe;
  for (int i = 1; i < count; ++i) {
    const std::uint64_t seed = std::strtoull(words[i], nullptr, 10);
    for (const std::vector<std::string>& domains : {std::vector<std::string>{"peers", "files"}, {"dht"}}) {
      const sim::Scenario scenario = apps::draw(
          seed, {.domains = domains, .weather = apps::Weather::storm, .nodes = 3, .time = std::chrono::seconds(10)});
      const apps::Outcome outcome = apps::Trial(scenario).run();
      std::cout << seed << ' ' << domains.back() << ' ' << outcome.events << ' ' << std::hex << outcome.hash << std::dec
                << ' ' << outcome.invariant << '\n';
    }
  }
}
