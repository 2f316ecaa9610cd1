// Whether `troupe bench` measures what it says and leaves nothing; how fast anything is, tools/bench/run tells.
#include <fstream>
#include <map>

#include "apps/bench/actors.hpp"
#include "tests/apps/harness.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

using namespace troupe;
using namespace troupe::apps;
using namespace std::chrono_literals;

namespace {

// The numbers of `"name":` in the order of the rows; null is -1.
std::vector<double> numbers(const std::string& json, const std::string& name) {
  std::vector<double> out;
  const std::string key = '"' + name + "\":";
  for (auto at = json.find(key); at != std::string::npos; at = json.find(key, at + 1)) {
    const auto value = json.substr(at + key.size(), 32);
    out.push_back(value.starts_with("null") ? -1 : std::stod(value));
  }
  return out;
}

bool empty(const TemporaryFolder& folder) { return std::filesystem::is_empty(folder.path()); }

}  // namespace

TEST_CASE("bench: actors give a row a figure, and nothing is left below --dir") {
  const TemporaryFolder folder;
  const Seen seen = troupe_with({"bench", "actor", "--dir", folder.path(), "--seconds", "0.05", "--json", "--actors",
                                 "100", "--asks", "1000", "--mailbox", "20000"});
  CHECK(seen.err.empty());
  CHECK(seen.exit == Exit::done);
  for (const char* what : {"actor.oneway", "actor.ask", "actor.answered", "actor.stopped", "actor.idle"})
    CHECK_MESSAGE(seen.out.find('"' + std::string(what) + '"') != std::string::npos, what);
  CHECK(numbers(seen.out, "clients") == std::vector<double>{1, 1, 1, 1, 100});
  CHECK(numbers(seen.out, "errors") == std::vector<double>{0, 0, 0, 0, 0});
  CHECK(empty(folder));
}

TEST_CASE("bench: without counters actors are measured as well") {
  const TemporaryFolder folder;
  const Seen seen =
      troupe_with({"bench", "actor", "--dir", folder.path(), "--seconds", "0.05", "--json", "--no-counters"});
  CHECK(seen.exit == Exit::done);
  CHECK(numbers(seen.out, "errors") == std::vector<double>{0, 0});
  CHECK(empty(folder));
  const Seen unbounded = troupe_with({"bench", "actor", "--no-counters", "--mailbox", "10"});
  CHECK(unbounded.exit == Exit::usage);
}

TEST_CASE("bench: links are measured between two processes, and nothing is left below --dir") {
  const TemporaryFolder folder;
  const Seen seen = troupe_with({"bench", "link", "--dir", folder.path(), "--seconds", "0.05", "--json"});
  CHECK(seen.err.empty());
  CHECK(seen.exit == Exit::done);
  for (const char* what : {"link.oneway256", "link.ask", "link.oneway64k"})
    CHECK_MESSAGE(seen.out.find('"' + std::string(what) + '"') != std::string::npos, what);
  CHECK(numbers(seen.out, "errors") == std::vector<double>{0, 0, 0});
  CHECK(empty(folder));
}

TEST_CASE("bench: each idle link is counted, and answers") {
  const TemporaryFolder folder;
  const Seen seen = troupe_with({"bench", "link", "--dir", folder.path(), "--idle", "10", "--json"});
  CHECK(seen.err.empty());
  CHECK(numbers(seen.out, "clients") == std::vector<double>{10});
  CHECK(numbers(seen.out, "errors") == std::vector<double>{0});
  CHECK(numbers(seen.out, "residentBytes").size() == 1);  // ten links may fit into pages that are there already
  CHECK(empty(folder));
}

TEST_CASE("bench: a time that is none, and a directory that is not there, are told before anything starts") {
  for (const char* seconds : {"0", "-1", "601", "x", "1x", "nan", ""})
    CHECK_MESSAGE(troupe_with({"bench", "actor", "--seconds", seconds}).exit == Exit::usage, seconds);
  const Seen nowhere = troupe_with({"bench", "link", "--dir", "/nonexistent"});
  CHECK(nowhere.exit == Exit::failed);
  CHECK(nowhere.err.find("/nonexistent") != std::string::npos);
}

