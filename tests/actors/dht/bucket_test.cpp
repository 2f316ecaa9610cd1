// One k-bucket: who is listed, who waits, who loses its place.
#include "actors/dht/logic/bucket.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/actors/dht/contacts.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;
using troupe::test::kStart;

namespace {

Bucket empty_bucket() { return Bucket{point(0), Range{0}}; }

/// Contacts 0 to count - 1, heard in that order, a nanosecond apart from kStart on.
Bucket bucket_of(std::uint64_t count) {
  Bucket bucket = empty_bucket();
  for (std::uint64_t i = 0; i < count; ++i) {
    CHECK(bucket.hear(contact(i), Evidence::answered, kStart + std::chrono::nanoseconds(i)).value().empty());
  }
  return bucket;
}
Bucket full_bucket() { return bucket_of(kContactsMax); }

bool lists(const Bucket& bucket, const Contact& whom) {
  return std::ranges::count(bucket.listed(), whom, &Listed::contact) == 1;
}
Contact at_group(std::uint64_t number, const std::string& address) {
  return contact_at(contact(number).id, address + ":" + std::to_string(1 + number));
}

}  // namespace

TEST_CASE("bucket: a contact is listed only after it has answered") {
  Bucket bucket = empty_bucket();
  CHECK(bucket.empty());
  CHECK(bucket.wake_at() == base::Instant::max());
  const auto pings = bucket.hear(contact(1), Evidence::asked_us, kStart);
  REQUIRE(pings.ok());
  REQUIRE(pings.value().size() == 1);
  CHECK(pings.value()[0].whom == contact(1));
  CHECK(pings.value()[0].answer_due == kStart + kPingTimeout);
  CHECK(bucket.listed().empty());
  CHECK(bucket.wake_at() == kStart + kPingTimeout);

  SUBCASE("its answer lists it") {
    CHECK(bucket.hear(contact(1), Evidence::answered, kStart + 1s).value().empty());
    CHECK(lists(bucket, contact(1)));
    CHECK(bucket.spares().empty());
    CHECK(bucket.wake_at() == kStart + 1s + kSilentMax);
  }
  SUBCASE("its silence forgets it, at the deadline and not before") {
    CHECK(bucket.expire(kStart + kPingTimeout - 1ns).empty());
    CHECK(bucket.spares().size() == 1);
    CHECK(bucket.expire(kStart + kPingTimeout).empty());
    CHECK(bucket.empty());
  }
  SUBCASE("asking again does not make it pinged twice") {
    CHECK(bucket.hear(contact(1), Evidence::asked_us, kStart + 1s).value().empty());
    CHECK(bucket.spares().size() == 1);
  }
}

TEST_CASE("bucket: an id of another range, our own included, is refused and changes nothing") {
  Bucket bucket{point(0), Range{1}};
  CHECK(bucket.hear(contact(1), Evidence::answered, kStart).error() == BucketError::wrong_range);
  CHECK(bucket.hear(contact_at(point(0), "127.0.0.1:9"), Evidence::answered, kStart).error() ==
        BucketError::wrong_range);
  CHECK(bucket.empty());
}

TEST_CASE("bucket: the longest silent comes first") {
  Bucket bucket = bucket_of(3);
  CHECK(bucket.hear(contact(0), Evidence::answered, kStart + 1s).value().empty());
  CHECK(bucket.listed()[0].contact == contact(1));
  CHECK(bucket.listed()[2].contact == contact(0));
  CHECK(bucket.hear(contact(1), Evidence::asked_us, kStart + 2s).value().empty());
  CHECK(bucket.listed()[2].contact == contact(1));
}

