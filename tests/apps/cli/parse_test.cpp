#include "apps/cli/parse.hpp"

#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

const std::string kId(40, 'a');

Commands table() {
  const auto nothing = [](const Invocation&, Console&) -> Ending { return Exit::done; };
  return {
      {.name = "status", .summary = "Status", .run = nothing},
      {.name = "peers", .summary = "Peers", .options = {{.name = "--healthy", .help = "h"}}, .run = nothing},
      {.name = "peers drop", .summary = "Drop", .positionals = {{.name = "ID", .help = "the peer"}}, .run = nothing},
      {.name = "file put",
       .summary = "Put",
       .options = {{.name = "--replicas", .value = "N", .help = "copies", .min = 1, .max = 20},
                   {.name = "-o", .value = "PATH", .help = "out", .alias = "--output"},
                   {.name = "--chunker", .value = "C", .help = "c", .choices = {"fixed", "cdc"}},
                   {.name = "--join", .value = "A", .help = "j", .repeatable = true}},
       .positionals = {{.name = "PATH", .help = "the file"}},
       .run = nothing},
      {.name = "kv put",
       .summary = "Put",
       .positionals = {{.name = "KEY", .help = "k"}, {.name = "VALUE", .help = "v", .arity = Arity::some}},
       .run = nothing},
      {.name = "log",
       .summary = "Log",
       .positionals = {{.name = "LEVEL", .help = "l", .choices = {"info", "debug"}},
                       {.name = "DOMAIN", .help = "d", .arity = Arity::maybe}},
       .run = nothing},
      {.name = "version", .summary = "Version", .run = nothing},
  };
}

const Commands kTable = table();

Invocation good(const std::vector<std::string>& arguments) {
  auto parsed = parse(kTable, arguments);
  if (!parsed.ok()) FAIL(parsed.error().error.message);
  return std::get<Invocation>(std::move(parsed).value());
}

std::string refusal(const std::vector<std::string>& arguments) {
  const auto parsed = parse(kTable, arguments);
  if (parsed.ok()) return "taken";
  CHECK(exit_of(parsed.error(), Effect::read) == Exit::usage);
  CHECK(parsed.error().error.code == base::Code::malformed);
  return parsed.error().error.message;
}

std::string help_about(const std::vector<std::string>& arguments) {
  return std::get<HelpWanted>(parse(kTable, arguments).value()).about;
}

}  // namespace

TEST_CASE("parse: global options stand before, within and after the command") {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--data", "D", "--json", "file", "put", "F"},
                                             {"file", "--data", "D", "put", "--json", "F"},
                                             {"file", "put", "F", "--data=D", "--json"}}) {
    const Invocation invocation = good(arguments);
    CHECK(invocation.command().name == "file put");
    CHECK(invocation.globals.data == "D");
    CHECK(invocation.globals.json);
    CHECK(invocation.text("PATH") == "F");
  }
  const Invocation remote = good({"status", "--node", kId + "@host:4000"});
  CHECK(remote.globals.node->id.hex() == kId);
  CHECK(remote.globals.node->at.port == 4000);
  CHECK_FALSE(remote.globals.data.has_value());
  CHECK(remote.globals.trace == 0);
  CHECK(good({"status", "--trace-id", "5F0c6ed37cd0b1a9"}).globals.trace == 0x5f0c6ed37cd0b1a9);
  CHECK(good({"--trace-id", "1", "status"}).globals.trace == 1);
}

TEST_CASE("parse: options have values, numbers, choices and repetitions") {
  const Invocation put = good(
      {"file", "put", "--replicas", "20", "--output", "-", "--chunker", "cdc", "--join", "a", "--join", "[b,c]", "-"});
  CHECK(put.number("--replicas") == 20);
  CHECK(put.text("-o") == "-");
  CHECK(put.all("--join") == std::vector<std::string>{"a", "[b,c]"});
  CHECK(put.text("PATH") == "-");
  CHECK_FALSE(good({"file", "put", "F"}).number("--replicas").has_value());
  CHECK(good({"peers", "--healthy"}).has("--healthy"));
  CHECK_FALSE(good({"peers"}).has("--healthy"));
  CHECK_THROWS_AS(good({"peers"}).has("--unknown"), base::InvariantBroken);
}

TEST_CASE("parse: the value of an argument is taken as it is") {
  CHECK(good({"kv", "put", "status", "peers", "file"}).all("VALUE") == std::vector<std::string>{"peers", "file"});
  CHECK(good({"kv", "put", "k", "[a,b]", ""}).all("VALUE") == std::vector<std::string>{"[a,b]", ""});
  CHECK(good({"kv", "put", "k", "--", "--json"}).all("VALUE") == std::vector<std::string>{"--json"});
  CHECK_FALSE(good({"kv", "put", "k", "--", "--json"}).globals.json);
  CHECK(good({"kv", "put", "--", "--data", "--", "-"}).all("VALUE") == std::vector<std::string>{"--", "-"});
  CHECK_FALSE(wants_json({"kv", "put", "k", "--", "--json"}));
  CHECK(good({"log", "debug"}).text("DOMAIN") == std::nullopt);
  CHECK(good({"log", "debug", "net"}).text("DOMAIN") == "net");
}

