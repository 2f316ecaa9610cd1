// Puts that no holder takes.
#include <doctest/doctest.h>

#include "tests/actors/files/files_cluster.hpp"

namespace troupe::files {
namespace {

TEST_CASE("files: a put that no node would take says when to try again, for its outcome is known") {
  FilesCluster cluster(1);
  const runtime::Handle holder = cluster[0].life().node.find(kHolderPath);
  REQUIRE(holder);
  caf::anon_send_exit(holder, caf::exit_reason::kill);
  cluster.stage.settle();
  const PutOutcome put = cluster.put(0, pattern(3 * kChunkBytesMin), 1);
  REQUIRE(put.over);
  REQUIRE(put.error);
  CHECK(put.error->code == base::Code::unavailable);
  CHECK(put.error->retry_after == kPutAgain);
}

TEST_CASE("files: a put whose holder has no place for its bind waits for one") {
  FilesCluster cluster(2);
  constexpr int kBusyBinds = 6;  // more than it tries one that is not overloaded
  cluster[1].busy_binds = kBusyBinds;
  cluster.restart(1);
  const base::Instant began = cluster.stage.now();
  const PutOutcome put = cluster.put(0, pattern(3 * kChunkBytesMin), 2);
  REQUIRE(put.over);
  CHECK(!put.error);
  CHECK(put.reached == 2);
  CHECK(cluster[1].busy_binds == -1);
  CHECK(cluster.stage.now() - began >= kBusyBinds * 200ms);
}

TEST_CASE("files: a holder that never has a place for a bind delays one put, and the next ones not") {
  FilesCluster cluster(5);
  cluster[1].busy_binds = 1'000'000;
  cluster.restart(1);
  const auto timed_put = [&](std::size_t bytes) {
    const base::Instant began = cluster.stage.now();
    CHECK(!cluster.put(0, pattern(bytes), 3).error);
    return cluster.stage.now() - began;
  };
  const int asked = cluster[1].busy_binds;
  timed_put(8 * kChunkBytesMin);
  CHECK(cluster[1].busy_binds < asked);
  const base::Duration second = timed_put(8 * kChunkBytesMin - 1);
  CHECK_MESSAGE(second < 5s, second.count());
}

TEST_CASE("files: the claims of a put that failed on a full disk end once there is room to write so") {
  FilesCluster cluster(3);
  const auto putting = cluster.start_put(0, pattern(5 * kChunkBytesMin), 2, "a file", 10'000, false);
  cluster.stage.run_for(2s);
  REQUIRE(cluster.held(1).claims + cluster.held(2).claims > 0);
  cluster[0].disk.set_capacity(0);
  cluster.inside(0, [&](Scripted&) { putting->sink.fail({base::Code::dropped, "the client went away"}); });
  cluster.stage.run_for(10s);
  CHECK(cluster.owned(0).puts == 0);
  CHECK(cluster.held(1).claims + cluster.held(2).claims > 0);  // nothing could be written about them

  cluster[0].disk.set_capacity(sim::kDiskBytes);
  cluster.stage.run_for(5min);
  CHECK(cluster.held_in_all().claims == 0);
  CHECK(cluster.held_in_all().contents == 0);
  CHECK(cluster.failures().empty());
}

TEST_CASE("files: a put that a restart cut off is released at nodes that this one only hears of later") {
  FilesCluster cluster(3);
  const auto putting = cluster.start_put(0, pattern(5 * kChunkBytesMin), 2, "a file", 10'000, false);
  cluster.stage.run_for(2s);
  REQUIRE(cluster.held(1).claims + cluster.held(2).claims > 0);
  cluster[0].lonely = true;
  cluster.restart(0);
  cluster.stage.run_for(10s);
  CHECK(cluster.owned(0).releases == 0);  // nobody is left to be told, as far as it knows
  CHECK(cluster.held(1).claims + cluster.held(2).claims > 0);

  cluster[0].lonely = false;
  cluster.stage.run_for(3min);
  CHECK(cluster.held_in_all().claims == 0);
  CHECK(cluster.held_in_all().contents == 0);
  CHECK(cluster.failures().empty());
}

}  // namespace
}  // namespace troupe::files
