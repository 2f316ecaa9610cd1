// What a process inherits: closed descriptors, limits, ignored signals, the terminal.
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// Runs a script of bash, in which $T is the program.
Seen script(const Folder& folder, const std::string& text) {
  std::ofstream(folder / "script") << "cd '" + (folder / "") + "'; T='" + binary() + "'; export XDG_CONFIG_HOME='" +
                                          (folder / "config") + "'\n" + text + '\n';
  const int status = std::system(("timeout 100 bash --norc '" + (folder / "script") + "' >'" + (folder / "said") +
                                  "' 2>'" + (folder / "told") + '\'')
                                     .c_str());
  return {WEXITSTATUS(status), content(folder / "said"), content(folder / "told")};
}

std::string on(const NodeProgram& node) { return " --data '" + node.data + "'"; }

/// Stores a file of that size at the node, and returns its content id.
std::string stored_bytes(const Folder& folder, const NodeProgram& node, std::size_t bytes) {
  std::ofstream(folder / "file") << std::string(bytes, 'x');
  const Seen put = script(folder, "$T file put file --replicas 1" + on(node));
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  return put.out.substr(0, put.out.find('\n'));
}

}  // namespace

TEST_CASE("cluster: recovery words reach no file when standard descriptors are closed") {
  const Folder folder;
  std::ofstream(folder / "pw") << "open sesame\n";
  for (const std::string closed : {"<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"}) {
    CAPTURE(closed);
    std::filesystem::remove_all(folder / "config");
    const Seen made = script(folder, "$T wallet new w --passphrase-file pw " + closed);
    const bool shown = !contains(closed, "2>&-");
    CHECK((made.exit == 0) == (closed == "<&-"));
    CHECK(std::filesystem::exists(folder / "config/troupe/wallets/w") == shown);
    CHECK(contains(made.err, "write down this recovery phrase") == shown);
    CHECK(script(folder, "grep -r 'write down' config").exit != 0);
  }
  CHECK(script(folder, "$T wallet new full --passphrase-file pw 2>/dev/full").exit == 1);
  CHECK(script(folder, "$T wallet new full --passphrase-file pw --json >/dev/full").exit == 1);
  CHECK_FALSE(std::filesystem::exists(folder / "config/troupe/wallets/full"));
}

TEST_CASE("cluster: a closed input or output is an error of a command, which ends") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  const std::string cid = stored_bytes(folder, node, 100'000);
  for (const std::string output : {" >&-", " -o - >&-", " -o - >/dev/full"}) {
    CAPTURE(output);
    const Seen got = script(folder, "$T file get " + cid + on(node) + output);
    CHECK((got.exit == 1 || got.exit == 6));
    CHECK(contains(got.err, "error: cannot write standard output: "));
  }
  REQUIRE(script(folder, "$T raft init --group main" + on(node)).exit == 0);
  std::ofstream(folder / "pw") << "open sesame\n";
  for (const std::string command : {"kv put a -", "kv cas a --absent -", "kv txn -", "kv batch -", "dht put a -",
                                    "dht put --from -", "file put -", "wallet restore w --passphrase-file pw"})
    for (const std::string input : {" <&-", " </tmp"}) {
      CAPTURE(command + input);
      const Seen read = script(folder, "$T " + command + on(node) + input);
      CHECK((read.exit == 1 || read.exit == 2));
      CHECK(contains(read.err, "error: cannot read "));
      CHECK_FALSE(contains(read.err, "bug in this program"));
    }
}

TEST_CASE("cluster: commands read lines with CR LF and a byte-order mark") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  REQUIRE(script(folder, "$T raft init --group main" + on(node)).exit == 0);
  const Seen batch =
      script(folder, "printf '\\xef\\xbb\\xbfput a 1\\r\\nget a\\r\\ndel a\\r\\nget a' | $T kv batch -" + on(node));
  CHECK(batch.exit == 3);
  CHECK(lines(batch.out) == 4);
  CHECK(contains(batch.out, "\"value\":\"1\""));
  CHECK(contains(batch.out, "\"exit\":4,"));
  const Seen txn =
      script(folder, "printf '\\xef\\xbb\\xbfif a absent\\r\\nput a 1\\r\\nget a\\r\\n' | $T kv txn -" + on(node));
  CHECK_MESSAGE(txn.exit == 0, txn.err);
  CHECK(txn.out == "1\n");
  const Seen put = script(folder, "printf '\\xef\\xbb\\xbfn1 v1\\r\\nn2 v2' | $T dht put --from -" + on(node));
  CHECK_MESSAGE(put.exit == 0, put.err);
  CHECK(script(folder, "$T dht get n1" + on(node)).out == "v1");
}

