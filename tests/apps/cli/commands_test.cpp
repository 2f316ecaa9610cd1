#include "apps/commands.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>

#include "apps/cli/help.hpp"
#include "apps/cli/parse.hpp"
#include "runtime/base/text.hpp"
#include "runtime/observe/logic/row.hpp"
#include "runtime/observe/version.hpp"
#include "tests/apps/harness.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

// The words of a command with something for each of its arguments.
std::vector<std::string> example(const Command& command) {
  std::vector<std::string> words;
  std::istringstream name(command.name);
  for (std::string word; name >> word;) words.push_back(word);
  for (const auto& positional : command.positionals)
    words.push_back(positional.choices.empty() ? "x" : positional.choices.front());
  return words;
}

bool is_json_line(const std::string& text) {
  return !text.empty() && (text.front() == '{' || text.front() == '[') && text.find('\n') == text.size() - 1;
}

}  // namespace

TEST_CASE("commands: each takes --json, before its name and after") {
  const Commands table = commands();
  for (const Command& command : table) {
    CAPTURE(command.name);
    auto after = example(command);
    auto before = after;
    after.push_back("--json");
    before.insert(before.begin(), "--json");
    for (const auto& arguments : {before, after}) {
      const auto parsed = parse(table, arguments);
      REQUIRE(parsed.ok());
      const auto& invocation = std::get<Invocation>(parsed.value());
      CHECK(invocation.command().name == command.name);
      CHECK(invocation.globals.json);
    }
  }
}

TEST_CASE("commands: those that need no node print one line of JSON, of data or of an error") {
  for (const Command& command : commands()) {
    if (command.needs != Needs::nothing || command.name == "node") continue;
    if (command.name.starts_with("bench") || command.name == "demo" || command.name == "operator key") continue;
    // Networks of a thousand nodes: tests/actors/dht/model_test.cpp has smaller ones.
    if (command.name == "sim churn" || command.name == "sim eclipse" || command.name == "sim survival") continue;
    if (command.name == "sim collusion") continue;  // a line for each row: tests/cluster/json_test.cpp
    if (command.name == "sandbox check") continue;  // exit 1, with a line of data, where no sandbox can be made
    CAPTURE(command.name);
    auto arguments = example(command);
    arguments.push_back("--json");
    const Seen seen = troupe_with(arguments, {"TROUPE_DATA=/nonexistent"});
    CHECK(is_json_line(seen.exit == Exit::done ? seen.out : seen.err));
  }
}

TEST_CASE("commands: each is complete: a summary on one line, help for all, and something to run") {
  for (const Command& command : commands()) {
    CAPTURE(command.name);
    CHECK(command.run);
    CHECK_FALSE(command.summary.empty());
    CHECK(command.summary.find('\n') == std::string::npos);
    CHECK_FALSE(command.summary.ends_with('.'));
    for (const auto& option : command.options) CHECK_MESSAGE(!option.help.empty(), option.name);
    for (const auto& positional : command.positionals) CHECK_MESSAGE(!positional.help.empty(), positional.name);
    const Seen help = troupe_with({"help", command.name});
    CHECK(help.exit == Exit::done);
    CHECK(test::contains(help.out, "usage: troupe " + command.name));
  }
}

TEST_CASE("commands: troupe alone prints help, and help knows groups, options and nonsense") {
  const Seen alone = troupe_with({});
  CHECK(alone.exit == Exit::done);
  CHECK(alone.err.empty());
  CHECK(alone.out.starts_with("usage: troupe "));
  CHECK(alone.out == troupe_with({"help"}).out);
  CHECK(alone.out == troupe_with({"--help"}).out);
  for (const Command& command : commands()) CHECK(alone.out.find("\n  " + command.name + ' ') != std::string::npos);

  CHECK(troupe_with({"help", "config"}).out.find("config check") != std::string::npos);
  CHECK(troupe_with({"config", "show", "--help"}).out == troupe_with({"help", "config show"}).out);
  CHECK(troupe_with({"help", "config", "show"}).out == troupe_with({"help", "config show"}).out);
  const Seen nonsense = troupe_with({"help", "confg"});
  CHECK(nonsense.exit == Exit::usage);
  CHECK(nonsense.err.starts_with("error: there is no command \"confg\"; did you mean \""));
}

