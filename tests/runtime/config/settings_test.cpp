#include "runtime/config/settings.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "runtime/base/nearest.hpp"
#include "runtime/config/toml_shape.hpp"
#include "tests/runtime/config/node_settings.hpp"

using namespace troupe;
using namespace troupe::config;
using namespace troupe::config::test;
using namespace std::chrono_literals;

namespace {

Sources file(std::string text) {
  Sources sources;
  sources.file = TextFile{"troupe.toml", std::move(text)};
  return sources;
}

Settings good(const Sources& sources) {
  auto loaded = Settings::load(node_table(), sources);
  if (!loaded.ok()) FAIL(loaded.error().front().text());
  return std::move(loaded).value();
}

std::string first_problem(const Sources& sources) {
  const auto loaded = Settings::load(node_table(), sources);
  REQUIRE_FALSE(loaded.ok());
  return loaded.error().front().text();
}

}  // namespace

TEST_CASE("settings: without a source each has its default and says so") {
  const Settings settings = good({});
  CHECK(settings.get(kNetLinksPerAddressMax) == 64);
  CHECK(settings.get(kNetFrameBytesMax).value == 4 * kMiB);
  CHECK(settings.get(kExchangePeriod) == 120s);
  CHECK(settings.get(kJoin).empty());
  CHECK(settings.origin("net.links_max") == "default");
}

TEST_CASE("settings: a file yields to the environment, and that to the command line") {
  Sources sources = file("join = ['a:1']\n[net]\nlinks_max = 10\nkeep_alive = '20s'\nframe_bytes_max = 1048576\n");
  CHECK(good(sources).get(kNetLinksMax) == 10);
  CHECK(good(sources).origin("net.links_max") == "troupe.toml:3");
  CHECK(good(sources).get(kNetFrameBytesMax).value == kMiB);

  sources.environment = {{"TROUPE_NET__LINKS_MAX", "11"}, {"TROUPE_JOIN", "b:2,c:3"}, {"HOME", "/root"}};
  CHECK(good(sources).get(kNetLinksMax) == 11);
  CHECK(good(sources).origin("net.links_max") == "TROUPE_NET__LINKS_MAX");
  CHECK(good(sources).get(kJoin) == Texts{"b:2", "c:3"});

  sources.flags = {
      {"--set net.links_max", "net.links_max", "12"}, {"--join", "join", "d:4"}, {"--join", "join", "e:5"}};
  const Settings settings = good(sources);
  CHECK(settings.get(kNetLinksMax) == 12);
  CHECK(settings.origin("net.links_max") == "--set net.links_max");
  CHECK(settings.get(kJoin) == Texts{"d:4", "e:5"});
  CHECK(settings.get(kNetKeepAlive) == 20s);
}

TEST_CASE("settings: what is published again comes within half the time that it is held") {
  CHECK(good(file("[dht]\nhold = '44h'\n")).get(kHold) == 44h);
  CHECK(good(file("[dht]\nhold = '2h'\nrepublish_period = '1h'\n")).get(kRepublishPeriod) == 1h);
  CHECK(first_problem(file("[dht]\nhold = '2h'\nrepublish_period = '61m'\n")) ==
        "troupe.toml:3: dht.republish_period must be at most half of dht.hold, which is \"2h\" (troupe.toml:2), and is "
        "\"3660s\" (troupe.toml:3)");

  SUBCASE("a time of holding alone may be too short for the default") {
    CHECK(first_problem(file("[dht]\nhold = '43h'\n")) ==
          "troupe.toml:2: dht.republish_period must be at most half of dht.hold, which is \"43h\" (troupe.toml:2), and "
          "is \"22h\" (default)");
  }
  SUBCASE("the sources are compared once all of them are laid over one another") {
    Sources sources = file("[dht]\nhold = '2h'\n");
    sources.flags = {{"--set dht.republish_period", "dht.republish_period", "30m"}};
    CHECK(good(sources).get(kRepublishPeriod) == 30min);
    sources.flags = {{"--set dht.republish_period", "dht.republish_period", "2h"}};
    CHECK(first_problem(sources).starts_with("--set dht.republish_period: dht.republish_period must be"));
  }
  SUBCASE("a check of the file says the same") {
    const auto problems = check(node_table(), {"troupe.toml", "[dht]\nhold = '2h'\n"});
    REQUIRE(problems.size() == 1);
    CHECK(problems.front().where == "troupe.toml:2");
    CHECK(problems.front().instead == "dht.republish_period = \"1h\", or dht.hold = \"44h\"");
    CHECK(check(node_table(), {"troupe.toml", "[dht]\nhold = '4d'\n"}).empty());
  }
}

