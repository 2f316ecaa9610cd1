// `troupe api` as a process: its doors, files and watches, and a node that ends and comes back.
#include "tests/cluster/api_fixture.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

const std::string kPut = "-X PUT --data-binary @";

}  // namespace

TEST_CASE("cluster api: only the token opens the door, and only for known hosts and origins") {
  Api api({"--set", "api.hosts=[\"api.example\"]", "--set", "api.origins=[\"https://a.example\"]"});
  CHECK((std::filesystem::status(api.data() + "/api.token").permissions() & std::filesystem::perms::all) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(api.status("/v1/status") == "200");
  CHECK(contains(api.body(), "\"stage\":\"serving\""));
  CHECK(api.bare("/v1/status") == "401");
  CHECK(api.bare("/v1/status", "-H 'Authorization: Bearer " + std::string(64, '0') + "'") == "401");
  CHECK(api.bare("/v1/status?token=" + api.token) == "401");
  CHECK(contains(api.body(), R"({"error":{"code":"refused",)"));
  for (const char* path : {"/healthz", "/readyz", "/openapi.json"}) CHECK_MESSAGE(api.bare(path) == "200", path);
  CHECK(api.status("/v1/status", "-H 'Host: evil.example'") == "421");
  CHECK(api.status("/v1/status", "-H 'Host: api.example:80'") == "200");
  CHECK(api.status("/v1/status", "-H 'Host: localhost'") == "200");
  CHECK(api.status("/v1/status", "-H 'Origin: https://evil.example'") == "403");
  CHECK(api.status("/v1/status", "-H 'Origin: https://a.example'") == "200");
  CHECK(api.status("/v1/nothing") == "404");
  CHECK(api.status("/v1/status", "-X POST") == "405");
  CHECK(api.status("/v1/status?nope=1") == "400");
  CHECK(api.status("/v1/status", "-H 'X-Trace-Id: x'") == "400");
  CHECK(api.status("/v1/kv/get/%2e%2e") == "400");
  CHECK(api.status("/v1/kv/put/a", "-H 'Content-Type: text/xml' -d '<a/>'") == "415");
  CHECK(api.status("/v1/kv/put/a", "-H 'Content-Type: application/json' -d '{'") == "400");
  api.api->kill(SIGTERM);
  CHECK(api.api->wait() == 0);
  CHECK_FALSE(contains(api.api->out() + api.api->err(), api.token));
}

TEST_CASE("cluster api: without TLS it listens at a loopback address only, and a token file is one word") {
  const Folder folder;
  const auto ends = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words{"api", "--data", folder / "data"};
    words.insert(words.end(), more.begin(), more.end());
    return troupe::test::troupe(folder, words).exit;
  };
  CHECK(ends({"--listen", "0.0.0.0:0"}) == 2);
  CHECK(ends({"--listen", "127.0.0.1:0"}) == 1);  // there is no directory
  std::ofstream(folder / "token") << "two words, which are longer than 32 characters";
  CHECK(ends({"--listen", "127.0.0.1:0", "--token-file", folder / "token"}) == 1);
}

TEST_CASE("cluster api: a file goes in and comes out, whole or in part") {
  Api api;
  const std::string file = api.folder() / "file", bytes = [] {
    std::string out;
    for (std::uint32_t i = 0; out.size() < (5u << 20) + 7; ++i) out += std::to_string(i * 2'654'435'761u);
    return out;
  }();
  std::ofstream(file) << bytes;
  CHECK(api.status("/v1/files?name=a%20b.txt&replicas=1", kPut + file) == "201");
  const std::string answer = api.body(), cid = answer.substr(8, 64);
  CHECK(contains(answer, "\"name\":\"a b.txt\",\"bytes\":" + std::to_string(bytes.size())));
  CHECK(api.status("/v1/files/" + cid) == "200");
  CHECK(api.body() == bytes);
  CHECK(api.status("/v1/file/get/" + cid) == "200");
  CHECK(api.body() == bytes);
  CHECK(api.status("/v1/files/" + cid, "-I") == "200");
  CHECK(contains(api.body(), "Content-Length: " + std::to_string(bytes.size()) + "\r\n"));
  CHECK(contains(api.body(), "ETag: \"" + cid + "\"\r\n"));
  CHECK(api.status("/v1/files/" + cid, "-r 1048570-1048585") == "206");
  CHECK(api.body() == bytes.substr(1'048'570, 16));
  CHECK(api.status("/v1/files/" + cid, "-r 99999999-100000000") == "416");
  CHECK(api.status("/v1/files/" + std::string(64, '0')) == "503");  // no other node is there to ask
  CHECK(api.status("/v1/files?name=a%2Fb", kPut + file) == "409");
  CHECK(api.status("/v1/files/" + cid, kPut + file) == "405");
  CHECK(api.status("/v1/files?name=chunked", "-H 'Transfer-Encoding: chunked' " + kPut + file) == "201");
  CHECK(contains(api.body(), cid));
}

TEST_CASE("cluster api: an upload that ends early stores nothing, and the node still serves") {
  Api api;
  const std::string file = api.folder() / "file";
  std::ofstream(file) << std::string(30u << 20, 'x');
  // One client leaves, and then the API itself ends during an upload.
  CHECK(api.status("/v1/files?replicas=1", "--limit-rate 4M -m 2 " + kPut + file) != "201");
  const std::string command = "curl -sS -m 30 --limit-rate 4M -H 'Authorization: Bearer " + api.token + "' " + kPut +
                              file + " '" + api.url() + "/v1/files?replicas=1' >/dev/null 2>&1 &";
  REQUIRE(std::system(command.c_str()) == 0);
  REQUIRE(until([&] {
    return api.cluster.run(0, {"inspect", "--once", "--json"}).out.find("/files/put") != std::string::npos;
  }));
  api.api->kill(SIGKILL);
  CHECK(api.api->wait() == 128 + SIGKILL);
  CHECK(api.cluster.run(0, {"file", "ls", "--json"}).out == "[]\n");
  api.start();
  CHECK(api.status("/v1/files?replicas=1", kPut + file) == "201");
}

TEST_CASE("cluster api: it outlives its node, and serves again with it") {
  Api api;
  CHECK(api.status("/v1/peers") == "200");
  api.cluster.kill(0);
  CHECK(api.status("/v1/peers") == "503");
  CHECK_FALSE(contains(api.body(), api.data()));  // no answer has a path of this machine
  CHECK(api.bare("/readyz") == "503");
  CHECK(api.bare("/healthz") == "200");
  api.cluster.restart(0);
  CHECK(until([&] { return api.bare("/readyz") == "200"; }));
  CHECK(api.status("/v1/peers") == "200");
}

TEST_CASE("cluster api: a watch begins at once, has each change as a line, and ends with a last line") {
  Api api;
  CHECK(api.status("/v1/raft/init", "-X POST") == "200");
  REQUIRE(until([&] { return api.status("/v1/kv/put/a", "-d '{\"value\":\"1\"}'") == "200"; }));
  CHECK(api.status("/v1/kv/watch?prefix=&rev=1&count=1") == "200");
  CHECK(contains(api.body(), "\"key\":\"a\",\"keyHex\":null,\"value\":\"1\""));
  CHECK(api.body().ends_with("\n{\"end\":true}\n"));
  CHECK(api.status("/v1/kv/watch/none?seconds=1") == "200");
  CHECK(api.body() == "{\"end\":true}\n");
  CHECK(api.status("/v1/kv/watch/none", "-m 3") == "200");  // the head comes before the first change
  CHECK(api.body().empty());
  CHECK(api.status("/v1/kv/watch/none?group=other") == "404");
}
