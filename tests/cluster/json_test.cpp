// What each command prints with --json has the fields of its output. tests/messages/released_output.txt keeps the
// fields themselves.
//
// json/NAME.sh has the commands of a domain. Each script runs in bash, in a folder of its own, next to two nodes:
//   prints STRUCT,… COMMAND …    the command exits with 0, and its lines fit the structs (printed.hpp)
// They run twice: the second time, commands with a route run over the HTTP API, and each response fits its schema in
// the OpenAPI document (api_call.py).
//   exits 3 prints …             the same with another exit
//   has TEXT                     the latest output contains the text
//   not_here COMMAND REASON      no script runs the command
// The other functions are below. Each command has a script that runs it, and each route a script that calls it.
#include "tests/cluster/cluster.hpp"
#include "tests/cluster/printed.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr const char* kFunctions = R"sh(
set -euE
trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT
trap 'echo "failed: $BASH_COMMAND" >&2' ERR
export XDG_CONFIG_HOME=$shared/config TROUPE_PASSPHRASE_FILE=$shared/secret TROUPE_REGISTRY__LOAD_MAX=1000000
run=0 wanted=0
by_program() { troupe "$@" --json; }
by_http() {  # through an API of this script, for the node in $TROUPE_DATA
  local api=api.$(basename "$TROUPE_DATA")
  if [ ! -e "$api" ]; then
    troupe api --listen 127.0.0.1:0 >"$api" 2>"$api.err" &
    until grep -q '^ready ' "$api"; do kill -0 $! || exit 1; sleep 0.05; done
    troupe help --json >help.json && troupe api routes --json >routes.json && troupe api openapi >openapi.json
  fi
  /usr/bin/python3 -B "$source/tests/cluster/api_call.py" "http://$(cut -d' ' -f2 "$api")" "$(cat "$TROUPE_DATA/api.token")" "$@"
}
prints() {
  local structs=$1 ended=0
  shift; run=$((run + 1))
  $call "$@" >"run.$run.out" 2>"run.$run.err" || ended=$?
  printf '%s\n' "$structs" "$wanted" "$ended" "$*" >"run.$run"
}
exits() { wanted=$1; "${@:2}"; wanted=0; }
has() { grep -qF -- "$1" "run.$run.out" || { echo "the output of run $run has no $1" >&2; return 1; }; }
not_here() { printf '%s\n' "$1" >>not_here; }
again() { for ((look = 0; look < 600; ++look)); do if "$@"; then return; else sleep 0.1; fi; done; false; }
shows() { troupe "${@:2}" --json >shown && grep -qF -- "$1" shown; }  # TEXT COMMAND …
start() {  # NAME OPTION…: a node; $id and $at are its id and its address
  troupe node --data "$1" --listen 127.0.0.1:0 "${@:2}" >"$1.ready" 2>"$1.log" &
  until grep -q '^ready ' "$1.ready"; do kill -0 $! || exit 1; sleep 0.05; done
  read -r _ id at <"$1.ready"
}
)sh";

/// The wallets of all scripts.
constexpr const char* kWallets = R"sh(
echo 'open sesame' >secret
for name in buyer seller; do troupe wallet new $name >$name; again troupe wallet issue $name 1000; done
)sh";

/// Returns the commands of the program.
std::vector<std::string> commands(const Folder& folder) {
  const std::string json = troupe::test::troupe(folder, {"help", "--json"}).out;
  const std::string before = "{\"name\":\"";
  std::vector<std::string> out;
  for (auto at = json.find(before); at != std::string::npos; at = json.find(before, at + 1))
    out.push_back(json.substr(at + before.size(), json.find('"', at + before.size()) - at - before.size()));
  return out;
}

