#include "actors/peers/logic/own_address.hpp"

#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;

namespace {

base::Endpoint at(const std::string& text) { return *base::Endpoint::parse(text); }
const base::Endpoint kNowhere{};

/// Peer `number`, which lives at `remote`, says that it sees us at `seen`.
bool says(OwnAddress& own, std::uint32_t number, const std::string& remote, const std::string& seen,
          Choice choice = Choice::theirs) {
  return own.said(id_of(number), at(remote), at(seen).address, choice);
}

}  // namespace

TEST_CASE("own address: what two networks see is taken, with our own port") {
  OwnAddress own(at("0.0.0.0:4001"));
  CHECK(own.at() == kNowhere);
  CHECK_FALSE(says(own, 1, "1.1.0.1:4000", "9.9.9.9:55555"));
  CHECK_FALSE(says(own, 1, "1.1.0.1:4000", "9.9.9.9:55555"));
  CHECK(own.at() == kNowhere);
  SUBCASE("not what two peers of one network see") {
    CHECK_FALSE(says(own, 2, "1.1.0.2:4000", "9.9.9.9:1"));
    CHECK(own.at() == kNowhere);
  }
  SUBCASE("taken") {
    CHECK(says(own, 2, "1.2.0.1:4000", "9.9.9.9:1"));
    CHECK(own.at() == at("9.9.9.9:4001"));
    CHECK_FALSE(says(own, 3, "1.3.0.1:4000", "9.9.9.9:1"));
    SUBCASE("and kept when those who saw it have gone") {
      for (const std::uint32_t number : {1u, 2u, 3u}) own.forget(id_of(number));
      CHECK_FALSE(says(own, 4, "1.4.0.1:4000", "8.8.8.8:1"));
      CHECK(own.at() == at("9.9.9.9:4001"));
      CHECK(says(own, 5, "1.5.0.1:4000", "8.8.8.8:1"));
      CHECK(own.at() == at("8.8.8.8:4001"));
    }
  }
}

TEST_CASE("own address: a few wrong voices move nothing") {
  OwnAddress own(at("0.0.0.0:4001"));
  for (std::uint32_t i = 1; i <= 4; ++i) says(own, i, "1." + std::to_string(i) + ".0.1:4000", "9.9.9.9:1");
  for (std::uint32_t i = 5; i <= 7; ++i) says(own, i, "1." + std::to_string(i) + ".0.1:4000", "6.6.6.6:1");
  for (std::uint32_t i = 8; i < 90; ++i) says(own, i, "1.7.0." + std::to_string(i) + ":4000", "6.6.6.6:1");
  CHECK(own.at() == at("9.9.9.9:4001"));
  CHECK_FALSE(says(own, 100, "1.100.0.1:4000", "6.6.6.6:1"));  // as many
  CHECK(says(own, 101, "1.101.0.1:4000", "6.6.6.6:1"));        // more: we have moved
  CHECK(own.at() == at("6.6.6.6:4001"));
}

TEST_CASE("own address: what peers that this node chose agree on is not moved by those that dial it") {
  OwnAddress own(at("[::]:4001"));
  const auto site = [](std::uint32_t i) { return "1." + std::to_string(i) + ".0.1:4000"; };
  const auto others_dial = [&](const std::string& seen) {
    for (std::uint32_t i = 10; i < 30; ++i) says(own, i, site(i), seen);
  };
  SUBCASE("one chosen peer is like any other") {
    says(own, 1, site(1), "9.9.9.9:1", Choice::ours);
    others_dial("6.6.6.6:1");
    CHECK(own.at() == at("6.6.6.6:4001"));
    SUBCASE("and two decide, though others were heard first") {
      CHECK(says(own, 2, site(2), "9.9.9.9:1", Choice::ours));
      CHECK(own.at() == at("9.9.9.9:4001"));
    }
  }
  SUBCASE("two chosen peers") {
    for (const std::uint32_t i : {1u, 2u}) says(own, i, site(i), "9.9.9.9:1", Choice::ours);
    others_dial("6.6.6.6:1");
    CHECK(own.at() == at("9.9.9.9:4001"));
    SUBCASE("also once their links have ended") {
      for (const std::uint32_t i : {1u, 2u}) own.forget(id_of(i));
      others_dial("6.6.6.6:1");
      CHECK(own.at() == at("9.9.9.9:4001"));
    }
    SUBCASE("nor by others beside as many chosen ones") {
      for (const std::uint32_t i : {3u, 4u}) CHECK_FALSE(says(own, i, site(i), "6.6.6.6:1", Choice::ours));
      CHECK(says(own, 5, site(5), "6.6.6.6:1", Choice::ours));  // more: this node has moved
      CHECK(own.at() == at("6.6.6.6:4001"));
    }
  }
  SUBCASE("nor by those that name an address of a wider scope") {
    for (const std::uint32_t i : {1u, 2u})
      says(own, i, "192.168.1." + std::to_string(i) + ":5000", "192.168.1.7:1", Choice::ours);
    others_dial("6.6.6.6:1");
    CHECK(own.at() == at("192.168.1.7:4001"));
    for (const std::uint32_t i : {3u, 4u}) says(own, i, site(i), "9.9.9.9:1", Choice::ours);
    CHECK(own.at() == at("9.9.9.9:4001"));
  }
}

