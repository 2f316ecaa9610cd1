// The ledger at real nodes: one alone, four that agree, and what they survive.
#include "tests/cluster/bank.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// Wallets of a person, and the nodes of a chain that they found.
struct Validators {
  explicit Validators(std::size_t count, std::vector<std::string> params = {}) {
    ::setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
    ::setenv("TROUPE_PASSPHRASE_FILE", (folder / "secret").c_str(), 1);
    std::ofstream(folder / "secret") << "open sesame\n";
    std::vector<std::string> founding{"chain", "genesis", "hats", "--test", "-o", genesis()};
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "founder" + std::to_string(i), file = folder / (name + ".founding");
      get({"wallet", "new", name});
      get({"chain", "found", name, "--stake", "1000", "--balance", "1000000", "-o", file, "--data", data(i)});
      founding.push_back(file);
    }
    for (const std::string& one : params) founding.insert(founding.end(), {"--set", one});
    get(founding);
    for (std::size_t i = 0; i < count; ++i) get({"chain", "sign", genesis(), "--data", data(i)});
    nodes.resize(count);
    for (std::size_t i = 0; i < count; ++i) begin(i, i == 0 ? std::vector<std::string>{} : joined());
  }
  ~Validators() {
    ::unsetenv("XDG_CONFIG_HOME");
    ::unsetenv("TROUPE_PASSPHRASE_FILE");
  }
  std::string genesis() const { return folder / "genesis"; }
  std::string data(std::size_t i) const { return folder / ("v" + std::to_string(i) + ".data"); }
  std::vector<std::string> joined() const { return {"--join", nodes[0]->id + '@' + nodes[0]->at}; }
  void begin(std::size_t i, std::vector<std::string> more) {
    more.insert(more.end(), {"--chain", genesis()});
    nodes[i] = std::make_unique<NodeProgram>(folder, "v" + std::to_string(i), more);
    REQUIRE(nodes[i]->ready());
  }
  void kill(std::size_t i) {
    nodes[i]->kill(SIGKILL);
    nodes[i]->wait();
    nodes[i].reset();
  }
  Seen run(const std::vector<std::string>& arguments) { return troupe::test::troupe(folder, arguments); }
  std::string get(const std::vector<std::string>& arguments) {
    const Seen seen = run(arguments);
    REQUIRE_MESSAGE(seen.exit == 0, arguments[0] << ' ' << arguments[1] << ": " << seen.err);
    return seen.out.empty() ? "" : seen.out.substr(0, seen.out.size() - 1);
  }
  std::string at(std::size_t i, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", data(i)});
    return get(arguments);
  }
  std::uint64_t height(std::size_t i) {
    const Seen seen = run({"chain", "status", "--json", "--data", data(i)});
    return seen.exit == 0 ? std::stoull(value_in(seen.out, "height")) : 0;
  }
  std::string root(std::size_t i, std::uint64_t height) {
    return value_in(at(i, {"chain", "block", std::to_string(height), "--json"}), "stateRoot");
  }

  const Folder folder;
  std::vector<std::unique_ptr<NodeProgram>> nodes;
};

}  // namespace

TEST_CASE("cluster chain: a node alone has a faucet, takes a transfer, and proves it") {
  Bank person({}, Bank::Begins::when_told);
  person.get({"wallet", "new", "ann"});
  const std::string bob = value_in(person.get({"wallet", "new", "bob", "--json"}), "account");
  NodeProgram node(person.folder, "dev", {"--chain", "dev"});
  REQUIRE(node.ready());
  const auto at = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", node.data});
    return troupe::test::troupe(person.folder, arguments);
  };
  REQUIRE(until([&] { return at({"chain", "status"}).exit == 0; }));
  const auto given = at({"wallet", "faucet", "ann", "--wait"});
  REQUIRE_MESSAGE(given.exit == 0, given.err);
  CHECK(line(at({"wallet", "balance", "ann"})) == "1000000000");
  CHECK(at({"wallet", "faucet", "ann"}).exit == 5);
  const auto sent = at({"wallet", "send", "ann", bob, "500", "--wait"});
  REQUIRE_MESSAGE(sent.exit == 0, sent.err);
  CHECK(line(at({"wallet", "balance", bob})) == "500");
  const std::string shown = at({"tx", "show", line(sent), "--json"}).out;
  CHECK(value_in(shown, "state") == "final");
  CHECK(at({"wallet", "send", "ann", bob, "999999999999", "--wait"}).exit == 5);
  CHECK(at({"wallet", "send", "ann", bob, "0"}).exit == 2);
  CHECK(at({"tx", "show", std::string(64, '7')}).exit == 4);
  const auto proof = at({"chain", "account", bob, "--proof", "--json"});
  CHECK_MESSAGE(proof.exit == 0, proof.err);
  CHECK(contains(proof.out, R"("exist":{)"));
  const std::string height = value_in(at({"chain", "status", "--json"}).out, "height");
  node.kill(SIGKILL);
  node.wait();
  NodeProgram again(person.folder, "dev", {});
  REQUIRE(again.ready());
  REQUIRE(until([&] { return at({"chain", "status"}).exit == 0; }));
  CHECK(std::stoull(value_in(at({"chain", "status", "--json"}).out, "height")) >= std::stoull(height));
  CHECK(line(at({"wallet", "balance", bob})) == "500");
  const auto verified = at({"chain", "verify", "--json"});
  CHECK(verified.exit == 0);
  CHECK(value_in(verified.out, "ok") == "true");
}

TEST_CASE("cluster chain: four validators agree, one dies, and a fifth node follows them") {
  Validators chain(4, {"block.empty_ms=1000"});
  const std::string to = value_in(chain.at(0, {"wallet", "show", "founder1", "--json"}), "account");
  const auto paid = [&](std::size_t node, const std::string& amount) {
    const Seen seen =
        chain.run({"wallet", "send", "founder0", to, amount, "--wait", "--seconds", "60", "--data", chain.data(node)});
    CHECK_MESSAGE(seen.exit == 0, seen.err);
  };
  paid(0, "100");
  paid(2, "11");
  REQUIRE(until([&] { return chain.at(3, {"wallet", "balance", to}) == "1000111"; }));

  chain.kill(3);
  paid(1, "1");
  paid(1, "1");
  const std::uint64_t without = chain.height(0);
  chain.begin(3, chain.joined());
  REQUIRE(until([&] { return chain.height(3) >= without; }));
  CHECK(chain.at(3, {"wallet", "balance", to}) == "1000113");

  // All of them die at once: what was final is there.
  for (std::size_t i = 0; i < 4; ++i) chain.kill(i);
  for (std::size_t i = 0; i < 4; ++i) chain.begin(i, i == 0 ? std::vector<std::string>{} : chain.joined());
  REQUIRE(until([&] { return chain.height(0) > without; }));
  paid(2, "5");

  chain.nodes.resize(5);
  chain.begin(4, chain.joined());
  const std::uint64_t then = chain.height(0);
  REQUIRE(until([&] { return chain.height(4) >= then; }));
  CHECK(chain.root(4, then) == chain.root(0, then));
  CHECK(chain.at(4, {"wallet", "balance", to}) == "1000118");
  for (std::size_t i = 0; i < 5; ++i) CHECK(value_in(chain.at(i, {"chain", "verify", "--json"}), "ok") == "true");
}
