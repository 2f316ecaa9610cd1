#include <doctest/doctest.h>

#include "actors/files/logic/manifest.hpp"
#include "tests/actors/files/files_cluster.hpp"

using namespace troupe;
using namespace troupe::files;
using base::Code;

namespace {

/// Flips bits of a node's packs, from byte `from` on, each `every` bytes.
std::size_t damage(ClusterNode& member, std::uint64_t from, std::uint64_t every) {
  std::size_t flipped = 0;
  const std::string directory = member.settings.store_directory + "/packs";
  const std::vector<std::string> names = member.disk.list(directory).value();
  for (const std::string& name : names) {
    for (std::uint64_t at = from; member.disk.corrupt(directory + "/" + name, at, 0x40); at += every) ++flipped;
  }
  return flipped;
}

}  // namespace

TEST_CASE("verify: every copy of a sound file is read and found so") {
  FilesCluster cluster(4);
  const PutOutcome put = cluster.put(0, pattern(10 * kChunkBytesMin + 1));
  const Verified found = cluster.verify(0, put.cid);
  CHECK(!found.error);
  CHECK(found.copies == 3 * 12);
  CHECK(found.sound == found.copies);
  CHECK(found.states.empty());
}

TEST_CASE("verify: what is damaged at this node is named and mended from another") {
  observe::Health health;  // of all nodes
  std::vector<std::string> told;
  health.on_change([&](const observe::HealthReason& reason) { told.push_back(reason.source + ' ' + reason.text); });
  FilesCluster cluster(3, [&](FilesSettings& settings) { settings.health = &health; });
  const base::Bytes bytes = pattern(10 * kChunkBytesMin);
  const PutOutcome put = cluster.put(0, bytes);
  REQUIRE(put.reached == 3);
  REQUIRE(damage(cluster[0], 40'000, 40'000) > 0);
  const Verified found = cluster.verify(0, put.cid);
  CHECK(!found.error);
  CHECK(found.damaged > 0);
  CHECK(found.repaired == found.damaged);
  CHECK(found.sound == found.copies - found.damaged);
  for (const base::NodeId& node : found.nodes) CHECK(node == cluster[0].id());
  REQUIRE(!told.empty());
  CHECK(told[0].starts_with("files.store.damage " + cluster[0].settings.store_directory + "/packs/"));
  CHECK(told[0].find("`troupe file verify`") != std::string::npos);
  CHECK(health.state() == observe::HealthState::ok);
  const Verified again = cluster.verify(0, put.cid);
  CHECK(again.sound == again.copies);
  cluster.restart(0);
  cluster.kill(1);
  cluster.kill(2);
  CHECK(cluster.get(0, put.cid).bytes == bytes);
}

TEST_CASE("verify: a damaged copy elsewhere is reported, and the watch brings it anew") {
  FilesCluster cluster(3);
  const base::Bytes bytes = pattern(10 * kChunkBytesMin);
  const PutOutcome put = cluster.put(0, bytes);
  REQUIRE(put.reached == 3);
  REQUIRE(damage(cluster[1], 40'000, 40'000) > 0);
  const Verified found = cluster.verify(0, put.cid);
  CHECK(found.damaged > 0);
  CHECK(found.repaired == 0);
  for (const base::NodeId& node : found.nodes) CHECK(node == cluster[1].id());
  cluster.stage.run_for(5min);
  const Verified again = cluster.verify(0, put.cid);
  CHECK(again.copies == 33);
  CHECK(again.sound == again.copies);
}

TEST_CASE("verify: a node that is down is reported as unknown, one that lost its disk as lacking") {
  FilesCluster cluster(3);
  const PutOutcome put = cluster.put(0, pattern(5 * kChunkBytesMin));
  REQUIRE(put.reached == 3);
  SUBCASE("down") {
    cluster.kill(2);
    const Verified found = cluster.verify(0, put.cid);
    CHECK(found.unknown == 6);
    CHECK(found.sound == 12);
  }
  SUBCASE("empty") {
    cluster.kill(2);
    cluster[2].settings.store_directory = "elsewhere";
    cluster.begin(2);
    cluster.stage.run_for(3s);
    const Verified found = cluster.verify(0, put.cid);
    CHECK(found.lacking == 6);
    cluster.stage.run_for(5min);
    CHECK(cluster.verify(0, put.cid).sound == 18);
  }
}

TEST_CASE("verify: a node that only holds a file verifies and mends its own copies") {
  FilesCluster cluster(3);
  const base::Bytes bytes = pattern(10 * kChunkBytesMin);
  const PutOutcome put = cluster.put(0, bytes);
  REQUIRE(put.reached == 3);
  REQUIRE(damage(cluster[1], 40'000, 40'000) > 0);
  const Verified found = cluster.verify(1, put.cid);
  CHECK(found.copies == 11);
  CHECK(found.damaged > 0);
  CHECK(found.repaired == found.damaged);
  CHECK(cluster.verify(1, put.cid).sound == 11);
  CHECK(cluster.verify(1, cid(5)).error->code == Code::not_found);
}

