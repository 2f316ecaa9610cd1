// Compliance rules: what a file may say, which calls they refuse, and how a changed file takes effect.
#include "apps/api/rules.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "apps/api/rules_file.hpp"
#include "tests/apps/api/all_routes.hpp"
#include "tests/apps/harness.hpp"

namespace troupe::apps {
Commands api_rules_commands();
}

using namespace std::chrono_literals;
using namespace troupe;
using namespace troupe::apps;
using namespace troupe::apps::api;

namespace {

using Names = std::vector<std::string>;

const Names kCommands = {"file get", "file put", "kv get", "kv put", "reputation", "reputation report", "status"};

constexpr std::string_view kWhole = R"(# rules of the node
[[rule]]
name = "reports-only"
commands = ["file put"]
names = "reports/**"
max_ttl = "30d"

[[rule]]
name = "kv-2"
commands = ["kv *", "status"]
roles = ["operator", "admin"]
purpose = ["billing", "audit"]

[[rule]]
name = "why"
commands = ["reputation *"]
purpose = true
)";

Rules rules(std::string_view toml) {
  auto out = Rules::parse(toml, kCommands);
  REQUIRE_MESSAGE(out.ok(), (out.ok() ? "" : out.error().message));
  return std::move(out).value();
}

/// Returns the error of a file, or an empty string.
std::string rules_fault(std::string_view toml) {
  const auto out = Rules::parse(toml, kCommands);
  if (out.ok()) return "";
  CHECK(out.error().code == base::Code::malformed);
  CHECK(out.error().message.size() <= 500);
  return out.error().message;
}

/// Returns the error of a rule with a name and commands, whose further keys begin at line 4.
std::string key_fault(const std::string& keys) {
  return rules_fault("[[rule]]\nname = \"a\"\ncommands = [\"kv put\"]\n" + keys);
}

std::string why(const Rules& by, const RuledCall& call) {
  const auto refusal = by.refusing(call);
  if (!refusal) return "";
  CHECK(refusal->why.starts_with("rule \"" + refusal->rule + "\": "));
  return refusal->why;
}

std::string simple_rule(const std::string& name) {
  return "[[rule]]\nname = \"" + name + "\"\ncommands = [\"kv put\"]\npurpose = true\n";
}

std::string first_rule(const std::shared_ptr<const Rules>& from) { return from->list().front().name; }

Seen check_file(const std::string& path, bool json) {
  Commands table = commands();
  std::erase_if(table, [](const Command& one) { return one.name == "api rules check"; });
  for (Command& one : api_rules_commands()) table.push_back(std::move(one));
  Names arguments = {"api", "rules", "check", path};
  if (json) arguments.push_back("--json");
  return run_with(table, arguments);
}

}  // namespace

TEST_CASE("api rules: a file gives the rules in its order") {
  const Rules read = rules(kWhole);
  REQUIRE(read.list().size() == 3);
  CHECK(read.list()[0] == Rule{.name = "reports-only",
                               .commands = {"file put"},
                               .names = "reports/**",
                               .ttl_max = std::chrono::hours(30 * 24)});
  CHECK(read.list()[1] == Rule{.name = "kv-2",
                               .commands = {"kv *", "status"},
                               .roles = {"operator", "admin"},
                               .purposes = Names{"billing", "audit"}});
  CHECK(read.list()[2] == Rule{.name = "why", .commands = {"reputation *"}, .purposes = Names{}});
}

TEST_CASE("api rules: a call without a rule for its command is allowed") {
  CHECK(why(Rules(), {.command = "kv put"}).empty());
  CHECK(why(rules(kWhole), {.command = "file get"}).empty());
}

