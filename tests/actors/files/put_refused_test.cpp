// Puts that no holder takes.
#include <doctest/doctest.h>

#include "tests/actors/files/town.hpp"

namespace troupe::files {
namespace {

TEST_CASE("files: a put that no node would take says when to try again, for its outcome is known") {
  Town town(1);
  const runtime::Handle holder = town[0].life().node.find(kHolderPath);
  REQUIRE(holder);
  caf::anon_send_exit(holder, caf::exit_reason::kill);
  town.stage.settle();
  const PutOutcome put = town.put(0, pattern(3 * kChunkBytesMin), 1);
  REQUIRE(put.over);
  REQUIRE(put.error);
  CHECK(put.error->code == base::Code::unavailable);
  CHECK(put.error->retry_after == kPutAgain);
}

TEST_CASE("files: the claims of a put that failed on a full disk end once there is room to write so") {
  Town town(3);
  const auto putting = town.start_put(0, pattern(5 * kChunkBytesMin), 2, "a file", 10'000, false);
  town.stage.run_for(2s);
  REQUIRE(town.held(1).claims + town.held(2).claims > 0);
  town[0].disk.set_capacity(0);
  town.inside(0, [&](Scripted&) { putting->sink.fail({base::Code::dropped, "the client went away"}); });
  town.stage.run_for(10s);
  CHECK(town.owned(0).puts == 0);
  CHECK(town.held(1).claims + town.held(2).claims > 0);  // nothing could be written about them

  town[0].disk.set_capacity(sim::kDiskBytes);
  town.stage.run_for(5min);
  CHECK(town.held_in_all().claims == 0);
  CHECK(town.held_in_all().contents == 0);
  CHECK(town.failures().empty());
}

TEST_CASE("files: a put that a restart cut off is released at nodes that this one only hears of later") {
  Town town(3);
  const auto putting = town.start_put(0, pattern(5 * kChunkBytesMin), 2, "a file", 10'000, false);
  town.stage.run_for(2s);
  REQUIRE(town.held(1).claims + town.held(2).claims > 0);
  town[0].lonely = true;
  town.restart(0);
  town.stage.run_for(10s);
  CHECK(town.owned(0).releases == 0);  // nobody is left to be told, as far as it knows
  CHECK(town.held(1).claims + town.held(2).claims > 0);

  town[0].lonely = false;
  town.stage.run_for(3min);
  CHECK(town.held_in_all().claims == 0);
  CHECK(town.held_in_all().contents == 0);
  CHECK(town.failures().empty());
}

}  // namespace
}  // namespace troupe::files
