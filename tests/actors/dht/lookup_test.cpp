// One search, question by question.
#include "actors/dht/logic/lookup.hpp"

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

const Key kTarget = point(0);

std::vector<Start> starts(const std::vector<Contact>& contacts) {
  std::vector<Start> out;
  for (const Contact& one : contacts) out.push_back({one, std::nullopt});
  return out;
}
LookupQuestion question(LookupKind kind = LookupKind::find_node, std::size_t nearest = 8) {
  LookupQuestion out;
  out.target = kTarget;
  out.own = point(~std::uint64_t{0});
  out.kind = kind;
  out.nearest = nearest;
  out.deadline = kStart + 10s;
  return out;
}
LookupQuestion newest_question() {
  auto out = question(LookupKind::find_value);
  out.finality = Finality::newest;
  return out;
}
LookupAnswer provides(std::size_t fresh) { return LookupAnswer{{}, std::nullopt, fresh, true}; }
LookupAnswer holds(std::uint64_t sequence) { return LookupAnswer{{}, Version{sequence, {}}, 0}; }

std::vector<Contact> asked(const Decisions& decisions) {
  std::vector<Contact> out;
  for (const Ask& ask : decisions.ask) out.push_back(ask.whom);
  return out;
}

/// Answers every question in the order asked, a millisecond apart, until the search ends.
template <class AnswerOf>
LookupOutcome run(Lookup& lookup, AnswerOf answer_of, std::vector<Contact>* order = nullptr) {
  base::Instant now = kStart;
  std::vector<Contact> open;
  Decisions decisions = lookup.start(now);
  while (!decisions.done) {
    for (const Contact& whom : asked(decisions)) {
      open.push_back(whom);
      if (order != nullptr) order->push_back(whom);
    }
    REQUIRE_FALSE(open.empty());
    const Contact whom = open.front();
    open.erase(open.begin());
    now = now + 1ms;
    decisions = lookup.answered(whom, answer_of(whom), now);
  }
  return *decisions.done;
}

}  // namespace

TEST_CASE("lookup: without a contact it ends at once") {
  Lookup lookup{question(), {}};
  const auto decisions = lookup.start(kStart);
  REQUIRE(decisions.done.has_value());
  CHECK(decisions.done->ending == Ending::nobody);
  CHECK(lookup.wake_at() == base::Instant::max());
}

TEST_CASE("lookup: it begins with the three nearest, each on a path of its own") {
  Lookup lookup{question(), starts(nodes(1, 20))};
  const auto decisions = lookup.start(kStart);
  CHECK(asked(decisions) == nodes(1, 3));
  CHECK(decisions.ask[0].path != decisions.ask[1].path);
  CHECK(decisions.ask[1].path != decisions.ask[2].path);
  CHECK(decisions.ask[0].path != decisions.ask[2].path);
  CHECK(decisions.ask[0].answer_due >= kStart + kAnswerMin);
}

TEST_CASE("lookup: it ends with the nearest nodes, each asked once, and asks no farther one") {
  Lookup lookup{question(), starts({node(30), node(40), node(50)})};
  std::vector<Contact> order;
  const auto outcome = run(
      lookup, [](const Contact&) { return names(nodes(1, 20)); }, &order);
  CHECK(outcome.ending == Ending::converged);
  CHECK(outcome.nearest == nodes(1, 8));
  CHECK(outcome.asked == 3 + 8);
  CHECK(outcome.hops == 2);
  CHECK(outcome.unanswered == 0);
  std::ranges::sort(order);
  CHECK(std::ranges::unique(order).empty());
}

TEST_CASE("lookup: fewer nodes than wanted are all there are") {
  Lookup lookup{question(), starts(nodes(1, 2))};
  const auto outcome = run(lookup, [](const Contact&) { return names({}); });
  CHECK(outcome.ending == Ending::converged);
  CHECK(outcome.nearest == nodes(1, 2));
}

