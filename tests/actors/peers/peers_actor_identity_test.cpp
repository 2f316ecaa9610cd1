// Two running nodes with one identity, and wrong clocks: what peers say of them, and what health shows.
#include "tests/actors/peers/peers_fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

namespace {

std::uint32_t date(PeersFixture& fixture, std::chrono::seconds ahead) {
  const std::int64_t now = base::unix_seconds(fixture.actors.ports.world().clock.wall());
  return static_cast<std::uint32_t>(now + ahead.count());
}

/// Where the answering node knew that peer before, as a Pong says; not dialable: it says nothing.
base::Endpoint before(PeersFixture& fixture, const Contact& peer) {
  const auto answer = fixture.hear<peers::wire::Ping>(1, Role::peer, [&](auto ping) { write(ping.initSelf(), peer); });
  runtime::Envelope::Reading<peers::wire::Pong> reading(answer);
  base::Endpoint out;
  out.address = base::from_words(reading.root().getBefore0(), reading.root().getBefore1());
  out.port = reading.root().getBeforePort();
  return out;
}

}  // namespace

TEST_CASE("peers actor: health names the clock that is wrong, until it is right") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.others.dates = {{1, date(fixture, 0s)}, {2, date(fixture, 24h)}};
  fixture.dials_us(1);
  CHECK(fixture.reason("peers.dates").empty());
  fixture.dials_us(2);
  CHECK(fixture.reason("peers.dates") == "the date of node " + id_of(2).hex() +
                                             " is 24 h ahead of the date of this node, " + id_of(kSelf).hex() +
                                             ": set the clock of that machine");
  fixture.others.dates[1] = date(fixture, 24h + 2min);
  fixture.pass(2min);
  CHECK(fixture.reason("peers.dates") == "the date of this node, " + id_of(kSelf).hex() +
                                             ", is 24 h behind the dates of 2 of 2 linked nodes, such as " +
                                             id_of(1).hex() + ": set the clock of this machine");
  for (int i = 0; i < 6; ++i) {
    for (const std::uint32_t number : {1, 2}) fixture.others.dates[number] = date(fixture, 10s);
    fixture.pass(20s);
  }
  CHECK(fixture.reason("peers.dates").empty());
}

TEST_CASE("peers actor: health says that peers do not agree on the address of this node, until they do") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.own = *base::Endpoint::parse("0.0.0.0:4000");
  fixture.open();
  const auto seen_by = [&](std::uint32_t number) {
    fixture.hear<peers::wire::Ping>(number, Role::peer, [&](auto ping) {
      write(ping.initSelf(), contact_of(number));
      ping.setSeen(data_of(base::Endpoint::parse("9.9.9.9:777")->address));
    });
  };
  fixture.pass(6min);
  CHECK(fixture.reason("peers.address").empty());  // it has no peers
  fixture.dials_us(1);
  seen_by(1);
  fixture.pass(4min);
  CHECK(fixture.reason("peers.address").empty());
  fixture.pass(2min);
  CHECK(fixture.reason("peers.address") ==
        "this node listens at 0.0.0.0:4000, and its peers do not agree on its address, so other nodes store no DHT "
        "records at it: start it with --advertise HOST:PORT");
  fixture.dials_us(4);
  seen_by(4);
  fixture.pass(2min);
  CHECK(fixture.reason("peers.address").empty());
}

TEST_CASE("peers actor: a pong says where its receiver was known before") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.dials_us(1);
  Contact copy = contact_of(1);
  copy.endpoint.port += 1;
  CHECK_FALSE(before(fixture, contact_of(1)).dialable());
  CHECK(before(fixture, copy) == contact_of(1).endpoint);
  CHECK(before(fixture, contact_of(1)) == copy.endpoint);
}

TEST_CASE("peers actor: a pong says where its receiver was before, whoever pinged first") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.dials_us(1);
  Contact copy = contact_of(1);
  copy.endpoint.port += 1;
  CHECK(before(fixture, copy) == contact_of(1).endpoint);
  // Its address is known now, as it would be by the answer to a ping of this node.
  CHECK(before(fixture, copy) == contact_of(1).endpoint);
}

TEST_CASE("peers actor: a node finds another node with its identity, and notifies its peers") {
  Rows rows;
  PeersFixture fixture(rows);
  const base::Endpoint other = endpoint_of(40);
  fixture.others.before[1] = other;
  fixture.open();
  fixture.dials_us(1);
  fixture.dials_us(2);
  REQUIRE(fixture.links.dials.size() == 1);
  CHECK(fixture.links.dials[0].second == other.text());
  CHECK(fixture.reason("peers.identity").empty());

  fixture.met = fixture.actors.node.world().clock.now();
  fixture.actors.inside([&](Scripted& self) {
    self.tell<net::wire::NotThere>(fixture.peers, [&](net::wire::NotThere::Builder out) {
      write(out.initContact(), Contact{key_of(kSelf), 7, other});
      out.setMet(Met::OURSELVES);
    });
  });
  fixture.pass(1s);
  CHECK(fixture.reason("peers.identity").starts_with("identity used elsewhere: "));
  CHECK(fixture.others.told_elsewhere == std::set<std::uint32_t>{1, 2});
  fixture.pass(12min);
  CHECK(fixture.reason("peers.identity").empty());
}

TEST_CASE("peers actor: an address of its own is not dialled, and others once in five seconds") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.others.before[1] = fixture.own;
  fixture.open();
  fixture.dials_us(1);
  CHECK(fixture.links.dials.empty());
  for (const std::uint32_t number : {2, 3, 4}) {
    fixture.others.before[number] = endpoint_of(30 + number);
    fixture.dials_us(number);
  }
  CHECK(fixture.links.dials.size() == 1);
}

TEST_CASE("peers actor: a peer whose identity is used twice is a reason of health for ten minutes") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.dials_us(1);
  fixture.hear<peers::wire::Ping>(1, Role::peer, [](auto ping) {
    write(ping.initSelf(), contact_of(1));
    ping.setElsewhere(true);
  });
  CHECK(fixture.reason("peers.identity") ==
        "the identity of node " + id_of(1).hex() + " is used by two running nodes: stop one of them");
  fixture.pass(12min);
  CHECK(fixture.reason("peers.identity").empty());
}
