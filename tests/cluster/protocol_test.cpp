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
