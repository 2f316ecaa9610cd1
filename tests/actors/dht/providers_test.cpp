// Providers of a key: who is kept, until when, and who is named.
#include "actors/dht/logic/providers.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>

#include "tests/actors/dht/offers.hpp"
#include "tests/actors/dht/records.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;
using troupe::dht::test::kOwn;

namespace {

const SampleSecret kSecret{};

/// A node whose id follows from its key, as load() checks.
Contact provider_of(std::uint8_t first, std::uint16_t port = 4000) {
  base::PublicKey public_key;
  public_key.bytes[0] = first;
  base::Endpoint endpoint = *base::Endpoint::parse("10.1.2.3:4000");
  endpoint.port = port;
  return {crypto::node_id(public_key, 0), {public_key, 0, endpoint}};
}
std::set<base::NodeId> found(const Providers& providers, const Key& of, base::WallTime wall = kWall,
                             std::size_t contacts_max = 1000) {
  base::Random random(1);
  std::set<base::NodeId> out;
  for (const Contact& contact : providers.find(of, contacts_max, wall, random)) out.insert(contact.id);
  return out;
}
std::optional<ProviderError> refusal(Providers& providers, const Key& of, const Contact& who,
                                     base::WallTime wall = kWall) {
  const auto out = providers.add(of, who, wall);
  if (out.ok()) return std::nullopt;
  return out.error();
}

}  // namespace

TEST_CASE("dht providers: those of a key are found until they expire, swept or not") {
  Providers providers(kOwn, {}, kSecret, 0);
  CHECK(found(providers, key(1)).empty());
  CHECK_FALSE(providers.wake_at());
  CHECK_FALSE(refusal(providers, key(1), provider_of(1)));
  CHECK_FALSE(refusal(providers, key(1), provider_of(2), kWall + 1h));
  CHECK_FALSE(refusal(providers, key(2), provider_of(3)));
  CHECK(found(providers, key(1)) == std::set<base::NodeId>{provider_of(1).id, provider_of(2).id});
  CHECK(found(providers, key(1), kWall, 0).empty());
  CHECK(found(providers, key(1), kWall, 1).size() == 1);
  CHECK(found(providers, key(1), kWall + 48h) == std::set<base::NodeId>{provider_of(2).id});
  CHECK(providers.wake_at() == kWall + 48h);
  CHECK(providers.sweep(kWall + 48h - 1ns).empty());
  CHECK(providers.sweep(kWall + 48h).erase.size() == 2);
  CHECK(providers.announcements() == 1);
  CHECK(providers.providers() == 1);
}

TEST_CASE("dht providers: an announcement renews the last one, and is written once that is worth it") {
  Providers providers(kOwn, {}, kSecret, 0);
  REQUIRE(providers.add(key(1), provider_of(1), kWall).value().rows.save.size() == 1);
  REQUIRE(providers.add(key(2), provider_of(1), kWall).ok());
  const auto again = [&](const Contact& who, base::WallTime wall) { return providers.add(key(1), who, wall).value(); };
  CHECK(again(provider_of(1), kWall + 59min).rows.empty());
  CHECK(again(provider_of(1), kWall + 22h).rows.save.size() == 1);
  CHECK(again(provider_of(1), kWall + 22h).as == AddedAs::renewed);
  CHECK(found(providers, key(1), kWall + 69h).size() == 1);
  CHECK(found(providers, key(2), kWall + 69h).empty());

  SUBCASE("a new address is written at once, and counts for its other keys too") {
    CHECK(again(provider_of(1, 5000), kWall + 22h).rows.save.size() == 1);
    base::Random random(1);
    CHECK(providers.find(key(2), 1, kWall, random) == std::vector{provider_of(1, 5000)});
  }
  SUBCASE("from then on, if the clock was ahead") {
    CHECK(again(provider_of(1), kWall + 22h - 59min).rows.empty());
    CHECK(found(providers, key(1), kWall + 69h).size() == 1);
    CHECK(again(provider_of(1), kWall).rows.save.size() == 1);
    CHECK(found(providers, key(1), kWall + 48h - 1ns).size() == 1);
    CHECK(found(providers, key(1), kWall + 48h).empty());
  }
}

