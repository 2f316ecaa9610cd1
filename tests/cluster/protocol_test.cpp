// A node that is a real process, spoken to by a client in another language (tests/protocol/client.py).
#include "runtime/base/random.hpp"
#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// Runs a program of tests/protocol to its end.
Seen foreign(const Folder& folder, const std::string& script, const std::string& arguments) {
  const std::string command = "timeout 60 /usr/bin/python3 -B \"" TROUPE_SOURCE "/tests/protocol/" + script + "\" " +
                              arguments + " > \"" + folder / "foreign.out" + "\" 2> \"" + folder / "foreign.err" +
                              "\" < /dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder / "foreign.out"),
          content(folder / "foreign.err")};
}

}  // namespace

TEST_CASE("protocol: a client written from messages/README.md alone gets a value and a chunk") {
  const Folder folder;
  NodeProgram node(folder, "node");
  REQUIRE(node.ready());
  base::Random random(17);
  std::string bytes((1u << 20) + 100'000, 0);
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  std::ofstream(folder / "file", std::ios::binary) << bytes;

  const std::string key = troupe::test::troupe(folder, {"dht", "put", "orders/17", "seven", "--data", node.data}).out;
  REQUIRE(key.starts_with("/kv/"));
  const Seen value = foreign(folder, "client.py", node.at + " value " + key.substr(4, 40));
  CHECK_MESSAGE(value.exit == 0, value.err);
  CHECK(value.out == "seven");

  const std::string cid = line(troupe::test::troupe(folder, {"file", "put", folder / "file", "--data", node.data}));
  const Seen chunk = foreign(folder, "client.py", node.at + " chunk " + cid);
  CHECK_MESSAGE(chunk.exit == 0, chunk.err);
  CHECK(chunk.out == bytes.substr(0, 1u << 20));

  const Seen missing = foreign(folder, "client.py", node.at + " chunk " + std::string(64, '0'));
  CHECK(missing.exit == 1);
  CHECK(contains(missing.err, "RuntimeError: (1, "));  // not_found
}

TEST_CASE("protocol: each service takes the kinds that messages/README.md names for a role, and no others") {
  const Folder folder;
  NodeProgram node(folder, "node", {"--set", "ledger.book=self"});  // one that has all services
  REQUIRE(node.ready());
  REQUIRE(troupe::test::troupe(folder, {"raft", "init", "--data", node.data}).exit == 0);
  const Seen seen = foreign(folder, "page.py", '"' + binary() + "\" \"" + node.data + "\" " + node.at);
  CHECK_MESSAGE(seen.exit == 0, seen.out << seen.err);
}

// -- strangers that attack (tests/protocol/attacks.py has what must hold) ---------------------------------------------

namespace {

void holds_against(const std::string& attack) {
  const Folder folder;
  const Seen seen = foreign(folder, "attacks.py", '"' + binary() + "\" small " + attack);
  if (seen.exit == 77) return skip("this system allows no network namespace");
  if (seen.exit == 78) return skip("the attack " + attack + " is switched off");
  CHECK_MESSAGE(seen.exit == 0, seen.out << seen.err);
}

}  // namespace

TEST_CASE("attack: one id that links again and again takes two seats, and no memory") { holds_against("seats"); }
TEST_CASE("attack: links that are not read end, and what waits for them is bounded") { holds_against("slow"); }
TEST_CASE("attack: a link that gives way to another of its node makes room, too") { holds_against("twice"); }
TEST_CASE("attack: frames that never end are bounded together") { holds_against("halves"); }
TEST_CASE("attack: silent connections do not keep an honest node out") { holds_against("silent"); }
TEST_CASE("attack: handshakes that end by a reset leave time for honest ones") { holds_against("handshakes"); }
TEST_CASE("attack: pings that name another port each time are not written each time") { holds_against("pings"); }
TEST_CASE("attack: the claims of one id leave room for others and for the node itself") { holds_against("claims"); }
TEST_CASE("attack: the claims of one id on one content leave room for its other owners") { holds_against("target"); }
TEST_CASE("attack: what a few ids store leaves room for the node itself, which stays well") { holds_against("disk"); }
TEST_CASE("attack: the stores of one node that are under way are bounded") { holds_against("commits"); }
TEST_CASE("attack: questions that are cancelled count until they are served") { holds_against("cancels"); }
TEST_CASE("attack: ten thousand datagrams a second of one id leave honest gets quick") { holds_against("datagrams"); }
TEST_CASE("attack: as many of 25 ids at one address leave them quick, too") { holds_against("line"); }