TEST_CASE("own address: a voice counts within its own scope, and the widest scope goes first") {
  OwnAddress own(at("[::]:4001"));
  SUBCASE("a distant peer cannot see a private, loopback or multicast address") {
    for (const std::string seen : {"10.0.0.7:1", "127.0.0.1:1", "224.0.0.1:1", "0.0.0.0:1", "[fe80::1]:1", "[::1]:1"}) {
      CHECK_FALSE(says(own, 1, "1.1.0.1:4000", seen));
      CHECK_FALSE(says(own, 2, "1.2.0.1:4000", seen));
    }
    CHECK_FALSE(says(own, 1, "127.0.0.1:1", "9.9.9.9:1"));
    CHECK_FALSE(says(own, 2, "127.0.0.1:2", "9.9.9.9:1"));
    CHECK(own.at() == kNowhere);
  }
  SUBCASE("nodes on this machine are as many as their ports") {
    CHECK_FALSE(says(own, 1, "127.0.0.1:5001", "127.0.0.1:1"));
    CHECK(says(own, 2, "127.0.0.1:5002", "127.0.0.1:1"));
    CHECK(own.at() == at("127.0.0.1:4001"));
    CHECK_FALSE(says(own, 3, "192.168.1.3:5000", "192.168.1.7:1"));
    CHECK(says(own, 4, "192.168.1.4:5000", "192.168.1.7:1"));
    CHECK(own.at() == at("192.168.1.7:4001"));
    CHECK_FALSE(says(own, 5, "1.1.0.1:4000", "9.9.9.9:1"));
    CHECK(says(own, 6, "1.2.0.1:4000", "9.9.9.9:1"));
    CHECK(own.at() == at("9.9.9.9:4001"));
    for (std::uint32_t i = 7; i < 20; ++i)
      CHECK_FALSE(says(own, i, "192.168.1." + std::to_string(i) + ":1", "192.168.1.7:1"));
    CHECK(own.at() == at("9.9.9.9:4001"));
  }
  SUBCASE("both families may be seen: the one that was taken stays") {
    CHECK_FALSE(says(own, 1, "1.1.0.1:4000", "9.9.9.9:1"));
    CHECK_FALSE(says(own, 2, "[2001:db8::1]:4000", "[2001:db8:9::9]:1"));
    CHECK(says(own, 3, "[2001:db9::1]:4000", "[2001:db8:9::9]:1"));
    CHECK_FALSE(says(own, 4, "1.2.0.1:4000", "9.9.9.9:1"));
    CHECK_FALSE(says(own, 5, "1.3.0.1:4000", "9.9.9.9:1"));
    CHECK(own.at() == at("[2001:db8:9::9]:4001"));
  }
}

TEST_CASE("own address: who listens for IPv4 alone has no other address") {
  OwnAddress own(at("0.0.0.0:4001"));
  says(own, 1, "[2001:db8::1]:4000", "[2001:db8:9::9]:1");
  says(own, 2, "[2001:db9::1]:4000", "[2001:db8:9::9]:1");
  CHECK(own.at() == kNowhere);
}

TEST_CASE("own address: who was told its address, or does not listen, heeds no voice") {
  OwnAddress told(at("9.9.9.9:4001"));
  OwnAddress deaf(kNowhere);
  for (std::uint32_t i = 1; i <= 4; ++i) {
    CHECK_FALSE(says(told, i, "1." + std::to_string(i) + ".0.1:4000", "6.6.6.6:1"));
    CHECK_FALSE(says(deaf, i, "1." + std::to_string(i) + ".0.1:4000", "6.6.6.6:1"));
  }
  CHECK(told.at() == at("9.9.9.9:4001"));
  CHECK(deaf.at() == kNowhere);
}

TEST_CASE("own address: a voice that says the same counts again once others have gone") {
  OwnAddress own(at("0.0.0.0:4001"));
  for (std::uint32_t i = 1; i <= 2; ++i) says(own, i, "1." + std::to_string(i) + ".0.1:4000", "9.9.9.9:1");
  for (std::uint32_t i = 3; i <= 5; ++i) says(own, i, "1." + std::to_string(i) + ".0.1:4000", "6.6.6.6:1");
  CHECK(own.at() == at("6.6.6.6:4001"));
  for (std::uint32_t i = 3; i <= 5; ++i) own.forget(id_of(i));
  CHECK(says(own, 1, "1.1.0.1:4000", "9.9.9.9:1"));
  CHECK(own.at() == at("9.9.9.9:4001"));
}
