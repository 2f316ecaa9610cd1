// How the files of a node come to be served at its start: what is told while rows are read, or cannot be.
#include <doctest/doctest.h>

#include "messages/runtime.capnp.h"
#include "tests/actors/files/town.hpp"

using namespace troupe;
using namespace troupe::files;
using base::Code;
using runtime::wire::AwaitReady;

namespace {

using Nothing = messages::wire::Nothing;

const Cid kNobodys = *Cid::from(base::Bytes(32, 9));

/// What asking `path` for something that is not there comes to.
template <class Q, class A>
std::optional<base::Error> refusal(Town& town, const char* path, std::function<void(typename Q::Builder)> fill) {
  return town.ask<Q, A>(0, path, std::move(fill));
}
std::optional<base::Error> ask_for_file(Town& town) { return town.remove(0, kNobodys); }
std::optional<base::Error> ask_holder(Town& town) {
  return refusal<wire::FetchContent, wire::Fetched>(town, kHolderPath, [](wire::FetchContent::Builder out) {
    write(out.initContent(), ContentKey::manifest(kNobodys));
  });
}

/// Flips a byte of every file of the database below the node's store; what was closed well is whole otherwise.
std::size_t damage_rows(House& house) {
  std::size_t flipped = 0;
  const std::string directory = house.settings.store_directory + "/db";
  const std::vector<std::string> names = house.disk.list(directory).value();
  for (const std::string& name : names) {
    if (name.ends_with(".log") || name.ends_with(".ldb") || name.starts_with("MANIFEST"))
      for (std::uint64_t at = 0; house.disk.corrupt(directory + "/" + name, at, 0x40); at += 7) ++flipped;
  }
  return flipped;
}

}  // namespace

TEST_CASE("files: ready means that files can be asked for, here and by other nodes") {
  Town town(1);
  REQUIRE(!town.put(0, pattern(3 * kChunkBytesMin), 1).error);
  town.kill(0);
  std::optional<Code> early, file, content;
  town[0].begun = [&](Scripted& self) {
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
  town.begin(0);
  town.stage.run_until([&] { return file && content; }, 60s);
  CHECK(early == Code::unavailable);
  CHECK(file == Code::not_found);
  CHECK(content == Code::not_found);
}

TEST_CASE("files: damaged rows are told as `corrupt` with the file's name, and do not keep the node from serving") {
  observe::Health health;
  Town town(1, [&](FilesSettings& settings) { settings.health = &health; });
  REQUIRE(!town.put(0, pattern(3 * kChunkBytesMin), 1).error);
  town.kill(0);
  REQUIRE(damage_rows(town[0]) > 0);
  town.begin(0);
  town.stage.settle();
  CHECK_FALSE(town.ask<AwaitReady, Nothing>(0, kPath, [](auto) {}));

  const auto told = ask_for_file(town);
  REQUIRE(told);
  CHECK(told->code == Code::corrupt);
  CHECK_MESSAGE(told->message.find(town[0].settings.store_directory + '/') != std::string::npos, told->message);
  CHECK(told->retry_after.count() == 0);
  CHECK(town.get(0, kNobodys).error == told);
  CHECK(town.put(0, pattern(1), 1).error == told);
  REQUIRE(health.reasons().size() == 2);
  CHECK(health.state() == observe::HealthState::failing);
  CHECK(health.reasons()[0].text == told->message);
  // Another node must not take it for a word on its content.
  CHECK(ask_holder(town)->code == Code::unavailable);

  const auto questions = [&] {
    std::uint64_t received = 0;
    town[0].life().node.registry().walk([&](const runtime::Listing& one) {
      if (one.path == std::string(kPath) + "/store") received = one.record->received;
      return true;
    });
    return received;
  };
  const auto asked = questions();
  town.stage.run_for(60s);
  CHECK(questions() == asked);
}

TEST_CASE("files: rows that a fault of the device hides are `unavailable`, and are read once it has passed") {
  observe::Health health;
  Town town(1, [&](FilesSettings& settings) { settings.health = &health; });
  const PutOutcome put = town.put(0, pattern(3 * kChunkBytesMin), 1);
  town.kill(0);
  town[0].disk.fail(sim::DiskOperation::read, ports::DiskError::io);
  town.begin(0);
  town.stage.settle();
  CHECK_FALSE(town.ask<AwaitReady, Nothing>(0, kPath, [](auto) {}));
  const auto told = ask_for_file(town);
  REQUIRE(told);
  CHECK(told->code == Code::unavailable);
  CHECK(told->message.find("cannot be read: ") != std::string::npos);
  CHECK(told->retry_after == kReadAgain);
  CHECK(health.state() == observe::HealthState::failing);
  town.stage.run_for(10s);
  CHECK(health.state() == observe::HealthState::ok);
  CHECK(town.get(0, put.cid).bytes == pattern(3 * kChunkBytesMin));
}
