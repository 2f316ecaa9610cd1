// Money and escrows by the commands of a person, at real nodes: one of them keeps the book, and is killed on the way.
#include "actors/wallet/logic/address.hpp"
#include "tests/cluster/bank.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr const char* kNoSuchEscrow = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

}  // namespace

TEST_CASE("cluster escrow: money is issued, sent and audited; what is no amount, or is not there, is refused") {
  Bank bank;
  const std::string ada = bank.get({"wallet", "new", "ada"}), bob = bank.get({"wallet", "new", "bob"});
  CHECK(bank.balance("ada") == "0");
  const std::string issued = bank.get({"wallet", "issue", "ada", "1000", "--request", "first"});
  CHECK(bank.get({"wallet", "issue", "ada", "1000", "--request", "first"}) == issued);
  CHECK(bank.exit({"wallet", "issue", "ada", "1001", "--request", "first"}) == 5);
  CHECK(bank.balance(ada) == "1000");

  const std::vector<std::string> send{"wallet", "send", "ada", bob, "30", "--memo", "for tea", "--request", "tea"};
  const std::string sent = bank.get(send);
  CHECK(sent.size() == 64);
  CHECK(bank.get(send) == sent);
  CHECK(bank.exit({"wallet", "send", "ada", bob, "31", "--memo", "for tea", "--request", "tea"}) == 5);
  CHECK(bank.balance("ada") == "970");
  CHECK(bank.balance("bob") == "30");
  for (const char* amount : {"0", "-1", "1.5", "1e3", "07", "+1", "9223372036854775808", ""})
    CHECK_MESSAGE(bank.exit({"wallet", "send", "ada", bob, amount}) == 2, amount);
  CHECK(bank.exit({"wallet", "send", "bob", ada, "31"}) == 5);
  CHECK(bank.exit({"wallet", "send", "ada", ada, "1"}) == 2);
  CHECK(bank.exit({"wallet", "send", "ada", bob.substr(0, 61) + (bob[61] == 'q' ? "p" : "q"), "1"}) == 2);
  CHECK(bank.exit({"wallet", "send", bob, "1"}) == 2);  // there are two wallets

  std::ofstream(bank.folder / "list") << bob << " 5 first\n" << bob << " 6\n";
  const std::string lines = bank.get({"wallet", "send", "ada", "--from", bank.folder / "list", "--request", "l"});
  CHECK(bank.get({"wallet", "send", "ada", "--from", bank.folder / "list", "--request", "l"}) == lines);
  CHECK(bank.balance("bob") == "41");
  std::ofstream(bank.folder / "bad") << bob << " 5\n" << bob << " five\n";
  CHECK(bank.exit({"wallet", "send", "ada", "--from", bank.folder / "bad"}) == 2);
  std::ofstream(bank.folder / "too-much") << bob << " 5\n" << bob << " 5000\n";
  const Seen partly = bank.run({"wallet", "send", "ada", "--from", bank.folder / "too-much"});
  CHECK(partly.exit == 3);
  CHECK(troupe::test::lines(partly.out) == 1);
  CHECK(bank.balance("bob") == "46");

  const std::string history = bank.get({"wallet", "history", "bob", "--json"});
  CHECK(history.starts_with("[{"));
  CHECK(contains(history, "\"memo\":\"for tea\""));
  CHECK(contains(history, "\"state\":\"final\""));
  CHECK(value_in(history, "amount") == "5");
  CHECK(value_in(bank.get({"wallet", "history", "ada", "--json", "--limit", "1"}), "to") == bob);
  const std::string listed = bank.get({"wallet", "ls", "--json"});
  CHECK(contains(listed,
                 "\"account\":\"" + bob + "\",\"name\":\"bob\",\"kind\":\"key\",\"balance\":\"46\",\"held\":\"0\""));
  CHECK(contains(bank.get({"wallet", "ls", "--all", "--json"}), ada));
  const std::string audit = bank.get({"wallet", "audit", "--json"});
  CHECK(value_in(audit, "issued") == "1000");
  CHECK(value_in(audit, "sum") == "1000");
  CHECK(value_in(audit, "mismatches") == "[]");
}