TEST_CASE("lookup: a late node is passed over, and its late answer still counts") {
  Lookup lookup{question(), starts(nodes(1, 20))};
  REQUIRE(lookup.start(kStart).ask.size() == 3);
  const base::Instant late = lookup.wake_at();
  CHECK(late == kStart + kTimeoutFirst);
  CHECK(lookup.tick(late - 1ns).ask.empty());
  const auto decisions = lookup.tick(late);
  CHECK(asked(decisions) == nodes(4, 9));  // three in their place, and three more since the network is slow
  CHECK(lookup.tick(late).ask.empty());

  base::Instant now = late;
  Decisions last = lookup.answered(node(1), names({}), now);
  for (std::uint64_t rank = 2; rank <= 20 && !last.done; ++rank) {
    now = now + 1ms;
    last = lookup.answered(node(rank), names({}), now);
  }
  REQUIRE(last.done.has_value());
  CHECK(last.done->nearest == nodes(1, 8));
}

TEST_CASE("lookup: whoever fails is replaced and is not part of the end") {
  Lookup lookup{question(), starts(nodes(1, 20))};
  REQUIRE(lookup.start(kStart).ask.size() == 3);
  const auto decisions = lookup.failed(node(2), AskFailure::unreachable, kStart + 1ms);
  CHECK(asked(decisions) == std::vector{node(5), node(4)});                     // first on the path that lost one
  CHECK(lookup.failed(node(2), AskFailure::silent, kStart + 1ms).ask.empty());  // twice
  CHECK(lookup.answered(node(2), names({}), kStart + 1ms).ask.empty());         // after all: too late
  CHECK(lookup.answered(node(9), names({}), kStart + 1ms).ask.empty());         // never asked
  Decisions last = lookup.answered(node(1), names({}), kStart + 2ms);
  for (std::uint64_t rank = 3; rank <= 20 && !last.done; ++rank) {
    last = lookup.answered(node(rank), names({}), kStart + 3ms);
  }
  REQUIRE(last.done.has_value());
  auto expected = nodes(1, 9);
  std::erase(expected, node(2));
  CHECK(last.done->nearest == expected);
  CHECK(last.done->unanswered == 1);
}

TEST_CASE("lookup: when nobody answers it ends with nobody, after the last answer was due") {
  Lookup lookup{question(), starts(nodes(1, 4))};
  Decisions decisions = lookup.start(kStart);
  base::Instant now = kStart;
  for (int step = 0; step < 20 && !decisions.done; ++step) {
    REQUIRE(lookup.wake_at() > now);
    now = lookup.wake_at();
    decisions = lookup.tick(now);
  }
  REQUIRE(decisions.done.has_value());
  CHECK(decisions.done->ending == Ending::nobody);
  CHECK(decisions.done->asked == 4);
  CHECK(now < kStart + 10s);
}

TEST_CASE("lookup: the first valid value ends the search where it cannot change") {
  auto sought = question(LookupKind::find_value);
  Lookup lookup{sought, starts(nodes(1, 20))};
  REQUIRE(lookup.start(kStart).ask.size() == 3);
  CHECK_FALSE(lookup.answered(node(2), names({}), kStart + 1ms).done.has_value());
  CHECK_FALSE(lookup.answered(node(1), names({}), kStart + 1ms).done.has_value());
  const auto decisions = lookup.answered(node(3), holds(1), kStart + 2ms);
  REQUIRE(decisions.done.has_value());
  CHECK(decisions.done->ending == Ending::found);
  CHECK(decisions.done->holders == std::vector{node(3)});
  CHECK(decisions.done->cache_at == node(1));
  CHECK(decisions.done->behind.empty());
  CHECK(decisions.done->hops == 1);
}

TEST_CASE("lookup: a search for a value starts with one question where the nearest node should hold it") {
  auto sought = question(LookupKind::find_value, 20);
  sought.network = NetworkSize{64};
  Lookup lookup{sought, starts(nodes(1, 20))};
  CHECK(asked(lookup.start(kStart)) == nodes(1, 1));
  CHECK(asked(lookup.tick(lookup.wake_at())) == nodes(2, 3));  // late: one in its place, and one more

  sought.network = NetworkSize{std::uint64_t{1} << 40};
  Lookup far{sought, starts(nodes(1, 20))};
  CHECK(far.start(kStart).ask.size() == kWidthFirst);
}

TEST_CASE("lookup: among those that should all hold it the quicker one is asked") {
  auto sought = question(LookupKind::find_value, 20);
  sought.network = NetworkSize{64};
  auto known = starts(nodes(1, 20));
  for (Start& one : known) one.round_trip.emplace().note(40ms);
  known[4].round_trip.emplace().note(2ms);
  sought.tracing = Tracing::on;
  Lookup lookup{sought, known};
  CHECK(asked(lookup.start(kStart)) == nodes(5, 5));
  CHECK(lookup.explain().hops[0].chosen == Chosen::quicker);
  sought.kind = LookupKind::find_node;
  Lookup exact{sought, known};
  CHECK(asked(exact.start(kStart)) == nodes(1, 3));
}

