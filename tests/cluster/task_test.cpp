// Tasks at real nodes: real programs in real sandboxes.
#include <fstream>
#include <iterator>

#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// False, and the case is skipped, where the kernel makes no sandbox for this user.
bool sandboxes(const Folder& folder) {
  const Seen seen = troupe::test::troupe(folder, {"sandbox", "run", "--root", "/", "--", "/bin/true"});
  if (seen.exit == 125) skip(seen.err);
  return seen.exit == 0;
}

std::string script(const Folder& folder, const std::string& name, const std::string& text) {
  const std::string path = folder / name;
  std::ofstream(path) << "#!/bin/sh\n" << text;
  return path;
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> submit(const std::string& program, std::vector<std::string> more = {}) {
  std::vector<std::string> out{"task", "submit", program};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

TEST_CASE("cluster tasks: a program runs at another node, and what it prints and leaves comes back") {
  Cluster cluster(3, {"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true"});
  if (!sandboxes(cluster.folder)) return;
  const std::string input = cluster.folder / "input";
  std::ofstream(input) << "seventeen\n";
  const std::string cid = line(cluster.run(0, {"file", "put", input}));
  const std::string program =
      script(cluster.folder, "program", "read word; echo \"$word $1 $(cat data/in)\"; echo no >&2; echo kept >left");

  const auto seen = cluster.run(0, submit(program, {"two words", "--stdin", input, "--input", cid + ":data/in",
                                                    "--output", "left", "--output", "none", "--wait"}));
  CHECK_MESSAGE(seen.exit == 0, seen.err);
  CHECK(seen.out == "seventeen two words seventeen\n");

  // The same as a list, a view, logs and files.
  const auto rows = cluster.run(0, {"task", "ls", "--json"}).out;
  CHECK(contains(rows, R"("state":"done")"));
  const std::string id = rows.substr(rows.find("\"task\":\"") + 8, 64);
  const auto view = cluster.run(0, {"task", "view", id, "--json"}).out;
  CHECK(contains(view, R"("exitStatus":0)"));
  CHECK(contains(view, R"("verdict":"right")"));
  CHECK(contains(view, R"({"path":"left","bytes":5)"));
  CHECK_FALSE(contains(view, R"("path":"none")"));
  const auto logs = cluster.run(0, {"task", "logs", id, "--json"}).out;
  CHECK(contains(logs, R"("stream":"stderr","text":"no"})"));
  CHECK(cluster.run(0, {"task", "result", id}).out == "seventeen two words seventeen\n");
  const std::string to = cluster.folder / "result";
  CHECK(cluster.run(0, {"task", "result", id, "-o", to}).exit == 0);
  CHECK(content_of(to + "/left") == "kept\n");
  CHECK(content_of(to + "/stdout") == "seventeen two words seventeen\n");
  CHECK(content_of(to + "/stderr") == "no\n");
  CHECK(cluster.run(1, {"task", "view", id}).exit == 4);

  // More than links and streams hold at once, of other nodes too.
  const std::string flood = script(cluster.folder, "flood", "head -c 9000000 /dev/zero | tr '\\0' x; echo all >left");
  const auto flooded =
      cluster.run(0, submit(flood, {"--replicas", "3", "--deterministic", "--output", "left", "--wait"}));
  CHECK_MESSAGE(flooded.exit == 0, flooded.err);
  CHECK(flooded.out == std::string(9'000'000, 'x'));

  // Requests.
  const auto again = submit(program, {"--request", "r"});
  CHECK(line(cluster.run(0, again)) == line(cluster.run(0, again)));
  CHECK(cluster.run(0, submit(program, {"other", "--request", "r"})).exit == 5);

  // What fails, and what cannot be.
  const auto failed = cluster.run(0, submit(script(cluster.folder, "failing", "echo half; exit 3"), {"--wait"}));
  CHECK(failed.exit == 1);
  CHECK(failed.out == "half\n");
  CHECK(contains(failed.err, "its program ended with 3"));
  CHECK(cluster.run(0, submit(program, {"--need", "gpu"})).exit == 7);
  CHECK(cluster.run(0, submit(program, {"--memory", "900000G"})).exit == 7);
  CHECK(cluster.run(0, submit(program, {"--replicas", "2"})).exit == 2);
  CHECK(cluster.run(0, submit(program, {"--risk", "0.001"})).exit == 2);
  CHECK(cluster.run(0, submit(program, {"--risk", "1", "--deterministic"})).exit == 2);
  CHECK(cluster.run(0, submit(program, {"--output", "stdout"})).exit == 2);
  CHECK(cluster.run(0, submit(std::string(64, '7'))).exit == 4);
  CHECK(cluster.run(0, submit(input)).exit == 5);
}

TEST_CASE("cluster tasks: a limit ends a program, and its task says which") {
  Cluster cluster(1, {"--set", "task.host_usr=true"});
  if (!sandboxes(cluster.folder)) return;
  const auto limited = [&](const std::string& text, std::vector<std::string> options) {
    options.push_back("--wait");
    const auto seen = cluster.run(0, submit(script(cluster.folder, "program", text), options));
    CHECK(seen.exit == 1);
    return seen.err;
  };
  CHECK(contains(limited("while :; do :; done", {"--time", "1s"}), "limit of time"));
  CHECK(contains(limited("head -c 900000 /dev/zero >big && exit 0; exit 1", {"--disk", "64K"}), "limit of disk"));
  const auto rows = cluster.run(0, {"task", "ls", "--json"}).out;
  CHECK(contains(rows, R"("state":"failed")"));
}

TEST_CASE("cluster tasks: one that follows another begins once that is done, and is cancelled if it fails") {
  Cluster cluster(1, {"--set", "task.host_usr=true"});
  if (!sandboxes(cluster.folder)) return;
  const std::string good = script(cluster.folder, "good", "sleep 1; date +%s%N");
  const std::string bad = script(cluster.folder, "bad", "sleep 1; exit 1");
  const auto state = [&](const std::string& id) { return cluster.run(0, {"task", "view", id, "--json"}).out; };
  const std::string first = line(cluster.run(0, submit(good)));
  const auto second = cluster.run(0, submit(good, {"--after", first, "--wait"}));
  CHECK(second.exit == 0);
  CHECK(cluster.run(0, {"task", "result", first}).out < second.out);
  const std::string failing = line(cluster.run(0, submit(bad)));
  const std::string never = line(cluster.run(0, submit(good, {"--after", failing})));
  REQUIRE(until([&] { return contains(state(never), R"("state":"cancelled")"); }));
  CHECK(contains(state(never), "the task " + failing + ", which it follows, is failed"));
  CHECK(contains(state(never), R"("attempt":0)"));
  CHECK(cluster.run(0, submit(good, {"--after", std::string(64, '7')})).exit == 4);
  CHECK(cluster.run(0, submit(good, {"--after", "7"})).exit == 2);
}

TEST_CASE("cluster tasks: one whose node dies is run by another, and one is cancelled") {
  Cluster cluster(3, {"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true", "--set", "task.lease=3s"});
  if (!sandboxes(cluster.folder)) return;
  const std::string slow = script(cluster.folder, "slow", "echo begun; sleep 600");
  const std::string id = line(cluster.run(0, submit(slow, {"--retries", "9"})));
  const auto view = [&] { return cluster.run(0, {"task", "view", id, "--json"}).out; };
  REQUIRE(until([&] { return contains(view(), R"("state":"running","priority")"); }));
  REQUIRE(until([&] { return cluster.run(0, {"task", "logs", id}).out == "begun\n"; }));
  std::size_t at = 0;
  while (at < 3 && !contains(view(), "\"node\":\"" + cluster.nodes[at]->id + "\",\"reason\"")) ++at;
  REQUIRE(at < 3);
  if (at == 0) {  // the submitter itself: what it has written down goes on
    cluster.kill(0);
    cluster.restart(0);
  } else {
    cluster.kill(at);
  }
  CHECK(until([&] { return contains(view(), R"("attempt":2)") && contains(view(), R"("state":"lost")"); }));
  CHECK(cluster.run(0, {"task", "cancel", id}).exit == 0);
  CHECK(contains(view(), R"("state":"cancelled")"));
  CHECK(cluster.run(0, {"task", "cancel", id}).exit == 5);
  CHECK(cluster.run(0, {"task", "result", id}).exit == 5);
}
