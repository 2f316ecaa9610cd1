// What a search makes of false contacts, and how it explains itself.
#include <doctest/doctest.h>

#include <algorithm>

#include "actors/dht/logic/lookup.hpp"
#include "tests/actors/dht/contacts.hpp"
#include "tests/actors/dht/drive.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::dht;
using namespace troupe::dht::test;
using namespace std::chrono_literals;
using troupe::test::kStart;

namespace {

std::vector<Start> starts(std::uint64_t first, std::uint64_t last) {
  std::vector<Start> out;
  for (std::uint64_t rank = first; rank <= last; ++rank) out.push_back({node(rank), std::nullopt});
  return out;
}
LookupQuestion traced_question() {
  LookupQuestion out;
  out.target = point(0);
  out.own = point(~std::uint64_t{0});
  out.nearest = 8;
  out.tracing = Tracing::on;
  return out;
}

std::vector<Refusal> refusals(const Lookup& lookup) {
  std::vector<Refusal> out;
  for (const RefusedContact& one : lookup.explain().refused) out.push_back(one.why);
  return out;
}

}  // namespace

TEST_CASE("lookup: false contacts are refused, each for its reason") {
  Lookup lookup{traced_question(), starts(100, 102)};
  REQUIRE(lookup.start(kStart).ask.size() == 3);
  std::vector<Contact> contacts;
  Refusal why{};
  SUBCASE("our own id") {
    contacts = {contact_at(traced_question().own, "127.0.0.1:9")};
    why = Refusal::ourselves;
  }
  SUBCASE("the answering node") {
    contacts = {node(100)};
    why = Refusal::itself;
  }
  SUBCASE("the same id twice") {
    contacts = {node(1), node(1)};
    why = Refusal::repeated;
  }
  SUBCASE("an address that cannot be dialled") {
    contacts = {contact_at(point(1), "0.0.0.0:5")};
    why = Refusal::not_dialable;
  }
  SUBCASE("a fourth of one address group") {
    contacts = {node(1, "192.0.2.1"), node(2, "192.0.2.2"), node(3, "192.0.2.3"), node(4, "192.0.2.4")};
    why = Refusal::group_full;
  }
  SUBCASE("one more than an answer may hold") {
    for (std::uint64_t rank = 1; rank <= kTakenMax + 1; ++rank) contacts.push_back(node(rank));
    why = Refusal::too_many;
  }
  (void)lookup.answered(node(100), names(contacts), kStart + 1ms);
  CHECK(refusals(lookup) == std::vector{why});
  CHECK(lookup.explain().refused[0].named_by == node(100).id);
  CHECK_FALSE(text_of(why).empty());
}

TEST_CASE("lookup: one path holds few of an address group, however many answers name them") {
  Lookup lookup{traced_question(), starts(100, 100)};
  REQUIRE(lookup.start(kStart).ask.size() == 1);
  const auto first = lookup.answered(node(100), names({node(1, "192.0.2.1"), node(2, "192.0.2.2")}), kStart + 1ms);
  REQUIRE(first.ask.size() == 2);
  (void)lookup.answered(first.ask[0].whom, names({node(3, "192.0.2.3"), node(4, "192.0.2.4")}), kStart + 2ms);
  CHECK(refusals(lookup) == std::vector{Refusal::group_full});
}

TEST_CASE("lookup: it takes as many of an address group as the table may list") {
  auto sought = traced_question();
  sought.groups.table_max = 4;
  Lookup lookup{sought, starts(100, 100)};
  REQUIRE(lookup.start(kStart).ask.size() == 1);
  const auto named = names(
      {node(1, "192.0.2.1"), node(2, "192.0.2.2"), node(3, "192.0.2.3"), node(4, "192.0.2.4"), node(5, "192.0.2.5")});
  const auto first = lookup.answered(node(100), named, kStart + 1ms);
  CHECK(refusals(lookup) == std::vector{Refusal::group_full});
  std::size_t answered = 0;
  auto decisions = first;
  std::vector<Ask> open = first.ask;
  while (!decisions.done && !open.empty()) {
    const Contact whom = open.back().whom;
    open.pop_back();
    decisions = lookup.answered(whom, {}, kStart + 2ms);
    ++answered;
    open.insert(open.end(), decisions.ask.begin(), decisions.ask.end());
  }
  REQUIRE(decisions.done);
  CHECK(answered == 4);
  CHECK(decisions.done->nearest.size() == 5);
}

