// Files at nodes that are real processes: they outlive the node at which they were stored.
#include <sys/stat.h>

#include "runtime/base/random.hpp"
#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr std::size_t kMiB = 1u << 20;

std::string random_text(std::uint64_t seed, std::size_t size) {
  base::Random random(seed);
  std::string bytes(size, 0);
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

/// A file of those bytes in the folder.
std::string file_of(const Folder& folder, const std::string& name, const std::string& bytes) {
  std::ofstream(folder / name, std::ios::binary) << bytes;
  return folder / name;
}

/// Stores a file at a node and returns its content id.
std::string put_file(Cluster& cluster, std::size_t node, const std::string& path, std::size_t replicas) {
  const Seen stored = cluster.run(node, {"file", "put", path, "--replicas", std::to_string(replicas)});
  REQUIRE_MESSAGE(stored.exit == 0, stored.err);
  REQUIRE(stored.out.size() == 65);
  return line(stored);
}

const std::string kNobodys(64, '0');

}  // namespace

TEST_CASE("cluster: what is stored at one node is read at any other, byte for byte, also when the first has died") {
  Cluster cluster(4);
  std::vector<std::pair<std::string, std::string>> stored;  // content id, bytes
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, 3 * kMiB + 1}) {
    const std::string bytes = random_text(size + 1, size);
    stored.emplace_back(put_file(cluster, 0, file_of(cluster.folder, "original", bytes), 3), bytes);
  }
  for (std::size_t node = 0; node < cluster.nodes.size(); ++node) {
    for (const auto& [cid, bytes] : stored) {
      const Seen to_stdout = cluster.run(node, {"file", "get", cid});
      CHECK(to_stdout.exit == 0);
      CHECK(to_stdout.out == bytes);
    }
  }
  cluster.kill(0);
  for (const auto& [cid, bytes] : stored) {
    const std::string copy = cluster.folder / "copy";
    const Seen got = cluster.run(3, {"file", "get", cid, "-o", copy, "--json"});
    CHECK_MESSAGE(got.exit == 0, got.err);
    CHECK(content(copy) == bytes);
    const std::string size = std::to_string(bytes.size());
    CHECK(got.out ==
          "{\"cid\":\"" + cid + "\",\"file\":\"" + copy + "\",\"bytes\":" + size + ",\"fileBytes\":" + size + "}\n");
  }
  const auto& [cid, bytes] = stored.back();
  CHECK(cluster.run(2, {"file", "get", cid, "--range", "1048570-1048590"}).out == bytes.substr(1'048'570, 21));
  CHECK(cluster.run(2, {"file", "get", cid, "--range", "9999999-9999999"}).exit == 5);
}

TEST_CASE("cluster: a file is listed, viewed, verified, pinned and removed where it was stored") {
  Cluster cluster(3);
  const std::string cid = put_file(cluster, 0, file_of(cluster.folder, "name", random_text(1, 2 * kMiB)), 2);
  const Seen listed = cluster.run(0, {"file", "ls", "--json"});
  CHECK(listed.exit == 0);
  CHECK(listed.out.starts_with("[{\"cid\":\"" + cid +
                               "\",\"name\":\"name\",\"bytes\":2097152,\"chunks\":2,\"pinned\":false,"
                               "\"expires\":null,\"copiesEnd\":"));
  CHECK(cluster.run(1, {"file", "ls", "--json"}).out == "[]\n");
  CHECK(contains(cluster.run(0, {"file", "view", cid, "--chunks"}).out, "copies   2 of 2\n"));
  CHECK(contains(cluster.run(0, {"file", "view", cid, "--json"}).out, "\"listed\":true,"));
  CHECK(contains(cluster.run(1, {"file", "view", cid, "--json"}).out, "\"listed\":false,"));
  CHECK(until([&] { return contains(cluster.run(1, {"file", "view", cid, "--json"}).out, "\"announced\":[\""); }));
  const std::string elsewhere = cluster.run(1, {"file", "view", cid}).out;
  CHECK(contains(elsewhere, "this node does not list the file"));
  CHECK(contains(elsewhere, "\nholder   "));

  const Seen verified = cluster.run(0, {"file", "verify", cid});
  CHECK(verified.exit == 0);
  CHECK(verified.out == "6 of 6 copies are intact\n");

  CHECK(cluster.run(0, {"file", "pin", cid}).exit == 0);
  CHECK(contains(cluster.run(0, {"file", "ls", "--json"}).out, "\"pinned\":true"));
  CHECK(cluster.run(0, {"file", "unpin", cid}).exit == 0);
  CHECK(cluster.run(0, {"file", "rm", cid}).exit == 0);
  CHECK(cluster.run(0, {"file", "rm", cid}).exit == 4);
  CHECK(cluster.run(0, {"file", "ls", "--json"}).out == "[]\n");
  // The holders are told a little later.
  CHECK(until([&] { return cluster.run(1, {"file", "get", cid}).exit == 4; }));
}