TEST_CASE("bench: a message that is lost is an error, and ends the measurement") {
  // A mailbox that is smaller than what may be under way.
  test::ActorFixture actors(1, {.mailbox_max = 100});
  const auto counter = actors.node.start("counter", [] { return std::make_unique<bench::Counter>(); });
  std::vector<bench::Figure> seen;
  actors.node.start("sender", [&] {
    return std::make_unique<bench::Sender<bench::wire::Number, bench::FillNumber>>(
        counter, bench::kSmallWindow, 1s, bench::FillNumber{}, bench::Figure{.what = "lossy"},
        [&](bench::Figure figure) { seen.push_back(std::move(figure)); });
  });
  actors.stage.settle();
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].errors == 1);
}

TEST_CASE("bench: a warm-up is not counted, nor what comes after the end") {
  const base::Instant begin{100s};
  bench::Progress progress(begin, 10s);
  CHECK(progress.done(1'000'000, begin + 500ms));
  CHECK(progress.done(1'000'000, begin + 1s));  // from here on: the first counts the time only
  CHECK(progress.done(10, begin + 3s));
  CHECK(progress.done(10, begin + 5s));
  CHECK_FALSE(progress.done(1'000'000, begin + 10s));
  CHECK(progress.per_second() == doctest::Approx(5));
}

TEST_CASE("bench: lumps that take longer than the time are measured until the second of them") {
  const base::Instant begin{100s};
  bench::Progress progress(begin, 2s);
  CHECK(progress.done(100, begin + 3s));
  CHECK(progress.done(100, begin + 5s));
  CHECK_FALSE(progress.done(100, begin + 7s));
  CHECK(progress.per_second() == doctest::Approx(50));
}

TEST_CASE("bench: a percentile is the smallest delay that so many do not exceed") {
  CHECK_FALSE(bench::percentile_ms({}, 50));
  std::vector<base::Duration> delays;
  for (int i = 100; i > 0; --i) delays.push_back(std::chrono::milliseconds(i));
  CHECK(*bench::percentile_ms(delays, 50) == doctest::Approx(50));
  CHECK(*bench::percentile_ms(delays, 99) == doctest::Approx(99));
  CHECK(*bench::percentile_ms({5ms}, 1) == doctest::Approx(5));
  CHECK(*bench::percentile_ms({5ms, 6ms}, 100) == doctest::Approx(6));
}

TEST_CASE("bench: a file is put, got, put again and verified, and nothing is left below --dir") {
  const TemporaryFolder folder;
  const Seen seen = troupe_with({"bench", "file", "--dir", folder.path(), "--mib", "3", "--json"});
  CHECK(seen.err.empty());
  CHECK(seen.exit == Exit::done);
  for (const char* what : {"file.put", "file.put.inproc", "file.get", "file.again", "file.verify"})
    CHECK_MESSAGE(seen.out.find('"' + std::string(what) + '"') != std::string::npos, what);
  CHECK(numbers(seen.out, "errors") == std::vector<double>{0, 0, 0, 0, 0});
  for (const double speed : numbers(seen.out, "mibPerSecond")) CHECK(speed > 0);
  CHECK(empty(folder));
}

TEST_CASE("bench: a file that is given is put as it is; one that is empty or not there is told") {
  const TemporaryFolder folder, other;
  const std::string path = other.path() + "/given";
  std::ofstream(path) << "some bytes, less than a word: 3";
  const Seen seen = troupe_with({"bench", "file", "--dir", folder.path(), "--file", path, "--json"});
  CHECK(seen.exit == Exit::done);
  CHECK(numbers(seen.out, "errors") == std::vector<double>{0, 0, 0, 0, 0});
  CHECK(std::filesystem::exists(path));
  std::ofstream(path, std::ios::trunc).close();
  CHECK(troupe_with({"bench", "file", "--dir", folder.path(), "--file", path}).exit == Exit::usage);
  CHECK(troupe_with({"bench", "file", "--dir", folder.path(), "--file", path + "-not"}).exit != Exit::done);
  CHECK(troupe_with({"bench", "file", "--mib", "0"}).exit == Exit::usage);
  CHECK(empty(folder));
}

