// What the READMEs show in blocks of `sh` runs as it is printed there, from top to bottom, in an empty directory.
#include <set>

#include "runtime/os/sockets.hpp"
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// A line of a README: what is run for it, and what comes of that.
struct Line {
  const char* line;          // without its comment
  const char* instead = "";  // what is run in its place; empty: the line itself
  const char* prints = "";   // what is in its output
  int exit = 0;
};

const Line kLines[] = {
    // README.md
    {"troupe node --data a --listen 127.0.0.1:7001 &"},
    {"troupe node --data b --listen 127.0.0.1:7002 --join 127.0.0.1:7001 &"},
    {"troupe node --data c --listen 127.0.0.1:7003 --join 127.0.0.1:7001 &"},
    // A person takes a while from one line to the next; a script has to look whether the nodes have found each other.
    {"troupe peers --data a", "know_each_other a b c; troupe peers --data a", "healthy"},
    {"cid=$(date | troupe file put - --data a) && kill -9 %1"},
    {"troupe file get \"$cid\" -o - --data c", "", "the words that were stored"},
    {"key=$(troupe dht put greeting hello --data b)"},
    {"troupe dht get \"$key\" --data c", "", "hello"},
    {"troupe dht put greeting again --data b", "", "/kv/"},
    {"troupe dht providers \"$cid\" --data c", "again troupe dht providers \"$cid\" --data c", "127.0.0.1:"},
    {"troupe dht table --data b", "", "127.0.0.1:7003"},
    {"troupe node --data bank --listen 127.0.0.1:7005 --set ledger.book=self &"},
    {"echo \"a good passphrase\" > secret && export TROUPE_DATA=bank TROUPE_PASSPHRASE_FILE=secret"},
    {"buyer=$(troupe wallet new buyer) && seller=$(troupe wallet new seller)"},
    {"troupe wallet issue buyer 1000 && troupe wallet issue seller 100",
     "again troupe wallet issue buyer 1000 && troupe wallet issue seller 100"},
    {"id=$(troupe escrow create --to \"$seller\" --amount 200 --wallet buyer)"},
    {"troupe escrow sign \"$id\" --wallet seller"},
    {"troupe escrow fund \"$id\" --wallet buyer"},
    {"troupe escrow fund \"$id\" --wallet seller"},
    {"troupe escrow start \"$id\" --wallet seller"},
    {"troupe escrow deliver \"$id\" \"$(date | troupe file put - --replicas 1)\" --wallet seller"},
    {"troupe escrow accept \"$id\" --wallet buyer"},
    {"troupe escrow show \"$id\"", "", "of which 10 to the fund"},
    {"troupe node --data ledger --listen 127.0.0.1:7008 --chain dev &"},
    {"echo \"a good passphrase\" > secret && export TROUPE_PASSPHRASE_FILE=secret"},
    {"troupe wallet new ann && bob=$(troupe wallet new bob)"},
    {"troupe wallet faucet ann --wait --data ledger", "again troupe wallet faucet ann --wait --data ledger"},
    {"troupe wallet send ann \"$bob\" 500 --wait --data ledger"},
    {"troupe chain account \"$bob\" --proof --data ledger", "", "500"},
    {"troupe chain verify --data ledger"},
    {"troupe chain found ann --stake 1000 --balance 5000 --data v1 -o ann.f"},
    {"troupe chain found bob --stake 1000 --balance 5000 --data v2 -o bob.f"},
    {"troupe chain genesis hats ann.f bob.f -o hats"},
    {"troupe chain sign hats --data v1 && troupe chain sign hats --data v2"},
    {"troupe node --data v1 --listen 127.0.0.1:7009 --chain hats &"},
    {"troupe node --data v2 --listen 127.0.0.1:7010 --chain hats --join 127.0.0.1:7009 &"},
    {"troupe wallet send ann \"$bob\" 5 --wait --data v1", "again troupe wallet send ann \"$bob\" 5 --wait --data v1"},
    {"mkdir root && cp -r --parents /usr/bin/python3* /usr/lib/python3.* root"},
    {"cp -L --parents $(ldd /usr/bin/python3 | grep -o '/[^ ]*') root"},
    {"printf '#!/usr/bin/python3\\nprint(sum(range(100)))\\n' > sum.py"},
    {"troupe node --data worker --listen 127.0.0.1:7007 --join 127.0.0.1:7005 "
     "--set ledger.book=\"$(troupe registry register)\" &"},
    {"troupe registry register --price 6000 --capability python --data worker",
     "again troupe registry register --price 6000 --capability python --data worker"},
    {"troupe wallet issue \"$(troupe wallet own)\" 1000"},
    {"troupe task submit sum.py --root root --need python --time 1m --max-price 100 --wait",
     "again troupe task submit sum.py --root root --need python --time 1m --max-price 100 --wait", "4950"},
    {"troupe wallet balance \"$(troupe wallet own --data worker)\"",
     "again eval 'troupe wallet balance \"$(troupe wallet own --data worker)\" | grep 95'", "95"},
    // Where the kernel makes no sandbox (125), and check says so (1), there is nothing to show.
    {"troupe sandbox check", "troupe sandbox check || [ $? = 1 ]"},
    {"troupe sandbox run --root / -- /bin/echo hello",
     "troupe sandbox run --root / -- /bin/echo hello || { [ $? = 125 ] && echo hello; }", "hello"},
    {"troupe sandbox run --root / --memory 64M --time 2s -- /bin/sleep 3600",
     "troupe sandbox run --root / --memory 64M --time 100ms -- /bin/sleep 3600 || [ $? -ge 124 ]"},
    {"troupe inspect --once --data b", "", "/files/holder"},
    {"troupe inspect --once --top mailbox --filter 'kind=peer mailbox>10' --data b"},
    {"troupe inspect --once /files/store --data b", "", "/files/store  store"},
    {"troupe inspect --once --ended --data b", "", "/dht/lookup"},
    {"troupe trace '/peer/**' --count 50 --data b", "troupe trace '/peer/**' --count 50 --seconds 1 --data b"},
    {"troupe trace '/**' --id 5f0c6ed37cd0b1a9 --seconds 60 --data b &"},
    {"date | troupe file put - --trace-id 5f0c6ed37cd0b1a9 --data b",
     "date | troupe file put - --replicas 2 --trace-id 5f0c6ed37cd0b1a9 --data b"},
    {"troupe node --data d --listen 127.0.0.1:7004 --join 127.0.0.1:7002 --metrics 9464 &"},
    {"curl -s http://127.0.0.1:9464/metrics", "again curl -s http://127.0.0.1:9464/metrics", "troupe_"},
    {"curl -s http://127.0.0.1:9464/readyz", "", ""},
    {"curl -s http://127.0.0.1:9464/healthz", "", ""},
    {"troupe sim list", "", "partition"},
    {"troupe sim files --seed 8412", "", "everything held"},
    {"troupe sim peers,files --seeds 2000 --jobs 2", "troupe sim peers,files --seeds 2 --jobs 2", "everything held"},
    {"troupe sim peers,files --twice --seeds 20", "troupe sim peers,files --twice --seeds 1", "everything held"},
    {"troupe sim run tests/scenarios/partition-heals.toml",
     "troupe sim run \"$source/tests/scenarios/partition-heals.toml\"", "everything held"},
    {"troupe sim replay files --seed 8412 --until 500", "", "/files/store", 10},
    {"troupe sim mutants --jobs 2", "troupe sim mutants --jobs 2 files.put_unbound", "files.put_unbound"},
    {"troupe sim eclipse", "troupe sim eclipse --nodes 100 --rounds 2"},
    {"troupe sim churn --hostile 20",
     "troupe sim churn --hostile 20 --nodes 30 --keys 20 --gets 50 --warm-up 1h --key-age 30m"},
    // actors/dht
    {"other=$(troupe dht put /cid \"some bytes\" --data b)"},
    {"troupe dht get \"$key\" \"$other\" --data c", "", "some bytes"},
    {"troupe dht listen \"$key\" --data c &"},
    {"troupe dht listen \"$cid\" --data c --json &"},
    {"troupe dht withdraw greeting --data b", "", "/kv/"},
    {"troupe dht find 5f0c6ed37cd0b1a9d2be8a44e5c1f0a7b3d69e21 --data b", "", "127.0.0.1:7003"},
    {"troupe dht list --data b", "", "greeting"},
    {"troupe dht check --data b"},
    {"troupe dht clean --data b"},
    // actors/raft
    {"troupe raft init --members ID@HOST:PORT,ID@HOST:PORT,ID@HOST:PORT --data b", "troupe raft init --data b",
     "the group is made"},
    {"troupe kv put orders/17 paid --data b"},
    {"troupe kv get orders/17 --data b", "", "paid"},
    {"troupe raft status --data b", "", "leader"},
    // actors/registry
    {"id=$(troupe registry register --capability gpu=a100 --price 7 --data b)"},
    {"troupe registry ls --need 'memory>=1G,gpu' --data c",
     "again eval 'troupe registry ls --need gpu --data c | grep a100'", "healthy"},
    {"troupe registry view \"$id\" --history --data c", "", "a100"},
    // actors/reputation
    {"troupe reputation report \"$id\" task_success --data b", "", "10 -> 20"},
    {"troupe reputation report \"$id\" praise --delta 3 --data b", "", "20 -> 23"},
    {"troupe reputation \"$id\" --events --data b", "", "praise"},
    {"troupe reputation \"$id\" --verify --data b", "", "sound"},
    // actors/task
    {"troupe node --data w --listen 127.0.0.1:7006 --set task.host_usr=true &"},
    {"printf '#!/bin/sh\\necho \"hello, $1\"\\n' > hello",
     "printf '#!/bin/sh\\necho \"hello, $1\"\\n' > hello; again command troupe status --data w"},
    {"troupe task submit hello world --wait --data w", "", "hello, world"},
    {"troupe task ls --data w", "", "done"},
};

