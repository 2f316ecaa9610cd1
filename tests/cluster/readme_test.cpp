// The blocks of `sh` on each page run as they are printed there, from top to bottom, in a directory of their own.
//
// An example runs and must exit with 0. PAGE.expect next to PAGE.md says what differs:
//   after: ../../README.md                  the page whose examples run first, in the same directory and shell
//   $ troupe sim replay files --seed 8412   the example, without its comment
//   runs: COMMAND                           what runs in its place, for example if the example takes over a second
//   prints: TEXT                            what its output contains
//   exits: 10                               its exit
//   skipped: REASON                         it does not run
// A line that starts with # is a comment. An example that is no longer on its page fails the test, and so does a page
// that does not link to the page that runs before it.
#include <map>
#include <regex>
#include <set>

#include "runtime/os/sockets.hpp"
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

struct Expectation {
  std::string runs{};  // what runs in place of the example; empty: the example itself
  std::string prints{};
  std::string exits = "0";
  std::string skipped{};  // why the example does not run; empty: it runs
};
struct Expectations {
  std::filesystem::path after{};  // the page that runs first; empty: no page
  std::map<std::string, Expectation> examples{};
};

constexpr const char* kBefore = R"sh(
cd "$1"; PATH=$2:$PATH; source=$3; export XDG_CONFIG_HOME=$1/config TROUPE_REGISTRY__LOAD_MAX=1000000
trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT
troupe() { if [ "$1" = node ]; then exec troupe "$@" 2>>log; else command troupe "$@"; fi; }
date() { echo the words that were stored; }
again() { for ((look = 0; look < 600; ++look)); do if "$@"; then return; else sleep 0.1; fi; done; false; }
step() {  # LINE EXIT PRINTS: in this shell, for its variables and jobs
  eval "$1" >step.out 2>step.err
  local ended=$?
  if [ $ended != "$2" ] || { [ -n "$3" ] && ! grep -qF -- "$3" step.out; }; then
    echo "exit $ended, wanted $2 and \"$3\": $1"; cat step.out step.err
    exit 1
  fi >&2
}
)sh";

/// Returns the lines of all blocks of `sh` on a page, without their comments.
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

/// Returns what PAGE.expect says about the examples of PAGE.md. Fails the test at a line that it does not know.
Expectations expectations(const std::string& page) {
  Expectations out;
  Expectation* latest = nullptr;
  const std::string path = std::filesystem::path(page).replace_extension(".expect");
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t end = std::min(line.find(' '), line.size());
    const std::string key = line.substr(0, end), value = line.substr(std::min(end + 1, line.size()));
    CAPTURE(path);
    CHECK_MESSAGE(!value.empty(), line);
    if (key == "$") {
      CHECK_MESSAGE(!out.examples.contains(value), "twice: " << value);
      latest = &out.examples[value];
    } else if (key == "after:") {
      CHECK_MESSAGE(content(page).find("](" + value) != std::string::npos, "no link to " << value);
      out.after = (std::filesystem::path(page).parent_path() / value).lexically_normal();
    } else if (latest != nullptr && key == "runs:") latest->runs = value;
    else if (latest != nullptr && key == "prints:") latest->prints = value;
    else if (latest != nullptr && key == "exits:") latest->exits = value;
    else if (latest != nullptr && key == "skipped:") latest->skipped = value;
    else FAIL_CHECK("not a line of expectations: " << line);
  }
  return out;
}

/// Returns all pages, sorted. Fails the test at a PAGE.expect without a page.
std::vector<std::string> pages() {
  const std::string source = TROUPE_SOURCE;
  std::vector<std::string> out{source + "/README.md"};
  for (const char* folder : {"/actors", "/apps", "/messages", "/runtime", "/tests", "/tools"})
    for (const auto& one : std::filesystem::recursive_directory_iterator(source + folder)) {
      std::filesystem::path path = one.path();
      if (path.extension() == ".md") out.push_back(path);
      if (path.extension() == ".expect")
        CHECK_MESSAGE(std::filesystem::exists(path.replace_extension(".md")), path.string() << " is missing");
    }
  std::ranges::sort(out);
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

/// Ports that are free now, in place of the ports that the examples name.
class Ports {
 public:
  explicit Ports(const std::string& script) {
    static const std::regex named("(?:127\\.0\\.0\\.1:|--metrics )([1-9][0-9]+)");
    std::vector<os::Descriptor> held;
    for (auto at = std::sregex_iterator(script.begin(), script.end(), named); at != std::sregex_iterator(); ++at) {
      std::string& port = free_[(*at)[1]];
      if (!port.empty()) continue;
      auto socket = os::listen_tcp(*base::HostPort::parse("127.0.0.1:0"));
      REQUIRE(socket.ok());
      port = std::to_string(os::local_endpoint(socket.value().get()).port);
      held.push_back(std::move(socket).value());
    }
  }
  std::string in(const std::string& script) const {
    static const std::regex number("([: ])([0-9]+)");
    std::string out;
    auto from = script.begin();
    for (auto at = std::sregex_iterator(from, script.end(), number); at != std::sregex_iterator(); ++at) {
      const auto free = free_.find((*at)[2]);
      out.append(from, (*at)[2].first).append(free == free_.end() ? std::string((*at)[2]) : free->second);
      from = (*at)[2].second;
    }
    return out.append(from, script.end());
  }

 private:
  std::map<std::string, std::string> free_;  // by the port that the examples name
};

/// Returns the steps of the page that runs first, and of this page. Fails the test at an expectation whose example is
/// not on the page.
std::string steps(const std::string& page) {
  const Expectations expected = expectations(page);
  std::string out = expected.after.empty() ? "" : steps(expected.after);
  std::set<std::string> shown;
  for (const std::string& example : examples(page)) {
    shown.insert(example);
    const auto known = expected.examples.find(example);
    const Expectation one = known == expected.examples.end() ? Expectation{} : known->second;
    if (one.skipped.empty())
      out +=
          "step " + quoted(one.runs.empty() ? example : one.runs) + ' ' + one.exits + ' ' + quoted(one.prints) + '\n';
  }
  for (const auto& [example, expectation] : expected.examples)
    CHECK_MESSAGE(shown.contains(example), page << " no longer shows: " << example);
  return out;
}

}  // namespace

TEST_CASE("cluster: each example of the pages does what it says") {
  const Folder folder;
  Program survival({"sim", "survival", "--nodes", "50", "--weeks", "1", "--probes", "2", "--json"},
                   folder / "survival");
  const std::string programs = std::filesystem::path(binary()).parent_path();
  for (const std::string& page : pages()) {
    const std::string script = steps(page);
    if (script.empty()) continue;
    const std::string own = folder / std::to_string(std::hash<std::string>()(page));
    std::filesystem::create_directories(own + "/empty");
    std::ofstream(own + "/examples.sh") << kBefore << Ports(script).in(script);
    const std::string command = "timeout 300 bash " + own + "/examples.sh " + own + "/empty " + programs + ' ' +
                                TROUPE_SOURCE + " >" + own + "/out 2>" + own + "/err";
    CHECK_MESSAGE(std::system(command.c_str()) == 0, page << '\n' << content(own + "/err"));
  }
  CHECK(survival.wait() == 0);
}
