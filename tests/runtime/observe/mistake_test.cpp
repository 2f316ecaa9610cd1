#include "runtime/observe/logic/mistake.hpp"

#include <doctest/doctest.h>

#include "runtime/base/text.hpp"

using namespace troupe;
using namespace troupe::observe;

TEST_CASE("mistake: a mark stands below its place, also behind the last character") {
  CHECK(marked("kind=peer mailbx>10", {10, ""}) == "kind=peer mailbx>10\n          ^");
  CHECK(marked("kind=", {5, ""}) == "kind=\n     ^");
  CHECK(marked("", {0, ""}) == "\n^");
  CHECK(marked("ab", {9, ""}) == "ab\n  ^");
}

TEST_CASE("mistake: columns are counted in characters as they are shown") {
  CHECK(marked("äö x", {5, ""}) == "äö x\n   ^");
  CHECK(marked("\\d x", {3, ""}) == "\\d x\n   ^");
  CHECK(marked("a\x1b"
               "b",
               {2, ""}) == "a\\u{1b}b\n       ^");
}

TEST_CASE("mistake: of a long text the part around the place is shown") {
  const std::string text(1'000, 'a');
  const std::string shown = marked(text, {500, ""});
  CHECK(shown.substr(0, 4) == "…a");
  CHECK(shown.find('\n') < 100);
  CHECK(base::columns(shown.substr(0, shown.find('\n'))) <= 80);
  CHECK(shown.size() - shown.find('\n') - 1 == 42);
  std::string wide;
  for (int i = 0; i < 30; ++i) wide += "日";
  const std::string cut = marked(wide, {60, ""});  // 40 bytes before that are within a character, and so are 38 behind
  CHECK(base::is_plain(cut.substr(0, cut.find('\n'))));
}
