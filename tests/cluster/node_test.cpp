// Nodes as real processes on loopback.
#include "runtime/base/random.hpp"
#include "runtime/base/text.hpp"
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

TEST_CASE("cluster: a node says that it is ready, tells how it is, and ends in order") {
  const Folder folder;
  NodeProgram node(folder, "a", {"--name", "anna"});
  REQUIRE(node.ready());
  const auto mode = std::filesystem::status(node.data).permissions();
  CHECK(mode == std::filesystem::perms::owner_all);

  const Seen status = troupe::test::troupe(folder, {"status", "--json", "--data", node.data});
  CHECK(status.exit == 0);
  CHECK(status.out.starts_with("{\"node\":\"" + node.id + "\",\"name\":\"anna\",\"version\":\""));
  CHECK(contains(status.out, "\"listen\":\"" + node.at + "\",\"peers\":0,"));

  int signal = SIGTERM;
  SUBCASE("SIGTERM") {}
  SUBCASE("SIGINT") { signal = SIGINT; }
  os::Clock clock;
  const base::Instant from = clock.now();
  node.kill(signal);
  CHECK(node.wait() == 0);
  CHECK(contains(node.err(), "This node is new. Its data is in " + node.data));
  CHECK(contains(node.err(), "troupe status --data " + node.data));
  CHECK(contains(node.err(), "--join " + node.id + '@' + node.at));
  CHECK(clock.now() - from < 5s);
  CHECK_FALSE(std::filesystem::exists(node.data + "/control.sock"));
  const Seen gone = troupe::test::troupe(folder, {"status", "--data", node.data});
  CHECK(gone.exit == 7);
  CHECK(gone.out.empty());
  CHECK(gone.err.starts_with("error: no node runs in " + node.data));
}

TEST_CASE("cluster: the commands that a new node prints can be pasted, whatever its directory is called") {
  const Folder folder;
  NodeProgram node(folder, "a\x1b[31m's \n$x");
  REQUIRE(node.ready());
  CHECK(contains(node.err(), "Its data is in " + base::printable(node.data)));
  CHECK_FALSE(contains(node.err(), "\x1b"));
  const std::string hint = "show its state:    troupe status";
  REQUIRE(contains(node.err(), hint));
  std::string command = node.err().substr(node.err().find(hint) + hint.size());
  command.resize(command.find('\n'));
  std::ofstream(folder / "script") << binary() + " status --json" + command + '\n';
  CHECK(std::system(("bash --norc '" + (folder / "script") + "' >'" + (folder / "pasted") + '\'').c_str()) == 0);
  CHECK(contains(content(folder / "pasted"), node.id));
}

TEST_CASE("cluster: a node that has waited for longer than its end may take still ends in order") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  os::Waker waker({});
  waker.wait(5s);  // the claim itself: as long as SIGTERM may take
  node.kill(SIGTERM);
  CHECK(node.wait() == 0);
  CHECK(contains(node.err(), "node: draining domains="));
  CHECK_FALSE(contains(node.err(), "did not end in time"));
}

TEST_CASE("cluster: a command that comes while its node starts is answered once the node serves") {
  const Folder folder;
  NodeProgram node(folder, "a");
  Seen seen;
  CHECK(until([&] {
    seen = troupe::test::troupe(folder, {"file", "ls", "--data", node.data});
    return !contains(seen.err, "no node runs") && !contains(seen.err, "cannot be reached");
  }));
  CHECK(seen.err == "");
  CHECK(seen.exit == 0);
  CHECK(node.ready());
}

TEST_CASE("cluster: a second process for the same directory is refused, and the first one goes on") {
  const Folder folder;
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  Program second({"node", "--data", first.data, "--listen", "127.0.0.1:0"}, folder / "second");
  CHECK(second.wait() == 1);
  CHECK(second.out().empty());
  CHECK(second.err().starts_with("error: cannot use the data directory " + first.data +
                                 ": another node runs in it\noutcome: nothing was started\n"));
  CHECK(troupe::test::troupe(folder, {"status", "--data", first.data}).exit == 0);
}

