// Payments on a chain by the commands of a person: many at once, and lists that are cut short.
#include <algorithm>
#include <set>
#include <sstream>

#include "tests/cluster/validators.hpp"

using namespace troupe;
using namespace troupe::test;

TEST_CASE("cluster chain: equal payments that are sent at once are all paid, each with a number of its own") {
  Validators chain(1);
  const std::string bob = value_in(chain.get({"wallet", "new", "bob", "--json"}), "account");
  REQUIRE(until([&] { return chain.height(0) > 0; }));
  constexpr int kPayments = 8;
  std::vector<std::unique_ptr<Program>> all;
  for (int i = 0; i < kPayments; ++i) {
    std::vector<std::string> send{"wallet", "send", "founder0", bob, "1", "--wait", "--data", chain.data(0)};
    if (i % 2 == 0) send.insert(send.end(), {"--request", "r" + std::to_string(i)});
    all.push_back(std::make_unique<Program>(send, chain.folder / ("send" + std::to_string(i))));
  }
  std::set<std::string> ids;
  for (auto& one : all) {
    CHECK_MESSAGE(one->wait() == 0, one->err());
    ids.insert(one->out());
  }
  CHECK(ids.size() == kPayments);
  CHECK(chain.at(0, {"wallet", "balance", "bob"}) == std::to_string(kPayments));
}

TEST_CASE("cluster chain: one request that is repeated at once pays once") {
  Validators chain(1);
  const std::string bob = value_in(chain.get({"wallet", "new", "bob", "--json"}), "account");
  REQUIRE(until([&] { return chain.height(0) > 0; }));
  std::vector<std::unique_ptr<Program>> all;
  for (int i = 0; i < 4; ++i)
    all.push_back(std::make_unique<Program>(std::vector<std::string>{"wallet", "send", "founder0", bob, "1", "--wait",
                                                                     "--request", "rent", "--data", chain.data(0)},
                                            chain.folder / ("send" + std::to_string(i))));
  std::set<std::string> ids;
  for (auto& one : all) {
    CHECK_MESSAGE(one->wait() == 0, one->err());
    ids.insert(one->out());
  }
  CHECK(ids.size() == 1);
  CHECK(chain.at(0, {"wallet", "balance", "bob"}) == "1");
}

TEST_CASE("cluster chain: a list of payments that is cut short continues by its request and pays no line twice") {
  Validators chain(1);
  const std::string bob = value_in(chain.get({"wallet", "new", "bob", "--json"}), "account");
  REQUIRE(until([&] { return chain.height(0) > 0; }));
  constexpr int kLines = 80;
  const std::string file = chain.folder / "payments";
  std::ofstream lines(file);
  for (int i = 0; i < kLines; ++i) lines << bob << " 1\n";
  lines.close();
  Program sends({"wallet", "send", "founder0", "--from", file, "--data", chain.data(0)}, chain.folder / "sends");
  REQUIRE(until([&] { return std::ranges::count(sends.out(), '\n') > 3 || sends.ended(); }));
  int signal = 0;
  SUBCASE("it is interrupted") { signal = SIGINT; }
  SUBCASE("it is killed") { signal = SIGKILL; }
  sends.kill(signal);
  REQUIRE(sends.wait() == 128 + signal);
  std::istringstream told(sends.err());
  std::string word, request;
  told >> word >> request;
  CHECK(word == "request");
  if (signal == SIGINT) CHECK_MESSAGE(contains(sends.err(), "--request " + request), sends.err());
  std::istringstream printed(sends.out());
  for (std::string id; printed >> id;) CHECK(chain.run({"tx", "wait", id, "--data", chain.data(0)}).exit == 0);
  const Seen rest = chain.run(
      {"wallet", "send", "founder0", "--from", file, "--wait", "--request", request, "--data", chain.data(0)});
  CHECK_MESSAGE(rest.exit == 0, rest.err);
  CHECK(rest.out.starts_with(sends.out()));
  CHECK(chain.at(0, {"wallet", "balance", "bob"}) == std::to_string(kLines));
}

TEST_CASE("cluster chain: each line of a list may wait for a hundred blocks from when it is sent") {
  Validators chain(1, {"block.empty_ms=100", "block.interval_ms=0"});
  const std::string bob = value_in(chain.get({"wallet", "new", "bob", "--json"}), "account");
  REQUIRE(until([&] { return chain.height(0) > 0; }));
  const std::string file = chain.folder / "payments";
  std::ofstream lines(file);
  for (int i = 0; i < 250; ++i) lines << bob << " 1\n";
  lines.close();
  const Seen sent = chain.run({"wallet", "send", "founder0", "--from", file, "--wait", "--data", chain.data(0)});
  CHECK_MESSAGE(sent.exit == 0, sent.err);
  CHECK(chain.at(0, {"wallet", "balance", "bob"}) == "250");
}
