// What the simulation of files is made of, without a world: its content, its operations, its ledger.
#include "actors/files/sim.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "actors/files/sim_content.hpp"
#include "actors/files/sim_draw.hpp"
#include "actors/files/sim_ledger.hpp"
#include "tests/actors/files/bytes.hpp"
#include "tests/runtime/sim/in_spec.hpp"

namespace troupe::files {
namespace {

using namespace std::chrono_literals;
using Verdict = SimLedger::Verdict;

TEST_CASE("files sim: each operation drawn is in the spec, at a node and a moment of the world") {
  for (const unsigned load : {0u, 50u, 100u}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      base::Random random(seed);
      const sim::Shape shape{static_cast<std::uint16_t>(1 + seed), 60s, static_cast<std::uint16_t>(seed % 3), load};
      const auto operations = workload().draw(random, shape);
      CHECK(operations.size() >= kOperationsPerMinuteMin);
      CHECK(operations.size() <= kOperationsPerMinuteMax);
      for (const sim::Operation& operation : operations)
        CHECK_MESSAGE(test::in_spec(operation, workload(), shape), operation.what);
    }
  }
}

TEST_CASE("files sim: the same seed draws the same operations, another one others") {
  const auto draw = [](std::uint64_t seed) {
    base::Random random(seed);
    return draw_operations(random, {5, 60s, 0, 50});
  };
  CHECK(draw(7) == draw(7));
  CHECK(draw(7) != draw(8));
}

TEST_CASE("files sim: what is read was put before, somewhere") {
  base::Random random(3);
  auto operations = draw_operations(random, {5, 60s, 0, 100});
  std::ranges::stable_sort(operations, {}, &sim::Operation::at);
  std::set<std::int64_t> put;
  for (const auto& operation : operations) {
    if (operation.what == "files.put" || operation.what == "files.stop") put.insert(operation.with.at("file"));
    else if (operation.what != "files.list") CHECK(put.contains(operation.with.at("file")));
  }
  CHECK(put.size() > 10);
}

TEST_CASE("files sim: a file's bytes follow from its number and size") {
  CHECK(sim_bytes(3, 1000) == sim_bytes(3, 1000));
  CHECK(sim_bytes(3, 1000) != sim_bytes(4, 1000));
  CHECK(sim_bytes(3, 1000) != base::Bytes(1000));
  SimFiles files;
  const SimFile& small = files.of(3, 1000);
  CHECK(small.chunks.size() == 1);
  CHECK(small.contents.size() == 2);
  CHECK(&files.of(3, 1000) == &small);
  CHECK(files.find(small.cid) == &small);

  SUBCASE("large ones of a family share their first chunk and no other") {
    const SimFile& one = files.of(4, kChunkBytes + 10);
    const SimFile& other = files.of(5, kChunkBytes + 10);
    const SimFile& stranger = files.of(8, kChunkBytes + 10);
    CHECK(one.chunks[0] == other.chunks[0]);
    CHECK(one.chunks[1] != other.chunks[1]);
    CHECK(one.chunks[0] != stranger.chunks[0]);
    CHECK(files.contents().at(one.chunks[0]).size() == 2);
  }
  SUBCASE("all empty ones are one") {
    CHECK(&files.of(1, 0) == &files.of(2, 0));
    CHECK(files.of(1, 0).contents.size() == 1);
  }
}

TEST_CASE("files sim: a ledger knows what a list may show") {
  SimLedger ledger;
  const SimLedger::OwnedFile place{node(1), cid(1)};
  const auto listed = [&] { return ledger.listed(place, ledger.now(), ledger.now()); };
  CHECK(listed() == Verdict::absent);
  const auto put = ledger.begin(SimLedger::What::put, place);
  CHECK(listed() == Verdict::either);
  const SimLedger::Moment early = ledger.now();

  SUBCASE("a put that was acknowledged shows") {
    ledger.acknowledged(put, 3);
    CHECK(listed() == Verdict::listed);
    CHECK(ledger.reached(place) == 3);
    CHECK(ledger.listed(place, early, ledger.now()) == Verdict::either);  // asked for before it was acknowledged
    CHECK(ledger.listed({node(2), cid(1)}, ledger.now(), ledger.now()) == Verdict::absent);

    const auto removal = ledger.begin(SimLedger::What::removal, place);
    CHECK(listed() == Verdict::either);
    SUBCASE("until it is removed") {
      ledger.acknowledged(removal);
      CHECK(listed() == Verdict::absent);
      ledger.acknowledged(ledger.begin(SimLedger::What::put, place), 2);
      CHECK(listed() == Verdict::listed);
      CHECK(ledger.reached(place) == 2);
    }
    SUBCASE("unless the removal was refused") {
      ledger.refused(removal);
      CHECK(listed() == Verdict::listed);
    }
    SUBCASE("perhaps, if nobody knows what became of the removal") {
      ledger.ended(removal);
      CHECK(listed() == Verdict::either);
      ledger.acknowledged(ledger.begin(SimLedger::What::put, place), 1);
      CHECK(listed() == Verdict::listed);
    }
  }
  SUBCASE("a put that ended without a word may show") {
    ledger.ended(put);
    CHECK(listed() == Verdict::either);
    ledger.acknowledged(ledger.begin(SimLedger::What::removal, place));
    CHECK(listed() == Verdict::absent);
  }
  SUBCASE("a put without an end may come after a removal") {
    ledger.acknowledged(ledger.begin(SimLedger::What::removal, place));
    CHECK(listed() == Verdict::either);
  }
}

}  // namespace
}  // namespace troupe::files