TEST_CASE("dht providers: one that is kept for a short time is renewed before it ends, and counts once it has") {
  ProviderLimits limits;
  limits.hold = 1h;
  Providers providers(kOwn, limits, kSecret, 0);
  REQUIRE(providers.add(key(1), provider_of(1), kWall).ok());
  CHECK(providers.add(key(1), provider_of(1), kWall + 2min).value().rows.empty());
  CHECK(providers.add(key(1), provider_of(1), kWall + 30min).value().rows.save.size() == 1);
  CHECK(found(providers, key(1), kWall + 89min).size() == 1);
  providers.treat(Expired::kept);
  const base::WallTime ended = kWall + 90min;
  CHECK(found(providers, key(1), ended).empty());
  CHECK(providers.add(key(1), provider_of(1), ended).value().as == AddedAs::added);
  CHECK(found(providers, key(1), ended).size() == 1);
}

TEST_CASE("dht providers: who cannot be dialled provides nothing") {
  Providers providers(kOwn, {}, kSecret, 0);
  CHECK(refusal(providers, key(1), provider_of(1, 0)) == ProviderError::undialable);
  CHECK(providers.announcements() == 0);
}

TEST_CASE("dht providers: each has a limited number of keys") {
  ProviderLimits limits;
  limits.per_provider_max = 2;
  Providers providers(kOwn, limits, kSecret, 0);
  CHECK_FALSE(refusal(providers, key(1), provider_of(1)));
  CHECK_FALSE(refusal(providers, key(2), provider_of(1)));
  CHECK(refusal(providers, key(3), provider_of(1)) == ProviderError::provider_full);
  CHECK_FALSE(refusal(providers, key(3), provider_of(2)));
  CHECK_FALSE(refusal(providers, key(1), provider_of(1)));  // renewed
  CHECK(providers.forget(key(1), provider_of(1).id).erase.size() == 1);
  CHECK_FALSE(refusal(providers, key(3), provider_of(1)));
}

TEST_CASE("dht providers: a full key keeps a sample that depends on the secret and not on the order") {
  ProviderLimits limits;
  limits.per_key_max = 5;
  const auto sample = [&](const SampleSecret& secret, bool backwards) {
    Providers providers(kOwn, limits, secret, 0);
    std::size_t refused = 0;
    for (int i = 0; i < 40; ++i) {
      const auto who = provider_of(static_cast<std::uint8_t>(backwards ? 39 - i : i));
      const auto error = refusal(providers, key(1), who);
      if (error) CHECK(*error == ProviderError::key_full);
      refused += error.has_value();
    }
    CHECK(refused > 0);
    const std::set<base::NodeId> out = found(providers, key(1));
    CHECK(out.size() == 5);
    for (const base::NodeId& id : out) CHECK_FALSE(providers.forget(key(1), id).empty());
    CHECK(found(providers, key(1)).empty());
    return out;
  };
  SampleSecret other;
  other.bytes[0] = 1;
  CHECK(sample(kSecret, false) == sample(kSecret, true));
  CHECK(sample(kSecret, false) != sample(other, false));

  SUBCASE("a planted bug that keeps the newest is visible") {
    const Planted bug("dht.providers_keep_newest");
    Providers broken(kOwn, limits, kSecret, 0, bug);
    for (int i = 0; i < 40; ++i) CHECK_FALSE(refusal(broken, key(1), provider_of(static_cast<std::uint8_t>(i))));
  }
  SUBCASE("none at all, where none is allowed") {
    limits.per_key_max = 0;
    Providers providers(kOwn, limits, kSecret, 0);
    CHECK(refusal(providers, key(1), provider_of(1)) == ProviderError::key_full);
  }
}