TEST_CASE("lookup: of one address group few count among the nearest, whichever paths have heard of them") {
  auto sought = traced_question();
  sought.nearest = 5;
  std::vector<Start> near;
  for (std::uint64_t rank = 1; rank <= 9; ++rank)
    near.push_back({node(rank, "192.0.2." + std::to_string(rank)), std::nullopt});
  for (std::uint64_t rank = 10; rank <= 12; ++rank)
    near.push_back({node(rank, "198.51." + std::to_string(rank) + ".1"), std::nullopt});
  Lookup lookup{sought, near};
  base::Instant now = kStart;
  const auto empty = [](const Ask&, base::Instant at) { return Reply{at + 1ms, names({})}; };
  const auto outcome = drive(lookup, now, empty, [](const Contact&, bool, base::Instant) {}).outcome;
  REQUIRE(outcome.nearest.size() == 5);
  CHECK(outcome.nearest[2] == node(3, "192.0.2.3"));
  CHECK(outcome.nearest[3] == node(10, "198.51.10.1"));
}

TEST_CASE("lookup: a false address of an honest node does not hide it") {
  // The address is not part of the proof of an id, so a liar can name a true node at a wrong place.
  Lookup lookup{traced_question(), starts(100, 102)};
  REQUIRE(lookup.start(kStart).ask.size() == 3);
  const Contact false_place = node(1, "127.0.0.2");
  const auto decisions = lookup.answered(node(100), names({false_place}), kStart + 1ms);
  REQUIRE(decisions.ask.size() == 1);
  CHECK(decisions.ask[0].whom == false_place);

  SUBCASE("another path names the right one, which is tried next") {
    (void)lookup.answered(node(101), names({node(1)}), kStart + 2ms);
    const auto next = lookup.failed(false_place, AskFailure::unreachable, kStart + 3ms);
    REQUIRE(next.ask.size() == 1);
    CHECK(next.ask[0].whom == node(1));
    // The failure of the first place says nothing about the second.
    CHECK(lookup.failed(false_place, AskFailure::silent, kStart + 3ms).ask.empty());
    (void)lookup.answered(node(1), names({}), kStart + 4ms);
    const auto last = lookup.answered(node(102), names({}), kStart + 5ms);
    REQUIRE(last.done.has_value());
    CHECK(last.done->nearest.front() == node(1));
  }
  SUBCASE("the same path may not change its mind") {
    (void)lookup.answered(node(101), names({node(2)}), kStart + 2ms);
    (void)lookup.answered(false_place, names({node(3)}), kStart + 2ms);
    (void)lookup.answered(node(3), names({node(1)}), kStart + 2ms);
    CHECK(refusals(lookup) == std::vector{Refusal::other_address});
  }
}

TEST_CASE("lookup: a liar with ever nearer friends ends at the limit of questions") {
  Lookup lookup{traced_question(), starts(std::uint64_t{1} << 30, (std::uint64_t{1} << 30) + 20)};
  std::uint64_t next = (std::uint64_t{1} << 30) - 1;
  base::Instant now = kStart;
  std::vector<Contact> open;
  Decisions decisions = lookup.start(now);
  std::size_t asked = 0;
  while (!decisions.done) {
    for (const Ask& ask : decisions.ask) open.push_back(ask.whom);
    asked += decisions.ask.size();
    REQUIRE_FALSE(open.empty());
    std::vector<Contact> friends;
    for (int i = 0; i < 30; ++i) friends.push_back(node(next--));
    now = now + 1ms;
    const Contact whom = open.front();
    open.erase(open.begin());
    decisions = lookup.answered(whom, names(friends), now);
  }
  CHECK(asked == kAskedMax);
  CHECK(decisions.done->ending == Ending::gave_up);
  CHECK(lookup.explain().refused.size() <= kRefusalsMax);
}

