// Tasks at real nodes: real programs in real sandboxes.
#include <fstream>
#include <iterator>

#include "tests/cluster/bank.hpp"
#include "tests/runtime/os/echo_host.hpp"

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
  Cluster cluster(3, {"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true", "--set", "task.accept=any"});
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
  CHECK(contains(logs, R"("stream":"stderr","text":"no","attempt":)"));
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

  // Nodes that were right often are believed, where not all need agree.
  const std::string same = script(cluster.folder, "same", "echo the same");
  const std::vector<std::string> compared{"--array", "40", "--replicas", "3", "--deterministic", "--request", "array"};
  const std::string array = line(cluster.run(0, submit(same, compared)));
  REQUIRE(until([&] { return contains(cluster.run(0, {"task", "view", array, "--json"}).out, R"("done":40)"); }));
  int trusted = 0;
  for (int i = 0; i < 40; ++i) {
    const auto one = cluster.run(0, {"task", "view", array + '.' + std::to_string(i), "--json"}).out;
    trusted += contains(one, R"("trusted":true)") && contains(one, R"("quorum":1)");
  }
  CHECK(trusted > 0);
  CHECK(trusted < 40);

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

TEST_CASE("cluster tasks: a node takes tasks of the nodes that it lists, and its registration says so") {
  const Folder folder;
  if (!sandboxes(folder)) return;
  const std::vector<std::string> common{"--set", "registry.heartbeat=2s", "--set", "task.require_verified=false"};
  std::vector<std::string> of_submitter = common;
  of_submitter.insert(of_submitter.end(), {"--set", "task.slots=0"});
  NodeProgram submitter(folder, "submitter", of_submitter);
  REQUIRE(submitter.ready());
  std::vector<std::string> of_worker = common;
  of_worker.insert(of_worker.end(), {"--join", submitter.id + '@' + submitter.at, "--set", "task.host_usr=true"});
  NodeProgram closed(folder, "worker", of_worker);
  REQUIRE(closed.ready());
  const std::vector<std::string> words = submit(script(folder, "program", "echo seventeen"), {"--wait"});
  Seen seen;
  REQUIRE(until([&] {
    seen = at(folder, submitter, words);
    return contains(seen.err, "no known node accepts the task: 1 take no tasks, 1 take tasks only from listed nodes");
  }));
  CHECK(seen.exit == 7);
  CHECK(contains(at(folder, submitter, {"registry", "ls", "--json"}).out, R"("tasks":["listed"])"));
  closed.kill(SIGTERM);
  closed.wait();
  of_worker.insert(of_worker.end(), {"--set", "task.signers=" + submitter.id});
  NodeProgram open(folder, "worker", of_worker);
  REQUIRE(open.ready());
  CHECK(until([&] {
    seen = at(folder, submitter, words);
    return seen.exit == 0;
  }));
  CHECK(seen.out == "seventeen\n");
  CHECK(contains(at(folder, submitter, {"registry", "ls", "--json"}).out,
                 "\"tasks\":[\"" + submitter.id + "\",\"listed\"]"));
}

