// The names that scripts find in the JSON of each command. They may become more; none may go or change.
#include <span>

#include "tests/cluster/cluster.hpp"
#include "tests/cluster/json_names.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

struct Row {
  const char* command;
  std::vector<std::string> arguments;
  const char* names;
  int exit = 0;
};

const char* const kPeer = "node address state rttMs direction sent received score bannedForMs";
const char* const kSearch =
    "search.ending search.asked search.unanswered search.hops search.tookMs search.questions search.refused";
const char* const kQuestion =
    "search.questions.node search.questions.address search.questions.path search.questions.depth "
    "search.questions.sharedBits search.questions.namedBy search.questions.chosen search.questions.fate "
    "search.questions.tookMs search.questions.sequence search.questions.contacts";
const char* const kValue = "key value valueHex bytes sealed owner name sequence expires holders quorum agreed search";
const char* const kAudited =
    "summary rows bytes expired troubles removed removedBytes spaces.space spaces.rows spaces.bytes spaces.expired "
    "spaces.troubles spaces.removed spaces.removedBytes";
const char* const kProposed =
    "id to amount category reason expires signed state by proposed signedBy threshold signers why transfer";
const char* const kAirdropRow = "airdrop state pool paid recipients owner objectionsUntil";
const char* const kAirdropShown =
    "airdrop state pool paid recipients.node recipients.to recipients.amount recipients.state recipients.evidence.kind "
    "recipients.evidence.weight recipients.objections recipients.decided owner address created objectionsUntil why";
const char* const kActed = "escrow state deadline seq changed";
const char* const kFigures =
    "what clients perSecond mibPerSecond p50Ms p90Ms p99Ms errors residentBytes requestsEach cpuMsEach "
    "mib seconds secondsMax ratio";
const char* const kWorlds =
    "domain seed hash events virtualS wallS held invariant event why atS acknowledged story reached faults.fault "
    "faults.fired faults.acknowledgedAfter summary worlds broken neverReached faults.worlds crashed groups breaks";

/// Commands that are not run here, and why.
const std::pair<const char*, const char*> kNotHere[] = {
    {"kv batch", "it reads standard input: tests/cluster/raft_test.cpp"},
    {"kv txn", "it reads standard input: tests/cluster/raft_test.cpp"},
    {"node", "its output is the line `ready`"},
    {"airdrop run", "it waits for the end of the objections: tests/cluster/airdrop_test.cpp"},
    {"escrow look", "it needs a guard that holds an escrow"},
    {"escrow rule", "it needs an arbiter"},
    {"escrow watch", "it waits for events: tests/cluster/escrow_test.cpp"},
    {"validator resume", "it needs a validator that waits: tests/cluster/chain_test.cpp"},
    {"wallet restore", "it reads standard input: tests/apps/wallet"},
    {"task logs", "a machine may make no sandboxes: tests/cluster/task_test.cpp"},
    {"task result", "standard output is the program's: tests/cluster/task_test.cpp"},
    {"sandbox check", "a machine may make no sandboxes: tests/cluster/sandbox_test.cpp"},
    {"sandbox run", "standard output is the program's: tests/cluster/sandbox_test.cpp"},
    {"sim watch", "it opens screens, which are for people"},
    {"sim shrink", "it prints what `sim run` prints, of a world that has to be broken first"},
    {"bench task", "it takes 80 s"},
    {"chain diff", "it takes two nodes of a chain: tests/cluster/chain_test.cpp"},
    {"sim survival", "it takes 12 s at its least"},
    {"sim explore", "it takes 7 s, or ends with 10; what it explores is in tests/actors/escrow/explore_test.cpp"},
};

/// Commands that need a node with a chain.
const char* const kOfChain[] = {
    "chain found",   "chain genesis",  "chain sign",  "chain status", "chain watch",  "chain blocks", "chain block",
    "chain account", "chain accounts", "chain state", "chain params", "chain verify", "chain fork",   "chain resume",
    "validator ls",  "validator show", "tx show",     "tx wait",      "tx ls",        "tx pending",   "wallet faucet"};
