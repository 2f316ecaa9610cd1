// What a node holds: quotas, and which record makes room.
#include "tests/actors/dht/offers.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;

TEST_CASE("dht held: a full space makes room from its farthest record, for a nearer one alone") {
  HeldLimits limits;
  limits.space_bytes_max[2] = 300;
  Held held = held_with(limits);
  for (const int at : {10, 30, 20}) stored(held, offer(static_cast<std::uint8_t>(at)));
  stored(held, offer(200, 100, Space::kv));
  CHECK(held.use().space_bytes[2] == 300);
  CHECK(refused(held, offer(31)).why == StoreError::no_space);
  CHECK(held.use().records == 4);

  const auto nearer = held.store(offer(15), {}, kWall);
  REQUIRE(nearer.ok());
  CHECK(nearer.value().rows.erase == std::vector<base::Bytes>{row_key(offer(30).place)});
  CHECK(nearer.value().rows.save == std::vector{row_of(offer(15), kWall)});
  CHECK(held.places(Space::cid, {}, 9) ==
        std::vector<RecordKey>{{Space::cid, key(10)}, {Space::cid, key(15)}, {Space::cid, key(20)}});
  CHECK(held.use().evicted == 1);

  SUBCASE("one that is larger than the space") { CHECK(refused(held, offer(1, 301)).why == StoreError::no_space); }
  SUBCASE("one as large as the space") { CHECK(held.store(offer(1, 300), {}, kWall).value().rows.erase.size() == 3); }
  SUBCASE("what has expired goes first, however near") {
    const auto later = held.store(offer(99), {}, kWall + 48h);
    REQUIRE(later.ok());
    CHECK(later.value().rows.erase.size() == 4);
    CHECK(held.use().records == 1);
  }
}

TEST_CASE("dht held: the limits over all spaces are kept too, from the farthest of any space") {
  HeldLimits limits;
  SUBCASE("bytes") { limits.bytes_max = 300; }
  SUBCASE("records") { limits.records_max = 3; }
  Held held = held_with(limits);
  stored(held, offer(10, 100, Space::cid));
  stored(held, offer(30, 100, Space::kv));
  stored(held, offer(20, 100, Space::pk));
  CHECK(stored(held, offer(15)) == StoredAs::added);
  CHECK_FALSE(held.find({Space::kv, key(30)}, kWall));
  CHECK(refused(held, offer(20, 100, Space::kv)).why == StoreError::no_space);  // no farther than the farthest
}

TEST_CASE("dht held: a record pushes out a limited number of others") {
  HeldLimits limits;
  limits.space_bytes_max[2] = 70;
  Held held = held_with(limits);
  for (std::uint8_t i = 0; i < 70; ++i) stored(held, offer(static_cast<std::uint8_t>(100 + i), 1));
  CHECK(refused(held, offer(1, kEvictedMax + 1)).why == StoreError::no_space);
  CHECK(held.use().records == 70);
  CHECK(held.store(offer(1, kEvictedMax), {}, kWall).ok());
  CHECK(held.use().records == 7);
}

