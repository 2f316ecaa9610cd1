#include "runtime/base/text.hpp"

#include <doctest/doctest.h>

#include <set>

#include "runtime/base/random.hpp"

using namespace troupe;
using namespace troupe::base;

TEST_CASE("text: what is plain stays as it is, all else becomes visible") {
  CHECK(printable("naïve 日本 😀") == "naïve 日本 😀");
  CHECK(printable("a\nb\tc\rd\\e") == "a\\nb\\tc\\rd\\\\e");
  CHECK(printable("\x1b[31mred") == "\\u{1b}[31mred");
  CHECK(printable(std::string_view("\0", 1)) == "\\u{00}");
  CHECK(printable("\x7f\xc2\x9b") == "\\u{7f}\\u{9b}");
  CHECK(printable("abc\xe2\x80\xae"
                  "def") == "abc\\u{202e}def");
}

TEST_CASE("text: bytes that are not UTF-8 are shown one by one") {
  CHECK(printable("\xff\xc0\x80") == "\\xff\\xc0\\x80");           // never valid, overlong
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(printable("\xe2\x82") == "\\xe2\\x82");                    // cut short
  CHECK(base::quoted("a\xff") == "\"a\xef\xbf\xbd\"");
}

TEST_CASE("text: a cut leaves whole characters and says that it was made") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdefg", 6) == "abc…");
  CHECK(printable("ab\x1b\x1b\x1b", 8) == "ab…");
  CHECK(printable("äöüäöü", 7) == "äö…");
  CHECK(printable("abc", 2).empty());
  CHECK(printable("", 0).empty());
}

TEST_CASE("text: what is shortened is not escaped, so that who prints it escapes it once") {
  CHECK(shortened("a\\b\n", 6) == "a\\b\n");
  CHECK(shortened("a\\\n\xff"
                  "def",
                  6) == "a\\\n…");
  CHECK(shortened("äöüäöü", 7) == "äö…");
  CHECK(shortened("abc", 2).empty());
}

TEST_CASE("text: whether it is UTF-8 does not depend on what its characters do") {
  for (const std::string_view text : {std::string_view(""), std::string_view("a\tb\n\x1b"), std::string_view("\0", 1),
                                      std::string_view("\xe2\x80\xae"), std::string_view("aä日😀")})
    CHECK(is_utf8(text));
  for (const char* const bytes : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"})
    CHECK_FALSE(is_utf8(bytes));
}

TEST_CASE("text: a JSON string escapes its own marks and all control characters") {
  CHECK(base::quoted("a\"b\\c\n\x1b") == "\"a\\\"b\\\\c\\u000a\\u001b\"");
  CHECK(base::quoted("\xe2\x80\xae") == "\"\\u202e\"");
  CHECK(base::quoted("😀") == "\"😀\"");
}

TEST_CASE("text: any bytes become plain text, never the same for two inputs, and never too long") {
  base::Random random(1);
  std::set<std::string> inputs, outputs;
  for (int run = 0; run < 20'000; ++run) {
    std::string bytes;
    for (auto left = random.below(12); left > 0; --left)
      bytes += static_cast<char>(random.chance(1, 2) ? random.below(256) : random.below(40) + 0x60);
    const std::string shown = printable(bytes);
    REQUIRE(is_plain(shown));
    REQUIRE(is_plain(base::quoted(bytes)));
    inputs.insert(bytes);
    outputs.insert(shown);
    const auto limit = random.below(20);
    const std::string cut = printable(bytes, limit);
    REQUIRE(cut.size() <= limit);
    REQUIRE(is_plain(cut));
  }
  CHECK(inputs.size() == outputs.size());
}

TEST_CASE("text: columns count characters, not bytes") {
  CHECK(columns("") == 0);
  CHECK(columns("aä日") == 3);
}