// A thousand ids of one site hid each key of a neighbourhood: they were most of each sample.
TEST_CASE("dht providers: many ids of one site leave room at a full key for those of other sites") {
  ProviderLimits limits;
  limits.per_key_max = 5;
  Providers providers(kOwn, limits, kSecret, 0);
  const auto in = [](const char* at) { return GroupOf{}(*base::Endpoint::parse(at)); };
  const Group crowd = in("203.0.113.1:1"), other = in("198.51.100.1:1");
  for (std::uint8_t i = 0; i < 60; ++i) static_cast<void>(providers.add(key(1), provider_of(i), kWall, crowd));
  for (std::uint8_t i = 100; i < 102; ++i) CHECK(providers.add(key(1), provider_of(i), kWall, other).ok());
  for (std::uint8_t i = 60; i < 99; ++i) static_cast<void>(providers.add(key(1), provider_of(i), kWall, crowd));
  const auto left = found(providers, key(1));
  CHECK(left.size() == 5);
  CHECK(left.contains(provider_of(100).id));
  CHECK(left.contains(provider_of(101).id));
  for (std::uint8_t i = 102; i < 120; ++i) static_cast<void>(providers.add(key(1), provider_of(i), kWall, other));
  const auto shared = found(providers, key(1));
  CHECK(std::ranges::count_if(shared, [](const auto& id) {
          for (std::uint8_t i = 100; i < 120; ++i)
            if (provider_of(i).id == id) return true;
          return false;
        }) == 2);
}

TEST_CASE("dht providers: when all is full a nearer key takes a place of the farthest") {
  ProviderLimits limits;
  limits.announcements_max = 3;
  Providers providers(kOwn, limits, kSecret, 0);
  for (const std::uint8_t of : {std::uint8_t{10}, std::uint8_t{30}, std::uint8_t{20}}) {
    CHECK_FALSE(refusal(providers, key(of), provider_of(1)));
  }
  CHECK(refusal(providers, key(31), provider_of(1)) == ProviderError::no_space);
  CHECK_FALSE(refusal(providers, key(30), provider_of(1)));  // renewed
  const auto added = providers.add(key(15), provider_of(1), kWall);
  REQUIRE(added.ok());
  CHECK(added.value().rows.erase.size() == 1);
  CHECK(found(providers, key(30)).empty());
  CHECK(providers.announcements() == 3);
  CHECK_FALSE(refusal(providers, key(99), provider_of(2), kWall + 48h));  // the others have expired
  limits.announcements_max = 0;
  Providers none(kOwn, limits, kSecret, 0);
  CHECK(refusal(none, key(1), provider_of(1)) == ProviderError::no_space);
}

TEST_CASE("dht providers: who floods it with near keys pushes out nobody that has announced fewer") {
  ProviderLimits limits;
  limits.announcements_max = 40;
  Providers providers(kOwn, limits, kSecret, 0);
  for (std::uint8_t i = 0; i < 10; ++i) {
    CHECK_FALSE(refusal(providers, key(0xf0 + i), provider_of(i)));
    CHECK_FALSE(refusal(providers, key(0xe0 + i), provider_of(i)));
  }
  for (int i = 0; i < 200; ++i) {
    const auto who = provider_of(static_cast<std::uint8_t>(100 + i % 4));
    const auto why = refusal(providers, key(0, 200 - i), who);
    if (why) CHECK(*why == ProviderError::no_space);
  }
  CHECK(providers.announcements() == 40);
  for (std::uint8_t i = 0; i < 10; ++i)
    CHECK(found(providers, key(0xf0 + i)) == std::set<base::NodeId>{provider_of(i).id});
  for (std::uint8_t i = 0; i < 10; ++i)
    CHECK(found(providers, key(0xe0 + i)) == std::set<base::NodeId>{provider_of(i).id});
  // Who comes late has a place too, however far: of a flooder with more.
  CHECK_FALSE(refusal(providers, key(0xff), provider_of(50)));
  CHECK(found(providers, key(0xff)) == std::set<base::NodeId>{provider_of(50).id});
  for (std::uint8_t i = 0; i < 10; ++i) CHECK(found(providers, key(0xf0 + i)).size() == 1);
}