TEST_CASE("bucket: a full bucket asks its oldest contact before it lists a new one") {
  Bucket bucket = full_bucket();
  const base::Instant now = kStart + kQuietMax;
  const auto pings = bucket.hear(contact(20), Evidence::answered, now);
  REQUIRE(pings.ok());
  REQUIRE(pings.value().size() == 1);
  CHECK(pings.value()[0].whom == contact(0));
  CHECK(bucket.listed().size() == kContactsMax);

  SUBCASE("an answer in time keeps the old contact") {
    CHECK(bucket.hear(contact(0), Evidence::answered, now + 1s).ok());
    CHECK(bucket.expire(now + kPingTimeout).size() <= 1);
    CHECK(bucket.listed().back().contact == contact(0));
    CHECK_FALSE(lists(bucket, contact(20)));
  }
  SUBCASE("silence to two pings gives its place to the newcomer") {
    const auto again = bucket.expire(now + kPingTimeout);
    REQUIRE(again.size() == 1);
    CHECK(again[0].whom == contact(0));
    CHECK(lists(bucket, contact(0)));
    bucket.expire(now + 2 * kPingTimeout - 1ns);
    CHECK(lists(bucket, contact(0)));
    bucket.expire(now + 2 * kPingTimeout);
    CHECK_FALSE(lists(bucket, contact(0)));
    CHECK(lists(bucket, contact(20)));
    CHECK(bucket.spares().empty());
  }
}

TEST_CASE("bucket: who is banned is forgotten at once, and the newest spare that answered has its place") {
  Bucket bucket = full_bucket();
  const base::Instant now = kStart + 1s;
  CHECK(bucket.hear(contact(20), Evidence::answered, now).ok());
  CHECK(bucket.hear(contact(21), Evidence::answered, now).ok());
  SUBCASE("listed") {
    CHECK(bucket.forget(contact(7).id, now).empty());
    CHECK_FALSE(lists(bucket, contact(7)));
    CHECK(lists(bucket, contact(21)));
    CHECK(bucket.listed().size() == kContactsMax);
  }
  SUBCASE("spare") {
    bucket.forget(contact(21).id, now);
    REQUIRE(bucket.spares().size() == 1);
    CHECK(bucket.spares()[0].contact == contact(20));
  }
  SUBCASE("pinged: no answer is waited for") {
    Bucket empty = empty_bucket();
    CHECK(empty.hear(contact(1), Evidence::asked_us, now).value().size() == 1);
    CHECK(empty.forget(contact(1).id, now).empty());
    CHECK(empty.empty());
    CHECK(empty.wake_at() == base::Instant::max());
  }
  SUBCASE("nobody") {
    CHECK(bucket.forget(contact(99).id, now).empty());
    CHECK(bucket.listed().size() == kContactsMax);
  }
}

TEST_CASE("bucket: who was silent for long is pinged though nobody wants its place, one after the other") {
  Bucket bucket = bucket_of(3);
  base::Instant now = bucket.wake_at();
  CHECK(now == kStart + kSilentMax);
  CHECK(bucket.expire(now - 1ns).empty());
  now = now + 1s;  // all three were silent for as long
  auto pings = bucket.expire(now);
  REQUIRE(pings.size() == 1);
  CHECK(pings[0].whom == contact(0));
  CHECK(bucket.expire(now).empty());
  CHECK(bucket.wake_at() == now + kPingTimeout);

  SUBCASE("an answer makes it the last, and it is the turn of the next") {
    pings = bucket.hear(contact(0), Evidence::answered, now + 1s).value();
    REQUIRE(pings.size() == 1);
    CHECK(pings[0].whom == contact(1));
    CHECK(bucket.listed().back().contact == contact(0));
  }
  SUBCASE("silence to two pings and it is named to nobody, to all of them and the head may let it go") {
    pings = bucket.expire(now + kPingTimeout);
    REQUIRE(pings.size() == 1);
    CHECK(pings[0].whom == contact(0));
    pings = bucket.expire(now + 2 * kPingTimeout);
    CHECK(bucket.listing().good.size() == 2);
    REQUIRE(pings.size() == 1);
    CHECK(pings[0].whom == contact(1));
    // From now on nobody answers.
    for (int wakes = 0; bucket.listing().silent.size() < 3; ++wakes) {
      REQUIRE(wakes < 100);
      now = bucket.wake_at();
      CHECK(bucket.expire(now).size() <= kPingsMax);
    }
    CHECK(now < kStart + kSilentMax + 10min);
    CHECK(bucket.listing().good.empty());
    CHECK(bucket.listing().rest.size() == 3);
  }
}

TEST_CASE("bucket: while all were heard of late nobody is pinged for a newcomer") {
  Bucket bucket = full_bucket();
  CHECK(bucket.hear(contact(20), Evidence::answered, kStart + kQuietMax - 1ns).value().empty());
  CHECK(bucket.hear(contact(21), Evidence::asked_us, kStart + kQuietMax - 1ns).value().empty());
  CHECK(bucket.spares().size() == 2);
}