TEST_CASE("cluster: a file that nobody has is exit 4, and its name stays free") {
  Cluster cluster(2);
  const std::string copy = cluster.folder / "copy";
  const Seen got = cluster.run(1, {"file", "get", kNobodys, "-o", copy});
  CHECK(got.exit == 4);
  CHECK(got.err.starts_with("error: "));
  CHECK_FALSE(std::filesystem::exists(copy));
  for (const std::string command : {"view", "verify"}) CHECK(cluster.run(1, {"file", command, kNobodys}).exit == 4);
  for (const std::string command : {"rm", "pin", "unpin"}) CHECK(cluster.run(1, {"file", command, kNobodys}).exit == 4);
  CHECK(cluster.run(1, {"file", "get", "nonsense"}).exit == 2);
  CHECK(cluster.run(1, {"file", "get", kNobodys, "--range", "2-1"}).exit == 2);
}

TEST_CASE("cluster: with fewer nodes than replicas a file is stored, and the exit is 3") {
  Cluster cluster(1);
  const std::string path = file_of(cluster.folder, "file", "some bytes");
  const Seen stored = cluster.run(0, {"file", "put", path, "--replicas", "3"});
  CHECK(stored.exit == 3);
  CHECK(contains(stored.err, "stored at 1 of 3 nodes"));
  CHECK(cluster.run(0, {"file", "get", line(stored)}).out == "some bytes");
  const Seen again = cluster.run(0, {"file", "put", path, "--json"});
  CHECK(again.exit == 3);
  CHECK(again.out == "{\"cid\":\"" + line(stored) +
                         "\",\"name\":\"file\",\"bytes\":10,\"chunks\":1,\"replicas\":3,\"reached\":1,"
                         "\"bytesFresh\":10,\"listed\":true}\n");
  CHECK(again.err.empty());
}

TEST_CASE("cluster: a node that dies right after a put has what it said that it has") {
  Cluster cluster(1);
  const std::string bytes = random_text(7, 2 * kMiB + 5);
  const std::string cid = put_file(cluster, 0, file_of(cluster.folder, "file", bytes), 1);
  cluster.kill(0);
  const Seen without = cluster.run(0, {"file", "get", cid});
  CHECK(without.exit == 7);
  CHECK(without.out.empty());
  cluster.restart(0);
  const Seen got = cluster.run(0, {"file", "get", cid});
  CHECK(got.exit == 0);
  CHECK(got.out == bytes);
  CHECK(contains(cluster.run(0, {"file", "ls"}).out, cid));
}

TEST_CASE("cluster: a node whose rows are damaged serves, and says which file it is") {
  Cluster cluster(1);
  put_file(cluster, 0, file_of(cluster.folder, "file", "some bytes"), 1);
  cluster.kill(0);
  std::size_t damaged = 0;
  for (const auto& one : std::filesystem::recursive_directory_iterator(cluster.nodes[0]->data)) {
    if (!one.path().filename().string().starts_with("MANIFEST-")) continue;
    std::ofstream(one.path(), std::ios::binary) << std::string(one.file_size(), 'x');
    ++damaged;
  }
  REQUIRE(damaged > 0);
  cluster.restart(0);
  for (int i = 0; i < 3; ++i) {
    const Seen listed = cluster.run(0, {"file", "ls"});
    CHECK(listed.exit == 1);
    CHECK(contains(listed.err, "error: the catalogue of files cannot be read: "));
    CHECK(contains(listed.err, "MANIFEST-"));
    CHECK(contains(listed.err, "\ntry: troupe status --data " + cluster.nodes[0]->data + '\n'));
  }
  CHECK(contains(cluster.run(0, {"status", "--json"}).out, "\"health\":\"failing\""));
  const std::string log = cluster.nodes[0]->err();
  const auto line = log.find("health: failing source=files.catalogue");
  REQUIRE(line != std::string::npos);
  CHECK(log.find("health: failing source=files.catalogue", line + 1) == std::string::npos);
}

