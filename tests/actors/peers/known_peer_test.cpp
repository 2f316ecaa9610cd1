#include "actors/peers/logic/known_peer.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/actors/peers/fixture.hpp"

using namespace troupe;
using namespace troupe::peers;
using base::Instant;
using base::WallTime;

namespace {

const Moment kMoment{Instant(500s), WallTime(1'700'000'000s + 250ms)};

KnownPeer full_row() {
  KnownPeer out;
  out.id = id_of(5);
  out.contact = contact_of(5);
  out.contact.nonce = 77;
  out.told_by = id_of(6);
  out.first_seen = Instant(-100'000s);
  out.last_seen = Instant(400s);
  out.last_success = Instant(300s);
  out.last_failure = Instant(200s);
  out.failures = 3;
  out.rtt = 12'345us;
  out.success = 999'999;
  out.banned_until = Instant(900s);
  out.bans = 2;
  return out;
}

RowError error_of(const base::Bytes& row, const base::NodeId& id = id_of(5)) {
  const auto parsed = parse(id, row, kMoment, fake_id);
  REQUIRE_FALSE(parsed.ok());
  return parsed.error();
}

}  // namespace

TEST_CASE("known peer: a row holds all of it, and an empty one too") {
  KnownPeer empty;
  empty.id = id_of(0);
  empty.first_seen = empty.last_seen = Instant(0s);
  for (const KnownPeer& peer : {full_row(), empty}) {
    const base::Bytes row = encode(peer, kMoment);
    CHECK(row.size() == kRowBytes);
    const auto back = parse(peer.id, row, kMoment, fake_id);
    REQUIRE(back.ok());
    CHECK(back.value() == peer);
  }
}

TEST_CASE("known peer: the bytes of a row are these") {
  const base::Bytes row = encode(full_row(), kMoment);
  CHECK(base::hex(row) ==
        "011f00004d0000000000000500000000000000000000000000000000000000000000000000000000"
        "00000000000000000000ffff01050001a00f0200030000003f420f0039300000"
        "6c685265000000009cf053650000000038f0536500000000d4ef53650000000090f2536500000000"
        "0000000600000000000000000000000000000000");
}

TEST_CASE("known peer: another start of the node reads the same dates on its own line of time") {
  const base::Bytes row = encode(full_row(), kMoment);
  const Moment later{Instant(10s), WallTime(1'700'001'000s)};
  const auto back = parse(id_of(5), row, later, fake_id);
  REQUIRE(back.ok());
  CHECK(back.value().last_seen == Instant(10s) - 1100s);
  CHECK_FALSE(back.value().banned(Instant(10s)));

  SUBCASE("a clock that was set back makes nothing seen in the future, and no ban longer than a day") {
    const Moment earlier{Instant(10s), WallTime(1'000'000'000s)};
    const auto odd = parse(id_of(5), row, earlier, fake_id);
    REQUIRE(odd.ok());
    CHECK(odd.value().last_seen == Instant(10s));
    CHECK(odd.value().banned_until == Instant(10s) + kBanMax);
  }
  SUBCASE("a clock far ahead makes nothing older than ten years") {
    const Moment ahead{Instant(10s), WallTime(8'000'000'000s)};
    CHECK(parse(id_of(5), row, ahead, fake_id).value().last_seen == Instant(10s) - kAgeMax);
  }
}

TEST_CASE("known peer: a damaged row is refused with its reason") {
  const base::Bytes good = encode(full_row(), kMoment);
  const auto changed = [&](std::size_t at, std::uint8_t to) {
    base::Bytes out = good;
    out[at] = to;
    return out;
  };
  CHECK(error_of({}) == RowError::length);
  CHECK(error_of(base::Bytes(kRowBytes + 1)) == RowError::length);
  CHECK(error_of(base::Bytes(good.begin(), good.end() - 1)) == RowError::length);
  CHECK(error_of(changed(0, 2)) == RowError::version);
  CHECK(error_of(changed(1, 0xff)) == RowError::flags);
  CHECK(error_of(changed(2, 1)) == RowError::flags);
  for (const int missing : {0x1e, 0x1d, 0x1b, 0x17, 0x0f})
    CHECK(error_of(changed(1, static_cast<std::uint8_t>(missing))) == RowError::flags);
  CHECK(error_of(changed(67, 0xff)) == RowError::range);    // a success above one
  CHECK(error_of(changed(71, 0xff)) == RowError::range);    // a round trip above a minute
  CHECK(error_of(changed(87, 0x80)) == RowError::range);    // a date beyond all dates
  CHECK(error_of(changed(52, 0xe0)) == RowError::address);  // multicast
  CHECK(error_of(good, id_of(9)) == RowError::id);
  KnownPeer lazy = full_row();
  lazy.contact.nonce = kNoWork;
  CHECK(error_of(encode(lazy, kMoment)) == RowError::id);
}

TEST_CASE("known peer: any bytes are a row or an error, and a row leads back to its bytes") {
  const base::Bytes good = encode(full_row(), kMoment);
  CHECK(rc::check("any bytes",
                  [](const base::Bytes& bytes) { RC_ASSERT(!parse(id_of(5), bytes, kMoment, fake_id).ok()); }));
  CHECK(rc::check("changed bytes", [&](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& changes) {
    base::Bytes row = good;
    for (const auto& [at, to] : changes) row[at % kRowBytes] = to;
    const auto parsed = parse(id_of(5), row, kMoment, fake_id);
    if (!parsed.ok()) return;
    const auto again = parse(id_of(5), encode(parsed.value(), kMoment), kMoment, fake_id);
    RC_ASSERT(again.ok());
    RC_ASSERT(again.value() == parsed.value());
  }));
}

TEST_CASE("known peer: measures are smoothed, and stay where they can be") {
  KnownPeer peer;
  peer.measured(80ms);
  CHECK(peer.rtt == 80ms);
  peer.measured(160ms);
  CHECK(peer.rtt == 90ms);
  peer.measured(-1s);
  CHECK(*peer.rtt < 90ms);
  for (int i = 0; i < 1000; ++i) peer.measured(1h);
  CHECK(*peer.rtt <= kRoundTripMax);
  for (int i = 0; i < 1000; ++i) peer.missed();
  CHECK(peer.success < 10);
  for (int i = 0; i < 1000; ++i) peer.answered();
  CHECK(peer.success <= kSuccessFull);
  CHECK(peer.success > kSuccessFull - 10);
}

TEST_CASE("known peer: who works scores above who was only named, and both above who fails") {
  const Instant now{100'000s};
  KnownPeer named;
  named.first_seen = named.last_seen = now;
  KnownPeer proven = named;
  proven.last_success = now;
  KnownPeer failing = named;
  failing.failures = 3;
  KnownPeer far = proven;
  far.rtt = 2s;
  CHECK(proven.score(now) > named.score(now));
  CHECK(named.score(now) > failing.score(now));
  CHECK(proven.score(now) > far.score(now));
  CHECK(proven.score(now) > proven.score(now + 48h));
  failing.success = 0;
  failing.failures = ~0u;
  failing.rtt = kRoundTripMax;
  CHECK(failing.score(now + 48h) == 0);
}