TEST_CASE("api rules: the name must match the glob, and each of several names must") {
  const Rules by = rules("[[rule]]\nname = \"a\"\ncommands = [\"kv put\"]\nnames = \"reports/**\"\n");
  CHECK(why(by, {.command = "kv put", .names = {"reports/1"}}).empty());
  CHECK(why(by, {.command = "kv put", .names = {"reports/1", "reports/a/b"}}).empty());
  CHECK(why(by, {.command = "kv put", .names = {"secret"}}) ==
        "rule \"a\": the name \"secret\" does not match \"reports/**\"");
  CHECK(why(by, {.command = "kv put", .names = {"reports/1", "b"}}).find("\"b\"") != std::string::npos);
  CHECK(why(by, {.command = "kv put", .names = {"xreports/1"}}) != "");
  CHECK(why(by, {.command = "kv put"}) == "rule \"a\": the call needs a name that matches \"reports/**\"");
}

TEST_CASE("api rules: the caller must have one of the roles") {
  const Rules by = rules("[[rule]]\nname = \"a\"\ncommands = [\"kv put\"]\nroles = [\"user\", \"admin\"]\n");
  CHECK(why(by, {.command = "kv put", .role = "user"}).empty());
  CHECK(why(by, {.command = "kv put", .role = "admin"}).empty());
  CHECK(why(by, {.command = "kv put", .role = "operator"}) ==
        "rule \"a\": the role must be one of \"user\", \"admin\", not \"operator\"");
  CHECK(why(by, {.command = "kv put"}) != "");
}

TEST_CASE("api rules: a purpose must be given, and be one of the listed purposes") {
  const Rules any = rules(simple_rule("a"));
  CHECK(why(any, {.command = "kv put", .purpose = "x"}).empty());
  for (const std::optional<std::string_view>& none :
       {std::optional<std::string_view>(), std::optional<std::string_view>(""), std::optional<std::string_view>(" \t")})
    CHECK(why(any, {.command = "kv put", .purpose = none}) == "rule \"a\": the call needs the header Purpose");
  const Rules listed = rules("[[rule]]\nname = \"a\"\ncommands = [\"kv put\"]\npurpose = [\"billing\"]\n");
  CHECK(why(listed, {.command = "kv put", .purpose = "billing"}).empty());
  CHECK(why(listed, {.command = "kv put", .purpose = "Billing"}) ==
        "rule \"a\": the header Purpose must be \"billing\", not \"Billing\"");
  CHECK(why(listed, {.command = "kv put"}) == "rule \"a\": the header Purpose must be \"billing\"; it is missing");
}

TEST_CASE("api rules: a lifetime must be given, and be at most the limit") {
  const Rules by = rules("[[rule]]\nname = \"a\"\ncommands = [\"kv put\"]\nmax_ttl = \"1h\"\n");
  CHECK(why(by, {.command = "kv put", .ttl = 1h}).empty());
  CHECK(why(by, {.command = "kv put", .ttl = 1h + 1ns}) != "");
  CHECK(why(by, {.command = "kv put", .ttl = 2h}) == "rule \"a\": the lifetime (ttl) must be at most 1h, not 2h");
  CHECK(why(by, {.command = "kv put"}) == "rule \"a\": the lifetime (ttl) must be at most 1h; the call sets no limit");
}

TEST_CASE("api rules: every rule for a command must hold, and the first broken rule is named") {
  const Rules by = rules(simple_rule("first") +
                         "[[rule]]\nname = \"second\"\ncommands = [\"*\"]\nroles = [\"admin\"]\nmax_ttl = \"1h\"\n");
  CHECK(by.refusing({.command = "kv put"})->rule == "first");
  CHECK(by.refusing({.command = "kv put", .purpose = "x"})->rule == "second");
  CHECK(by.refusing({.command = "kv put", .role = "admin", .purpose = "x"})->rule == "second");
  CHECK_FALSE(by.refusing({.command = "kv put", .role = "admin", .purpose = "x", .ttl = 1h}));
  CHECK(by.refusing({.command = "status"})->rule == "second");
}

