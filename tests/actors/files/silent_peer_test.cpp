// A peer that leaves stores unanswered, and owners whose copies end elsewhere.
#include <doctest/doctest.h>

#include "tests/actors/files/files_cluster.hpp"

namespace troupe::files {
namespace {

/// The time that a put of 1 MiB with one copy takes.
base::Duration timed_put(FilesCluster& cluster, std::uint8_t salt) {
  base::Bytes bytes = pattern(1u << 20);
  bytes[0] = salt;
  const base::Instant begun = cluster.stage.now();
  const PutOutcome put = cluster.put(0, bytes, 2, "a file", 1u << 18);
  CHECK_MESSAGE(!put.error, (put.error ? put.error->message : ""));
  CHECK(put.reached == 2);
  return cluster.stage.now() - begun;
}

}  // namespace

TEST_CASE(
    "files: a peer that leaves stores unanswered makes no put take twice its time, and is asked last from then on") {
  FilesCluster cluster(5);
  const base::Duration warm = timed_put(cluster, 1);
  const base::Duration quiet = timed_put(cluster, 2);
  cluster[3].mute = true;
  cluster.restart(3);
  const base::Duration first = timed_put(cluster, 3);
  const std::size_t unanswered = cluster[3].unanswered;
  CHECK(unanswered > 0);
  const base::Duration second = timed_put(cluster, 4);
  CHECK(cluster[3].unanswered == unanswered);
  CAPTURE(warm);
  CHECK_MESSAGE(first <= 2 * quiet, "first ", first.count(), " quiet ", quiet.count());
  CHECK_MESSAGE(second <= 2 * quiet, "second ", second.count(), " quiet ", quiet.count());
  CHECK(cluster.failures().empty());
}

TEST_CASE("files: the list says until when copies are kept, also after a restart, and a release moves them elsewhere") {
  FilesCluster cluster(4);
  const base::Bytes bytes = pattern(3 * kOneChunk);
  const PutOutcome put = cluster.put(0, bytes, 2);
  REQUIRE(!put.error);
  cluster.stage.run_for(3min);
  const auto end = [&] { return cluster.list(0).front().copies_end; };
  const std::int64_t today = base::unix_seconds(cluster[0].life().node.world().clock.wall()) / 86'400;
  CHECK(end() == (today + 30) * 86'400);
  for (std::size_t i = 1; i < 4; ++i) cluster.kill(i);
  cluster.restart(0);
  CHECK(end() == (today + 30) * 86'400);
  cluster.stage.run_for(49h);
  CHECK(end() == (today + 30) * 86'400);  // no holder has answered since
  for (std::size_t i = 1; i < 4; ++i) cluster.begin(i);
  cluster.stage.run_for(5min);
  CHECK(end() >= (today + 32) * 86'400);

  std::size_t released = 0;
  for (std::size_t i = 1; i < 4; ++i)
    if (released == 0 && cluster.held(i).claims > 0) released = i;
  REQUIRE(released > 0);
  REQUIRE(!cluster.release_owner(released, cluster[0].id()));
  cluster.stage.run_for(10min);
  CHECK(cluster.held(released).claims == 0);
  CHECK(cluster.list(0).front().live == 2);
  CHECK(cluster.owned(0).short_of == 0);
}

TEST_CASE("files: verify without a CID reads all that a node holds, of all owners, and repairs what is damaged") {
  FilesCluster cluster(3);
  base::Bytes bytes = pattern(700 * kOneChunk);
  for (std::size_t i = 0; i < 700; ++i)
    bytes[i * kOneChunk] = static_cast<std::uint8_t>(i), bytes[i * kOneChunk + 1] = static_cast<std::uint8_t>(i >> 8);
  REQUIRE(!cluster.put(0, bytes, 3).error);
  const auto held = cluster.held(1);
  REQUIRE(held.contents == 701);  // more than a page of the holder's list
  const auto sound = cluster.verify(1, std::nullopt);
  CHECK(!sound.error);
  CHECK(sound.copies == 701);
  CHECK(sound.sound == 701);
  CHECK(sound.states.empty());
  SUBCASE("nothing is held") {
    FilesCluster empty(1);
    const auto none = empty.verify(0, std::nullopt);
    CHECK(none.over);
    CHECK(!none.error);
    CHECK(none.copies == 0);
  }
}

}  // namespace troupe::files
