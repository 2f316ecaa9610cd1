#include "actors/chain/logic/places.hpp"

#include <doctest/doctest.h>

using namespace troupe;
using namespace troupe::chain;

namespace {

constexpr std::size_t kMost = 50;

Placed at(int group, int number, bool dialled = false) {
  Placed out;
  out.dialled = dialled;
  out.id.bytes[0] = static_cast<std::uint8_t>(group);
  out.id.bytes[1] = static_cast<std::uint8_t>(number);
  out.group.prefix[0] = static_cast<std::uint8_t>(group);
  return out;
}

/// The places as they are once all of these have come, one after another.
void come(std::vector<Placed>& places, const Placed& newcomer) {
  const auto whose = place_for(newcomer, places, kMost);
  if (!whose) return;
  std::erase_if(places, [&](const Placed& one) { return one.id == *whose; });
  places.push_back(newcomer);
}
std::ptrdiff_t of(const std::vector<Placed>& places, int group) {
  return std::ranges::count(places, at(group, 0).group, &Placed::group);
}

}  // namespace

TEST_CASE("places: ids of one group take no place away from others") {
  std::vector<Placed> places;
  for (int i = 0; i < 100; ++i) come(places, at(1, i));
  CHECK(places.size() == 44);
  for (int group = 2; group < 12; ++group) come(places, at(group, 0));
  CHECK(places.size() == 44);
  for (int group = 2; group < 12; ++group) CHECK(of(places, group) == 1);
  SUBCASE("and do not come back") {
    for (int i = 0; i < 100; ++i) CHECK_FALSE(place_for(at(1, 100 + i), places, kMost).has_value());
  }
}

TEST_CASE("places: groups that want more than there is come to rest") {
  std::vector<Placed> places;
  for (int i = 0; i < 60; ++i)
    for (int group = 1; group < 8; ++group) come(places, at(group, i));
  for (int group = 1; group < 8; ++group) {
    CHECK(of(places, group) >= 6);
    CHECK(of(places, group) <= 7);
    CHECK_FALSE(place_for(at(group, 99), places, kMost).has_value());
  }
}

TEST_CASE("places: who was dialled has a place that no other takes") {
  std::vector<Placed> places;
  for (int i = 0; i < 60; ++i) come(places, at(1 + i % 2, i));
  CHECK(places.size() == 44);
  for (int i = 0; i < 10; ++i) {
    come(places, at(3, i, true));
    CHECK(places.size() == static_cast<std::size_t>(std::min(45 + i, 50)));
    CHECK(of(places, 3) == i + 1);
  }
  for (int group = 4; group < 60; ++group) come(places, at(group, 0));
  CHECK(of(places, 3) == 10);
  CHECK(places.size() == 50);
}