TEST_CASE("cluster escrow: a keystore that is damaged hides no other wallet") {
  Bank bank;
  const std::string ada = bank.get({"wallet", "new", "ada"}), bob = bank.get({"wallet", "new", "bob"});
  std::filesystem::resize_file(bank.folder / "config/troupe/wallets/bob", 60);
  const Seen listed = bank.run({"wallet", "ls"});
  CHECK(listed.exit == 3);
  CHECK(contains(listed.out, ada));
  CHECK_FALSE(contains(listed.out, bob));
  CHECK(contains(listed.err, "the keystore of wallet bob is damaged"));
  CHECK(bank.exit({"wallet", "send", "bob", ada, "1"}) == 1);
}

TEST_CASE("cluster escrow: at a node that names another's book all works but issuing; without a book it is exit 7") {
  Bank bank;
  NodeProgram other(bank.folder, "other",
                    {"--set", "ledger.book=" + bank.node->id, "--join", bank.node->id + '@' + bank.node->at});
  NodeProgram none(bank.folder, "none");
  REQUIRE(other.ready());
  REQUIRE(none.ready());
  const auto at = [&](const NodeProgram& node, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", node.data});
    return troupe::test::troupe(bank.folder, arguments);
  };
  const std::string ada = bank.get({"wallet", "new", "ada"}), bob = bank.get({"wallet", "new", "bob"});
  bank.get({"wallet", "issue", ada, "100"});
  REQUIRE(until([&] { return at(other, {"wallet", "balance", "ada"}).out == "100\n"; }));
  CHECK(at(other, {"wallet", "send", "ada", bob, "40"}).exit == 0);
  CHECK(at(other, {"wallet", "balance", "bob"}).out == "40\n");
  CHECK(at(other, {"wallet", "issue", ada, "1"}).exit == 5);
  CHECK(at(other, {"escrow", "ls", "--json"}).out == "[]\n");
  for (const std::vector<std::string>& command : {std::vector<std::string>{"wallet", "balance", "ada"},
                                                  {"wallet", "ls"},
                                                  {"wallet", "send", "ada", bob, "1"},
                                                  {"escrow", "ls"},
                                                  {"escrow", "show", kNoSuchEscrow}})
    CHECK_MESSAGE(at(none, command).exit == 7, command[0] << ' ' << command[1]);
}

TEST_CASE("cluster escrow: many accounts are listed at a node that names another's book, with what escrows hold") {
  Bank bank;
  NodeProgram other(bank.folder, "other",
                    {"--set", "ledger.book=" + bank.node->id, "--join", bank.node->id + '@' + bank.node->at});
  REQUIRE(other.ready());
  constexpr int kAccounts = 80;  // each of a wallet and others, which are made at once
  const std::string ada = bank.get({"wallet", "new", "ada"}), bob = bank.get({"wallet", "new", "bob"});
  bank.get({"wallet", "issue", ada, "1000"});
  const std::string file = bank.folder / "payments";
  std::ofstream lines(file);
  for (int i = 0; i < kAccounts; ++i) {
    const std::string other_signer = wallet::text(wallet::Address{{static_cast<std::uint8_t>(i), 1}});
    lines << bank.get({"wallet", "multisig", "create", "shared" + std::to_string(i), "--of", "2", "--key", ada, "--key",
                       other_signer})
          << " 1\n";
  }
  lines.close();
  bank.get({"wallet", "send", "ada", "--from", file});
  for (const char* amount : {"20", "30"}) {
    const std::string id = bank.get({"escrow", "create", "--to", bob, "--amount", amount, "--wallet", "ada"});
    bank.get({"escrow", "sign", id, "--wallet", "bob"});
    bank.get({"escrow", "fund", id, "--wallet", "ada"});
  }
  for (const std::vector<std::string>& options : {std::vector<std::string>{}, {"--all"}}) {
    const auto ls = [&](const NodeProgram& node) {
      std::vector<std::string> command{"wallet", "ls", "--json", "--data", node.data};
      command.insert(command.end(), options.begin(), options.end());
      return troupe::test::troupe(bank.folder, command);
    };
    REQUIRE(until([&] { return ls(other).exit == 0; }));
    const Seen seen = ls(other);
    CHECK(seen.out == ls(*bank.node).out);
    CHECK(seen.out.find(R"("balance":"1")") != std::string::npos);
    const std::string row = seen.out.substr(seen.out.find(ada));
    const int balance = std::stoi(value_in(row, "balance")), held = std::stoi(value_in(row, "held"));
    CHECK(held >= 50);  // the amounts, and the fees of the escrows
    CHECK(balance + held == 1000 - kAccounts);
  }
}

