// Holders that take copies and do not serve their owner.
#include <doctest/doctest.h>

#include "tests/actors/files/files_cluster.hpp"

namespace troupe::files {
namespace {

/// The node lives at another site from now on: an address group of 256 numbers.
void move(FilesCluster& cluster, std::size_t i, std::uint16_t site) {
  cluster.kill(i);
  cluster[i].number = static_cast<std::uint16_t>(256 * site + i);
  cluster.begin(i);
  cluster.stage.run_for(3s);
}

}  // namespace

TEST_CASE("files: a site has one copy of a content at most while other sites can have the others") {
  constexpr std::size_t kOwner = 0, kChunks = 8;
  FilesCluster cluster(6);
  move(cluster, 4, 1);
  move(cluster, 5, 2);
  const PutOutcome put = cluster.put(kOwner, pattern(kChunks * kOneChunk), 3);
  REQUIRE(!put.error);
  CHECK(put.reached == 3);
  CHECK(cluster.held(1).contents + cluster.held(2).contents + cluster.held(3).contents <= kChunks + 1);
  // Without the others it may have all of them.
  cluster.kill(4);
  cluster.kill(5);
  const PutOutcome next = cluster.put(kOwner, pattern(kChunks * kOneChunk - 1), 4);
  REQUIRE(!next.error);
  CHECK(next.reached == 4);
  CHECK(cluster.failures().empty());
}

TEST_CASE("files: holders that have nothing of what they say they have are replaced") {
  constexpr std::size_t kChunks = 8;
  FilesCluster cluster(5, [](FilesSettings& settings) { settings.watch.rounds_per_read = 1; });
  for (const std::size_t i : {1, 2}) {
    cluster[i].boasts = true;
    cluster.restart(i);
  }
  const PutOutcome put = cluster.put(0, pattern(kChunks * kOneChunk), 3);
  REQUIRE(!put.error);
  const auto held = [&] { return cluster.held(0).contents + cluster.held(3).contents + cluster.held(4).contents; };
  CHECK(held() < 3 * (kChunks + 1));
  cluster.stage.run_for(10min);
  CHECK(held() == 3 * (kChunks + 1));
  CHECK(cluster.owned(0).short_of == 0);
  CHECK(cluster.failures().empty());
}

TEST_CASE("files: a holder that leaves a bind unanswered delays one put by one answer's time, and the next ones not") {
  constexpr std::size_t kChunks = 8;
  FilesCluster cluster(5);
  cluster[1].boasts = cluster[1].mute_binds = true;
  cluster.restart(1);
  const auto timed_put = [&](std::size_t bytes) {
    const base::Instant began = cluster.stage.now();
    const PutOutcome put = cluster.put(0, pattern(bytes), 3);
    CHECK(!put.error);
    return cluster.stage.now() - began;
  };
  const base::Duration first = timed_put(kChunks * kOneChunk);
  CHECK(cluster[1].unanswered == 1);
  CHECK_MESSAGE(first < 15s, first.count());
  const base::Duration second = timed_put(kChunks * kOneChunk - 1);
  CHECK(cluster[1].unanswered == 1);
  CHECK_MESSAGE(second < 5s, second.count());
}

}  // namespace troupe::files
