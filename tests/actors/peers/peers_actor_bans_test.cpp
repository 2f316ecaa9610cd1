// Whom `/peers` bans for what the rest of the node tells of it, who hears of that, and how it is lifted.
#include "tests/actors/peers/house.hpp"

using namespace troupe;
using namespace troupe::peers;
using How = net::wire::Offence;

namespace {

constexpr std::uint64_t kBanMs = 600'000;

base::ByteView view(const base::NodeId& id) { return id.view(); }

}  // namespace

TEST_CASE("peers actor: who misbehaves by datagram alone is banned, shown and told to `/links`") {
  Rows rows;
  House house(rows);
  house.open();
  const base::NodeId whom = id_of(7);  // in no book, and never linked
  house.accuse(whom, How::BAD_RECORD, 3);
  CHECK(house.links.shuns.empty());
  CHECK(house.lines().empty());
  house.accuse(whom, How::BAD_RECORD);
  REQUIRE(house.links.shuns.size() == 1);
  CHECK(house.links.shuns[0] == std::pair{whom, kBanMs});
  const auto line = house.lines().at(whom);
  CHECK(line.state == PeerState::BANNED);
  CHECK(line.banned_ms.value_or(0) > kBanMs - 1'000);
  CHECK(line.score == 0);
  REQUIRE_FALSE(house.logged.empty());
  CHECK(house.logged.back().find("peer is banned") != std::string::npos);
  CHECK(house.logged.back().find(whom.hex()) != std::string::npos);
  CHECK(house.logged.back().find("record that is no good") != std::string::npos);
  CHECK(house.logged.back().find("600 s") != std::string::npos);
  CHECK(rows.empty());
  house.pass(std::chrono::milliseconds(kBanMs));
  CHECK(house.lines().empty());
}

TEST_CASE("peers actor: a linked peer shows its score, is hung up on when banned, and told again after a restart") {
  Rows rows;
  {
    House house(rows);
    house.open();
    house.dials_us(1);
    house.accuse(id_of(1), How::PROTOCOL);
    CHECK(house.lines().at(id_of(1)).score == 50);
    CHECK_FALSE(house.lines().at(id_of(1)).banned_ms);
    house.accuse(id_of(1), How::PROTOCOL);
    CHECK(house.links.hang_ups == std::vector<std::uint32_t>{1});
    CHECK(house.links.shuns.size() == 1);
    house.close();
  }
  House house(rows);
  house.open();
  house.pass(1s);
  REQUIRE(house.links.shuns.size() == 1);
  CHECK(house.links.shuns[0].first == id_of(1));
  CHECK(house.links.shuns[0].second > 0);
  for (const std::string& line : house.logged) CHECK(line.find("banned") == std::string::npos);
}

TEST_CASE("peers actor: a pardon lifts a ban, also one of which only `/links` knows") {
  Rows rows;
  House house(rows);
  house.open();
  const base::NodeId whom = id_of(7);
  house.accuse(whom, How::MALFORMED, 4);
  CHECK_FALSE(house.pardon(view(whom)));
  CHECK(house.links.shuns.back() == std::pair{whom, std::uint64_t{0}});
  CHECK(house.lines().empty());
  CHECK(house.pardon(view(whom))->code == Code::not_found);
  CHECK(house.links.shuns.size() == 3);
  CHECK(house.pardon(view(whom).first(19))->code == Code::malformed);
}

TEST_CASE("peers actor: a report of nobody, or of what this version does not know, changes nothing") {
  Rows rows;
  House house(rows);
  house.open();
  house.accuse(id_of(7), static_cast<How>(999), 20);
  house.theatre.inside([&](Scripted& self) {
    self.tell<net::wire::Misbehaved>(house.peers, [](net::wire::Misbehaved::Builder out) { out.setHow({}); });
  });
  house.pass(1s);
  CHECK(house.links.shuns.empty());
}
