// Nodes whose files are removed under them, or cut before they start.
#include "tests/cluster/program.hpp"
#include "tests/runtime/os/http_client.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

base::Endpoint pages_of(const NodeProgram& node) {
  const std::string log = node.err(), before = "metrics: serving at=";
  const auto from = log.find(before) + before.size();
  const auto where = base::Endpoint::parse(log.substr(from, log.find('\n', from) - from));
  REQUIRE(where.has_value());
  return *where;
}

/// The logs of a database.
std::vector<std::string> logs_of(const std::string& database) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(database))
    if (entry.path().extension() == ".log") out.push_back(entry.path().string());
  return out;
}

}  // namespace

TEST_CASE("cluster: a node whose directory is removed or replaced is failing, and refuses writes") {
  const Folder folder;
  NodeProgram node(folder, "a", {"--metrics", "0"});
  REQUIRE(node.ready());
  const base::Endpoint pages = pages_of(node);
  std::ofstream(folder / "input") << "hello";
  REQUIRE(at(folder, node, {"raft", "init", "--group", "main"}).exit == 0);
  REQUIRE(at(folder, node, {"kv", "put", "a", "1"}).exit == 0);
  REQUIRE(at(folder, node, {"file", "put", folder / "input", "--replicas", "1"}).exit == 0);
  REQUIRE(http_get(pages, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));

  std::string lost = node.data;
  bool reachable = true;
  SUBCASE("its stores are removed") {
    for (const char* name : {"/store", "/files", "/raft"}) remove_folder(node.data + name);
  }
  SUBCASE("only the logs of one database") {
    for (const std::string& log : logs_of(node.data + "/files/db")) std::filesystem::remove(log);
    lost += "/files/db/";
  }
  SUBCASE("a part is moved") { std::filesystem::rename(node.data + "/raft", node.data + "/away"); }
  SUBCASE("all of it is moved") {
    std::filesystem::rename(node.data, node.data + ".away");
    reachable = false;
  }
  CHECK(until([&] { return contains(http_get(pages, "/readyz"), "failing: store.directory: " + lost); }));
  CHECK(http_get(pages, "/readyz").starts_with("HTTP/1.1 503 "));
  if (!reachable) {
    std::filesystem::rename(node.data + ".away", node.data);  // which does not make it well
    CHECK(contains(http_get(pages, "/readyz"), "failing: store.directory: " + lost));
  }
  std::ofstream(folder / "input") << "world";
  for (const std::vector<std::string>& write :
       std::vector<std::vector<std::string>>{{"kv", "put", "a", "2", "--timeout", "3s"},
                                             {"file", "put", folder / "input", "--replicas", "1", "--timeout", "3s"}}) {
    const Seen seen = at(folder, node, write);
    CHECK(seen.exit != 0);
    // A member of a group stops at the first write that its disk refuses: then there is no leader.
    if (write.front() == "file") CHECK(contains(seen.err, "was removed or replaced while it was in use"));
  }
  const Seen status = at(folder, node, {"status"});
  CHECK(status.exit == 0);
  CHECK(contains(status.out, "was removed or replaced while the node runs"));
  node.kill(SIGTERM);
  CHECK(node.wait() == 0);
}

TEST_CASE("cluster: a node whose database lost what it had synced says so, and does not start as a new one") {
  const Folder folder;
  {
    NodeProgram node(folder, "a");
    REQUIRE(node.ready());
    std::ofstream(folder / "input") << "hello";
    REQUIRE(at(folder, node, {"raft", "init", "--group", "main"}).exit == 0);
    REQUIRE(at(folder, node, {"file", "put", folder / "input", "--replicas", "1"}).exit == 0);
    node.kill(SIGKILL);
    node.wait();
  }
  const std::string data = folder / "a.data";
  std::string database = "store/db";
  std::vector<std::string> command{"raft", "ls"};
  SUBCASE("an emptied log of the store") {
    for (const std::string& log : logs_of(data + "/store/db")) std::ofstream(log, std::ios::trunc);
  }
  SUBCASE("a log of the store that is cut in half") {
    for (const std::string& log : logs_of(data + "/store/db"))
      std::filesystem::resize_file(log, std::filesystem::file_size(log) / 2);
  }
  SUBCASE("the whole store is missing") { std::filesystem::remove_all(data + "/store"); }
  SUBCASE("a log of the files that is cut in half") {
    database = "files/db";
    command = {"file", "ls"};
    for (const std::string& log : logs_of(data + "/files/db"))
      std::filesystem::resize_file(log, std::filesystem::file_size(log) / 2);
  }
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  CHECK(until([&] { return contains(at(folder, node, {"status"}).out, database + "/0"); }));
  const Seen seen = at(folder, node, command);
  CHECK(seen.exit != 0);
  CHECK(contains(seen.err, database + "/0"));
  CHECK(contains(seen.err, "of it were stored"));
}

TEST_CASE("cluster: a node that keeps a book or a chain, and whose store was cut, starts, and refuses what is asked") {
  const Folder folder;
  std::vector<std::string> options, command;
  SUBCASE("a book") {
    options = {"--set", "ledger.book=self"};
    command = {"wallet", "audit"};
  }
  SUBCASE("escrows of a book") {
    options = {"--set", "ledger.book=self"};
    command = {"escrow", "ls"};
  }
  SUBCASE("a chain") {
    options = {"--chain", "dev"};
    command = {"chain", "status"};
  }
  std::string data;
  {
    NodeProgram node(folder, "a", options);
    REQUIRE(node.ready());
    REQUIRE(until([&] { return at(folder, node, command).exit == 0; }));
    data = node.data;
    node.kill(SIGKILL);
    node.wait();
  }
  for (const std::string& log : logs_of(data + "/store/db"))
    std::filesystem::resize_file(log, std::filesystem::file_size(log) / 2);
  NodeProgram node(folder, "a", options);
  REQUIRE(node.ready());
  const Seen seen = at(folder, node, command);
  CHECK(seen.exit != 0);
  CHECK_MESSAGE(contains(seen.err, "store/db/0"), seen.err);
  CHECK(contains(at(folder, node, {"status"}).out, "failing"));
}
