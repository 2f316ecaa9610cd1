#include "apps/cli/shell_word.hpp"

#include <cstdio>

#include "runtime/base/text.hpp"
#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;

namespace {

// What a shell makes of a word: its bytes, and nothing else has happened.
std::string taken_by_bash(const std::string& word) {
  const TemporaryFolder folder;
  const std::string script = folder.write("script", "printf '[%s]' " + word);
  FILE* pipe = ::popen(("bash --norc " + script + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  for (int c = 0; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  CHECK(::pclose(pipe) == 0);
  return out;
}

}  // namespace

TEST_CASE("shell word: a word that a shell takes as it is stays so, and others are quoted") {
  CHECK(shell_word("/var/lib/troupe-2/a_b.c") == "/var/lib/troupe-2/a_b.c");
  CHECK(shell_word("") == "''");
  CHECK(shell_word("my data") == "'my data'");
  CHECK(shell_word("~") == "'~'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("a\nb") == "$'a\\012b'");
}

TEST_CASE("shell word: a shell reads back the very bytes, and the word can be printed without another escape") {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& text :
       {std::string("a b"), std::string("$(id)`id`\\n!\"*?[x]{a,b};&|<>#~="), std::string("it's"), std::string("'"),
        std::string("\x1b[2J\r\n\t'\\"), std::string("\u202e evil \u00e9\u4e16"), std::string("\xff\x80 1"), all,
        std::string("\n1")}) {
    CAPTURE(text);
    const std::string word = shell_word(text);
    CHECK(base::is_plain(word));
    CHECK(taken_by_bash(word) == '[' + text + ']');
  }
}