TEST_CASE("api rules: a rule applies to a command, to a group of commands, or to all") {
  CHECK(is_command_of("kv put", "kv put"));
  CHECK_FALSE(is_command_of("kv put", "kv put x"));
  CHECK(is_command_of("kv *", "kv lease grant"));
  CHECK(is_command_of("reputation *", "reputation"));
  CHECK(is_command_of("reputation *", "reputation report"));
  CHECK_FALSE(is_command_of("kv *", "kvs put"));
  CHECK_FALSE(is_command_of("kv p*", "kv put"));
  CHECK_FALSE(is_command_of(" *", "kv put"));
  CHECK(is_command_of("*", "status"));
}

TEST_CASE("api rules: a refusal repeats only a part of a long call") {
  const Rules by = rules(kWhole);
  const std::string name(1 << 20, 'x');
  CHECK(why(by, {.command = "file put", .names = {name}}).size() < 400);
  CHECK(why(by, {.command = "kv put", .role = "admin", .purpose = name}).size() < 400);
}

TEST_CASE("api rules: an unknown key, a wrong type or an unknown value is refused with its line") {
  CHECK(rules_fault("[[rules]]\n") == "line 1: unknown key \"rules\": expected only [[rule]]");
  CHECK(rules_fault("\n[rule]\nname = \"a\"\n") == "line 2: each rule must begin with [[rule]]");
  CHECK(rules_fault("rule = [1]") == "line 1: each rule must begin with [[rule]]");
  CHECK(rules_fault("rule = []") == "line 1: each rule must begin with [[rule]]");
  CHECK(rules_fault("[[rule]]\nname = \"a\nb\"").starts_with("line 2: "));
  CHECK(rules_fault("[[rule]]\ncommands = [\"kv put\"]") ==
        "line 1, rule 1: name must be a text of 1 to 64 characters a-z, 0-9 and -");
  for (const char* name : {"\"\"", "\"A\"", "\"a b\"", "\"\u00e9\"", "1", "[\"a\"]"})
    CHECK_MESSAGE(rules_fault("[[rule]]\nname = " + std::string(name)).starts_with("line 2, rule 1: name must be"),
                  name);
  CHECK(rules_fault(simple_rule("a") + simple_rule("a")) == "line 6, rule 2: two rules have the name \"a\"");
  CHECK(rules_fault("[[rule]]\nname = \"a\"\n") ==
        "line 1, rule \"a\": commands must be a list of different commands such as [\"file put\", \"kv *\"]");
  for (const char* list : {"[]", "\"kv put\"", "[1]", "[\"kv put\", \"kv put\"]", "[[\"kv put\"]]"})
    CHECK_MESSAGE(rules_fault("[[rule]]\nname = \"a\"\ncommands = " + std::string(list))
                      .starts_with("line 3, rule \"a\": commands must be"),
                  list);
  for (const char* command : {"kv putt", "kv", "kv p*", "wallet *", "", " *", "kv  put"})
    CHECK_MESSAGE(rules_fault("[[rule]]\nname = \"a\"\ncommands = [\"" + std::string(command) + "\"]")
                      .starts_with("line 3, rule \"a\": unknown command"),
                  command);
  CHECK(key_fault("nmaes = \"x\"") ==
        "line 4, rule \"a\": unknown key \"nmaes\": expected name, commands, names, roles, purpose or max_ttl");
  for (const char* value : {"1", "\"\"", "[\"a\"]", "true"})
    CHECK_MESSAGE(key_fault("names = " + std::string(value)).starts_with("line 4, rule \"a\": names must be"), value);
  for (const char* value : {"\"admin\"", "[]", "[\"root\"]", "[\"admin\", \"admin\"]", "[1]"})
    CHECK_MESSAGE(key_fault("roles = " + std::string(value)).starts_with("line 4, rule \"a\": roles must be"), value);
  for (const char* value : {"false", "\"x\"", "[]", "[\"\"]", "[\" x\"]", "[\"x\", \"x\"]", "[\"x\\n\"]", "1"})
    CHECK_MESSAGE(key_fault("purpose = " + std::string(value)).starts_with("line 4, rule \"a\": purpose must be"),
                  value);
  for (const char* value : {"30", "\"30\"", "\"0s\"", "\"-1s\"", "\"never\"", "\"1y\"", "\"999999999999d\""})
    CHECK_MESSAGE(key_fault("max_ttl = " + std::string(value)).starts_with("line 4, rule \"a\": max_ttl must be"),
                  value);
}

