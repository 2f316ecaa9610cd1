// A node on another machine, as its operators see it.
#include "runtime/base/random.hpp"
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

Seen run(const Folder& folder, const std::vector<std::string>& arguments) {
  return troupe::test::troupe(folder, arguments);
}

/// Commands out of `folder` are those of an operator with a key of its own, for as long as this lives.
class Operator {
 public:
  explicit Operator(const Folder& folder) {
    ::setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
    const Seen made = run(folder, {"operator", "key"});
    REQUIRE(made.exit == 0);
    REQUIRE(made.out.size() == 65);
    key = made.out.substr(0, 64);
  }
  ~Operator() { ::unsetenv("XDG_CONFIG_HOME"); }
  Operator(const Operator&) = delete;
  Operator& operator=(const Operator&) = delete;
  std::string key;
};

// Nobody serves tcpmux (RFC 1078) any more, and no node of a test may be given its port.
constexpr const char* kUnserved = "127.0.0.1:1";

}  // namespace

TEST_CASE("cluster: an operator reaches a node by its id and address, as far as the node lists the key") {
  const Folder folder;
  const Operator self(folder);
  const std::string& key = self.key;
  SUBCASE("to change it") {
    NodeProgram node(folder, "a", {"--set", "operators.operate=" + key});
    REQUIRE(node.ready());
    const std::string there = node.id + '@' + node.at;
    CHECK(contains(run(folder, {"status", "--json", "--node", there}).out, "\"node\":\"" + node.id + '"'));
    CHECK(run(folder, {"log", "debug", "--node", there}).exit == 0);
  }
  SUBCASE("to look at it") {
    NodeProgram node(folder, "a", {"--set", "operators.view=" + key});
    REQUIRE(node.ready());
    const std::string there = node.id + '@' + node.at;
    CHECK(run(folder, {"status", "--node", there}).exit == 0);
    const Seen refused = run(folder, {"log", "debug", "--node", there});
    CHECK(refused.exit == 5);
    CHECK(contains(refused.err, "this key may only view the node " + there + ", not change it"));
    CHECK(contains(refused.err, "operators.operate = [\"" + key + "\"]"));
  }
  SUBCASE("not at all") {
    NodeProgram node(folder, "a");
    REQUIRE(node.ready());
    const Seen refused = run(folder, {"status", "--node", node.id + '@' + node.at});
    CHECK(refused.exit == 5);
    CHECK(contains(refused.err, "responds, but does not accept this key"));
    CHECK(contains(refused.err, "operators.operate = [\"" + key + "\"]"));
  }
}

TEST_CASE("cluster: an operator stores and reads a large file, and a value, at a remote node") {
  const Folder folder;
  const Operator self(folder);
  NodeProgram node(folder, "a", {"--set", "operators.operate=" + self.key});
  REQUIRE(node.ready());
  const auto there = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--node", node.id + '@' + node.at});
    return run(folder, words);
  };
  base::Random random(1);
  std::string bytes(5'000'001, 0);  // five chunks, the last of which is short
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  std::ofstream(folder / "file", std::ios::binary) << bytes;
  const Seen put = there({"file", "put", folder / "file", "--replicas", "1"});
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  REQUIRE(put.out.size() == 65);
  const std::string cid = put.out.substr(0, 64);
  const Seen got = there({"file", "get", cid, "-o", folder / "copy"});
  CHECK_MESSAGE(got.exit == 0, got.err);
  CHECK(content(folder / "copy") == bytes);
  CHECK(there({"file", "get", cid}).out == bytes);
  CHECK(there({"file", "get", cid, "--range", "1048570-1048590"}).out == bytes.substr(1'048'570, 21));
  CHECK(contains(there({"file", "ls"}).out, cid));
  CHECK(there({"dht", "put", "orders", "seven"}).exit == 0);
  CHECK(there({"dht", "get", "orders"}).out == "seven");
  CHECK(there({"dht", "get", "/cid/" + cid}).exit == 7);  // that it knows no other node is said from afar as well
}

TEST_CASE("cluster: a node that is not there, or not that one, is told apart from one that refuses a key") {
  const Folder folder;
  const Operator self(folder);
  NodeProgram node(folder, "a", {"--set", "operators.operate=" + self.key});
  REQUIRE(node.ready());
  int exit = 0;
  Seen seen{};
  SUBCASE("another node answers there") {
    std::string wrong = node.id;
    wrong[0] = wrong[0] == '0' ? '1' : '0';
    seen = run(folder, {"status", "--node", wrong + '@' + node.at});
    exit = 5;
  }
  SUBCASE("nobody listens there") {
    seen = run(folder, {"status", "--node", node.id + '@' + kUnserved});
    exit = 7;
  }
  CHECK(seen.exit == exit);
  CHECK(seen.out.empty());
  CHECK(contains(seen.err, "cannot be reached: "));
  CHECK_FALSE(contains(seen.err, "does not accept this key"));
  CHECK_FALSE(contains(seen.err, "wrong_id"));
  CHECK(contains(seen.err, "try: troupe status, at that node, shows"));
}
