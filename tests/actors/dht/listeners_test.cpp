// Who is told of what comes to a place, until when, and how often.
#include "actors/dht/logic/listeners.hpp"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/actors/dht/contacts.hpp"
#include "tests/actors/dht/records.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace std::chrono_literals;
using troupe::dht::test::contact;
using troupe::dht::test::contact_at;

namespace {

const Topic kValue{TopicKind::value, key(1)}, kProviders{TopicKind::providers, key(1)};

std::vector<base::NodeId> told(const std::vector<Notice>& notices) {
  std::vector<base::NodeId> out;
  for (const Notice& one : notices) out.push_back(one.to.id);
  return out;
}
using Ids = std::vector<base::NodeId>;
using troupe::test::kStart;

}  // namespace

TEST_CASE("dht listeners: a change is told to those that listen to its place, until their lease ends") {
  Listeners listeners({});
  CHECK(listeners.changed(kValue, {}, kStart).empty());
  CHECK(listeners.add(kValue, contact(1), 60s, kStart).value() == 60s);
  CHECK(listeners.add(kProviders, contact(2), 60s, kStart).ok());
  CHECK(listeners.add({TopicKind::value, key(2)}, contact(3), 60s, kStart).ok());
  CHECK(listeners.listens(kValue, contact(1), kStart + 60s - 1ns));
  CHECK_FALSE(listeners.listens(kValue, contact(1), kStart + 60s));
  CHECK_FALSE(listeners.listens(kValue, contact(2), kStart));
  CHECK(told(listeners.changed(kValue, {}, kStart + 60s - 1ns)) == Ids{contact(1).id});
  CHECK(listeners.changed(kProviders, contact(9), kStart + 60s).empty());
  CHECK(listeners.size() == 0);

  SUBCASE("or, with a planted bug, beyond it") {
    const Planted bug("dht.listeners_outlive_leases");
    Listeners broken({}, bug);
    CHECK(broken.add(kValue, contact(1), 60s, kStart).ok());
    CHECK_FALSE(broken.changed(kValue, {}, kStart + 60s).empty());
  }
}

TEST_CASE("dht listeners: a lease that is asked for again begins anew, is no longer than allowed, and can be ended") {
  Listeners listeners({});
  CHECK(listeners.add(kValue, contact(1), 1h, kStart).value() == 300s);
  CHECK(listeners.add(kValue, contact(1), 60s, kStart + 299s).value() == 60s);
  CHECK(listeners.size() == 1);
  CHECK(listeners.listens(kValue, contact(1), kStart + 358s));
  // At another address it is not known to be there.
  Contact moved = contact(1);
  moved.where.endpoint.port = 9;
  CHECK_FALSE(listeners.listens(kValue, moved, kStart + 300s));
  CHECK(listeners.add(kValue, moved, 60s, kStart + 300s).ok());
  CHECK(listeners.changed(kValue, {}, kStart + 301s).front().to == moved);
  listeners.remove(kValue, contact(1).id);
  listeners.remove(kValue, contact(1).id);
  CHECK(listeners.size() == 0);
}

TEST_CASE("dht listeners: each limit holds, and frees a place with a lease") {
  const auto error = [](const auto& result) { return result.ok() ? std::nullopt : std::optional(result.error()); };
  SUBCASE("of a topic") {
    Listeners listeners({.per_topic_max = 2});
    for (const int i : {1, 2}) CHECK(listeners.add(kValue, contact(i), 60s, kStart).ok());
    CHECK(error(listeners.add(kValue, contact(3), 60s, kStart)) == ListenError::topic_full);
    CHECK(listeners.add(kValue, contact(2), 60s, kStart).ok());
    CHECK(listeners.add(kProviders, contact(3), 60s, kStart).ok());
    CHECK(listeners.add(kValue, contact(3), 60s, kStart + 60s).ok());
  }
  SUBCASE("of a listener") {
    Listeners listeners({.per_listener_max = 1});
    CHECK(listeners.add(kValue, contact(1), 60s, kStart).ok());
    CHECK(error(listeners.add(kProviders, contact(1), 60s, kStart)) == ListenError::listener_full);
    listeners.remove(kValue, contact(1).id);
    CHECK(listeners.add(kProviders, contact(1), 60s, kStart).ok());
  }
  SUBCASE("of all") {
    Listeners listeners({.listeners_max = 2});
    CHECK(listeners.add(kValue, contact(1), 60s, kStart).ok());
    CHECK(error(listeners.add(kValue, contact(3), 60s, kStart)) == ListenError::full);
    CHECK(listeners.size() == 1);
  }
}

