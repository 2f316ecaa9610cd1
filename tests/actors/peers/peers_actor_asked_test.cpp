#include "tests/actors/peers/peers_fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

TEST_CASE("peers actor: a ping is answered with our own contact, and tells where its sender can be dialled") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.others.claims[1] = {key_of(1), 0, {}};  // its Pong tells no address
  fixture.dials_us(1);
  CHECK(fixture.lines().at(id_of(1)).address == inbound(1).remote.text());
  const auto answer =
      fixture.hear<peers::wire::Ping>(1, Role::peer, [](auto ping) { write(ping.initSelf(), contact_of(1)); });
  REQUIRE(answer.kind() == &messages::kind_of<peers::wire::Pong>());
  runtime::Envelope::Reading<peers::wire::Pong> pong(answer);
  CHECK(read(pong.root().getSelf()) == Contact{key_of(kSelf), 7, *base::Endpoint::parse("10.9.9.9:4000")});
  CHECK(fixture.lines().at(id_of(1)).address == endpoint_of(1).text());
  CHECK(stored(rows, 1)->contact == contact_of(1));

  SUBCASE("an unspecified address means: where its link comes from") {
    fixture.hear<peers::wire::Ping>(1, Role::peer, [](auto ping) {
      write(ping.initSelf(), {key_of(1), 0, *base::Endpoint::parse("0.0.0.0:5000")});
    });
    base::Endpoint at = inbound(1).remote;
    at.port = 5'000;
    CHECK(fixture.lines().at(id_of(1)).address == at.text());
    CHECK(stored(rows, 1)->contact == contact_of(1));  // it moved a moment ago
    fixture.pass(3min);
    CHECK(stored(rows, 1)->contact.endpoint == at);
  }
  SUBCASE("a ping without a contact is fine") {
    CHECK(fixture.hear<peers::wire::Ping>(1, Role::peer, [](auto) {}).kind() ==
          &messages::kind_of<peers::wire::Pong>());
  }
}

TEST_CASE("peers actor: where a node lives that listens everywhere is what its peers agree on") {
  Rows rows;
  PeersFixture fixture(rows);
  base::Endpoint expected = *base::Endpoint::parse("9.9.9.9:4000");
  SUBCASE("it listens everywhere") { fixture.own = *base::Endpoint::parse("0.0.0.0:4000"); }
  SUBCASE("it was told where it lives") { expected = fixture.own; }
  const base::Endpoint first = fixture.own == expected ? expected : base::Endpoint{};
  fixture.open();
  const auto where = [&] {
    base::Endpoint out;
    fixture.ask<peers::wire::WhereAmI, peers::wire::OwnPlace>([](auto) {},
                                                              [&](auto& answer) {
                                                                REQUIRE(answer.ok());
                                                                const Contact own = read(answer.value().getContact());
                                                                CHECK(own.key == key_of(kSelf));
                                                                CHECK(own.nonce == 7);
                                                                out = own.endpoint;
                                                              });
    return out;
  };
  const auto told = [&](std::uint32_t number, base::ByteView seen) {
    fixture.dials_us(number);
    const auto answer = fixture.hear<peers::wire::Ping>(number, Role::peer, [&](auto ping) {
      write(ping.initSelf(), contact_of(number));
      ping.setSeen(data_of(seen));
    });
    // It says in turn where it sees them.
    runtime::Envelope::Reading<peers::wire::Pong> pong(answer);
    const auto remote = inbound(number).remote.address;
    CHECK(copy(pong.root().getSeen()) == base::Bytes(remote.begin(), remote.end()));
  };
  const auto seen = base::Endpoint::parse("9.9.9.9:777")->address;
  CHECK(where() == first);
  told(1, seen);
  CHECK(where() == first);
  told(2, base::ByteView(seen).first(4));
  told(3, {});
  CHECK(where() == first);
  told(4, seen);
  CHECK(where() == expected);
}

TEST_CASE("peers actor: who says what no honest peer says is banned and hung up on") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.dials_us(1);
  for (std::uint32_t said = 0; said < kPointsBan; said += points_of(Violation::malformed)) {
    CHECK(fixture.links.hang_ups.empty());
    SUBCASE("with pings in another's name") { CHECK(lie(fixture, 1) == Code::malformed); }
    SUBCASE("with questions for no contacts") {
      CHECK(code_of(fixture.hear<peers::wire::Exchange>(
                1, Role::peer, [](auto question) { question.setContactsMax(0); })) == Code::malformed);
    }
  }
  CHECK(fixture.links.hang_ups == std::vector<std::uint32_t>{1});
  CHECK(fixture.lines().at(id_of(1)).state == PeerState::BANNED);
  fixture.dials_us(1);
  CHECK(fixture.links.hang_ups.size() == 2);
  CHECK(fixture.lines().at(id_of(1)).state == PeerState::BANNED);
  CHECK(stored(rows, 1)->bans == 1);
}

