#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "runtime/base/random.hpp"
#include "runtime/base/rate_budget.hpp"
#include "runtime/base/share_places.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace std::chrono_literals;
using base::AddressGroup;
using base::Duration;
using base::Instant;
using Rates = base::RateBudget<int>;
using Shares = base::ShareBudget<int>;
using Stranger = base::User<int>;

namespace {

AddressGroup group(int number) {
  AddressGroup out;
  out.prefix[0] = static_cast<std::uint8_t>(number >> 8);
  out.prefix[1] = static_cast<std::uint8_t>(number);
  return out;
}

Stranger user(int id, int of) { return {id, group(of), false}; }

constexpr auto any_user = [](int) { return true; };

}  // namespace

TEST_CASE("address groups: a /24 or a /48 is a group, an address or a /64 a line, loopback like any other") {
  const auto group_of = [](const char* at) { return base::group_of(*base::Endpoint::parse(at)); };
  const auto line_of = [](const char* at) { return base::line_of(*base::Endpoint::parse(at)); };
  CHECK(group_of("192.0.2.1:1") == group_of("192.0.2.255:9"));
  CHECK(group_of("192.0.2.1:1") != group_of("192.0.3.1:1"));
  CHECK(line_of("192.0.2.1:1") == line_of("192.0.2.1:2"));
  CHECK(line_of("192.0.2.1:1") != line_of("192.0.2.2:1"));
  CHECK(group_of("[2001:db8:1:2::1]:1") == group_of("[2001:db8:1:ffff::9]:1"));
  CHECK(group_of("[2001:db8:1::1]:1") != group_of("[2001:db8:2::1]:1"));
  CHECK(line_of("[2001:db8:1:2::1]:1") == line_of("[2001:db8:1:2:ffff::]:1"));
  CHECK(line_of("[2001:db8:1:2::1]:1") != line_of("[2001:db8:1:3::1]:1"));
  CHECK(group_of("127.0.0.1:1") == group_of("127.0.0.9:2"));
}

TEST_CASE("rate budget: while half is left, one user may take it; then its share binds, and others are served") {
  const Instant now{100s};
  Rates budget({64, 64}, now);
  for (int i = 0; i < 33; ++i) REQUIRE_FALSE(budget.take(user(1, 1), now));
  const auto wait = budget.take(user(1, 1), now);
  REQUIRE(wait);
  CHECK(*wait == 250ms);  // its share is 4 a second
  CHECK_FALSE(budget.take(user(2, 2), now));

  SUBCASE("others of its group share what the group may have") {
    CHECK(budget.take(user(3, 1), now));
    CHECK_FALSE(budget.take(user(1, 1), now + 250ms));
  }
  SUBCASE("the reserve is not for strangers") {
    for (int i = 0; budget.take(user(10 + i, 10 + i), now) == std::nullopt; ++i) REQUIRE(i < 64);
    CHECK_FALSE(budget.take({0, {}, true}, now, 8));
    CHECK(budget.take({0, {}, true}, now, 1));
  }
  SUBCASE("more than there ever is waits for ever, and takes nothing") {
    CHECK(budget.take(user(9, 9), now, 57) == Duration::max());
    CHECK_FALSE(budget.take(user(9, 9), now));
  }
}