TEST_CASE("dht providers: a site with many providers pushes out no announcement of sites that have announced less") {
  ProviderLimits limits;
  limits.announcements_max = 40;
  Providers providers(kOwn, limits, kSecret, 0);
  const auto add = [&](const Key& of, int who, int site) {
    const std::string at = "192.0." + std::to_string(site) + "." + std::to_string(who) + ":1";
    const Group network = GroupOf{.ten_net = TenNet::network}(*base::Endpoint::parse(at));
    return providers.add(of, provider_of(static_cast<std::uint8_t>(who)), kWall, network).ok();
  };
  for (int i = 0; i < 20; ++i) REQUIRE(add(key(0xf0, i), i % 4, i % 4));
  for (int i = 0; i < 200; ++i) add(key(0, 200 - i), 100 + i % 100, 9);
  CHECK(providers.announcements() == 40);
  for (int i = 0; i < 20; ++i) CHECK(found(providers, key(0xf0, i)).size() == 1);
  // Who comes late from elsewhere has a place too, however far.
  CHECK(add(key(0xff), 50, 50));
  CHECK(found(providers, key(0xff)).size() == 1);
  for (int i = 0; i < 20; ++i) CHECK(found(providers, key(0xf0, i)).size() == 1);
}

TEST_CASE("dht providers: those of one network have so many keys, once it is known that they live there") {
  ProviderLimits limits;
  limits.per_network_max = 3;
  Providers providers(kOwn, limits, kSecret, 0);
  const auto in = [](const char* at) { return GroupOf{.ten_net = TenNet::network}(*base::Endpoint::parse(at)); };
  const auto why = [&](int of, std::uint8_t who, const std::optional<Group>& network) -> std::optional<ProviderError> {
    const auto out = providers.add(key(of), provider_of(who), kWall, network);
    return out.ok() ? std::nullopt : std::optional(out.error());
  };
  const Group here = in("192.0.2.1:1"), there = in("198.51.100.1:1");
  CHECK_FALSE(why(1, 1, in("192.0.2.9:7")));
  CHECK_FALSE(why(2, 2, here));
  CHECK_FALSE(why(3, 3, {}));  // nobody knows where it lives
  CHECK_FALSE(why(4, 4, here));
  CHECK(why(5, 5, here) == ProviderError::network_full);
  CHECK_FALSE(why(5, 5, there));
  CHECK_FALSE(why(2, 2, here));  // renewed
  CHECK(why(6, 3, here) == ProviderError::network_full);
  CHECK_FALSE(why(4, 4, there));  // it has moved
  CHECK_FALSE(why(6, 6, here));
  CHECK(why(7, 6, here) == ProviderError::network_full);
  providers.forget(key(1), provider_of(1).id);
  CHECK_FALSE(why(7, 6, here));
}

TEST_CASE("dht providers: while the date is not believed nobody is dropped for its age, nor named") {
  Providers providers(kOwn, {}, kSecret, 0);
  const store::Row row = providers.add(key(1), provider_of(1), kWall).value().rows.save.at(0);
  const base::WallTime later = kWall + 1'000h;
  providers.treat(Expired::kept);
  CHECK(providers.sweep(later).empty());
  CHECK_FALSE(providers.wake_at());
  CHECK(found(providers, key(1), later).empty());
  CHECK(found(providers, key(1)) == std::set<base::NodeId>{provider_of(1).id});

  SUBCASE("it is dropped once it is") {
    providers.treat(Expired::dropped);
    CHECK(providers.sweep(later).erase.size() == 1);
  }
  SUBCASE("one that announces itself again is new") {
    CHECK(providers.add(key(1), provider_of(1), later).value().as == AddedAs::added);
    CHECK(found(providers, key(1), later) == std::set<base::NodeId>{provider_of(1).id});
  }
  SUBCASE("a row of which it says so is taken back") {
    Providers after(kOwn, {}, kSecret, 0);
    after.treat(Expired::kept);
    CHECK(after.load(row.key, row.value, later).ok());
    CHECK(found(after, key(1), later).empty());
    CHECK(found(after, key(1)) == std::set<base::NodeId>{provider_of(1).id});
  }
}