const char* const kTransaction =
    "id state height index time confirmations kind from to amount credits memo nonce lastHeight feePayer feeMax fee "
    "burnt tip gas code message events";
const char* const kBlock =
    "height id time proposer parent stateRoot txs evidence commit.round commit.power commit.of commit.absent "
    "commit.signatures.validator commit.signatures.round fork header";
const char* const kValidator =
    "validator operator power commission missed jailedUntil origin state evidence guard.height guard.round guard.step "
    "refused";

/// The commands of the program.
std::vector<std::string> commands(const Folder& folder) {
  const std::string json = troupe::test::troupe(folder, {"help", "--json"}).out;
  const std::string before = "{\"name\":\"";
  std::vector<std::string> out;
  for (auto at = json.find(before); at != std::string::npos; at = json.find(before, at + 1))
    out.push_back(json.substr(at + before.size(), json.find('"', at + before.size()) - at - before.size()));
  return out;
}

std::string fund_address(const std::string& shown) {
  const std::size_t at = shown.find("tro1");
  REQUIRE(at != std::string::npos);
  return shown.substr(at, shown.find('"', at) - at);
}

std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> out{""};
  for (const char c : command) {
    if (c == ' ') out.emplace_back();
    else out.back() += c;
  }
  return out;
}

/// Adds to `here` what it runs.
void run(std::span<const Row> rows, const Folder& folder, std::set<std::string>& here) {
  for (const Row& row : rows) {
    std::vector<std::string> words = words_of(row.command);
    words.insert(words.end(), row.arguments.begin(), row.arguments.end());
    words.push_back("--json");
    here.insert(row.command);
    const Seen seen = troupe::test::troupe(folder, words);
    CAPTURE(std::string(row.command));
    CHECK_MESSAGE(seen.exit == row.exit, seen.err);
    CHECK_MESSAGE(lacking(seen.out, row.names).empty(), "not printed:" << lacking(seen.out, row.names) << seen.out);
  }
}

}  // namespace