TEST_CASE("commands: a usage error exits 2, with --json as one line") {
  const Seen text = troupe_with({"verson"});
  CHECK(text.exit == Exit::usage);
  CHECK(text.out.empty());
  CHECK(text.err ==
        "error: unknown command \"verson\"; did you mean \"version\"?\noutcome: nothing was done\ntry: troupe help\n");
  const Seen json = troupe_with({"verson", "--json"});
  CHECK(json.exit == Exit::usage);
  CHECK(json.err ==
        "{\"error\":{\"code\":\"malformed\",\"message\":\"unknown command \\\"verson\\\"; did you mean "
        "\\\"version\\\"?\",\"outcome\":\"nothing was done\",\"try\":\"troupe help\",\"retryAfterMs\":null}}\n");
}

TEST_CASE("commands: help has a heading for the commands of one area, and shows what must be typed") {
  const std::string all = troupe_with({"help"}).out;
  const auto files = all.find("\nfile\n"), put = all.find("\n  file put "), kv = all.find("\nkv\n");
  CHECK(files != std::string::npos);
  CHECK(files < put);
  CHECK(put < kv);
  CHECK(all.find("\nstatus\n") == std::string::npos);
  for (const Command& command : commands()) CHECK_MESSAGE(test::contains(all, "\n  " + command.name), command.name);
  CHECK(test::contains(troupe_with({"help", "escrow create"}).out,
                       "troupe escrow create --to ADDRESS --amount A [--bond"));
  CHECK(test::contains(troupe_with({"help", "wallet send"}).out, " [NAME] (TO AMOUNT | --from FILE)\n"));
}

TEST_CASE("help: no line has more than 120 columns") {
  std::vector<std::vector<std::string>> words{{"help"}, {"sim", "list"}};
  for (const Command& command : commands()) words.push_back({"help", command.name});
  for (const auto& one : words) {
    std::istringstream lines(troupe_with(one).out);
    for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(base::columns(line) <= 120, line);
  }
}

TEST_CASE("help: each command with more than two options has an example that parses") {
  const Commands table = commands();
  for (const Command& command : table) {
    CAPTURE(command.name);
    const std::string text = troupe_with({"help", command.name}).out;
    CHECK((command.options.size() <= 2 || test::contains(text, "\nexamples\n  troupe " + command.name)));
    for (const std::string& example : command.examples) {
      CAPTURE(example);
      CHECK(test::contains(text, "\n  " + example + '\n'));
      std::istringstream line(example);
      std::vector<std::string> words;
      for (std::string word; line >> word;)
        if (!word.starts_with('<')) words.push_back(word);  // a file that the shell opens
      words.erase(words.begin());
      const auto parsed = parse(table, words);
      REQUIRE_MESSAGE(parsed.ok(), parsed.error().error.message);
      CHECK(std::get<Invocation>(parsed.value()).command().name == command.name);
    }
  }
}

TEST_CASE("commands: what is to be tried asks the node that was asked") {
  const auto tried = [](const char* try_, const std::vector<std::string>& more) {
    const Commands table{{.name = "fail", .run = [try_](const Invocation&, Console&) -> Ending {
                            return Failure{{base::Code::refused, "no"}, "nothing was done", try_};
                          }}};
    std::vector<std::string> words{"fail"};
    words.insert(words.end(), more.begin(), more.end());
    const std::string said = run_with(table, words).err;
    return said.substr(said.find("try: ") + 5);
  };
  CHECK(tried("troupe tx ls", {}) == "troupe tx ls\n");
  CHECK(tried("troupe tx ls", {"--data", "a b"}) == "troupe tx ls --data 'a b'\n");
  CHECK(tried("troupe tx ls --data c", {"--data", "d"}) == "troupe tx ls --data c\n");
  CHECK(tried("troupe help tx ls", {"--data", "d"}) == "troupe help tx ls\n");
  CHECK(tried("troupe status, at that node", {"--data", "d"}) == "troupe status, at that node\n");
}

