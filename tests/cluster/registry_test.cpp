// The registry at real nodes: what they offer, who lives, and what is told of it.
#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// Rows of `registry ls` in JSON, with these options, that hold `text`.
std::size_t rows(Cluster& cluster, std::size_t node, const std::string& text, std::vector<std::string> options = {}) {
  std::vector<std::string> words{"registry", "ls", "--json"};
  words.insert(words.end(), options.begin(), options.end());
  const std::string out = cluster.run(node, words).out;
  std::size_t found = 0;
  for (auto at = out.find(text); at != std::string::npos; at = out.find(text, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("cluster registry: nodes are listed with what they offer, and those that die are offline") {
  Cluster cluster(6, {"--set", "registry.heartbeat=2s"});
  REQUIRE(until([&] { return rows(cluster, 0, R"("status":"healthy")") == 6; }));
  for (const auto& node : cluster.nodes) {
    const std::string row = "\"node\":\"" + node->id + '"';
    CHECK(until([&] { return rows(cluster, 5, row) == 1; }));
  }
  CHECK(until([&] { return rows(cluster, 1, R"("arch":")") == 6; }));

  const std::vector<std::string> registered{
      "registry", "register", "--capability", "gpu=a100", "--capability", "vram=8G", "--price", "7", "--request", "r"};
  CHECK(line(cluster.run(2, registered)) == cluster.nodes[2]->id);
  CHECK(line(cluster.run(2, registered)) == cluster.nodes[2]->id);
  CHECK(cluster.run(2, {"registry", "register", "--capability", "gpu", "--request", "r"}).exit == 5);
  REQUIRE(until([&] { return rows(cluster, 5, "\"node\":", {"--need", "gpu=a100,vram>=4G"}) == 1; }));
  CHECK(until([&] { return rows(cluster, 5, R"("price":"7")", {"--need", "gpu"}) == 1; }));
  CHECK(rows(cluster, 5, "\"node\":", {"--need", "vram>8G"}) == 0);

  cluster.kill(3);
  REQUIRE(until([&] { return rows(cluster, 0, "\"node\":", {"--status", "offline"}) == 1; }));
  CHECK(until([&] { return rows(cluster, 4, "\"node\":", {"--status", "healthy"}) == 5; }));
  Program watch({"registry", "ls", "--watch", "--json", "--data", cluster.nodes[0]->data}, cluster.folder / "watch");
  const auto told = [&](const char* status) {
    return contains(watch.out(), "\"node\":\"" + cluster.nodes[1]->id + "\",\"status\":\"" + status + '"');
  };
  REQUIRE(until([&] { return told("healthy"); }));
  CHECK(line(cluster.run(1, {"registry", "unregister"})) == cluster.nodes[1]->id);
  REQUIRE(until([&] { return rows(cluster, 0, "\"node\":") == 5; }));
  CHECK(until([&] { return told("gone"); }));
  watch.kill(SIGINT);
  watch.wait();

  // What was set and heard outlives the nodes.
  cluster.nodes[2]->kill(SIGTERM);
  cluster.nodes[2]->wait();
  cluster.restart(2);
  cluster.restart(3);
  REQUIRE(until([&] { return rows(cluster, 0, "\"node\":", {"--status", "healthy"}) == 5; }));
  CHECK(until([&] { return rows(cluster, 0, "\"node\":", {"--need", "gpu"}) == 1; }));
  const auto view = [&] {
    return cluster.run(0, {"registry", "view", cluster.nodes[2]->id, "--history", "--json"}).out;
  };
  REQUIRE(until([&] { return contains(view(), R"("status":"healthy","load":)"); }));
  CHECK(contains(view(), "\"address\":\"" + cluster.nodes[2]->at + '"'));

  CHECK(cluster.run(0, {"registry", "view", std::string(40, '7')}).exit == 4);
  CHECK(cluster.run(0, {"registry", "view", "7"}).exit == 2);
  CHECK(cluster.run(0, {"registry", "ls", "--need", "memory>"}).exit == 2);
  CHECK(cluster.run(0, {"registry", "register", "--capability", "cpu=64"}).exit == 2);
}

TEST_CASE("cluster registry: a node reads again at SIGHUP from which use of memory on others are unhealthy") {
  Cluster cluster(2, {"--set", "registry.heartbeat=2s"});
  REQUIRE(until([&] { return rows(cluster, 0, R"("status":"healthy")") == 2; }));
  std::ofstream(cluster.nodes[0]->data + "/config.toml") << "[registry]\nmemory_max = 1\n";
  cluster.nodes[0]->kill(SIGHUP);
  CHECK(until([&] { return rows(cluster, 0, R"("status":"unhealthy")") > 0; }));
  CHECK(until([&] { return contains(cluster.nodes[0]->err(), "config: changed key=registry.memory_max value=1"); }));
}
