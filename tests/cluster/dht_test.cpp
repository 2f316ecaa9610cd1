// The DHT among nodes that are real processes.
#include <sstream>

#include "runtime/base/bytes.hpp"
#include "tests/cluster/cluster.hpp"

using namespace troupe;
using namespace troupe::test;

TEST_CASE("cluster dht: what is put at one node is got at another, also when the first was killed") {
  Cluster cluster(4);
  const Seen put = cluster.run(0, {"dht", "put", "orders/17", "seven"});
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  const std::string key = line(put);
  CHECK(key.starts_with("/kv/"));
  CHECK(key.size() == 44);
  const Seen got = cluster.run(2, {"dht", "get", key});
  CHECK(got.exit == 0);
  CHECK(got.out == "seven");
  CHECK(cluster.run(0, {"dht", "get", "orders/17"}).out == "seven");
  const Seen own = cluster.run(1, {"dht", "put", "/pk"});
  CHECK(own.exit == 0);
  CHECK(line(own) == "/pk/" + cluster.nodes[1]->id);
  CHECK(cluster.run(3, {"dht", "get", line(own)}).out.size() == 32);

  const Seen json = cluster.run(3, {"dht", "get", key, "--json"});
  for (const char* const field :
       {"\"value\":\"seven\"", "\"valueHex\":\"736576656e\"", "\"bytes\":5", "\"sealed\":false", "\"owner\":\"",
        "\"name\":\"orders/17\"", "\"sequence\":", "\"search\":{\"ending\":"})
    CHECK_MESSAGE(contains(json.out, field), json.out);

  cluster.kill(0);
  for (const std::size_t node : {1, 2, 3}) CHECK(cluster.run(node, {"dht", "get", key}).out == "seven");
  // It comes back knowing whom it knew, and with what it held.
  const std::string id = cluster.nodes[0]->id;
  cluster.restart(0);
  CHECK(cluster.nodes[0]->id == id);
  CHECK(cluster.knows(0, 3));
  for (const std::size_t node : {1, 2, 3}) cluster.kill(node);
  CHECK(cluster.run(0, {"dht", "get", key}).out == "seven");
}

TEST_CASE("cluster dht: a value may be any bytes, and comes from standard input") {
  Cluster cluster(2);
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  std::ofstream(cluster.folder / "value", std::ios::binary) << all;
  // The program under test reads no input but what a shell gives it.
  const std::string command = '"' + binary() + "\" dht put /cid - --data \"" + cluster.nodes[0]->data + "\" < \"" +
                              cluster.folder / "value" + "\" > \"" + cluster.folder / "key" + "\" 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
  std::string key = content(cluster.folder / "key");
  REQUIRE(key.size() == 70);
  key.pop_back();
  CHECK(key.starts_with("/cid/"));
  CHECK(cluster.run(1, {"dht", "get", key}).out == all);
  const Seen json = cluster.run(1, {"dht", "get", key, "--json"});
  CHECK(contains(json.out, "\"value\":null"));
  CHECK(contains(json.out, "\"valueHex\":\"" + base::hex(base::as_bytes(all)) + '"'));
}

