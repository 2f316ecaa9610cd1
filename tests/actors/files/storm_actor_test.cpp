#include <doctest/doctest.h>

#include "tests/actors/files/files_cluster.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::files;
using base::Code;

TEST_CASE("put: a holder that takes nothing bounds what is read and held, and the put goes on without it") {
  FilesCluster cluster(2, [](FilesSettings& settings) { settings.chunk_bytes = kChunkBytes; });
  cluster.put(0, pattern(10), 2);  // a link is up
  for (const std::size_t way : {0, 1})
    cluster.fabric->cut(cluster[way].life().ports.address(), cluster[1 - way].life().ports.address());
  const base::Bytes bytes = pattern(60 * kChunkBytes);
  auto putting = cluster.start_put(0, bytes, 2, "large", kChunkBytes);
  std::uint64_t held_max = 0;
  std::size_t sent_early = 0;
  for (int i = 0; i < 300 && !putting->outcome.over; ++i) {
    cluster.stage.run_for(200ms);
    cluster[0].life().node.registry().walk([&](const runtime::Listing& one) {
      if (!one.path.starts_with("/files/put-")) return true;
      const std::string path = one.path;
      cluster.ask<runtime::wire::Describe, wire::PutState>(
          0, path.c_str(), [](auto) {},
          [&](wire::PutState::Reader state) { held_max = std::max(held_max, state.getBytesHeld()); });
      return true;
    });
    if (i == 10) sent_early = putting->sent;
  }
  REQUIRE(putting->outcome.over);
  CHECK(!putting->outcome.error);
  CHECK(putting->outcome.reached == 1);
  CHECK(held_max > 0);
  CHECK(held_max <= ReplicationLimits{}.bytes_held_max);
  CHECK(sent_early < 40 * kChunkBytes);  // what is held, and two windows of a stream
}

TEST_CASE("files: whatever dies and comes back, what was acknowledged is there and nothing else stays claimed") {
  std::size_t acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= troupe::test::rounds(12, 3); ++seed) {
    CAPTURE(seed);
    FilesCluster cluster(4, {}, seed);
    base::Random dice(seed);
    std::vector<std::pair<Cid, base::Bytes>> kept;  // with its owner in the first byte
    std::vector<std::shared_ptr<FilesCluster::Putting>> under_way;
    for (int step = 0; step < 12; ++step) {
      const std::size_t who = dice.below(4);
      switch (dice.below(5)) {
        case 0:
        case 1: {
          if (!cluster[who].up) break;
          base::Bytes bytes = pattern(1 + dice.below(6 * kChunkBytesMin));
          bytes[0] = static_cast<std::uint8_t>(who);
          bytes.push_back(static_cast<std::uint8_t>(step));
          const PutOutcome put = cluster.put(who, bytes, 3);
          if (!put.error && put.reached >= 2) kept.emplace_back(put.cid, bytes);
          break;
        }
        case 2:
          if (cluster[who].up)
            under_way.push_back(cluster.start_put(who, pattern(20 * kChunkBytesMin), 2, "cut", 5000, false));
          break;
        case 3:
          if (!kept.empty()) {
            const std::size_t which = dice.below(kept.size());
            const std::size_t owner = kept[which].second[0];
            if (!cluster[owner].up || cluster.remove(owner, kept[which].first)) break;
            kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(which));
          }
          break;
        default: {
          // Never two at once: with two copies acknowledged one node may be away.
          for (std::size_t i = 0; i < 4; ++i)
            if (!cluster[i].up) cluster.begin(i);
          cluster.stage.run_for(5min);
          cluster.kill(who);
          cluster.stage.run_for(std::chrono::milliseconds(dice.below(3000)));
          break;
        }
      }
      cluster.stage.run_for(std::chrono::milliseconds(dice.below(2000)));
    }
    for (std::size_t i = 0; i < 4; ++i) cluster.restart(i);
    under_way.clear();
    cluster.stage.run_for(20min);
    std::size_t listed = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      listed += cluster.list(i).size();
      CHECK(cluster.owned(i).releases == 0);
      CHECK(cluster.owned(i).lost == 0);
      CHECK(cluster.owned(i).puts == 0);
    }
    CHECK(listed >= kept.size());
    acknowledged += kept.size();
    for (const auto& [cid, bytes] : kept) {
      for (std::size_t i = 0; i < 4; ++i) CHECK(cluster.get(i, cid).bytes == bytes);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const auto list = cluster.list(i);
      for (const Line& line : list) CHECK(!cluster.remove(i, line.cid));
    }
    cluster.stage.run_for(20min);
    const auto held = cluster.held_in_all();
    CHECK(held.claims == 0);
    CHECK(held.blobs == 0);
  }
  CHECK(acknowledged > 0);
}