TEST_CASE("cluster: an address in use is an error, and nothing is left running") {
  const Folder folder;
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  const std::string data = folder / "b.data";
  Program second({"node", "--data", data, "--listen", first.at}, folder / "b");
  CHECK(second.wait() == 1);
  CHECK(second.out().empty());
  CHECK(contains(second.err(), "error: cannot listen at " + first.at + ": Address already in use\n"));
  CHECK(contains(second.err(), "\noutcome: no node runs; its new identity "));
  CHECK(contains(second.err(), " is kept in " + data + '\n'));
  Program again({"node", "--data", data, "--listen", first.at}, folder / "again");
  CHECK(again.wait() == 1);
  CHECK(contains(again.err(), "\noutcome: nothing was started\n"));
}

TEST_CASE("cluster: an address to advertise that nobody knows ends a start before anything is made") {
  const Folder folder;
  const std::string data = folder / "a";
  const std::string host = std::string(64, 'x') + ".invalid";  // a label has 63 letters at most: no server is asked
  const Seen seen =
      troupe::test::troupe(folder, {"node", "--data", data, "--listen", "127.0.0.1:0", "--advertise", host + ":1"});
  CHECK(seen.exit == 1);
  CHECK(contains(seen.err, "error: cannot advertise: the host name of " + host + ":1 has no address\n"));
  CHECK_FALSE(std::filesystem::exists(data));
}

TEST_CASE("cluster: a node whose identity is lost does not become another one") {
  const Folder folder;
  {
    NodeProgram node(folder, "a");
    REQUIRE(node.ready());
    node.kill(SIGTERM);
    CHECK(node.wait() == 0);
  }
  std::filesystem::rename(folder / "a.data/identity.key", folder / "saved");
  {
    NodeProgram node(folder, "a");
    CHECK(node.wait() == 1);
    CHECK(contains(node.err(), "it contains data, but identity.key is missing"));
    CHECK_FALSE(std::filesystem::exists(node.data + "/identity.key"));
  }
  std::filesystem::rename(folder / "saved", folder / "a.data/identity.key");
  NodeProgram node(folder, "a");
  CHECK(node.ready());
}

TEST_CASE("cluster: a node without an address, and one with a bad setting, are mistakes of the caller") {
  const Folder folder;
  CHECK(troupe::test::troupe(folder, {"node", "--data", folder / "a"}).exit == 2);
  CHECK(troupe::test::troupe(folder, {"node", "--data", folder / "a", "--listen", "nowhere"}).exit == 2);
  CHECK(
      troupe::test::troupe(folder, {"node", "--data", folder / "a", "--listen", "127.0.0.1:0", "--set", "x=1"}).exit ==
      2);
  CHECK_FALSE(std::filesystem::exists(folder / "a"));
}

TEST_CASE("cluster: a node at an address of another machine says so, and proposes no port") {
  const Folder folder;
  // TEST-NET-1 of RFC 5737: no machine has it.
  const auto seen = troupe::test::troupe(folder, {"node", "--data", folder / "a", "--listen", "192.0.2.1:4000"});
  CHECK(seen.exit == 1);
  CHECK(contains(seen.err, "192.0.2.1:4000: it is not an address of this machine"));
  CHECK(contains(seen.err, "\ntry: --listen with an address of this machine"));
}

TEST_CASE("cluster: a node that was killed starts again as the same node") {
  const Folder folder;
  std::string id;
  for (int start = 0; start < 3; ++start) {
    NodeProgram node(folder, "a");
    REQUIRE(node.ready());
    if (start > 0) CHECK(node.id == id);
    CHECK(contains(node.err(), "This node is new.") == (start == 0));
    id = node.id;
    CHECK(troupe::test::troupe(folder, {"status", "--data", node.data}).exit == 0);
    node.kill(SIGKILL);
    CHECK(node.wait() == 128 + SIGKILL);
  }
}