constexpr const char* kBuilds = "it builds the tests, of which this is one";
constexpr const char* kSanitized = "it runs a program of another build";

/// Lines that are not run, because …
const std::pair<const char*, const char*> kNotRun[] = {
    {"troupe sim survival", "it takes 12 s at its least: a week of few nodes runs beside the others"},
    {"tools/test dht", kBuilds},
    {"build-sanitize/tests/test_dht -tc=\"bucket: a full bucket*\"", kSanitized},
    {"build-sanitize/tests/test_dht -sf=\"*bucket_test.cpp\" -s", kSanitized},
    {"tools/test cluster && build/tests/test_cluster -tc=\"node: *\"", kBuilds},
    {"RC_PARAMS=\"seed=7\" build-sanitize/tests/test_peers -tc=\"...\"", kSanitized},
    {"build-sanitize/tests/fuzz_frames INPUT", kSanitized},
};

constexpr const char* kHowToAdd =
    " is in no table of tests/cluster/readme_test.cpp: add it to kLines, with what is run in its place if it takes "
    "longer than a second, or to kNotRun with the reason";

constexpr const char* kBefore = R"sh(
cd "$1"; PATH=$2:$PATH; source=$3; export XDG_CONFIG_HOME=$1/config TROUPE_REGISTRY__LOAD_MAX=1000000
trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT
troupe() { if [ "$1" = node ]; then exec troupe "$@" 2>>log; else command troupe "$@"; fi; }
date() { echo the words that were stored; }
again() { for ((look = 0; look < 600; ++look)); do if "$@"; then return; else sleep 0.1; fi; done; false; }
nodes_in() { grep -o '"node"' | wc -l; }
knows_two() { [ "$(command troupe peers --healthy --json --data "$1" | nodes_in)" = 2 ]; }
finds_two() { [ "$(command troupe dht table --json --data "$1" | nodes_in)" = 2 ]; }
know_each_other() { for each in "$@"; do again knows_two "$each" && again finds_two "$each"; done 2>/dev/null; }
step() {  # LINE EXIT PRINTS: in this shell, for its variables and jobs
  eval "$1" >step.out 2>step.err
  local ended=$?
  if [ $ended != "$2" ] || { [ -n "$3" ] && ! grep -qF -- "$3" step.out; }; then
    echo "exit $ended, wanted $2 and \"$3\": $1"; cat step.out step.err
    exit 1
  fi >&2
}
)sh";

