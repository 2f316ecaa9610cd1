#include "runtime/observe/counter_table.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include "messages/dht.capnp.h"
#include "runtime/base/ensure.hpp"
#include "runtime/observe/describe_counters.hpp"

using namespace troupe;
using namespace troupe::observe;
using namespace std::chrono_literals;

namespace {

CounterTable table() {
  return {{"shop_customers", "People in the shop.", MetricType::gauge, 3, "contacts"},
          {"shop_sales_total", "Things sold, by kind.", MetricType::counter, 5, {}, {{"kind", "hat"}}},
          {"shop_sales_total", "Things sold, by kind.", MetricType::counter, 7, "stores", {{"kind", "shoe"}}},
          {{}, {}, MetricType::counter, 11, "searched"},
          {"shop_open_seconds", "Since it opened.", MetricType::gauge, 1'500, {}, {}, CounterUnit::milliseconds}};
}

}  // namespace

TEST_CASE("counters: a table becomes families for /metrics, with the rows of one metric together") {
  const auto seen = families(table());
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].name == "shop_customers");
  CHECK(seen[0].samples == std::vector<Sample>{{{}, std::uint64_t{3}}});
  CHECK(seen[1].help == "Things sold, by kind.");
  CHECK(seen[1].samples ==
        std::vector<Sample>{{{{"kind", "hat"}}, std::uint64_t{5}}, {{{"kind", "shoe"}}, std::uint64_t{7}}});
  CHECK(seen[2].samples == std::vector<Sample>{{{}, base::Duration(1'500ms)}});
  CHECK(exposition(seen).find("shop_open_seconds 1.5") != std::string::npos);
}

TEST_CASE("counters: describe() shows the rows that name a field, and no other") {
  capnp::MallocMessageBuilder message;
  auto state = message.initRoot<dht::wire::DhtState>();
  describe(table(), state);
  CHECK(state.getContacts() == 3);
  CHECK(state.getStores() == 7);
  CHECK(state.getSearched() == 11);
  CHECK(state.getPings() == 0);
}

TEST_CASE("counters: a field that the struct lacks is a broken invariant") {
  capnp::MallocMessageBuilder message;
  auto state = message.initRoot<dht::wire::DhtState>();
  CHECK_THROWS_AS(describe({{{}, {}, MetricType::gauge, 1, "shelves"}}, state), base::InvariantBroken);
}
