// A group of nodes that are real processes: keys survive what happens to a minority.
#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

std::string members_of(const Cluster& cluster, std::size_t first, std::size_t count) {
  std::string out;
  for (std::size_t i = first; i < first + count; ++i)
    out += (out.empty() ? "" : ",") + cluster.nodes[i]->id + '@' + cluster.nodes[i]->at;
  return out;
}

/// The value of a name in the status of a group, as it is printed.
std::string status_of(Cluster& cluster, std::size_t node, const std::string& name) {
  const std::string json = cluster.run(node, {"raft", "status", "--json"}).out;
  const std::string before = '"' + name + "\":";
  const auto at = json.find(before);
  if (at == std::string::npos) return {};
  const auto from = at + before.size();
  std::string out = json.substr(from, json.find_first_of(",}", from) - from);
  std::erase(out, '"');
  return out;
}

std::size_t leader_of(Cluster& cluster, const std::vector<std::size_t>& up) {
  std::size_t leads = 0;
  CHECK(until([&] {
    for (const std::size_t node : up)
      if (status_of(cluster, node, "role") == "leader") {
        leads = node;
        return true;
      }
    return false;
  }));
  return leads;
}

/// What a command prints that reads these lines at the first node.
Seen run_piped(Cluster& cluster, const std::string& lines, const std::string& words) {
  std::ofstream(cluster.folder / "lines") << lines;
  const std::string command = binary() + ' ' + words + " --data " + cluster.nodes[0]->data + " < " +
                              (cluster.folder / "lines") + " > " + (cluster.folder / "out") + " 2> " +
                              (cluster.folder / "err");
  const int status = std::system(command.c_str());
  return Seen{WEXITSTATUS(status), content(cluster.folder / "out"), content(cluster.folder / "err")};
}

}  // namespace

TEST_CASE("cluster raft: keys are written and read at any member, also when the leader was killed") {
  Cluster cluster(3);
  const std::vector<std::string> init{"raft", "init", "--members", members_of(cluster, 0, 3)};
  const Seen made = cluster.run(0, init);
  REQUIRE_MESSAGE(made.exit == 0, made.err);
  CHECK(cluster.run(0, init).exit == 0);  // again: nothing changes
  CHECK(cluster.run(0, {"raft", "init", "--members", members_of(cluster, 0, 2)}).exit == 5);
  REQUIRE(cluster.run(1, {"kv", "put", "a", "one"}).exit == 0);
  REQUIRE(cluster.run(2, {"kv", "put", "b", "two words", "--request", "r1"}).exit == 0);
  CHECK(line(cluster.run(0, {"kv", "put", "b", "another", "--request", "r1", "--json"})).find("\"repeated\":true") !=
        std::string::npos);
  for (std::size_t node = 0; node < 3; ++node) CHECK(cluster.run(node, {"kv", "get", "b"}).out == "two words");
  CHECK(cluster.run(0, {"kv", "get", "c"}).exit == 4);
  CHECK(cluster.run(0, {"kv", "cas", "a", "wrong", "three"}).exit == 5);
  CHECK(cluster.run(0, {"kv", "cas", "a", "one", "three"}).exit == 0);
  CHECK(cluster.run(1, {"kv", "ls"}).out == "a\nb\n");

  const std::size_t leads = leader_of(cluster, {0, 1, 2});
  cluster.kill(leads);
  const std::size_t other = (leads + 1) % 3, last = (leads + 2) % 3;
  CHECK(cluster.run(other, {"kv", "put", "d", "after"}).exit == 0);
  CHECK(cluster.run(last, {"kv", "get", "d"}).out == "after");
  // Alone nothing is written and nothing read, but what this member has.
  cluster.kill(other);
  CHECK(cluster.run(last, {"kv", "put", "e", "lost", "--timeout", "1s"}).exit != 0);
  CHECK(cluster.run(last, {"kv", "get", "d", "--timeout", "500ms"}).exit == 7);
  CHECK(cluster.run(last, {"kv", "get", "d", "--stale"}).out == "after");
  cluster.restart(leads);
  CHECK(until([&] { return cluster.run(leads, {"kv", "get", "d", "--timeout", "1s"}).out == "after"; }));
  CHECK(cluster.run(leads, {"kv", "get", "a"}).out == "three");
}

