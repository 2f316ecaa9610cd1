#pragma once
// Nodes that are real processes and know each other.
#include "tests/cluster/program.hpp"

namespace troupe::test {

/// `size` nodes, of which each has all others in its table, and so is linked to them.
class Cluster {
 public:
  /// `options` are those of each node.
  explicit Cluster(std::size_t size, std::vector<std::string> its_options = {}) : options(std::move(its_options)) {
    for (std::size_t i = 0; i < size; ++i) {
      std::vector<std::string> more = options;
      if (i > 0) more.insert(more.end(), {"--join", nodes.front()->id + '@' + nodes.front()->at});
      nodes.push_back(std::make_unique<NodeProgram>(folder, "n" + std::to_string(i), more));
      REQUIRE(nodes.back()->ready());
    }
    for (std::size_t i = 0; i < size; ++i) REQUIRE(knows(i, size - 1));
  }
  bool knows(std::size_t node, std::size_t others) {
    return until([&] {
      const std::string table = run(node, {"dht", "table", "--json"}).out;
      std::size_t found = 0;
      for (auto at = table.find("\"node\":"); at != std::string::npos; at = table.find("\"node\":", at + 1)) ++found;
      return found >= others;
    });
  }
  Seen run(std::size_t node, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", nodes[node]->data});
    return troupe::test::troupe(folder, arguments);
  }
  void kill(std::size_t node) {
    nodes[node]->kill(SIGKILL);
    nodes[node]->wait();
  }
  /// In the directory that it had, and told of no other node.
  void restart(std::size_t node) {
    const std::string name = "n" + std::to_string(node);
    nodes[node].reset();
    nodes[node] = std::make_unique<NodeProgram>(folder, name, options);
    REQUIRE(nodes[node]->ready());
  }

  const Folder folder;
  const std::vector<std::string> options;
  std::vector<std::unique_ptr<NodeProgram>> nodes;  // after the folder: they end before it goes
};

inline std::string line(const Seen& seen) {
  REQUIRE(seen.out.ends_with('\n'));
  return seen.out.substr(0, seen.out.size() - 1);
}

}  // namespace troupe::test