TEST_CASE("lookup: of a changing value a quorum has to agree on the newest") {
  Lookup lookup{newest_question(), starts(nodes(1, 20))};
  REQUIRE(asked(lookup.start(kStart)) == nodes(1, 3));
  CHECK_FALSE(lookup.answered(node(1), holds(7), kStart + 1ms).done.has_value());

  SUBCASE("three that agree end it, with no question more") {
    CHECK(lookup.answered(node(2), holds(7), kStart + 1ms).ask.empty());
    const auto last = lookup.answered(node(3), holds(7), kStart + 1ms);
    REQUIRE(last.done.has_value());
    CHECK(last.done->ending == Ending::found);
    CHECK(last.done->newest->sequence == 7);
    CHECK(last.done->asked == 3);
    CHECK(last.done->behind.empty());
  }
  SUBCASE("a newer one starts the count anew, and the older holders are behind") {
    CHECK_FALSE(lookup.answered(node(2), holds(8), kStart + 1ms).done.has_value());
    Decisions last = lookup.answered(node(3), names({}), kStart + 1ms);
    for (std::uint64_t rank = 4; rank <= 20 && !last.done; ++rank) {
      last = lookup.answered(node(rank), holds(8), kStart + 2ms);
    }
    REQUIRE(last.done.has_value());
    CHECK(last.done->newest->sequence == 8);
    CHECK(last.done->holders.size() == 3);
    CHECK(last.done->behind == std::vector{node(1), node(3)});
  }
}

TEST_CASE("lookup: fewer holders than the quorum are enough once the nearest have all answered") {
  Lookup lookup{newest_question(), starts(nodes(1, 20))};
  const auto outcome = run(lookup, [](const Contact& whom) { return whom == node(5) ? holds(3) : names({}); });
  CHECK(outcome.ending == Ending::converged);
  CHECK(outcome.newest->sequence == 3);
  CHECK(outcome.holders == std::vector{node(5)});
  CHECK(outcome.behind.size() == 7);
}

TEST_CASE("lookup: our own copy is the newest until somebody holds a newer one, but no holder") {
  auto sought = newest_question();
  sought.own_copy = Version{9, {}};
  Lookup lookup{sought, starts(nodes(1, 20))};
  const auto outcome = run(lookup, [](const Contact& whom) { return holds(whom == node(2) ? 9 : 4); });
  CHECK(outcome.newest->sequence == 9);
  CHECK(outcome.holders == std::vector{node(2)});
}

TEST_CASE("lookup: whoever was silent beyond its time-out when the search ended is named, and nobody before it") {
  Lookup lookup{question(LookupKind::find_value), starts(nodes(1, 20))};
  REQUIRE(asked(lookup.start(kStart)) == nodes(1, 3));
  const base::Instant late = kStart + kTimeoutFirst;
  SUBCASE("not a moment too soon") {
    const auto end = lookup.answered(node(2), holds(7), late - 1ns);
    REQUIRE(end.done.has_value());
    CHECK(end.done->overdue.empty());
  }
  SUBCASE("though no tick came in between") {
    const auto end = lookup.answered(node(2), holds(7), late);
    REQUIRE(end.done.has_value());
    CHECK(end.done->overdue == std::vector{node(1), node(3)});
  }
  SUBCASE("those asked in place of the late ones had less time") {
    REQUIRE_FALSE(lookup.tick(late).ask.empty());
    const auto end = lookup.answered(node(2), holds(7), late + 1ms);
    REQUIRE(end.done.has_value());
    CHECK(end.done->overdue == std::vector{node(1), node(3)});
  }
  SUBCASE("neither one that has answered late nor one that is known to have failed") {
    REQUIRE_FALSE(lookup.tick(late).done.has_value());
    REQUIRE_FALSE(lookup.answered(node(1), names({}), late + 1ms).done.has_value());
    REQUIRE_FALSE(lookup.failed(node(3), AskFailure::silent, late + 1ms).done.has_value());
    const auto end = lookup.answered(node(2), holds(7), late + 2ms);
    REQUIRE(end.done.has_value());
    CHECK(end.done->overdue.empty());
  }
  SUBCASE("nor one whose other address is asked meanwhile") {
    Contact moved = node(3);
    moved.where.endpoint.port = 60'000;
    REQUIRE_FALSE(lookup.answered(node(1), names({moved}), kStart + 1ms).done.has_value());
    REQUIRE(std::ranges::count(asked(lookup.tick(late)), moved) == 1);
    const auto end = lookup.answered(node(2), holds(7), late + 1ms);
    REQUIRE(end.done.has_value());
    CHECK(std::ranges::count(end.done->overdue, moved.id, &Contact::id) == 0);
  }
}