/// The lines of all blocks of `sh` in a README, without their comments.
std::vector<std::string> examples(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream in(path);
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) inside = line == "```sh";
    else if (inside) out.push_back(line.substr(0, line.find(" # ")));
    if (inside && !out.empty()) out.back().resize(out.back().find_last_not_of(' ') + 1);
  }
  return out;
}

/// README.md, and after it those of the folders.
std::vector<std::string> readmes() {
  const std::string source = TROUPE_SOURCE;
  std::vector<std::string> out;
  for (const char* folder : {"/actors", "/apps", "/messages", "/runtime", "/tests", "/tools"})
    for (const auto& one : std::filesystem::recursive_directory_iterator(source + folder))
      if (one.path().extension() == ".md") out.push_back(one.path());
  std::ranges::sort(out);
  out.insert(out.begin(), source + "/README.md");
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

/// Ports that are free now, in the place of those that the READMEs name.
class Ports {
 public:
  Ports() {
    std::vector<os::Descriptor> held;
    for (const char* named : {"7001", "7002", "7003", "7004", "7005", "7006", "7007", "7008", "7009", "7010", "9464"}) {
      auto socket = os::listen_tcp(*base::HostPort::parse("127.0.0.1:0"));
      REQUIRE(socket.ok());
      free_.emplace_back(named, std::to_string(os::local_endpoint(socket.value().get()).port));
      held.push_back(std::move(socket).value());
    }
  }
  std::string in(std::string text) const {
    for (const auto& [named, port] : free_)
      for (auto at = text.find(named); at != std::string::npos; at = text.find(named, at + 1))
        if (at > 0 && (text[at - 1] == ':' || text[at - 1] == ' ')) text.replace(at, named.size(), port);
    return text;
  }

 private:
  std::vector<std::pair<std::string, std::string>> free_;
};

}  // namespace