TEST_CASE("cluster tasks: a program runs in a root of its own, a folder or an archive") {
  Cluster cluster(2, {"--set", "registry.heartbeat=2s", "--set", "task.accept=any"});
  if (!sandboxes(cluster.folder)) return;
  const std::string root = cluster.folder / "root", archive = cluster.folder / "root.tar";
  const std::string made = "mkdir -p " + root + "/etc && cp -L --parents /bin/sh $(ldd /bin/sh | grep -o '/[^ ]*') " +
                           root + " && echo seventeen >" + root + "/etc/word && chmod 600 " + root +
                           "/etc/word && ln -s etc " + root + "/link && tar -c -C " + root + " . >" + archive;
  REQUIRE(std::system(made.c_str()) == 0);
  const std::string program = script(
      cluster.folder, "program",
      "read word </link/word; echo \"$word $1\"; for at in / /etc; do (: >$at/x) 2>/dev/null && echo open; done\n"
      "for at in usr/local sys/kernel; do [ -e /$at ] && echo host; done; : >/task/x && echo own");
  CHECK(cluster.run(0, submit(program, {"times"})).exit == 5);  // no node has a /bin/sh

  // Both nodes run it, each from an archive that it has fetched and unpacked once.
  const std::vector<std::string> both{"times", "--replicas",      "2",      "--quorum",
                                      "2",     "--deterministic", "--wait", "--root"};
  const auto in = [&](const std::string& typed) {
    auto options = both;
    options.push_back(typed);
    return cluster.run(0, submit(program, options));
  };
  const auto seen = in(root);
  CHECK_MESSAGE(seen.exit == 0, seen.err);
  CHECK(seen.out == "seventeen times\nown\n");
  CHECK(in(archive).out == seen.out);
  CHECK(in(line(cluster.run(0, {"file", "put", archive}))).out == seen.out);
  for (const auto& node : cluster.nodes) {
    std::size_t roots = 0;
    for (const auto& one : std::filesystem::directory_iterator(node->data + "/tasks/inputs"))
      roots += contains(one.path().filename().string(), ".root.");
    CHECK(roots == 2);  // tar(1) writes other bytes than this program
  }

  // What cannot be: found out before there is a task, or by the node that has to unpack it.
  const auto refused = [&](const std::string& typed, const std::string& why) {
    const auto told = in(typed);
    CHECK(told.exit == 5);
    CHECK_MESSAGE(contains(told.err, why), told.err);
  };
  const std::string hostile = std::string(TROUPE_SOURCE) + "/tests/runtime/os/corpus/archive/";
  refused(hostile + "absolute", "begins with /");
  refused(program, "not a tar archive, or it is compressed");
  const std::string bare = cluster.folder / "bare";
  std::filesystem::create_directory(bare);
  refused(bare, "the program needs the interpreter or loader /bin/sh, but the root " + bare + " does not contain it");
  CHECK(in(cluster.folder / "absent").exit == 4);
  const std::string below = line(cluster.run(0, {"file", "put", hostile + "below-link"}));
  const auto unpacked = cluster.run(0, submit(program, {"--retries", "0", "--wait", "--root", below}));
  CHECK(unpacked.exit == 1);
  const auto rows = cluster.run(0, {"task", "ls", "--json"}).out;
  CHECK(contains(rows, "cannot be unpacked: \\\"l/x\\\" is below a link"));
}

TEST_CASE("cluster tasks: a limit ends a program, and its task says which") {
  Cluster cluster(1, {"--set", "task.host_usr=true", "--set", "task.accept=any"});
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
  Cluster cluster(1, {"--set", "task.host_usr=true", "--set", "task.accept=any"});
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
  CHECK(cluster.run(0, {"task", "cancel", failing}).exit == 5);  // it has failed

  const std::string third = script(cluster.folder, "third", "sleep 1; [ $1 != 3 ]");
  const auto array = [&](const char* members) {
    return line(cluster.run(0, submit(third, {"{index}", "--array", members})));
  };
  const std::string all = array("3"), some = array("4");
  CHECK(cluster.run(0, submit(good, {"--after", all, "--wait"})).exit == 0);
  CHECK(contains(cluster.run(0, {"task", "view", all, "--json"}).out, R"("done":3,)"));
  const std::string not_all = line(cluster.run(0, submit(good, {"--after", some})));
  REQUIRE(until([&] { return contains(state(not_all), R"("state":"cancelled")"); }));
  CHECK(contains(state(not_all), "the array " + some + ", which it follows, has members that are not done"));

  CHECK(cluster.run(0, submit(good, {"--after", std::string(64, '7')})).exit == 4);
  CHECK(cluster.run(0, submit(good, {"--after", "7"})).exit == 2);
}

TEST_CASE("cluster tasks: one whose node dies is run by another, and one is cancelled") {
  Cluster cluster(3, {"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true", "--set", "task.accept=any",
                      "--set", "task.lease=3s"});
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
  CHECK(cluster.run(0, {"task", "cancel", id}).exit == 0);  // it is
  CHECK(cluster.run(0, {"task", "result", id}).exit == 5);

  // Who no longer waits is not told to submit it again.
  auto waits = submit(slow, {"--wait"});
  waits.insert(waits.end(), {"--data", cluster.nodes[0]->data});
  Program waiting(waits, cluster.folder / "waiting");
  REQUIRE(until([&] { return contains(waiting.err(), "task ") && waiting.reads_sigint(); }));
  waiting.kill(SIGINT);
  CHECK(waiting.wait() == 130);
  CHECK(contains(waiting.err(), "outcome: the task was submitted, and continues\ntry: troupe task view "));
}

