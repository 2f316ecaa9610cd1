// Exits that only a process shows: no room (6), an unknown outcome (8), and the end by a signal (143).
#include <sys/mount.h>

#include "runtime/base/random.hpp"
#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr int kNoRoom = 6;
constexpr int kUnknownOutcome = 8;

/// A device of that size at the path, for as long as this lives. Only root may make one.
class SmallDevice {
 public:
  SmallDevice(std::string path, const char* size) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    const std::string options = std::string("mode=0700,size=") + size;
    made_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  ~SmallDevice() {
    if (made_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  SmallDevice(const SmallDevice&) = delete;
  SmallDevice& operator=(const SmallDevice&) = delete;
  bool made() const { return made_; }

 private:
  std::string path_;
  bool made_ = false;
};

/// A file of `mib` MiB that are not alike.
std::string large_file(const Folder& folder, std::size_t mib) {
  base::Random random(1);
  std::string bytes(mib << 20, 0);
  for (std::size_t at = 0; at < bytes.size(); at += 1024) bytes[at] = static_cast<char>(random.next());
  std::ofstream(folder / "large", std::ios::binary) << bytes;
  return folder / "large";
}

/// Whether each line begins and ends as a line of JSON does, the last one too.
bool whole(const std::string& text) {
  if (!text.ends_with("}\n")) return false;
  for (auto end = text.find('\n'); end != std::string::npos && end + 1 < text.size(); end = text.find('\n', end + 1))
    if (text[end - 1] != '}' || text[end + 1] != '{') return false;
  return text.starts_with('{');
}

}  // namespace

TEST_CASE("cluster exits: a put beyond the quota of its owner is exit 6, and leaves nothing") {
  const Folder folder;
  NodeProgram node(folder, "a", {"--set", "files.quota_per_owner=1 MiB"});
  REQUIRE(node.ready());
  const Seen put = at(folder, node, {"file", "put", large_file(folder, 3), "--replicas", "1"});
  CHECK(put.exit == kNoRoom);
  CHECK(put.out.empty());
  CHECK_MESSAGE(contains(put.err, "the owner's quota at this node is used up"), put.err);
  CHECK(at(folder, node, {"file", "ls", "--json"}).out == "[]\n");
}

TEST_CASE("cluster exits: a put at a node whose device is full is exit 6, and the node serves on and says why") {
  const Folder folder;
  const SmallDevice device(folder / "a.data", "40m");
  if (!device.made()) return skip("no device can be mounted here");
  NodeProgram node(folder, "a");
  REQUIRE_MESSAGE(node.ready(), node.err());
  const Seen put = at(folder, node, {"file", "put", large_file(folder, 30), "--replicas", "1", "--json"});
  CHECK(put.exit == kNoRoom);
  CHECK(put.out.empty());
  CHECK_MESSAGE(put.err.starts_with("{\"error\":{\"code\":\"no_space\","), put.err);
  CHECK_MESSAGE(contains(put.err, "no space left on the device: "), put.err);
  CHECK_MESSAGE(contains(put.err, " MiB kept in reserve; remove something, or free space on the device"), put.err);
  CHECK(at(folder, node, {"file", "ls", "--json"}).out == "[]\n");
  CHECK(until([&] { return contains(at(folder, node, {"status"}).out, "files.store: "); }));
}

TEST_CASE("cluster exits: a trace beyond those that a node serves at once is exit 6, and may be tried again") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  std::vector<std::unique_ptr<Program>> traces;
  for (int i = 0; i < 4; ++i)
    traces.push_back(std::make_unique<Program>(
        std::vector<std::string>{"trace", "/**", "--all", "--count", "100000", "--seconds", "60", "--data", node.data},
        folder / ("trace" + std::to_string(i))));
  REQUIRE(until([&] {
    at(folder, node, {"status"});  // is something to see
    return std::ranges::none_of(traces, [](const auto& one) { return one->out().empty(); });
  }));
  const Seen fifth = at(folder, node, {"trace", "/peers"});
  CHECK(fifth.exit == kNoRoom);
  CHECK(fifth.out.empty());
  CHECK_MESSAGE(contains(fifth.err, "\ntry: again in "), fifth.err);
}

TEST_CASE("cluster exits: a put whose node is killed before it answers is exit 8") {
  Cluster cluster(4);
  for (const std::size_t silent : {1, 2, 3}) cluster.nodes[silent]->stop();  // so that it has to wait
  // A command that looks would begin after a busy machine has given the put up.
  const Program trace({"trace", "/dht", "--all", "--count", "100000", "--json", "--data", cluster.nodes[0]->data},
                      cluster.folder / "trace");
  REQUIRE(until([&] { return cluster.run(0, {"dht", "table"}).exit == 0 && !trace.out().empty(); }));
  Program put({"dht", "put", "orders", "seven", "--data", cluster.nodes[0]->data}, cluster.folder / "put");
  CHECK(until([&] { return contains(trace.out(), R"("other":"an operator at this machine","kind":"dht.Put")"); }));
  cluster.kill(0);
  CHECK(put.wait() == kUnknownOutcome);
  CHECK(put.out().empty());
  CHECK_MESSAGE(contains(put.err(), "error: the link to the other node has ended"), put.err());
  CHECK_MESSAGE(contains(put.err(), "\noutcome: unknown; "), put.err());
  CHECK_MESSAGE(contains(put.err(), "\ntry: troupe dht get orders "), put.err());
}

TEST_CASE("cluster exits: a trace and a listening end with 143 at SIGTERM, and what they have printed is whole") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  REQUIRE(at(folder, node, {"dht", "put", "orders", "seven"}).exit == 0);
  bool json = false;
  SUBCASE("as text") {}
  SUBCASE("as JSON") { json = true; }
  const auto run = [&](std::vector<std::string> words, const std::string& talk) {
    words.insert(words.end(), {"--data", node.data});
    if (json) words.push_back("--json");
    return std::make_unique<Program>(words, folder / talk);
  };
  const auto trace = run({"trace", "/**", "--all", "--count", "100000", "--seconds", "60"}, "trace");
  const auto ear = run({"dht", "listen", "orders"}, "ear");
  REQUIRE(until([&] {
    at(folder, node, {"status"});
    return lines(trace->out()) > 20 && lines(ear->out()) == 1;
  }));
  for (const auto& one : {&trace, &ear}) (*one)->kill(SIGTERM);
  for (const auto& one : {&trace, &ear}) CHECK((*one)->wait() == 128 + SIGTERM);
  if (json) {
    CHECK_MESSAGE(whole(trace->out()), trace->out());
    CHECK_MESSAGE(whole(ear->out()), ear->out());
    const std::string traced = std::to_string(lines(trace->out()) - 1);
    CHECK(contains(trace->out(), "{\"summary\":true,\"why\":\"interrupted\",\"messages\":" + traced + ','));
    CHECK(contains(ear->out(), "\n{\"summary\":true,\"why\":\"interrupted\",\"items\":1}\n"));
  } else {
    CHECK(trace->out().ends_with('\n'));
    CHECK(contains(trace->err(), "ended: interrupted; " + std::to_string(lines(trace->out())) + " messages"));
    CHECK(ear->out().ends_with(" seven\n"));
    CHECK(contains(ear->err(), "ended: interrupted; 1 came"));
  }
}