TEST_CASE("commands: what may have been done is tried again with its request") {
  const auto failing = [](Failure failure) {
    return Commands{{.name = "pay",
                     .summary = "s",
                     .options = {{.name = "--request", .value = "ID", .help = "h"}},
                     .positionals = {{.name = "TO", .help = "h"}},
                     .effect = Effect::write,
                     .run = [failure](const Invocation& invocation, Console&) -> Ending {
                       if (!invocation.has("--request")) invocation.made_request("abc");
                       return failure;
                     }}};
  };
  const Failure late{{base::Code::timeout, "no answer"}};
  CHECK(test::contains(run_with(failing(late), {"pay", "a b", "--data", "d"}).err,
                       "try: troupe pay 'a b' --data d --request abc\n"));
  CHECK(test::contains(run_with(failing(late), {"pay", "x", "--request", "r"}).err, "try: troupe pay x --request r\n"));
  const Failure interrupted{{base::Code::dropped, "interrupted"}, "", "", Exit::interrupted};
  CHECK(test::contains(run_with(failing(interrupted), {"pay", "x"}).err, "try: troupe pay x --request abc\n"));
  CHECK_FALSE(test::contains(run_with(failing({{base::Code::refused, "no"}}), {"pay", "x"}).err, "--request"));
  const Commands without{
      {.name = "put", .summary = "s", .effect = Effect::write, .run = [&](const auto&, auto&) -> Ending {
         return interrupted;
       }}};
  CHECK(run_with(without, {"put"}).exit == Exit::interrupted);
  const Failure known{{base::Code::timeout, "no answer"}, "", "troupe tx wait 7"};
  CHECK(test::contains(run_with(failing(known), {"pay", "x"}).err, "try: troupe tx wait 7\n"));
}

TEST_CASE("commands: what an error repeats of its input is escaped once, in text and in JSON") {
  const TemporaryFolder folder;
  const std::string word = "a\\b\n";
  const std::string text = "\"a\\\\b\\n\"";          // as a terminal shows it
  const std::string json = "\\\"a\\\\b\\u000a\\\"";  // as JSON has it within a string
  folder.write("bad.toml", "\"a\\\\b\\n\" = 1\n");
  const std::vector<std::vector<std::string>> lines{{word},
                                                    {"help", word},
                                                    {"version", word},
                                                    {"completion", word},
                                                    {"config", "show", "--set", word},
                                                    {"status", "--node", word},
                                                    {"config", "check", folder.path() + "/bad.toml"}};
  for (auto line : lines) {
    CAPTURE(line.front());
    const Seen shown = troupe_with(line, {"TROUPE_DATA=/nonexistent"});
    CHECK(shown.exit == Exit::usage);
    CHECK(shown.err.find(text) != std::string::npos);
    if (line[0] == "config" && line[1] == "check") CHECK(shown.out.find(text) != std::string::npos);
    line.push_back("--json");
    CHECK(troupe_with(line, {"TROUPE_DATA=/nonexistent"}).err.find(json) != std::string::npos);
  }
}

TEST_CASE("commands: version prints the version") {
  const std::string version(observe::version());
  CHECK(troupe_with({"version"}).out == "troupe " + version + '\n');
  CHECK(troupe_with({"--version"}).out == "troupe " + version + '\n');
  CHECK(troupe_with({"version", "--json"}).out == "{\"version\":\"" + version + "\"}\n");
}

TEST_CASE("commands: an exception is told as a mistake of the program, and a full output as a failure") {
  const Commands table{{.name = "throw",
                        .summary = "s",
                        .run = [](const Invocation&, Console&) -> Ending { throw std::runtime_error("surprise"); }},
                       {.name = "cut", .summary = "s", .run = [](const Invocation&, Console& console) -> Ending {
                          console.out.setstate(std::ios::badbit);
                          return Exit::done;
                        }}};
  const Seen thrown = run_with(table, {"throw"});
  CHECK(thrown.exit == Exit::failed);
  CHECK(thrown.err.starts_with("error: a bug in this program: surprise\noutcome: unknown"));
  const Seen cut = run_with(table, {"cut"});
  CHECK(cut.exit == Exit::failed);
  CHECK(cut.err.starts_with("error: cannot write standard output\n"));
}

TEST_CASE("commands: config check says file, line and what, and exits 2") {
  const TemporaryFolder folder;
  const std::string good = folder.write("good.toml", "[net]\nlinks_max = 3\n");
  CHECK(troupe_with({"config", "check", good}).exit == Exit::done);
  CHECK(troupe_with({"config", "check", good}).out.empty());
  CHECK(troupe_with({"config", "check", good, "--json"}).out == "[]\n");

  const std::string bad = folder.write("bad.toml", "[net]\nlink_max = 3\nlinks_max = 0\n");
  const Seen seen = troupe_with({"config", "check", bad});
  CHECK(seen.exit == Exit::usage);
  CHECK(seen.out == bad + ":2: unknown key \"net.link_max\"; did you mean \"net.links_max\"?\n" + bad +
                        ":3: net.links_max must be from 1 to 100000\n");
  CHECK(seen.err.starts_with("error: " + bad + " has 2 problems, the first: " + bad + ":2: unknown key"));
  CHECK(is_json_line(troupe_with({"config", "check", bad, "--json"}).out));

  CHECK(troupe_with({"config", "check", folder.path() + "/absent.toml"}).exit == Exit::not_found);
  CHECK(troupe_with({"config", "check", folder.path()}).exit == Exit::usage);
}

