// Keys of `troupe api`: what each may do, whose things are, grants, revocation, and the audit trail.
#include "tests/cluster/api_fixture.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

const std::string kUpload = "-X PUT --data-binary @";

struct Keys : Api {
  explicit Keys(std::vector<std::string> more = {}) : Api(std::move(more)) {}

  std::string make(const std::vector<std::string>& more) {
    std::vector<std::string> words{"api", "key", "new"};
    words.insert(words.end(), more.begin(), more.end());
    const Seen made = cluster.run(0, words);
    REQUIRE_MESSAGE(made.exit == 0, made.err);
    const std::string key = made.out.substr(0, made.out.size() - 1);
    REQUIRE(until([&] { return with(key, "/v1/status") != "401"; }));  // the API learns of it
    return key;
  }
  static std::string id(const std::string& key) { return key.substr(0, key.find('.')); }
  void begin_group() {
    CHECK(status("/v1/raft/init", "-X POST") == "200");
    REQUIRE(until([&] { return status("/v1/kv/put/of-the-node", R"(-d '{"value":"0"}')") == "200"; }));
  }
  std::string put(const std::string& key, const std::string& name, const std::string& value) {
    return with(key, "/v1/kv/put/" + name, "-d '{\"value\":\"" + value + "\"}'");
  }
  /// The audit trail, verified.
  std::string trail() {
    const Seen verified = cluster.run(0, {"audit", "verify", "--json"});
    CHECK_MESSAGE(verified.exit == 0, verified.out);
    return cluster.run(0, {"audit", "ls", "--json"}).out;
  }
};

}  // namespace

TEST_CASE("cluster api keys: a role allows, and a key is made, listed and revoked") {
  Keys api;
  const std::string viewer = api.make({"--role", "viewer"}), user = api.make({"--role", "user"}),
                    operator_ = api.make({"--role", "operator"}), admin = api.make({"--role", "admin"});
  CHECK(api.with(viewer, "/v1/status") == "200");
  CHECK(api.with(viewer, "/v1/audit/ls") == "403");
  CHECK(api.with(viewer, "/v1/kv/put/a", R"(-d '{"value":"1"}')") == "403");
  CHECK(contains(api.body(), R"("code":"refused","message":"this needs a key with the role user")"));
  CHECK(api.with(operator_, "/v1/audit/ls") == "200");
  CHECK(api.with(operator_, "/v1/api/key/ls") == "403");
  CHECK(api.with(admin, "/v1/api/key/ls") == "200");
  CHECK(contains(api.body(), "\"id\":\"" + Keys::id(viewer) + "\",\"role\":\"viewer\",\"scopes\":[],\"rate\":null"));
  CHECK_FALSE(contains(api.body(), viewer.substr(17)));
  CHECK(api.with(admin, "/v1/api/key/new", R"(-d '{"role":"viewer","expires":"1h"}')") == "200");
  const std::string made = api.body().substr(10, 81);
  REQUIRE(until([&] { return api.with(made, "/v1/status") == "200"; }));
  const std::string wrong = made.substr(0, 80) + (made.back() == '0' ? '1' : '0');
  CHECK(api.with(wrong, "/v1/status") == "401");
  CHECK(api.with(Keys::id(made), "/v1/status") == "401");
  CHECK(api.status("/v1/api/key/revoke/" + Keys::id(made), "-X POST") == "200");
  CHECK(until([&] { return api.with(made, "/v1/status") == "401"; }));
  CHECK(api.status("/v1/api/key/revoke/" + Keys::id(made), "-X POST") == "404");
  const std::string brief = api.make({"--role", "viewer", "--expires", "2s"});
  CHECK(until([&] { return api.with(brief, "/v1/status") == "401"; }));
  const std::string slow = api.make({"--role", "viewer", "--rate", "1"});
  CHECK(until([&] { return api.with(slow, "/v1/status") == "429"; }));
  CHECK(contains(api.body(), "\"code\":\"overloaded\""));
  // Keys outlive the node and the API.
  api.cluster.kill(0);
  api.cluster.restart(0);
  CHECK(until([&] { return api.with(viewer, "/v1/status") == "200"; }));
  const std::string trail = api.trail();
  CHECK(contains(trail, "\"command\":\"api key revoke\",\"name\":\"" + Keys::id(made)));
  CHECK(contains(trail, "\"key\":\"" + Keys::id(viewer)));
  for (const std::string& key : {viewer, user, operator_, admin, made, api.token}) {
    CHECK_FALSE(contains(trail + api.api->out() + api.api->err(), key.substr(17)));
  }
}

