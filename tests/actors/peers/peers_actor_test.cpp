#include "tests/actors/peers/house.hpp"

using namespace troupe;
using namespace troupe::peers;

TEST_CASE("peers actor: it joins through a seed, pings it, and asks it whom it knows") {
  Rows rows;
  House house(rows);
  house.home(2);
  house.home(3);
  house.others.friends = {2, 3};
  house.open({house.home(1)});
  house.pass(1s);
  CHECK(house.links.dials.front().second == endpoint_of(1).text());
  CHECK(house.links.up.size() == 3);
  CHECK(house.others.pings[1] == 1);
  CHECK(house.others.questions[1] >= 1);
  CHECK(house.lines().at(id_of(3)).state == PeerState::HEALTHY);
  CHECK(house.reason("peers").empty());
}

TEST_CASE("peers actor: a seed that does not answer is tried again, and its absence is shown") {
  Rows rows;
  House house(rows);
  const Target seed = house.home(1);
  house.links.homes.clear();
  house.open({seed});
  house.pass(10s);
  const std::string at = seed.text();
  const std::string silence = "no answer from " + at + ": nobody answers at " + at;
  CHECK(house.reason("peers") == "0 healthy peers of at least 1; " + silence);
  CHECK(house.logged ==
        std::vector<std::string>{"peers: cannot join address=" + at + " why=\"nobody answers at " + at + '"'});
  const auto& dials = house.links.dials;
  REQUIRE(dials.size() >= 3);
  const base::Duration first = dials[1].first - dials[0].first, second = dials[2].first - dials[1].first;
  CHECK(first >= kSeedRetryMin * 9 / 10);
  CHECK(second >= first * 3 / 2);

  SUBCASE("until it does") {
    house.home(1);
    house.pass(20s);
    CHECK(house.links.up.contains(1));
    CHECK(house.reason("peers").empty());
    house.in("/links", house.links, [&] { house.links.tell_down(1); });
    CHECK(house.reason("peers") == "0 healthy peers of at least 1");
  }
  SUBCASE("and told of again once a minute, however often it was tried") {
    house.pass(45s);
    CHECK(house.logged.size() == 1);
    house.pass(2min);
    CHECK(house.logged.size() == 3);
    CHECK(dials.size() > 5);
  }
  SUBCASE("but never again once it turns out to be this node itself") {
    house.links.failure = Code::conflict;
    house.pass(20s);
    const std::size_t so_far = dials.size();
    house.pass(1h);
    CHECK(dials.size() == so_far);
  }
}

TEST_CASE("peers actor: a seed that turns us away is named so, and others that are silent are counted") {
  Rows rows;
  House house(rows);
  house.links.failure = Code::refused;
  house.open({*Target::parse("10.1.1.1:1"), *Target::parse("10.1.1.2:1")});
  CHECK(house.reason("peers") ==
        "0 healthy peers of at least 1; turned away by 10.1.1.1:1: nobody answers at 10.1.1.1:1"
        ", and 1 more like it");
  CHECK(house.logged.size() == 2);
}

TEST_CASE("peers actor: a node that joins nobody is well alone, and is not once it had peers and has none") {
  Rows rows;
  House house(rows);
  house.open();
  house.pass(5min);
  CHECK(house.health.reasons().empty());
  std::vector<std::string> told;
  house.health.on_change([&](const observe::HealthReason& reason) { told.push_back(reason.text); });
  house.dials_us(1);
  house.dials_us(2);
  house.pass(5min);
  CHECK(told.empty());
  house.in("/links", house.links, [&] { house.links.tell_down(1); });
  CHECK(house.reason("peers") == "1 healthy peers of at least 2");
  house.in("/links", house.links, [&] { house.links.tell_down(2); });
  CHECK(house.reason("peers") == "0 healthy peers of at least 2");
  house.pass(2h);
  CHECK(house.reason("peers") == "0 healthy peers of at least 1");
  house.dials_us(1);
  CHECK(house.reason("peers").empty());
}

TEST_CASE("peers actor: a second incarnation dials whom the first one knew, without any seed") {
  Rows rows;
  {
    House house(rows);
    house.open();
    for (const std::uint32_t number : {1, 2, 3, 4}) house.dials_us(number);
    CHECK(house.connect(house.home(5).text()) == std::nullopt);
    house.pass(1s);
    REQUIRE(stored(rows, 1).has_value());
    CHECK(stored(rows, 1)->contact == contact_of(1));  // as its Pong said
    CHECK_FALSE(stored(rows, 1)->proven());
    CHECK(stored(rows, 5)->proven());
    CHECK(rows.size() == 5);
  }
  rows[{1, 2, 3}] = {9};              // a key that nobody writes
  rows[base::Bytes(20, 0xee)] = {9};  // a row that nobody reads
  const auto before = rows.size();
  House house(rows, 2);
  for (const std::uint32_t number : {1, 2, 3, 4, 5}) house.home(number);
  house.open();
  house.pass(60s);
  CHECK(house.links.up.size() == 5);
  CHECK(rows.size() == before - 1);
  CHECK_FALSE(rows.contains(base::Bytes(20, 0xee)));
  CHECK(stored(rows, 1)->proven());
}