TEST_CASE("dht providers: whom a clock far behind has read back is named and kept once the date is set right") {
  Providers before(kOwn, {}, kSecret, 0), after(kOwn, {}, kSecret, 0);
  const store::Row row = before.add(key(1), provider_of(1), kWall).value().rows.save.at(0);
  after.treat(Expired::kept);
  REQUIRE(after.load(row.key, row.value, kWall - 1'000h).ok());
  // An announcement by such a clock ends no sooner.
  CHECK(after.add(key(1), provider_of(1), kWall - 1'000h).value().rows.empty());
  after.treat(Expired::dropped);
  CHECK(after.sweep(kWall + 47h).empty());
  CHECK(found(after, key(1), kWall + 47h) == std::set<base::NodeId>{provider_of(1).id});
  CHECK(after.sweep(kWall + 48h).erase.size() == 1);
}

TEST_CASE("dht providers: of equal shares the farthest announcement goes, and not for one that is as far") {
  ProviderLimits limits;
  limits.announcements_max = 2;
  Providers providers(kOwn, limits, kSecret, 0);
  CHECK_FALSE(refusal(providers, key(10), provider_of(1)));
  CHECK_FALSE(refusal(providers, key(30), provider_of(2)));
  CHECK(refusal(providers, key(30), provider_of(3)) == ProviderError::no_space);
  CHECK_FALSE(refusal(providers, key(20), provider_of(3)));
  CHECK(found(providers, key(30)).empty());
  CHECK_FALSE(refusal(providers, key(5), provider_of(1)));  // one more than its share: in place of the farthest of all
  CHECK(found(providers, key(20)).empty());
  CHECK_FALSE(refusal(providers, key(200), provider_of(4)));  // which is the first to make room again
  CHECK(found(providers, key(10)).empty());
}

TEST_CASE("dht providers: rows come back after a restart, and hostile ones do not") {
  Providers before(kOwn, {}, kSecret, 0);
  const store::Row row = before.add(key(1), provider_of(1), kWall).value().rows.save.at(0);
  CHECK(base::hex(row.value) ==
        "0100754c6b00000000"                                                // version, two days after kWall
        "0100000000000000000000000000000000000000000000000000000000000000"  // key
        "00000000"
        "00000000000000000000ffff0a010203"
        "a00f");  // nonce, address, port 4000
  Providers after(kOwn, {}, kSecret, 0);
  const auto error = [&](const store::Row& what, base::WallTime wall = kWall) -> std::optional<RowError> {
    const auto out = after.load(what.key, what.value, wall);
    if (out.ok()) return std::nullopt;
    return out.error();
  };
  SUBCASE("as it was") {
    CHECK_FALSE(error(row));
    CHECK(found(after, key(1), kWall + 48h - 1ns).size() == 1);
    CHECK(error(row) == RowError::present);
  }
  SUBCASE("expired meanwhile") { CHECK(error(row, kWall + 48h) == RowError::expired); }
  SUBCASE("from a clock ahead: it lasts from now") {
    CHECK_FALSE(error(row, kWall - 100h));
    CHECK(found(after, key(1), kWall - 52h).empty());
  }
  SUBCASE("of another id, or one without work") {
    store::Row bad = row;
    bad.key[20] ^= 1;
    CHECK(error(bad) == RowError::corrupt);
    Providers strict(kOwn, {}, kSecret, 16);
    CHECK_FALSE(strict.load(row.key, row.value, kWall).ok());
  }
  SUBCASE("cut or lengthened anywhere") {
    store::Row bad = row;
    bad.value.push_back(0);
    CHECK(error(bad) == RowError::corrupt);
    for (std::size_t i = 0; i < row.value.size(); ++i) {
      bad.value.assign(row.value.begin(), row.value.begin() + static_cast<std::ptrdiff_t>(i));
      CHECK(error(bad) == RowError::corrupt);
    }
    CHECK(error({{}, row.value}) == RowError::corrupt);
  }
  SUBCASE("with a port that cannot be dialled") {
    store::Row bad = row;
    bad.value[61] = bad.value[62] = 0;
    CHECK(error(bad) == RowError::corrupt);
  }
  SUBCASE("of two rows of a provider the later one knows its address") {
    const store::Row later = before.add(key(2), provider_of(1, 5000), kWall + 1h).value().rows.save.at(0);
    SUBCASE("read first") {
      CHECK_FALSE(error(later, kWall + 1h));
      CHECK_FALSE(error(row, kWall + 1h));
    }
    SUBCASE("read last") {
      CHECK_FALSE(error(row, kWall + 1h));
      CHECK_FALSE(error(later, kWall + 1h));
    }
    base::Random random(1);
    CHECK(after.find(key(1), 1, kWall, random) == std::vector{provider_of(1, 5000)});
  }
}

namespace {

/// The rules of providers.hpp, read once more, without any index.
struct PlainProviders {
  struct Row {
    Key of;
    base::NodeId who;
    base::WallTime expires;
  };
  std::vector<Row> rows;

  std::set<base::NodeId> find(const Key& of, base::WallTime wall) const {
    std::set<base::NodeId> out;
    for (const Row& row : rows) {
      if (row.of == of && row.expires > wall) out.insert(row.who);
    }
    return out;
  }
  void add(const Key& of, const base::NodeId& who, base::WallTime wall) {
    for (Row& row : rows) {
      if (row.of != of || row.who != who || row.expires <= wall) continue;
      if (wall + 48h - row.expires >= 1h) row.expires = wall + 48h;
      return;
    }
    std::erase_if(rows, [&](const Row& row) { return row.expires <= wall; });
    rows.push_back({of, who, wall + 48h});
  }
};

}  // namespace

TEST_CASE("dht providers: it finds what a plain list finds, over restarts") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    std::optional<Providers> providers;
    providers.emplace(kOwn, ProviderLimits{}, kSecret, 0u);
    PlainProviders plain;
    std::map<base::Bytes, base::Bytes> disk;
    base::WallTime wall = kWall;
    const auto write = [&](const RowChange& change) {
      for (const store::Row& row : change.save) disk[row.key] = row.value;
      for (const base::Bytes& key : change.erase) disk.erase(key);
    };
    for (int i = 0; i < 120; ++i) {
      const Key of = key(static_cast<std::uint8_t>(random.below(5)));
      const Contact who = provider_of(static_cast<std::uint8_t>(random.below(8)));
      switch (random.below(10)) {
        case 0: wall = wall + std::chrono::minutes(random.below(1200)); break;
        case 1: write(providers->sweep(wall)); break;
        case 2:
          write(providers->forget(of, who.id));
          std::erase_if(plain.rows, [&](const auto& row) { return row.of == of && row.who == who.id; });
          break;
        case 3:
          providers.emplace(kOwn, ProviderLimits{}, kSecret, 0u);
          for (const auto& [row_key, row] : disk) {
            const auto loaded = providers->load(row_key, row, wall);
            if (!loaded.ok()) RC_ASSERT(loaded.error() == RowError::expired);
          }
          break;
        default: write(providers->add(of, who, wall).value().rows); plain.add(of, who.id, wall);
      }
      for (std::uint8_t each = 0; each < 5; ++each) {
        RC_ASSERT(found(*providers, key(each), wall) == plain.find(key(each), wall));
      }
    }
  }));
}
