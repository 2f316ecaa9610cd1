#include <doctest/doctest.h>

#include "tests/actors/files/files_cluster.hpp"

using namespace troupe;
using namespace troupe::files;
using base::Code;

namespace {

std::size_t total_chunks(std::size_t bytes) { return (bytes + kOneChunk - 1) / kOneChunk; }

}  // namespace

TEST_CASE("files: what is put at one node is read back at any other") {
  FilesCluster cluster(4);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kOneChunk - 1, kOneChunk, kOneChunk + 1, std::size_t{100'000}}) {
    CAPTURE(size);
    const base::Bytes bytes = pattern(size);
    const PutOutcome put = cluster.put(0, bytes);
    REQUIRE(put.over);
    REQUIRE(!put.error);
    CHECK(put.bytes == size);
    CHECK(put.chunks == total_chunks(size));
    CHECK(put.asked == 3);
    CHECK(put.reached == 3);
    for (std::size_t i = 0; i < 4; ++i) {
      const GetOutcome got = cluster.get(i, put.cid);
      CHECK(!got.error);
      CHECK(got.file_bytes == size);
      CHECK(got.bytes == bytes);
    }
  }
  CHECK(cluster.failures().empty());
}

TEST_CASE("files: the CID follows from the bytes alone, however they come in pieces") {
  FilesCluster cluster(1);
  const base::Bytes bytes = pattern(5 * kOneChunk + 7);
  std::vector<Cid> seen;
  for (const std::size_t piece :
       {std::size_t{999}, kOneChunk - 1, kOneChunk, kOneChunk + 1, 4 * kOneChunk, bytes.size()}) {
    const PutOutcome put = cluster.put(0, bytes, 1, "x", piece);
    REQUIRE(!put.error);
    seen.push_back(put.cid);
  }
  CHECK(std::count(seen.begin(), seen.end(), seen.front()) == static_cast<std::ptrdiff_t>(seen.size()));
  CHECK(cluster.get(0, seen.front()).bytes == bytes);
  const auto list = cluster.list(0);
  REQUIRE(list.size() == 1);
  CHECK(list[0].cid == seen.front());
}

TEST_CASE("files: with chunks of 1 MiB and pieces of one, what streams out comes in items of at most 256 KiB") {
  FilesCluster cluster(2, [](FilesSettings& settings) { settings.chunk_bytes = kChunkBytes; });
  const base::Bytes bytes = pattern(5 * kChunkBytes / 2);
  const PutOutcome put = cluster.put(0, bytes, 2, "x", kChunkBytes);
  REQUIRE(!put.error);
  CHECK(put.chunks == 3);
  const GetOutcome got = cluster.get(1, put.cid);
  CHECK(got.bytes == bytes);
  CHECK(got.largest == kPieceBytesMax);
}

TEST_CASE("files: repetition within a file is stored once and reported") {
  FilesCluster cluster(1);
  const base::Bytes bytes(10 * kOneChunk);
  const PutOutcome put = cluster.put(0, bytes, 1);
  REQUIRE(!put.error);
  CHECK(put.chunks == 10);
  CHECK(put.bytes == bytes.size());
  CHECK(put.bytes_fresh == kOneChunk);
  CHECK(cluster.held(0).contents == 2);
  CHECK(cluster.get(0, put.cid).bytes == bytes);
}

TEST_CASE("files: a file outlives the node where it was put") {
  FilesCluster cluster(5);
  const base::Bytes bytes = pattern(20 * kOneChunk + 1);
  const PutOutcome put = cluster.put(0, bytes);
  REQUIRE(put.reached == 3);
  cluster.kill(0);
  for (std::size_t i = 1; i < 5; ++i) {
    const GetOutcome got = cluster.get(i, put.cid);
    CHECK(!got.error);
    CHECK(got.bytes == bytes);
  }
  SUBCASE("and another with it") {
    cluster.kill(1);
    for (std::size_t i = 2; i < 5; ++i) CHECK(cluster.get(i, put.cid).bytes == bytes);
  }
}

