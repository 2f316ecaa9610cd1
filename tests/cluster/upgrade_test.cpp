// A data directory that an older program has written is served by this one. How it was made: tests/data/README.md.
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

// Of commit 1beb667. What expires within days is in it, too, and not asked for: this test has no date.
constexpr const char* kData = TROUPE_SOURCE "/tests/data/data-1beb667.tar";
const std::string kId = "338a7561738eed404457a817e9d7f64f045ed689";
const std::string kOther = "56c15bc291b9002768445cd62ac4ad4adefee917";  // listened at 127.0.0.1:1
const std::string kFile = "272964281e9361d5b47cbf50abb78b47688d2eaa51b37c39156f8840db9a27c0";  // pinned
const std::string kRecord = "/cid/0d22cdcc10e6d049dbe1af5123d50873fdfc1a4f58306e58cb6241be9472014d";

}  // namespace

TEST_CASE("cluster upgrade: a node keeps all that an older program has stored in its directory") {
  const Folder folder;
  const std::string unpack = std::string("tar --no-same-owner -xf '") + kData + "' -C '" + (folder / ".") + '\'';
  REQUIRE(std::system(unpack.c_str()) == 0);
  std::filesystem::rename(folder / "data", folder / "a.data");
  for (const char* const start : {"the first start", "a second start, of what this program has written"}) {
    CAPTURE(std::string(start));
    NodeProgram node(folder, "a");
    REQUIRE_MESSAGE(node.ready(), node.err());
    const auto run = [&](std::vector<std::string> words) {
      words.insert(words.end(), {"--data", node.data});
      return troupe::test::troupe(folder, words);
    };
    CHECK(node.id == kId);
    CHECK_FALSE(contains(node.err(), "This node is new."));

    const Seen got = run({"file", "get", kFile});
    CHECK_MESSAGE(got.exit == 0, got.err);
    CHECK(got.out == "words that an older program has stored\n");
    CHECK(run({"file", "ls", "--json"}).out ==
          "[{\"cid\":\"" + kFile +
              "\",\"name\":\"kept\",\"bytes\":39,\"chunks\":1,\"pinned\":true,\"expires\":null,\"copiesEnd\":null}]\n");
    CHECK(contains(run({"peers", "--json"}).out, "\"node\":\"" + kOther + "\",\"address\":\"127.0.0.1:1\","));

    // A search may begin before the rows are read.
    CHECK(until([&] { return run({"dht", "get", kRecord}).out == "some bytes"; }));
    const std::string published = run({"dht", "list", "--space", "published", "--json"}).out;
    for (const std::string& key : {kRecord, "/pk/" + kId, kFile.substr(0, 40)})
      CHECK_MESSAGE(contains(published, "{\"space\":\"published\",\"key\":\"" + key + '"'), published);
    const Seen checked = run({"dht", "check", "--json"});
    CHECK(checked.exit == 0);
    CHECK_MESSAGE(contains(checked.out, "\"troubles\":0,"), checked.out);

    node.kill(SIGTERM);
    CHECK(node.wait() == 0);
    for (const char* const trouble : {" error ", "damaged", "failing"})
      CHECK_MESSAGE(!contains(node.err(), trouble), node.err());
    for (const auto& one : std::filesystem::recursive_directory_iterator(node.data))
      CHECK_MESSAGE(one.path().filename() != "lost", one.path().string());  // where LevelDB puts what it cannot read
  }
}
