// Whom a listener asks, when again, and what of all that comes is new.
#include "actors/dht/logic/listening.hpp"

#include <doctest/doctest.h>

#include "tests/actors/dht/contacts.hpp"
#include "tests/actors/dht/records.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;
using troupe::dht::test::contact;
using troupe::test::kStart;

namespace {

const Topic kTopic{TopicKind::value, key(1)};
const Token kToken = *Token::from(base::Bytes(Token::kBytes, 7));

/// One that has asked these, the first of them contact(0).
Listening asking(std::size_t holders) {
  Listening out(kTopic, {}, kStart);
  CHECK(out.due(kStart).search);
  std::vector<Contact> nearest;
  for (std::size_t i = 0; i < holders; ++i) nearest.push_back(contact(i));
  out.found(nearest, kStart);
  CHECK(out.due(kStart).ask.size() == holders);
  return out;
}
Version version(std::uint64_t sequence, std::uint8_t digest = 0) {
  Version out{sequence, {}};
  out.digest.bytes[0] = digest;
  return out;
}

}  // namespace

TEST_CASE("dht listening: holders are searched for, asked, and asked again with the token that they gave") {
  Listening listening(kTopic, {}, kStart);
  const auto first = listening.due(kStart);
  CHECK(first.search);
  CHECK(first.ask.empty());
  CHECK_FALSE(listening.due(kStart).search);
  CHECK(listening.wake_at() == base::Instant::max());
  listening.found({contact(0), contact(1)}, kStart);
  const auto asked = listening.due(kStart).ask;
  REQUIRE(asked.size() == 2);
  CHECK_FALSE(asked[0].token);
  CHECK(listening.asked(contact(1).id));
  CHECK_FALSE(listening.asked(contact(2).id));

  listening.answered(contact(0).id, 0s, kToken, kStart + 1s);
  const auto again = listening.due(kStart + 1s).ask;
  REQUIRE(again.size() == 1);
  CHECK(again[0].token == kToken);
  listening.answered(contact(0).id, 240s, kToken, kStart + 2s);
  CHECK(listening.leases(kStart + 2s) == 1);
  CHECK_FALSE(listening.settled());
  CHECK(listening.due(kStart + 2s + 120s - 1ns).ask.empty());
  CHECK(listening.due(kStart + 2s + 120s).ask.size() == 1);
  CHECK(listening.leases(kStart + 2s + 240s) == 0);
}

TEST_CASE("dht listening: who gives no lease is asked now and then") {
  Listening listening = asking(1);
  listening.answered(contact(0).id, 0s, kToken, kStart);
  CHECK(listening.due(kStart).ask.size() == 1);
  CHECK_FALSE(listening.settled());
  listening.answered(contact(0).id, 0s, kToken, kStart);
  CHECK(listening.settled());
  CHECK(listening.wake_at() == kStart + 30s);
  CHECK(listening.due(kStart + 30s).ask.size() == 1);
}

TEST_CASE("dht listening: who gives a lease of a second is not asked in a loop") {
  Listening listening = asking(1);
  listening.answered(contact(0).id, 1s, kToken, kStart);
  CHECK(listening.settled());
  CHECK(listening.wake_at() == kStart + kListenAgain);
}

TEST_CASE("dht listening: who does not answer is given up, and looked for again") {
  Listening listening = asking(2);
  listening.answered(contact(1).id, 240s, kToken, kStart);
  base::Instant now = kStart;
  for (unsigned i = 1; i < kListenTriesMax; ++i) {
    listening.failed(contact(0).id, now);
    CHECK(listening.settled());
    now = now + kListenAgain;
    CHECK(listening.due(now).ask.size() == 1);
  }
  listening.failed(contact(0).id, now);
  CHECK_FALSE(listening.asked(contact(0).id));
  CHECK(listening.due(now + kListenSearchAgain).search);

  SUBCASE("one that answers in between is not") {
    Listening other = asking(1);
    for (unsigned i = 0; i < 2 * kListenTriesMax; ++i) {
      other.failed(contact(0).id, kStart);
      other.answered(contact(0).id, 240s, kToken, kStart);
    }
    CHECK(other.asked(contact(0).id));
  }
  SUBCASE("a search that finds nobody leaves those that are known") {
    listening.found({}, now + kListenSearchAgain);
    CHECK(listening.asked(contact(1).id));
    CHECK(listening.wake_at() <= now + 2 * kListenSearchAgain);
  }
}

TEST_CASE("dht listening: a search later asks those that are new, and forgets those that are not near any more") {
  Listening listening = asking(2);
  for (const int i : {0, 1}) listening.answered(contact(i).id, 300s, kToken, kStart);
  CHECK_FALSE(listening.due(kStart + 149s).search);
  CHECK(listening.due(kStart + 600s).search);
  listening.found({contact(1), contact(2)}, kStart + 600s);
  const auto asked = listening.due(kStart + 600s).ask;
  REQUIRE(asked.size() == 1);  // the other one is being asked
  CHECK(asked[0].whom == contact(2));
  CHECK_FALSE(listening.asked(contact(0).id));
  listening.answered(contact(0).id, 300s, kToken, kStart + 601s);  // too late to matter
  CHECK(listening.holders().size() == 2);
}

TEST_CASE("dht listening: a value is new if it is newer than all before it") {
  Listening listening(kTopic, {}, kStart);
  CHECK(listening.take(version(7, 1)));
  CHECK_FALSE(listening.take(version(7, 1)));
  CHECK_FALSE(listening.take(version(6, 9)));
  CHECK(listening.may_be_new(7));
  CHECK_FALSE(listening.may_be_new(6));
  CHECK(listening.take(version(7, 2)));
  CHECK(listening.take(version(8)));
  CHECK(listening.items() == 3);

  SUBCASE("or, with a planted bug, is it not") {
    const Planted bug("dht.listen_takes_older");
    Listening broken(kTopic, {}, kStart, bug);
    CHECK(broken.take(version(7)));
    CHECK(broken.take(version(6)));
  }
}

TEST_CASE("dht listening: a provider is new once, and of too many the oldest is forgotten") {
  Listening listening({TopicKind::providers, key(1)}, {}, kStart);
  CHECK(listening.take(contact(0)));
  CHECK_FALSE(listening.take(contact(0)));
  Contact moved = contact(0);
  moved.where.endpoint.port = 9;
  CHECK_FALSE(listening.take(moved));
  for (std::size_t i = 1; i < kListenedProvidersMax; ++i) CHECK(listening.take(contact(i)));
  CHECK(listening.providers().front() == contact(0));
  CHECK(listening.take(contact(kListenedProvidersMax)));
  CHECK(listening.providers().size() == kListenedProvidersMax);
  CHECK(listening.providers().front() == contact(1));
  CHECK(listening.items() == kListenedProvidersMax + 1);
}