TEST_CASE("api rules: a file without a rule, and a rule without a demand, are refused") {
  CHECK(rules_fault("") == "line 1: the file has no rule: expected at least one [[rule]]");
  CHECK(rules_fault("# nothing\n") == "line 1: the file has no rule: expected at least one [[rule]]");
  CHECK(key_fault("") == "line 1, rule \"a\": it demands nothing: give names, roles, purpose or max_ttl");
}

TEST_CASE("api rules: the limits of rules, names, texts, bytes and nesting") {
  std::string many;
  for (std::size_t i = 0; i < kRulesMax; ++i) many += simple_rule("r" + std::to_string(i));
  CHECK(rules_fault(many).empty());
  CHECK(rules_fault(many + simple_rule("r")).find("at most 256 rules, got 257") != std::string::npos);
  CHECK(rules_fault(simple_rule(std::string(kRuleNameBytesMax, 'a'))).empty());
  CHECK(rules_fault(simple_rule(std::string(kRuleNameBytesMax + 1, 'a'))) != "");
  CHECK(key_fault("names = \"" + std::string(kRuleTextBytesMax, '*') + '"').empty());
  CHECK(key_fault("names = \"" + std::string(kRuleTextBytesMax + 1, '*') + '"') != "");
  CHECK(key_fault("purpose = [\"" + std::string(kRuleTextBytesMax, 'x') + "\"]").empty());
  CHECK(key_fault("purpose = [\"" + std::string(kRuleTextBytesMax + 1, 'x') + "\"]") != "");
  const std::string one = simple_rule("a") + '#';
  CHECK(rules_fault(one + std::string(kRulesBytesMax - one.size(), '#')).empty());
  CHECK(rules_fault(one + std::string(kRulesBytesMax - one.size() + 1, '#')) ==
        "line 1: the file is larger than 256 KiB");
  CHECK(rules_fault("a = " + std::string(100'000, '[')) == "line 1: nested too deeply");
  CHECK(rules_fault("\n" + std::string(100'000, '.')) == "line 2: nested too deeply");
  CHECK(rules_fault("\"" + std::string(100'000, 'a') + "\" = 1").starts_with("line 1: unknown key"));
}

TEST_CASE("api rules: a missing or invalid file is an error at the start") {
  TemporaryFolder folder;
  const auto missing = RulesFile::open(folder.path() + "/none", kCommands, {}, base::Instant(0s));
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == base::Code::not_found);
  CHECK(missing.error().message == "cannot use the rules in " + folder.path() + "/none: no such file");
  const auto invalid = RulesFile::open(folder.write("f", "x"), kCommands, {}, base::Instant(0s));
  REQUIRE_FALSE(invalid.ok());
  CHECK(invalid.error().code == base::Code::malformed);
  CHECK(invalid.error().message.find("/f: line 1: ") != std::string::npos);
  CHECK(RulesFile::open(folder.path(), kCommands, {}, base::Instant(0s)).error().code == base::Code::malformed);
}

TEST_CASE("api rules: a changed file applies a second later, and an error keeps the last rules") {
  TemporaryFolder folder;
  Names reported;
  const std::string path = folder.write("f", simple_rule("one"));
  const base::Instant start(100s);
  auto opened = RulesFile::open(
      path, kCommands, [&](const base::Error& error) { reported.push_back(error.message); }, start);
  REQUIRE(opened.ok());
  RulesFile& file = *opened.value();
  const auto before = file.rules(start);
  CHECK(first_rule(before) == "one");

  SUBCASE("a change of the same size applies after a second, not earlier") {
    folder.write("f", simple_rule("two"));
    CHECK(first_rule(file.rules(start + 1s - 1ns)) == "one");
    CHECK(first_rule(file.rules(start + 1s)) == "two");
    folder.write("f", simple_rule("ten"));  // perhaps within the resolution of the file's time
    CHECK(first_rule(file.rules(start + 2s - 1ns)) == "two");
    CHECK(first_rule(file.rules(start + 2s)) == "ten");
    CHECK(first_rule(before) == "one");  // a call keeps the rules with which it began
  }
  SUBCASE("a file that is replaced applies") {
    folder.write("g", simple_rule("two"));
    std::filesystem::rename(folder.path() + "/g", path);
    CHECK(first_rule(file.rules(start + 1s)) == "two");
  }
  SUBCASE("an invalid file is reported once, until it is valid again") {
    folder.write("f", "x");
    for (int second = 1; second < 5; ++second)
      CHECK(first_rule(file.rules(start + std::chrono::seconds(second))) == "one");
    REQUIRE(reported.size() == 1);
    CHECK(reported.front().starts_with("cannot use the rules in " + path + ": line 1: "));
    folder.write("f", simple_rule("two"));
    CHECK(first_rule(file.rules(start + 5s)) == "two");
    folder.write("f", "x");
    CHECK(first_rule(file.rules(start + 6s)) == "two");
    CHECK(reported.size() == 2);
  }
  SUBCASE("an emptied file, and a file that is gone, do not permit everything") {
    folder.write("f", "");
    CHECK(first_rule(file.rules(start + 1s)) == "one");
    std::filesystem::remove(path);
    for (int second = 2; second < 5; ++second)
      CHECK(first_rule(file.rules(start + std::chrono::seconds(second))) == "one");
    CHECK(reported.size() == 2);
    folder.write("f", simple_rule("two"));
    CHECK(first_rule(file.rules(start + 5s)) == "two");
  }
  CHECK(file.rules(start + 100s).get() == file.rules(start + 100s).get());
}

TEST_CASE("api rules: the command prints the rules of a valid file") {
  TemporaryFolder folder;
  const std::string path = folder.write("f", std::string(kWhole));
  const Seen json = check_file(path, true);
  CHECK(json.exit == Exit::done);
  CHECK(json.out ==
        R"([{"name":"reports-only","commands":["file put"],"names":"reports/**","roles":[],"purpose":null,)"
        R"("maxTtl":"30d"},{"name":"kv-2","commands":["kv *","status"],"names":null,"roles":["operator","admin"],)"
        R"("purpose":["billing","audit"],"maxTtl":null},{"name":"why","commands":["reputation *"],"names":null,)"
        R"("roles":[],"purpose":[],"maxTtl":null}])"
        "\n");
  const Seen table = check_file(path, false);
  CHECK(table.exit == Exit::done);
  CHECK(table.out ==
        "NAME          COMMANDS      NAMES       ROLES            PURPOSE         MAX TTL\n"
        "reports-only  file put      reports/**  -                -               30d\n"
        "kv-2          kv *, status  -           operator, admin  billing, audit  -\n"
        "why           reputation *  -           -                any             -\n");
}

TEST_CASE("api rules: the command refuses an invalid file, and a command without a route") {
  TemporaryFolder folder;
  const Seen invalid = check_file(folder.write("f", simple_rule("A")), false);
  CHECK(invalid.exit == Exit::usage);
  CHECK(invalid.out.empty());
  CHECK(invalid.err.find("/f: line 2, rule 1: name must be") != std::string::npos);
  const Seen local =
      check_file(folder.write("g", "[[rule]]\nname = \"a\"\ncommands = [\"sandbox run\"]\npurpose = true\n"), false);
  CHECK(local.exit == Exit::usage);
  CHECK(local.err.find("unknown command \"sandbox run\"") != std::string::npos);
  CHECK(check_file(folder.path() + "/none", false).exit == Exit::not_found);
}