TEST_CASE("lookup: providers are gathered until there are enough") {
  auto sought = question(LookupKind::get_providers);
  sought.providers_max = 5;
  Lookup lookup{sought, starts(nodes(1, 20))};
  REQUIRE_FALSE(lookup.start(kStart).ask.empty());
  CHECK_FALSE(lookup.answered(node(1), provides(4), kStart + 1ms).done.has_value());
  const auto last = lookup.answered(node(2), provides(1), kStart + 1ms);
  REQUIRE(last.done.has_value());
  CHECK(last.done->ending == Ending::found);
}

TEST_CASE("lookup: providers of our own store count as wanted, and end nothing before others have named any") {
  auto sought = question(LookupKind::get_providers);
  sought.providers_max = 5;
  sought.own_providers = 5;
  Lookup lookup{sought, starts(nodes(1, 20))};
  const auto first = lookup.start(kStart);
  CHECK_FALSE(first.done.has_value());
  CHECK_FALSE(first.ask.empty());
  CHECK_FALSE(lookup.answered(node(1), names({}), kStart + 1ms).done.has_value());
}

TEST_CASE("lookup: providers that one answer names are not enough to end it, however many they are") {
  auto sought = question(LookupKind::get_providers);
  sought.providers_max = 5;
  SUBCASE("another path that names the same ends it") {
    Lookup lookup{sought, starts(nodes(1, 20))};
    lookup.start(kStart);
    CHECK_FALSE(lookup.answered(node(1), provides(20), kStart + 1ms).done.has_value());
    const auto last = lookup.answered(node(2), provides(0), kStart + 1ms);
    REQUIRE(last.done.has_value());
    CHECK(last.done->ending == Ending::found);
    CHECK(last.done->asked < 8);
  }
  SUBCASE("so does a third answer of one path, and no second") {
    sought.paths = 1;
    Lookup lookup{sought, starts(nodes(1, 20))};
    lookup.start(kStart);
    CHECK_FALSE(lookup.answered(node(1), provides(20), kStart + 1ms).done.has_value());
    CHECK_FALSE(lookup.answered(node(2), provides(0), kStart + 1ms).done.has_value());
    CHECK(lookup.answered(node(3), provides(0), kStart + 1ms).done.has_value());
  }
  SUBCASE("where nobody else names any it goes on to the nearest") {
    Lookup lookup{sought, starts(nodes(1, 20))};
    const auto outcome = run(lookup, [](const Contact& whom) { return whom == node(1) ? provides(20) : names({}); });
    CHECK(outcome.ending == Ending::converged);
    CHECK(outcome.nearest == nodes(1, 8));
  }
}

TEST_CASE("lookup: a region takes in all that lie as near as the holders should, at most kRegionMax") {
  // Ten times as dense as the network is thought to be.
  auto sought = question(LookupKind::store_region, 20);
  sought.network = NetworkSize{(std::uint64_t{1} << 32) * 20 / 200};
  const auto everybody = [](const Contact&) { return names(nodes(1, 20)); };
  const auto further = [](const Contact& whom) {
    const std::uint64_t rank = whom.id.high() >> 32;
    return names(nodes(std::max<std::uint64_t>(rank, 10) - 9, rank + 10));
  };
  Lookup dense{sought, starts(nodes(1, 20))};
  CHECK(run(dense, further).nearest == nodes(1, kRegionMax));
  Lookup small{sought, starts(nodes(1, 5))};
  CHECK(run(small, everybody).nearest == nodes(1, 20));

  sought.network.reset();
  Lookup unknown{sought, starts(nodes(1, 20))};
  CHECK(run(unknown, further).nearest == nodes(1, 20));
}

