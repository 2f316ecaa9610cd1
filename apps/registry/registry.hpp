#pragma once
// The commands of `troupe registry`; registry.cpp names them all.
#include <optional>
#include <string>
#include <vector>

#include "actors/registry/codec.hpp"
#include "apps/cli/client.hpp"
#include "apps/cli/command.hpp"

namespace troupe::apps {

Ending registry_list(const Invocation& invocation, Console& console);
Ending registry_view(const Invocation& invocation, Console& console);
Ending registry_register(const Invocation& invocation, Console& console);
Ending registry_unregister(const Invocation& invocation, Console& console);

namespace registries {

/// A node in a list.
struct Row : registry::Listed {
  int reputation = 0;  ///< in points, by the asked node's records
};

/// All nodes, by id; `asked` and `answered` count the watchers.
struct Listed {
  std::vector<Row> rows;
  std::uint64_t asked = 0, answered = 0;
};
Client::Outcome<Listed> list_nodes(Client& client);

/// Returns "cpu 2, memory 4 GiB, gpu".
std::string capabilities_text(const registry::Capabilities& all);

}  // namespace registries
}  // namespace troupe::apps
