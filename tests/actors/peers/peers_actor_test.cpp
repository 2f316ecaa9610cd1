#include "tests/actors/peers/peers_fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

TEST_CASE("peers actor: it joins through a seed, pings it, and asks it for contacts") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.home(2);
  fixture.home(3);
  fixture.others.friends = {2, 3};
  fixture.open({fixture.home(1)});
  fixture.pass(1s);
  CHECK(fixture.links.dials.front().second == endpoint_of(1).text());
  CHECK(fixture.links.up.size() == 3);
  CHECK(fixture.others.pings[1] == 1);
  CHECK(fixture.others.questions[1] >= 1);
  CHECK(fixture.lines().at(id_of(3)).state == PeerState::HEALTHY);
  CHECK(fixture.reason("peers").empty());
}

TEST_CASE("peers actor: a seed that does not answer is tried again, and its absence is shown") {
  Rows rows;
  PeersFixture fixture(rows);
  const Target seed = fixture.home(1);
  fixture.links.homes.clear();
  fixture.open({seed});
  fixture.pass(kGrace - 1s);
  CHECK(fixture.reason("peers").empty());
  fixture.pass(1s);
  const std::string at = seed.text();
  const std::string silence = "no answer from " + at + ": no node answers at " + at;
  CHECK(fixture.reason("peers") == "0 healthy peers of at least 1; " + silence);
  CHECK(fixture.logged ==
        std::vector<std::string>{"peers: cannot join yet address=" + at + " why=\"no node answers at " + at + '"'});
  const auto& dials = fixture.links.dials;
  REQUIRE(dials.size() >= 3);
  const base::Duration first = dials[1].first - dials[0].first, second = dials[2].first - dials[1].first;
  CHECK(first >= kSeedRetryMin * 9 / 10);
  CHECK(second >= first * 3 / 2);

  SUBCASE("until it does") {
    fixture.home(1);
    fixture.pass(20s);
    CHECK(fixture.links.up.contains(1));
    CHECK(fixture.reason("peers").empty());
    fixture.in("/links", fixture.links, [&] { fixture.links.tell_down(1); });
    fixture.links.homes.clear();
    fixture.pass(kGrace);
    CHECK(fixture.reason("peers").starts_with("0 healthy peers of at least 1; missing: " + id_of(1).hex()));
  }
  SUBCASE("and told of again once a minute, however often it was tried") {
    fixture.pass(45s);
    CHECK(fixture.logged.size() == 1);
    fixture.pass(2min);
    CHECK(fixture.logged.size() == 3);
    CHECK(dials.size() > 5);
  }
  SUBCASE("but never again once it turns out to be this node itself") {
    fixture.links.failure = Code::conflict;
    fixture.pass(20s);
    const std::size_t so_far = dials.size();
    fixture.pass(1h);
    CHECK(dials.size() == so_far);
  }
}

TEST_CASE("peers actor: a seed that turns us away is named so, and others that are silent are counted") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.links.failure = Code::refused;
  fixture.open({*Target::parse("10.1.1.1:1"), *Target::parse("10.1.1.2:1")});
  fixture.pass(kGrace);
  CHECK(fixture.reason("peers") ==
        "0 healthy peers of at least 1; turned away by 10.1.1.1:1: no node answers at 10.1.1.1:1"
        ", and 1 more seeds");
  CHECK(fixture.logged.size() == 2);
}

TEST_CASE("peers actor: a node without seeds is well alone, and degraded once it has lost its peers") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.pass(5min);
  CHECK(fixture.health.reasons().empty());
  std::vector<std::string> told;
  fixture.health.on_change([&](const observe::HealthReason& reason) { told.push_back(reason.text); });
  fixture.dials_us(1);
  fixture.dials_us(2);
  fixture.pass(5min);
  CHECK(told.empty());
  fixture.in("/links", fixture.links, [&] { fixture.links.tell_down(1); });
  CHECK(fixture.reason("peers").empty());  // it may be back in a moment
  fixture.pass(kGrace);
  const std::string forget = " (to stop expecting a peer: troupe peers forget ID)";
  CHECK(fixture.reason("peers") == "1 healthy peers of at least 2; missing: " + id_of(1).hex() + forget);
  fixture.in("/links", fixture.links, [&] { fixture.links.tell_down(2); });
  CHECK(fixture.reason("peers").starts_with("0 healthy peers of at least 2; missing: "));
  fixture.pass(2h);
  CHECK(fixture.reason("peers") == "0 healthy peers of at least 1");
  fixture.dials_us(1);
  CHECK(fixture.reason("peers").empty());
}

