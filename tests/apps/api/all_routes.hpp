#pragma once
// The routes of the program under test.
#include "apps/api/routes.hpp"
#include "apps/commands.hpp"

namespace troupe::test {

inline const apps::api::Routes& all_routes() {
  static const apps::Commands table = apps::commands();
  static const apps::api::Routes out(table);
  return out;
}

}  // namespace troupe::test
