// What a real node tells Prometheus, and that the alert rules and the dashboard ask for nothing else.
#include <algorithm>
#include <regex>
#include <set>

#include "tests/cluster/program.hpp"
#include "tests/runtime/os/http_client.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// Where the node says that it serves its metrics.
base::Endpoint metrics_of(const NodeProgram& node) {
  const std::string log = node.err(), before = "metrics: serving at=";
  const auto at = log.find(before);
  REQUIRE(at != std::string::npos);
  const auto from = at + before.size();
  const auto where = base::Endpoint::parse(log.substr(from, log.find('\n', from) - from));
  REQUIRE(where.has_value());
  return *where;
}

std::string body(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

/// The exit of a program of Prometheus, and what it has said.
Seen promtool(const Folder& folder, const std::string& arguments, const std::string& input = {}) {
  std::ofstream(folder / "input") << input;
  const std::string command =
      "promtool " + arguments + " <'" + (folder / "input") + "' >'" + (folder / "told") + "' 2>&1";
  const int status = std::system(command.c_str());
  return {WEXITSTATUS(status), content(folder / "told"), {}};
}

/// Names of metrics in a text.
std::set<std::string> names_in(const std::string& text, const std::string& pattern) {
  const std::regex name(pattern);
  std::set<std::string> out;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), name); at != std::sregex_iterator(); ++at)
    out.insert((*at)[1]);
  return out;
}

const std::string kTools = std::string(TROUPE_TOOLS) + "/metrics/";

}  // namespace