TEST_CASE("cluster escrow: a book stays where its first posting was made") {
  Bank bank;
  bank.get({"wallet", "new", "ada"});
  bank.get({"wallet", "issue", "ada", "5"});
  bank.node->kill(SIGTERM);
  bank.node->wait();
  bank.options.back() = "ledger.book=group:main";
  bank.node = std::make_unique<NodeProgram>(bank.folder, "bank", bank.options);
  REQUIRE(bank.node->ready());
  CHECK(until([&] { return bank.exit({"wallet", "balance", "ada"}) == 5; }));
}

TEST_CASE("cluster escrow: two of three signers pay, once") {
  Bank bank;
  const std::string ada = bank.get({"wallet", "new", "ada"}), bob = bank.get({"wallet", "new", "bob"}),
                    eve = bank.get({"wallet", "new", "eve"}), shop = bank.get({"wallet", "new", "shop"});
  const std::vector<std::string> create{"wallet", "multisig", "create", "us", "--of",  "2",
                                        "--key",  ada,        "--key",  bob,  "--key", eve};
  const std::string us = bank.get(create);
  CHECK(bank.get(create) == us);
  CHECK(bank.exit({"wallet", "multisig", "create", "us", "--of", "1", "--key", ada, "--key", bob}) == 5);
  CHECK(bank.exit({"wallet", "multisig", "create", "ada", "--of", "1", "--key", ada, "--key", bob}) == 5);
  CHECK(bank.exit({"wallet", "multisig", "create", "we", "--of", "3", "--key", ada, "--key", bob}) == 2);
  CHECK(bank.exit({"wallet", "new", "us"}) == 5);
  CHECK(bank.get({"wallet", "show", "us"}) == us);
  bank.get({"wallet", "issue", "us", "100"});
  CHECK(bank.exit({"wallet", "multisig", "propose", "us", shop, "60", "--wallet", "shop"}) == 5);
  const std::string id = bank.get({"wallet", "multisig", "propose", "us", shop, "60", "--wallet", "ada"});
  CHECK(value_in(bank.get({"wallet", "multisig", "ls", "--json"}), "state") == "open");
  const Seen equal = bank.run({"wallet", "multisig", "propose", "us", shop, "60", "--wallet", "ada"});
  CHECK(equal.exit == 0);
  CHECK(line(equal) == id);
  CHECK(contains(equal.err, "note: an equal payment was already proposed"));
  CHECK(bank.exit({"wallet", "multisig", "sign", id, "--wallet", "shop"}) == 5);
  CHECK(bank.exit({"wallet", "multisig", "sign", kNoSuchEscrow, "--wallet", "bob"}) == 4);
  CHECK(bank.exit({"wallet", "multisig", "sign", "nonsense", "--wallet", "bob"}) == 2);
  CHECK(bank.balance("shop") == "0");
  const Seen second = bank.run({"wallet", "multisig", "sign", id, "--wallet", "bob"});
  CHECK_MESSAGE(second.exit == 0, second.err);
  CHECK(contains(second.err, "signs: 60 from " + us + " to " + shop));
  CHECK(bank.balance("shop") == "60");
  CHECK(bank.get({"wallet", "multisig", "sign", id, "--wallet", "bob"}) == id);  // again, without a change
  CHECK(bank.balance("shop") == "60");
  CHECK(bank.exit({"wallet", "multisig", "sign", id, "--wallet", "eve"}) == 5);
  CHECK(bank.balance("us") == "40");
}