TEST_CASE("cluster raft: a group that sleeps has another leader as soon as it is used, and sleeps again") {
  Cluster cluster(3, {"--set", "raft.sleep_after=300ms"});
  REQUIRE(cluster.run(0, {"raft", "init", "--members", members_of(cluster, 0, 3)}).exit == 0);
  REQUIRE(cluster.run(0, {"kv", "put", "a", "one"}).exit == 0);
  const auto asleep = [&](std::size_t node) {
    return until([&] {
      return contains(cluster.run(node, {"inspect", "--once", "/raft/main", "--json"}).out, " asleep=true");
    });
  };
  const std::size_t leads = leader_of(cluster, {0, 1, 2});
  for (std::size_t node = 0; node < 3; ++node) CHECK(asleep(node));
  cluster.kill(leads);
  const std::size_t other = (leads + 1) % 3;
  CHECK(cluster.run(other, {"kv", "put", "a", "two"}).exit == 0);
  CHECK(cluster.run((leads + 2) % 3, {"kv", "get", "a"}).out == "two");
  CHECK(asleep(other));
  cluster.restart(leads);
  CHECK(until([&] { return cluster.run(leads, {"kv", "get", "a", "--timeout", "1s"}).out == "two"; }));
}

TEST_CASE("cluster raft: a node that is no member passes commands on to one, also when that one dies") {
  Cluster cluster(4);
  REQUIRE(cluster.run(0, {"raft", "init", "--members", members_of(cluster, 0, 3)}).exit == 0);
  REQUIRE(until([&] { return cluster.run(3, {"kv", "put", "a", "one"}).exit == 0; }));  // once it is linked with one
  CHECK(cluster.run(3, {"kv", "get", "a"}).out == "one");
  CHECK(cluster.run(3, {"kv", "cas", "a", "wrong", "three"}).exit == 5);
  CHECK(cluster.run(3, {"kv", "ls"}).out == "a\n");
  CHECK(cluster.run(3, {"kv", "get", "a", "--group", "unknown"}).exit == 4);
  CHECK(cluster.run(3, {"kv", "watch", "a", "--rev", "1", "--count", "1"}).out == "1 \"a\" \"one\"\n");
  CHECK(cluster.run(3, {"kv", "watch", "a", "--rev", "1", "--seconds", "1"}).out == "1 \"a\" \"one\"\n");
  CHECK(cluster.run(3, {"kv", "watch", "a", "--seconds", "1"}).exit == 0);
  for (std::size_t dies = 0; dies < 2; ++dies) {
    cluster.kill(dies);
    CHECK(until([&] { return cluster.run(3, {"kv", "put", "b", "two", "--request", "r"}).exit == 0; }));
    CHECK(cluster.run(3, {"kv", "get", "b"}).out == "two");
    cluster.restart(dies);
  }
}