TEST_CASE("cluster tasks: nodes check each other, and one that is not verified waits for its first task") {
  Cluster cluster(3, {"--set", "task.host_usr=true", "--set", "task.accept=any"});
  if (!sandboxes(cluster.folder)) return;
  const auto verified = [&](std::size_t at) {
    const std::string rows = cluster.run(at, {"registry", "ls", "--json"}).out;
    std::size_t out = 0;
    for (const auto& node : cluster.nodes) {
      const auto row = rows.find("{\"node\":\"" + node->id);
      const auto said = row == std::string::npos ? row : rows.find("\"verified\":", row);
      out += said != std::string::npos && rows.compare(said + 11, 4, "true") == 0;
    }
    return out;
  };
  for (std::size_t at = 0; at < 3; ++at) REQUIRE(until([&] { return verified(at) == 3; }));
  CHECK(contains(cluster.run(0, {"registry", "view", cluster.nodes[1]->id, "--json"}).out, R"("verified":true)"));
  CHECK(contains(cluster.run(0, {"registry", "view", cluster.nodes[1]->id}).out, "verified      until "));

  // One that gives too little for a check is not verified, and gets nothing.
  std::vector<std::string> little{"--join", cluster.nodes[0]->id + '@' + cluster.nodes[0]->at,
                                  "--set",  "task.host_usr=true",
                                  "--set",  "task.accept=any",
                                  "--set",  "task.slots=0.1"};
  auto other = std::make_unique<NodeProgram>(cluster.folder, "other", little);
  REQUIRE(other->ready());
  REQUIRE(troupe::test::troupe(cluster.folder, {"registry", "register", "--capability", "gpu", "--data", other->data})
              .exit == 0);
  const std::string program = script(cluster.folder, "program", "echo seventeen");
  std::string id;
  REQUIRE(until([&] {
    const auto seen = cluster.run(0, submit(program, {"--need", "gpu", "--cpu", "0.1", "--request", "r"}));
    if (seen.exit == 0) id = line(seen);
    return seen.exit == 0;
  }));
  const auto view = [&] { return cluster.run(0, {"task", "view", id, "--json"}).out; };
  CHECK(until([&] { return contains(view(), "1 are not verified"); }));
  CHECK(contains(view(), R"("attempt":0)"));
  other->kill(SIGTERM);
  other->wait();
  little.back() = "task.slots=1";
  other = std::make_unique<NodeProgram>(cluster.folder, "other", little);
  REQUIRE(other->ready());
  CHECK(until([&] { return contains(view(), R"("state":"done")"); }));
}

