#include <doctest/doctest.h>

#include <array>
#include <string>

#include "runtime/base/random.hpp"
#include "runtime/base/text.hpp"
#include "runtime/config/settings.hpp"
#include "tests/runtime/config/node_settings.hpp"

using namespace troupe;
using namespace troupe::config;

namespace {

// Words of TOML, so that random text gets past the first letter.
constexpr std::array<std::string_view, 30> kWords{"a",
                                                  ".",
                                                  "=",
                                                  " ",
                                                  "\n",
                                                  "[",
                                                  "]",
                                                  "{",
                                                  "}",
                                                  "\"",
                                                  "'",
                                                  "\\",
                                                  "'''",
                                                  "\"\"\"",
                                                  "#",
                                                  ",",
                                                  "1",
                                                  "-",
                                                  "0x",
                                                  "1e9",
                                                  "inf",
                                                  "true",
                                                  "net",
                                                  "log.levels",
                                                  "links_max",
                                                  "join",
                                                  "\xff",
                                                  "\x1b",
                                                  "1979-05-27T07:32:00Z",
                                                  "\r\n"};

std::string random_toml(base::Random& random) {
  std::string out;
  for (std::uint64_t left = random.below(60); left > 0; --left) out += kWords[random.below(kWords.size())];
  return out;
}

void mutate(std::string& text, base::Random& random) {
  for (std::uint64_t left = 1 + random.below(8); left > 0 && !text.empty(); --left) {
    const auto at = random.below(text.size());
    switch (random.below(3)) {
      case 0: text[at] = static_cast<char>(random.below(256)); break;
      case 1: text.erase(at, 1 + random.below(10)); break;
      default: text.insert(at, kWords[random.below(kWords.size())]); break;
    }
  }
}

// Loads or is refused in a few words; either way nothing else happens.
void check_text(const Table& table, const std::string& text) {
  Sources sources;
  sources.file = TextFile{"f", text};
  const auto loaded = Settings::load(table, sources);
  if (loaded.ok()) return;
  CHECK_FALSE(loaded.error().empty());
  CHECK(loaded.error().size() <= kProblemsMax);
  for (const auto& problem : loaded.error())
    if (problem.text().size() > kProblemBytesMax) FAIL("too long: " << base::printable(problem.text(), 200));
}

}  // namespace

TEST_CASE("settings: random text is loaded or refused in a few words") {
  const Table table = test::node_table();
  base::Random random(20'251);
  for (int run = 0; run < 20'000; ++run) check_text(table, random_toml(random));
}

TEST_CASE("settings: a mutated file is loaded or refused in a few words") {
  const Table table = test::node_table();
  base::Random random(20'252);
  const std::string sound = Settings::load(table, {}).value().render_toml(true);
  for (int run = 0; run < 3'000; ++run) {
    std::string text = sound;
    mutate(text, random);
    check_text(table, text);
  }
}

TEST_CASE("settings: random values on one line are taken or refused for each setting") {
  const Table table = test::node_table();
  base::Random random(20'253);
  for (int run = 0; run < 20'000; ++run) {
    const Setting& setting = table.settings()[random.below(table.settings().size())];
    const auto value = parse(setting, random_toml(random));
    if (value.ok()) CHECK_FALSE(fault(setting, value.value()).has_value());
  }
}