TEST_CASE("cluster dht: many values are put from a file and got by one command") {
  Cluster cluster(3);
  const std::string from = cluster.folder / "values";
  std::ofstream(from) << "orders/1 seven\n/kv/orders/2\teight and more\n/cid some bytes\nempty \n";
  const Seen put = cluster.run(0, {"dht", "put", "--from", from});
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  std::vector<std::string> keys;
  std::istringstream lines(put.out);
  for (std::string one; std::getline(lines, one);) keys.push_back(one);
  REQUIRE(keys.size() == 4);
  CHECK(keys[0].starts_with("/kv/"));
  CHECK(keys[2].starts_with("/cid/"));
  CHECK(cluster.run(2, {"dht", "get", keys[1]}).out == "eight and more");
  const Seen got = cluster.run(1, {"dht", "get", keys[0], keys[1], keys[2], keys[3]});
  CHECK_MESSAGE(got.exit == 0, got.err);
  CHECK(got.out == keys[0] + " seven\n" + keys[1] + " eight and more\n" + keys[2] + " some bytes\n" + keys[3] + " \n");
  const std::string nobodys = "/cid/" + std::string(64, '1');
  const Seen some = cluster.run(1, {"dht", "get", keys[0], nobodys});
  CHECK(some.exit == 3);
  CHECK(some.out == keys[0] + " seven\n");
  CHECK(contains(some.err, nobodys + ": no node that should store this key has a value\n"));
  CHECK(contains(some.err, "1 of 2 values were found"));
  CHECK(cluster.run(1, {"dht", "get", nobodys, nobodys}).exit == 4);
  const Seen json = cluster.run(1, {"dht", "get", keys[0], nobodys, "--json"});
  CHECK(contains(json.out, "\"value\":\"seven\""));
  CHECK(contains(json.out, "{\"key\":\"" + nobodys + "\",\"error\":{\"code\":\"not_found\""));

  const auto exit = [&](const std::string& text) {
    std::ofstream(from) << text;
    return cluster.run(0, {"dht", "put", "--from", from}).exit;
  };
  CHECK(exit("") == 0);
  CHECK(exit("name\n") == 2);
  CHECK(exit("/pk x\n") == 2);
  CHECK(exit("\n") == 0);
  CHECK(exit("\n\nname x\n\n") == 0);
  const auto complaint = [&](const std::string& text) {
    std::ofstream(from) << text;
    return cluster.run(0, {"dht", "put", "--from", from}).err;
  };
  CHECK(contains(complaint("name x\n\nlonely\n"), "line 3: "));
  CHECK(contains(complaint(std::string(65, 'n') + " x\n"), "error: line 1: a name has at most 64 bytes"));
  std::string many;
  for (int i = 0; i < 64; ++i) many += "name x\n";
  CHECK(contains(complaint(many + "lonely\n"), "outcome: the printed results are valid\n"));
  CHECK(exit("name " + std::string(70'000, 'a')) == 2);
  CHECK(exit("name " + std::string(65'536, 'a')) == 0);
  const Seen no_file = cluster.run(0, {"dht", "put", "--from", cluster.folder / "none"});
  CHECK(no_file.exit == 4);
  CHECK(contains(no_file.err, "\ntry: troupe help dht put\n"));
  CHECK(cluster.run(0, {"dht", "put", "name", "x", "--from", from}).exit == 2);
  CHECK(cluster.run(0, {"dht", "put"}).exit == 2);
}

TEST_CASE("cluster dht: exits say what went wrong") {
  Cluster cluster(3);
  const auto exit = [&](std::vector<std::string> arguments) { return cluster.run(1, std::move(arguments)).exit; };
  const std::string id(40, '1'), cid(64, '1');
  for (const std::string key : {"/other/x", "/cid/xyz", "/pk/xyz", "/kv/", "/cid"})
    CHECK(exit({"dht", "get", key}) == 2);
  CHECK(exit({"dht", "put", "/kv/" + id, "x"}) == 2);
  CHECK(exit({"dht", "put", "/cid/" + cid, "x"}) == 2);
  CHECK(exit({"dht", "put", "name"}) == 2);
  CHECK(exit({"dht", "put", "/pk", "x"}) == 2);
  CHECK(exit({"dht", "put", "name", "x", "--reader", "xyz"}) == 2);
  CHECK(exit({"dht", "find", "xyz"}) == 2);
  CHECK(exit({"dht", "provide", "xyz"}) == 2);
  CHECK(exit({"dht", "get", "/kv/" + id}) == 4);
  CHECK(exit({"dht", "get", "/cid/" + cid}) == 4);
  CHECK(exit({"dht", "get", "no-such-name"}) == 4);
  CHECK(exit({"dht", "provide", cid}) == 4);
  CHECK(contains(cluster.run(1, {"dht", "providers", cid}).err, ": troupe dht provide " + cid + '\n'));
  CHECK(exit({"dht", "providers", cid}) == 4);
  CHECK(exit({"dht", "find", id}) == 0);

  REQUIRE(exit({"dht", "put", "orders", "first"}) == 0);
  const Seen conflict = cluster.run(1, {"dht", "put", "orders", "second", "--expect", "1"});
  CHECK(conflict.exit == 5);
  CHECK(contains(conflict.err, "conflict"));
  CHECK(contains(conflict.err, "\ntry: troupe dht get orders --data "));
  CHECK(exit({"dht", "put", "nobodys", "x", "--expect", "1"}) == 5);
  CHECK(exit({"dht", "get", "nobodys"}) == 4);
  CHECK(contains(cluster.run(1, {"dht", "provide", cid}).err, "\ntry: troupe file ls --data "));
  CHECK(contains(cluster.run(1, {"dht", "find", "xyz"}).err, "got \"xyz\"\n"));
  CHECK(conflict.out.empty());
  CHECK(cluster.run(1, {"dht", "get", "orders"}).out == "first");

  const std::string nowhere = cluster.folder / "nowhere";
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"dht", "put", "a", "b"}, {"dht", "get", "a"}, {"dht", "find", id}, {"dht", "table"}}) {
    auto words = arguments;
    words.insert(words.end(), {"--data", nowhere});
    CHECK(troupe::test::troupe(cluster.folder, words).exit == 7);
  }
}

namespace {

/// A field of `status --json` that is text.
std::string status_field(Cluster& cluster, std::size_t node, const std::string& field) {
  const std::string json = cluster.run(node, {"status", "--json"}).out;
  const auto from = json.find('"' + field + "\":\"") + field.size() + 4;
  return json.substr(from, json.find('"', from) - from);
}

}  // namespace

TEST_CASE("cluster dht: another node's name is got, and sealed for, by its id") {
  Cluster cluster(2);
  const std::string first = status_field(cluster, 0, "node"), second = status_field(cluster, 1, "node");
  REQUIRE(cluster.run(0, {"dht", "put", "orders", "seven"}).exit == 0);
  REQUIRE(cluster.run(1, {"dht", "put", "orders", "eight"}).exit == 0);
  CHECK(cluster.run(1, {"dht", "get", "orders@" + first}).out == "seven");
  CHECK(cluster.run(0, {"dht", "get", "orders@" + first}).out == "seven");
  CHECK(cluster.run(0, {"dht", "get", "orders", "/kv/orders@" + second}).out ==
        "orders seven\n/kv/orders@" + second + " eight\n");
  const std::string sealed = line(cluster.run(0, {"dht", "put", "sealed", "hush", "--reader", second}));
  CHECK(cluster.run(1, {"dht", "get", sealed}).out == "hush");
  CHECK(cluster.run(0, {"dht", "get", sealed}).exit == 5);
  const std::string own = line(cluster.run(0, {"dht", "put", "own", "mine", "--reader", first}));
  CHECK(cluster.run(0, {"dht", "get", own}).out == "mine");
  const Seen unknown = cluster.run(0, {"dht", "get", "orders@" + std::string(40, '1')});
  CHECK(unknown.exit == 4);
  CHECK(contains(unknown.err, "troupe dht put /pk"));
  cluster.kill(1);
  const Seen gone = cluster.run(0, {"dht", "get", "orders@" + second});
  CHECK((gone.exit == 4 || gone.exit == 7));
  CHECK(contains(gone.err, "the key of " + second + " is not known"));
  CHECK(contains(gone.err, "troupe dht put /pk"));
}

TEST_CASE("cluster dht: a value that is sealed for others is refused, alone and among several") {
  Cluster cluster(2);
  const std::string key = status_field(cluster, 0, "publicKey");
  CHECK(line(cluster.run(0, {"dht", "put", "/pk"})) == "/pk/" + status_field(cluster, 0, "node"));
  const std::string open = line(cluster.run(0, {"dht", "put", "open", "seven"}));
  const std::string sealed = line(cluster.run(0, {"dht", "put", "sealed", "hush", "--reader", key}));
  const std::string nobodys = "/cid/" + std::string(64, '1');
  const auto get = [&](std::size_t node, std::vector<std::string> keys) {
    keys.insert(keys.begin(), {"dht", "get"});
    return cluster.run(node, std::move(keys));
  };
  CHECK(get(0, {sealed}).out == "hush");
  CHECK(get(0, {sealed, open}).exit == 0);
  for (const auto& keys : std::vector<std::vector<std::string>>{{sealed}, {sealed, sealed}, {open, sealed}}) {
    const Seen refused = get(1, keys);
    CHECK(refused.exit == 5);
    CHECK(contains(refused.err, "sealed, but not for this node"));
    CHECK(contains(refused.err, "\ntry: at a node that is a reader"));
  }
  const Seen two = get(1, {open, sealed});
  CHECK(two.out == open + " seven\n");
  CHECK(contains(two.err, sealed + ": the value is sealed, but not for this node\n"));
  CHECK(get(1, {open, sealed, nobodys}).exit == 3);
  const Seen hex = get(1, {sealed, open, "--json"});
  CHECK(contains(hex.out, "\"sealed\":true"));
  CHECK(hex.out.find("\"value\":null,\"valueHex\":\"") < hex.out.find("\"value\":\"seven\""));
}

TEST_CASE("cluster dht: a value that is withdrawn is published no more") {
  Cluster cluster(2);
  const std::string key = line(cluster.run(0, {"dht", "put", "orders", "seven"}));
  const auto published = [&] { return cluster.run(0, {"dht", "list", "--space", "published"}).out; };
  CHECK(contains(published(), "orders"));
  const Seen withdrawn = cluster.run(0, {"dht", "withdraw", "orders"});
  CHECK(withdrawn.exit == 0);
  CHECK(line(withdrawn) == key);
  CHECK_FALSE(contains(published(), "orders"));
  const Seen again = cluster.run(0, {"dht", "withdraw", key});
  CHECK(again.exit == 4);
  CHECK(contains(again.err, "\ntry: troupe dht list --space published"));
  CHECK(cluster.run(1, {"dht", "get", key}).out == "seven");  // until it expires
  cluster.restart(0);
  CHECK_FALSE(contains(published(), "orders"));
}

TEST_CASE("cluster dht: tables, explanations and providers are as the manual says") {
  Cluster cluster(3);
  const Seen table = cluster.run(0, {"dht", "table", "--json"});
  CHECK(table.exit == 0);
  CHECK(table.out.starts_with("[{\"bucket\":"));
  for (const char* const field : {"\"contacts\":[{\"node\":\"", "\"address\":\"127.0.0.1:", "\"lastSeenS\":"})
    CHECK(contains(table.out, field));
  for (const std::size_t other : {1, 2}) CHECK(contains(table.out, cluster.nodes[other]->id));

  const Seen put = cluster.run(0, {"dht", "put", "orders", "seven", "--explain"});
  CHECK(put.exit == 0);
  CHECK(line(put).size() == 44);
  for (const std::size_t other : {1, 2}) CHECK(contains(put.err, cluster.nodes[other]->id.substr(0, 8)));
  const Seen get = cluster.run(1, {"dht", "get", line(put), "--explain"});
  CHECK(get.out == "seven");
  CHECK(contains(get.err, "WHY ASKED"));
  const Seen none = cluster.run(1, {"dht", "get", "no-such-name", "--explain"});
  CHECK(none.exit == 4);
  CHECK(none.out.empty());
  for (const char* const part : {"WHY ASKED", "error: no node that should store this key has a value"})
    CHECK_MESSAGE(contains(none.err, part), none.err);
  const Seen json = cluster.run(1, {"dht", "get", "no-such-name", "--explain", "--json"});
  CHECK(json.exit == 4);
  CHECK_MESSAGE(contains(json.out, "\"value\":null"), json.out);
  CHECK_MESSAGE(contains(json.out, "\"questions\":[{"), json.out);

  std::ofstream(cluster.folder / "file") << "bytes";
  const std::string cid = line(cluster.run(1, {"file", "put", cluster.folder / "file", "--replicas", "1"}));
  // Which node has it follows from its id: one of them can provide it, and the others hold nothing.
  std::size_t providing = 0;
  for (std::size_t node = 0; node < 3; ++node) {
    const int exit = cluster.run(node, {"dht", "provide", cid}).exit;
    CHECK((exit == 0 || exit == 4));
    providing += exit == 0;
  }
  CHECK(providing >= 1);
  const Seen found = cluster.run(2, {"dht", "providers", cid, "--json"});
  CHECK(found.exit == 0);
  CHECK(contains(found.out, "\"nodes\":[{\"node\":\""));
}

TEST_CASE("cluster dht: a node that listens at all addresses is found once others say where they see it") {
  Cluster cluster(3);
  NodeProgram open(cluster.folder, "open",
                   {"--listen", "0.0.0.0:0", "--join", cluster.nodes[0]->id + '@' + cluster.nodes[0]->at});
  REQUIRE(open.ready());
  REQUIRE(open.at.starts_with("0.0.0.0:"));
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(cluster.knows(i, 3));
  CHECK(contains(cluster.run(2, {"dht", "table", "--json"}).out, "\"127.0.0.1:" + open.at.substr(8) + '"'));
}

TEST_CASE("cluster dht: what is put is told to a command that listens, and the listening ends with it") {
  Cluster cluster(4);
  const std::string key = line(cluster.run(0, {"dht", "put", "orders", "one"}));
  const auto listen = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"dht", "listen", key, "--data", cluster.nodes[2]->data};
    words.insert(words.end(), more.begin(), more.end());
    return std::make_unique<Program>(words, cluster.folder / "listen");
  };
  const auto is_told = [&](std::size_t node) {
    const Seen seen = cluster.run(node, {"inspect", "/dht", "--once"});
    CHECK(seen.exit == 0);
    return contains(seen.out, "listeners=1");
  };
  const auto ear = listen({});
  REQUIRE(until([&] { return contains(ear->err(), "listening at "); }));
  CHECK(contains(ear->out(), " one\n"));
  REQUIRE(cluster.run(0, {"dht", "put", "orders", "two"}).exit == 0);
  CHECK(until([&] { return contains(ear->out(), " two\n"); }));
  CHECK(is_told(1));

  SUBCASE("one that is killed") {
    ear->kill(SIGKILL);
    ear->wait();
  }
  SUBCASE("one that is interrupted says so") {
    ear->kill(SIGINT);
    CHECK(ear->wait() == 130);
    CHECK(contains(ear->err(), "ended: interrupted; 2 came"));
  }
  // The holders hear of it at once, long before the lease ends.
  CHECK(until([&] { return !is_told(1); }));

  const auto counted = listen({"--count", "2", "--json"});
  REQUIRE(until([&] { return contains(counted->out(), "\"value\":\"two\""); }));
  REQUIRE(cluster.run(0, {"dht", "put", "orders", "three"}).exit == 0);
  CHECK(counted->wait() == 0);
  CHECK(contains(counted->out(), "\"value\":\"three\""));
  CHECK(contains(counted->out(), "{\"summary\":true,\"why\":\"the requested number of items has come\",\"items\":2}"));
  CHECK(cluster.run(1, {"dht", "listen", "/pk"}).exit == 2);
  CHECK(cluster.run(1, {"dht", "listen", "nothing", "--seconds", "1"}).exit == 0);
}

TEST_CASE("cluster dht: what a node holds is read back, and cleaned") {
  Cluster cluster(2, {"--set", "registry.active=false"});
  REQUIRE(cluster.run(0, {"dht", "put", "orders", "seven"}).exit == 0);
  REQUIRE(cluster.run(0, {"dht", "put", "/cid", "bytes"}).exit == 0);
  for (const std::string command : {"check", "clean"}) {
    const Seen seen = cluster.run(1, {"dht", command, "--json"});
    CHECK(seen.exit == 0);
    CHECK_MESSAGE(seen.out.starts_with("{\"summary\":true,\"rows\":2,"), seen.out);
    CHECK(contains(seen.out, "\"troubles\":0,\"removed\":0,\"removedBytes\":0,\"spaces\":[{\"space\":\"pk\""));
    CHECK(contains(cluster.run(0, {"dht", command, "--json"}).out, "{\"space\":\"published\",\"rows\":2,"));
  }
  CHECK(cluster.run(1, {"dht", "get", "/kv/" + std::string(40, '0')}).exit == 4);

  const Seen held = cluster.run(1, {"dht", "list", "--json"});
  CHECK(held.exit == 0);
  CHECK_MESSAGE(contains(held.out, "\"name\":\"orders\""), held.out);
  CHECK_MESSAGE(contains(held.out, "{\"summary\":true,\"rows\":2,\"bytes\":10}"), held.out);
  const Seen published = cluster.run(0, {"dht", "list", "--space", "published"});
  CHECK_MESSAGE(contains(published.out, "published /kv/"), published.out);
  const std::string cid = " /cid/";
  REQUIRE(contains(published.out, cid));
  CHECK(cluster.run(0, {"dht", "get", published.out.substr(published.out.find(cid) + 1, 5 + 64)}).out == "bytes");
  CHECK(cluster.run(0, {"dht", "list", "--space", "other"}).exit == 2);
}

TEST_CASE("cluster dht: clean says of what has expired that it stays for the first hour") {
  Cluster cluster(1);
  REQUIRE(cluster.run(0, {"dht", "put", "orders", "seven", "--ttl", "1"}).exit == 0);
  cluster.kill(0);
  cluster.restart(0);
  REQUIRE(until([&] { return contains(cluster.run(0, {"dht", "check", "--json"}).out, "\"expired\":1,"); }));
  const Seen clean = cluster.run(0, {"dht", "clean"});
  CHECK(clean.exit == 0);
  CHECK_MESSAGE(clean.err.starts_with("note: expired rows that stay: "), clean.err);
  CHECK(cluster.run(0, {"dht", "clean", "--json"}).err.empty());
}

TEST_CASE("cluster: to link a node to a port where none is says to where, and what to look at") {
  Cluster cluster(1);
  const Seen dead = cluster.run(0, {"peers", "connect", "127.0.0.1:1"});
  CHECK(dead.exit == 7);
  CHECK_MESSAGE(contains(dead.err, "error: no link to 127.0.0.1:1: Connection refused; no node responds there"),
                dead.err);
  CHECK_MESSAGE(contains(dead.err, "\ntry: troupe status, at that node,"), dead.err);
}

TEST_CASE("cluster: a node alone has what it holds, and says of all else that nobody could be asked") {
  Cluster cluster(1);
  const std::string unknown(40, '0'), cid(64, '0');
  REQUIRE(cluster.run(0, {"dht", "put", "orders", "seven"}).exit == 0);
  CHECK(cluster.run(0, {"dht", "get", "orders"}).out == "seven");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"dht", "get", "/kv/" + unknown},
                                                  {"dht", "get", "/cid/" + cid},
                                                  {"dht", "find", unknown},
                                                  {"dht", "providers", cid}}) {
    const Seen seen = cluster.run(0, command);
    CHECK(seen.exit == 7);
    CHECK_MESSAGE(contains(seen.err, "error: no node could be asked"), seen.err);
    CHECK_MESSAGE(contains(seen.err, "troupe peers connect"), seen.err);
  }
  const Seen file = cluster.run(0, {"file", "get", cid, "-o", cluster.folder / "copy"});
  CHECK(file.exit == 7);
  CHECK_MESSAGE(contains(file.err, "knows no other node"), file.err);
}