TEST_CASE("parse: a command may have both a meaning of its own and commands below it") {
  CHECK(good({"peers"}).command().name == "peers");
  CHECK(good({"peers", "drop", "x"}).command().name == "peers drop");
}

TEST_CASE("parse: each mistake is refused in words that help") {
  CHECK(refusal({"statsu"}) == "unknown command \"statsu\"; did you mean \"status\"?");
  CHECK(refusal({"file", "putt"}) == "unknown command \"putt\"; did you mean \"put\"?");
  CHECK(refusal({"file"}) == "\"file\" is incomplete; it must be followed by one of: put");
  CHECK(refusal({"--json"}) == "no command is named");
  CHECK(refusal({"file", "put"}) == "PATH is missing: the file");
  CHECK(refusal({"file", "put", "a", "b"}) == "unexpected argument \"b\"");
  CHECK(refusal({"status", "peers"}) == "unexpected argument \"peers\"");
  CHECK(refusal({"file", "put", "a", "--replica", "3"}) ==
        "unknown option \"--replica\"; did you mean \"--replicas\"?");
  CHECK(refusal({"file", "put", "a", "--replicas", "0"}) == "--replicas needs a whole number from 1 to 20, not \"0\"");
  CHECK(refusal({"file", "put", "a", "--replicas", "21"}) ==
        "--replicas needs a whole number from 1 to 20, not \"21\"");
  CHECK(refusal({"file", "put", "a", "--replicas", "3", "--replicas", "4"}) == "--replicas is given twice");
  CHECK(refusal({"file", "put", "a", "--chunker", "x"}) == "--chunker must be one of: fixed, cdc; not \"x\"");
  CHECK(refusal({"log", "loud"}) == "LEVEL must be one of: info, debug; not \"loud\"");
  CHECK(refusal({"status", "--data", ""}) == "--data needs a directory");
  CHECK(refusal({"status", "--data", "a", "--data", "b"}) == "--data is given twice");
  CHECK(refusal({"status", "--data", "a", "--node", kId + "@h:1"}).starts_with("--data and --node exclude"));
  CHECK(refusal({"status", "--node", "h:1"}).starts_with("--node needs ID@HOST:PORT"));
  CHECK(refusal({"status", "--node", kId + "@h:0"}).starts_with("--node needs ID@HOST:PORT"));
  for (const char* wrong : {"", "0", "x", "0x1", "-1", "10000000000000000", "1 "})
    CHECK(refusal({"status", "--trace-id", wrong}).starts_with("--trace-id needs up to 16 hexadecimal digits"));
  CHECK(refusal({"status", "--trace-id", "1", "--trace-id", "2"}) == "--trace-id is given twice");
  CHECK(refusal({"status", "--data"}) != "taken");
  CHECK(refusal({"status", "\x1b[2J\n"}) == "unexpected argument \"\x1b[2J\n\"");  // escaped where it is printed
  CHECK(refusal({std::string(1 << 20, 'x')}).size() < 200);
}

TEST_CASE("parse: help is found for the command, its group or all, and the version by its option") {
  CHECK(help_about({}).empty());
  CHECK(help_about({"--help"}).empty());
  CHECK(help_about({"file", "put", "--help"}) == "file put");
  CHECK(help_about({"-h", "file"}) == "file");
  CHECK(good({"--version"}).command().name == "version");
}

TEST_CASE("parse: the data directory comes from the option, the environment, or the home") {
  std::ostringstream out;
  std::istringstream in;
  const auto directory = [&](std::optional<std::string> data, std::vector<const char*> environment) {
    environment.push_back(nullptr);
    const Console console{out, out, in, false, false, environment.data()};
    return data_directory({.data = std::move(data)}, console);
  };
  CHECK(directory("d", {"TROUPE_DATA=e"}).value() == "d");
  CHECK(directory({}, {"TROUPE_DATA=e", "HOME=/h"}).value() == "e");
  CHECK(directory({}, {"XDG_DATA_HOME=/x", "HOME=/h"}).value() == "/x/troupe");
  CHECK(directory({}, {"XDG_DATA_HOME=x", "HOME=/h"}).value() == "/h/.local/share/troupe");
  CHECK(directory({}, {"TROUPE_DATA=", "HOMER=/x"}).error().exit == Exit::usage);
}