/// Returns the longest command that the words begin with, or an empty string.
std::string command_of(const std::vector<std::string>& all, const std::string& words) {
  std::string out;
  for (const std::string& command : all)
    if ((words + ' ').starts_with(command + ' ') && command.size() > out.size()) out = command;
  return out;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> out;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

enum class Way { program, http };

/// The two nodes, and the scripts that run next to them.
class Scripts {
 public:
  explicit Scripts(Way way) {
    settings_ = "shared=" + (folder() / "scripts") + " PATH=" + std::filesystem::path(binary()).parent_path().string() +
                ":$PATH" + " node=" + cluster_.nodes[0]->id + " other=" + cluster_.nodes[1]->id +
                " other_at=" + cluster_.nodes[1]->at + " other_data=" + cluster_.nodes[1]->data +
                "\nexport TROUPE_DATA=" + cluster_.nodes[0]->data + '\n';  // not --data, which the demo refuses
    run(folder() / "scripts", kWallets);
    settings_ += "buyer=$(cat \"$shared/buyer\") seller=$(cat \"$shared/seller\")\n";
    settings_ += way == Way::program ? "call=by_program\n" : "call=by_http source=" TROUPE_SOURCE "\n";
  }

  /// Runs the text, after the functions, in a new folder. Fails the test if a line of it fails.
  void run(const std::string& in, const std::string& text) {
    std::filesystem::create_directory(in);
    std::ofstream(in + ".sh") << settings_ << kFunctions << text;
    const std::string command =
        "cd " + in + " && timeout 300 bash " + in + ".sh >" + in + ".out 2>" + in + ".err </dev/null";
    CHECK_MESSAGE(std::system(command.c_str()) == 0, content(in + ".err"));
  }

  const Folder& folder() const { return cluster_.folder; }

 private:
  Cluster cluster_{2, {"--set", "ledger.book=self", "--set", "task.host_usr=true"}};
  std::string settings_;
};

/// Checks what a script has run in its folder, and adds the commands to `here`.
void check_runs(const std::string& in, const std::vector<std::string>& all, std::set<std::string>& here) {
  static const Outputs outputs;
  for (int run = 1;; ++run) {
    const std::string path = in + "/run." + std::to_string(run);
    const std::vector<std::string> row = lines_of(path);
    if (row.size() < 4) return;
    CAPTURE(row[3]);
    here.insert(command_of(all, row[3]));
    CHECK_MESSAGE(row[2] == row[1], content(path + ".err"));
    CHECK(outputs.unfit(content(path + ".out"), row[0]) == "");
  }
}

/// Runs all scripts. Adds the commands that they name to `here`, and the commands of called routes to `called`.
void run_all(Scripts& scripts, const std::vector<std::string>& all, std::set<std::string>& here,
             std::set<std::string>& called) {
  std::vector<std::filesystem::path> files;
  for (const auto& one : std::filesystem::directory_iterator(std::string(TROUPE_SOURCE) + "/tests/cluster/json"))
    files.push_back(one.path());
  std::ranges::sort(files);
  for (const std::filesystem::path& file : files) {
    CAPTURE(file.string());
    const std::string in = scripts.folder() / ("scripts/" + file.stem().string());
    scripts.run(in, content(file));
    check_runs(in, all, here);
    for (const std::string& command : lines_of(in + "/not_here")) {
      CHECK_MESSAGE(std::ranges::count(all, command) == 1, command << " is not a command");
      here.insert(command);
    }
    for (const char* name : {"called", "not_here"})
      for (const std::string& command : lines_of(in + '/' + name)) called.insert(command);
  }
}

}  // namespace

TEST_CASE("cluster json: each command prints the fields of its output") {
  Scripts scripts(Way::program);
  const std::vector<std::string> all = commands(scripts.folder());
  std::set<std::string> here, called;
  run_all(scripts, all, here, called);
  for (const std::string& command : all)
    CHECK_MESSAGE(here.contains(command),
                  command << " is new: a script of tests/cluster/json runs it, or says why not");
}

TEST_CASE("cluster json: each route of the HTTP API answers as its command prints") {
  Scripts scripts(Way::http);
  std::set<std::string> here, called;
  run_all(scripts, commands(scripts.folder()), here, called);
  const auto routes = apps::read_json(troupe::test::troupe(scripts.folder(), {"api", "routes", "--json"}).out);
  REQUIRE(routes);
  for (const apps::JsonValue& route : routes->items)
    CHECK_MESSAGE(called.contains(route.find("command")->text),
                  route.find("path")->text << ": a script of tests/cluster/json calls it, or says why not");
}

TEST_CASE("cluster json: a line fits a struct if no field is missing and each has a value of its type") {
  const Outputs outputs;
  const std::string link = R"({"node":"00ff","address":"127.0.0.1:1"})";
  CHECK(outputs.unfit(link + '\n', "Link") == "");
  CHECK(outputs.unfit(R"({"more":[],"node":null,"address":null})", "Link") == "");
  CHECK(outputs.unfit(R"({"node":7,"address":""})", "Link").starts_with("not Link.node is not a text"));
  CHECK(outputs.unfit(R"({"node":""})", "Link").starts_with("not Link.address is missing"));
  CHECK(outputs.unfit("", "Link") == "no line is Link");
  CHECK(outputs.unfit("", "Link?") == "");
  CHECK(outputs.unfit(link + "\n{\"version\":\"1\"}\n", "Link,Version") == "");
  CHECK(outputs.unfit("[{\"name\":\"\",\"usage\":\"\",\"summary\":null}]\n", "Commands") == "");
  CHECK(
      outputs.unfit("[{\"name\":\"\",\"usage\":\"\"}]\n", "Commands").starts_with("not Commands[].summary is missing"));
  CHECK(outputs.unfit("[]\n", "Commands") == "no line is Commands");
  CHECK(outputs.unfit("[]\n", "Commands?") == "");
  CHECK(outputs.unfit("{", "Link") == "not JSON: {");
  CHECK(outputs.unfit(link, "Nonsense") == "messages/output has no struct Nonsense");
}