TEST_CASE("bucket: spares are limited, and who only asked gives way to who answered") {
  Bucket bucket = full_bucket();
  for (std::uint64_t i = 0; i < kSparesMax; ++i) {
    REQUIRE(bucket.hear(contact(20 + i), i == 3 ? Evidence::asked_us : Evidence::answered, kStart + 1s).ok());
  }
  CHECK(bucket.spares().size() == kSparesMax);
  REQUIRE(bucket.hear(contact(40), Evidence::answered, kStart + 2s).ok());
  CHECK(bucket.spares().size() == kSparesMax);
  CHECK(std::ranges::count(bucket.spares(), contact(23), &Spare::contact) == 0);
  REQUIRE(bucket.hear(contact(41), Evidence::asked_us, kStart + 2s).ok());
  CHECK(std::ranges::count(bucket.spares(), contact(41), &Spare::contact) == 0);
  REQUIRE(bucket.hear(contact(42), Evidence::answered, kStart + 2s).ok());
  CHECK(std::ranges::count(bucket.spares(), contact(20), &Spare::contact) == 0);
  CHECK(bucket.spares().size() == kSparesMax);
}

TEST_CASE("bucket: a spare is forgotten when it is old") {
  Bucket bucket = full_bucket();
  REQUIRE(bucket.hear(contact(20), Evidence::answered, kStart + 1s).ok());
  bucket.expire(kStart + 1s + kSpareLife - 1ns);
  CHECK(bucket.spares().size() == 1);
  bucket.expire(kStart + 1s + kSpareLife);
  CHECK(bucket.spares().empty());
}

TEST_CASE("bucket: two failures in a row give the place to a spare, one does not") {
  Bucket bucket = full_bucket();
  REQUIRE(bucket.hear(contact(20), Evidence::answered, kStart + 1s).ok());
  REQUIRE(bucket.hear(contact(21), Evidence::answered, kStart + 2s).ok());
  bucket.failed(contact(5).id, kStart + 10s);
  CHECK(lists(bucket, contact(5)));

  SUBCASE("two") {
    bucket.failed(contact(5).id, kStart + 20s);
    CHECK_FALSE(lists(bucket, contact(5)));
    CHECK(lists(bucket, contact(21)));  // the newest
  }
  SUBCASE("an answer between them forgives the first") {
    REQUIRE(bucket.hear(contact(5), Evidence::answered, kStart + 15s).ok());
    bucket.failed(contact(5).id, kStart + 20s);
    CHECK(lists(bucket, contact(5)));
  }
  SUBCASE("two in one burst are one") {
    bucket.failed(contact(5).id, kStart + 10s + kFailureGap - 1ns);
    CHECK(lists(bucket, contact(5)));
    bucket.failed(contact(5).id, kStart + 10s + kFailureGap);
    CHECK_FALSE(lists(bucket, contact(5)));
  }
  SUBCASE("a question of its own is no answer") {
    REQUIRE(bucket.hear(contact(5), Evidence::asked_us, kStart + 15s).ok());
    bucket.failed(contact(5).id, kStart + 20s);
    CHECK_FALSE(lists(bucket, contact(5)));
  }
  SUBCASE("of a stranger they are no matter") {
    bucket.failed(contact(99).id, kStart + 20s);
    CHECK(bucket.listed().size() == kContactsMax);
  }
}

TEST_CASE("bucket: the answer to a ping counts while it is waited for, and lists nobody who was forgotten meanwhile") {
  Bucket bucket = empty_bucket();
  REQUIRE(bucket.hear(contact(1), Evidence::asked_us, kStart).value().size() == 1);
  SUBCASE("it lists who is waited for") {
    CHECK(bucket.answered(contact(1), kStart + 1s).empty());
    CHECK(lists(bucket, contact(1)));
  }
  SUBCASE("not who was forgotten") {
    bucket.forget(contact(1).id, kStart + 1s);
    CHECK(bucket.answered(contact(1), kStart + 1s).empty());
    CHECK(bucket.empty());
  }
  SUBCASE("nor whoever was asked elsewhere") {
    CHECK(bucket.answered(contact_at(contact(1).id, "127.0.0.1:1"), kStart + 1s).empty());
    CHECK(bucket.listed().empty());
  }
}

