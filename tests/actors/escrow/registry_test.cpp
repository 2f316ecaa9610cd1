// Who can be drawn: bonds come and go, and where all places are taken a larger bond has one.
#include "actors/escrow/logic/registry.hpp"

#include <doctest/doctest.h>

#include "actors/escrow/api.hpp"
#include "actors/escrow/arbiters_actor.hpp"
#include "messages/codec.hpp"
#include "messages/store.capnp.h"
#include "runtime/base/fields.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::escrow;

namespace {

Address arbiter_number(std::uint32_t number) {
  Address out;
  out.bytes[0] = 0xaa;
  for (int i = 0; i < 4; ++i) out.bytes[1 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return out;
}

void joins(Registry& registry, std::uint32_t number, std::uint64_t bond) {
  registry.joining(arbiter_number(number), {1});
  registry.joined(arbiter_number(number), Amount::of(bond), {}, UnixMs(number));
}

/// All places are taken, with bonds of 100; but 5 has 10, and 6 has 20.
Registry full_registry() {
  Registry out{wallet::BookId{}};
  for (std::uint32_t i = 0; i < kArbitersMax; ++i) joins(out, i, i == 5 ? 10 : i == 6 ? 20 : 100);
  return out;
}

bool can_be_drawn(const Registry& registry, std::uint32_t number) {
  for (const Arbiter& one : registry.candidates())
    if (one.address == arbiter_number(number)) return true;
  return false;
}

}  // namespace

TEST_CASE("escrow arbiters: a larger bond takes the place of the smallest, which is paid back") {
  Registry registry = full_registry();
  const std::uint32_t fresh = 5'000;
  CHECK(registry.may_join(arbiter_number(fresh), Amount::of(10)).error() == RegistryError::full);
  REQUIRE(registry.may_join(arbiter_number(fresh), Amount::of(11)).ok());
  joins(registry, fresh, 11);
  CHECK(can_be_drawn(registry, fresh));
  CHECK_FALSE(can_be_drawn(registry, 5));
  CHECK(registry.candidates().size() == kArbitersMax);
  registry.bind();
  REQUIRE(registry.bound());
  CHECK(registry.bound()->credits == std::vector<wallet::Credit>{{arbiter_number(5), Amount::of(10)}});
  CHECK(Registry::decode({}, registry.encode()) == registry);
}

TEST_CASE("escrow arbiters: who joins again has been there since then, also if a larger bond took its place") {
  Registry registry = full_registry();
  joins(registry, 5'000, 11);
  REQUIRE_FALSE(can_be_drawn(registry, 5));
  registry.joined(arbiter_number(5), Amount::of(50), {}, UnixMs(9'000));
  CHECK(registry.records().at(arbiter_number(5)).since == UnixMs(9'000));
}

TEST_CASE("escrow arbiters: who is drawn in an open dispute keeps its place") {
  Registry registry = full_registry();
  registry.note(arbiter_number(5), ArbiterHow::drawn, {}, {});
  const std::uint32_t fresh = 5'000;
  CHECK(registry.may_join(arbiter_number(fresh), Amount::of(20)).error() == RegistryError::full);
  REQUIRE(registry.may_join(arbiter_number(fresh), Amount::of(21)).ok());
  joins(registry, fresh, 21);
  CHECK(can_be_drawn(registry, 5));
  CHECK_FALSE(can_be_drawn(registry, 6));
}

TEST_CASE("escrow arbiters: a bond that is too small by the time it is posted is paid back itself") {
  Registry registry = full_registry();
  joins(registry, 5'000, 30);
  joins(registry, 5'001, 30);
  REQUIRE_FALSE(can_be_drawn(registry, 6));
  joins(registry, 5'002, 7);
  CHECK_FALSE(can_be_drawn(registry, 5'002));
  CHECK(registry.candidates().size() == kArbitersMax);
  CHECK(registry.owed() == 3);
}

TEST_CASE("escrow arbiters: open disputes without number take no room in the row, and all of them can end") {
  Registry registry{wallet::BookId{}};
  joins(registry, 1, 100);
  const std::size_t before = registry.encode().size();
  for (int i = 0; i < 50'000; ++i) registry.note(arbiter_number(1), ArbiterHow::drawn, {}, {});
  CHECK(registry.encode().size() == before);
  for (int i = 0; i < 50'000; ++i) {
    CHECK(registry.leave(arbiter_number(1)).error() == RegistryError::busy);
    registry.note(arbiter_number(1), i % 2 == 0 ? ArbiterHow::ruled : ArbiterHow::over, {}, {});
  }
  CHECK(registry.leave(arbiter_number(1)).ok());
  CHECK(Registry::decode({}, registry.encode()) == registry);
}

TEST_CASE("escrow arbiters: while much is owed none joins, and what was paid makes room") {
  Registry registry{wallet::BookId{}};
  std::uint32_t number = 0;
  while (registry.owed() < kOwedMax) {
    REQUIRE(registry.may_join(arbiter_number(number), Amount::of(10)).ok());
    joins(registry, number, 10);
    registry.note(arbiter_number(number), ArbiterHow::drawn, {}, {});
    registry.note(arbiter_number(number++), ArbiterHow::silent, arbiter_number(1), arbiter_number(2));
  }
  CHECK(registry.may_join(arbiter_number(number), Amount::of(10)).error() == RegistryError::owing);
  registry.bind();
  CHECK(registry.may_join(arbiter_number(number), Amount::of(10)).ok());
  CHECK(registry.records().size() <= kArbitersMax + kRecordsMax);
}

TEST_CASE("escrow arbiters: one who joins again while all, itself too, are in open disputes has its bond back") {
  Registry registry{wallet::BookId{}};
  for (std::uint32_t i = 0; i <= kArbitersMax; ++i) registry.note(arbiter_number(i), ArbiterHow::drawn, {}, {});
  for (std::uint32_t i = 0; i <= kArbitersMax; ++i) joins(registry, i, 100);
  CHECK(registry.candidates().size() == kArbitersMax);
  CHECK_FALSE(can_be_drawn(registry, kArbitersMax));
  CHECK(registry.owed() == 1);
}

TEST_CASE("escrow arbiters: a row of version 2 is read: who is in it was there before all escrows") {
  Registry registry{wallet::BookId{}};
  joins(registry, 1, 100);
  CHECK(registry.candidates().front().since == UnixMs(1));
  base::Bytes row = registry.encode();
  row[0] = 2;
  row.erase(row.end() - 16, row.end() - 8);
  const auto read = Registry::decode({}, row);
  REQUIRE(read);
  CHECK(read->candidates() == std::vector<Arbiter>{{arbiter_number(1), Amount::of(100), UnixMs(0)}});
}

TEST_CASE("escrow arbiters: a row of version 1 is read, with its list of open disputes") {
  Registry registry{wallet::BookId{}};
  joins(registry, 1, 100);
  base::Bytes row = registry.encode();
  row[0] = 1;
  // Of the one record the last count and the time are not there; the list comes before what is owed: none.
  const base::Bytes none(4);
  REQUIRE(row.size() == 1 + 8 + 4 + 4 + (32 + 8 + 32 + 4 * 4 + 8) + 4 + 4);
  row.erase(row.end() - 20, row.end() - 8);
  row.erase(row.end() - 4, row.end());
  base::append_number(row, std::uint32_t{2});
  for (const std::uint8_t id : {std::uint8_t{1}, std::uint8_t{2}}) {
    row.insert(row.end(), 32, id);
    base::append(row, arbiter_number(1).view());
  }
  base::append(row, none);
  const auto read = Registry::decode({}, row);
  REQUIRE(read);
  CHECK(read->records().at(arbiter_number(1)).open == 2);
  CHECK(read->records().at(arbiter_number(1)).bond == Amount::of(100));
}

TEST_CASE("arbiters: the root is told who can be drawn until it has answered, and not again where nothing changes") {
  constexpr std::uint32_t kRounds = 3, kBusy = 2;
  test::ActorFixture fixture;
  std::size_t told = 0, commits = 0, noted = 0;
  fixture.start("store", [&](test::Scripted&, runtime::Handlers& on) {
    on.ask<store::wire::Get, store::wire::Found>([](auto, auto reply) {
      reply.refuse({base::Code::not_found, "there is no row"});
    });
    on.ask<store::wire::Commit, messages::wire::Nothing>([&](auto, auto reply) {
      ++commits;
      reply.done();
    });
  });
  fixture.start("wallet", [](test::Scripted&, runtime::Handlers& on) {
    on.ask<wallet::wire::GetBook, wallet::wire::BookIs>([](auto, auto reply) {
      reply.send([](wallet::wire::BookIs::Builder out) { out.setBook(data_of(wallet::BookId{}.view())); });
    });
  });
  const ArbitersActor::Setup setup{std::make_shared<EscrowSettings>(), {.kind = durable::Place::Kind::self}, 0};
  // The child of a root stands beside it.
  fixture.start(
      "escrow",
      [&](test::Scripted&, runtime::Handlers& on) {
        on.ask<wire::ArbitersAre, messages::wire::Nothing>([&](wire::ArbitersAre::Reader, auto reply) {
          if (++told <= kBusy) return reply.refuse({base::Code::overloaded, "the mailbox is full"});
          reply.done();
        });
      },
      [=](test::Scripted& self) {
        self.spawn("arbiters", [=] { return std::make_unique<ArbitersActor>(setup); }, {});
      });
  fixture.stage.run_for(std::chrono::seconds(5));
  REQUIRE(told == kBusy + 1);
  for (std::uint32_t round = 1; round <= kRounds; ++round)
    fixture.inside([&](test::Scripted& self) {
      self.ask<wire::ArbiterAct, messages::wire::Nothing>(
          self.node().find("/arbiters"), self.now() + std::chrono::seconds(1),
          [&](wire::ArbiterAct::Builder out) {
            out.setEscrow(data_of(EscrowId{}.view()));
            out.setRound(round);
            out.setArbiter(data_of(arbiter_number(0).view()));
            out.setBuyer(data_of(arbiter_number(1).view()));
            out.setProvider(data_of(arbiter_number(2).view()));
            out.setHow(wire::ArbiterHow::DRAWN);
          },
          [&](const runtime::Answer<messages::wire::Nothing>& answer) {
            CHECK_MESSAGE(answer.ok(), answer.error().message);
            ++noted;
          });
    });
  fixture.stage.run_for(std::chrono::seconds(1));
  CHECK(noted == kRounds);
  CHECK(commits >= kRounds);
  CHECK(told == kBusy + 1);
}