TEST_CASE("lookup: what one path hears cannot push out what another knows") {
  Candidates candidates{point(0), GroupLimits{}};
  CHECK_FALSE(candidates.hear(node(5'000), 1, 1, std::nullopt).has_value());
  for (std::uint64_t rank = 1; rank <= kPathKnownMax; ++rank) {
    CHECK_FALSE(candidates.hear(node(rank), 0, 1, std::nullopt).has_value());
  }
  CHECK(candidates.hear(node(kPathKnownMax + 1), 0, 1, std::nullopt) == Refusal::not_nearer);
  CHECK(candidates.find(node(5'000).id) != nullptr);
  CHECK_FALSE(candidates.hear(contact_at(point(1), "127.0.0.1:9"), 0, 1, std::nullopt).has_value());
  CHECK(candidates.find(node(kPathKnownMax).id) == nullptr);
  CHECK(candidates.all().size() == kPathKnownMax + 1);
}

TEST_CASE("lookup: explain() tells each question, who named whom, and why") {
  Lookup lookup{traced_question(), starts(100, 102)};
  REQUIRE(lookup.start(kStart).ask.size() == 3);
  (void)lookup.answered(node(100), names({node(1), node(100)}), kStart + 7ms);
  (void)lookup.failed(node(101), AskFailure::refused, kStart + 9ms);
  const auto& hops = lookup.explain().hops;
  REQUIRE(hops.size() == 4);
  CHECK(hops[0].whom == node(100));
  CHECK(hops[0].chosen == Chosen::start);
  CHECK(hops[0].fate == Fate::answered);
  CHECK(hops[0].took == 7ms);
  CHECK(hops[0].taken == 1);
  CHECK_FALSE(hops[0].named_by.has_value());
  CHECK(hops[1].fate == Fate::failed);
  CHECK(hops[3].whom == node(1));
  CHECK(hops[3].named_by == node(100).id);
  CHECK(hops[3].depth == 2);
  CHECK(hops[3].fate == Fate::waiting);
  CHECK(text_of(hops[3].fate) == "waiting");
  CHECK_FALSE(text_of(hops[3].chosen).empty());

  auto quiet = traced_question();
  quiet.tracing = Tracing::off;
  Lookup untold{quiet, starts(100, 102)};
  REQUIRE(untold.start(kStart).ask.size() == 3);
  (void)untold.answered(node(100), names({node(100)}), kStart + 1ms);
  CHECK(untold.explain().hops.empty());
  CHECK(untold.explain().refused.empty());
}

TEST_CASE("lookup: whatever comes in whatever order, it ends and keeps its limits") {
  base::Random random{5};
  for (int round = 0; round < 300; ++round) {
    LookupQuestion sought = traced_question();
    sought.kind = static_cast<LookupKind>(random.below(4));
    sought.finality = random.chance(1, 2) ? Finality::newest : Finality::first_valid;
    sought.nearest = 1 + random.below(kContactsMax);
    if (random.chance(1, 2)) sought.network = NetworkSize{1 + random.below(100'000)};
    sought.deadline = kStart + 60s;
    Lookup lookup{sought, starts(100, 100 + random.below(60))};
    base::Instant now = kStart;
    std::vector<Contact> open;
    Decisions decisions = lookup.start(now);
    int steps = 0;
    while (!decisions.done) {
      REQUIRE(++steps < 20'000);
      for (const Ask& ask : decisions.ask) open.push_back(ask.whom);
      now = now + std::chrono::milliseconds(random.below(300));
      const auto whom =
          open.empty() || random.chance(1, 10) ? node(random.below(200)) : open[random.below(open.size())];
      LookupAnswer answer;
      for (std::uint64_t i = random.below(25); i > 0; --i) {
        answer.contacts.push_back(node(random.below(400), "192.0." + std::to_string(random.below(9)) + ".1"));
      }
      if (random.chance(1, 20)) answer.version = Version{random.below(3), {}};
      answer.providers = random.below(3);
      answer.names_providers = answer.providers > 0 || random.chance(1, 4);
      switch (random.below(3)) {
        case 0: decisions = lookup.answered(whom, answer, now); break;
        case 1: decisions = lookup.failed(whom, static_cast<AskFailure>(random.below(4)), now); break;
        default: decisions = lookup.tick(now); break;
      }
    }
    CHECK(lookup.ended());
    CHECK(decisions.done->asked <= kAskedMax);
  }
}