TEST_CASE("peers actor: a pong in another's name is no pong") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.others.claims[1] = contact_of(2);
  fixture.open();
  fixture.dials_us(1);
  CHECK(fixture.lines().at(id_of(1)).state == PeerState::UNHEALTHY);
  fixture.pass(kPingAgain * 3);
  CHECK(fixture.links.hang_ups == std::vector<std::uint32_t>{1});
}

TEST_CASE("peers actor: a peer that passes on more than it may is punished, and nothing of it is read") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.others.friends.assign(30, 2);
  fixture.open();
  fixture.dials_us(1);
  fixture.pass(1s);
  CHECK(fixture.others.questions[1] == 1);
  CHECK(fixture.lines().size() == 1);
  const std::uint32_t each = points_of(Violation::malformed);
  for (std::uint32_t points = points_of(Violation::too_many); points + each < kPointsBan; points += each) {
    lie(fixture, 1);
  }
  CHECK(fixture.links.hang_ups.empty());
  fixture.pass(kExchangeGap + 1s);  // it is asked again, and lies again
  CHECK(fixture.links.hang_ups == std::vector<std::uint32_t>{1});
}

TEST_CASE("peers actor: only linked nodes ping and ask, whatever the table of kinds would let pass") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  CHECK(code_of(fixture.hear<peers::wire::Ping>(1, Role::operate, [](auto) {})) == Code::refused);
  CHECK(code_of(fixture.hear<peers::wire::Exchange>(1, Role::view, [](auto) {})) == Code::refused);
  fixture.ask<peers::wire::Ping, peers::wire::Pong>([](auto) {},
                                                    [](auto& answer) { CHECK(answer.error().code == Code::refused); });
}

TEST_CASE("peers actor: a peer that asks gets others that work, as many as it can use") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  for (std::uint32_t number = 1; number <= 10; ++number) fixture.dials_us(number);
  fixture.pass(1s);
  const auto given = [&](std::uint8_t count_max) {
    const auto answer =
        fixture.hear<peers::wire::Exchange>(1, Role::peer, [&](auto question) { question.setContactsMax(count_max); });
    runtime::Envelope::Reading<peers::wire::Contacts> contacts(answer);
    return read(contacts.root());
  };
  CHECK(given(4).size() == 4);
  const auto all = given(255);
  CHECK(all.size() == 9);
  CHECK(std::ranges::count(all, contact_of(1)) == 0);
  CHECK(std::ranges::count(all, contact_of(7)) == 1);
}

TEST_CASE("peers actor: a peer that asks for contacts without end waits, and keeps no other one from an answer") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  for (std::uint32_t number = 1; number <= 3; ++number) fixture.dials_us(number);
  const auto refused = [&](std::uint32_t number) {
    const auto answer = fixture.hear<peers::wire::Exchange>(number, Role::peer, [](auto) {});
    return answer.kind() != &messages::kind_of<peers::wire::Contacts>() && code_of(answer) == Code::overloaded;
  };
  std::uint32_t answered = 0;
  while (answered <= kExchangesPerSecond && !refused(1)) ++answered;
  CHECK(answered == kExchangesPerSecond / 2 + 1);
  CHECK_FALSE(refused(2));
  CHECK_FALSE(refused(3));
  CHECK(fixture.links.hang_ups.empty());
  fixture.pass(1s);
  CHECK_FALSE(refused(1));
}

