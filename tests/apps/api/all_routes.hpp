#pragma once
// The commands and routes of the program under test.
#include "apps/api/routes.hpp"
#include "apps/commands.hpp"

namespace troupe::test {

inline const apps::Commands& all_commands() {
  static const apps::Commands table = apps::commands();
  return table;
}
inline const apps::api::Routes& all_routes() {
  static const apps::api::Routes out(all_commands());
  return out;
}

}  // namespace troupe::test
