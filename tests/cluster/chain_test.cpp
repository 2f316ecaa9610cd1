// The ledger at real nodes: one alone, four that agree, and what they survive.
#include <algorithm>

#include "tests/cluster/validators.hpp"

using namespace troupe;
using namespace troupe::test;

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
  CHECK(value_in(at({"tx", "show", line(given), "--json"}).out, "amount") == "1000000000");
  const std::string in_block = value_in(at({"tx", "show", line(given), "--json"}).out, "height");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"tx", "ls", "ann"}, {"tx", "show", line(given)}, {"chain", "block", in_block}})
    CHECK(contains(at(words).out, "1000000000"));
  CHECK(at({"wallet", "faucet", "ann"}).exit == 5);
  const auto sent = at({"wallet", "send", "ann", bob, "500", "--wait"});
  REQUIRE_MESSAGE(sent.exit == 0, sent.err);
  CHECK(line(at({"wallet", "balance", bob})) == "500");
  const std::string shown = at({"tx", "show", line(sent), "--json"}).out;
  CHECK(value_in(shown, "state") == "final");
  CHECK(at({"wallet", "send", "ann", bob, "999999999999", "--wait"}).exit == 5);
  CHECK(at({"wallet", "send", "ann", bob, "0"}).exit == 2);
  CHECK(at({"tx", "show", std::string(64, '7')}).exit == 4);
  CHECK(at({"chain", "account", "tro1notanaddress"}).exit == 2);
  const auto own = at({"wallet", "own"});
  CHECK(own.exit == 4);
  CHECK(contains(own.err, "ledger.book"));
  const auto proof = at({"chain", "account", bob, "--proof", "--json"});
  CHECK_MESSAGE(proof.exit == 0, proof.err);
  CHECK(contains(proof.out, R"("exist":{)"));
  // A power is an amount of stake, and amounts are strings.
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"chain", "block", "1"}, {"validator", "show", node.id}, {"chain", "status"}}) {
    auto asked = words;
    asked.push_back("--json");
    CHECK(contains(at(asked).out, R"("power":"1000000")"));
  }
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