TEST_CASE("peers actor: the lines of `troupe peers` have state, round trip and bytes of each peer") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.others.friends = {9};
  fixture.home(1);
  CHECK(fixture.connect(endpoint_of(1).text()) == std::nullopt);
  fixture.others.mute = {2};
  fixture.dials_us(2);
  fixture.pass(1s);
  const auto lines = fixture.lines();
  REQUIRE(lines.size() == 3);
  const auto& one = lines.at(id_of(1));
  CHECK(one.address == endpoint_of(1).text());
  CHECK(one.state == PeerState::HEALTHY);
  CHECK(one.direction == LinkDirection::OUTBOUND);
  CHECK(one.rtt == 0.0);
  CHECK(one.sent == 1'001);
  CHECK(one.received == 2'001);
  const auto& two = lines.at(id_of(2));
  CHECK(two.address == inbound(2).remote.text());
  CHECK(two.state == PeerState::UNHEALTHY);
  CHECK(two.direction == LinkDirection::INBOUND);
  CHECK_FALSE(two.rtt.has_value());
  CHECK(two.sent == 1'002);
  const auto& nine = lines.at(id_of(9));
  CHECK((nine.state == PeerState::DIALLING || nine.state == PeerState::KNOWN));
  CHECK(nine.direction == LinkDirection::NONE);
  CHECK(nine.sent == 0);

  SUBCASE("or only the healthy ones") { CHECK(fixture.lines(true).size() == 1); }
  SUBCASE("without bytes where `/links` is late") {
    fixture.links.lists = false;
    CHECK(fixture.lines().at(id_of(1)).sent == 0);
  }
}

TEST_CASE("peers actor: a command to connect is answered when the link is up") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  const std::string address = fixture.home(1).text();
  fixture.ask<peers::wire::ConnectPeer, peers::wire::Connected>(
      [&](auto command) { command.setTarget(address.c_str()); },
      [&](auto& answer) {
        REQUIRE(answer.ok());
        auto connected = answer.value();
        CHECK(node_of(connected.getNode()) == id_of(1));
        CHECK(connected.getAddress() == address.c_str());
      });
  CHECK(fixture.lines().at(id_of(1)).state == PeerState::HEALTHY);
}

TEST_CASE("peers actor: a command to connect says why it failed") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  const std::string address = fixture.home(1).text();
  CHECK(fixture.connect("nonsense")->code == Code::malformed);
  CHECK(fixture.connect(std::string(kTargetBytesMax, 'a') + ":1")->code == Code::malformed);
  CHECK(fixture.connect(base::NodeId(*fake_id(key_of(kSelf), 0)).hex() + "@" + address)->code == Code::conflict);
  const auto silent = fixture.connect("10.0.0.77:1");
  CHECK(silent->code == Code::unavailable);
  CHECK(silent->message == "no node answers at 10.0.0.77:1");
  CHECK(fixture.connect(id_of(2).hex() + "@" + address)->code == Code::refused);
  CHECK(fixture.connect(address) == std::nullopt);
  CHECK(fixture.connect(id_of(1).hex() + "@" + address)->code == Code::conflict);
  fixture.links.failure = Code::conflict;
  CHECK(fixture.connect("10.0.0.78:1")->code == Code::conflict);
}

TEST_CASE("peers actor: a dropped peer is hung up on and stays away until it is named again") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open({fixture.home(1)});
  fixture.pass(1s);
  CHECK(fixture.drop(id_of(1).view()) == std::nullopt);
  CHECK(fixture.links.hang_ups == std::vector<std::uint32_t>{1});
  CHECK(fixture.drop(id_of(1).view())->code == Code::not_found);
  CHECK(fixture.drop(id_of(1).view().first(19))->code == Code::malformed);
  fixture.dials_us(1);
  CHECK(fixture.links.hang_ups.size() == 2);
  const std::size_t dials = fixture.links.dials.size();
  fixture.pass(kHoldOff - 2s);
  CHECK(fixture.links.dials.size() == dials);

  SUBCASE("an address alone does not lift that") {
    const auto error = fixture.connect(endpoint_of(1).text());
    CHECK(error->code == Code::refused);
    CHECK(error->message.find(id_of(1).hex()) != std::string::npos);
    CHECK(fixture.links.up.empty());
  }
  SUBCASE("its id does") {
    CHECK(fixture.connect(id_of(1).hex() + "@" + endpoint_of(1).text()) == std::nullopt);
    CHECK(fixture.links.up.contains(1));
  }
  SUBCASE("and so does time") {
    fixture.pass(1min);
    CHECK(fixture.links.up.contains(1));
  }
}