TEST_CASE("cluster: a directory of a newer version is refused") {
  const Folder folder;
  {
    NodeProgram node(folder, "a");
    REQUIRE(node.ready());
    node.kill(SIGTERM);
    CHECK(node.wait() == 0);
  }
  std::ofstream(folder / "a.data/format") << "2\n";
  NodeProgram node(folder, "a");
  CHECK(node.wait() == 1);
  CHECK(contains(node.err(), "its format is 2, and this program supports formats up to 1"));
}

TEST_CASE("cluster: a node that joins another one is seen by it, also after a crash") {
  const Folder folder;
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  NodeProgram second(folder, "b", {"--join", first.id + '@' + first.at});
  REQUIRE(second.ready());
  CHECK(until([&] { return sees(folder, first, second.id, "healthy"); }));
  CHECK(until([&] { return sees(folder, second, first.id, "healthy"); }));
  CHECK(contains(troupe::test::troupe(folder, {"peers", "--healthy", "--data", first.data}).out, second.at));

  first.kill(SIGKILL);
  first.wait();
  CHECK(until([&] { return !sees(folder, second, first.id, "healthy"); }));
  NodeProgram again(folder, "a");
  REQUIRE(again.ready());
  CHECK(until([&] { return sees(folder, again, second.id, "healthy"); }));
}

TEST_CASE("cluster: a directory that runs twice is a reason of health at both and at their peers") {
  const Folder folder;
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  const std::vector<std::string> join{"--join", first.id + '@' + first.at, "--set", "ledger.book=self"};
  std::string account;
  {
    NodeProgram begun(folder, "b", join);
    REQUIRE(begun.ready());
    REQUIRE(until([&] { return sees(folder, begun, first.id, "healthy"); }));
    account = at(folder, begun, {"wallet", "own"}).out;
    account.pop_back();
    CHECK(at(folder, begun, {"wallet", "issue", account, "5"}).exit == 0);
    begun.kill(SIGTERM);
    REQUIRE(begun.wait() == 0);
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder / "b.data"))
    if (entry.is_socket()) std::filesystem::remove(entry.path());
  std::filesystem::copy(folder / "b.data", folder / "c.data", std::filesystem::copy_options::recursive);
  NodeProgram one(folder, "b", join);
  REQUIRE(one.ready());
  NodeProgram copy(folder, "c", join);
  REQUIRE(copy.ready());
  CHECK(copy.id == one.id);
  const auto health = [&](const NodeProgram& node) { return at(folder, node, {"status"}).out; };
  CHECK(until([&] { return contains(health(one), "identity used elsewhere"); }));
  CHECK(until([&] { return contains(health(copy), "identity used elsewhere"); }));
  CHECK(until([&] { return contains(health(first), one.id + " is used by two running nodes"); }));
  for (const NodeProgram* node : {&one, &copy}) {
    const Seen refused = at(folder, *node, {"wallet", "issue", account, "5"});
    CHECK(refused.exit == 7);
    CHECK(contains(refused.err, "the book accepts no orders, because this node's identity is used elsewhere"));
  }
}

TEST_CASE("cluster: commands wait for a node that is still to start, and for its peers") {
  const Folder folder;
  Program status({"status", "--wait", "--data", folder / "a.data"}, folder / "status");
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  CHECK(status.wait() == 0);
  CHECK(contains(status.out(), "stage    serving"));
  const Seen alone = at(folder, first, {"peers", "--wait", "1", "--seconds", "1"});
  CHECK(alone.exit == 7);
  CHECK(contains(alone.err, "error: the node has 0 healthy peers, not 1"));
  Program peers({"peers", "--wait", "1", "--data", first.data}, folder / "peers");
  NodeProgram second(folder, "b", {"--join", first.at});
  REQUIRE(second.ready());
  CHECK(peers.wait() == 0);
  CHECK(contains(peers.out(), second.id));
  CHECK(troupe::test::troupe(folder, {"status", "--wait", "--seconds", "1", "--data", folder / "none"}).exit == 7);
  CHECK(at(folder, first, {"peers", "--seconds", "1"}).exit == 2);
}