TEST_CASE("cluster json: what each command prints has all names of its contract") {
  Cluster cluster(2, {"--set", "ledger.book=self", "--set", "task.host_usr=true"});
  const Folder& folder = cluster.folder;
  ::setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
  ::setenv("TROUPE_DATA", cluster.nodes[0]->data.c_str(), 1);  // not --data, which the demo refuses
  std::ofstream(folder / "file") << "some bytes";
  std::ofstream(folder / "secret") << "open sesame\n";
  std::ofstream(folder / "bad.toml") << "nonsense = 1\n";
  std::ofstream(folder / "calm.toml") << "seed = 1\ndomains = [\"peers\"]\nnodes = 3\ntime = \"2s\"\n";
  std::ofstream(folder / "program") << "#!/bin/sh\nsleep 600\n";
  const std::string task = line(cluster.run(0, {"task", "submit", folder / "program"}));
  const std::string cid = line(cluster.run(0, {"file", "put", folder / "file", "--replicas", "2"}));
  std::ofstream(folder / "its-file") << "other bytes";
  REQUIRE(cluster.run(1, {"file", "put", folder / "its-file", "--replicas", "2"}).exit == 0);
  const std::string other = cluster.nodes[1]->id, id(40, '1');
  const std::string key = line(cluster.run(0, {"dht", "put", "orders", "seven"}));
  const std::string search = std::string(kSearch) + ' ' + kQuestion;
  const std::string put = "key sequence stored asked " + search, value = std::string(kValue) + ' ' + search;
  const std::string found = "target nodes.node nodes.address nodes.lastSeenS " + search;

  // Two parties, two escrows that are under way, and an account of both.
  ::setenv("TROUPE_PASSPHRASE_FILE", (folder / "secret").c_str(), 1);
  const auto buyer = line(cluster.run(0, {"wallet", "new", "buyer"}));
  const auto seller = line(cluster.run(0, {"wallet", "new", "seller"}));
  const auto both =
      line(cluster.run(0, {"wallet", "multisig", "create", "both", "--of", "2", "--key", buyer, "--key", seller}));
  for (const char* to : {"buyer", "seller", "both"}) line(cluster.run(0, {"wallet", "issue", to, "1000"}));
  const std::vector<std::string> propose{"both", seller, "5", "--wallet", "buyer"};
  const auto proposal =
      line(cluster.run(0, {"wallet", "multisig", "propose", "both", seller, "5", "--wallet", "buyer"}));
  const std::vector<std::string> fund_payment{"fund",       "propose", seller,     "1",
                                              "--category", "food",    "--reason", "bread"};
  line(cluster.run(0, {"wallet", "issue", fund_address(line(cluster.run(0, {"fund", "show", "--json"}))), "10"}));
  const auto of_fund = line(cluster.run(0, fund_payment));
  REQUIRE(cluster.run(0, {"fund", "report", "-o", folder / "report"}).exit == 0);
  std::ofstream(folder / "drop.toml") << "pool = 10\nlist = [[\"" << seller << "\", 1]]\n";
  const auto dropped = line(cluster.run(0, {"airdrop", "create", folder / "drop.toml", "--wallet", "buyer"}));
  const std::vector<std::string> create{"--to", seller, "--amount", "100", "--wallet", "buyer", "--request", "1"};
  const auto parts = [&] {
    std::vector<std::string> words{"escrow", "create"};
    words.insert(words.end(), create.begin(), create.end() - 1);
    words.insert(words.end(), {"2", "--milestones", "40,60"});
    const auto out = line(cluster.run(0, words));
    const auto act = [&](const char* what, const char* wallet) {
      REQUIRE(cluster.run(0, {"escrow", what, out, "--wallet", wallet}).exit == 0);
    };
    act("sign", "seller");
    for (const char* party : {"buyer", "seller"}) act("fund", party);
    act("start", "seller");
    REQUIRE(cluster.run(0, {"escrow", "accept", out, "--milestone", "1", "--wallet", "buyer"}).exit == 0);
    act("cancel", "buyer");
    REQUIRE(until([&] {
      return contains(cluster.run(0, {"escrow", "show", out, "--json"}).out, "\"confirmed\":true");
    }));
    return out;
  }();
  std::vector<std::string> again{"escrow", "create"};
  again.insert(again.end(), create.begin(), create.end());
  const auto whole = line(cluster.run(0, again));

  const Row rows[] = {
      {"status", {}, "node name version uptimeS listen peers actors health reasons"},
      {"peers", {}, kPeer},
      {"peers connect", {cluster.nodes[1]->at}, "node address"},
      {"file put", {folder / "file", "--replicas", "2"}, "cid name bytes chunks replicas reached bytesFresh"},
      {"file get", {cid, "-o", folder / "copy"}, "cid file bytes fileBytes"},
      {"file ls", {}, "cid name bytes chunks pinned expires copiesEnd"},
      {"file view",
       {cid},
       "cid listed name replicas live pinned expires bytes chunks nodes.node nodes.chunks nodes.bytes nodes.manifest "
       "contents.kind contents.id contents.offset contents.bytes contents.holders"},
      {"file verify", {cid}, "summary copies sound lacking damaged unknown repaired bytes"},
      {"file verify", {}, "summary copies sound lacking damaged unknown repaired bytes"},
      {"file owners", {}, "owner contents bytes claims lastSeen"},
      {"file pin", {cid}, "cid pinned"},
      {"file unpin", {cid}, "cid pinned"},
      {"dht put", {"orders", "eight", "--explain"}, put.c_str()},
      {"dht get", {key, "--explain"}, value.c_str()},
      {"dht get", {key, "/cid/" + std::string(64, '1')}, "key value error.code error.message", 3},
      {"dht withdraw", {key}, "key"},
      {"dht find", {id, "--explain"}, found.c_str()},
      {"dht provide", {cid}, "key sequence stored asked search.ending"},
      {"dht providers", {cid}, "target nodes.node nodes.address nodes.lastSeenS search.ending"},
      {"dht listen", {key, "--count", "1"}, "key value valueHex bytes owner name sequence expires summary why items"},
      {"dht listen", {cid, "--count", "1"}, "node address lastSeenS summary why items"},
      {"dht table", {}, "bucket contacts.node contacts.address contacts.lastSeenS"},
      {"dht list", {}, "space key name owner node sequence bytes expires summary rows"},
      {"dht check", {}, kAudited},
      {"dht clean", {}, kAudited},
      {"escrow sign", {whole, "--wallet", "seller"}, kActed},
      {"escrow fund", {whole, "--wallet", "buyer"}, kActed},
      {"escrow fund", {whole, "--wallet", "seller"}, kActed},
      {"escrow extend", {whole, "--start", "100h", "--wallet", "buyer"}, kActed},
      {"escrow start", {whole, "--wallet", "seller"}, kActed},
      {"escrow progress", {whole, "10", "--wallet", "buyer"}, kActed},
      {"escrow deliver", {whole, cid, "--wallet", "seller"}, kActed},
      {"escrow dispute", {whole, "--wallet", "buyer"}, kActed},
      {"escrow propose", {whole, "--pay", "50", "--wallet", "seller"}, kActed},
      {"escrow agree", {whole, "--pay", "50", "--wallet", "buyer"}, kActed},
      {"file release", {cluster.nodes[1]->id}, "owner claims"},
      {"file rm", {cid}, "cid holders"},
      {"raft init", {}, "group already failed"},
      {"raft ls", {}, "group role term leader members applied"},
      {"raft add", {cluster.nodes[1]->id + '@' + cluster.nodes[1]->at, "--learner"}, "group node"},
      {"raft remove", {cluster.nodes[1]->id}, "group node"},
      {"raft transfer", {cluster.nodes[0]->id}, "group node"},
      {"raft status",
       {},
       "group node role term leader commit applied hash members.node members.address members.kind members.match "
       "members.state members.lagMs members.incarnation members.inFlight incarnation epoch last revision "
       "oldestRevision keys leases sessions watchers reason why.what why.node why.ms"},
      {"raft snapshot", {}, "group node"},
      {"raft recover", {"--force-new-cluster"}, "group done commit last epoch membersLeft"},
      {"kv put", {"a", "1", "--ttl", "5m"}, "rev repeated deleted values"},
      {"kv get", {"a"}, "key value valueHex rev created"},
      {"kv cas", {"a", "1", "2"}, "rev repeated"},
      {"kv ls", {}, "key keyHex value valueHex rev created ttlMs summary keys more"},
      {"kv watch", {"", "--rev", "1", "--count", "1"}, "rev key keyHex value valueHex request"},
      {"kv lease", {"grant", "1m"}, "lease ttlMs"},
      {"kv del", {"a"}, "rev repeated deleted"},
      {"wallet new", {"savings", "--passphrase-file", folder / "secret"}, "name account publicKey words"},
      {"wallet show", {"savings"}, "name account publicKey words"},
      {"wallet export", {"savings", "--passphrase-file", folder / "secret"}, "name account publicKey words"},
      {"wallet ls", {}, "account name kind balance held"},
      {"wallet balance", {"buyer"}, "account balance"},
      {"wallet send", {"buyer", seller, "1"}, "id state"},
      {"wallet history", {"buyer"}, "id time from to amount memo state sequence"},
      {"wallet audit", {}, "accounts postings issued sum mismatches brokenAt broken issuers.account issuers.amount"},
      {"wallet issue", {"buyer", "1"}, "id state"},
      {"wallet own", {}, "account balance daily spent waiting"},
      {"wallet multisig create",
       {"two", "--of", "1", "--key", buyer, "--key", seller},
       "name account threshold signers"},
      {"wallet multisig propose", propose, "id account to amount memo signed threshold expires state"},
      {"wallet multisig ls", {}, "id account to amount memo signed threshold expires state"},
      {"wallet multisig sign",
       {proposal, "--wallet", "seller"},
       "id account to amount memo signed threshold expires state"},
      {"escrow create", create, "escrow state"},
      {"escrow accept", {parts, "--milestone", "1", "--wallet", "buyer"}, kActed},
      {"escrow show",
       {parts},
       "escrow state buyer provider amount bonds.buyer bonds.provider released fund deadline then.state "
       "then.payouts.to then.payouts.role then.payouts.amount delivered dispute paid.to paid.role paid.amount "
       "paid.why offers.by offers.what confirmed sentence"},
      {"escrow arbiter join", {"--bond", "7", "--wallet", "seller"}, "arbiter bond drawn ruled silent"},
      {"escrow arbiter ls", {}, "arbiter bond drawn ruled silent"},
      {"escrow arbiter leave", {"--wallet", "seller"}, "arbiter bond drawn ruled silent"},
      {"escrow ls", {}, "escrow state amount deadline buyer provider"},
      {"escrow log",
       {parts},
       "seq time event by hash prev what entry act.act act.policy act.approvals.key act.approvals.signature "
       "agreement commitment"},
      {"escrow verify", {parts}, "escrow state entries acts bad"},
      {"escrow cancel", {parts, "--wallet", "seller"}, kActed},
      {"fund propose", {seller, "2", "--category", "food", "--reason", "milk"}, kProposed},
      {"fund sign", {of_fund}, kProposed},
      {"fund ls", {}, kProposed},
      {"fund show",
       {},
       "address balance threshold signers proposals.id proposals.to proposals.amount proposals.category "
       "proposals.reason proposals.expires proposals.signed proposals.state allocations.category allocations.spent "
       "allocations.payments dailyCap paidToday book seq head"},
      {"fund report",
       {},
       "report book account first last from until head previous seq time id way amount memo category proposal balance "
       "credits debits allocations.category allocations.spent allocations.payments sha256"},
      {"fund verify", {folder / "report"}, "file lines sha256 bad"},
      {"airdrop create", {folder / "drop.toml", "--wallet", "buyer"}, kAirdropRow},
      {"airdrop check", {folder / "drop.toml"}, kAirdropShown},
      {"airdrop ls", {}, kAirdropRow},
      {"airdrop show", {dropped}, kAirdropShown},
      {"airdrop object",
       {dropped, seller, "--reason", "a bot", "--wallet", "seller"},
       "airdrop recipient.node recipient.to recipient.amount recipient.state recipient.evidence.kind "
       "recipient.evidence.weight recipient.objections.by recipient.objections.reason recipient.objections.time "
       "recipient.decided"},
      {"airdrop verify", {dropped}, "airdrop ok recipients struck paid transfers bad"},
      {"registry ls",
       {},
       "node status capabilities.arch capabilities.cpu price heartbeatAgeS owner reputation verified"},
      {"reputation report", {other, "task_success"}, "node event old new clamped id"},
      {"reputation", {other, "--events"}, "id time event delta score by evidence"},
      {"registry view",
       {cluster.nodes[0]->id, "--history"},
       "node status capabilities.memory price heartbeatAgeS owner address version registered upS watchers history"},
      {"registry register", {"--capability", "gpu"}, "node registered capabilities.gpu price"},
      {"registry unregister", {}, "node registered capabilities.gpu price"},
      {"sim collusion", {"--tasks", "100"}, "colluding replicas wrong overhead way tasks"},
      {"task submit", {folder / "program"}, "task"},
      {"task ls", {}, "task state priority attempt node reason submitted member"},
      {"task view",
       {task},
       "task state priority attempt node reason program arguments replicas quorum result why maxPrice escrow network"},
      {"task cancel", {task}, "task state"},
      {"inspect",
       {"--once"},
       "node actors.path actors.kind actors.state actors.mailbox actors.oldestMs actors.handled actors.perSecond "
       "actors.busy actors.p50Us actors.p99Us actors.maxUs actors.restarts actors.lastError actors.perSecondMinute "
       "actors.busyMinute actors.refused actors.deadLetters actors.asking actors.headKind actors.headFrom total "
       "matched tookMs warnings"},
      {"inspect",
       {"--once", "--ended"},
       "node ended.path ended.kind ended.agoMs ended.decision ended.code ended.why ended.lastMessage ended.handled "
       "ended.restarts inAll"},
      {"inspect",
       {"--once", "/dht"},
       "node actor.path silent handling handlingMs parent children childrenInAll asks asksInAll timers.name "
       "timers.dueMs streams streamsStarved incarnation keptForMs messages errors p50Us p90Us p99Us timed stateKind "
       "state watching watchers watchersInAll"},
      {"trace",
       {"/**", "--all", "--count", "1"},
       "at way path other kind form trace bytes text waitedUs tookUs span handler summary why messages dropped"},
      {"log", {"info", "dht"}, "level domain"},
      {"peers drop", {other}, "node address"},
      {"peers pardon", {other}, "node address"},
      {"config show", {}, "key value origin default reloads meaning"},
      {"config check", {folder / "bad.toml"}, "where what", 2},
      {"operator key", {}, "key file"},
      {"version", {}, "version"},
      {"completion", {"bash"}, "text"},
      {"help", {}, "name usage summary"},
      {"sim", {"peers", "--seeds", "2", "--time", "2s", "--nodes", "3"}, kWorlds, 10},
      {"sim run", {folder / "calm.toml"}, kWorlds, 10},
      {"sim replay",
       {"peers", "--time", "2s", "--until", "200"},
       "node path kind waiting activity oldestMs handled restarts lastError state summary worlds broken events wallS "
       "neverReached faults",
       10},
      {"sim list", {}, "kind name takes help domain mutants"},
      {"sim mutants", {"files.put_unbound"}, "mutant found seeds seed invariant domain"},
      {"sim eclipse",
       {"--nodes", "100", "--rounds", "2"},
       "scores.groups scores.paths scores.region scores.workBits scores.ids scores.addressGroups scores.hashes "
       "floods.limited floods.settled floods.ids floods.addressGroups floods.contacts floods.falseContacts"},
      {"sim churn",
       {"--nodes", "30", "--keys", "20", "--gets", "50", "--warm-up", "1h", "--key-age", "30m"},
       "nodes sessionS absenceS comeBackPercent lossPercent hostilePercent keys gets found ratio ratioLow ratioHigh "
       "nobody requestsEach hops p50Ms p99Ms sessions requests seed"},
      {"bench actor", {"--seconds", "0.1"}, kFigures},
      {"bench link", {"--seconds", "0.1"}, kFigures},
      {"bench dht", {"--seconds", "0.1", "--nodes", "5"}, kFigures},
      {"bench kv", {"--seconds", "0.1"}, kFigures},
      {"bench escrow", {"--seconds", "0.2", "--only", "escrow.transfer,escrow.whole"}, kFigures},
      {"bench chain", {"--seconds", "0.3", "--only", "chain.verify,chain.transfer,chain.sync,chain.final"}, kFigures},
      {"bench file", {"--mib", "1"}, kFigures},
      {"demo",
       {"--nodes", "4", "--bytes", "100000"},
       "nodes bytes cid killed readAt chunks chunksThere same seconds escrow"},
  };

  std::set<std::string> here(std::begin(kOfChain), std::end(kOfChain));
  run(rows, folder, here);
  ::unsetenv("XDG_CONFIG_HOME");
  ::unsetenv("TROUPE_DATA");
  ::unsetenv("TROUPE_PASSPHRASE_FILE");

  for (const auto& [command, why] : kNotHere) here.insert(command);
  for (const std::string& command : commands(folder))
    CHECK_MESSAGE(here.contains(command), command << " is new: give it a row, with the names of its contract");
}

