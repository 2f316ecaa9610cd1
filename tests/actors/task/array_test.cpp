#include "actors/task/logic/array.hpp"

#include <doctest/doctest.h>

#include "tests/actors/task/orders.hpp"

using namespace troupe;
using namespace troupe::task;

TEST_CASE("array: what was written is read back, and nothing else") {
  Array array{.order = large_order(), .members = 3, .made = 2, .closed = true};
  array.order.index.reset();
  const base::Bytes row = array.encode();
  REQUIRE(Array::decode(row).has_value());
  CHECK(*Array::decode(row) == array);
  for (std::size_t cut = 0; cut < row.size(); ++cut) CHECK_FALSE(Array::decode(base::ByteView(row).first(cut)));
  const auto read_with = [&](auto change) {
    Array other = array;
    change(other);
    return Array::decode(other.encode()).has_value();
  };
  CHECK(read_with([](Array& one) { one.made = 3; }));
  CHECK_FALSE(read_with([](Array& one) { one.made = 4; }));
  CHECK_FALSE(read_with([](Array& one) { one.members = 0; }));
  CHECK(read_with([](Array& one) { one.members = kArrayMax; }));
  CHECK_FALSE(read_with([](Array& one) { one.members = kArrayMax + 1; }));
  CHECK_FALSE(read_with([](Array& one) { one.order.index = 1; }));
}

TEST_CASE("array: it grows until all members are made, or it is closed") {
  Array array{.order = small_order(), .members = 2};
  CHECK(array.grows());
  array.made = 1;
  CHECK(array.grows());
  array.closed = true;
  CHECK_FALSE(array.grows());
  array = {.order = small_order(), .members = 2, .made = 2};
  CHECK_FALSE(array.grows());
}

TEST_CASE("array: one whose members could not be kept is refused, by its last one too") {
  Order order = small_order();
  CHECK_FALSE(fault(order, 1));
  CHECK_FALSE(fault(order, kArrayMax));
  CHECK(fault(order, 0));
  CHECK(fault(order, kArrayMax + 1));
  // Nine digits more than the word are not there; the number may be shorter, never longer.
  order.arguments = {std::string(kArgumentsBytesMax - 2, 'x')};
  CHECK_FALSE(fault(order, kArrayMax));
  order.arguments = {std::string(kArgumentsBytesMax - 1, 'x')};
  CHECK(fault(order, kArrayMax));
  order = small_order();
  order.index = 0;
  CHECK(fault(order, 1));
}