TEST_CASE("peers actor: other domains hear of all who can be linked to, and `/links` where one of them is") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.others.claims[2] = {key_of(2), 0, {}};
  for (const std::uint32_t number : {1, 2, 3}) fixture.dials_us(number);
  fixture.drop(id_of(3).view());
  std::vector<Contact> known;
  fixture.ask<peers::wire::ListKnown, peers::wire::KnownContacts>([](auto) {},
                                                                  [&](auto& answer) { known = read(answer.value()); });
  CHECK(known == std::vector<Contact>{contact_of(1), {key_of(2), 0, {}}, contact_of(3)});

  const auto where = [&](base::ByteView id) {
    std::optional<Contact> found;
    Code code{};
    fixture.ask<net::wire::WhereIs, net::wire::Whereabouts>([&](auto question) { question.setNode(data_of(id)); },
                                                            [&](auto& answer) {
                                                              if (answer.ok())
                                                                found = read(answer.value().getContact());
                                                              else code = answer.error().code;
                                                            });
    return std::pair(found, code);
  };
  CHECK(where(id_of(1).view()).first == contact_of(1));
  CHECK(where(id_of(2).view()).second == Code::not_found);
  CHECK(where(id_of(3).view()).second == Code::not_found);  // an operator wants it away
  CHECK(where(id_of(1).view().first(3)).second == Code::malformed);
}

TEST_CASE("peers actor: `/links` reports the address of a failed dial, and the address is doubted") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.home(1);
  CHECK(fixture.connect(endpoint_of(1).text()) == std::nullopt);
  fixture.links.homes.clear();
  fixture.in("/links", fixture.links, [&] { fixture.links.tell_down(1); });
  const auto not_there = [&](Met met, const Contact& contact) {
    fixture.actors.inside([&](Scripted& self) {
      self.tell<net::wire::NotThere>(fixture.peers, [&](net::wire::NotThere::Builder out) {
        write(out.initContact(), contact);
        out.setMet(met);
      });
    });
    fixture.actors.stage.settle();
  };
  SUBCASE("no node") {
    fixture.pass(kRetryMin / 2);
    const auto before = stored(rows, 1)->failures;
    not_there(Met::NOBODY, contact_of(1));
    CHECK(stored(rows, 1)->failures == before);  // it was linked a moment ago, and waits to be dialled
  }
  SUBCASE("another node") {
    not_there(Met::ANOTHER, contact_of(1));
    CHECK(stored(rows, 1)->failures == kHearsayFailuresMax);
  }
  SUBCASE("ourselves") {
    not_there(Met::OURSELVES, contact_of(1));
    CHECK(stored(rows, 1)->failures == kHearsayFailuresMax);
  }
  SUBCASE("a contact without an id changes nothing") {
    not_there(Met::ANOTHER, {key_of(1), kNoWork, endpoint_of(1)});
    CHECK(stored(rows, 1)->failures == 0);
  }
}

TEST_CASE("peers actor: other domains read no more contacts than may be sent") {
  const std::vector<Contact> many(kKnownContactsMax + 1, contact_of(1));
  const auto known = runtime::Envelope::build<peers::wire::KnownContacts>(
      {}, [&](auto out) { write(out.initList(size32(many)), many); });
  runtime::Envelope::Reading<peers::wire::KnownContacts> reading(known);
  CHECK(read(reading.root()).size() == kKnownContactsMax);
}

TEST_CASE("peers actor: only its services are published, each for the roles of its kind") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  const auto service = fixture.actors.node.service(kPath);
  REQUIRE(service != nullptr);
  CHECK(service->handle == fixture.peers);
  std::set<std::string_view> names;
  for (const auto* kind : service->kinds) names.insert(kind->name);
  CHECK(names == std::set<std::string_view>{"peers.Ping", "peers.Exchange", "peers.ListPeers", "peers.ConnectPeer",
                                            "peers.DropPeer", "peers.ForgetPeer", "peers.PardonPeer"});
}

TEST_CASE("peers actor: the inspector sees how many peers are in which state, and what waits") {
  Rows rows;
  PeersFixture fixture(rows);
  const auto see = [&](std::function<void(peers::wire::PeersState::Reader)> look) {
    fixture.ask<runtime::wire::Describe, peers::wire::PeersState>([](auto) {},
                                                                  [&](auto& answer) { look(answer.value()); });
  };
  fixture.store.scans_failing = 1;
  fixture.open();
  see([](auto state) {
    CHECK(state.getLoading());
    CHECK(state.getWakeMs().isNone());
  });
  fixture.pass(store::kRetryMin);
  fixture.store.commits_failing = 1;
  fixture.others.mute = {2};
  for (const std::uint32_t number : {1, 2}) fixture.dials_us(number);
  see([](auto state) {
    CHECK_FALSE(state.getLoading());
    CHECK(state.getHealthy() == 1);
    CHECK(state.getUnhealthy() == 1);
    CHECK(state.getSavesFailed() == 1);
    CHECK(state.getRowsWaiting() == 2);
    CHECK(state.getWakeMs().getValue() > 0);
    CHECK(state.getWakeMs().getValue() <= 10'000);
  });
}
