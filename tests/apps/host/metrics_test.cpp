#include "apps/host/metrics.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::apps;
using observe::HealthReason;
using observe::HealthState;

TEST_CASE("metrics: a node is ready while it serves and does not fail") {
  const HealthReason slow{"peers", HealthState::degraded, "no peers"};
  const HealthReason broken{"disk", HealthState::failing, "full"};
  CHECK(ready_page(Stage::serving, {}).status == 200);
  CHECK(ready_page(Stage::serving, {}).text == "ok\n");
  CHECK(ready_page(Stage::serving, {slow}).status == 200);
  CHECK(ready_page(Stage::serving, {slow}).text == "degraded: peers: no peers\n");
  CHECK(ready_page(Stage::serving, {broken, slow}).status == 503);
  CHECK(ready_page(Stage::serving, {broken, slow}).text == "failing: disk: full\ndegraded: peers: no peers\n");
}

TEST_CASE("metrics: a node that starts or drains is not ready, and says which") {
  const HealthReason slow{"peers", HealthState::degraded, "no peers"};
  CHECK(ready_page(Stage::starting, {}).status == 503);
  CHECK(ready_page(Stage::starting, {}).text == "starting\n");
  CHECK(ready_page(Stage::draining, {slow}).status == 503);
  CHECK(ready_page(Stage::draining, {slow}).text == "draining\ndegraded: peers: no peers\n");
}

TEST_CASE("metrics: a reason from outside stays on its line") {
  const HealthReason hostile{"links\nok", HealthState::degraded, "a peer says \x1b[2J\nok\xff"};
  CHECK(ready_page(Stage::serving, {hostile}).text == "degraded: links\\nok: a peer says \\u{1b}[2J\\nok\\xff\n");
}
