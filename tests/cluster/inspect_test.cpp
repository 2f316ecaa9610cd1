// What operators see of a real node's actors: lists, one actor, messages as they pass.
#include <algorithm>
#include <vector>

#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// The value of a field of text in the first line of JSON that has it.
std::string field(const std::string& json, const std::string& name) {
  const std::string before = '"' + name + "\":\"";
  const auto at = json.find(before);
  if (at == std::string::npos) return {};
  const auto from = at + before.size();
  return json.substr(from, json.find('"', from) - from);
}

}  // namespace

TEST_CASE("cluster: inspect lists the actors of a node, shows one, and refuses what it does not know") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());

  const Seen all = troupe::test::troupe(folder, {"inspect", "--once", "--json", "--data", node.data});
  CHECK(all.exit == 0);
  CHECK(all.out.starts_with("{\"node\":\"" + node.id + "\",\"actors\":[{\"path\":\"/"));
  CHECK(contains(all.out, "{\"path\":\"/files\",\"kind\":\"files\","));
  for (const char* column :
       {"state", "mailbox", "oldestMs", "handled", "perSecond", "busy", "p99Us", "restarts", "lastError"})
    CHECK_MESSAGE(contains(all.out, std::string("\"") + column + "\":"), column);
  CHECK(contains(all.out, "\"path\":\"/inspect\""));

  const Seen some = troupe::test::troupe(
      folder, {"inspect", "--once", "--filter", "kind=store", "--top", "handled", "--limit", "1", "--data", node.data});
  CHECK(some.exit == 0);
  CHECK(lines(some.out) == 2);
  CHECK(contains(some.out, "store"));
  CHECK(contains(some.err, "1 more are not shown"));

  const Seen one = troupe::test::troupe(folder, {"inspect", "--once", "/peers", "--data", node.data});
  CHECK(one.exit == 0);
  CHECK(one.out.starts_with("/peers  peers, running\n"));
  CHECK(contains(one.out, "\n  state       peers.PeersState"));
  CHECK(contains(one.out, "\n  timers      "));

  std::ofstream values(folder / "values");
  for (int i = 0; i < 60; ++i) values << "name-" << i << " value\n";
  values.close();
  for (int i = 0; i < 2; ++i) {  // what came after the first look is kept for the second
    const Seen store = troupe::test::troupe(folder, {"inspect", "--once", "/store", "--json", "--data", node.data});
    CHECK_MESSAGE(store.exit == 0, store.err);
    troupe::test::troupe(folder, {"dht", "put", "--from", folder / "values", "--data", node.data});
  }

  const Seen nobody = troupe::test::troupe(folder, {"inspect", "--once", "/pers", "--data", node.data});
  CHECK(nobody.exit == 4);
  CHECK(contains(nobody.err, "there is no actor \"/pers\"; did you mean \"/peers\"?"));
  const Seen pattern = troupe::test::troupe(folder, {"inspect", "--once", "/files/**", "--data", node.data});
  CHECK(pattern.exit == 2);
  CHECK(contains(pattern.err, "try: troupe inspect --once --filter '/files/**' --data "));
  const Seen kind = troupe::test::troupe(folder, {"inspect", "--once", "peer", "--data", node.data});
  CHECK(kind.exit == 2);
  CHECK(contains(kind.err, "try: troupe inspect --once --filter 'kind=peer' --data "));
  const Seen column = troupe::test::troupe(folder, {"inspect", "--once", "--top", "mailbx", "--data", node.data});
  CHECK(column.exit == 2);
  CHECK(contains(column.err, "mailbox"));
  const Seen filter =
      troupe::test::troupe(folder, {"inspect", "--once", "--filter", "kind=a size>1", "--data", node.data});
  CHECK(filter.exit == 2);
  CHECK(contains(filter.err, "at character 8"));
  CHECK(troupe::test::troupe(folder, {"inspect", "--data", node.data}).exit == 2);

  const Seen ended = troupe::test::troupe(folder, {"inspect", "--once", "--ended", "--json", "--data", node.data});
  CHECK(ended.exit == 0);  // the commands before had actors of their own
  CHECK(contains(ended.out, "\"kind\":\"peer\""));
  CHECK(contains(ended.out, "\"decision\":\"finished\""));
  CHECK(contains(ended.out, "\"why\":\"the other side has "));
  const std::string gone = field(ended.out, "path");
  const Seen past = troupe::test::troupe(folder, {"inspect", "--once", gone, "--data", node.data});
  CHECK(past.exit == 4);
  CHECK(contains(past.err, "the actor \"" + gone + "\" has ended "));
}