TEST_CASE("settings: an unknown name is an error with its place and the nearest known name") {
  CHECK(first_problem(file("\n[net]\nlink_max = 3\n")) ==
        "troupe.toml:3: unknown key \"net.link_max\"; did you mean \"net.links_max\"?");
  CHECK(first_problem(file("[nett]\n")) == "troupe.toml:1: unknown key \"nett\"; did you mean \"join\"?");
  CHECK(first_problem(file("net = 3\n")) == "troupe.toml:1: \"net\" is a section, not a value");
  CHECK(first_problem(file("[[net]]\nlinks_max = 3\n")) == "troupe.toml:1: \"net\" is a section, not a value");

  Sources sources;
  sources.environment = {
      {"TROUPE_DATA", "/anywhere"}, {"TROUPE_PASSPHRASE_FILE", "/file"}, {"TROUPE_NET__LINK_MAX", "3"}};
  CHECK(first_problem(sources) == "TROUPE_NET__LINK_MAX: unknown setting; did you mean TROUPE_NET__LINKS_MAX?");

  sources = {};
  sources.flags = {{"--set net.linksmax", "net.linksmax", "3"}};
  CHECK(first_problem(sources) == "--set net.linksmax: unknown key; did you mean \"net.links_max\"?");
}

TEST_CASE("settings: a value of another type or out of bounds is an error that says what was expected") {
  const std::pair<const char*, const char*> wrong[] = {
      {"net.links_max = 'many'", "net.links_max must be a whole number, not negative"},
      {"net.links_max = -1", "net.links_max must be a whole number, not negative"},
      {"net.links_max = 1.5", "net.links_max must be a whole number, not negative"},
      {"net.links_max = 0", "net.links_max must be from 1 to 100000"},
      {"net.links_max = 100001", "net.links_max must be from 1 to 100000"},
      {"net.handshake_timeout = 5", "net.handshake_timeout must be a duration such as \"60s\" or \"250ms\""},
      {"net.handshake_timeout = '0s'", "net.handshake_timeout must be from 100ms to 60s"},
      {"net.handshake_timeout = '61s'", "net.handshake_timeout must be from 100ms to 60s"},
      {"net.frame_bytes_max = '4 MB'", "net.frame_bytes_max must be a size such as \"4 MiB\" or a number of bytes"},
      {"net.frame_bytes_max = 1", "net.frame_bytes_max must be from 128 KiB to 64 MiB"},
      {"listen = 4000", "listen must be a text in quotes"},
      {"listen = 'nowhere'", "listen must be HOST:PORT"},
      {"join = 'a:1'", "join must be a list of texts such as [\"a\", \"b\"]"},
      {"join = ['a:0']", "join must be a list in which each is [ID@]HOST:PORT with an ID of 40 hexadecimal digits"},
      {"operators.view = ['00']",
       "operators.view must be a list in which each is a public key of 64 hexadecimal "
       "digits, as `troupe operator key` prints it"},
      {"node.name = \"a\\u001b[31m\"", "node.name must be UTF-8 text without control characters"},
      {"log.level = 'loud'", "log.level must be one of trace debug info warn error off"},
      {"log.levels = 'debug'", "log.levels must be a section of texts"},
      {"log.levels.net = 'debug'",
       "log.levels must be a section in which each name is one of actor config dht health links metrics node peers"},
      {"log.levels.links = 'loud'",
       "log.levels must be a section in which each is one of trace debug info warn error off"},
      {"store.sync = 'never'",
       "store.sync must be \"always\", the only value: acknowledged data survives a power failure"},
  };
  for (const auto& [text, what] : wrong) CHECK(first_problem(file(text)) == std::string("troupe.toml:1: ") + what);

  Sources sources;
  sources.environment = {{"TROUPE_NET__LINKS_MAX", "x"}};
  CHECK(first_problem(sources) == "TROUPE_NET__LINKS_MAX: net.links_max must be a whole number");
}