TEST_CASE("cluster: a person links two nodes, and parts them again") {
  const Folder folder;
  NodeProgram first(folder, "a"), second(folder, "b");
  REQUIRE(first.ready());
  REQUIRE(second.ready());
  const std::string wrong = std::string(40, '0') + '@' + first.at;
  const Seen refused = troupe::test::troupe(folder, {"peers", "connect", wrong, "--data", second.data});
  CHECK(refused.exit == 5);
  CHECK(contains(refused.err, "the node that answers there does not have the given id"));
  const Seen linked = troupe::test::troupe(folder, {"peers", "connect", first.at, "--data", second.data});
  CHECK(linked.exit == 0);
  CHECK(linked.out == first.id + '@' + first.at + '\n');
  CHECK(until([&] { return sees(folder, first, second.id, "healthy"); }));
  CHECK(troupe::test::troupe(folder, {"peers", "drop", first.id, "--data", second.data}).exit == 0);
  CHECK(until([&] { return sees(folder, second, first.id, "known"); }));
  CHECK(troupe::test::troupe(folder, {"peers", "drop", first.id, "--data", second.data}).exit == 4);
  CHECK(troupe::test::troupe(folder, {"peers", "drop", "xyz", "--data", second.data}).exit == 2);
  const Seen listed = troupe::test::troupe(folder, {"peers", "--json", "--data", second.data});
  CHECK(contains(listed.out, "\"score\":0,\"bannedForMs\":null"));
  CHECK(troupe::test::troupe(folder, {"peers", "pardon", first.id, "--data", second.data}).exit == 0);
  CHECK(troupe::test::troupe(folder, {"peers", "pardon", first.id, "--data", second.data}).exit == 4);
  CHECK(troupe::test::troupe(folder, {"peers", "pardon", "xyz", "--data", second.data}).exit == 2);
}

TEST_CASE("cluster: bytes that are no link do not harm a node") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  base::Random random(1);
  for (int round = 0; round < 100; ++round) {
    base::Bytes bytes(1 + random.below(20'000));
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    if (round % 2 == 0 && bytes.size() >= 3) bytes[0] = 0x16, bytes[1] = 0x03, bytes[2] = 0x03;  // as TLS begins
    throw_at(node, bytes);
  }
  const Seen status = troupe::test::troupe(folder, {"status", "--json", "--data", node.data});
  CHECK(status.exit == 0);
  CHECK(contains(status.out, "\"peers\":0,"));
  NodeProgram second(folder, "b", {"--join", node.at});
  REQUIRE(second.ready());
  CHECK(until([&] { return sees(folder, node, second.id, "healthy"); }));
}

TEST_CASE("cluster: SIGHUP and `log` change how much a node logs, and a bad file changes nothing") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  const auto reload = [&](const std::string& file, const std::string& line) {
    std::ofstream(node.data + "/config.toml") << file;
    node.kill(SIGHUP);
    return until([&] { return contains(node.err(), line); });
  };
  CHECK(reload("[log]\nlevel = \"debug\"\n", "config: changed key=log.level value=\"\\\"debug\\\"\""));
  CHECK(contains(troupe::test::troupe(folder, {"config", "show", "--running", "--data", node.data}).out,
                 "\nlog.level = \"debug\"\n"));
  CHECK(reload("[log]\nlevel = \"loud\"\n", "error config: cannot reload; nothing has changed"));
  CHECK(reload("[log]\nlevel = \"warn\"\n[net]\nlinks_max = 5\n", "net.links_max cannot change from 1024 to 5"));
  CHECK(troupe::test::troupe(folder, {"log", "warn", "--data", node.data}).exit == 0);
  CHECK(troupe::test::troupe(folder, {"log", "trace", "links", "--json", "--data", node.data}).out ==
        "{\"level\":\"trace\",\"domain\":\"links\"}\n");
  const Seen unknown = troupe::test::troupe(folder, {"log", "warn", "lnks", "--data", node.data});
  CHECK(unknown.exit == 4);
  CHECK(contains(unknown.err, "unknown log domain \"lnks\"; did you mean \"links\"?"));
}