TEST_CASE("cluster api keys: a scope is about the call, however its path is written") {
  Keys api;
  api.begin_group();
  CHECK(api.status("/v1/kv/put/secret%2F1", R"(-d '{"value":"s"}')") == "200");
  CHECK(api.status("/v1/kv/put/public%2F1", R"(-d '{"value":"p"}')") == "200");
  const std::string key = api.make({"--role", "operator", "--scope", "/v1/kv/*/public%2F*", "--scope", "/v1/kv/ls",
                                    "--scope", "/v1/kv/txn", "--scope", "/v1/status"});
  CHECK(api.with(key, "/v1/kv/get/public%2F1") == "200");
  CHECK(api.with(key, "/v1/kv/get?key=public%2F1") == "200");
  CHECK(api.with(key, "/v1/kv/get?hex=true&key=7075626c69632f31") == "200");
  CHECK(api.with(key, "/v1/peers") == "403");
  for (const char* path :
       {"/v1/kv/get/secret%2F1", "/v1/kv/get/secret%2f1", "/v1/kv/get/%73ecret%2F1", "/v1/kv/get?key=secret/1",
        "/v1/kv/get?key=secret%2F1", "/v1/kv/g%65t/secret%2F1", "/v1/kv/get?hex=true&key=7365637265742f31",
        "/v1/kv/get?hex=true&key=7365637265742F31", "/v1/kv/get/7365637265742f31?hex=true"})
    CHECK_MESSAGE(api.with(key, path) == "403", path);
  for (const char* path : {"/v1/kv/get/public/../secret%2F1", "/v1/kv/get/public%2F1/../secret%2F1"})
    CHECK_MESSAGE(api.with(key, path) == "400", path);
  CHECK(api.with(key, "/v1/kv/ls") == "200");
  CHECK(contains(api.body(), "public/1"));
  CHECK_FALSE(contains(api.body(), "secret/1"));
  CHECK(api.with(key, "/v1/kv/txn", R"(-d '{"lines":["get public/1"]}')") == "200");
  CHECK(api.with(key, "/v1/kv/txn", R"(-d '{"lines":["get public/1","get secret/1"]}')") == "403");
  CHECK(api.with(key, "/v1/kv/txn", R"(-d '{"lines":["if secret/1 = s","get public/1"]}')") == "403");
}

