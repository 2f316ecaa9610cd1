// The binary that runs nodes runs simulated worlds of the same actors.
#include "tests/cluster/program.hpp"

using namespace troupe::test;

namespace {

std::string hash_in(const std::string& line) {
  const std::string key = "\"hash\":\"";
  const auto from = line.find(key);
  REQUIRE(from != std::string::npos);
  return line.substr(from + key.size(), 16);
}

}  // namespace

TEST_CASE("cluster: a seed is the same world in two processes, another seed another one") {
  const Folder folder;
  const auto world = [&](const std::string& seed) {
    const Seen seen = troupe::test::troupe(
        folder, {"sim", "peers,files", "--seed", seed, "--nodes", "3", "--time", "5s", "--calm", "--json"});
    CHECK_MESSAGE(seen.exit == 0, seen.err);
    return hash_in(seen.out);
  };
  const std::string first = world("3");
  CHECK(world("3") == first);
  CHECK(world("4") != first);
}