TEST_CASE("commands: config show prints TOML that a node would read, with origins when asked") {
  const TemporaryFolder folder;
  const std::string file = folder.write("config.toml", "[net]\nlinks_max = 3\n");
  const std::vector<std::string> environment{"TROUPE_PEERS__LINKS_TARGET=5"};
  const Seen seen = troupe_with({"config", "show", "--data", folder.path(), "--set", "files.replicas=2"}, environment);
  REQUIRE(seen.exit == Exit::done);
  for (const char* line : {"\nlinks_max = 3\n", "\nlinks_target = 5\n", "\nreplicas = 2\n", "\nkeep_alive = \"15s\"\n"})
    CHECK(seen.out.find(line) != std::string::npos);
  CHECK(troupe_with({"config", "check", folder.write("again.toml", seen.out)}).exit == Exit::done);

  const Seen origins =
      troupe_with({"config", "show", "--origin", "--data", folder.path(), "--set", "files.replicas=2"}, environment);
  for (const std::string& line :
       {"links_max = 3  # " + file + ":2\n", std::string("links_target = 5  # TROUPE_PEERS__LINKS_TARGET\n"),
        std::string("replicas = 2  # --set files.replicas\n"), std::string("keep_alive = \"15s\"  # default\n")})
    CHECK(origins.out.find(line) != std::string::npos);
  CHECK(is_json_line(troupe_with({"config", "show", "--json", "--data", folder.path()}).out));
}

TEST_CASE("commands: --set takes a list as config show prints it, and says what it wants otherwise") {
  const TemporaryFolder folder;
  const std::vector<std::string> show{"config", "show", "--data", folder.path(), "--set"};
  const auto with = [&](std::string pair) {
    auto words = show;
    words.push_back(std::move(pair));
    return troupe_with(words);
  };
  const std::string keys = "[\"" + std::string(64, 'a') + "\", \"" + std::string(64, 'b') + "\"]";
  CHECK(with("operators.view=" + keys).out.find("\nview = " + keys + '\n') != std::string::npos);
  CHECK(with("operators.view=" + std::string(64, 'a') + ',' + std::string(64, 'b')).out ==
        with("operators.view=" + keys).out);
  const Seen wrong = with("operators.view=[" + std::string(64, 'a') + ']');
  CHECK(wrong.exit == Exit::usage);
  CHECK(wrong.err.starts_with(
      "error: --set operators.view: operators.view must be a list such as a,b or [\"a\", \"b\"]\n"));
  CHECK(troupe_with({"help", "config show"}).out.find("a list is a,b or [\"a\", \"b\"]") != std::string::npos);
}

TEST_CASE("commands: config show refuses what a node would refuse") {
  const TemporaryFolder folder;
  const std::vector<std::string> show{"config", "show", "--data", folder.path()};
  CHECK(troupe_with(show).exit == Exit::done);  // no file is fine
  CHECK(troupe_with(show, {"TROUPE_DATA=/elsewhere"}).exit == Exit::done);
  const Seen unknown = troupe_with(show, {"TROUPE_NET__LINK_MAX=3"});
  CHECK(unknown.exit == Exit::usage);
  CHECK(unknown.err.starts_with("error: TROUPE_NET__LINK_MAX: unknown setting; did you mean TROUPE_NET__LINKS_MAX?"));

  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), show.begin(), show.end());
    return troupe_with(more);
  };
  CHECK(with({"--set", "net.links_max"}).exit == Exit::usage);
  CHECK(with({"--set", "net.links_max=0", "--set", "x=1"})
            .err.starts_with("error: --set net.links_max: net.links_max must be from 1 to 100000 (and 1 more)\n"));
  CHECK(with({"--config", folder.path() + "/absent.toml"}).exit == Exit::usage);
  const std::string file = folder.write("config.toml", "x = 1\n[net]\nlinks_max = 0\n");
  const Seen broken = troupe_with(show);
  CHECK(broken.exit == Exit::usage);
  CHECK(test::contains(broken.err, "\ntry: troupe config check " + file + '\n'));
}