TEST_CASE("cluster: a node serves its metrics as Prometheus wants them, and says how it is") {
  const Folder folder;
  NodeProgram node(folder, "a", {"--metrics", "0", "--name", "a \"node\" \\ {of=\"mine\"} 1"});
  REQUIRE(node.ready());
  const base::Endpoint at = metrics_of(node);
  CHECK(at.text().starts_with("127.0.0.1:"));
  const std::string metrics = http_get(at, "/metrics");
  CHECK(metrics.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(contains(metrics, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  const Seen checked = promtool(folder, "check metrics", body(metrics));
  CHECK_MESSAGE(checked.exit == 0, checked.out);
  CHECK(checked.out.empty());
  CHECK(contains(metrics, "\ntroupe_node_info{node=\"" + node.id +
                              "\",name=\"a \\\"node\\\" \\\\\\\\ {of=\\\"mine\\\"} 1\"} 1\n"));
  CHECK(contains(metrics, "\ntroupe_ready 1\n"));
  CHECK(contains(metrics, "\ntroupe_health_state "));  // a loaded machine is warned of
  CHECK(contains(metrics, "\ntroupe_peers 0\n"));
  CHECK(contains(metrics, "\ntroupe_peers_banned 0\n"));
  CHECK(http_get(at, "/healthz").ends_with("\r\n\r\nok\n"));
  CHECK(http_get(at, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(http_get(at, "/").starts_with("HTTP/1.1 404 "));
}

TEST_CASE("cluster: links and what they move are counted, also of links that have ended") {
  const Folder folder;
  NodeProgram first(folder, "a", {"--metrics", "127.0.0.1:0"});
  REQUIRE(first.ready());
  const base::Endpoint at = metrics_of(first);
  const auto number = [&](const std::string& series) {
    const std::string text = body(http_get(at, "/metrics"));
    const auto from = text.find('\n' + series + ' ');
    REQUIRE_MESSAGE(from != std::string::npos, series);
    return std::stoull(text.substr(from + series.size() + 2));
  };
  const std::string received = "troupe_links_received_bytes_total{role=\"peer\"}";
  std::uint64_t before = 0;
  {
    NodeProgram second(folder, "b", {"--join", first.at});
    REQUIRE(second.ready());
    CHECK(until([&] { return number("troupe_links{role=\"peer\",direction=\"inbound\"}") == 1; }));
    CHECK(until([&] { return (before = number(received)) > 0; }));
    CHECK(number("troupe_peers") == 1);
    CHECK(number("troupe_links_made_total") >= 1);
  }
  CHECK(until([&] { return number("troupe_peers") == 0; }));
  CHECK(number(received) >= before);
}

TEST_CASE("cluster: searches, questions and what is held are counted") {
  const Folder folder;
  const std::vector<std::string> quiet{"--metrics", "127.0.0.1:0", "--set", "registry.active=false"};
  NodeProgram first(folder, "a", quiet);
  REQUIRE(first.ready());
  std::vector<std::string> joins = quiet;
  joins.insert(joins.end(), {"--join", first.at});
  NodeProgram second(folder, "b", joins);
  REQUIRE(second.ready());
  const auto number = [&](const NodeProgram& node, const std::string& series) {
    const std::string text = body(http_get(metrics_of(node), "/metrics"));
    const auto from = text.find('\n' + series + ' ');
    REQUIRE_MESSAGE(from != std::string::npos, series);
    return std::stod(text.substr(from + series.size() + 2));
  };
  REQUIRE(
      until([&] { return number(first, "troupe_dht_contacts") == 1 && number(second, "troupe_dht_contacts") == 1; }));
  const Seen put = troupe::test::troupe(folder, {"dht", "put", "/cid", "some bytes", "--data", first.data});
  REQUIRE_MESSAGE(put.exit == 0, put.err);
  CHECK(number(first, "troupe_dht_searches_total{ending=\"converged\"}") >= 1);
  CHECK(number(first, "troupe_dht_searches_total{ending=\"cancelled\"}") == 0);
  CHECK(number(first, "troupe_dht_search_seconds_total") > 0);
  CHECK(number(first, "troupe_dht_search_hops_total") >= 1);
  CHECK(number(first, "troupe_dht_search_questions_total") >= 1);
  CHECK(number(first, "troupe_dht_questions_answered_total{kind=\"find_node\"}") >= 1);
  CHECK(number(first, "troupe_dht_questions_answered_total{kind=\"store\"}") >= 1);
  CHECK(number(first, "troupe_dht_question_seconds_total{kind=\"find_node\"}") > 0);
  CHECK(number(first, "troupe_dht_questions_failed_total{kind=\"store\",reason=\"refused\"}") == 0);
  CHECK(number(second, "troupe_dht_questions_received_total{kind=\"store\"}") >= 1);
  CHECK(number(second, "troupe_dht_records") == 1);
  CHECK(number(second, "troupe_dht_record_bytes") > 0);
  CHECK(number(second, "troupe_dht_cache_hits_total{asker=\"own\"}") == 0);
  CHECK(until([&] { return number(first, "troupe_dht_published") == 1; }));
  CHECK(number(first, "troupe_dht_republish_late_seconds") == 0);
}

TEST_CASE("cluster: clients that hang do not hold up the metrics of a node, nor its end") {
  const Folder folder;
  NodeProgram node(folder, "a", {"--metrics", ":0"});
  REQUIRE(node.ready());
  const base::Endpoint at = metrics_of(node);
  std::vector<os::Descriptor> hanging;
  for (int i = 0; i < 100; ++i) {
    hanging.push_back(connected(at));
    put(hanging.back(), "GET /metr");
  }
  CHECK(http_get(at, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
  os::Clock clock;
  const base::Instant from = clock.now();
  node.kill(SIGTERM);
  CHECK(node.wait() == 0);
  CHECK(clock.now() - from < 5s);
  CHECK_FALSE(contains(node.err(), "did not end in time"));
}

TEST_CASE("cluster: an address for metrics that cannot be had ends a start") {
  const Folder folder;
  NodeProgram first(folder, "a", {"--metrics", "0"});
  REQUIRE(first.ready());
  const std::string taken = metrics_of(first).text();
  NodeProgram second(folder, "b", {"--metrics", taken});
  CHECK(second.wait() == 1);
  CHECK(second.out().empty());
  CHECK(contains(second.err(), "error: cannot serve metrics: cannot listen at " + taken +
                                   ": Address already in use\noutcome: no node "
                                   "runs; its new identity "));
  CHECK(contains(second.err(), "\ntry: --metrics with another port; port 0 picks one\n"));
  for (const char* wrong : {"nowhere", "1:2:3", "127.0.0.1", "70000"}) {
    CAPTURE(wrong);
    NodeProgram third(folder, "c", {"--metrics", wrong});
    CHECK(third.wait() == 2);
  }
  CHECK_FALSE(std::filesystem::exists(folder / "c.data"));
}

TEST_CASE("cluster: the alert rules and the dashboard are well-formed, and use what a node has") {
  const Folder folder;
  const Seen rules = promtool(folder, "check rules '" + kTools + "alerts.yml'");
  CHECK_MESSAGE(rules.exit == 0, rules.out);
  const Seen fired = promtool(folder, "test rules '" + kTools + "alerts_test.yml'");
  CHECK_MESSAGE(fired.exit == 0, fired.out);
  CHECK(std::system(("python3 -m json.tool '" + kTools + "dashboard.json' >/dev/null").c_str()) == 0);

  NodeProgram node(folder, "a", {"--metrics", "0"});
  REQUIRE(node.ready());
  REQUIRE(troupe::test::troupe(folder, {"raft", "init", "--data", node.data}).exit == 0);
  const auto there = names_in(body(http_get(metrics_of(node), "/metrics")), "# TYPE (\\w+) ");
  CHECK(there.size() > 20);
  for (const char* file : {"alerts.yml", "alerts_test.yml", "dashboard.json"}) {
    CAPTURE(file);
    const auto used = names_in(content(kTools + file), "\\b((?:troupe|process)_\\w+)");
    CHECK(used.size() > 8);
    for (const auto& name : used) CHECK_MESSAGE(there.contains(name), name);
  }
}