TEST_CASE("lookup: a region that is sought for many keys is as wide as was asked for") {
  auto sought = question(LookupKind::store_region, 10);
  sought.network = NetworkSize{std::uint64_t{1} << 32};  // one node for each rank
  const auto further = [](const Contact& whom) {
    const std::uint64_t rank = whom.id.high() >> 32;
    return names(nodes(std::max<std::uint64_t>(rank, 10) - 9, rank + 10));
  };
  Lookup one_key{sought, starts(nodes(1, 20))};
  CHECK(run(one_key, further).nearest == nodes(1, 10));
  sought.region_nodes = 20;
  Lookup many_keys{sought, starts(nodes(1, 20))};
  CHECK(run(many_keys, further).nearest == nodes(1, 19));
}

TEST_CASE("lookup: whoever has found nothing goes on where a store would have gone") {
  // Twenty that were ground to lie around the key name one another and have nothing; the holders lie behind them.
  auto sought = question(LookupKind::find_value, 20);
  sought.network = NetworkSize{(std::uint64_t{1} << 32) / 2};
  const auto answer = [](const Contact& whom) {
    const std::uint64_t rank = whom.id.high() >> 32;
    if (rank <= 20) return names(nodes(1, 20));
    return rank <= 30 ? holds(1) : names(nodes(1, 20));
  };
  Lookup lookup{sought, starts(nodes(1, 40))};
  CHECK(run(lookup, answer).ending == Ending::found);

  sought.region_max = sought.nearest;
  Lookup without{sought, starts(nodes(1, 20))};
  CHECK(run(without, answer).ending == Ending::converged);
}

TEST_CASE("lookup: too few nodes around the key make it begin anew from another start") {
  // Three start contacts lie: they know five friends, and nobody nearer. The fourth is honest.
  auto sought = question(LookupKind::find_value);
  sought.network = NetworkSize{std::uint64_t{1} << 31};
  const auto answer = [](const Contact& whom) {
    const std::uint64_t rank = whom.id.high() >> 32;
    if (rank == 503 || rank <= 20) return rank == 7 ? holds(1) : names(nodes(1, 20));
    return names(nodes(300, 319));
  };
  Lookup lookup{sought, starts(nodes(500, 519))};
  const auto outcome = run(lookup, answer);
  CHECK(outcome.ending == Ending::found);

  sought.network.reset();
  Lookup naive{sought, starts(nodes(500, 519))};
  CHECK(run(naive, answer).ending == Ending::converged);
}

TEST_CASE("lookup: the deadline ends it with what it has") {
  Lookup lookup{question(), starts(nodes(1, 20))};
  REQUIRE(lookup.start(kStart).ask.size() == 3);
  (void)lookup.answered(node(1), names({}), kStart + 1ms);
  const auto last = lookup.tick(kStart + 10s);
  REQUIRE(last.done.has_value());
  CHECK(last.done->ending == Ending::deadline);
  CHECK(last.done->nearest == nodes(1, 1));

  SUBCASE("afterwards nothing happens") {
    CHECK(lookup.ended());
    CHECK(lookup.wake_at() == base::Instant::max());
    CHECK_FALSE(lookup.tick(kStart + 11s).done.has_value());
    CHECK_FALSE(lookup.answered(node(2), holds(1), kStart + 11s).done.has_value());
    CHECK_FALSE(lookup.failed(node(3), AskFailure::silent, kStart + 11s).done.has_value());
    CHECK_FALSE(lookup.cancel(kStart + 11s).done.has_value());
  }
}

TEST_CASE("lookup: no answer is waited for beyond the deadline") {
  auto sought = question();
  sought.deadline = kStart + 10ms;
  Lookup lookup{sought, starts(nodes(1, 20))};
  for (const Ask& ask : lookup.start(kStart).ask) CHECK(ask.answer_due == sought.deadline);
  CHECK(lookup.wake_at() == sought.deadline);
  sought.deadline = kStart;
  Lookup over{sought, starts(nodes(1, 20))};
  CHECK(over.start(kStart).done->ending == Ending::deadline);
}

TEST_CASE("lookup: the caller may end it") {
  Lookup lookup{question(), starts(nodes(1, 20))};
  REQUIRE(lookup.start(kStart).ask.size() == 3);
  CHECK(lookup.cancel(kStart + 1ms).done->ending == Ending::cancelled);
}
