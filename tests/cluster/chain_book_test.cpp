// Escrows whose money is on the chain of their node (ledger.book = chain), by the commands of a person.
#include "tests/cluster/bank.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// A node with a chain of its own, which is its book, and two people who have money from its faucet.
struct ChainBank : Bank {
  ChainBank() : Bank({}, Begins::when_told) {
    options = {"--chain", "dev", "--set", "ledger.book=chain", "--set", "escrow.grace=1s"};
    open();
    for (const char* name : {"buyer", "seller"}) {
      accounts.push_back(value_in(get({"wallet", "new", name, "--json"}), "account"));
      get({"wallet", "faucet", name, "--wait"});
    }
  }
  void open() {
    node = std::make_unique<NodeProgram>(folder, "bank", options);
    REQUIRE(node->ready());
    REQUIRE(until([&] { return exit({"wallet", "own"}) == 0 && exit({"fund", "show"}) == 0; }));
  }
  void kill() {
    node->kill(SIGKILL);
    node->wait();
    node.reset();
  }
  /// The node pays the fees of what its escrows pay.
  void pay_node() {
    get({"wallet", "send", "buyer", get({"wallet", "own"}), "10000000", "--wait"});
    spent = 10'000'000;
  }
  Seen act(const std::string& wallet, const std::string& id, std::vector<std::string> words) {
    words.insert(words.begin() + 1, id);
    words.insert(words.begin(), "escrow");
    words.insert(words.end(), {"--wallet", wallet});
    return run(words);
  }
  void done(const std::string& wallet, const std::string& id, const std::vector<std::string>& words) {
    const Seen seen = act(wallet, id, words);
    REQUIRE_MESSAGE(seen.exit == 0, words[0] << ": " << seen.err);
  }
  std::string created() {
    const std::string id = get({"escrow", "create", "--to", accounts[1], "--amount", "200", "--wallet", "buyer"});
    done("seller", id, {"sign"});
    return id;
  }
  /// An escrow whose work is delivered: the buyer may accept.
  std::string delivered() {
    const std::string id = created();
    done("buyer", id, {"fund"});
    done("seller", id, {"fund"});
    CHECK(show(id, "state") == "funded");
    done("seller", id, {"start"});
    std::ofstream(folder / "work") << "what was asked for";
    done("seller", id, {"deliver", get({"file", "put", folder / "work", "--replicas", "1"})});
    return id;
  }
  std::uint64_t units(const std::string& account) { return std::stoull(balance(account)); }
  /// The fees that were paid for transactions that the account sent.
  std::uint64_t fees(const std::string& account) {
    std::uint64_t out = 0;
    const std::string all = get({"tx", "ls", account, "--json"});
    for (auto at = all.find("{\"id\":"); at != std::string::npos; at = all.find("{\"id\":", at + 1)) {
      const std::string one = all.substr(at, all.find("{\"id\":", at + 1) - at);
      if (value_in(one, "from") == account && !value_in(one, "fee").empty()) out += std::stoull(value_in(one, "fee"));
    }
    return out;
  }

  std::vector<std::string> accounts;
  std::uint64_t spent = 0;
};

constexpr std::uint64_t kFromFaucet = 1'000'000'000;

}  // namespace

TEST_CASE("cluster chain book: an escrow from its proposal to its release; only fees are burnt") {
  ChainBank bank;
  bank.pay_node();
  const std::string id = bank.delivered();
  bank.done("buyer", id, {"accept"});
  REQUIRE(until([&] { return bank.show(id, "confirmed") == "true"; }));
  CHECK(bank.show(id, "state") == "released");
  CHECK(bank.show(id, "fund") == "10");
  CHECK(bank.units("buyer") == kFromFaucet - bank.spent - 200 - bank.fees(bank.accounts[0]));
  CHECK(bank.units("seller") == kFromFaucet + 190 - bank.fees(bank.accounts[1]));
  CHECK(bank.fees(bank.accounts[1]) > 0);
  CHECK(value_in(bank.get({"fund", "show", "--json"}), "balance") == "10");
  CHECK(std::stoull(value_in(bank.get({"wallet", "own", "--json"}), "balance")) < bank.spent);
  // The sum of all accounts and pots is the supply.
  CHECK(bank.exit({"chain", "accounts"}) == 0);
  CHECK(bank.exit({"chain", "verify"}) == 0);
  CHECK(bank.exit({"escrow", "verify", id}) == 0);
  // What a book does and a chain does not.
  CHECK(bank.exit({"wallet", "issue", "buyer", "5"}) == 5);
  CHECK(bank.exit({"wallet", "audit"}) == 5);
  // Accounts that it keeps on the chain are in no book.
  bank.kill();
  bank.options[3] = "ledger.book=self";
  bank.node = std::make_unique<NodeProgram>(bank.folder, "bank", bank.options);
  REQUIRE(bank.node->ready());
  CHECK(until([&] { return bank.exit({"wallet", "own"}) == 5; }));
}