TEST_CASE("cluster: nodes at IPv6 addresses are linked, and a command reaches them there") {
  if (!os::listen_tcp(*base::HostPort::parse("[::1]:0")).ok()) return skip("no IPv6");
  const Folder folder;
  ::setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
  const Seen key = troupe::test::troupe(folder, {"operator", "key"});
  REQUIRE(key.out.size() == 65);
  const std::string operators = "operators.operate=" + key.out.substr(0, 64);
  NodeProgram first(folder, "a", {"--listen", "[::1]:0", "--set", operators});
  REQUIRE(first.ready());
  CHECK(first.at.starts_with("[::1]:"));
  NodeProgram second(folder, "b", {"--listen", "[::1]:0"});
  REQUIRE(second.ready());
  const Seen linked =
      troupe::test::troupe(folder, {"peers", "connect", first.id + '@' + first.at, "--data", second.data});
  CHECK_MESSAGE(linked.exit == 0, linked.err);
  CHECK(linked.out == first.id + '@' + first.at + '\n');
  CHECK(until([&] { return sees(folder, first, second.id, "healthy"); }));
  CHECK(until([&] { return sees(folder, second, first.id, "healthy"); }));
  CHECK(contains(troupe::test::troupe(folder, {"status", "--json", "--data", first.data}).out,
                 "\"listen\":\"" + first.at + "\",\"peers\":1,"));
  // Datagrams have found their way as well: the table has only what has answered.
  CHECK(until([&] {
    return contains(troupe::test::troupe(folder, {"dht", "table", "--data", first.data}).out, second.at);
  }));
  const std::string there = first.id + '@' + first.at;
  const Seen put = troupe::test::troupe(folder, {"dht", "put", "orders", "seven", "--node", there});
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  CHECK(troupe::test::troupe(folder, {"dht", "get", put.out.substr(0, 44), "--data", second.data}).out == "seven");
  ::unsetenv("XDG_CONFIG_HOME");
}

TEST_CASE("cluster: a node reads the file of --config in the place of its own, and its environment beats the file") {
  const Folder folder;
  std::ofstream(folder / "file.toml") << "[node]\nname = \"of the file\"\n[log]\nlevel = \"debug\"\n"
                                         "[files]\nquota_per_owner = \"1 MiB\"\n";
  std::filesystem::create_directory(folder / "a.data");
  std::ofstream(folder / "a.data/config.toml") << "[node]\nname = \"of the directory\"\n[files]\nreplicas = 1\n";
  const std::vector<std::string> more{"--config", folder / "file.toml"};
  std::string name = "of the file";
  SUBCASE("a setting of the file is in force") {}
  SUBCASE("unless the environment has it, too") {
    name = "of the environment";
    ::setenv("TROUPE_NODE__NAME", name.c_str(), 1);
  }
  NodeProgram node(folder, "a", more);
  const bool ready = node.ready();
  ::unsetenv("TROUPE_NODE__NAME");
  REQUIRE_MESSAGE(ready, node.err());
  CHECK(contains(troupe::test::troupe(folder, {"status", "--json", "--data", node.data}).out,
                 "\"name\":\"" + name + "\","));
  CHECK(contains(node.err(), " debug "));
  const Seen running = troupe::test::troupe(folder, {"config", "show", "--running", "--origin", "--data", node.data});
  CHECK_MESSAGE(contains(running.out, "node.name = \"" + name + "\"  # "), running.out, running.err);
  CHECK(contains(running.out, "listen = \"127.0.0.1:0\"  # --listen\n"));
  // What the file limits is limited, and what only the file of the directory says is not said: three copies are wanted.
  std::ofstream(folder / "small") << "x";
  std::ofstream(folder / "large") << std::string(2u << 20, 'x');
  CHECK(troupe::test::troupe(folder, {"file", "put", folder / "large", "--data", node.data}).exit == 6);
  const auto small = [&] {
    return troupe::test::troupe(folder, {"file", "put", folder / "small", "--data", node.data});
  };
  // The quota is free again once the part of the large file is released.
  CHECK(until([&] { return small().exit == 3; }));
}