TEST_CASE("cluster escrow: from the proposal to the release, over a crash of the node; the log proves it") {
  Bank bank;
  const std::string buyer = bank.get({"wallet", "new", "buyer"}), seller = bank.get({"wallet", "new", "seller"});
  bank.get({"wallet", "issue", "buyer", "1000"});
  bank.get({"wallet", "issue", "seller", "100"});
  const std::vector<std::string> create{"escrow", "create",    "--to", seller,     "--amount", "200",       "--start",
                                        "1h",     "--deliver", "10h",  "--wallet", "buyer",    "--request", "r1"};
  const std::string id = bank.get(create);
  CHECK(id.size() == 64);
  CHECK(bank.get(create) == id);
  std::vector<std::string> other = create;
  other[5] = "201";
  CHECK(bank.exit(other) == 5);
  CHECK(bank.exit({"escrow", "create", "--to", seller, "--amount", "0", "--wallet", "buyer"}) == 2);
  CHECK(bank.exit({"escrow", "create", "--to", buyer, "--amount", "5", "--wallet", "buyer"}) == 2);
  CHECK(bank.exit({"escrow", "create", "--to", seller, "--amount", "5", "--start", "2000-01-01T00:00:00Z", "--wallet",
                   "buyer"}) == 2);
  CHECK(bank.exit({"escrow", "show", kNoSuchEscrow}) == 4);
  CHECK(bank.exit({"escrow", "show", "nonsense"}) == 2);

  Program watching({"escrow", "watch", "--data", bank.node->data}, bank.folder / "watching");
  // It has begun once it shows something: others are proposed until then.
  REQUIRE(until([&] {
    bank.get({"escrow", "create", "--to", seller, "--amount", "1", "--wallet", "buyer"});
    return contains(watching.out(), "proposed, until");
  }));
  const auto act = [&](const std::string& wallet, std::vector<std::string> words) {
    words.insert(words.begin() + 1, id);
    words.insert(words.begin(), "escrow");
    words.insert(words.end(), {"--wallet", wallet});
    return bank.run(words);
  };
  CHECK(bank.show(id, "state") == "proposed");
  CHECK(act("buyer", {"sign"}).exit == 5);
  CHECK(act("seller", {"sign"}).exit == 0);
  CHECK(act("seller", {"sign"}).exit == 0);  // has its effect already
  CHECK(act("seller", {"start"}).exit == 5);
  CHECK(act("buyer", {"fund"}).exit == 0);
  CHECK(act("buyer", {"fund"}).exit == 0);
  CHECK(bank.balance("buyer") == "770");
  CHECK(contains(bank.get({"wallet", "ls", "--json"}), "\"balance\":\"770\",\"held\":\"230\""));
  CHECK(bank.show(id, "state") == "created");
  CHECK(act("seller", {"fund"}).exit == 0);
  CHECK(bank.show(id, "state") == "funded");
  REQUIRE(until([&] { return contains(watching.out(), "funded, until"); }));
  watching.kill(SIGINT);
  CHECK(watching.wait() == 130);

  bank.crash();
  CHECK(bank.show(id, "state") == "funded");
  CHECK(bank.balance("seller") == "70");
  CHECK(act("buyer", {"start"}).exit == 5);
  CHECK(act("seller", {"start"}).exit == 0);
  CHECK(act("buyer", {"progress", "50"}).exit == 0);
  CHECK(act("buyer", {"progress", "40"}).exit == 5);
  CHECK(act("seller", {"deliver", kNoSuchEscrow}).exit == 5);
  std::ofstream(bank.folder / "work") << "what was asked for";
  const std::string cid = bank.get({"file", "put", bank.folder / "work", "--replicas", "1"});
  CHECK(act("seller", {"deliver", cid}).exit == 0);
  CHECK(act("seller", {"deliver", cid}).exit == 0);
  CHECK(bank.show(id, "delivered") == cid);
  CHECK(act("buyer", {"accept", "--cid", kNoSuchEscrow}).exit == 5);
  CHECK(act("seller", {"propose", "--pay", "150"}).exit == 0);
  CHECK(act("buyer", {"agree", "--pay", "140"}).exit == 5);
  CHECK(act("buyer", {"accept", "--cid", cid}).exit == 0);
  CHECK(act("buyer", {"accept"}).exit == 0);
  REQUIRE(until([&] { return bank.show(id, "confirmed") == "true"; }));
  const std::string shown = bank.get({"escrow", "show", id, "--json"});
  CHECK(value_in(shown, "state") == "released");
  CHECK(value_in(shown, "released") == "200");
  CHECK(value_in(shown, "fund") == "10");
  CHECK(value_in(shown, "deadline") == "null");
  CHECK(bank.balance("buyer") == "800");
  CHECK(bank.balance("seller") == "290");
  CHECK(bank.exit({"wallet", "audit"}) == 0);
  CHECK(contains(bank.get({"escrow", "ls", "--state", "released", "--json"}), id));

  CHECK(bank.exit({"escrow", "verify", id}) == 0);
  const std::string log = bank.get({"escrow", "log", id, "--json"});
  std::ofstream(bank.folder / "log") << log << '\n';
  CHECK(bank.exit({"escrow", "verify", bank.folder / "log"}) == 0);
  std::ofstream(bank.folder / "log") << "\xef\xbb\xbf" << log << "\r\n";  // as some editors save it
  CHECK(bank.exit({"escrow", "verify", bank.folder / "log"}) == 0);
  // Another amount in an entry, another act, and an end that is missing.
  const auto flawed = [&](const std::string& text) {
    std::ofstream(bank.folder / "flawed") << text;
    return bank.run({"escrow", "verify", bank.folder / "flawed"});
  };
  std::string changed = log;
  const auto third = changed.find("\"entry\":\"", changed.find("\"seq\":3,"));
  changed[third + 100] = changed[third + 100] == '0' ? '1' : '0';
  const Seen bad = flawed(changed);
  CHECK(bad.exit == 1);
  CHECK(contains(bad.err, "event 3 of escrow " + id + " is invalid"));
  std::string signature = log;
  const auto sign = signature.find("\"signature\":\"");
  signature[sign + 20] = signature[sign + 20] == '0' ? '1' : '0';
  CHECK(contains(flawed(signature).err, "event 1 of escrow " + id + " is invalid"));
  CHECK(flawed(log.substr(0, log.size() / 2)).exit == 1);
}