TEST_CASE("cluster: a transaction above its limit is refused before it is sent, with the limit") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  REQUIRE(script(folder, "$T raft init --group main" + on(node)).exit == 0);
  const std::string puts =
      "puts() { for i in $(seq $1); do printf \"put k$i \"; head -c $2 /dev/zero | tr '\\0' x; "
      "echo; done; }; ";
  for (const std::string large :
       {"{ printf 'if k = '; head -c 2250000 /dev/zero | tr '\\0' x; printf '\\nput k 1\\n'; }", "puts 3 1000000",
        "puts 1024 2050"}) {
    CAPTURE(large);
    const Seen refused = script(folder, puts + large + " | $T kv txn -" + on(node));
    CHECK(refused.exit == 2);
    CHECK(refused.err.starts_with("error: a transaction is limited to 2 MiB with its keys and values, got "));
  }
  for (const std::string fits : {"puts 2 1048000", "puts 1024 2000"})
    CHECK_MESSAGE(script(folder, puts + fits + " | $T kv txn -" + on(node)).exit == 0, fits);
}

TEST_CASE("cluster: a file beyond the limit of sizes is an error like a full disk") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  const std::string cid = stored_bytes(folder, node, 1'000'000);
  const Seen got = script(folder, "mkdir out; ulimit -f 100; $T file get " + cid + on(node) + " -o out/big");
  CHECK(got.exit == 6);
  CHECK(contains(got.err, "error: cannot write out/big: File too large"));
  CHECK(std::filesystem::is_empty(folder / "out"));

  NodeProgram limited(folder, "b", {}, {"/bin/bash", "-c", "ulimit -f 20000; exec \"$@\"", "limited"});
  REQUIRE(limited.ready());
  const Seen put = script(folder, "head -c 30000000 /dev/urandom | $T file put - --replicas 1" + on(limited));
  CHECK(put.exit == 6);
  CHECK(contains(put.err, "no space left"));
  limited.kill(SIGTERM);
  CHECK(limited.wait() == 0);
}

TEST_CASE("cluster: a program's status is read although the parent ignores the ends of its children") {
  const Folder folder;
  const Seen probe = script(folder, "$T sandbox run --root / -- /bin/true");
  if (probe.exit == 125) return skip(probe.err);
  const Seen failed = script(folder, "trap '' CHLD; $T sandbox run --root / --json -- /bin/sh -c 'exit 3'");
  CHECK(failed.exit == 3);
  CHECK(contains(failed.err, "\"exitStatus\":3"));
}

TEST_CASE("cluster: a node that is process 1 leaves no zombies") {
  const Folder folder;
  if (script(folder, "unshare -pf --mount-proc true").exit != 0) return skip("no process namespace can be made");
  NodeProgram node(folder, "a", {}, {"/usr/bin/unshare", "-pf", "--mount-proc", "--kill-child"});
  REQUIRE(node.ready());
  const auto children = [](const std::string& process) {
    std::string all = content("/proc/" + process + "/task/" + process + "/children");
    return all.substr(0, all.find_last_not_of(' ') + 1);
  };
  const std::string first = children(std::to_string(node.process()));
  const std::string own = children(first);
  REQUIRE_FALSE(own.empty());
  CHECK_FALSE(contains(own, " "));  // the launcher
  // Each shell leaves a child, which then belongs to process 1.
  const Seen orphans = script(
      folder, "for i in 1 2 3 4 5; do nsenter -t " + first + " -p sh -c '(sleep 0.1; echo over >>over) &'; done");
  REQUIRE_MESSAGE(orphans.exit == 0, orphans.err);
  CHECK(until([&] { return lines(content(folder / "over")) == 5; }));
  CHECK(until([&] { return children(first) == own; }));
}