TEST_CASE("cluster: each example of the READMEs does what it says") {
  const Folder folder;
  Program survival({"sim", "survival", "--nodes", "50", "--weeks", "1", "--probes", "2", "--json"},
                   folder / "survival");
  const Ports ports;
  std::string script = kBefore;
  std::set<std::string> shown;
  for (const std::string& readme : readmes())
    for (const std::string& line : examples(readme)) {
      shown.insert(line);
      if (std::ranges::find(kNotRun, line, [](const auto& one) { return std::string(one.first); }) != std::end(kNotRun))
        continue;
      const auto known = std::ranges::find(kLines, line, [](const Line& one) { return std::string(one.line); });
      if (known == std::end(kLines)) {
        FAIL_CHECK(readme << ": \"" << line << '"' << kHowToAdd);
        continue;
      }
      const std::string run = *known->instead == 0 ? known->line : known->instead;
      script += "step " + quoted(ports.in(run)) + ' ' + std::to_string(known->exit) + ' ' +
                quoted(ports.in(known->prints)) + '\n';
    }
  for (const Line& one : kLines) CHECK_MESSAGE(shown.contains(one.line), "no README shows this any more: " << one.line);
  for (const auto& [line, why] : kNotRun)
    CHECK_MESSAGE(shown.contains(line), "no README shows this any more: " << line);
  std::filesystem::create_directory(folder / "empty");
  std::ofstream(folder / "examples.sh") << script;
  const std::string programs = std::filesystem::path(binary()).parent_path();
  const std::string command = "timeout 500 bash " + (folder / "examples.sh") + ' ' + (folder / "empty") + ' ' +
                              programs + ' ' + TROUPE_SOURCE + " >" + (folder / "out") + " 2>" + (folder / "err");
  CHECK_MESSAGE(std::system(command.c_str()) == 0, content(folder / "err"));
  CHECK(survival.wait() == 0);
}
