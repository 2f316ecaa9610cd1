// The OpenAPI document as programs use it: its validity, the refusals of wrong fields, and a client that knows only it.
#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// Runs a script of this folder. Returns its exit and its output.
Seen python(const Folder& folder, const std::string& script, const std::string& arguments) {
  const std::string command = "timeout 300 /usr/bin/python3 -B " TROUPE_SOURCE "/tests/cluster/" + script + ' ' +
                              arguments + " >" + (folder / "python.out") + " 2>" + (folder / "python.err") +
                              " </dev/null";
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), content(folder / "python.out"), content(folder / "python.err")};
}

/// An API of a directory, in which a node may run.
class ServedApi {
 public:
  ServedApi(const Folder& folder, const std::string& data)
      : program_({"api", "--data", data, "--listen", "127.0.0.1:0"}, folder / "api") {
    REQUIRE(until([this] { return program_.out().ends_with('\n') || program_.ended(); }));
    REQUIRE(program_.out().starts_with("ready 127.0.0.1:"));
    url_ = "http://" + program_.out().substr(6, program_.out().size() - 7);
    token_ = content(data + "/api.token").substr(0, 64);
  }
  /// Returns the arguments of a script.
  std::string url_and_token() const { return url_ + ' ' + token_; }

 private:
  Program program_;
  std::string url_, token_;
};

}  // namespace

TEST_CASE("cluster api routes: the document is valid OpenAPI 3.1") {
  const Folder folder;
  std::ofstream(folder / "openapi.json") << troupe::test::troupe(folder, {"api", "openapi"}).out;
  const std::string official = TROUPE_SOURCE "/tests/data/openapi-3.1.json";
  const Seen seen = python(folder, "api_document.py", (folder / "openapi.json") + ' ' + official);
  CHECK_MESSAGE(seen.exit == 0, seen.out << seen.err);
  std::ofstream(folder / "wrong.json") << R"({"openapi":"3.1.0","info":{},"paths":{},"components":{"schemas":{}}})";
  CHECK(contains(python(folder, "api_document.py", (folder / "wrong.json") + ' ' + official).out, "$.info"));
}

TEST_CASE("cluster api routes: each broken field is refused with 400 and the error object") {
  const Cluster cluster{1};
  const ServedApi api(cluster.folder, cluster.nodes[0]->data);
  const Seen seen = python(cluster.folder, "api_broken.py", api.url_and_token());
  CHECK_MESSAGE(seen.exit == 0, seen.out << seen.err);
}

TEST_CASE("cluster api routes: a client that knows only the document does its work") {
  const Cluster cluster{2, {"--set", "task.host_usr=true"}};
  const Folder& folder = cluster.folder;
  const ServedApi api(folder, cluster.nodes[0]->data);
  const Seen seen = python(folder, "api_client.py", api.url_and_token() + " file key");
  CHECK_MESSAGE(seen.exit == 0, seen.err);
  CHECK(contains(seen.out, R"("bytes": 262144, "same": true})"));
  CHECK(contains(seen.out, R"("key": {"seen": ["new", "paid"], "absent": "not_found"})"));
  const Seen sandbox = troupe::test::troupe(folder, {"sandbox", "run", "--root", "/", "--", "/bin/true"});
  if (sandbox.exit == 125) return skip(sandbox.err);
  const Seen ran = python(folder, "api_client.py", api.url_and_token() + " task");
  CHECK_MESSAGE(ran.exit == 0, ran.err);
  CHECK(contains(ran.out, R"("task": {"state": "done", "printed": ["the result of a task"]})"));
}
