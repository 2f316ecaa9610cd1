// How the files of a node come to be served at its start: what is told while rows are read, or cannot be.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "tests/actors/files/files_cluster.hpp"

using namespace troupe;
using namespace troupe::files;
using base::Code;
using runtime::wire::AwaitReady;

namespace {

using Nothing = messages::wire::Nothing;

const Cid kNobodys = *Cid::from(base::Bytes(32, 9));

/// What asking `path` for something that is not there comes to.
template <class Q, class A>
std::optional<base::Error> refusal(FilesCluster& cluster, const char* path,
                                   std::function<void(typename Q::Builder)> fill) {
  return cluster.ask<Q, A>(0, path, std::move(fill));
}
std::optional<base::Error> ask_for_file(FilesCluster& cluster) { return cluster.remove(0, kNobodys); }
std::optional<base::Error> ask_holder(FilesCluster& cluster) {
  return refusal<wire::FetchContent, wire::Fetched>(cluster, kHolderPath, [](wire::FetchContent::Builder out) {
    write(out.initContent(), ContentKey::manifest(kNobodys));
  });
}

/// Flips a byte of every file of the database below the node's store; what was closed well is whole otherwise.
std::size_t damage_rows(ClusterNode& member) {
  std::size_t flipped = 0;
  const std::string directory = member.settings.store_directory + "/db";
  const std::vector<std::string> names = member.disk.list(directory).value();
  for (const std::string& name : names) {
    if (name.ends_with(".log") || name.ends_with(".ldb") || name.starts_with("MANIFEST"))
      for (std::uint64_t at = 0; member.disk.corrupt(directory + "/" + name, at, 0x40); at += 7) ++flipped;
  }
  return flipped;
}

}  // namespace

TEST_CASE("files: ready means that files can be asked for, here and by other nodes") {
  FilesCluster cluster(1);
  REQUIRE(!cluster.put(0, pattern(3 * kChunkBytesMin), 1).error);
  cluster.kill(0);
  std::optional<Code> early, file, content;
  cluster[0].begun = [&](Scripted& self) {
    const auto ask_for_file = [&self](std::optional<Code>& code) {
      self.ask<wire::RemoveFile, wire::FileRemoved>(
          self.node().find(kPath), self.now() + 60s,
          [](wire::RemoveFile::Builder out) { out.setCid(data_of(kNobodys.view())); },
          [&code](const runtime::Answer<wire::FileRemoved>& answer) { code = answer.error().code; });
    };
    ask_for_file(early);
    self.ask<AwaitReady, Nothing>(
        self.node().find(kPath), self.now() + 60s, [](auto) {},
        [&, ask_for_file](const runtime::Answer<Nothing>& ready) {
          CHECK(ready.ok());
          ask_for_file(file);
          self.ask<wire::FetchContent, wire::Fetched>(
              self.node().find(kHolderPath), self.now() + 60s,
              [](wire::FetchContent::Builder out) { write(out.initContent(), ContentKey::manifest(kNobodys)); },
              [&](const runtime::Answer<wire::Fetched>& answer) { content = answer.error().code; });
        });
  };
  cluster.begin(0);
  cluster.stage.run_until([&] { return file && content; }, 60s);
  CHECK(early == Code::unavailable);
  CHECK(file == Code::not_found);
  CHECK(content == Code::not_found);
}

TEST_CASE("files: damaged rows are told as `corrupt` with the file's name, and do not keep the node from serving") {
  observe::Health health;
  FilesCluster cluster(1, [&](FilesSettings& settings) { settings.health = &health; });
  REQUIRE(!cluster.put(0, pattern(3 * kChunkBytesMin), 1).error);
  cluster.kill(0);
  REQUIRE(damage_rows(cluster[0]) > 0);
  cluster.begin(0);
  cluster.stage.settle();
  CHECK_FALSE(cluster.ask<AwaitReady, Nothing>(0, kPath, [](auto) {}));

  const auto told = ask_for_file(cluster);
  REQUIRE(told);
  CHECK(told->code == Code::corrupt);
  CHECK_MESSAGE(told->message.find(cluster[0].settings.store_directory + '/') != std::string::npos, told->message);
  CHECK(told->retry_after.count() == 0);
  CHECK(cluster.get(0, kNobodys).error == told);
  CHECK(cluster.put(0, pattern(1), 1).error == told);
  REQUIRE(health.reasons().size() == 2);
  CHECK(health.state() == observe::HealthState::failing);
  CHECK(health.reasons()[0].text == told->message);
  // Another node must not take it for a word on its content.
  CHECK(ask_holder(cluster)->code == Code::unavailable);

  const auto questions = [&] {
    std::uint64_t received = 0;
    cluster[0].life().node.registry().walk([&](const runtime::Listing& one) {
      if (one.path == std::string(kPath) + "/store") received = one.record->received;
      return true;
    });
    return received;
  };
  const auto asked = questions();
  cluster.stage.run_for(60s);
  CHECK(questions() == asked);
}

TEST_CASE("files: rows that a fault of the device hides are `unavailable`, and are read once it has passed") {
  observe::Health health;
  FilesCluster cluster(1, [&](FilesSettings& settings) { settings.health = &health; });
  const PutOutcome put = cluster.put(0, pattern(3 * kChunkBytesMin), 1);
  cluster.kill(0);
  cluster[0].disk.fail(sim::DiskOperation::read, ports::DiskError::io);
  cluster.begin(0);
  cluster.stage.settle();
  CHECK_FALSE(cluster.ask<AwaitReady, Nothing>(0, kPath, [](auto) {}));
  const auto told = ask_for_file(cluster);
  REQUIRE(told);
  CHECK(told->code == Code::unavailable);
  CHECK(told->message.find("cannot be read: ") != std::string::npos);
  CHECK(told->retry_after == store::kRetryMin);
  CHECK(health.state() == observe::HealthState::failing);
  cluster.stage.run_for(10s);
  CHECK(health.state() == observe::HealthState::ok);
  CHECK(cluster.get(0, put.cid).bytes == pattern(3 * kChunkBytesMin));
}