TEST_CASE("cluster chain: a validator whose key is damaged says so") {
  const Folder folder;
  const std::vector<std::string> chain{"--chain", "dev"};
  auto node = std::make_unique<NodeProgram>(folder, "dev", chain);
  REQUIRE(node->ready());
  const auto status = [&] { return troupe::test::troupe(folder, {"status", "--data", node->data}).out; };
  CHECK_FALSE(contains(status(), "chain.signing"));
  node->kill(SIGTERM);
  node->wait();
  const std::string file = node->data + "/validator";
  std::string key = content(file);
  key[3] = key[3] == '0' ? '1' : '0';
  std::ofstream(file) << key;
  node = std::make_unique<NodeProgram>(folder, "dev", chain);
  REQUIRE(node->ready());
  CHECK(until([&] { return contains(status(), "its consensus key is lost or damaged"); }));
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

TEST_CASE("cluster chain: a file of more payments than may wait is sent as blocks take them") {
  Validators chain(2, {"block.empty_ms=1000"});
  const std::string bob = value_in(chain.get({"wallet", "new", "bob", "--json"}), "account");
  const std::string file = chain.folder / "payments";
  std::ofstream lines(file);
  for (int i = 0; i < 100; ++i) lines << bob << " 1\n";
  lines.close();
  REQUIRE(until([&] { return chain.height(0) > 0; }));
  chain.nodes[1]->stop();  // no block any more
  Program sends({"wallet", "send", "founder0", "--from", file, "--wait", "--data", chain.data(0)},
                chain.folder / "sends");
  // As many as may wait, below a line of names.
  CHECK(until([&] { return std::ranges::count(chain.at(0, {"tx", "pending"}), '\n') == 64; }));
  chain.nodes[1]->kill(SIGCONT);
  CHECK_MESSAGE(sends.wait() == 0, sends.err());
  CHECK(std::ranges::count(sends.out(), '\n') == 100);
  CHECK(chain.at(0, {"wallet", "balance", "bob"}) == "100");
}

TEST_CASE("cluster chain: one validator cut off stops nothing, two stop all, and healed they agree") {
  const Folder streets_folder;
  Streets streets(streets_folder);
  if (!streets.there()) return skip("no network namespaces can be made and joined");
  Validators four(4, {"block.empty_ms=1000"}, &streets);
  const std::string bob = value_in(four.get({"wallet", "new", "bob", "--json"}), "account");
  REQUIRE(until([&] { return four.height(0) > 0; }));
  four.pay(0, bob);
  REQUIRE(streets.cut(3));
  four.pay(0, bob);
  CHECK(four.height(3) < four.height(0));

  REQUIRE(streets.cut(2));
  const std::uint64_t halted = four.height(0) + 1;  // one may have been under way
  const Seen sent =
      four.run({"wallet", "send", "founder0", bob, "1", "--wait", "--seconds", "3", "--data", four.data(0)});
  CHECK(sent.exit == 8);
  CHECK(four.height(1) <= halted);

  REQUIRE(streets.heal(3));
  CHECK(until([&] { return four.height(0) > halted && four.height(3) > halted; }));
  const auto bob_has = [&](std::size_t node, const char* amount) {
    return until([&] { return four.get({"wallet", "balance", "bob", "--data", four.data(node)}) == amount; });
  };
  CHECK(bob_has(0, "3"));  // what could not be final in time is, after all
  REQUIRE(streets.heal(2));
  CHECK(bob_has(2, "3"));
  four.pay(2, bob);
  const std::uint64_t last = four.height(2);
  CHECK(until([&] { return four.height(0) >= last && four.height(1) >= last && four.height(3) >= last; }));
  for (const std::size_t i : {0, 1, 3}) CHECK(four.root(i, last) == four.root(2, last));
  CHECK(bob_has(3, "4"));
}

TEST_CASE("cluster chain: a validator restored from a backup waits, then signs past what it signed before") {
  Validators chain(4, {"block.empty_ms=1000"});
  const std::string to = value_in(chain.at(0, {"wallet", "show", "founder1", "--json"}), "account");
  const std::string id = chain.nodes[3]->id;
  chain.pay(0, to);
  REQUIRE(until([&] { return chain.signed_at(3) > 0; }));
  chain.back_up(3);
  chain.pay(1, to);
  // It asks at each start, and goes on at once where its guard is the latest.
  const std::uint64_t then = chain.height(0);
  REQUIRE_MESSAGE(until([&] { return chain.signed_at(3) > then + 2; }), chain.at(3, {"chain", "status"}));
  const std::uint64_t before = chain.signed_at(3);

  chain.restore(3, "1h");
  REQUIRE(until([&] { return chain.guard_is_old(3); }));
  CHECK(chain.status(3, "waitingPower") == "1000");
  CHECK(chain.status(3, "power") == "4000");
  const std::vector<std::string> node_status{"status", "--json", "--data", chain.data(3)};
  CHECK(until([&] { return contains(chain.run(node_status).out, "older than the validator's signatures"); }));
  CHECK(contains(chain.at(3, {"chain", "status"}), "signs nothing"));
  CHECK(chain.status(0, "waits") == "null");
  // The others go on without it, and it follows them.
  chain.pay(0, to);
  const std::uint64_t without = chain.height(0);
  REQUIRE(until([&] { return chain.height(3) >= without; }));
  CHECK(chain.signed_at(3) < before);
  const auto resume = [&](std::size_t i, const std::string& name, const std::string& from) {
    return chain.run({"validator", "resume", name, "--from", from, "--json", "--data", chain.data(i)});
  };
  CHECK(until([&] { return resume(3, "founder3", "1").exit == 5; }));  // 7 before all others have been heard
  CHECK(resume(3, "founder2", "1").exit == 4);
  CHECK(resume(0, "founder0", "1").exit == 5);

  // Nothing was signed while it waited: after a crash it waits as before, now for a short time.
  chain.kill(3);
  chain.begin_waiting(3, "1s");
  REQUIRE(until([&] { return chain.signed_at(3) > before; }));
  CHECK(until([&] { return chain.status(3, "waits") == "null"; }));
  const std::string proposer = "\"proposer\":\"" + id + '"', precommit = "\"validator\":\"" + id + '"';
  REQUIRE(until([&] {
    const std::uint64_t height = chain.height(0);
    if (height <= before) return false;
    const std::string block = chain.at(0, {"chain", "block", std::to_string(height), "--json"});
    return contains(block, proposer) || contains(block, precommit);
  }));
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(contains(chain.at(i, {"validator", "show", id, "--json"}), "\"evidence\":[]"));
}

TEST_CASE("cluster chain: if half of the validators are restored, their operators let them sign again") {
  // No height begins by itself while they are killed.
  Validators chain(4, {"block.empty_ms=60000"});
  const std::string to = value_in(chain.at(0, {"wallet", "show", "founder1", "--json"}), "account");
  chain.pay(0, to);
  chain.back_up(2);
  chain.back_up(3);
  const std::uint64_t then = chain.height(1);
  for (int i = 0; i < 3; ++i) chain.pay(1, to);
  const std::uint64_t head = chain.height(1);
  for (const std::size_t i : {2, 3}) REQUIRE(until([&] { return chain.signed_at(i) > then; }));
  chain.restore(2, "1h");
  chain.restore(3, "1h");
  for (const std::size_t i : {2, 3})
    REQUIRE(until([&] { return chain.guard_is_old(i) && chain.status(i, "waitingPower") == "2000"; }));
  for (const std::size_t i : {2, 3}) REQUIRE(until([&] { return chain.height(i) >= head; }));
  const std::string from = std::to_string(head + 1);
  for (const std::size_t i : {2, 3}) {
    const std::string name = "founder" + std::to_string(i);
    const auto resume = [&](const std::string& first) {
      return chain.run({"validator", "resume", name, "--from", first, "--json", "--data", chain.data(i)});
    };
    CHECK(resume(std::to_string(head)).exit == 5);
    // All others have to be heard first.
    Seen seen;
    REQUIRE(until([&] {
      seen = resume(from);
      return seen.exit != 7;
    }));
    CHECK_MESSAGE(seen.exit == 0, seen.err);
    CHECK(value_in(seen.out, "validator") == chain.nodes[i]->id);
    CHECK(value_in(seen.out, "from") == from);
    CHECK(resume(from).exit == 5);
  }
  chain.pay(0, to);
  CHECK(chain.height(0) > head);
}

TEST_CASE(
    "cluster chain: states of two nodes are compared, and a chain goes on from a block that its validators name") {
  Validators chain(4, {"block.empty_ms=1000"});
  const std::string to = value_in(chain.at(0, {"wallet", "show", "founder1", "--json"}), "account");
  const auto pay = [&](std::size_t node, const std::string& amount) {
    return chain.run(
        {"wallet", "send", "founder0", to, amount, "--wait", "--seconds", "60", "--data", chain.data(node)});
  };
  REQUIRE(pay(0, "100").exit == 0);
  const std::uint64_t stays = chain.height(0);
  REQUIRE(pay(0, "11").exit == 0);
  REQUIRE(until([&] { return chain.at(2, {"wallet", "balance", to}) == "1000111"; }));

  const std::string same = chain.at(2, {"chain", "diff", chain.nodes[0]->id, "--json"});
  CHECK(value_in(same, "equal") == "true");
  CHECK(contains(same, "\"key\":null"));
  CHECK(chain.run({"chain", "diff", chain.nodes[2]->id, "--data", chain.data(2)}).exit == 5);
  CHECK(chain.run({"chain", "diff", std::string(40, '1'), "--data", chain.data(2)}).exit == 4);
  CHECK(value_in(chain.at(1, {"chain", "verify", "--from", std::to_string(stays), "--json"}), "ok") == "true");
  CHECK(chain.run({"chain", "verify", "--from", "1000000", "--data", chain.data(1)}).exit == 4);

  const std::string file = chain.folder / "fork";
  const std::string kept = chain.at(0, {"chain", "fork", std::to_string(stays), "-o", file, "--json"});
  CHECK(value_in(kept, "fork") == "1");
  const Seen asked = chain.run({"chain", "resume", file, "--data", chain.data(0)});
  CHECK(asked.exit == 2);  // there are blocks to drop, and no terminal
  CHECK_MESSAGE(contains(asked.err, "would be dropped"), asked.err);
  CHECK(chain.run({"chain", "resume", file, "--yes", "--data", chain.data(0)}).exit == 5);  // one of four has signed
  CHECK(contains(chain.run({"chain", "resume", file + ".none", "--data", chain.data(0)}).err, "No such file"));
  for (const std::size_t i : {std::size_t{1}, std::size_t{2}, std::size_t{2}})
    chain.at(i, {"chain", "sign", file});  // twice is as once
  CHECK(value_in(chain.at(2, {"chain", "sign", file, "--json"}), "signatures") == "3");
  const auto resumed = [&](std::size_t i) {
    return chain.run({"chain", "resume", file, "--yes", "--data", chain.data(i)});
  };
  REQUIRE(until([&] { return resumed(0).exit == 0; }));

  // Its neighbours take the statement from it; what came after that block is gone, and the chain goes on.
  const auto fork_of = [&](std::size_t i) {
    const Seen seen = chain.run({"chain", "status", "--json", "--data", chain.data(i)});
    return seen.exit == 0 ? value_in(seen.out, "fork") : std::string();
  };
  for (std::size_t i = 0; i < 4; ++i) REQUIRE(until([&] { return fork_of(i) == "1"; }));
  REQUIRE(until([&] { return chain.height(0) > stays && chain.height(3) > stays; }));
  CHECK(chain.at(0, {"wallet", "balance", to}) == "1000100");
  const Seen again = pay(3, "5");
  CHECK_MESSAGE(again.exit == 0, again.err);
  CHECK(chain.run({"chain", "resume", file, "--data", chain.data(1)}).exit ==
        0);  // it has it already, and drops nothing

  // A node that begins now comes through both forks, and one that dies remembers them.
  chain.nodes.resize(5);
  chain.begin(4, chain.joined());
  const std::uint64_t then = chain.height(0);
  REQUIRE(until([&] { return chain.height(4) >= then; }));
  CHECK(fork_of(4) == "1");
  CHECK(chain.root(4, then) == chain.root(0, then));
  chain.kill(4);
  chain.begin(4, chain.joined());
  REQUIRE(until([&] { return fork_of(4) == "1"; }));
  CHECK(value_in(chain.at(4, {"chain", "verify", "--json"}), "ok") == "true");
}