TEST_CASE("bucket: without a spare a failing contact stays, unnamed, and is pinged ever less often until it may go") {
  Bucket bucket = bucket_of(2);
  bucket.failed(contact(0).id, kStart + 10s);
  bucket.failed(contact(0).id, kStart + 20s);
  CHECK(bucket.listed().size() == 2);
  CHECK(bucket.listing().good == std::vector{contact(1)});
  CHECK(bucket.listing().rest == std::vector{contact(0)});
  base::Instant wake = bucket.wake_at();
  CHECK(wake == kStart + 20s + kRetryFailing);
  CHECK(bucket.expire(wake - 1ns).empty());

  SUBCASE("questions that it does not answer before that say nothing new") {
    for (int i = 21; i < 80; ++i) bucket.failed(contact(0).id, kStart + 1s * i);
    CHECK(bucket.listing().silent.empty());
    CHECK(bucket.wake_at() == wake);
    bucket.failed(contact(0).id, wake);
    CHECK(bucket.wake_at() == wake + 2 * kRetryFailing);
  }
  SUBCASE("an answer to the ping makes it good") {
    CHECK(bucket.expire(wake).size() == 1);
    REQUIRE(bucket.hear(contact(0), Evidence::answered, wake + 1s).ok());
    CHECK(bucket.listing().good.size() == 2);
  }
  SUBCASE("silence to the last one leaves it to the head, and it is pinged as often as before") {
    for (std::uint32_t failures = kFailuresMax; failures < kForgetFailures; ++failures) {
      CHECK(bucket.listed().size() == 2);
      wake = bucket.wake_at();
      CHECK(bucket.expire(wake).size() == 1);
      bucket.expire(wake + kPingTimeout);
    }
    const base::Instant last = wake + kPingTimeout;
    const auto silent = bucket.listing().silent;
    REQUIRE(silent.size() == 1);
    CHECK(silent[0].id == contact(0).id);
    CHECK(silent[0].since == last - 4min - kPingTimeout);
    CHECK(bucket.listing().seen.back() == kStart + 1ns);
    for (int i = 0; i < 100; ++i) bucket.failed(contact(0).id, last + 1s * i);
    REQUIRE(bucket.hear(contact(1), Evidence::answered, last + 99s).ok());  // it is good, and not in question
    CHECK(bucket.expire(last + 8min - 1ns).empty());
    CHECK(bucket.expire(last + 8min).size() == 1);
    CHECK(bucket.listed().size() == 2);
    bucket.forget(contact(0).id, last + 10min);
    CHECK(bucket.listed().size() == 1);
    CHECK(bucket.listing().silent.empty());
  }
  SUBCASE("whoever answers takes its place in a full bucket") {
    for (std::uint64_t i = 2; i <= kContactsMax; ++i) {
      REQUIRE(bucket.hear(contact(i), Evidence::answered, kStart + 21s).ok());
    }
    CHECK_FALSE(lists(bucket, contact(0)));
    CHECK(bucket.listing().good.size() == kContactsMax);
  }
}

TEST_CASE("bucket: an address group has its limit, among listed and spare together") {
  Bucket bucket = empty_bucket();
  const auto near = [](std::uint64_t number) { return at_group(number, "192.0.2." + std::to_string(number)); };
  REQUIRE(bucket.hear(near(1), Evidence::answered, kStart).ok());
  REQUIRE(bucket.hear(near(2), Evidence::asked_us, kStart).ok());
  CHECK(bucket.hear(near(3), Evidence::asked_us, kStart).error() == BucketError::group_full);
  CHECK(bucket.spares().size() == 1);
  REQUIRE(bucket.hear(near(3), Evidence::answered, kStart).ok());  // better than one that only asked
  CHECK(bucket.spares().empty());
  CHECK(bucket.hear(near(2), Evidence::answered, kStart).error() == BucketError::group_full);
  CHECK(bucket.listed().size() == 2);
  CHECK(bucket.hear(near(1), Evidence::answered, kStart).ok());
  CHECK(bucket.hear(at_group(4, "192.0.3.1"), Evidence::answered, kStart).ok());

  GroupLimits none;
  none.bucket_max = 0;
  Bucket closed{point(0), Range{0}, none};
  CHECK(closed.hear(near(1), Evidence::answered, kStart).error() == BucketError::group_full);
}