TEST_CASE("cluster chain book: without money for fees a payment waits, over a crash, and goes out once") {
  ChainBank bank;
  const std::string id = bank.delivered();
  bank.done("buyer", id, {"accept"});
  REQUIRE(until([&] { return contains(bank.get({"status", "--json"}), "payments of escrows wait"); }));
  CHECK(bank.show(id, "confirmed") == "false");
  CHECK(bank.show(id, "waits") == "fees");
  bank.kill();
  bank.open();
  CHECK(bank.show(id, "state") == "released");
  CHECK(bank.show(id, "confirmed") == "false");
  const std::uint64_t before = bank.units("seller");
  bank.pay_node();
  REQUIRE(until([&] { return bank.show(id, "confirmed") == "true"; }));
  CHECK(bank.units("seller") == before + 190 + 30);
  CHECK(bank.show(id, "waits") == "null");
  REQUIRE(until([&] { return !contains(bank.get({"status", "--json"}), "payments of escrows wait"); }));
}

TEST_CASE("cluster chain book: a node that dies as it pays pays once") {
  ChainBank bank;
  bank.pay_node();
  for (int i = 0; i < 3; ++i) {
    const std::string id = bank.delivered();
    const std::uint64_t before = bank.units("seller");
    bank.done("buyer", id, {"accept"});
    bank.kill();
    bank.open();
    REQUIRE(until([&] { return bank.show(id, "confirmed") == "true"; }));
    CHECK(bank.units("seller") == before + 190 + 30);
    CHECK(value_in(bank.get({"fund", "show", "--json"}), "balance") == std::to_string(10 * (i + 1)));
  }
}

TEST_CASE("cluster chain book: what a party pays in comes back if the other does not, and too little is refused") {
  ChainBank bank;
  bank.pay_node();
  const std::string poor = value_in(bank.get({"wallet", "new", "poor", "--json"}), "account");
  const std::string unpaid = bank.get({"escrow", "create", "--to", poor, "--amount", "200", "--wallet", "buyer"});
  bank.done("poor", unpaid, {"sign"});
  CHECK(bank.act("poor", unpaid, {"fund"}).exit == 5);
  const std::uint64_t before = bank.units("buyer"), fees = bank.fees(bank.accounts[0]);
  bank.done("buyer", unpaid, {"fund"});
  bank.done("buyer", unpaid, {"fund"});  // has its effect already
  CHECK(bank.units("buyer") == before - 230 - (bank.fees(bank.accounts[0]) - fees));
  bank.done("buyer", unpaid, {"cancel"});
  REQUIRE(until([&] { return bank.show(unpaid, "confirmed") == "true"; }));
  CHECK(bank.units("buyer") == before - (bank.fees(bank.accounts[0]) - fees));
  // The node's own account pays on the chain, too.
  const std::vector<std::string> own{"wallet", "own", "--to", poor, "--amount", "77", "--request", "r"};
  const std::string paid = bank.get(own);
  CHECK(bank.get(own) == paid);
  CHECK(bank.balance(poor) == "77");
}

TEST_CASE("cluster chain book: a book on the chain needs a chain") {
  const Folder folder;
  const Seen none = troupe::test::troupe(
      folder, {"node", "--data", folder / "a", "--listen", "127.0.0.1:0", "--set", "ledger.book=chain"});
  CHECK(none.exit == 2);
  CHECK(contains(none.err, "ledger.book"));
}