TEST_CASE(
    "cluster escrow: a dispute ends by a proposal that both sign; an offer counts when the other party gives it") {
  Bank bank({"--set", "escrow.grace=1s"});
  const std::string buyer = bank.get({"wallet", "new", "buyer"}), seller = bank.get({"wallet", "new", "seller"});
  bank.get({"wallet", "issue", "buyer", "1000"});
  bank.get({"wallet", "issue", "seller", "100"});
  const auto act = [&](const std::string& id, const std::string& wallet, std::vector<std::string> words) {
    words.insert(words.begin() + 1, id);
    words.insert(words.begin(), "escrow");
    words.insert(words.end(), {"--wallet", wallet});
    const Seen seen = bank.run(words);
    if (seen.exit != 0) MESSAGE(words[1] << ": " << seen.err);
    return seen.exit;
  };
  const auto running = [&](std::vector<std::string> terms) {
    std::vector<std::string> create{"escrow", "create", "--to", seller, "--amount", "100", "--wallet", "buyer"};
    create.insert(create.end(), terms.begin(), terms.end());
    const std::string id = bank.get(create);
    REQUIRE(act(id, "seller", {"sign"}) == 0);
    REQUIRE(act(id, "buyer", {"fund"}) == 0);
    if (bank.show(id, "bond") != "0") REQUIRE(act(id, "seller", {"fund"}) == 0);
    else CHECK(act(id, "seller", {"fund"}) == 5);
    REQUIRE(act(id, "seller", {"start"}) == 0);
    return id;
  };
  std::ofstream(bank.folder / "work") << "half of what was asked for";
  const std::string cid = bank.get({"file", "put", bank.folder / "work", "--replicas", "1"});

  const std::string id = running({});
  CHECK(act(id, "buyer", {"extend", "--deliver", "2000h"}) == 0);
  CHECK(contains(bank.get({"escrow", "show", id, "--json"}), "\"what\":\"extend\",\"which\":\"deliver\""));
  const std::string before = bank.show(id, "deadline");
  CHECK(act(id, "seller", {"extend", "--deliver", "2000h"}) == 0);
  CHECK(bank.show(id, "deadline") != before);
  CHECK(act(id, "seller", {"deliver", cid, "--request", "d"}) == 0);
  CHECK(act(id, "seller", {"deliver", cid, "--request", "d"}) == 0);
  std::ofstream(bank.folder / "more") << "all of what was asked for";
  const std::string other = bank.get({"file", "put", bank.folder / "more", "--replicas", "1"});
  CHECK(act(id, "seller", {"deliver", other, "--request", "d"}) == 5);
  CHECK(act(id, "seller", {"dispute"}) == 5);
  CHECK(act(id, "buyer", {"dispute"}) == 0);
  CHECK(act(id, "buyer", {"rule", "--pay", "0"}) == 5);
  CHECK(act(id, "seller", {"propose", "--pay", "50", "--request", "p"}) == 0);
  CHECK(act(id, "seller", {"propose", "--pay", "60"}) == 0);
  CHECK(act(id, "seller", {"propose", "--pay", "50", "--request", "p"}) == 0);  // and 60 stays
  CHECK(act(id, "seller", {"propose", "--pay", "60", "--request", "p"}) == 5);
  CHECK(act(id, "buyer", {"agree", "--pay", "60"}) == 0);
  CHECK(act(id, "buyer", {"agree", "--pay", "60"}) == 0);  // again, without a change
  CHECK(act(id, "buyer", {"agree", "--pay", "61"}) == 5);
  REQUIRE(until([&] { return bank.show(id, "confirmed") == "true"; }));
  CHECK(bank.show(id, "state") == "released");
  CHECK(bank.balance("buyer") == "940");
  CHECK(bank.balance("seller") == "157");

  const std::string parts = running({"--milestones", "40,60", "--bond", "0"});
  CHECK(act(parts, "buyer", {"progress", "10"}) == 5);
  CHECK(act(parts, "buyer", {"accept", "--milestone", "1"}) == 0);
  CHECK(act(parts, "buyer", {"accept", "--milestone", "1"}) == 0);
  CHECK(act(parts, "buyer", {"cancel"}) == 0);
  CHECK(bank.show(parts, "state") == "running");
  CHECK(act(parts, "seller", {"cancel"}) == 0);
  REQUIRE(until([&] { return bank.show(parts, "confirmed") == "true"; }));
  CHECK(bank.show(parts, "state") == "refunded");
  CHECK(bank.balance("seller") == "195");
  CHECK(bank.balance("buyer") == "900");

  // A deadline passes without an act.
  const std::string late = running({"--deliver", "1s"});
  REQUIRE(until([&] { return bank.show(late, "confirmed") == "true" && bank.show(late, "state") == "refunded"; }));
  CHECK(bank.balance("buyer") == "915");
  CHECK(bank.balance("seller") == "180");
  for (const std::string& one : {id, parts, late}) CHECK(bank.exit({"escrow", "verify", one}) == 0);
}