TEST_CASE("cluster raft: members of a group keep up its files, also when the node is gone where they were put") {
  Cluster cluster(4, {"--set", "catalogue.look=100ms"});
  REQUIRE(cluster.run(0, {"raft", "init", "--members", members_of(cluster, 0, 3)}).exit == 0);
  std::ofstream(cluster.folder / "notes") << std::string(300'000, 'n') << "end";
  const Seen put = cluster.run(0, {"file", "put", cluster.folder / "notes", "--group", "main"});
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  const std::string cid = line(put);
  CHECK(until([&] { return contains(cluster.run(1, {"file", "ls", "--group", "main"}).out, "3 of 3"); }));
  const std::string rows = cluster.run(2, {"file", "ls", "--group", "main", "--json"}).out;
  CHECK(contains(rows, "\"cid\":\"" + cid + "\",\"name\":\"notes\",\"bytes\":300003,\"members\":[\""));
  CHECK(contains(rows, "\"missing\":[]"));
  CHECK(cluster.run(1, {"kv", "ls"}).out.empty());
  CHECK(contains(cluster.run(1, {"file", "ls"}).out, cid));
  CHECK(cluster.run(1, {"file", "pin", cid, "--group", "main"}).exit == 0);
  CHECK(until([&] { return contains(cluster.run(2, {"file", "ls"}).out, "yes"); }));
  cluster.kill(0);
  CHECK(cluster.run(3, {"file", "get", cid, "-o", cluster.folder / "back"}).exit == 0);
  CHECK(content(cluster.folder / "back") == content(cluster.folder / "notes"));
  cluster.restart(0);
  CHECK(until([&] { return cluster.run(1, {"file", "rm", cid, "--group", "main"}).exit == 0; }));
  CHECK(until([&] { return !contains(cluster.run(2, {"file", "ls"}).out, cid); }));
  CHECK(contains(cluster.run(0, {"file", "ls"}).out, cid));  // it had put the file itself
  CHECK(cluster.run(1, {"file", "rm", cid, "--group", "main"}).exit == 4);
  CHECK(cluster.run(1, {"file", "put", cluster.folder / "notes", "--group", "unknown"}).exit == 4);
}

TEST_CASE("cluster raft: transactions and batches are read line by line, and a group of one is a group") {
  Cluster cluster(1);
  REQUIRE(cluster.run(0, {"raft", "init"}).exit == 0);
  const auto piped = [&](const std::string& lines, const std::string& words) {
    return run_piped(cluster, lines, words);
  };
  CHECK(piped("put a 1\nif b absent\nput \"b c\" \"two\\u0020words\"\nget a\n", "kv txn -").exit == 0);
  CHECK(cluster.run(0, {"kv", "get", "b c"}).out == "two words");
  CHECK(piped("if a = 2\nput a 3\n", "kv txn -").exit == 5);
  CHECK(piped("put a\n", "kv txn -").exit == 2);
  const Seen batch = piped("put x 1\nget x\nget y\ncas x 0 2\ndel x\nnonsense\n", "kv batch -");
  CHECK(batch.exit == 3);
  CHECK(lines(batch.out) == 6);
  CHECK(contains(batch.out, "{\"ok\":true,\"exit\":0,\"value\":\"1\""));
  CHECK(contains(batch.out, "\"exit\":4"));
  CHECK(contains(batch.out, "\"exit\":5"));
  const std::string lease = line(cluster.run(0, {"kv", "lease", "grant", "3s"}));
  CHECK(cluster.run(0, {"kv", "put", "short", "lived", "--lease", lease}).exit == 0);
  CHECK(cluster.run(0, {"kv", "lease", "keep", lease}).exit == 0);
  CHECK(until([&] { return cluster.run(0, {"kv", "get", "short"}).exit == 4; }));
  CHECK(cluster.run(0, {"kv", "lease", "keep", lease}).exit == 4);
  const Seen watched = cluster.run(0, {"kv", "watch", "short", "--rev", "1", "--count", "2"});
  CHECK(watched.exit == 0);
  CHECK(contains(watched.out, "removed"));
}

TEST_CASE("cluster raft: a member that was away for long gets a snapshot, and a new one catches up before it votes") {
  Cluster cluster(4);
  REQUIRE(cluster.run(0, {"raft", "init", "--group", "g", "--members", members_of(cluster, 0, 3)}).exit == 0);
  const auto on = [&](std::size_t node, std::vector<std::string> words) {
    words.insert(words.end(), {"--group", "g"});
    return cluster.run(node, words);
  };
  REQUIRE(on(0, {"kv", "put", "first", "1"}).exit == 0);
  cluster.kill(2);
  for (int i = 0; i < 20; ++i) REQUIRE(on(0, {"kv", "put", "k" + std::to_string(i), "v"}).exit == 0);
  CHECK(on(0, {"raft", "snapshot"}).exit == 0);
  CHECK(on(1, {"raft", "snapshot"}).exit == 0);
  cluster.restart(2);
  CHECK(until([&] { return on(2, {"kv", "get", "k19", "--stale"}).out == "v"; }));
  const Seen added = on(0, {"raft", "add", cluster.nodes[3]->id + '@' + cluster.nodes[3]->at});
  CHECK_MESSAGE(added.exit == 0, added.err);
  CHECK(on(3, {"kv", "get", "k19"}).out == "v");
  CHECK(on(3, {"raft", "transfer", cluster.nodes[3]->id}).exit == 0);
  CHECK(until([&] { return contains(on(3, {"raft", "status"}).out, "role     leader"); }));
  CHECK(on(1, {"raft", "remove", cluster.nodes[0]->id}).exit == 0);
  CHECK(on(2, {"kv", "put", "k0", "w"}).exit == 0);
  CHECK(on(1, {"kv", "get", "k0"}).out == "w");
  CHECK(contains(cluster.run(1, {"raft", "ls"}).out, "g "));
  // A founder that was removed comes back.
  const Seen again = on(1, {"raft", "add", cluster.nodes[0]->id + '@' + cluster.nodes[0]->at});
  CHECK_MESSAGE(again.exit == 0, again.err);
  CHECK(on(0, {"kv", "get", "k0"}).out == "w");
}

TEST_CASE("cluster raft: the leader brings an older copy of a member up, without help") {
  Cluster cluster(3);
  REQUIRE(cluster.run(0, {"raft", "init", "--members", members_of(cluster, 0, 3)}).exit == 0);
  REQUIRE(cluster.run(0, {"kv", "put", "first", "1"}).exit == 0);
  REQUIRE(until([&] { return cluster.run(2, {"kv", "get", "first", "--stale"}).out == "1"; }));
  cluster.kill(2);
  const std::string data = cluster.nodes[2]->data, copy = cluster.folder / "copy";
  REQUIRE(std::system(("cp -a '" + data + "' '" + copy + "'").c_str()) == 0);
  cluster.restart(2);
  for (int i = 0; i < 30; ++i) REQUIRE(cluster.run(0, {"kv", "put", "k" + std::to_string(i), "v"}).exit == 0);
  REQUIRE(until([&] { return cluster.run(2, {"kv", "get", "k29", "--stale"}).out == "v"; }));
  cluster.kill(2);
  std::filesystem::remove_all(data);
  std::filesystem::rename(copy, data);
  cluster.restart(2);
  CHECK(until([&] { return cluster.run(2, {"kv", "get", "k29", "--stale"}).out == "v"; }));
  CHECK(until([&] { return cluster.run(2, {"kv", "get", "k29", "--timeout", "1s"}).out == "v"; }));
  CHECK(until([&] { return !contains(cluster.run(0, {"raft", "status"}).out, "recovering"); }));
}

TEST_CASE("cluster raft: a group of one with a cut log says so, and not that a key is absent") {
  Cluster cluster(1);
  REQUIRE(cluster.run(0, {"raft", "init"}).exit == 0);
  for (int i = 0; i < 9; ++i) REQUIRE(cluster.run(0, {"kv", "put", "k" + std::to_string(i), "v"}).exit == 0);
  cluster.kill(0);
  const std::string log = cluster.nodes[0]->data + "/raft", copy = log + ".copy";
  std::filesystem::copy(log, copy, std::filesystem::copy_options::recursive);
  cluster.restart(0);
  REQUIRE(until([&] { return cluster.run(0, {"kv", "put", "k8", "v", "--timeout", "1s"}).exit == 0; }));
  cluster.kill(0);
  cluster.restart(0);  // at each start what the log has is noted
  REQUIRE(until([&] { return cluster.run(0, {"kv", "get", "k8", "--timeout", "1s"}).out == "v"; }));
  cluster.kill(0);
  const std::string pack = cluster.nodes[0]->data + "/raft/log/00000001.pack";
  SUBCASE("cut in half") { std::filesystem::resize_file(pack, std::filesystem::file_size(pack) / 2); }
  SUBCASE("emptied") { std::filesystem::resize_file(pack, 0); }
  SUBCASE("replaced by an older copy of its directory") {
    std::filesystem::remove_all(log);
    std::filesystem::rename(copy, log);
  }
  for (int start = 0; start < 2; ++start) {
    cluster.restart(0);
    Seen got;
    CHECK(until([&] {
      got = cluster.run(0, {"kv", "get", "k8", "--timeout", "1s"});
      return got.exit == 1;
    }));
    CHECK_MESSAGE(contains(got.err,
                           "group main: its only member has lost acknowledged data: "
                           "raft/log/00000001.pack was cut"),
                  got.err);
    CHECK(cluster.run(0, {"kv", "put", "k9", "v"}).exit == 1);
    const std::string status = cluster.run(0, {"status", "--json"}).out;
    CHECK_MESSAGE(contains(status, "\"health\":\"failing\""), status);
    CHECK_MESSAGE(contains(status, "00000001.pack was cut"), status);
    CHECK(contains(cluster.run(0, {"raft", "status"}).out, "recovering"));
    cluster.kill(0);
  }
}

TEST_CASE("cluster raft: a node that is not a member is named as that, and the members are") {
  Cluster cluster(2);
  REQUIRE(cluster.run(0, {"raft", "init"}).exit == 0);
  for (const char* const what : {"remove", "transfer"}) {
    const Seen seen = cluster.run(0, {"raft", what, cluster.nodes[1]->id});
    CHECK(seen.exit == 4);
    CHECK_MESSAGE(contains(seen.err, "node " + cluster.nodes[1]->id +
                                         " is not a member of group main; its members are " + cluster.nodes[0]->id),
                  seen.err);
    CHECK(contains(cluster.run(0, {"raft", what, cluster.nodes[1]->id, "--group", "none"}).err,
                   "is in a group \"none\""));
  }
}

TEST_CASE("cluster raft: any revision that is kept can be read and watched, also after a start and from the disk") {
  Cluster cluster(3, {"--set", "kv.revision_bytes=65536"});
  const auto on = [&](std::size_t node, const std::vector<std::string>& words) { return cluster.run(node, words); };
  REQUIRE(on(0, {"raft", "init", "--members", members_of(cluster, 0, 2)}).exit == 0);
  std::string batch;
  for (int i = 1; i <= 1'500; ++i) batch += "put k" + std::to_string(i % 7) + " value-" + std::to_string(i) + "\n";
  const Seen written = run_piped(cluster, batch, "kv batch -");
  REQUIRE_MESSAGE(written.exit == 0, written.err);
  const auto whole = [&](std::size_t node) {
    CHECK(on(node, {"kv", "get", "k3", "--rev", "10"}).out == "value-10");
    CHECK(on(node, {"kv", "get", "k3", "--rev", "16"}).out == "value-10");
    CHECK(on(node, {"kv", "get", "k0", "--rev", "6"}).exit == 4);
    const Seen watched = on(node, {"kv", "watch", "k", "--rev", "1", "--count", "1500"});
    CHECK(watched.exit == 0);
    CHECK(std::ranges::count(watched.out, '\n') == 1'500);
    CHECK(watched.out.starts_with("1 \"k1\" \"value-1\"\n2 \"k2\" \"value-2\"\n"));
    CHECK(watched.out.ends_with("1500 \"k2\" \"value-1500\"\n"));
  };
  whole(0);
  whole(1);
  CHECK(on(0, {"raft", "snapshot"}).exit == 0);
  cluster.kill(0);
  cluster.restart(0);
  REQUIRE(until([&] { return on(0, {"kv", "get", "k2", "--timeout", "1s"}).out == "value-1500"; }));
  whole(0);
  // A member that came later has a snapshot, and says what it lacks.
  REQUIRE(on(0, {"raft", "add", cluster.nodes[2]->id + '@' + cluster.nodes[2]->at}).exit == 0);
  const Seen lacks = on(2, {"kv", "get", "k3", "--rev", "10"});
  CHECK(lacks.exit == 5);
  CHECK_MESSAGE(contains(lacks.err, "this member lacks that revision, but another member may have it"), lacks.err);
  CHECK(on(2, {"kv", "get", "k2"}).out == "value-1500");
}