TEST_CASE("settings: both bounds themselves are allowed") {
  CHECK(good(file("net.links_max = 1")).get(kNetLinksMax) == 1);
  CHECK(good(file("net.links_max = 100000")).get(kNetLinksMax) == 100'000);
  CHECK(good(file("node.name = '" + std::string(64, 'n') + "'")).get(kNodeName).size() == 64);
  CHECK(first_problem(file("node.name = '" + std::string(65, 'n') + "'")) ==
        "troupe.toml:1: node.name must be at most 64 bytes long");
}

TEST_CASE("settings: on one line a list is taken with commas or as TOML, and so are pairs") {
  const auto list = [](const char* text) { return parse(kJoin, text); };
  const Value two = Texts{"a:1", "[::1]:2"};
  for (const char* text :
       {"a:1,[::1]:2", "[\"a:1\", \"[::1]:2\"]", "['a:1','[::1]:2',]", "[\n'a:1', # one\n'[::1]:2']"}) {
    CAPTURE(text);
    REQUIRE(list(text).ok());
    CHECK(list(text).value() == two);
  }
  CHECK(list("[]").value() == Value(Texts{}));
  CHECK(list("[::1]:1,[::2]:2").value() == Value(Texts{"[::1]:1", "[::2]:2"}));
  CHECK(list("[\"a:1\"]").value() == Value(Texts{"a:1"}));
  for (const char* text : {"[a:1]", "[\"a:1\", 2]", "[[\"a:1\"]]", "['a:1']\nx = ['b:1']", "[", "]", "[\"a:1]"}) {
    CAPTURE(text);
    CHECK_FALSE(list(text).ok());
  }
  CHECK(list("[a:1]").error() == "a list such as a,b or [\"a\", \"b\"]");
  CHECK(list("['a:0']").error() == "a list in which each is [ID@]HOST:PORT with an ID of 40 hexadecimal digits");
  CHECK_FALSE(list((std::string(10'000, '[') + std::string(10'000, ']')).c_str()).ok());
  CHECK_FALSE(list(('[' + std::string(kFileBytesMax, ' ') + ']').c_str()).ok());

  const Value pair = Pairs{{"links", "debug"}, {"node", "off"}};
  for (const char* text : {"links=debug,node=off", "{ links = \"debug\", \"node\" = 'off' }"}) {
    CAPTURE(text);
    REQUIRE(parse(kLogLevels, text).ok());
    CHECK(parse(kLogLevels, text).value() == pair);
  }
  CHECK(parse(kLogLevels, "{ links = debug }").error() == "pairs such as a=b,c=d or { a = \"b\", c = \"d\" }");
}

TEST_CASE("settings: a list that grows beyond its limit by repeated flags is refused") {
  Sources sources;
  for (int i = 0; i < 64; ++i) sources.flags.push_back({"--join", "join", "a:1"});
  CHECK(good(sources).get(kJoin).size() == 64);
  sources.flags.push_back({"--join", "join", "a:1"});
  CHECK(first_problem(sources) == "--join: join must be a list whose length is from 0 to 64");
}

TEST_CASE("settings: all problems are told at once in the order of the file, up to a limit") {
  const auto problems = check(node_table(), {"f", "z = 1\ny = 2\nlisten = 3\n"});
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].where == "f:1");
  CHECK(problems[2].text() == "f:3: listen must be a text in quotes");

  std::string rubbish;
  for (int i = 0; i < 1'000; ++i) rubbish += "k" + std::to_string(i) + " = 1\n";
  CHECK(check(node_table(), {"f", rubbish}).size() == kProblemsMax);
}

TEST_CASE("settings: an error of syntax is told with its line") {
  CHECK(first_problem(file("[net]\nlinks_max = = 3\n")).starts_with("troupe.toml:2: "));
  CHECK(first_problem(file("a = \"\xff\"")).starts_with("troupe.toml:1: "));
  CHECK(first_problem(file("a = 1\na = 2")).starts_with("troupe.toml:2: "));
}

TEST_CASE("settings: a file that is too long or nested too deeply is refused before it is parsed") {
  const std::string full = "# " + std::string(kFileBytesMax - 2, '.');
  CHECK(check(node_table(), {"f", full}).empty());
  CHECK(check(node_table(), {"f", full + "."}).front().text() == "f:1: longer than 1 MiB");

  std::string dots = "a";
  for (int i = 0; i < 300'000; ++i) dots += ".a";
  CHECK(check(node_table(), {"f", "\n" + dots + " = 1"}).front().text() == "f:2: nested too deeply");
  CHECK(check(node_table(), {"f", "a = " + std::string(200, '[')}).front().text() == "f:1: nested too deeply");
}

TEST_CASE("settings: dots and brackets within text and comments are no nesting") {
  const std::string dots(100, '.'), brackets(100, '[');
  for (const std::string quote : {"'", "\"", "'''", "\"\"\""})
    CHECK_FALSE(too_deep_line("a = " + quote + dots + brackets + quote + "\nb = 1.5 # " + dots + "\n").has_value());
  CHECK_FALSE(too_deep_line("a = \"\\\"" + dots + "\"").has_value());
  CHECK(too_deep_line("a = ''" + dots) == 1);
  CHECK(too_deep_line("a = '''\n''''\n" + dots) == 3);
  CHECK(too_deep_line(std::string(kTomlDotsMax, '.')) == std::nullopt);
  CHECK(too_deep_line(std::string(kTomlDotsMax + 1, '.')) == 1);
  CHECK(too_deep_line(std::string(kTomlNestingMax, '{')) == std::nullopt);
  CHECK(too_deep_line(std::string(kTomlNestingMax + 1, '{')) == 1);
}

TEST_CASE("settings: what is shown as TOML loads to the same values") {
  const Settings settings =
      good(file("join = ['a:1', '[::1]:2']\nlisten = '0.0.0.0:0'\n[node]\nname = 'a\"b\\ü'\n"
                "[log.levels]\nlinks = 'debug'\n[peers]\nexchange_period = '1500ms'\n"));
  for (const bool with_origin : {false, true}) {
    const std::string shown = settings.render_toml(with_origin);
    const Settings again = good(file(shown));
    for (const auto& setting : settings.table().settings())
      CHECK(again.value(setting.key) == settings.value(setting.key));
    CHECK((shown.find("# troupe.toml:4") != std::string::npos) == with_origin);
    CHECK(again.render_toml(false) == settings.render_toml(false));
  }
}

TEST_CASE("settings: a reload takes over what may change and says which") {
  Settings settings = good(file("log.level = 'warn'"));
  const auto changed = settings.reload(file("log.level = 'debug'\nlog.levels = { links = 'trace' }"));
  REQUIRE(changed.ok());
  CHECK(changed.value() == std::vector<std::string>{"log.level", "log.levels"});
  CHECK(settings.get(kLogLevel) == "debug");

  SUBCASE("nothing changes if one of them needs a start") {
    const auto refused = settings.reload(file("log.level = 'info'\nlog.format = 'json'"));
    REQUIRE_FALSE(refused.ok());
    REQUIRE(refused.error().size() == 1);
    CHECK(refused.error().front().text() ==
          "troupe.toml:2: log.format cannot change from \"text\" to \"json\" while the node runs; restart it");
    CHECK(settings.get(kLogLevel) == "debug");
  }
  SUBCASE("nothing changes if the file is wrong") {
    CHECK_FALSE(settings.reload(file("log.level = 'info'\nx = 1")).ok());
    CHECK(settings.get(kLogLevel) == "debug");
  }
}

TEST_CASE("settings: a table with one key twice, or with a default out of bounds, is a broken invariant") {
  static constexpr Setting twice[] = {kListen, kListen};
  CHECK_THROWS_AS(Table({twice}), base::InvariantBroken);
  static constexpr Setting zero[] = {count("a.b_max", "0", 1, 2, When::start, "")};
  CHECK_THROWS_AS(Table({zero}), base::InvariantBroken);
  CHECK_THROWS_AS(good({}).get(count("a.c", "1", 1, 2, When::start, "")), base::InvariantBroken);
}