TEST_CASE("cluster: a put that is interrupted leaves nothing behind") {
  Cluster cluster(1);
  const std::string pipe = cluster.folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const int writer =
      ::open(pipe.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);  // a put that does not read must not hang us
  REQUIRE(writer >= 0);
  Program put({"file", "put", pipe, "--replicas", "1", "--data", cluster.nodes[0]->data}, cluster.folder / "put");
  const std::string bytes = random_text(9, 4'096);
  for (int i = 0; i < 512; ++i) REQUIRE(until([&] { return ::write(writer, bytes.data(), bytes.size()) == 4'096; }));
  put.kill(SIGINT);
  CHECK(put.wait() == 130);
  ::close(writer);
  CHECK(put.out().empty());
  CHECK(contains(put.err(), "outcome: nothing was stored under a content id"));
  CHECK(cluster.run(0, {"file", "ls", "--json"}).out == "[]\n");
}

TEST_CASE("cluster: a put and a get that wait for the other end of a named pipe can be interrupted") {
  Cluster cluster(1);
  const std::string cid = put_file(cluster, 0, file_of(cluster.folder, "file", "some bytes"), 1);
  const std::string pipe = cluster.folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::vector<std::string>& command : {std::vector<std::string>{"file", "put", pipe, "--replicas", "1"},
                                                  std::vector<std::string>{"file", "get", cid, "-o", pipe}}) {
    auto arguments = command;
    arguments.insert(arguments.end(), {"--data", cluster.nodes[0]->data});
    Program waits(arguments, cluster.folder / "waits");
    CHECK(until([&] { return waits.reads_sigint(); }));
    waits.kill(SIGINT);
    CHECK(waits.wait() == 130);
    CHECK(waits.err().starts_with("error: interrupted\noutcome: nothing was "));
  }
  CHECK(contains(cluster.run(0, {"file", "ls", "--json"}).out, cid));
}

TEST_CASE("cluster: what cannot be stored is refused before a node is asked") {
  const Folder folder;
  const std::string nowhere = folder / "none";
  CHECK(troupe::test::troupe(folder, {"file", "put", nowhere, "--data", nowhere}).exit == 4);
  CHECK(troupe::test::troupe(folder, {"file", "put", folder / ".", "--data", nowhere}).exit == 1);
  CHECK(troupe::test::troupe(folder, {"file", "put", "x", "--replicas", "0", "--data", nowhere}).exit == 2);
  const std::string path = file_of(folder, "file", "x");
  CHECK(troupe::test::troupe(folder, {"file", "put", path, "--data", nowhere}).exit == 7);
}

TEST_CASE("cluster: a name with control characters is refused") {
  Cluster cluster(1);
  const Seen stored = cluster.run(0, {"file", "put", file_of(cluster.folder, "a\nb", "x"), "--replicas", "1"});
  CHECK(stored.exit == 5);
  CHECK(contains(stored.err, "control characters"));
  CHECK(cluster.run(0, {"file", "ls", "--json"}).out == "[]\n");
}

TEST_CASE("cluster: garbage at the port does not disturb a get") {
  Cluster cluster(2);
  const std::string bytes = random_text(11, 8 * kMiB);
  const std::string cid = put_file(cluster, 0, file_of(cluster.folder, "file", bytes), 1);
  Program get({"file", "get", cid, "-o", cluster.folder / "copy", "--data", cluster.nodes[1]->data},
              cluster.folder / "get");
  for (std::uint64_t seed = 0; seed < 20 || !get.ended(); ++seed) {
    const std::string garbage = random_text(seed, 10'000);
    for (const auto& node : cluster.nodes) throw_at(*node, base::as_bytes(garbage));
  }
  CHECK(get.wait() == 0);
  CHECK(content(cluster.folder / "copy") == bytes);
}

TEST_CASE("cluster: a node that has never heard of the holder gets a file by its content id") {
  const Folder folder;
  NodeProgram seed(folder, "seed");
  REQUIRE(seed.ready());
  const std::string join = seed.id + '@' + seed.at;
  // One link each, and nobody is asked whom else they know.
  const std::vector<std::string> apart{
      "--join", join, "--set", "peers.links_target=1", "--set", "peers.exchange_period=24h"};
  NodeProgram holder(folder, "holder", apart);
  REQUIRE(holder.ready());
  REQUIRE(until([&] { return sees(folder, holder, seed.id, "healthy"); }));
  std::vector<std::pair<std::string, std::string>> stored;  // content id, bytes
  for (std::size_t i = 0; i < 16; ++i) {  // each lies at one of two nodes, as its id and theirs want it
    const std::string bytes = random_text(i, 1000 + i);
    const Seen put = troupe::test::troupe(
        folder, {"file", "put", file_of(folder, "original", bytes), "--replicas", "1", "--data", holder.data});
    REQUIRE_MESSAGE(put.exit == 0, put.err);
    stored.emplace_back(line(put), bytes);
  }
  NodeProgram stranger(folder, "stranger", apart);
  REQUIRE(stranger.ready());
  REQUIRE(until([&] { return sees(folder, stranger, seed.id, "healthy"); }));
  CHECK_FALSE(contains(troupe::test::troupe(folder, {"peers", "--json", "--data", stranger.data}).out, holder.id));
  std::size_t at_holder = 0;
  for (const auto& [cid, bytes] : stored) {
    Seen got{};
    // A holder announces in batches: what was put a moment ago may not be told yet.
    CHECK(until([&] {
      got = troupe::test::troupe(folder, {"file", "get", cid, "--data", stranger.data});
      return got.exit == 0;
    }));
    CHECK(got.out == bytes);
    at_holder += troupe::test::troupe(folder, {"dht", "provide", cid, "--data", holder.data}).exit == 0;
  }
  CHECK(at_holder > 0);
}