TEST_CASE("cluster: trace prints messages with their fields, ends by itself, and follows a command through nodes") {
  const Folder folder;
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  NodeProgram second(folder, "b", {"--join", first.at});
  REQUIRE(second.ready());
  REQUIRE(until([&] { return sees(folder, first, second.id, "healthy"); }));

  CHECK(troupe::test::troupe(folder, {"trace", "/**", "--data", first.data}).exit == 2);
  const Seen quiet = troupe::test::troupe(folder, {"trace", "/node/none", "--seconds", "1", "--data", first.data});
  CHECK(quiet.exit == 0);
  CHECK(quiet.out.empty());
  CHECK(contains(quiet.err, "the requested time is over"));

  std::ofstream(folder / "file") << std::string(1'000, 'x');
  Program here({"trace", "/files", "--count", "1", "--json", "--data", first.data}, folder / "here");
  // The holder also gets messages of its own house, at any time.
  const std::string trace = "61c6dce80253de13";
  Program there({"trace", "/files/holder", "--id", trace, "--count", "1", "--json", "--data", second.data},
                folder / "there");
  // Both follow once the lists say so: each has opened a stream at the inspector.
  const auto follows = [&](const NodeProgram& node) {
    const Seen seen =
        troupe::test::troupe(folder, {"inspect", "--once", "--filter", "path~operator", "--json", "--data", node.data});
    return contains(seen.out, "\"matched\":2");
  };
  REQUIRE(until([&] { return follows(first) && follows(second); }));
  const Seen put = troupe::test::troupe(
      folder, {"--trace-id", trace, "file", "put", folder / "file", "--replicas", "2", "--data", first.data});
  REQUIRE(put.exit == 0);
  CHECK(here.wait() == 0);
  CHECK(there.wait() == 0);
  CHECK(contains(here.out(), "\"kind\":\"files.PutFile\""));
  CHECK(contains(
      here.out(),
      "{\"summary\":true,\"why\":\"the requested number of messages has come\",\"messages\":1,\"dropped\":0}"));
  CHECK(contains(there.out(), "\"kind\":\"files.StoreContent\""));
  CHECK(field(here.out(), "trace") == trace);
  CHECK(field(there.out(), "trace") == trace);
}

TEST_CASE("cluster: the trace of a command can be chosen, and a trace that is interrupted says how far it came") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  Program trace({"trace", "/**", "--id", "5f0c6ed37cd0b1a9", "--seconds", "600", "--data", node.data},
                folder / "trace");
  REQUIRE(until([&] {  // it has opened its stream, and there is who asks
    const Seen seen = troupe::test::troupe(
        folder, {"inspect", "--once", "--filter", "path~operator handled>0", "--json", "--data", node.data});
    return contains(seen.out, "\"matched\":2");
  }));
  REQUIRE(troupe::test::troupe(folder, {"status", "--data", node.data}).exit == 0);
  CHECK(trace.out().empty());
  const Seen seen = troupe::test::troupe(folder, {"--trace-id", "5F0c6ed37cd0b1a9", "status", "--data", node.data});
  REQUIRE(seen.exit == 0);
  REQUIRE(until([&] { return contains(trace.out(), "node.GetStatus"); }));
  CHECK(contains(trace.out(), "  trace 5f0c6ed37cd0b1a9"));
  trace.kill(SIGINT);
  CHECK(trace.wait() == 130);
  CHECK(trace.err() == "ended: interrupted; " + std::to_string(lines(trace.out())) + " messages\n");
  CHECK(troupe::test::troupe(folder, {"--trace-id", "0", "status", "--data", node.data}).exit == 2);
}

