// What `troupe dht put` says of what it has put, with nodes that are real processes.
#include "tests/cluster/dht_cluster.hpp"

using namespace troupe;
using namespace troupe::test;

TEST_CASE("cluster dht put: a file that cannot be read to its end is an error of the file, not of the program") {
  Cluster cluster(1);
  // Its first byte is of no page.
  const Seen seen = cluster.run(0, {"dht", "put", "--from", "/proc/self/mem"});
  CHECK(seen.exit == 1);
  CHECK_MESSAGE(contains(seen.err, "error: the lines cannot be read to their end\n"), seen.err);
  CHECK(contains(seen.err, "\ntry: troupe help dht put\n"));

  // Its first read would look like the end, and an empty value be put.
  for (const std::string what : {"name -", "--from -"}) {
    const std::string command = '"' + binary() + "\" dht put " + what + " --data \"" + cluster.nodes[0]->data +
                                "\" < / 2> \"" + cluster.folder / "complaint" + '"';
    CHECK(WEXITSTATUS(std::system(command.c_str())) == 1);
    CHECK(content(cluster.folder / "complaint").starts_with("error: cannot read standard input: it is a directory\n"));
  }
  CHECK(cluster.run(0, {"dht", "get", "name"}).exit == 7);
}