TEST_CASE("files: with fewer nodes than copies wanted it is stored on those, and says how many") {
  SUBCASE("a node alone") {
    FilesCluster cluster(1);
    const PutOutcome put = cluster.put(0, pattern(50'000), 3);
    REQUIRE(!put.error);
    CHECK(put.asked == 3);
    CHECK(put.reached == 1);
    CHECK(cluster.get(0, put.cid).bytes == pattern(50'000));
  }
  SUBCASE("known nodes that are down do not count") {
    FilesCluster cluster(4);
    cluster.kill(2);
    cluster.kill(3);
    const PutOutcome put = cluster.put(0, pattern(50'000), 3);
    REQUIRE(!put.error);
    CHECK(put.reached == 2);
    for (const Line& line : cluster.list(0)) CHECK(line.live == 2);
  }
  SUBCASE("known nodes that are silent are left out once they were silent") {
    FilesCluster cluster(3);
    for (const std::size_t other : {0, 1}) {
      cluster.fabric->cut(cluster[2].life().ports.address(), cluster[other].life().ports.address());
      cluster.fabric->cut(cluster[other].life().ports.address(), cluster[2].life().ports.address());
    }
    const base::Instant begun = cluster.stage.now();
    const PutOutcome put = cluster.put(0, pattern(20 * kOneChunk), 3);
    REQUIRE(!put.error);
    CHECK(put.reached == 2);
    CHECK(cluster.stage.now() - begun < 60s);
    CHECK(cluster.get(1, put.cid).bytes == pattern(20 * kOneChunk));
  }
}

TEST_CASE("files: nobody has it is told from somebody may have it") {
  FilesCluster cluster(3);
  const base::Bytes bytes = pattern(3 * kOneChunk);
  const PutOutcome put = cluster.put(0, bytes, 1);
  REQUIRE(!put.error);
  CHECK(cluster.get(1, cid(77)).error->code == Code::not_found);
  std::size_t asker = 0;
  cluster.kill(0);
  asker = 1;
  // Some content lay at node 0 or another; with 0 gone whoever lacks it cannot be sure.
  CHECK(cluster.get(asker, cid(77)).error->code == Code::unavailable);
  cluster.begin(0);
  cluster.stage.run_for(3s);
  CHECK(cluster.get(asker, cid(77)).error->code == Code::not_found);
  CHECK(cluster.get(asker, put.cid).bytes == bytes);
}

TEST_CASE("files: a part of a file is read by its range") {
  FilesCluster cluster(2);
  const base::Bytes bytes = pattern(5 * kOneChunk + 100);
  const PutOutcome put = cluster.put(0, bytes, 1);
  const auto part = [&](std::size_t first, std::size_t last) {
    const GetOutcome got = cluster.get(1, put.cid, Range{first, last});
    REQUIRE(!got.error);
    const std::size_t end = std::min(last + 1, bytes.size());
    CHECK(got.file_bytes == bytes.size());
    CHECK(got.part_bytes == end - first);
    CHECK(got.bytes == base::Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(first),
                                   bytes.begin() + static_cast<std::ptrdiff_t>(end)));
  };
  part(0, 0);
  part(0, bytes.size() - 1);
  part(kOneChunk - 1, kOneChunk);
  part(2 * kOneChunk + 5, 4 * kOneChunk + 6);
  part(bytes.size() - 1, bytes.size() + 1000);
  CHECK(cluster.get(1, put.cid, Range{bytes.size(), bytes.size()}).error->code == Code::refused);
  CHECK(cluster.get(1, put.cid, Range{5, 4}).error->code == Code::refused);
}

TEST_CASE("files: removing a file ends this node's claim only, and frees what nobody claims") {
  FilesCluster cluster(4);
  const base::Bytes bytes = pattern(10 * kOneChunk);
  const PutOutcome mine = cluster.put(0, bytes);
  const PutOutcome theirs = cluster.put(1, bytes);
  REQUIRE(mine.cid == theirs.cid);
  REQUIRE(!cluster.remove(0, mine.cid));
  cluster.stage.run_for(5s);
  CHECK(cluster.list(0).empty());
  CHECK(cluster.list(1).size() == 1);
  CHECK(cluster.get(0, mine.cid).bytes == bytes);
  CHECK(cluster.held_in_all().claims == 3 * 11);
  CHECK(cluster.remove(0, mine.cid)->code == Code::not_found);
  REQUIRE(!cluster.remove(1, mine.cid));
  cluster.stage.run_for(5s);
  CHECK(cluster.held_in_all().contents == 0);
  CHECK(cluster.held_in_all().bytes == 0);
  CHECK(cluster.held_in_all().blobs == 0);
  CHECK(cluster.owned(1).releases == 0);
  CHECK(cluster.get(0, mine.cid).error->code == Code::not_found);
}

TEST_CASE("files: a holder that was away when its claim ended ends it when it is back") {
  FilesCluster cluster(3);
  const PutOutcome put = cluster.put(0, pattern(5 * kOneChunk));
  REQUIRE(put.reached == 3);
  cluster.kill(2);
  REQUIRE(!cluster.remove(0, put.cid));
  cluster.stage.run_for(5min);
  CHECK(cluster.owned(0).releases == 1);
  cluster.begin(2);
  cluster.stage.run_for(5min);
  CHECK(cluster.owned(0).releases == 0);
  CHECK(cluster.held_in_all().claims == 0);
}

TEST_CASE("files: what was acknowledged is there after a restart of its holder and of its owner") {
  FilesCluster cluster(3);
  const base::Bytes bytes = pattern(8 * kOneChunk + 3);
  const PutOutcome put = cluster.put(0, bytes, 3, "kept");
  REQUIRE(put.reached == 3);
  cluster.restart(1);
  CHECK(cluster.held(1).claims == 10);
  cluster.restart(0);
  const auto list = cluster.list(0);
  REQUIRE(list.size() == 1);
  CHECK(list[0].name == "kept");
  CHECK(list[0].bytes == bytes.size());
  CHECK(list[0].live == 3);
  cluster.kill(0);
  cluster.kill(2);
  CHECK(cluster.get(1, put.cid).bytes == bytes);
}

TEST_CASE("files: a put that is broken off leaves no claims anywhere") {
  FilesCluster cluster(3);
  const base::Bytes bytes = pattern(40 * kOneChunk);
  SUBCASE("by its asker") {
    auto putting = cluster.start_put(0, bytes, 3, "x", 10'000, false);
    cluster.stage.run_for(2s);
    CHECK(cluster.held_in_all().claims > 0);
    CHECK(cluster.owned(0).puts == 1);
    cluster.inside(0, [&](Scripted&) { putting->sink.fail({Code::dropped, "enough"}); });
    cluster.stage.run_for(10s);
  }
  SUBCASE("by the end of its asker") {
    auto putting = cluster.start_put(0, bytes, 3, "x", 10'000, false);
    cluster.stage.run_for(2s);
    caf::anon_send_exit(cluster[0].life().outside.release(), caf::exit_reason::kill);
    cluster.stage.run_for(10s);
  }
  SUBCASE("by silence") {
    auto putting = cluster.start_put(0, bytes, 3, "x", 10'000, false);
    cluster.stage.run_for(2s);
    CHECK(cluster.held_in_all().claims > 0);
    cluster.stage.run_for(20min);
    CHECK(putting->outcome.error->code == Code::timeout);
  }
  SUBCASE("by the end of the put's own actor") {
    auto putting = cluster.start_put(0, bytes, 3, "x", 10'000, false);
    cluster.stage.run_for(2s);
    runtime::Handle put;
    cluster[0].life().node.registry().walk([&](const runtime::Listing& one) {
      if (one.path.starts_with("/files/put-")) put = one.handle;
      return true;
    });
    REQUIRE(put);
    caf::anon_send_exit(put, caf::exit_reason::kill);
    cluster.stage.run_for(10s);
    CHECK(putting->outcome.error);
  }
  SUBCASE("by the end of the node, when it is back") {
    auto putting = cluster.start_put(0, bytes, 3, "x", 10'000, false);
    cluster.stage.run_for(2s);
    cluster.restart(0);
    cluster.stage.run_for(30s);
  }
  CHECK(cluster.held_in_all().claims == 0);
  CHECK(cluster.held_in_all().bytes == 0);
  CHECK(cluster.held_in_all().blobs == 0);
  CHECK(cluster.owned(0).puts == 0);
  CHECK(cluster.owned(0).releases == 0);
  CHECK(cluster.list(0).empty());
}

TEST_CASE("files: a put that is cut off anywhere leaves a listed file or nothing") {
  // The power fails at the owner after each number of changes of its disk in turn.
  std::size_t listed = 0;
  std::size_t gone = 0;
  for (std::uint64_t step = 0; step < 120; step += 3) {
    CAPTURE(step);
    FilesCluster cluster(3);
    const base::Bytes bytes = pattern(4 * kOneChunk);
    cluster[0].disk.halt_after(step);
    auto putting = cluster.start_put(0, bytes, 3);
    cluster.stage.run_for(20s);
    const bool acknowledged = putting->outcome.over && !putting->outcome.error;
    cluster.restart(0);
    cluster.stage.run_for(2min);
    const auto list = cluster.list(0);
    CHECK(cluster.owned(0).releases == 0);
    if (acknowledged) REQUIRE(list.size() == 1);
    if (list.empty()) {
      ++gone;
      CHECK(cluster.held_in_all().claims == 0);
    } else {
      ++listed;
      CHECK(cluster.get(1, list[0].cid).bytes == bytes);
    }
  }
  CHECK(listed > 0);
  CHECK(gone > 0);
}

TEST_CASE("files: the watch brings a file back to its number of copies") {
  FilesCluster cluster(5);
  const base::Bytes bytes = pattern(12 * kOneChunk);
  const PutOutcome put = cluster.put(0, bytes, 3);
  REQUIRE(put.reached == 3);
  SUBCASE("when a holder is gone for good") {
    cluster.kill(1);
    cluster.stage.run_for(10min);
    CHECK(cluster.owned(0).short_of == 0);
    CHECK(cluster.list(0)[0].live == 3);
    cluster.kill(2);
    cluster.stage.run_for(10min);
    CHECK(cluster.list(0)[0].live == 3);
    // Two of three are left, and each has all.
    cluster.kill(0);
    CHECK(cluster.get(3, put.cid).bytes == bytes);
    CHECK(cluster.get(4, put.cid).bytes == bytes);
  }
  SUBCASE("after a restart of the owner, too") {
    cluster.kill(1);
    cluster.restart(0);
    cluster.stage.run_for(10min);
    CHECK(cluster.list(0)[0].live == 3);
    CHECK(cluster.owned(0).short_of == 0);
  }
  SUBCASE("when there were too few nodes at first") {
    cluster.kill(3);
    cluster.kill(4);
    cluster.kill(2);
    const PutOutcome few = cluster.put(0, pattern(7 * kOneChunk), 3);
    REQUIRE(!few.error);
    CHECK(few.reached == 2);
    cluster.begin(3);
    cluster.begin(4);
    cluster.stage.run_for(10min);
    for (const Line& line : cluster.list(0)) CHECK(line.live == 3);
  }
  SUBCASE("and all copies are released by a removal") {
    cluster.kill(1);
    cluster.stage.run_for(10min);
    cluster.begin(1);
    cluster.stage.run_for(5s);
    REQUIRE(!cluster.remove(0, put.cid));
    cluster.stage.run_for(5min);
    CHECK(cluster.owned(0).releases == 0);
    CHECK(cluster.held_in_all().claims == 0);
  }
  CHECK(cluster.failures().empty());
}

TEST_CASE("files: a holder that only restarts is not copied around") {
  FilesCluster cluster(4);
  const PutOutcome put = cluster.put(0, pattern(6 * kOneChunk), 3);
  REQUIRE(put.reached == 3);
  const auto before = cluster.held_in_all();
  cluster.kill(1);
  cluster.stage.run_for(30s);
  cluster.begin(1);
  cluster.stage.run_for(10min);
  CHECK(cluster.held_in_all().claims == before.claims);
}

TEST_CASE("files: a node without room is passed over for the next nearest") {
  FilesCluster cluster(4, [](FilesSettings& settings) { settings.claims.quota_bytes = 6 * kOneChunk; });
  const PutOutcome put = cluster.put(0, pattern(7 * kOneChunk), 1);
  REQUIRE(!put.error);
  CHECK(put.reached == 1);
  for (std::size_t i = 0; i < 4; ++i) CHECK(cluster.held(i).bytes <= 6 * kOneChunk);
  CHECK(cluster.get(3, put.cid).bytes == pattern(7 * kOneChunk));
  SUBCASE("and a put for which nobody has any is refused and leaves nothing") {
    const PutOutcome large = cluster.put(0, base::Bytes(pattern(100 * kOneChunk)), 1, "large");
    REQUIRE(large.error);
    CHECK(large.error->code == Code::no_space);
    cluster.stage.run_for(10s);
    CHECK(cluster.list(0).size() == 1);
    CHECK(cluster.held_in_all().claims == 8);
    CHECK(cluster.get(3, put.cid).bytes == pattern(7 * kOneChunk));
  }
}

TEST_CASE("files: a full disk is an error to the asker, and the node still serves") {
  observe::Health health;
  FilesCluster cluster(1, [&](FilesSettings& settings) { settings.health = &health; });
  const PutOutcome before = cluster.put(0, pattern(3 * kOneChunk), 1);
  REQUIRE(!before.error);
  CHECK(health.state() == observe::HealthState::ok);
  cluster[0].disk.set_capacity(1);
  const PutOutcome put = cluster.put(0, pattern(9 * kOneChunk), 1);
  REQUIRE(put.error);
  CHECK(put.error->code == Code::no_space);
  CHECK(health.state() == observe::HealthState::failing);
  CHECK(cluster.get(0, before.cid).bytes == pattern(3 * kOneChunk));
  cluster[0].disk.set_capacity(sim::kDiskBytes);
  cluster.stage.run_for(2min);
  CHECK(!cluster.put(0, pattern(9 * kOneChunk), 1).error);
  CHECK(health.state() == observe::HealthState::ok);
  CHECK(cluster.failures().empty());
}

TEST_CASE("files: names, copies and ids that cannot be are refused") {
  FilesCluster cluster(1);
  CHECK(cluster.put(0, {}, 1, "../up").error->code == Code::refused);
  CHECK(cluster.put(0, {}, 1, "bell\a").error->code == Code::refused);
  CHECK(cluster.put(0, {}, 1, std::string(256, 'x')).error->code == Code::refused);
  CHECK(cluster.put(0, {}, 0).asked == kReplicasDefault);
  CHECK(cluster.put(0, {}, 17).error->code == Code::refused);
  CHECK(!cluster.put(0, {}, 16, std::string(255, 'x')).error);
  CHECK(cluster.ask<wire::RemoveFile, wire::FileRemoved>(0, kPath, [](auto) {})->code == Code::malformed);
  CHECK(cluster.ask<wire::PinFile, messages::wire::Nothing>(0, kPath, [](auto) {})->code == Code::malformed);
  cluster.stage.run_for(1s);
  CHECK(cluster.owned(0).puts == 0);
  CHECK(cluster.failures().empty());
}

TEST_CASE("files: puts and gets beyond the limits are refused, and those under way go on") {
  FilesCluster cluster(1, [](FilesSettings& settings) {
    settings.catalogue.puts_max = 2;
    settings.streams_max = 1;
  });
  auto first = cluster.start_put(0, pattern(1000), 1, "1", 100, false);
  auto second = cluster.start_put(0, pattern(2000), 1, "2", 100, false);
  cluster.stage.run_for(1s);
  CHECK(cluster.put(0, pattern(3000), 1).error->code == Code::overloaded);
  cluster.inside(0, [&](Scripted&) { first->sink.end(), second->sink.end(); });
  cluster.stage.run_for(5s);
  CHECK(!first->outcome.error);
  CHECK(!second->outcome.error);
  CHECK(cluster.list(0).size() == 2);
}

TEST_CASE("files: a pin is kept, also over a restart") {
  FilesCluster cluster(1);
  const PutOutcome put = cluster.put(0, pattern(10), 1);
  const auto pin = [&](bool on) {
    return cluster.ask<wire::PinFile, messages::wire::Nothing>(0, kPath, [&](wire::PinFile::Builder out) {
      out.setCid(data_of(put.cid.view()));
      out.setPinned(on);
    });
  };
  CHECK(!pin(true));
  cluster.restart(0);
  CHECK(cluster.list(0)[0].pinned);
  CHECK(!pin(false));
  CHECK(!cluster.list(0)[0].pinned);
}

TEST_CASE("files: many are listed, however slowly the list is read") {
  FilesCluster cluster(1);
  for (unsigned i = 0; i < 150; ++i) {
    const std::string name = "file " + std::to_string(i);
    REQUIRE(!cluster.put(0, base::Bytes(name.begin(), name.end()), 1, name).error);
  }
  const auto list = cluster.list(0);
  CHECK(list.size() == 150);
  CHECK(std::is_sorted(list.begin(), list.end(), [](const Line& a, const Line& b) { return a.cid < b.cid; }));
}