TEST_CASE(
    "cluster escrow: a book of three of five nodes keeps what it acknowledged while leaders are killed: a ruling, "
    "milestones, a payment of the fund, an airdrop") {
  Cluster cluster(5, {"--set", "ledger.book=group:main", "--set", "escrow.mediation=1s", "--set", "escrow.grace=1s",
                      "--set", "airdrop.objections=1s"});
  ::setenv("XDG_CONFIG_HOME", (cluster.folder / "config").c_str(), 1);
  ::setenv("TROUPE_PASSPHRASE_FILE", (cluster.folder / "secret").c_str(), 1);
  std::ofstream(cluster.folder / "secret") << "open sesame\n";
  std::string members;
  for (std::size_t i = 0; i < 3; ++i)
    members += (i == 0 ? "" : ",") + cluster.nodes[i]->id + '@' + cluster.nodes[i]->at;
  REQUIRE(cluster.run(0, {"raft", "init", "--group", "main", "--members", members}).exit == 0);
  // All is asked at a node that is no member.
  const auto get = [&](const std::vector<std::string>& words) {
    const Seen seen = cluster.run(3, words);
    REQUIRE_MESSAGE(seen.exit == 0, words[0] << ' ' << words[1] << ": " << seen.err);
    return seen.out.empty() ? "" : line(seen);
  };
  const auto kill_leader = [&] {
    const std::string leads = value_in(get({"raft", "status", "--group", "main", "--json"}), "leader");
    for (std::size_t i = 0; i < 3; ++i) {
      if (cluster.nodes[i]->id != leads) continue;
      cluster.kill(i);
      return i;
    }
    FAIL("no member leads");
    return std::size_t{0};
  };
  const std::string seller = get({"wallet", "new", "seller"});
  for (const char* name : {"buyer", "arbiter"}) get({"wallet", "new", name});
  for (const char* name : {"buyer", "seller", "arbiter"})
    REQUIRE(cluster.run(1, {"wallet", "issue", name, "1000"}).exit == 0);
  CHECK(cluster.run(3, {"wallet", "issue", "buyer", "1"}).exit == 5);
  get({"escrow", "arbiter", "join", "--bond", "50", "--wallet", "arbiter"});

  const std::string id = get({"escrow", "create", "--to", seller, "--amount", "200", "--wallet", "buyer"});
  get({"escrow", "sign", id, "--wallet", "seller"});
  std::size_t killed = kill_leader();
  get({"escrow", "fund", id, "--wallet", "buyer"});
  get({"escrow", "fund", id, "--wallet", "seller"});
  get({"escrow", "start", id, "--wallet", "seller"});
  cluster.restart(killed);
  std::ofstream(cluster.folder / "work") << "half of what was asked for";
  const std::string cid = get({"file", "put", cluster.folder / "work", "--replicas", "1"});
  get({"escrow", "deliver", id, cid, "--wallet", "seller"});
  REQUIRE(until([&] { return cluster.run(killed, {"wallet", "balance", "buyer"}).exit == 0; }));
  killed = kill_leader();
  get({"escrow", "dispute", id, "--wallet", "buyer"});
  REQUIRE(until([&] {
    return cluster.run(3, {"escrow", "rule", id, "--pay", "50", "--wallet", "arbiter"}).exit == 0;
  }));
  REQUIRE(until([&] { return contains(get({"escrow", "show", id, "--json"}), "\"confirmed\":true"); }));
  get({"escrow", "verify", id});
  CHECK(get({"wallet", "balance", "buyer"}) == "974");    // 150 back, its bond, and 24 of the seller's
  CHECK(get({"wallet", "balance", "seller"}) == "1018");  // 48 of the 50
  CHECK(get({"wallet", "balance", "arbiter"}) == "956");  // 6 for the ruling; its own bond is still paid in
  REQUIRE(until([&] { return contains(get({"escrow", "arbiter", "ls", "--json"}), "\"drawn\":1,\"ruled\":1"); }));
  get({"escrow", "arbiter", "leave", "--wallet", "arbiter"});
  CHECK(until([&] { return get({"wallet", "balance", "arbiter"}) == "1006"; }));

  const auto begin_again = [&] {
    cluster.restart(killed);
    REQUIRE(until([&] { return cluster.run(killed, {"wallet", "balance", "buyer"}).exit == 0; }));
  };
  const std::string parts = get({"escrow", "create", "--to", seller, "--amount", "100", "--milestones", "40,60",
                                 "--bond", "0", "--wallet", "buyer"});
  get({"escrow", "sign", parts, "--wallet", "seller"});
  get({"escrow", "fund", parts, "--wallet", "buyer"});
  get({"escrow", "start", parts, "--wallet", "seller"});
  get({"escrow", "accept", parts, "--milestone", "1", "--wallet", "buyer"});
  begin_again();
  killed = kill_leader();
  get({"escrow", "accept", parts, "--milestone", "2", "--wallet", "buyer"});
  REQUIRE(until([&] { return contains(get({"escrow", "show", parts, "--json"}), "\"confirmed\":true"); }));
  CHECK(get({"wallet", "balance", "seller"}) == "1113");
  const std::string fund = value_in(get({"fund", "show", "--json"}), "address");
  CHECK(get({"wallet", "balance", fund}) == "7");

  const std::size_t member = (killed + 1) % 3;
  const std::string payment = line(cluster.run(
      member, {"fund", "propose", seller, "7", "--category", "food", "--reason", "bread", "--request", "f"}));
  begin_again();
  killed = kill_leader();
  const std::size_t left = killed == member ? (member + 1) % 3 : member;
  CHECK(cluster.run(left, {"fund", "sign", payment}).exit == 0);
  CHECK(get({"wallet", "balance", "seller"}) == "1120");

  std::ofstream drop(cluster.folder / "drop.toml");
  drop << "pool = 500\nlist = [[\"" << seller << "\", 1]";
  constexpr std::uint8_t kStrangers = 99;
  for (std::uint8_t i = 1; i <= kStrangers; ++i) {
    wallet::Address stranger;
    stranger.bytes.fill(i);
    drop << ",\n  [\"" << text(stranger) << "\", 1]";
  }
  drop << "]\n" << std::flush;
  begin_again();
  const std::string dropped = get({"airdrop", "create", cluster.folder / "drop.toml", "--wallet", "buyer"});
  killed = kill_leader();
  REQUIRE(until([&] { return cluster.run(4, {"airdrop", "run", dropped}).exit == 0; }));
  CHECK(value_in(get({"airdrop", "verify", dropped, "--json"}), "paid") == "500");
  CHECK(get({"wallet", "balance", "seller"}) == "1125");
  const std::string audit = get({"wallet", "audit", "--json"});
  CHECK(value_in(audit, "sum") == "3000");
  CHECK(value_in(audit, "mismatches") == "[]");
  ::unsetenv("XDG_CONFIG_HOME");
  ::unsetenv("TROUPE_PASSPHRASE_FILE");
}