TEST_CASE("verify: a copy without any other stays damaged and is said to be, and a get says `corrupt`") {
  FilesCluster cluster(1);
  const PutOutcome put = cluster.put(0, pattern(10 * kChunkBytesMin), 1);
  REQUIRE(damage(cluster[0], 40'000, 40'000) > 0);
  const Verified found = cluster.verify(0, put.cid);
  CHECK(found.damaged > 0);
  CHECK(found.repaired == 0);
  CHECK(cluster.get(0, put.cid).error->code == Code::corrupt);
}

TEST_CASE("get: a holder with wrong bytes is passed over") {
  FilesCluster cluster(4);
  const base::Bytes bytes = pattern(10 * kChunkBytesMin);
  const PutOutcome put = cluster.put(0, bytes, 3);
  REQUIRE(put.reached == 3);
  SUBCASE("its disk has changed them") {
    REQUIRE(damage(cluster[0], 5'000, 17'000) > 0);
    REQUIRE(damage(cluster[1], 5'000, 17'000) > 0);
  }
  SUBCASE("it lies") {
    cluster[1].liar = true;
    cluster.restart(1);
  }
  SUBCASE("one lies and one is damaged, and the third is there") {
    REQUIRE(damage(cluster[0], 5'000, 17'000) > 0);
    cluster[1].liar = true;
    cluster.restart(1);
  }
  for (const std::size_t asker : {0, 2, 3}) {
    const GetOutcome got = cluster.get(asker, put.cid);
    // Each content is at three of the four; only with two of them spoilt it may be lost.
    if (got.error) CHECK(got.error->code == Code::corrupt);
    else CHECK(got.bytes == bytes);
  }
  CHECK(cluster.failures().empty());
}

TEST_CASE("get: with one holder that lies every file of three copies is read") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    FilesCluster cluster(4, {}, seed);
    const base::Bytes bytes = pattern(10 * kChunkBytesMin);
    const PutOutcome put = cluster.put(0, bytes, 3);
    REQUIRE(put.reached == 3);
    cluster[1].liar = true;
    cluster.restart(1);
    std::size_t told = 0;
    for (const std::size_t asker : {0, 2, 3}) {
      CHECK(cluster.get(asker, put.cid).bytes == bytes);
      const auto& accused = cluster[asker].accused;
      CHECK(accused.size() == accused.count(cluster[1].id()));
      told += accused.size();
    }
    CHECK(told > 0);
  }
}

TEST_CASE("view: shows a file's row, its manifest and its chunks in order with their holders") {
  FilesCluster cluster(3);
  const base::Bytes bytes = pattern(3 * kChunkBytesMin + 5);
  const PutOutcome put = cluster.put(0, bytes, 2, "seen");
  struct Seen {
    int rows = 0;
    std::vector<ContentKey> keys;
    std::vector<std::uint64_t> offsets;
    std::vector<std::size_t> holders;
    std::optional<base::Error> error;
    bool over = false;
  };
  const auto view = [&](std::size_t i, const Cid& which) {
    Seen seen;
    runtime::Subscription hold;
    cluster.inside(i, [&](Scripted& self) {
      hold = self.subscribe<wire::ViewFile, wire::ViewItem>(
          self.node().find(kPath), 60s, [&](wire::ViewFile::Builder out) { out.setCid(data_of(which.view())); },
          [&](wire::ViewItem::Reader item) {
            if (item.isRow()) {
              ++seen.rows;
              CHECK(text_of(item.getRow().getName()) == "seen");
              return;
            }
            seen.keys.push_back(read_content(item.getContent().getContent()).value());
            seen.offsets.push_back(item.getContent().getOffset());
            seen.holders.push_back(item.getContent().getHolders().size());
          },
          [&](base::Result<void, base::Error> ended) {
            seen.over = true;
            if (!ended.ok()) seen.error = ended.error();
          });
    });
    cluster.stage.run_until([&] { return seen.over; }, 60s);
    return seen;
  };
  const Seen owner = view(0, put.cid);
  CHECK(!owner.error);
  CHECK(owner.rows == 1);
  REQUIRE(owner.keys.size() == 5);
  CHECK(owner.keys[0] == ContentKey::manifest(put.cid));
  CHECK(owner.keys[4].bytes == 5);
  CHECK(owner.offsets == std::vector<std::uint64_t>{0, 0, kChunkBytesMin, 2 * kChunkBytesMin, 3 * kChunkBytesMin});
  CHECK(owner.holders == std::vector<std::size_t>(5, 2));
  const Seen other = view(2, put.cid);
  CHECK(other.rows == 0);
  CHECK(other.keys == owner.keys);
  CHECK(other.holders == std::vector<std::size_t>(5, 0));
  CHECK(view(1, cid(3)).error->code == Code::not_found);
}
