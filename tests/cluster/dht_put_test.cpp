// What `troupe dht put` says of what it has put, with nodes that are real processes.
#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

TEST_CASE("cluster dht put: a file that cannot be read to its end is an error of the file, not of the program") {
  Cluster cluster(1);
  // Its first byte is of no page.
  const Seen seen = cluster.run(0, {"dht", "put", "--from", "/proc/self/mem"});
  CHECK(seen.exit == 1);
  CHECK_MESSAGE(contains(seen.err, "error: cannot read /proc/self/mem: "), seen.err);

  // Its first read would look like the end, and an empty value be put.
  for (const std::string what : {"name -", "--from -"}) {
    const std::string command = '"' + binary() + "\" dht put " + what + " --data \"" + cluster.nodes[0]->data +
                                "\" < / 2> \"" + cluster.folder / "complaint" + '"';
    CHECK(WEXITSTATUS(std::system(command.c_str())) == 1);
    CHECK(content(cluster.folder / "complaint").starts_with("error: cannot read standard input: it is a directory\n"));
  }
  CHECK(cluster.run(0, {"dht", "get", "name"}).exit == 7);
}

TEST_CASE("cluster dht put: what no other node has is said, alone and among many") {
  Cluster cluster(2);
  const std::string from = cluster.folder / "values";
  std::ofstream(from) << "a 1\nb 2\n";
  const std::string note = "note: no other node has it yet; this node publishes it again once it has a peer\n";
  const Seen two = cluster.run(0, {"dht", "put", "orders", "seven"});
  CHECK_MESSAGE(two.err == "stored at 2 of 2 nodes\n", two.err);
  CHECK(cluster.run(0, {"dht", "put", "--from", from}).err == "2 values, stored at 2 nodes or more\n");

  NodeProgram alone(cluster.folder, "alone");
  REQUIRE(alone.ready());
  const auto run = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"--data", alone.data});
    return troupe::test::troupe(cluster.folder, words);
  };
  for (const char* const key : {"orders", "/cid"}) {
    const Seen one = run({"dht", "put", key, "seven"});
    CHECK(one.exit == 0);
    CHECK_MESSAGE(one.err == "stored at 1 of 1 nodes\n" + note, one.err);
  }
  CHECK(run({"dht", "put", "orders", "eight", "--json"}).err.empty());
  const Seen many = run({"dht", "put", "--from", from});
  CHECK(many.exit == 0);
  CHECK_MESSAGE(many.err.starts_with("2 values, stored at 1 node or more\nnote: "), many.err);
}

TEST_CASE("cluster dht put: a line without an end is refused where one was asked for") {
  Cluster cluster(1);
  const std::string from = cluster.folder / "values";
  std::ofstream(from) << "a 1\n\n/cid 2\n";
  const Seen seen = cluster.run(0, {"dht", "put", "--from", from, "--ttl", "60"});
  CHECK(seen.exit == 2);
  CHECK_MESSAGE(seen.err.starts_with("error: line 3: --ttl needs a NAME"), seen.err);
  CHECK(seen.out.empty());
}