TEST_CASE(
    "cluster tasks: a node with a price is paid by an escrow once its answer is in, and one that is silent is not") {
  Bank bank({"--set", "registry.heartbeat=2s", "--set", "task.slots=0"});
  if (!sandboxes(bank.folder)) return;
  const std::vector<std::string> options{"--join", bank.node->id + '@' + bank.node->at,
                                         "--set",  "registry.heartbeat=2s",
                                         "--set",  "task.host_usr=true",
                                         "--set",  "task.accept=any",
                                         "--set",  "task.lease=3s",
                                         "--set",  "ledger.book=" + bank.node->id};
  NodeProgram worker(bank.folder, "worker", options);
  REQUIRE(worker.ready());
  std::vector<std::string> none = options;
  none.insert(none.end(), {"--set", "task.slots=0"});
  NodeProgram submitter(bank.folder, "submitter", none);
  REQUIRE(submitter.ready());
  const auto at = [&](const NodeProgram& node, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", node.data});
    return troupe::test::troupe(bank.folder, arguments);
  };
  const auto own = [&](const NodeProgram& node) { return line(at(node, {"wallet", "own"})); };
  REQUIRE(until([&] { return at(submitter, {"wallet", "own"}).exit == 0 && at(worker, {"wallet", "own"}).exit == 0; }));
  REQUIRE(at(worker, {"registry", "register", "--price", "6000"}).exit == 0);
  REQUIRE(until([&] { return contains(at(submitter, {"registry", "ls", "--json"}).out, R"("price":"6000")"); }));
  REQUIRE(until([&] { return contains(at(submitter, {"registry", "ls", "--json"}).out, R"("book":")"); }));

  // 6,000 for a core and an hour are 100 for a minute.
  const std::string program = script(bank.folder, "program", "echo seventeen");
  const auto minute = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--time", "60s"});
    return at(submitter, submit(program, more));
  };
  const auto for_nothing = minute({});
  CHECK(for_nothing.exit == 7);
  CHECK_MESSAGE(contains(for_nothing.err, "too expensive"), for_nothing.err);
  CHECK(minute({"--max-price", "99"}).exit == 7);
  CHECK(minute({"--max-price", "0"}).exit == 2);

  // It waits for money, and says so.
  const std::string id = line(minute({"--max-price", "100"}));
  const auto view = [&](const std::string& task) { return at(submitter, {"task", "view", task, "--json"}).out; };
  REQUIRE(until([&] { return contains(view(id), "the account of this node has 0"); }));
  CHECK(contains(view(id), own(submitter)));
  bank.get({"wallet", "issue", own(submitter), "1000"});
  REQUIRE(until([&] { return contains(view(id), R"("state":"done")"); }));
  CHECK(at(submitter, {"task", "result", id}).out == "seventeen\n");
  REQUIRE(until([&] { return bank.balance(own(worker)) == "95"; }));
  CHECK(bank.balance(own(submitter)) == "900");
  CHECK(value_in(bank.get({"fund", "show", "--json"}), "balance") == "5");
  const std::string escrow = value_in(view(id), "escrow");
  const std::string shown = at(submitter, {"escrow", "show", escrow, "--json"}).out;
  CHECK_MESSAGE(value_in(shown, "state") == "settled", shown);
  CHECK(value_in(shown, "released") == "100");
  CHECK(value_in(shown, "task") == id);
  CHECK(contains(shown, R"("state":"paid")"));
  CHECK(contains(at(worker, {"escrow", "show", escrow}).out, "settled"));

  // A program that fails has been run: its node is paid. What it earned goes where its operator wants it.
  bank.get({"wallet", "new", "alice"});
  const auto failed = at(
      submitter, submit(script(bank.folder, "failing", "exit 3"), {"--time", "60s", "--max-price", "100", "--wait"}));
  CHECK(failed.exit == 1);
  REQUIRE(until([&] { return bank.balance(own(worker)) == "190"; }));
  CHECK(at(worker, {"wallet", "own", "--to", bank.get({"wallet", "show", "alice"}), "--amount", "190"}).exit == 0);
  CHECK(bank.balance("alice") == "190");
  CHECK(at(worker, {"wallet", "own", "--to", bank.get({"wallet", "show", "alice"}), "--amount", "1"}).exit == 5);

  // Its node dies: it is not paid, and the price comes back once its answer was due, not before.
  const std::string earner = own(worker);
  const std::string slow = line(at(
      submitter, submit(script(bank.folder, "slow", "echo begun; sleep 60"), {"--time", "3s", "--max-price", "100"})));
  REQUIRE(until([&] { return at(submitter, {"task", "logs", slow}).out == "begun\n"; }));
  CHECK(bank.balance(own(submitter)) == "795");
  worker.kill(SIGKILL);
  worker.wait();
  CHECK(at(submitter, {"task", "cancel", slow}).exit == 0);
  CHECK(contains(at(submitter, {"escrow", "show", value_in(view(slow), "escrow")}).out, "engaged"));
  CHECK(bank.balance(own(submitter)) == "795");
  CHECK(bank.balance(earner) == "0");
  CHECK(bank.exit({"wallet", "audit"}) == 0);
}

TEST_CASE("cluster tasks: a program talks to the hosts that were granted, and to nothing else") {
  Cluster cluster(2, {"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true", "--set", "task.accept=any",
                      "--set", "task.network=127.0.0.1,*.invalid"});
  if (!sandboxes(cluster.folder)) return;
  if (!std::filesystem::exists("/usr/bin/bash")) return skip("no bash");
  const EchoHost host;
  const std::string program = cluster.folder / "program";
  std::ofstream(program)
      << "#!/usr/bin/bash\n"
         "say() { (exec 3<>/dev/tcp/$1/$2 && echo \"$3\" >&3 && read -t 20 word <&3 && echo \"$word\") 2>/dev/null || "
         "echo no; }\n"
         "say 127.0.0.1 $1 seventeen; say 127.0.0.1 $2 x; say 1.1.1.1 53 x; say example.invalid 80 x\n"
         "say other.example 80 x; wc -l </etc/hosts\n";
  const std::string node = cluster.nodes[0]->at.substr(cluster.nodes[0]->at.rfind(':') + 1);
  const auto run = [&](std::vector<std::string> more) {
    auto words = submit(program, {host.port(), node, "--wait"});
    words.insert(words.end(), more.begin(), more.end());
    return cluster.run(0, words);
  };
  const auto seen = run({"--network", "127.0.0.1:" + host.port(), "--network", "example.invalid:80"});
  CHECK_MESSAGE(seen.exit == 0, seen.err);
  CHECK(seen.out == "seventeen\nno\nno\nno\nno\n3\n");
  CHECK(run({"--network", "10.0.0.1:80"}).exit == 7);
  CHECK(run({"--network", "10.0.0.1"}).exit == 2);
}

TEST_CASE("cluster tasks: what talks to hosts runs again once the lease of a lost attempt has surely ended") {
  Cluster cluster(1, {"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true", "--set", "task.accept=any",
                      "--set", "task.lease=3s"});
  if (!sandboxes(cluster.folder)) return;
  std::vector<std::unique_ptr<NodeProgram>> workers;
  for (const char* name : {"a", "b"}) {
    std::vector<std::string> options{"--join", cluster.nodes[0]->id + '@' + cluster.nodes[0]->at,
                                     "--set",  "registry.heartbeat=2s",
                                     "--set",  "task.host_usr=true",
                                     "--set",  "task.accept=any",
                                     "--set",  "task.network=127.0.0.1,*.invalid,127.0.0.1"};
    workers.push_back(std::make_unique<NodeProgram>(cluster.folder, name, options));
    REQUIRE(workers.back()->ready());
  }
  const EchoHost host;
  const std::string slow = script(cluster.folder, "slow", "echo begun; sleep 600");
  const auto words = submit(slow, {"--retries", "9", "--network", "127.0.0.1:" + host.port()});
  std::string id;
  REQUIRE(until([&] {
    const Seen seen = cluster.run(0, words);
    if (seen.exit == 0) id = line(seen);
    return seen.exit == 0;
  }));
  const auto view = [&] { return cluster.run(0, {"task", "view", id, "--json"}).out; };
  REQUIRE(until([&] { return cluster.run(0, {"task", "logs", id}).out == "begun\n"; }));
  NodeProgram& first = contains(view(), "\"node\":\"" + workers[0]->id + "\",\"reason\"") ? *workers[0] : *workers[1];

  // It goes on for longer than a lease, which is renewed.
  const auto ms_of = [&](const std::string& text, const std::string& name, std::size_t from) {
    return std::stoull(text.substr(text.find(name, from) + name.size()));
  };
  const auto uses = [&] {
    const Seen seen = troupe::test::troupe(cluster.folder, {"inspect", "--once", "--json", "--data", first.data});
    return contains(seen.out, "\"path\":\"/task/" + id + '"');
  };
  const os::Clock clock;
  const auto later = clock.now() + std::chrono::seconds(5);
  REQUIRE(until([&] { return clock.now() > later; }));
  CHECK(uses());
  CHECK(contains(view(), R"("attempt":1,)"));

  first.kill(SIGKILL);
  first.wait();
  std::string seen;
  bool waited = false;
  CHECK(until([&] {
    seen = view();
    waited = waited || contains(seen, "may not have ended");
    return contains(seen, R"("attempt":2,)");
  }));
  CHECK(waited);
  const auto began = [&](std::size_t from) { return ms_of(seen, "\"began\":", from); };
  CHECK(began(seen.rfind("\"token\":")) >= began(seen.find("\"token\":")) + 8'000);  // 5 s, and most of a lease
  CHECK(cluster.run(0, {"task", "cancel", id}).exit == 0);
}

TEST_CASE("cluster tasks: an array is many tasks, whose ends add up to its own") {
  Cluster cluster(2, {"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true", "--set", "task.accept=any"});
  if (!sandboxes(cluster.folder)) return;
  const std::string program = script(cluster.folder, "program", "echo \"$1 of $2\"; [ $1 -lt 70 ]");
  const auto array = [&](const char* members, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"{index}", "x{index}x{index}", "--array", members};
    words.insert(words.end(), more.begin(), more.end());
    return cluster.run(0, submit(program, words));
  };
  std::string printed;
  for (int i = 0; i < 72; ++i) {
    const std::string number = std::to_string(i);
    printed += number + " of x" + number + 'x' + number + '\n';
  }
  const Seen some = array("72", {"--wait", "--request", "r"});
  CHECK(some.exit == 3);
  CHECK(some.out == printed);
  CHECK(contains(some.err, "70 of 72 members"));
  const std::string id = line(array("72", {"--request", "r"}));  // the same again
  CHECK(contains(cluster.run(0, {"task", "view", id, "--json"}).out, R"("members":72,"queued":0)"));
  CHECK(contains(cluster.run(0, {"task", "view", id, "--json"}).out, R"("done":70,"failed":2,)"));
  CHECK(contains(cluster.run(0, {"task", "view", id}).out, "done      70\n"));
  CHECK(contains(cluster.run(0, {"task", "ls"}).out, id + ".71"));
  CHECK(contains(cluster.run(0, {"task", "ls", "--json"}).out, "\"member\":\"" + id + ".71\""));
  CHECK(cluster.run(0, {"task", "result", id + ".7"}).out == "7 of x7x7\n");
  const Seen result = cluster.run(0, {"task", "result", id});
  CHECK(result.out == printed);
  CHECK(result.exit == 3);
  CHECK(contains(result.err, "member " + id + ".71: it is failed"));
  CHECK(cluster.run(0, {"task", "logs", id}).out == printed);
  CHECK(contains(cluster.run(0, {"task", "logs", id, "--json"}).out, "\"member\":\"" + id + ".71\""));
  const std::string results = cluster.folder / "results";
  CHECK(cluster.run(0, {"task", "result", id, "-o", results}).exit == 3);
  CHECK(content_of(results + "/0/stdout") == "0 of x0x0\n");
  CHECK(content_of(results + "/71/stdout") == "71 of x71x71\n");
  CHECK(cluster.run(0, {"task", "view", id + ".71"}).exit == 0);
  CHECK(cluster.run(0, {"task", "view", id + ".72"}).exit == 4);
  CHECK(cluster.run(0, {"task", "view", id + ".x"}).exit == 2);
  CHECK(cluster.run(0, {"task", "cancel", id}).exit == 5);
  CHECK(array("2", {"--wait"}).exit == 0);
  CHECK(array("0").exit == 2);
  CHECK(array("10001").exit == 2);

  // What was taken is made, whenever its node dies; and is ended with the array.
  const std::string slow = script(cluster.folder, "slow", "sleep 600");
  const std::string many = line(cluster.run(0, submit(slow, {"--array", "300"})));
  cluster.kill(0);
  cluster.restart(0);
  const auto view = [&] { return cluster.run(0, {"task", "view", many, "--json"}).out; };
  REQUIRE(until([&] { return contains(cluster.run(0, {"task", "view", many + ".299"}).out, "state"); }));
  CHECK(contains(view(), R"("members":300)"));
  CHECK(cluster.run(0, {"task", "cancel", many}).exit == 0);
  const std::string ended = R"("queued":0,"running":0,"verifying":0,"done":0,"failed":0,"cancelled":300)";
  CHECK(contains(view(), ended));
  cluster.kill(0);
  cluster.restart(0);
  CHECK(until([&] { return contains(view(), ended); }));
}

TEST_CASE("cluster tasks: what three nodes have seen of a submitter, a fourth one takes over") {
  const std::vector<std::string> of_workers{"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true",
                                            "--set", "task.accept=any",       "--set", "task.require_verified=false"};
  Cluster cluster(3, of_workers);
  if (!sandboxes(cluster.folder)) return;
  const std::vector<std::string> join{"--join", cluster.nodes[0]->id + '@' + cluster.nodes[0]->at};
  std::vector<std::string> options = of_workers;
  options.insert(options.end(), join.begin(), join.end());
  std::vector<std::string> of_stranger = options;
  of_stranger.insert(of_stranger.end(), {"--set", "task.slots=0"});
  NodeProgram stranger(cluster.folder, "stranger", of_stranger);
  REQUIRE(stranger.ready());
  const auto there = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--data", stranger.data});
    return troupe::test::troupe(cluster.folder, words);
  };
  const std::string bad = script(cluster.folder, "bad", "mount -t tmpfs none /tmp; echo here");
  std::string id;
  REQUIRE(until([&] {
    const Seen seen = there(submit(bad, {"--replicas", "3", "--quorum", "3", "--deterministic", "--request", "bad"}));
    if (seen.exit == 0) id = line(seen);
    return seen.exit == 0;
  }));
  for (std::size_t i = 0; i < 3; ++i)
    REQUIRE(until([&] {
      return contains(cluster.run(i, {"reputation", stranger.id, "--events"}).out, "malicious_behavior");
    }));

  NodeProgram fourth(cluster.folder, "fourth", options);
  REQUIRE(fourth.ready());
  const std::string quick = script(cluster.folder, "quick", "echo done");
  // Its first tasks may still run there.
  CHECK(until([&] {
    const Seen seen = there(submit(quick));
    if (seen.exit != 0) return false;
    std::string view;
    const auto decided = [&] {
      view = there({"task", "view", line(seen)}).out;
      return contains(view, "forbidden system call") || contains(view, "done");
    };
    return until(decided) && contains(view, "a forbidden system call at several other nodes: mount");
  }));
}

TEST_CASE("cluster tasks: a stranger's program does not keep those of the node waiting, and may not run for ever") {
  Cluster cluster(1, {"--set", "registry.heartbeat=2s", "--set", "task.host_usr=true", "--set", "task.accept=any",
                      "--set", "task.slots=1", "--set", "task.require_verified=false"});
  if (!sandboxes(cluster.folder)) return;
  const auto options = [&] {
    return std::vector<std::string>{"--join", cluster.nodes[0]->id + '@' + cluster.nodes[0]->at,
                                    "--set",  "registry.heartbeat=2s",
                                    "--set",  "task.slots=0",
                                    "--set",  "task.require_verified=false"};
  };
  NodeProgram stranger(cluster.folder, "stranger", options());
  REQUIRE(stranger.ready());
  const auto there = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--data", stranger.data});
    return troupe::test::troupe(cluster.folder, words);
  };
  const std::string slow = script(cluster.folder, "slow", "echo begun; sleep 600");
  std::string id;
  const auto submitted = [&](const std::string& time) {
    const Seen seen = there(submit(slow, {"--cpu", "1", "--priority", "9", "--time", time}));
    if (seen.exit == 0) id = line(seen);
    return seen.exit == 0;
  };
  REQUIRE(until([&] { return submitted("20h"); }));
  REQUIRE(until([&] { return there({"task", "logs", id}).out == "begun\n"; }));
  const std::string quick = script(cluster.folder, "quick", "echo done");
  const Seen own = cluster.run(0, submit(quick, {"--cpu", "1", "--wait"}));
  CHECK_MESSAGE(own.exit == 0, own.err);
  CHECK(own.out == "done\n");
  CHECK(there({"task", "cancel", id}).exit == 0);
  REQUIRE(submitted("30h"));
  CHECK(until([&] { return contains(there({"task", "view", id}).out, "task.time_max"); }));

  // Whose program tries what none may is refused from then on, and no better liked.
  const Seen bad = there(submit(script(cluster.folder, "bad", "mount -t tmpfs none /tmp; echo here"), {"--wait"}));
  CHECK(bad.exit == 1);
  CHECK(bad.out.empty());
  const std::string next = line(there(submit(quick)));
  const auto refused = [&] {
    return until([&] { return contains(there({"task", "view", next}).out, "a forbidden system call here: mount"); });
  };
  CHECK(refused());
  CHECK(contains(cluster.run(0, {"reputation", stranger.id, "--events"}).out, "malicious_behavior"));
  // Also after a start of both: the stranger left that node alone for an hour.
  stranger.kill(SIGKILL), stranger.wait();
  cluster.kill(0);
  cluster.restart(0);
  NodeProgram again(cluster.folder, "stranger", options());
  REQUIRE(again.ready());
  CHECK(refused());
}