TEST_CASE("completion: bash completes commands, options and choices") {
  const TemporaryFolder folder;
  const std::string script = folder.write("troupe.bash", troupe_with({"completion", "bash"}).out);
  const auto completed = [&](const std::string& words, int at) {
    const std::string command = "bash --norc -c 'source " + script + "; COMP_WORDS=(" + words +
                                "); COMP_CWORD=" + std::to_string(at) + "; _troupe; echo ${COMPREPLY[@]}' 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char line[4'096] = {};
    const bool read = fgets(line, sizeof line, pipe) != nullptr;
    CHECK(pclose(pipe) == 0);
    return read ? std::string(line) : std::string();
  };
  CHECK(completed("troupe conf", 1) == "config\n");
  CHECK(completed("troupe config \"\"", 2) == "show check\n");
  CHECK(completed("troupe --data config config sh", 4) == "show\n");
  CHECK(completed("troupe config show --or", 3) == "--origin\n");
  CHECK(completed("troupe completion \"\"", 2) == "bash zsh fish\n");
  CHECK(completed("troupe config check " + folder.path() + "/troupe.b", 3) == script + '\n');

  SUBCASE("the value of an option is a path, one of a fixed set, or nothing") {
    const std::string inner = folder.path() + "/inner";
    REQUIRE(std::filesystem::create_directory(inner));
    for (const char* before : {"troupe --data", "troupe status --data", "troupe --data ="}) {
      CAPTURE(before);
      const int at = 1 + static_cast<int>(std::count(before, before + std::strlen(before), ' '));
      CHECK(completed(std::string(before) + ' ' + folder.path() + '/', at) == inner + '\n');
    }
    CHECK(completed("troupe config show --config " + folder.path() + "/troupe.b", 4) == script + '\n');
    CHECK(completed("troupe registry ls --status \"\"", 4) == "healthy unhealthy offline\n");
    CHECK(completed("troupe inspect --top mail", 3) == "mailbox\n");
    CHECK(completed("troupe node --chain d", 3) == "dev\n");
    CHECK(completed("troupe peers --wait \"\"", 3) == "\n");
    CHECK(completed("troupe status \"\"", 2) == "\n");
    CHECK(completed("troupe --data=a conf", 2) == "config\n");
  }
  SUBCASE("words of help are commands") {
    CHECK(completed("troupe help esc", 2) == "escrow\n");
    CHECK(completed("troupe help config sh", 3) == "show\n");
    CHECK(completed("troupe help wallet multisig si", 4) == "sign\n");
  }
}

TEST_CASE("completion: each shell's script names each command and option") {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = troupe_with({"completion", shell}).out;
    for (const Command& command : commands()) {
      CHECK(script.find(command.name.substr(0, command.name.find(' '))) != std::string::npos);
      for (const auto& option : command.options) {
        const bool long_name = option.name.starts_with("--");
        CHECK(script.find(std::string(shell) == "fish" ? option.name.substr(long_name ? 2 : 1) : option.name) !=
              std::string::npos);
      }
    }
  }
  CHECK(troupe_with({"completion", "csh"}).exit == Exit::usage);
}

TEST_CASE("help: whoever filters actors or messages is told all columns") {
  for (const char* command : {"inspect", "trace"}) {
    const std::string text = troupe_with({"help", command}).out;
    for (const observe::Field& field : observe::fields())
      CHECK_MESSAGE(text.find(std::string(field.name)) != std::string::npos, command, ": ", field.name);
    std::istringstream lines(text.substr(text.find("\ncolumns, ")));
    for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(line.size() <= 100, line);
  }
}

TEST_CASE("help: the manual has a section for each command, and no line that roff would take for an order") {
  const Seen manual = troupe_with({"help", "--man"});
  REQUIRE(manual.exit == Exit::done);
  std::istringstream lines(manual.out);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('.')) continue;
    const std::string macro = line.substr(0, line.find(' '));
    const std::set<std::string> known{".TH", ".SH", ".SS", ".TP", ".B", ".PP", ".nf", ".fi"};
    CHECK_MESSAGE(known.contains(macro), line);
  }
  CHECK(manual.out.find(".SS troupe config show") != std::string::npos);
}