TEST_CASE("bench: a DHT gives its figures with many and with one at a time, and nothing is left below --dir") {
  const TemporaryFolder folder;
  const Seen seen = troupe_with({"bench", "dht", "--nodes", "8", "--seconds", "0.2", "--dir", folder.path(), "--json"});
  CHECK(seen.err.empty());
  CHECK(seen.exit == Exit::done);
  for (const char* what : {"dht.node", "dht.put", "dht.put.signed", "dht.get"})
    CHECK_MESSAGE(seen.out.find('"' + std::string(what) + '"') != std::string::npos, what);
  CHECK(numbers(seen.out, "clients") == std::vector<double>{8, 16, 16, 16, 1, 1});  // of dht.node the nodes
  CHECK(numbers(seen.out, "errors") == std::vector<double>{0, 0, 0, 0, 0, 0});
  const auto requests = numbers(seen.out, "requestsEach");
  REQUIRE(requests.size() == 6);
  CHECK(requests[0] == -1);
  CHECK(requests[1] >= 4);  // a store at each of half of the nodes, but for this one
  CHECK(requests[3] >= 1);  // nobody is asked for what it has itself
  CHECK(empty(folder));
}

TEST_CASE("bench: a DHT without a node that lacks the value is refused") {
  for (const auto& [nodes, copies] : {std::pair{"8", "5"}, {"3", "1"}, {"1001", "8"}, {"64", "21"}})
    CHECK_MESSAGE(troupe_with({"bench", "dht", "--nodes", nodes, "--copies", copies}).exit == Exit::usage, nodes);
}

TEST_CASE("bench: a ledger in one process gives its figures, and nothing is left below --dir") {
  const TemporaryFolder folder;
  const Seen seen =
      troupe_with({"bench", "chain", "--nodes", "5", "--seconds", "0.3", "--dir", folder.path(), "--json"});
  CHECK(seen.err == "");
  CHECK(seen.exit == Exit::done);
  for (const char* what : {"chain.verify", "chain.transfer", "chain.final", "chain.gossip"})
    CHECK_MESSAGE(seen.out.find('"' + std::string(what) + '"') != std::string::npos, what);
  CHECK(numbers(seen.out, "errors") == std::vector<double>{0, 0, 0, 0});
  const auto ratios = numbers(seen.out, "ratio");  // of verify, transfer, gossip, final
  REQUIRE(ratios.size() == 4);
  CHECK(ratios[2] >= 1);  // each node got each transaction
  CHECK(empty(folder));
}

TEST_CASE("bench: a ledger of fewer nodes than validators, and a figure that such nodes do not have, are refused") {
  CHECK(troupe_with({"bench", "chain", "--validators", "4", "--nodes", "3"}).exit == Exit::usage);
  CHECK(troupe_with({"bench", "chain", "--validators", "0"}).exit == Exit::usage);
  CHECK(troupe_with({"bench", "chain", "--nodes", "52"}).exit == Exit::usage);
  CHECK(troupe_with({"bench", "chain", "--only", "chain.gossip"}).exit == Exit::usage);
  CHECK(troupe_with({"bench", "chain", "--nodes", "5", "--only", "chain.pause"}).exit == Exit::usage);
  CHECK(troupe_with({"bench", "chain", "--validators", "3", "--only", "chain.pause"}).exit == Exit::usage);
  CHECK(troupe_with({"bench", "chain", "--only", "chain.final,other"}).exit == Exit::usage);
}
