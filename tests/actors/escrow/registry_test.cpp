// Who can be drawn: bonds come and go, and where all places are taken a larger bond has one.
#include "actors/escrow/logic/registry.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::escrow;

namespace {

Address arbiter_number(std::uint32_t number) {
  Address out;
  out.bytes[0] = 0xaa;
  for (int i = 0; i < 4; ++i) out.bytes[1 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return out;
}

void joins(Registry& registry, std::uint32_t number, std::uint64_t bond) {
  registry.joining(arbiter_number(number), {1});
  registry.joined(arbiter_number(number), Amount::of(bond), {});
}

/// All places are taken, with bonds of 100; but 5 has 10, and 6 has 20.
Registry full_registry() {
  Registry out{wallet::BookId{}};
  for (std::uint32_t i = 0; i < kArbitersMax; ++i) joins(out, i, i == 5 ? 10 : i == 6 ? 20 : 100);
  return out;
}

bool can_be_drawn(const Registry& registry, std::uint32_t number) {
  for (const Arbiter& one : registry.candidates())
    if (one.address == arbiter_number(number)) return true;
  return false;
}

}  // namespace

TEST_CASE("escrow arbiters: a larger bond takes the place of the smallest, which is paid back") {
  Registry registry = full_registry();
  const std::uint32_t fresh = 5'000;
  CHECK(registry.may_join(arbiter_number(fresh), Amount::of(10)).error() == RegistryError::full);
  REQUIRE(registry.may_join(arbiter_number(fresh), Amount::of(11)).ok());
  joins(registry, fresh, 11);
  CHECK(can_be_drawn(registry, fresh));
  CHECK_FALSE(can_be_drawn(registry, 5));
  CHECK(registry.candidates().size() == kArbitersMax);
  registry.bind();
  REQUIRE(registry.bound());
  CHECK(registry.bound()->credits == std::vector<wallet::Credit>{{arbiter_number(5), Amount::of(10)}});
  CHECK(Registry::decode({}, registry.encode()) == registry);
}

TEST_CASE("escrow arbiters: who is drawn in an open dispute keeps its place") {
  Registry registry = full_registry();
  registry.note({}, arbiter_number(5), ArbiterHow::drawn, {}, {});
  const std::uint32_t fresh = 5'000;
  CHECK(registry.may_join(arbiter_number(fresh), Amount::of(20)).error() == RegistryError::full);
  REQUIRE(registry.may_join(arbiter_number(fresh), Amount::of(21)).ok());
  joins(registry, fresh, 21);
  CHECK(can_be_drawn(registry, 5));
  CHECK_FALSE(can_be_drawn(registry, 6));
}

TEST_CASE("escrow arbiters: a bond that is too small by the time it is posted is paid back itself") {
  Registry registry = full_registry();
  joins(registry, 5'000, 30);
  joins(registry, 5'001, 30);
  REQUIRE_FALSE(can_be_drawn(registry, 6));
  joins(registry, 5'002, 7);
  CHECK_FALSE(can_be_drawn(registry, 5'002));
  CHECK(registry.candidates().size() == kArbitersMax);
  CHECK(registry.owed() == 3);
}