TEST_CASE("peers actor: a second incarnation dials the peers of the first, without any seed") {
  Rows rows;
  {
    PeersFixture fixture(rows);
    fixture.open();
    for (const std::uint32_t number : {1, 2, 3, 4}) fixture.dials_us(number);
    CHECK(fixture.connect(fixture.home(5).text()) == std::nullopt);
    fixture.pass(1s);
    REQUIRE(stored(rows, 1).has_value());
    CHECK(stored(rows, 1)->contact == contact_of(1));  // as its Pong said
    CHECK_FALSE(stored(rows, 1)->proven());
    CHECK(stored(rows, 5)->proven());
    CHECK(rows.size() == 5);
  }
  rows[{1, 2, 3}] = {9};              // a key that is no id
  rows[base::Bytes(20, 0xee)] = {9};  // a row that cannot be read
  const auto before = rows.size();
  PeersFixture fixture(rows, 2);
  for (const std::uint32_t number : {1, 2, 3, 4, 5}) fixture.home(number);
  fixture.open();
  fixture.pass(60s);
  CHECK(fixture.links.up.size() == 5);
  CHECK(rows.size() == before - 1);
  CHECK_FALSE(rows.contains(base::Bytes(20, 0xee)));
  CHECK(stored(rows, 1)->proven());
}

TEST_CASE("peers actor: a store that cannot be read delays the start and does not prevent it") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.store.scans_failing = 1;
  SUBCASE("a second try finds the rows") {
    rows[key_bytes(1)] = peers::encode({.id = id_of(1), .contact = contact_of(1)}, {});
    fixture.home(1);
    fixture.open();
    CHECK(fixture.reason("peers.store") == "known peers cannot be read: no device");
    CHECK(fixture.connect("10.1.1.1:1")->code == Code::unavailable);
    CHECK(fixture.links.dials.empty());
    fixture.pass(store::kRetryMin + 1s);
    CHECK(fixture.links.up.contains(1));
    CHECK(fixture.reason("peers.store").empty());
  }
  SUBCASE("after half a minute the node starts without them, and says so") {
    fixture.store.scans_failing = 100;
    fixture.open({fixture.home(1)});
    fixture.pass(store::kLoadPatience);
    CHECK(fixture.links.up.contains(1));
    fixture.pass(1s);
    CHECK(fixture.reason("peers.store").empty());  // a row was written since
  }
}

TEST_CASE("peers actor: a failed write is tried again with what has changed since") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.store.commits_failing = 1;
  fixture.dials_us(1);
  fixture.dials_us(2);
  CHECK(rows.empty());
  CHECK(fixture.store.commits == 1);
  CHECK(fixture.reason("peers.store") == "known peers cannot be saved: the disk is full");
  CHECK(fixture.lines().size() == 2);
  fixture.pass(store::kRetryMin);
  CHECK(rows.size() == 2);
  CHECK(fixture.reason("peers.store").empty());
}

TEST_CASE("peers actor: useless rows are erased, however many there are") {
  Rows rows;
  for (std::uint32_t number = 1; number <= kRowsWaitingMax + 50; ++number) rows[key_bytes(number)] = {9};
  PeersFixture fixture(rows);
  fixture.store.slice_max = 256;
  fixture.open();
  CHECK(rows.empty());
}

TEST_CASE("peers actor: one commit is under way at a time, and an end takes the rest along") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.store.silent = true;
  fixture.dials_us(1);
  for (std::uint32_t number = 2; number <= 30; ++number) fixture.dials_us(number);
  CHECK(fixture.store.commits == 1);
  fixture.store.silent = false;
  fixture.close();
  CHECK(fixture.store.commits == 2);
  CHECK(rows.size() >= 29);
}

TEST_CASE("peers actor: a link that is lost is dialled again") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open({fixture.home(1)});
  fixture.pass(1s);
  fixture.in("/links", fixture.links, [&] { fixture.links.tell_down(1); });
  CHECK(fixture.lines().at(id_of(1)).state == PeerState::KNOWN);
  fixture.pass(10s);
  CHECK(fixture.links.up.contains(1));
}

TEST_CASE("peers actor: links that were not told are found at the next FollowLinks") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  CHECK(fixture.links.follows == 1);
  fixture.links.up[3] = false;  // came up while `/links` had forgotten its followers
  fixture.pass(kFollowAgain + 1s);
  CHECK(fixture.lines().at(id_of(3)).state == PeerState::HEALTHY);
  fixture.pass(kFollowAgain);
  CHECK(fixture.links.follows == 3);
}

TEST_CASE("peers actor: nonsense from `/links` breaks nothing") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.actors.inside([&](Scripted& self) {
    self.tell<net::wire::LinkDown>(fixture.peers, [](auto) {});
    self.tell<net::wire::LinkUp>(fixture.peers, [](net::wire::LinkUp::Builder up) {
      write(up.initContact(), {key_of(1), kNoWork, endpoint_of(1)});
    });
  });
  CHECK(fixture.actors.node.dead_letters(runtime::DeadLetter::refused) == 2);
  CHECK(fixture.lines().empty());
}
