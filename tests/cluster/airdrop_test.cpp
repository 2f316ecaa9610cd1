// An airdrop by the commands of people, at real nodes: one that is killed while it pays, and a group.
#include <array>
#include <chrono>
#include <ctime>

#include "actors/wallet/logic/address.hpp"
#include "tests/cluster/bank.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr std::size_t kMany = 20'000;

/// An account that belongs to no wallet, as text.
std::string stranger(std::size_t number) {
  wallet::Address address;
  for (std::size_t i = 0; i < 8; ++i) address.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  return text(address);
}

std::string file_of(const Folder& folder, const std::string& name, const std::string& head,
                    const std::vector<std::pair<std::string, int>>& list) {
  std::ofstream out(folder / name);
  out << head << "list = [";
  for (const auto& [address, weight] : list) out << "\n  [\"" << address << "\", " << weight << "],";
  out << "\n]\n";
  return folder / name;
}

std::string state_of(Bank& bank, const std::string& id) {
  return value_in(bank.get({"airdrop", "show", id, "--json"}), "state");
}

}  // namespace

TEST_CASE("cluster airdrop: a list is published, objected to, decided on, paid by its shares, and verified") {
  Bank bank({"--set", "airdrop.objections=20s"});
  const std::string ada = bank.get({"wallet", "new", "ada"}), bob = bank.get({"wallet", "new", "bob"}),
                    eve = bank.get({"wallet", "new", "eve"});
  bank.get({"wallet", "issue", ada, "1000"});
  bank.get({"wallet", "issue", bob, "5"});
  const std::string file =
      file_of(bank.folder, "drop.toml", "pool = 100\nfrom = 2026-01-01T00:00:00Z\nuntil = \"1s\"\n",
              {{bob, 1}, {eve, 2}, {stranger(1), 1}});
  CHECK(contains(bank.get({"airdrop", "check", file, "--json"}), R"("amount":"50","state":"waiting")"));
  const std::vector<std::string> create{"airdrop", "create", file, "--wallet", "ada", "--request", "r"};
  const std::string id = bank.get(create);
  CHECK(id.size() == 64);
  CHECK(bank.get(create) == id);
  CHECK(bank.balance("ada") == "900");
  CHECK(bank.exit({"airdrop", "create", file_of(bank.folder, "other.toml", "pool = 101\n", {{bob, 1}}), "--wallet",
                   "ada", "--request", "r"}) == 5);
  CHECK(bank.exit({"airdrop", "create", file_of(bank.folder, "rich.toml", "pool = \"100000\"\n", {{bob, 1}}),
                   "--wallet", "ada"}) == 5);
  CHECK(bank.exit({"airdrop", "run", id}) == 5);

  // Who never had money cannot object; who is not on the list is nothing to object to.
  CHECK(bank.exit({"airdrop", "object", id, eve, "--reason", "a bot", "--wallet", "eve"}) == 5);
  CHECK(bank.exit({"airdrop", "object", id, ada, "--reason", "a bot", "--wallet", "bob"}) == 4);
  CHECK(bank.exit({"airdrop", "object", id, eve, "--strike", "--wallet", "ada"}) == 5);
  CHECK(bank.get({"airdrop", "object", id, eve, "--reason", "a bot", "--wallet", "bob"}) == "objected");
  CHECK(bank.get({"airdrop", "object", id, eve, "--reason", "a bot", "--wallet", "bob"}) == "objected");
  CHECK(bank.exit({"airdrop", "object", id, eve, "--strike", "--wallet", "bob"}) == 5);
  CHECK(bank.get({"airdrop", "object", id, eve, "--strike", "--wallet", "ada"}) == "struck");
  CHECK(bank.exit({"airdrop", "object", id, eve, "--keep", "--wallet", "ada"}) == 5);
  CHECK(contains(bank.get({"airdrop", "show", id, "--json"}), R"("reason":"a bot")"));
  CHECK(bank.exit({"airdrop", "verify", id}) == 0);

  REQUIRE(until([&] { return state_of(bank, id) == "paid"; }));
  CHECK(bank.get({"airdrop", "run", id}) == id);
  CHECK(bank.balance("bob") == "55");
  CHECK(bank.balance("eve") == "0");
  CHECK(bank.balance(stranger(1)) == "50");
  CHECK(bank.exit({"airdrop", "object", id, bob, "--reason", "late", "--wallet", "bob"}) == 5);
  const std::string verified = bank.get({"airdrop", "verify", id, "--json"});
  CHECK(value_in(verified, "paid") == "100");
  CHECK(value_in(verified, "ok") == "true");
  CHECK(contains(bank.get({"airdrop", "ls", "--json"}), "\"airdrop\":\"" + id + "\",\"state\":\"paid\""));
  CHECK(contains(bank.get({"wallet", "ls", "--all", "--json"}), R"("kind":"airdrop","balance":"0")"));
  CHECK(value_in(bank.get({"wallet", "audit", "--json"}), "mismatches") == "[]");

  CHECK(bank.exit({"airdrop", "show", std::string(64, '1')}) == 4);
  CHECK(bank.exit({"airdrop", "show", "1"}) == 2);
  for (const char* bad : {"pool = 1\nlist = []\n", "pool = 0\nlist = [[\"x\", 1]]\n", "list = 7\n", "pool = 5\n", "]",
                          "pool = 5\nlist = [1]\n", "pool = 5\nshares = \"most\"\nlist = []\n", "when = 7\n"}) {
    std::ofstream(bank.folder / "bad.toml") << bad;
    CHECK_MESSAGE(bank.exit({"airdrop", "create", bank.folder / "bad.toml", "--wallet", "ada"}) == 2, bad);
  }
  CHECK(bank.exit({"airdrop", "create", file_of(bank.folder, "twice.toml", "pool = 9\n", {{bob, 1}, {bob, 2}}),
                   "--wallet", "ada"}) == 2);
}