TEST_CASE("cluster api keys: what a key makes belongs to it, and others need a grant") {
  Keys api;
  api.begin_group();
  const std::string ann = api.make({"--role", "user"}), bob = api.make({"--role", "user"}),
                    eve = api.make({"--role", "viewer"});
  CHECK(api.put(ann, "ann", "1") == "200");
  CHECK(api.put(ann, "ann", "2") == "200");
  CHECK(api.put(bob, "ann", "3") == "403");
  CHECK(api.with(bob, "/v1/kv/get/ann") == "403");
  CHECK(api.with(bob, "/v1/kv/get/none") == "403");
  CHECK(api.put(ann, "of-the-node", "1") == "403");
  CHECK(api.with(ann, "/v1/kv/get/ann") == "200");
  CHECK(contains(api.body(), "\"value\":\"2\""));
  CHECK(api.put(bob, "bob", "1") == "200");
  CHECK(api.with(bob, "/v1/kv/ls") == "200");
  CHECK(contains(api.body(), "\"key\":\"bob\""));
  CHECK(contains(api.body(), "{\"summary\":true,\"keys\":1,"));
  CHECK_FALSE(contains(api.body(), "\"key\":\"ann\""));
  CHECK(api.with(bob, "/v1/kv/watch?prefix=&rev=1&seconds=1") == "200");
  CHECK(contains(api.body(), "\"key\":\"bob\""));
  CHECK_FALSE(contains(api.body(), "\"key\":\"ann\""));
  CHECK(api.with(bob, "/v1/kv/batch", R"(-d '{"lines":["put bob 2","put ann 2"]}')") == "403");
  CHECK(api.with(bob, "/v1/kv/del/ann", "-X POST") == "403");

  CHECK(api.cluster.run(0, {"api", "grant", Keys::id(bob), "/v1/kv/*/ann", "read"}).exit == 0);
  CHECK(until([&] { return api.with(bob, "/v1/kv/get/ann") == "200"; }));
  CHECK(api.put(bob, "ann", "3") == "403");
  CHECK(api.with(bob, "/v1/kv/ls") == "200");
  CHECK(contains(api.body(), "\"key\":\"ann\""));
  CHECK(api.cluster.run(0, {"api", "grant", Keys::id(bob), "/v1/kv/**", "write"}).exit == 0);
  CHECK(until([&] { return api.put(bob, "ann", "3") == "200"; }));
  CHECK(contains(api.cluster.run(0, {"api", "grants", "--json"}).out,
                 "{\"key\":\"" + Keys::id(bob) + "\",\"pattern\":\"/v1/kv/**\",\"access\":\"write\"}"));

  // After its owner has removed it, a name is free.
  CHECK(api.with(ann, "/v1/kv/del/ann", "-X POST") == "200");
  CHECK(api.put(ann, "ann", "1") == "200");

  // Files: whoever stores the same bytes owns them too, and nobody removes what others own.
  const std::string file = api.folder() / "file";
  std::ofstream(file) << "bytes of ann";
  CHECK(api.with(ann, "/v1/files?replicas=1", kUpload + file) == "201");
  const std::string cid = api.body().substr(8, 64);
  CHECK(api.with(ann, "/v1/files/" + cid) == "200");
  CHECK(api.with(bob, "/v1/files/" + cid) == "403");
  CHECK(api.with(bob, "/v1/file/ls") == "200");
  CHECK(api.body() == "[]\n");
  CHECK(api.with(ann, "/v1/file/ls") == "200");
  CHECK(contains(api.body(), cid));
  CHECK(api.with(bob, "/v1/files?replicas=1", kUpload + file) == "201");
  CHECK(api.with(bob, "/v1/files/" + cid) == "200");
  CHECK(api.with(bob, "/v1/file/rm/" + cid, "-X POST") == "409");
  CHECK(api.with(eve, "/v1/files?replicas=1", kUpload + file) == "403");
  const std::string other = api.folder() / "other";
  std::ofstream(other) << "bytes of the node";
  const Seen put = api.cluster.run(0, {"file", "put", other, "--replicas", "1"});
  CHECK(api.with(ann, "/v1/files?replicas=1", kUpload + other) == "201");
  CHECK(api.with(ann, "/v1/file/rm/" + line(put), "-X POST") == "409");
  std::ofstream(other) << "more of bob";
  CHECK(api.with(bob, "/v1/files?replicas=1", kUpload + other) == "201");
  const std::string own = api.body().substr(8, 64);
  CHECK(api.with(bob, "/v1/file/rm/" + own, "-X POST") == "200");
  CHECK(api.with(bob, "/v1/files/" + own) == "403");

  // Values of the DHT.
  CHECK(api.with(ann, "/v1/dht/put/of-ann", R"(-d '{"value":"1"}')") != "403");
  CHECK(api.with(bob, "/v1/dht/put/of-ann", R"(-d '{"value":"2"}')") == "403");
  CHECK(api.with(bob, "/v1/dht/put/%2Fkv%2Fof-ann", R"(-d '{"value":"2"}')") == "403");
  CHECK(api.with(bob, "/v1/dht/get/of-ann") == "403");
  CHECK(api.with(bob, "/v1/dht/list") == "403");
  CHECK(contains(api.trail(), "\"command\":\"dht put\",\"name\":\"of-ann\""));
}

