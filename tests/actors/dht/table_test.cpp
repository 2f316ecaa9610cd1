// The view over all buckets.
#include "actors/dht/logic/table.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/actors/dht/contacts.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;
using troupe::test::kStart;

namespace {

/// Random contacts as they would fall into buckets, at most kContactsMax in each.
std::vector<Contact> fill(Table& table, std::size_t offered, base::Random& random) {
  std::vector<Listing> listings(kRanges);
  for (std::size_t i = 0; i < offered; ++i) {
    const auto where = "127.0.0.1:" + std::to_string(1 + i % 65'000);
    // Every fourth lies close to us, so that deep ranges are filled as well.
    const Range deep{static_cast<std::uint8_t>(random.below(kRanges))};
    const Key id = i % 4 == 0 ? random_key(table.own(), deep, random) : random_point(random);
    auto& good = listings[range_of(table.own(), id)->prefix].good;
    const bool listed = std::ranges::count(good, id, &Contact::id) > 0;  // the deepest ranges hold few ids
    if (!listed && good.size() < kContactsMax) good.push_back(contact_at(id, where));
  }
  std::vector<Contact> all;
  for (std::size_t i = 0; i < kRanges; ++i) {
    table.replace(Range{static_cast<std::uint8_t>(i)}, listings[i]);
    all.insert(all.end(), listings[i].good.begin(), listings[i].good.end());
  }
  return all;
}

std::vector<Contact> sorted(std::vector<Contact> all, const Key& key, std::size_t count) {
  std::ranges::sort(all, {}, [&](const Contact& one) { return base::distance(one.id, key); });
  all.resize(std::min(all.size(), count));
  return all;
}

}  // namespace

TEST_CASE("table: closest() gives what sorting all contacts gives") {
  base::Random random{11};
  for (const std::size_t offered : {0, 1, 19, 20, 21, 200, 3'000}) {
    Table table{random_point(random)};
    const auto all = fill(table, offered, random);
    CHECK(table.size() == all.size());
    for (int i = 0; i < 200; ++i) {
      Key key = random_point(random);
      if (i == 0) key = table.own();
      if (i % 3 == 1) key = random_key(table.own(), Range{static_cast<std::uint8_t>(random.below(kRanges))}, random);
      if (i % 7 == 2 && !all.empty()) key = all[random.below(all.size())].id;
      const std::size_t count = random.below(45);
      CHECK(table.closest(key, count) == sorted(all, key, count));
    }
  }
}

TEST_CASE("table: an offer goes to the range of its id, and our own id nowhere") {
  Table table{point(0)};
  CHECK(table.offer(contact(1), Evidence::answered, kStart).value() == Range{0});
  CHECK(table.offer(contact_at(point(1), "127.0.0.1:1"), Evidence::asked_us, kStart).value() == Range{63});
  CHECK(table.offer(contact_at(point(0), "127.0.0.1:2"), Evidence::answered, kStart).error() == OfferError::ourselves);
}

TEST_CASE("table: a bucket is told of a contact again only if something is new") {
  Table table{point(0)};
  CHECK(table.offer(contact(1), Evidence::answered, kStart).ok());
  CHECK(table.offer(contact(1), Evidence::answered, kStart).error() == OfferError::recent);
  table.replace(Range{0}, Listing{{contact(1)}, {}});
  CHECK(table.offer(contact(1), Evidence::asked_us, kStart + 1s).ok());
  CHECK(table.offer(contact(1), Evidence::asked_us, kStart + 2s).error() == OfferError::recent);
  CHECK(table.offer(contact(1), Evidence::answered, kStart + 2s).ok());
  CHECK(table.offer(contact(1), Evidence::answered, kStart + 2s + kTellGap - 1ns).error() == OfferError::recent);
  CHECK(table.offer(contact(1), Evidence::answered, kStart + 2s + kTellGap).ok());

  SUBCASE("an answer after a failure is new") {
    CHECK(table.failed(contact(1)) == Range{0});
    CHECK(table.offer(contact(1), Evidence::answered, kStart + 3s + kTellGap).ok());
  }
  SUBCASE("another address is new") {
    const Contact moved = contact_at(contact(1).id, "127.0.0.1:1");
    CHECK(table.offer(moved, Evidence::answered, kStart + 3s + kTellGap).ok());
  }
  SUBCASE("the failure of a stranger concerns nobody") { CHECK_FALSE(table.failed(contact(2)).has_value()); }
  SUBCASE("silence where a contact is said to be is no failure of it") {
    CHECK_FALSE(table.failed(contact_at(contact(1).id, "127.0.0.1:1")).has_value());
    CHECK(table.offer(contact(1), Evidence::answered, kStart + 3s + kTellGap).error() == OfferError::recent);
  }
}

TEST_CASE("table: who says that it lives elsewhere, ever elsewhere, has its bucket told once in a while") {
  Table table{point(0)};
  table.replace(Range{0}, Listing{{contact(1)}, {}});
  const auto at = [](int port) { return contact_at(contact(1).id, "127.0.0.1:" + std::to_string(port)); };
  const auto told = [&](int port, Evidence evidence, base::Instant now) {
    const auto range = table.offer(at(port), evidence, now);
    table.settled(contact(1).id);
    return range;
  };
  CHECK(told(1, Evidence::asked_us, kStart).ok());
  for (int port = 1; port < 100; ++port)
    CHECK(told(port, Evidence::asked_us, kStart + kTellGap - 1ns).error() == OfferError::recent);
  CHECK(table.offer(contact(1), Evidence::asked_us, kStart + 1s).ok());  // it still lives where it is known
  SUBCASE("sooner if it answers there") {
    CHECK(told(2, Evidence::answered, kStart + 2s).ok());
    CHECK(told(3, Evidence::answered, kStart + 3s).error() == OfferError::recent);
  }
  SUBCASE("sooner if it fails where it is known") {
    CHECK(table.failed(contact(1)) == Range{0});
    CHECK(told(2, Evidence::asked_us, kStart + 2s).ok());
  }
  SUBCASE("again after that time") { CHECK(told(2, Evidence::asked_us, kStart + kTellGap).ok()); }
  SUBCASE("also after its bucket has said what it holds") {
    table.replace(Range{0}, Listing{{contact(1)}, {}});
    CHECK(told(2, Evidence::asked_us, kStart + 2s).error() == OfferError::recent);
  }
}

TEST_CASE("table: who is silent leaves once anybody was heard meanwhile, and not while this node is cut off") {
  Table table{point(0)};
  const Contact other = contact_at(point(1), "127.0.0.1:1");
  Listing listing{{}, {contact(1)}};
  listing.silent = {{contact(1).id, kStart}};
  table.replace(Range{63}, Listing{.good = {other}, .rest = {}, .seen = {kStart}});
  CHECK(table.replace(Range{0}, listing).empty());
  SUBCASE("who answered a ping") {
    table.replace(Range{63}, Listing{.good = {other}, .rest = {}, .seen = {kStart + 1ns}});
    CHECK(table.replace(Range{0}, listing) == std::vector{contact(1).id});
  }
  SUBCASE("who asked us, though nobody needs to know") {
    CHECK(table.offer(other, Evidence::asked_us, kStart).ok());
    CHECK(table.replace(Range{0}, listing).empty());
    CHECK(table.offer(other, Evidence::asked_us, kStart + 1s).error() == OfferError::recent);
    CHECK(table.replace(Range{0}, listing) == std::vector{contact(1).id});
  }
}

TEST_CASE("table: an address group has its limit over all ranges") {
  const auto near = [](unsigned range) {
    return contact_at(point(std::uint64_t{1} << (63 - range)), "192.0.2.1:" + std::to_string(1 + range));
  };
  Table table{point(0)};
  table.replace(Range{0}, Listing{{near(0)}, {}});
  CHECK(table.offer(near(1), Evidence::answered, kStart).ok());
  table.replace(Range{2}, Listing{{}, {near(2)}});
  const auto third = table.offer(near(3), Evidence::answered, kStart);
  REQUIRE_FALSE(third.ok());
  CHECK(third.error() == OfferError::group_full);

  SUBCASE("an offer that was turned down makes room") {
    table.settled(near(1).id);
    table.settled(near(1).id);
    CHECK(table.offer(near(3), Evidence::answered, kStart).ok());
  }
  SUBCASE("an offer that nobody answers makes room in time") {
    CHECK_FALSE(table.offer(near(3), Evidence::answered, kStart + kOfferLife - 1ns).ok());
    CHECK(table.offer(near(3), Evidence::answered, kStart + kOfferLife).ok());
  }
  SUBCASE("an offer that was listed is counted once") {
    table.replace(Range{1}, Listing{{near(1)}, {}});
    CHECK_FALSE(table.offer(near(3), Evidence::answered, kStart).ok());
    table.replace(Range{1}, Listing{});
    CHECK(table.offer(near(3), Evidence::answered, kStart).ok());
  }
  SUBCASE("who moves within its group takes no second place") {
    CHECK(table.offer(contact_at(near(0).id, "192.0.2.9:9"), Evidence::answered, kStart).ok());
  }
}

TEST_CASE("table: addresses that are merely claimed keep nobody out who has answered") {
  const auto near = [](unsigned range) {
    return contact_at(point(std::uint64_t{1} << (63 - range)), "192.0.2.1:" + std::to_string(1 + range));
  };
  Table table{point(0)};
  SUBCASE("as spares") {
    for (unsigned i = 0; i < 3; ++i)
      CHECK(table.replace(Range{static_cast<std::uint8_t>(i)}, Listing{{}, {}, {near(i)}}).empty());
  }
  SUBCASE("as offers under way") {
    for (unsigned i = 0; i < 3; ++i) CHECK(table.offer(near(i), Evidence::asked_us, kStart).ok());
  }
  CHECK(table.offer(near(3), Evidence::asked_us, kStart).error() == OfferError::group_full);
  for (std::uint8_t i = 3; i < 6; ++i) {
    CHECK(table.offer(near(i), Evidence::answered, kStart).ok());
    CHECK(table.replace(Range{i}, Listing{{near(i)}, {}}).empty());
  }
  CHECK(table.offer(near(6), Evidence::answered, kStart).error() == OfferError::group_full);

  // Its bucket has pinged it, and cannot know that its group is full by now.
  CHECK(table.replace(Range{1}, Listing{{near(1)}, {}}) == std::vector{near(1).id});
  CHECK(table.replace(Range{1}, Listing{}).empty());
  CHECK(table.replace(Range{5}, Listing{}).empty());
  CHECK(table.replace(Range{1}, Listing{{near(1)}, {}}).empty());
}

TEST_CASE("table: offers under way are limited") {
  Table table{point(0)};
  for (std::uint64_t i = 0; i < kOffersMax; ++i) CHECK(table.offer(contact(i), Evidence::asked_us, kStart).ok());
  CHECK(table.offer(contact(999), Evidence::asked_us, kStart).error() == OfferError::overloaded);
  CHECK(table.offer(contact(999), Evidence::asked_us, kStart + kOfferLife).ok());
}

TEST_CASE("table: what fails or waits is not handed out") {
  Table table{point(0)};
  table.replace(Range{0}, Listing{{contact(1)}, {contact(2)}});
  CHECK(table.closest(point(0), 20) == std::vector{contact(1)});
  CHECK(table.find(contact(2).id) != nullptr);
  CHECK(table.find(contact(3).id) == nullptr);
  CHECK(table.find(point(0)) == nullptr);
}

TEST_CASE("table: a range is stale after an hour without a search, and only as deep as there are contacts") {
  Table table{point(0)};
  CHECK(table.stale(kStart + 2h).empty());
  table.replace(Range{2}, Listing{{contact_at(point(std::uint64_t{1} << 61), "127.0.0.1:1")}, {}});
  CHECK(table.stale(kStart + 2h) == std::vector{Range{0}, Range{1}, Range{2}});
  table.used(contact(7).id, kStart + 2h);
  CHECK(table.stale(kStart + 2h) == std::vector{Range{1}, Range{2}});
  CHECK(table.stale(kStart + 3h - 1ns) == std::vector{Range{1}, Range{2}});
  CHECK(table.stale(kStart + 3h).size() == 3);
  table.replace(Range{2}, Listing{});
  CHECK(table.stale(kStart + 3h).empty());
}

TEST_CASE("table: a search for ourselves touches the range of the farthest found and all that are nearer") {
  Table table{point(0)};
  table.replace(Range{3}, Listing{{contact_at(point(std::uint64_t{1} << 60), "127.0.0.1:1")}, {}});
  table.used_from(Range{2}, kStart);
  CHECK(table.stale(kStart) == std::vector{Range{0}, Range{1}});
  table.used_from(Range{3}, kStart + 1h);
  CHECK(table.stale(kStart + 1h) == std::vector{Range{0}, Range{1}, Range{2}});
  table.used_from(Range{0}, kStart);  // late news change nothing
  CHECK(table.stale(kStart + 1h) == std::vector{Range{0}, Range{1}, Range{2}});
}

TEST_CASE("table: a range that no search has touched is stale however young the clock is") {
  Table table{point(0)};
  const base::Instant begin{};  // a machine has just started, or a simulation
  table.replace(Range{1}, Listing{{contact_at(point(std::uint64_t{1} << 62), "127.0.0.1:1")}, {}});
  CHECK(table.stale(begin) == std::vector{Range{0}, Range{1}});
  table.used(contact(7).id, begin);
  CHECK(table.stale(begin) == std::vector{Range{1}});
}

TEST_CASE("table: the size of the network follows from how close the neighbours are") {
  base::Random random{3};
  for (const std::size_t nodes : {1, 2, 10, 64, 1'000, 10'000}) {
    std::uint64_t sum = 0;
    constexpr std::uint64_t kTables = troupe::test::rounds(60, 12);
    for (std::uint64_t round = 0; round < kTables; ++round) {
      Table table{random_point(random)};
      std::vector<Listing> listings(kRanges);
      for (std::size_t i = 1; i < nodes; ++i) {
        const Key id = random_point(random);
        auto& good = listings[range_of(table.own(), id)->prefix].good;
        if (good.size() < kContactsMax) good.push_back(contact_at(id, "127.0.0.1:1"));
      }
      for (std::size_t i = 0; i < kRanges; ++i) table.replace(Range{static_cast<std::uint8_t>(i)}, listings[i]);
      sum += table.network_size().nodes;
    }
    MESSAGE("network of " << nodes << ": estimated " << sum / kTables);
    CHECK(sum / kTables >= nodes * 4 / 5);
    CHECK(sum / kTables <= nodes * 5 / 4 + 1);
  }
}

TEST_CASE("density: the estimate holds for few, for none and for neighbours next door") {
  CHECK(estimate_size(point(0), {}).nodes == 1);
  const std::vector<Key> two{point(1), point(2)};
  CHECK(estimate_size(point(0), two).nodes == 3);
  const std::vector<Key> three{point(0), point(0), point(0)};
  CHECK(estimate_size(point(0), three).nodes > std::uint64_t{1} << 62);
  const std::vector<Key> far(3, point(~std::uint64_t{0}));
  CHECK(estimate_size(point(0), far).nodes == 4);
  CHECK(expected_within(point(0), NetworkSize{~std::uint64_t{0}}) == 0);
  CHECK(expected_within(point(std::uint64_t{1} << 63), NetworkSize{100}) == 50);
}