TEST_CASE("dht held: a large record takes the room of many that store little, as far as they are farther") {
  HeldLimits limits;
  limits.space_bytes_max[2] = 3'000;
  Held held = held_with(limits);
  for (int i = 0; i < 30; ++i)
    REQUIRE(stored(held, by(key(0xff, i), offer(static_cast<std::uint8_t>(100 + i)))) == StoredAs::added);
  CHECK(refused(held, by(kBob, offer(125, 1'000))).why == StoreError::no_space);
  CHECK(held.use().records == 30);
  CHECK(stored(held, by(kBob, offer(110, 1'000))) == StoredAs::replaced);  // in place of what lay there
  CHECK(held.use().records == 21);
  for (int i = 0; i < 30; ++i)
    CHECK(held.find(offer(static_cast<std::uint8_t>(100 + i)).place, kWall).has_value() == (i <= 20));

  SUBCASE("a limited number of them") {
    limits.space_bytes_max[2] = 70;
    Held crumbs = held_with(limits);
    for (int i = 0; i < 70; ++i) stored(crumbs, by(key(0xff, i), offer(static_cast<std::uint8_t>(100 + i), 1)));
    CHECK(refused(crumbs, by(kBob, offer(1, kEvictedMax + 1))).why == StoreError::no_space);
    CHECK(stored(crumbs, by(kBob, offer(1, kEvictedMax))) == StoredAs::added);
    CHECK(crumbs.use().records == 7);
  }
}

TEST_CASE("dht held: who floods a space with near names pushes out nobody that has stored less") {
  HeldLimits limits;
  limits.space_bytes_max[1] = 4'000;
  Held held = held_with(limits);
  const auto named = [](int storer, int first, int second) {
    Offer what = offer(0, 100, Space::kv);
    what.place.key = key(first, second);
    what.from = key(0xff, storer);
    what.owner = *Owner::from(key(first, second).view());
    return what;
  };
  // Ten nodes with two far records each, and eight that fill the rest with near ones.
  for (int i = 0; i < 10; ++i) {
    REQUIRE(held.store(named(i, 0xf0 + i, 0), {}, kWall).ok());
    REQUIRE(held.store(named(i, 0xe0 + i, 0), {}, kWall).ok());
  }
  for (int i = 0; i < 200; ++i) {
    const auto out = held.store(named(100 + i % 8, 0, 200 - i), {}, kWall);
    if (!out.ok()) CHECK(out.error().why == StoreError::no_space);
  }
  CHECK(held.use().space_bytes[1] == 4'000);
  for (int i = 0; i < 10; ++i) {
    CHECK(held.find({Space::kv, key(0xf0 + i)}, kWall));
    CHECK(held.find({Space::kv, key(0xe0 + i)}, kWall));
  }
  // Who comes late has a place too, however far: of a flooder with more.
  CHECK(held.store(named(50, 0xff, 0), {}, kWall).ok());
  for (int i = 0; i < 10; ++i) CHECK(held.find({Space::kv, key(0xf0 + i)}, kWall));
}

TEST_CASE("dht held: a site with many nodes pushes out nothing of sites that have stored less") {
  HeldLimits limits;
  limits.space_bytes_max[2] = 4'000;
  Held held = held_with(limits);
  const auto put = [&](int storer, int site, const Key& at) {
    Offer what = by(key(0xff, storer), offer(0));
    what.place.key = at;
    what.network = GroupOf{.ten_net = TenNet::network}(
        *base::Endpoint::parse("192.0." + std::to_string(site) + "." + std::to_string(storer) + ":1"));
    return held.store(what, {}, kWall).ok();
  };
  const auto has = [&](const Key& at) { return held.find({Space::cid, at}, kWall).has_value(); };
  // Four nodes, each at its own site, with five far records; at another site a hundred with two near ones each.
  for (int i = 0; i < 20; ++i) REQUIRE(put(i % 4, i % 4, key(0xf0, i)));
  for (int i = 0; i < 200; ++i) put(100 + i % 100, 9, key(0, 200 - i));
  CHECK(held.use().records == 40);
  for (int i = 0; i < 20; ++i) CHECK(has(key(0xf0, i)));

  SUBCASE("of that site the node with most makes room, and the farthest of it") {
    CHECK(put(4, 4, key(0xff)));
    CHECK(has(key(0xff)));
    CHECK(held.use().records == 40);
    for (int i = 0; i < 20; ++i) CHECK(has(key(0xf0, i)));
  }
  SUBCASE("a large one takes the room of several of its nodes, however near and little each has") {
    Offer what = by(key(0xff, 4), offer(0, 1'000));
    what.place.key = key(0xff);
    what.network = GroupOf{.ten_net = TenNet::network}(*base::Endpoint::parse("192.0.4.4:1"));
    CHECK(held.store(what, {}, kWall).ok());
    for (int i = 0; i < 20; ++i) CHECK(has(key(0xf0, i)));
  }
  SUBCASE("a node that moves there takes along what it has stored, and is the first to make room") {
    CHECK_FALSE(put(0, 9, key(0xff)));  // it has most there, and nothing farther
    CHECK(put(4, 4, key(0xfe)));
    for (int i = 0; i < 20; ++i) CHECK(has(key(0xf0, i)) == (i != 16));
  }
}

TEST_CASE("dht held: the nodes of one network have one quota, once it is known that they live there") {
  HeldLimits limits;
  SUBCASE("bytes") { limits.network_bytes_max = 300; }
  SUBCASE("records") { limits.network_records_max = 3; }
  Held held = held_with(limits);
  const auto in = [](const char* at) { return GroupOf{.ten_net = TenNet::network}(*base::Endpoint::parse(at)); };
  const auto put = [&](int storer, int place, const std::optional<Group>& network) {
    Offer what = by(key(0xff, storer), offer(static_cast<std::uint8_t>(place)));
    what.network = network;
    return held.store(what, {}, kWall).ok();
  };
  const Group here = in("192.0.2.1:1"), there = in("198.51.100.1:1");
  CHECK(put(1, 1, in("192.0.2.7:9")));
  CHECK(put(2, 2, here));
  CHECK(put(3, 3, {}));  // nobody knows where it lives
  CHECK(put(4, 4, here));
  CHECK_FALSE(put(5, 5, here));
  CHECK(put(5, 5, there));
  CHECK(put(2, 2, here));        // the same again
  CHECK_FALSE(put(3, 6, here));  // it lives there too
  CHECK(put(3, 6, {}));
  CHECK(put(4, 7, there));  // it has moved, and its record with it
  CHECK(put(6, 8, here));
  CHECK_FALSE(put(6, 9, here));
  held.forget({Space::cid, key(1)});
  CHECK(put(6, 9, here));
  CHECK_FALSE(put(6, 10, here));
}

TEST_CASE("dht held: an owner has its quota, and makes no room with others' records") {
  HeldLimits limits;
  SUBCASE("bytes") { limits.owner_bytes_max = 200; }
  SUBCASE("records") { limits.owner_records_max = 2; }
  Held held = held_with(limits);
  stored(held, offer(10));
  stored(held, offer(11));
  CHECK(refused(held, offer(1)).why == StoreError::owner_full);
  CHECK(held.store(by(kBob, offer(1)), {}, kWall).ok());
  CHECK(stored(held, offer(10)) == StoredAs::refreshed);
  held.forget(offer(11).place);
  CHECK(stored(held, offer(12)) == StoredAs::added);
  CHECK(stored(held, offer(13), kWall + 48h) == StoredAs::added);  // the others have expired
}

TEST_CASE("dht held: a node that stores under many owners has one quota for all of them") {
  HeldLimits limits;
  SUBCASE("bytes") { limits.owner_bytes_max = 200; }
  SUBCASE("records") { limits.owner_records_max = 2; }
  Held held = held_with(limits);
  const auto stored_by = [&](const base::NodeId& from, std::uint8_t owner) {
    Offer what = offer(owner, 100, Space::kv);
    what.owner = *Owner::from(key(owner).view());
    what.from = from;
    return held.store(what, {}, kWall);
  };
  REQUIRE(stored_by(kAnn, 10).ok());
  const auto second = stored_by(kAnn, 11);
  REQUIRE(second.ok());
  CHECK(stored_by(kAnn, 12).error().why == StoreError::owner_full);
  CHECK(stored_by(kAnn, 11).ok());
  CHECK(stored_by(kBob, 12).ok());
  // A store by somebody else does not make it his.
  CHECK(stored_by(kBob, 11).ok());
  CHECK(stored_by(kBob, 13).ok());
  held.forget({Space::kv, key(10)});
  CHECK(stored_by(kAnn, 14).ok());
}