TEST_CASE("cluster json: what is asked of a chain has all names of its contract") {
  const Folder folder;
  ::setenv("XDG_CONFIG_HOME", (folder / "config").c_str(), 1);
  ::setenv("TROUPE_PASSPHRASE_FILE", (folder / "secret").c_str(), 1);
  std::ofstream(folder / "secret") << "open sesame\n";
  NodeProgram node(folder, "dev", {"--chain", "dev"});
  REQUIRE(node.ready());
  ::setenv("TROUPE_DATA", node.data.c_str(), 1);
  const auto now = [&](const std::vector<std::string>& words) { return troupe::test::troupe(folder, words); };
  REQUIRE(until([&] { return now({"chain", "status"}).exit == 0; }));
  line(now({"wallet", "new", "buyer"}));
  line(now({"wallet", "new", "waiter"}));
  const std::string tx = line(now({"wallet", "faucet", "waiter", "--wait"}));
  const std::string founded = folder / "founding", genesis = folder / "genesis", fork = folder / "fork";
  std::set<std::string> here;
  const Row rows[] = {
      {"chain found", {"buyer", "--stake", "1", "-o", founded}, "validator operator stake balance consensusKey file"},
      {"chain genesis", {"hats", founded, "-o", genesis}, "chain name supply founders file"},
      {"chain sign", {genesis}, "chain signed founders founded"},
      {"chain status",
       {},
       "chain name mode height id time round step validators stateRoot target blockTimeMs pending baseFee supply "
       "quorum neighbours waits waitingPower power fork suspects"},
      {"chain watch", {"--count", "1"}, kBlock},
      {"chain blocks", {"--from", "1"}, kBlock},
      {"chain block", {"1"}, kBlock},
      {"chain account",
       {"waiter", "--proof"},
       "address height balance nonce staked unbonding rewards nextNonce faucetTime account.height root header "
       "exist.key exist.value exist.leaf exist.path.prefix exist.path.suffix exist.path.hash nonexist"},
      {"chain accounts", {}, "address balance staked unbonding rewards summary accounts balances pots supply height"},
      {"chain state", {}, "key value"},
      {"chain params", {}, "block.empty_ms faucet.period_s fee.base"},
      {"chain verify", {}, "from to ok badHeight"},
      {"validator ls", {}, kValidator},
      {"validator show", {node.id}, kValidator},
      {"tx show", {tx}, kTransaction},
      {"tx wait", {tx}, kTransaction},
      {"tx ls", {"waiter"}, kTransaction},
      {"tx pending", {}, ""},
      {"wallet faucet", {"buyer"}, "id state"},
      {"chain fork", {"1", "-o", fork}, "fork height block signatures"},
      {"chain sign", {fork}, "fork height block signatures"},
      {"chain resume", {fork, "--yes"}, "fork height block signatures"},
  };
  run(rows, folder, here);
  for (const char* name : {"XDG_CONFIG_HOME", "TROUPE_DATA", "TROUPE_PASSPHRASE_FILE"}) ::unsetenv(name);
  CHECK(here == std::set<std::string>(std::begin(kOfChain), std::end(kOfChain)));
}

TEST_CASE("cluster json: names of a text are found in lists and objects, whatever the texts in it say") {
  const std::string json = "[{\"a\":1,\"b\":[{\"c\":\"x\\\"y\\\":{\"},{\"d\":null}],\"e\":{\"f\":[]}}]\n{\"g\":true}\n";
  CHECK(json_names(json) == std::set<std::string>{"a", "b", "b.c", "b.d", "e", "e.f", "g"});
  CHECK(lacking(json, "a b.d e.f").empty());
  CHECK(lacking(json, "a d b.d x") == " d x");
}
