// The fund of a book by the commands of its signers, at a real node that is killed on the way.
#include "tests/cluster/bank.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

struct Treasury : Bank {
  using Bank::Bank;
  std::string show(const std::string& name) { return value_in(get({"fund", "show", "--json"}), name); }
  std::string state_of(const std::string& id) {
    const std::string all = get({"fund", "ls", "--json"});
    const auto at = all.find(id);
    return at == std::string::npos ? "" : value_in(all.substr(at), "state");
  }
};

const std::vector<std::string> kFood{"--category", "food", "--reason", "bread for all"};

std::vector<std::string> proposing(const std::string& to, const std::string& amount,
                                   std::vector<std::string> more = {}) {
  std::vector<std::string> out{"fund", "propose", to, amount};
  out.insert(out.end(), kFood.begin(), kFood.end());
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

TEST_CASE("cluster fund: the book's owner proposes, signs and pays; the report is the book's, after a kill as well") {
  Treasury it;
  const std::string baker = it.get({"wallet", "new", "baker"});
  const std::string address = it.show("address");
  CHECK(it.show("threshold") == "1");
  it.get({"wallet", "issue", address, "100"});
  CHECK(it.show("balance") == "100");

  const std::string id = it.get(proposing(baker, "30", {"--request", "r1"}));
  CHECK(it.get(proposing(baker, "30", {"--request", "r1"})) == id);
  CHECK(it.exit(proposing(baker, "31", {"--request", "r1"})) == 5);
  CHECK(it.state_of(id) == "open");
  it.crash();
  CHECK(it.state_of(id) == "open");
  CHECK(it.get({"fund", "sign", id, "--request", "s1"}) == id);
  CHECK(it.get({"wallet", "balance", "baker"}) == "30");
  CHECK(it.state_of(id) == "paid");
  CHECK(it.get({"fund", "sign", id, "--request", "s1"}) == id);
  CHECK(it.get({"fund", "sign", id}) == id);  // again, without a change
  it.crash();
  CHECK(it.state_of(id) == "paid");
  CHECK(it.get({"fund", "sign", id}) == id);  // again, without a change
  CHECK(it.get({"wallet", "balance", "baker"}) == "30");
  CHECK(
      contains(it.get({"fund", "show", "--json"}), R"("allocations":[{"category":"food","spent":"30","payments":1}])"));

  // What it has not got ends the proposal; what is no proposal is said to be none.
  const std::string rich = it.get(proposing(baker, "1000"));
  CHECK(it.exit({"fund", "sign", rich}) == 5);
  CHECK(it.state_of(rich) == "refused");
  CHECK(it.exit({"fund", "sign", std::string(64, '1')}) == 4);
  CHECK(it.exit({"fund", "sign", "1"}) == 2);
  CHECK(it.exit({"fund", "propose", baker, "1", "--reason", "none", "--category", "No Way"}) == 2);
  const std::string brief = it.get(proposing(baker, "1", {"--expires", "1s"}));
  REQUIRE(until([&] { return it.state_of(brief) == "expired"; }));
  CHECK(it.exit({"fund", "sign", brief}) == 5);

  const std::string file = it.folder / "report";
  it.get({"fund", "report", "-o", file});
  CHECK(it.exit({"fund", "verify", file}) == 0);
  const std::string report = content(file);
  CHECK(lines(report) == 5);
  CHECK(contains(report, "\"proposal\":\"" + id + '"'));
  it.get({"wallet", "issue", address, "5"});
  CHECK(it.exit({"fund", "verify", file}) == 0);
  it.get({"fund", "report", "-o", file});
  CHECK(value_in(content(file), "previous") == value_in(report, "sha256"));
  CHECK(it.exit({"fund", "verify", file}) == 0);
  std::string forged = report;
  forged.replace(forged.find("\"amount\":\"30\""), 13, "\"amount\":\"31\"");
  std::ofstream(it.folder / "forged") << forged;
  const Seen bad = it.run({"fund", "verify", it.folder / "forged"});
  CHECK(bad.exit == 1);
  CHECK(contains(bad.err, "line 3"));
  std::ofstream(it.folder / "cut") << report.substr(0, report.rfind("{\"sha256\""));
  const Seen cut = it.run({"fund", "verify", it.folder / "cut"});
  CHECK(cut.exit == 1);
  CHECK(contains(cut.err, "line 5"));
  CHECK(it.exit({"fund", "report", "-o", it.folder / "secret"}) == 5);
}

TEST_CASE(
    "cluster fund: two of three wallets pay, a daily cap waits for tomorrow, and the signers change by their rule") {
  Treasury it({}, Bank::Begins::when_told);
  std::vector<std::string> address;
  for (const char* name : {"anna", "bert", "cleo"}) address.push_back(it.get({"wallet", "new", name}));
  it.options.insert(it.options.end(), {"--set", "fund.signers=" + address[0] + ',' + address[1] + ',' + address[2],
                                       "--set", "fund.threshold=2", "--set", "fund.daily_cap=50"});
  it.begin();
  it.get({"wallet", "issue", it.show("address"), "1000"});
  const std::string shop = it.get({"wallet", "new", "shop"});
  const auto as = [](std::vector<std::string> words, const std::string& wallet) {
    words.insert(words.end(), {"--wallet", wallet});
    return words;
  };
  CHECK(it.exit(proposing(shop, "40")) == 2);
  CHECK(it.exit(as(proposing(shop, "40"), "shop")) == 5);
  const std::string id = it.get(as(proposing(shop, "40"), "anna"));
  CHECK(it.get(as({"fund", "sign", id}, "anna")) == id);
  CHECK(it.get(as({"fund", "sign", id}, "anna")) == id);
  CHECK(it.state_of(id) == "open");
  it.crash();
  CHECK(it.get(as({"fund", "sign", id}, "bert")) == id);
  CHECK(it.state_of(id) == "paid");
  CHECK(it.exit(as({"fund", "sign", id}, "cleo")) == 5);
  CHECK(it.get({"wallet", "balance", "shop"}) == "40");

  // 40 of 50 are paid, unless the day has just changed.
  const std::string much = it.get(as(proposing(shop, "51"), "cleo"));
  CHECK(it.exit(as({"fund", "sign", much}, "anna")) == 0);
  CHECK(it.exit(as({"fund", "sign", much}, "bert")) == 5);
  CHECK(it.state_of(much) == "open");

  const std::string change =
      it.get(as({"fund", "propose", "--signers", address[2], "--threshold", "1", "--reason", "a new term"}, "bert"));
  CHECK(it.exit(as({"fund", "sign", change}, "anna")) == 0);
  CHECK(it.exit(as({"fund", "sign", change}, "cleo")) == 0);
  CHECK(it.state_of(change) == "done");
  it.crash();
  CHECK(it.show("threshold") == "1");
  CHECK(it.exit(as({"fund", "sign", much}, "anna")) == 5);
  const std::string last = it.get(as(proposing(shop, "1"), "cleo"));
  CHECK(it.get(as({"fund", "sign", last}, "cleo")) == last);
  CHECK(it.get({"wallet", "balance", "shop"}) == "41");
}

TEST_CASE(
    "cluster fund: a member of the book's group acts as its owner, also when the leader was killed; a guest does not") {
  Cluster cluster(4, {"--set", "ledger.book=group:main"});
  std::string members;
  for (std::size_t i = 0; i < 3; ++i)
    members += (i == 0 ? "" : ",") + cluster.nodes[i]->id + '@' + cluster.nodes[i]->at;
  REQUIRE(cluster.run(0, {"raft", "init", "--members", members}).exit == 0);
  for (std::size_t i = 0; i < 4; ++i) REQUIRE(until([&] { return cluster.run(i, {"fund", "show"}).exit == 0; }));
  const std::string address = value_in(cluster.run(3, {"fund", "show", "--json"}).out, "address");
  REQUIRE(cluster.run(1, {"wallet", "issue", address, "10"}).exit == 0);
  // Any address is paid, of a key that nothing here has, too.
  const std::string payee = "tro1v5vqpwuqp32l7hd9s9p6z2u825ngq7x2ksvaum20cqmp485yxx3qaayymr";
  CHECK(cluster.run(3, proposing(payee, "4")).exit == 5);
  const std::string id = line(cluster.run(0, proposing(payee, "4", {"--request", "1"})));
  CHECK(line(cluster.run(1, proposing(payee, "4", {"--request", "1"}))) == id);
  std::size_t leads = 0;
  REQUIRE(until([&] {
    for (leads = 0; leads < 3; ++leads)
      if (contains(cluster.run(leads, {"raft", "status", "--json"}).out, "\"role\":\"leader\"")) return true;
    return false;
  }));
  cluster.kill(leads);
  const std::size_t other = (leads + 1) % 3;
  CHECK(cluster.run(3, {"fund", "sign", id}).exit == 5);
  CHECK(line(cluster.run(other, {"fund", "sign", id})) == id);
  CHECK(line(cluster.run(other, {"fund", "sign", id})) == id);  // has its effect already
  CHECK(line(cluster.run(3, {"wallet", "balance", payee})) == "4");
  REQUIRE(cluster.run(3, {"fund", "report", "-o", cluster.folder / "report"}).exit == 0);
  CHECK(cluster.run(other, {"fund", "verify", cluster.folder / "report"}).exit == 0);
}