TEST_CASE("cluster: a node with too few descriptors does not start, and names the limit") {
  const Folder folder;
  for (const std::string limit : {"4", "12", "28", "63"}) {
    CAPTURE(limit);
    const Seen node = script(folder, "ulimit -n " + limit + "; $T node --data n --listen 127.0.0.1:0");
    CHECK(node.exit == 1);
    CHECK(contains(node.err, "error: a node needs 64 open files at once, but this process may have " + limit));
    CHECK_FALSE(std::filesystem::exists(folder / "n"));
  }
  const Seen command = script(folder, "ulimit -n 12; $T status --data n");
  CHECK(command.exit == 1);
  CHECK(contains(command.err, "error: a command needs 24 open files at once"));
  NodeProgram least(folder, "least", {}, {"/bin/bash", "-c", "ulimit -n 64; exec \"$@\"", "limited"});
  REQUIRE(least.ready());
  CHECK(until([&] { return contains(script(folder, "$T status" + on(least)).out, "health   ok"); }));
}

TEST_CASE("cluster: a terminal whose type is unknown is named, and xterm's relatives are shown as xterm") {
  const Folder folder;
  if (script(folder, "command -v script").exit != 0) return skip("script(1) is not installed");
  const auto inspect = [&](const std::string& type) {
    return script(folder, "while printf q; do sleep 0.1; done | " + type + " script -qec '" + binary() +
                              " inspect --data none' /dev/null")
        .out;
  };
  CHECK(contains(inspect("env -u TERM"), "the screens must know the type of the terminal: TERM is not set"));
  CHECK(contains(inspect("TERM=nothing"), "TERM is \"nothing\", which this machine has no description of"));
  CHECK(contains(inspect("TERM=dumb"), "TERM is \"dumb\""));
  for (const char* type : {"TERM=xterm-kitty", "TERM=xterm-ghostty", "TERM=alacritty", "TERM=xterm-256color"})
    CHECK_FALSE_MESSAGE(contains(inspect(type), "the screens must"), type);
}

TEST_CASE("cluster: words that are typed end with the 24th, or with Ctrl-D") {
  const Folder folder;
  if (script(folder, "command -v script").exit != 0) return skip("script(1) is not installed");
  std::ofstream(folder / "pw") << "open sesame\n";
  const auto restored = [&](const std::string& typed) {
    // script(1) closes its terminal at the end of its input.
    return script(folder, "(printf '" + typed + "'; while ! [ -e done ]; do sleep 0.1; done) | script -qec '" +
                              binary() +
                              " wallet restore w --passphrase-file pw; echo exit-$?; touch done' /dev/null; rm done")
        .out;
  };
  std::string words;
  for (int i = 0; i < 23; ++i) words += i == 11 ? "abandon\\n" : "abandon ";
  CHECK_MESSAGE(contains(restored(words + "art\\n"), "exit-0"), "24 words in two lines");
  std::filesystem::remove_all(folder / "config");
  const std::string twelve = "legal winner thank year wave sausage worth useful legal winner thank yellow\\n";
  CHECK_MESSAGE(contains(restored(twelve + "\\004"), "exit-0"), "12 words and Ctrl-D");
}

TEST_CASE("cluster: a file whose name cannot be listed is refused, with the way to store it") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  const Seen put = script(folder, "echo 1 >$'caf\\xe9'; $T file put $'caf\\xe9'" + on(node));
  CHECK(put.exit == 5);
  CHECK(contains(put.err, "try: troupe file put - <$'caf\\351'"));
  const Seen task = script(folder, "printf '#!/bin/sh\\n' >c.sh; $T task submit c.sh --output $'a\\nb'" + on(node));
  CHECK(task.exit == 2);
  CHECK(contains(task.err, "error: the output \"a\\nb\" is not a path below /task"));
  const Seen crlf = script(folder, "printf '#!/bin/sh\\r\\necho\\r\\n' >c.sh; $T task submit c.sh" + on(node));
  CHECK(crlf.exit == 5);
  CHECK(contains(crlf.err, "error: the program cannot be run: its lines end in CR LF (Windows)"));
}
