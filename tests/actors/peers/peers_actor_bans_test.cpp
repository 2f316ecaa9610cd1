// `/peers` bans nodes that other parts of the node report, tells `/links`, and lifts bans.
#include "tests/actors/peers/peers_fixture.hpp"

using namespace troupe;
using namespace troupe::peers;
using How = net::wire::Violation;

namespace {

constexpr std::uint64_t kBanMs = 600'000;

base::ByteView view(const base::NodeId& id) { return id.view(); }

}  // namespace

TEST_CASE("peers actor: a node that misbehaves only by datagram is banned, shown and told to `/links`") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  const base::NodeId banned = id_of(7);  // in no book, and never linked
  fixture.accuse(banned, How::BAD_RECORD, 3);
  CHECK(fixture.links.bans.empty());
  CHECK(fixture.lines().empty());
  fixture.accuse(banned, How::BAD_RECORD);
  REQUIRE(fixture.links.bans.size() == 1);
  CHECK(fixture.links.bans[0] == std::pair{banned, kBanMs});
  const auto line = fixture.lines().at(banned);
  CHECK(line.state == PeerState::BANNED);
  CHECK(line.banned_ms.value_or(0) > kBanMs - 1'000);
  CHECK(line.score == 0);
  REQUIRE_FALSE(fixture.logged.empty());
  CHECK(fixture.logged.back().find("peer is banned") != std::string::npos);
  CHECK(fixture.logged.back().find(banned.hex()) != std::string::npos);
  CHECK(fixture.logged.back().find("invalid record") != std::string::npos);
  CHECK(fixture.logged.back().find("600 s") != std::string::npos);
  CHECK(rows.empty());
  fixture.pass(std::chrono::milliseconds(kBanMs));
  CHECK(fixture.lines().empty());
}

TEST_CASE("peers actor: a linked peer shows its score, is hung up on when banned, and told again after a restart") {
  Rows rows;
  {
    PeersFixture fixture(rows);
    fixture.open();
    fixture.dials_us(1);
    fixture.accuse(id_of(1), How::PROTOCOL);
    CHECK(fixture.lines().at(id_of(1)).score == 50);
    CHECK_FALSE(fixture.lines().at(id_of(1)).banned_ms);
    fixture.accuse(id_of(1), How::PROTOCOL);
    CHECK(fixture.links.hang_ups == std::vector<std::uint32_t>{1});
    CHECK(fixture.links.bans.size() == 1);
    fixture.close();
  }
  PeersFixture fixture(rows);
  fixture.open();
  fixture.pass(1s);
  REQUIRE(fixture.links.bans.size() == 1);
  CHECK(fixture.links.bans[0].first == id_of(1));
  CHECK(fixture.links.bans[0].second > 0);
  for (const std::string& line : fixture.logged) CHECK(line.find("banned") == std::string::npos);
}

TEST_CASE("peers actor: an unban lifts a ban, also one of which only `/links` knows") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  const base::NodeId banned = id_of(7);
  fixture.accuse(banned, How::MALFORMED, 4);
  CHECK_FALSE(fixture.unban(view(banned)));
  CHECK(fixture.links.bans.back() == std::pair{banned, std::uint64_t{0}});
  CHECK(fixture.lines().empty());
  CHECK(fixture.unban(view(banned))->code == Code::not_found);
  CHECK(fixture.links.bans.size() == 3);
  CHECK(fixture.unban(view(banned).first(19))->code == Code::malformed);
}

TEST_CASE("peers actor: a report without a node, or of an unknown violation, changes nothing") {
  Rows rows;
  PeersFixture fixture(rows);
  fixture.open();
  fixture.accuse(id_of(7), static_cast<How>(999), 20);
  fixture.actors.inside([&](Scripted& self) {
    self.tell<net::wire::Misbehaved>(fixture.peers, [](net::wire::Misbehaved::Builder out) { out.setHow({}); });
  });
  fixture.pass(1s);
  CHECK(fixture.links.bans.empty());
}