TEST_CASE("dht listeners: forty ids of one line leave room for listeners of other sites, and for this node") {
  const auto at = [](int number, int site) {
    return contact_at(contact(std::uint64_t(number)).id, "198.18." + std::to_string(site) + ".1:4000");
  };
  const auto topic = [](int number) { return Topic{TopicKind::value, key(number)}; };
  const Contact self = at(9'000, 99);
  Listeners listeners({.listeners_max = 160, .self = self.id});
  const auto fill = [&](const Contact& who) {
    std::size_t taken = 0;
    for (int i = 0; i < 40; ++i) taken += listeners.add(topic(i), who, 60s, kStart).ok();
    return taken;
  };
  for (int turn = 0; turn < 2; ++turn)
    for (int i = 0; i < 40; ++i) fill(at(i, 1));
  CHECK(listeners.size() == 80);  // half; above it a group has a quarter
  CHECK(fill(at(100, 2)) == 10);  // and a listener a sixteenth
  for (int i = 0; i < 10; ++i) fill(at(200 + i, 3));
  CHECK(listeners.size() == 130);
  CHECK(fill(at(300, 4)) == 10);
  CHECK(listeners.size() == 140);  // full: the rest is for this node
  // A newcomer takes the place of a lease of the largest group, not of a neighbour's.
  CHECK(listeners.add(topic(50), at(400, 5), 60s, kStart).ok());
  CHECK(listeners.size() == 140);
  CHECK(listeners.listens(topic(0), at(100, 2), kStart));
  CHECK(fill(self) == 40);  // also in place of others
  CHECK(listeners.size() == 160);
  fill(at(77, 1));
  CHECK(listeners.listens(topic(50), at(400, 5), kStart));
  // A listener that moves counts where it is.
  CHECK(listeners.add(topic(50), at(400, 6), 60s, kStart).ok());
  CHECK(listeners.size() == 160);
}

TEST_CASE("dht listeners: at a full topic the group with most makes room for another, and no one within a group") {
  const auto at = [](int number, int site) {
    return contact_at(contact(std::uint64_t(number)).id, "198.18." + std::to_string(site) + ".1:4000");
  };
  Listeners listeners({.per_topic_max = 4});
  for (int i = 0; i < 4; ++i) CHECK(listeners.add(kValue, at(i, 1), std::chrono::seconds(60 + i), kStart).ok());
  CHECK_FALSE(listeners.add(kValue, at(4, 1), 60s, kStart).ok());
  CHECK(listeners.add(kValue, at(5, 2), 60s, kStart).ok());
  CHECK_FALSE(listeners.listens(kValue, at(0, 1), kStart));
  CHECK(listeners.add(kValue, at(6, 2), 60s, kStart).ok());
  CHECK_FALSE(listeners.add(kValue, at(7, 2), 60s, kStart).ok());
  CHECK(listeners.size() == 4);
}

TEST_CASE("dht listeners: a notice that this node could not send is no try of it") {
  Listeners listeners({.notices_max = 1});
  for (const int i : {1, 2}) REQUIRE(listeners.add(kValue, contact(i), 300s, kStart).ok());
  const auto first = listeners.changed(kValue, {}, kStart);
  REQUIRE(told(first) == Ids{contact(1).id});
  Notice notice = first[0];
  for (unsigned i = 0; i < 3 * kNoticeTriesMax; ++i) {
    const auto again = listeners.again(notice, kStart);
    REQUIRE(again);
    CHECK(again->to == contact(1));
    notice = *again;
  }
  CHECK(listeners.size() == 2);
  SUBCASE("it has all its tries left") {
    for (unsigned i = 1; i < kNoticeTriesMax; ++i) notice = *listeners.unanswered(notice, kStart);
    CHECK(notice.to == contact(1));
    CHECK(listeners.size() == 2);
  }
  SUBCASE("the next one has its turn when the listener is gone") {
    listeners.remove(kValue, contact(1).id);
    const auto next = listeners.again(notice, kStart);
    REQUIRE(next);
    CHECK(next->to == contact(2));
  }
  SUBCASE("nor does a lease that ends wait for it") {
    const auto next = listeners.again(notice, kStart + 301s);
    CHECK_FALSE(next);
    CHECK(listeners.size() == 0);
  }
}

TEST_CASE(
    "dht listeners: notices beyond those that may be under way take turns, also after listeners that are silent") {
  Listeners listeners({.notices_max = 2});
  for (const int i : {1, 2, 3, 4}) REQUIRE(listeners.add(kValue, contact(i), 300s, kStart).ok());
  const auto first = listeners.changed(kValue, {}, kStart);
  CHECK(told(first) == Ids{contact(1).id, contact(2).id});
  CHECK(listeners.changed(kValue, {}, kStart).empty());
  const auto third = listeners.answered(first[0], Listens::yes, kStart);  // which is owed another, behind the others
  REQUIRE(third);
  CHECK(third->to == contact(3));
  Notice silent = first[1];
  for (unsigned i = 1; i < kNoticeTriesMax; ++i) silent = *listeners.unanswered(silent, kStart);
  CHECK(silent.to == contact(2));
  const auto fourth = listeners.unanswered(silent, kStart);
  REQUIRE(fourth);
  CHECK(fourth->to == contact(4));
  CHECK(listeners.size() == 3);
  SUBCASE("of one that listens no more meanwhile") {
    listeners.remove(kValue, contact(1).id);
    CHECK_FALSE(listeners.answered(*third, Listens::no, kStart));
    CHECK_FALSE(listeners.answered(*fourth, Listens::yes, kStart));
    CHECK(told(listeners.changed(kValue, {}, kStart)) == Ids{contact(4).id});
  }
  SUBCASE("of one that has waited") {
    const auto again = listeners.answered(*third, Listens::yes, kStart);
    REQUIRE(again);
    CHECK(again->to == contact(1));
  }
}

TEST_CASE("dht listeners: one notice is under way, and what comes meanwhile is told after it") {
  Listeners listeners({});
  REQUIRE(listeners.add(kValue, contact(1), 300s, kStart).ok());
  const auto first = listeners.changed(kValue, {}, kStart);
  REQUIRE(first.size() == 1);

  SUBCASE("nothing came") { CHECK_FALSE(listeners.answered(first[0], Listens::yes, kStart + 1s)); }
  SUBCASE("something did, once however often") {
    CHECK(listeners.changed(kValue, {}, kStart).empty());
    CHECK(listeners.changed(kValue, {}, kStart).empty());
    const auto second = listeners.answered(first[0], Listens::yes, kStart + 1s);
    REQUIRE(second);
    CHECK(second->number != first[0].number);
    CHECK_FALSE(listeners.answered(first[0], Listens::yes, kStart + 1s));  // late, and twice
    CHECK_FALSE(listeners.answered(*second, Listens::yes, kStart + 1s));
  }
  SUBCASE("it listens no more") {
    CHECK(listeners.changed(kValue, {}, kStart).empty());
    CHECK_FALSE(listeners.answered(first[0], Listens::no, kStart + 1s));
    CHECK(listeners.size() == 0);
  }
  SUBCASE("it does not answer, and is told so often") {
    Notice last = first[0];
    for (unsigned i = 1; i < kNoticeTriesMax; ++i) {
      const auto again = listeners.unanswered(last, kStart + 1s);
      REQUIRE(again);
      CHECK(again->number == last.number);
      last = *again;
    }
    CHECK_FALSE(listeners.unanswered(last, kStart + 1s));
    CHECK(listeners.size() == 0);
  }
  SUBCASE("its lease ends before its answer") {
    CHECK(listeners.changed(kValue, {}, kStart).empty());
    CHECK_FALSE(listeners.answered(first[0], Listens::yes, kStart + 300s));
    CHECK_FALSE(listeners.unanswered(first[0], kStart + 300s));
  }
}

TEST_CASE("dht listeners: new providers are named once, and no more than fit") {
  Listeners listeners({});
  REQUIRE(listeners.add(kProviders, contact(1), 300s, kStart).ok());
  const auto first = listeners.changed(kProviders, contact(100), kStart);
  REQUIRE(first.size() == 1);
  CHECK(first[0].providers == std::vector<Contact>{contact(100)});
  for (std::size_t i = 0; i <= kNewProvidersMax; ++i)
    CHECK(listeners.changed(kProviders, contact(200 + i), kStart).empty());
  const auto second = listeners.answered(first[0], Listens::yes, kStart);
  REQUIRE(second);
  CHECK(second->providers.size() == kNewProvidersMax);
  CHECK(second->providers.front() == contact(200));
  CHECK(listeners.unanswered(*second, kStart)->providers == second->providers);
  CHECK_FALSE(listeners.answered(*second, Listens::yes, kStart));
}

namespace {

/// The same by a list without indexes, that of leases alone.
struct PlainListeners {
  struct One {
    Topic topic;
    Contact who;
    base::Instant until;
  };
  ListenerLimits limits;
  std::vector<One> all;

  void expire(base::Instant now) {
    std::erase_if(all, [&](const One& one) { return one.until <= now; });
  }
  bool add(const Topic& topic, const Contact& who, std::chrono::seconds lease, base::Instant now) {
    expire(now);
    for (One& one : all)
      if (one.topic == topic && one.who == who) return one.until = now + std::min(lease, limits.lease_max), true;
    const auto number = [&](auto&& which) { return static_cast<std::size_t>(std::ranges::count_if(all, which)); };
    if (number([&](const One& one) { return one.topic == topic; }) >= limits.per_topic_max ||
        number([&](const One& one) { return one.who == who; }) >= limits.per_listener_max ||
        all.size() >= limits.listeners_max)
      return false;
    all.push_back({topic, who, now + std::min(lease, limits.lease_max)});
    return true;
  }
};

}  // namespace

TEST_CASE("dht listeners: they are those of a plain list, and each hears of each change in the end") {
  CHECK(rc::check([](std::uint64_t seed) {
    base::Random random(seed);
    const ListenerLimits limits{.per_topic_max = 3,
                                .per_listener_max = 2,
                                .listeners_max = 64,
                                .notices_max = random.chance(1, 2) ? 2 : kNoticesMax};
    Listeners listeners(limits);
    PlainListeners plain{limits, {}};
    base::Instant now = kStart;
    std::map<std::pair<Topic, base::NodeId>, std::uint64_t> heard;  // the change that it knows
    std::map<Topic, std::uint64_t> changes;
    std::vector<std::pair<Notice, std::uint64_t>> on_the_way;  // with the change that it tells of
    const auto send = [&](const Notice& notice) { on_the_way.emplace_back(notice, changes[notice.topic]); };
    for (int i = 0; i < 200; ++i) {
      const Topic topic{random.chance(1, 2) ? TopicKind::value : TopicKind::providers, key(1 + int(random.below(2)))};
      const Contact who = contact(random.below(5));
      switch (random.below(6)) {
        case 0: now = now + std::chrono::seconds(random.below(90)); break;
        case 1: {
          const std::chrono::seconds lease(1 + random.below(400));
          const bool before = listeners.listens(topic, who, now);
          const bool taken = plain.add(topic, who, lease, now);
          RC_ASSERT(listeners.add(topic, who, lease, now).ok() == taken);
          if (taken && !before) heard[{topic, who.id}] = changes[topic];  // the answer tells what is there
          break;
        }
        case 2:
          listeners.remove(topic, who.id);
          std::erase_if(plain.all, [&](const auto& one) { return one.topic == topic && one.who == who; });
          break;
        case 3:
          ++changes[topic];
          for (const Notice& one : listeners.changed(topic, {}, now)) send(one);
          break;
        default:
          if (on_the_way.empty()) break;
          const std::size_t which = random.below(on_the_way.size());
          const auto [notice, change] = on_the_way[which];
          on_the_way.erase(on_the_way.begin() + static_cast<std::ptrdiff_t>(which));
          heard[{notice.topic, notice.to.id}] = std::max(heard[{notice.topic, notice.to.id}], change);
          if (const auto next = listeners.answered(notice, Listens::yes, now)) send(*next);
      }
      plain.expire(now);
      for (const auto& one : plain.all) RC_ASSERT(listeners.listens(one.topic, one.who, now));
    }
    while (!on_the_way.empty()) {
      const auto [notice, change] = on_the_way.back();
      on_the_way.pop_back();
      heard[{notice.topic, notice.to.id}] = std::max(heard[{notice.topic, notice.to.id}], change);
      if (const auto next = listeners.answered(notice, Listens::yes, now)) send(*next);
    }
    for (const auto& one : plain.all) RC_ASSERT(heard[std::pair(one.topic, one.who.id)] == changes[one.topic]);
  }));
}