TEST_CASE("cluster api keys: a revoked key ends its streams, and a header names one request only") {
  Keys api;
  api.begin_group();
  const std::string key = api.make({"--role", "user"});
  const std::string watch = "curl -sS -m 60 -H 'Authorization: Bearer " + key + "' '" + api.url() +
                            "/v1/kv/watch/x' >" + (api.folder() / "watch") + " 2>&1; echo ended >>" +
                            (api.folder() / "watch");
  REQUIRE(std::system(("(" + watch + ") &").c_str()) == 0);
  CHECK(api.put(key, "x", "1") == "200");
  REQUIRE(until([&] { return contains(content(api.folder() / "watch"), "\"key\":\"x\""); }));
  CHECK(api.cluster.run(0, {"api", "key", "revoke", Keys::id(key)}).exit == 0);
  CHECK(until([&] { return contains(content(api.folder() / "watch"), "ended"); }));
  CHECK(api.put(key, "x", "2") == "401");

  const std::string other = api.make({"--role", "user"});
  const std::string once = "-H 'Idempotency-Key: 1' -d ";
  CHECK(api.with(other, "/v1/kv/put/y", once + R"('{"value":"1"}')") == "200");
  const std::string first = api.body();
  CHECK(api.with(other, "/v1/kv/put/y", once + R"('{"value":"1"}')") == "200");
  CHECK(contains(api.body(), "\"repeated\":true"));
  CHECK(api.with(other, "/v1/kv/put/y", once + R"('{"value":"2"}')") == "409");
  CHECK(api.with(other, "/v1/kv/put/z", once + R"('{"value":"1"}')") == "409");
}

TEST_CASE("cluster api keys: rules are checked, read again, and named by a refusal") {
  const Folder folder;
  const std::string rules = folder / "rules.toml";
  std::ofstream(rules) << "[[rule]]\nname = \"reports-only\"\ncommands = [\"file put\"]\nnames = \"reports-*\"\n";
  Keys api({"--set", "api.rules=" + rules});
  const std::string file = api.folder() / "file";
  std::ofstream(file) << "bytes";
  CHECK(api.status("/v1/files?replicas=1&name=other", kUpload + file) == "403");
  CHECK(contains(api.body(), "reports-only"));
  CHECK(api.status("/v1/files?replicas=1&name=reports-1", kUpload + file) == "201");
  CHECK(contains(api.trail(), "\"status\":403,\"rule\":\"reports-only\""));
  std::ofstream(rules) << "[[rule]]\nname = \"why\"\ncommands = [\"file *\"]\npurpose = true\n";
  CHECK(until([&] { return api.status("/v1/files?replicas=1&name=reports-1", kUpload + file) == "403"; }));
  CHECK(contains(api.body(), "why"));
  CHECK(api.status("/v1/files?replicas=1&name=x", "-H 'Purpose: audit' " + kUpload + file) == "201");
  CHECK(contains(api.trail(), "\"purpose\":\"audit\""));
}

TEST_CASE("cluster audit: a record that was changed or removed is found, also at the end") {
  Keys api;
  for (int i = 0; i < 5; ++i) (void)api.status("/v1/peers/forget/" + std::string(40, '0'), "-X POST");
  CHECK(until([&] { return contains(api.cluster.run(0, {"audit", "verify", "--json"}).out, "\"records\":5"); }));
  const std::string path = api.data() + "/audit/0000000000000001.jsonl";
  api.cluster.kill(0);
  const std::string whole = content(path);
  const auto badly = [&](const std::string& text, const std::string& bad) {
    std::ofstream(path, std::ios::trunc) << text;
    api.cluster.restart(0);
    const Seen seen = api.cluster.run(0, {"audit", "verify", "--json"});
    CHECK(seen.exit == 1);
    CHECK_MESSAGE(contains(seen.out, "\"ok\":false,\"badSeq\":" + bad), seen.out);
    api.cluster.kill(0);
  };
  std::string changed = whole;
  const auto third = changed.find("\"seq\":3");
  changed[changed.find("peers forget", third)] = 'q';
  badly(changed, "3");
  badly(whole.substr(0, whole.rfind("{\"seq\":5")), "5");
  badly(whole.substr(whole.find('\n') + 1), "1");
  std::ofstream(path, std::ios::trunc) << whole;
  api.cluster.restart(0);
  CHECK(api.cluster.run(0, {"audit", "verify"}).exit == 0);
}