TEST_CASE("cluster airdrop: the ledger refuses a payment that is not its pool") {
  Bank bank({"--set", "airdrop.objections=10s"});
  const std::string ada = bank.get({"wallet", "new", "ada"}), bob = bank.get({"wallet", "new", "bob"});
  bank.get({"wallet", "issue", ada, "1000"});
  bank.get({"wallet", "issue", bob, "100"});
  const std::string id = bank.get(
      {"airdrop", "create", file_of(bank.folder, "drop.toml", "pool = 100\n", {{stranger(1), 1}}), "--wallet", "ada"});
  // Its account is the only one of that kind.
  const std::string all = bank.get({"wallet", "ls", "--all", "--json"});
  const auto kind = all.find("\"kind\":\"airdrop\"");
  REQUIRE(kind != std::string::npos);
  const std::string account = value_in(all.substr(all.rfind('{', kind)), "account");
  CHECK(bank.exit({"wallet", "send", "bob", account, "7"}) == 5);
  CHECK(bank.exit({"wallet", "issue", account, "7"}) == 5);
  REQUIRE(until([&] { return state_of(bank, id) == "paid"; }));
  CHECK(bank.exit({"wallet", "send", "bob", account, "9"}) == 5);
  CHECK(bank.balance("bob") == "100");
  CHECK(bank.balance("ada") == "900");
  CHECK(bank.balance(account) == "0");
  CHECK(bank.balance(stranger(1)) == "100");
  CHECK(bank.exit({"airdrop", "verify", id}) == 0);
}

TEST_CASE("cluster airdrop: a node that is killed while it pays goes on, and pays none of them twice") {
  Bank bank({"--set", "airdrop.objections=1s"});
  const std::string ada = bank.get({"wallet", "new", "ada"});
  bank.get({"wallet", "issue", ada, "1000000"});
  std::vector<std::pair<std::string, int>> list;
  for (std::size_t i = 1; i <= kMany; ++i) list.emplace_back(stranger(i), static_cast<int>(1 + i % 7));
  const std::string id = bank.get({"airdrop", "create", file_of(bank.folder, "many.toml", "pool = 1000000\n", list)});
  // Twice on the way, wherever it is.
  for (int kills = 0; kills < 2; ++kills) {
    REQUIRE(until([&] { return value_in(bank.get({"airdrop", "ls", "--json"}), "state") != "published"; }));
    bank.crash();
  }
  REQUIRE(until([&] { return value_in(bank.get({"airdrop", "ls", "--json"}), "state") == "paid"; }));
  const std::string verified = bank.get({"airdrop", "verify", id, "--json"});
  CHECK(value_in(verified, "ok") == "true");
  CHECK(value_in(verified, "recipients") == std::to_string(kMany));
  CHECK(value_in(verified, "paid") == "1000000");
  CHECK(bank.balance(ada) == "0");
  CHECK(value_in(bank.get({"wallet", "audit", "--json"}), "mismatches") == "[]");
}

TEST_CASE("cluster airdrop: nodes that were there are paid, as their watchers have signed it") {
  Bank people({}, Bank::Begins::when_told);
  Cluster cluster(5, {"--set", "ledger.book=self", "--set", "registry.heartbeat=1s"});
  const auto run = [&](const std::vector<std::string>& words) { return cluster.run(0, words); };
  REQUIRE(run({"wallet", "new", "ada"}).exit == 0);
  REQUIRE(until([&] { return run({"wallet", "issue", "ada", "1000"}).exit == 0; }));

  const auto hour = std::chrono::floor<std::chrono::hours>(std::chrono::system_clock::now());
  const auto date = [](std::chrono::system_clock::time_point at) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return std::string(text.data());
  };
  const auto file = [&](const std::string& rule) {
    std::ofstream out(people.folder / "drop.toml");
    out << "pool = 100\nfrom = " << date(hour) << "\nuntil = " << date(hour + std::chrono::hours(1)) << "\n[rule]\n"
        << rule << '\n';
    return people.folder / "drop.toml";
  };
  CHECK(run({"airdrop", "check", file("hours = 2")}).exit == 2);
  CHECK(run({"airdrop", "check", file("hours = 1\nreputation = 50")}).exit == 2);
  const auto listed = [&](const std::string& rule) {
    const std::string out = run({"airdrop", "check", file(rule), "--json"}).out;
    std::size_t found = 0;
    for (auto at = out.find("\"to\":\""); at != std::string::npos; at = out.find("\"to\":\"", at + 1)) ++found;
    return found;
  };
  REQUIRE(until([&] { return listed("hours = 1") == 5; }));
  CHECK(listed("hours = 1\nper_owner = 1") == 5);

  const std::string path = file("hours = 1");
  const Seen made = run({"airdrop", "create", path, "--wallet", "ada", "--request", "r"});
  REQUIRE_MESSAGE(made.exit == 0, made.err);
  const std::string id = line(made);
  CHECK(contains(run({"airdrop", "show", id, "--json"}).out, R"("amount":"20")"));
  CHECK(run({"airdrop", "verify", id}).exit == 0);
  CHECK(contains(run({"file", "ls"}).out, "airdrop evidence"));
}