TEST_CASE("peers actor: a store that cannot be read delays the start and does not prevent it") {
  Rows rows;
  House house(rows);
  house.store.scans_failing = 1;
  SUBCASE("a second try finds the rows") {
    rows[key_bytes(1)] = peers::encode({.id = id_of(1), .contact = contact_of(1)}, {});
    house.home(1);
    house.open();
    CHECK(house.reason("peers.store") == "known peers are not read: no device");
    CHECK(house.connect("10.1.1.1:1")->code == Code::unavailable);
    CHECK(house.links.dials.empty());
    house.pass(kStoreAgain + 1s);
    CHECK(house.links.up.contains(1));
    CHECK(house.reason("peers.store").empty());
  }
  SUBCASE("after the last try the node starts without them, and says so") {
    house.store.scans_failing = kLoadTriesMax;
    house.open({house.home(1)});
    house.pass(kStoreAgain * kLoadTriesMax - 1s);
    CHECK(house.links.up.contains(1));
    house.pass(1s);
    CHECK(house.reason("peers.store").empty());  // a row was written since
  }
}

TEST_CASE("peers actor: a failed write is tried again with what has changed since") {
  Rows rows;
  House house(rows);
  house.open();
  house.store.commits_failing = 1;
  house.dials_us(1);
  house.pass(1s);
  house.dials_us(2);
  house.pass(1s);
  CHECK(rows.empty());
  CHECK(house.store.commits == 1);
  CHECK(house.reason("peers.store") == "known peers are not saved: the disk is full");
  CHECK(house.lines().size() == 2);
  house.pass(kStoreAgain);
  CHECK(rows.size() == 2);
  CHECK(house.reason("peers.store").empty());
}

TEST_CASE("peers actor: more useless rows than may wait stay in the store, until the next start") {
  Rows rows;
  for (std::uint32_t number = 1; number <= kRowsWaitingMax + 50; ++number) rows[key_bytes(number)] = {9};
  House house(rows);
  house.store.slice_max = kSliceRows;
  house.open();
  CHECK(rows.size() == 50);
  CHECK(house.store.commits == (kRowsWaitingMax + kSliceRows - 1) / kSliceRows);
}

TEST_CASE("peers actor: one commit is under way at a time, and an end takes the rest along") {
  Rows rows;
  House house(rows);
  house.open();
  house.store.silent = true;
  house.dials_us(1);
  for (std::uint32_t number = 2; number <= 30; ++number) house.dials_us(number);
  CHECK(house.store.commits == 1);
  house.store.silent = false;
  house.close();
  CHECK(house.store.commits == 2);
  CHECK(rows.size() >= 29);
}

TEST_CASE("peers actor: a link that is lost is dialled again") {
  Rows rows;
  House house(rows);
  house.open({house.home(1)});
  house.pass(1s);
  house.in("/links", house.links, [&] { house.links.tell_down(1); });
  CHECK(house.lines().at(id_of(1)).state == PeerState::KNOWN);
  house.pass(10s);
  CHECK(house.links.up.contains(1));
}

TEST_CASE("peers actor: links that were told to nobody are found at the next turn") {
  Rows rows;
  House house(rows);
  house.open();
  CHECK(house.links.follows == 1);
  house.links.up[3] = false;  // came up while `/links` had forgotten its followers
  house.pass(kFollowAgain + 1s);
  CHECK(house.lines().at(id_of(3)).state == PeerState::HEALTHY);
  house.pass(kFollowAgain);
  CHECK(house.links.follows == 3);
}

TEST_CASE("peers actor: nonsense from `/links` breaks nothing") {
  Rows rows;
  House house(rows);
  house.open();
  house.theatre.inside([&](Scripted& self) {
    self.tell<net::wire::LinkDown>(house.peers, [](auto) {});
    self.tell<net::wire::LinkUp>(house.peers, [](net::wire::LinkUp::Builder up) {
      write(up.initContact(), {key_of(1), kNoWork, endpoint_of(1)});
    });
  });
  CHECK(house.theatre.node.dead_letters(runtime::DeadLetter::refused) == 2);
  CHECK(house.lines().empty());
}