TEST_CASE("cluster: a node that is stopped does not answer, and each command says so in time") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  node.stop();
  const std::pair<std::vector<std::string>, int> exits[] = {
      {{"status"}, 7}, {{"file", "ls"}, 7}, {{"trace", "/files"}, 7}, {{"dht", "put", "orders", "seven"}, 8}};
  std::vector<std::unique_ptr<Program>> commands;  // all at once, for each waits for some seconds
  for (auto [words, exit] : exits) {
    words.insert(words.end(), {"--data", node.data});
    commands.push_back(std::make_unique<Program>(words, folder / words.front()));
  }
  for (std::size_t i = 0; i < commands.size(); ++i) {
    CAPTURE(exits[i].first.front());
    CHECK(commands[i]->wait() == exits[i].second);
    CHECK(commands[i]->out().empty());
    CHECK(contains(commands[i]->err(), "error: the node in " + node.data + " does not respond"));
    const bool write = exits[i].second == 8;
    CHECK(contains(commands[i]->err(), write ? "\noutcome: unknown; " : "\noutcome: nothing was changed\n"));
  }
  node.kill(SIGCONT);
}

TEST_CASE("cluster: a link that is lost is told by both logs, and the ended actor says why") {
  const Folder folder;
  NodeProgram first(folder, "a");
  REQUIRE(first.ready());
  NodeProgram second(folder, "b", {"--join", first.at});
  REQUIRE(second.ready());
  CHECK(until([&] { return contains(first.err(), "links: link is up node=" + second.id); }));
  REQUIRE(until([&] { return sees(folder, first, second.id, "healthy"); }));  // whom it never met it does not miss
  second.kill(SIGKILL);
  REQUIRE(until([&] { return contains(first.err(), "links: link was lost node=" + second.id); }));
  const auto ended = [&] {
    return troupe::test::troupe(folder, {"inspect", "--once", "--ended", "--filter", "/peer/" + second.id.substr(0, 8),
                                         "--json", "--data", first.data})
        .out;
  };
  REQUIRE(until([&] { return contains(ended(), "\"kind\":\"peer\""); }));
  CHECK(field(ended(), "why").size() > 5);
  const auto health = [&] { return troupe::test::troupe(folder, {"status", "--data", first.data}).out; };
  CHECK(until([&] { return contains(health(), "0 healthy peers of at least 1"); }));
}

TEST_CASE("cluster: a seed where nobody answers is named by the log and by the health") {
  const Folder folder;
  NodeProgram node(folder, "a", {"--join", "127.0.0.1:1"});
  REQUIRE(node.ready());
  const auto health = [&] { return troupe::test::troupe(folder, {"status", "--data", node.data}).out; };
  CHECK(until([&] { return contains(health(), "no answer from 127.0.0.1:1: Connection refused"); }));
  CHECK(contains(node.err(), "peers: cannot join yet address=127.0.0.1:1 why=\"Connection refused\""));
}

TEST_CASE("cluster: a trace whose reader is killed makes room for another") {
  const Folder folder;
  NodeProgram node(folder, "a");
  REQUIRE(node.ready());
  std::vector<std::unique_ptr<Program>> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(
        std::make_unique<Program>(std::vector<std::string>{"trace", "/files", "--seconds", "600", "--data", node.data},
                                  folder / ("trace" + std::to_string(i))));
  const auto fifth = [&] {
    return troupe::test::troupe(folder, {"trace", "/files", "--seconds", "1", "--data", node.data}).exit;
  };
  const auto linked = [&] {  // the four, and who asks
    const Seen seen = troupe::test::troupe(
        folder, {"inspect", "--once", "--filter", "path~operator handled>0", "--json", "--data", node.data});
    return contains(seen.out, "\"matched\":5");
  };
  REQUIRE(until(linked));
  CHECK(fifth() == 6);
  all.front()->kill(SIGKILL);
  CHECK(until([&] { return fifth() == 0; }));
}