TEST_CASE("rate budget: strangers as many as they like neither starve another one nor grow it without end") {
  Instant now{100s};
  Rates budget({16'000, 16'000}, now);
  std::uint64_t granted = 0;
  int honest_waited = 0;
  for (int i = 0; i < static_cast<int>(test::rounds(400'000)); ++i) {
    now = now + 20us;  // 50,000 a second of one group, with as many ids as it likes
    granted += budget.take(user(1'000 + i, 7), now) ? 0 : 1;
    if (i % 1'000 == 0) honest_waited += budget.take(user(1, 1), now) ? 1 : 0;
  }
  CHECK(honest_waited == 0);
  const auto spent = 16'000.0 * std::chrono::duration<double>(now - Instant{100s}).count() + 16'000;
  CHECK(static_cast<double>(granted) <= spent);
  CHECK(budget.users() <= 2 * Rates::kUsersMax);
}

TEST_CASE("share budget: shares bind above half, and the reserve is for reserved users") {
  Shares budget(160);
  CHECK(budget.fits(user(1, 1), 80));
  CHECK_FALSE(budget.fits(user(1, 1), 81));  // its share is 10, of its group 40
  budget.hold(user(1, 1), 80);
  CHECK_FALSE(budget.fits(user(1, 1), 1));
  CHECK_FALSE(budget.fits(user(2, 1), 1));
  CHECK(budget.fits(user(3, 3), 10));
  CHECK_FALSE(budget.fits(user(3, 3), 11));
  for (int i = 0; i < 6; ++i) budget.hold(user(10 + i, 10 + i), 10);
  CHECK_FALSE(budget.fits(user(30, 30), 1));  // the reserve is a twentieth of 160 short of all
  CHECK(budget.fits({0, {}, true}, 20));
  CHECK_FALSE(budget.fits({0, {}, true}, 21));
}

TEST_CASE(
    "share budget: shares bind from where it says, without a reserve if it says so, and of the whole as it is now") {
  Shares budget(160, {.bound_part = 4, .reserve = base::Reserve::none});
  CHECK(budget.fits(user(1, 1), 120));
  CHECK_FALSE(budget.fits(user(1, 1), 121));
  budget.hold(user(1, 1), 120);
  CHECK(budget.fits(user(2, 2), 10));
  CHECK_FALSE(budget.fits(user(2, 2), 11));
  for (int i = 2; i < 6; ++i) budget.hold(user(i, i), 10);
  CHECK(budget.used() == 160);
  CHECK_FALSE(budget.fits(user(6, 6), 1));
  budget.resize(1'600);
  CHECK(budget.fits(user(1, 1), 1'040));
  budget.resize(16);
  CHECK(budget.used() == 160);
  CHECK_FALSE(budget.fits(user(6, 6), 1));
}

TEST_CASE("share budget: the largest user of the largest group makes room, and never for itself") {
  Shares budget(80);
  budget.hold(user(1, 1), 30);
  budget.hold(user(2, 1), 5);
  budget.hold(user(3, 2), 32);
  CHECK(budget.gives_way(user(9, 9), 1, any_user) == 1);  // 35 in group 1, of which 1 has most
  CHECK(budget.gives_way(user(9, 9), 1, [](int id) { return id != 1; }) == 2);
  CHECK(budget.gives_way(user(2, 1), 1, any_user) == 1);
  CHECK_FALSE(budget.gives_way(user(1, 1), 1, any_user));
  CHECK_FALSE(budget.gives_way(user(9, 9), 36, any_user));  // its group would be the largest
  CHECK(budget.gives_way({0, {}, true}, 80, any_user) == 1);
  budget.release(user(1, 1), 30);
  CHECK(budget.held(group(1)) == 5);
  CHECK(budget.gives_way(user(9, 9), 1, any_user) == 3);
  CHECK_THROWS_AS(budget.release(user(2, 1), 6), base::InvariantBroken);

  SUBCASE("of equals the oldest") {
    Shares seats(4);
    for (const int id : {7, 5, 6}) seats.hold(user(id, 1), 1);
    CHECK(seats.gives_way(user(8, 1), 1, any_user) == 5);
    CHECK(seats.gives_way(user(8, 2), 1, any_user) == 5);
  }
  SUBCASE("of groups that hold the same, the one with the oldest user") {
    Shares seats(16);
    for (const int id : {4, 5, 6, 7}) seats.hold(user(id, 10 - id), 1);
    CHECK(seats.gives_way(user(8, 1), 1, any_user) == 4);
    CHECK(seats.largest(any_user) == 4);
    seats.hold(user(9, 4), 1);
    CHECK(seats.largest(any_user) == 6);
    CHECK(seats.largest([](int id) { return id != 6; }) == 9);
    CHECK_FALSE(seats.largest([](int id) { return id < 6; }));
  }
}

TEST_CASE("share budget: what is held is what was held less what was released") {
  base::Random random(11);
  Shares budget(1'000);
  std::vector<std::pair<Stranger, std::uint64_t>> held;
  for (std::uint64_t i = 0; i < test::rounds(50'000); ++i) {
    const Stranger one = user(static_cast<int>(random.below(20)), static_cast<int>(random.below(4)));
    const std::uint64_t amount = random.below(60);
    if (random.chance(1, 3) && !held.empty()) {
      const std::size_t place = random.below(held.size());
      budget.release(held[place].first, held[place].second);
      held[place] = held.back();
      held.pop_back();
      continue;
    }
    if (!budget.fits(one, amount)) {
      const auto gives_way = budget.gives_way(one, amount, any_user);
      if (!gives_way) continue;
      REQUIRE(*gives_way != one.id);
      std::erase_if(held, [&](const auto& other) {
        if (other.first.id == *gives_way) budget.release(other.first, other.second);
        return other.first.id == *gives_way;
      });
      if (!budget.fits(one, amount)) continue;
    }
    budget.hold(one, amount);
    held.emplace_back(one, amount);
    std::uint64_t sum = 0, of_one = 0, of_group = 0;
    for (const auto& [who, bytes] : held) {
      sum += bytes;
      of_one += who.id == one.id ? bytes : 0;
      of_group += who.group == one.group ? bytes : 0;
    }
    REQUIRE(budget.used() == sum);
    REQUIRE(budget.held(one) == of_one);
    REQUIRE(budget.held(one.group) == of_group);
    REQUIRE(sum <= 1'000 - 1'000 / base::kReservePart);
    REQUIRE((sum <= 500 || (of_one <= 1'000 / base::kIdPart && of_group <= 1'000 / base::kGroupPart)));
  }
}

TEST_CASE("share places: a key takes one, whatever its users, and gives it back to who has it, once") {
  base::SharePlaces<std::string, int> places(16);
  for (int i = 0; i < 2; ++i) places.hold("a", user(1, 1));
  places.hold("a", user(2, 2));
  CHECK(places.has("a"));
  CHECK(places.size() == 1);
  CHECK(places.held(user(1, 1)) == 1);
  CHECK(places.held(user(2, 2)) == 0);
  for (int i = 0; i < 13; ++i) places.hold(std::to_string(i), user(3 + i, 3 + i));
  CHECK_FALSE(places.fits(user(20, 20)));  // the rest is for this node
  for (int i = 0; i < 2; ++i) places.release("a");
  CHECK_FALSE(places.has("a"));
  CHECK(places.held(user(1, 1)) == 0);
  CHECK(places.fits(user(20, 20)));
  CHECK(places.holders().size() == 13);
}