TEST_CASE("bucket: a contact moves only once it fails where it is known") {
  Bucket bucket = bucket_of(1);
  const Contact elsewhere = contact_at(contact(0).id, "127.0.0.1:5");
  Evidence evidence = Evidence::answered;
  SUBCASE("though it answers elsewhere") {}
  SUBCASE("though it asks from elsewhere") { evidence = Evidence::asked_us; }
  const auto doubt = bucket.hear(elsewhere, evidence, kStart + 1s);
  REQUIRE(doubt.ok());
  REQUIRE(doubt.value().size() == 1);
  CHECK(doubt.value()[0].whom == contact(0));
  CHECK(bucket.listed()[0].contact == contact(0));
  CHECK(bucket.listed()[0].heard == kStart);

  SUBCASE("its answer there keeps it, and ends the matter") {
    CHECK(bucket.hear(contact(0), Evidence::answered, kStart + 2s).value().empty());
    CHECK(bucket.expire(kStart + 1s + kPingTimeout).empty());
    CHECK(bucket.listed()[0].contact == contact(0));
    CHECK(bucket.listed()[0].failures == 0);
  }
  SUBCASE("its silence has the new address pinged") {
    const auto there = bucket.expire(kStart + 1s + kPingTimeout);
    REQUIRE(there.size() == 1);
    CHECK(there[0].whom == elsewhere);
    CHECK(bucket.listed()[0].contact == contact(0));
    SUBCASE("whose answer moves it") {
      CHECK(bucket.hear(elsewhere, Evidence::answered, kStart + 4s).value().empty());
      CHECK(bucket.listed()[0].contact == elsewhere);
      CHECK(bucket.listed()[0].failures == 0);
    }
    SUBCASE("whose silence is no failure more") {
      bucket.expire(kStart + 1s + 2 * kPingTimeout);
      CHECK(bucket.listed()[0].contact == contact(0));
      CHECK(bucket.listed()[0].failures == 1);
      CHECK_FALSE(bucket.listed()[0].elsewhere.has_value());
    }
  }
}

TEST_CASE("bucket: no more than kPingsMax strangers are pinged at a time") {
  Bucket bucket = empty_bucket();
  for (std::uint64_t i = 0; i < kPingsMax; ++i) {
    CHECK(bucket.hear(contact(i), Evidence::asked_us, kStart).value().size() == 1);
  }
  CHECK(bucket.hear(contact(9), Evidence::asked_us, kStart).value().empty());
  const auto next = bucket.hear(contact(0), Evidence::answered, kStart + 1s);
  REQUIRE(next.value().size() == 1);
  CHECK(next.value()[0].whom == contact(9));
}

TEST_CASE("bucket: whatever it hears, its limits hold") {
  base::Random random{7};
  Bucket bucket = empty_bucket();
  base::Instant now = kStart;
  for (int step = 0; step < 20'000; ++step) {
    now = now + std::chrono::milliseconds(random.below(20'000));
    const Contact who = at_group(random.below(60), "192.0." + std::to_string(random.below(25)) + ".1");
    switch (random.below(4)) {
      case 0: (void)bucket.hear(who, Evidence::asked_us, now); break;
      case 1: (void)bucket.hear(who, Evidence::answered, now); break;
      case 2: bucket.failed(who.id, now); break;
      default: bucket.expire(now); break;
    }
  }
  CHECK_FALSE(bucket.listed().empty());  // check() has looked at each step
}

TEST_CASE("bucket: a ping that was not sent is no silence, and is sent again") {
  Bucket bucket = empty_bucket();
  const base::Instant now = kStart;
  const auto pings = bucket.hear(contact(1), Evidence::asked_us, now);
  REQUIRE(pings.ok());
  REQUIRE(pings.value().size() == 1);
  const auto again = bucket.unasked(contact(1), now + 1s);
  REQUIRE(again.size() == 1);
  CHECK(again[0].answer_due == now + 1s + kPingTimeout);
  bucket.expire(now + kPingTimeout);
  CHECK(bucket.spares().size() == 1);
  CHECK(bucket.answered(contact(1), now + 3s).empty());
  CHECK(bucket.listed().size() == 1);
  CHECK(bucket.unasked(contact(1), now + 4s).empty());
}
