#include "runtime/observe/logic/glob.hpp"

#include <doctest/doctest.h>

#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::observe;

namespace {

bool matches(std::string_view pattern, std::string_view path) {
  const auto glob = Glob::parse(pattern);
  REQUIRE(glob.ok());
  return glob.value().matches(path);
}

std::size_t place(std::string_view pattern) {
  const auto glob = Glob::parse(pattern);
  REQUIRE(!glob.ok());
  CHECK(!glob.error().message.empty());
  return glob.error().place;
}

/// The oracle: tries everything. One rule for the whole path, in which "/**" may be left out or eat a part.
bool naive(std::string_view glob, std::string_view path) {
  const bool stars = glob.starts_with("/**") && (glob.size() == 3 || glob[3] == '/');
  if (stars && naive(glob.substr(3), path)) return true;
  if (stars) return path.starts_with('/') && naive(glob, path.substr(std::min(path.find('/', 1), path.size())));
  if (glob.empty()) return path.empty();
  if (glob[0] == '*')
    return naive(glob.substr(1), path) || (!path.empty() && path[0] != '/' && naive(glob, path.substr(1)));
  if (path.empty()) return false;
  if (glob[0] == '\\') return glob[1] == path[0] && naive(glob.substr(2), path.substr(1));
  if (glob[0] == '?' ? path[0] == '/' : glob[0] != path[0]) return false;
  return naive(glob.substr(1), path.substr(1));
}

}  // namespace

TEST_CASE("glob: a star stays within one part of the path, two as a whole part are any number of parts") {
  CHECK(matches("/peer/*", "/peer/9f3c"));
  CHECK(!matches("/peer/*", "/peer/9f3c/link"));
  CHECK(!matches("/peer/*", "/peer"));
  CHECK(matches("/peer/**", "/peer"));
  CHECK(matches("/peer/**", "/peer/9f3c/link"));
  CHECK(!matches("/peer/**", "/peers"));
  CHECK(matches("/**/store", "/store"));
  CHECK(matches("/**/store", "/files/a/store"));
  CHECK(!matches("/**/store", "/files/store/x"));
  CHECK(matches("/a/**/b/**/c", "/a/b/x/b/y/c"));
  CHECK(matches("/pe**r", "/peer"));
  CHECK(!matches("/pe**r", "/pe/r"));
}

TEST_CASE("glob: the root is a slash, and every actor is meant by /**") {
  CHECK(matches("/", "/"));
  CHECK(!matches("/", "/a"));
  CHECK(!matches("/*", "/"));
  CHECK(matches("/**", "/"));
  CHECK(matches("/**", "/a/b"));
  CHECK(!matches("/**", ""));
  CHECK(!matches("/**", "a/b"));
}

TEST_CASE("glob: a question mark is one character, and what is escaped is itself") {
  CHECK(matches("/put?", "/put1"));
  CHECK(!matches("/put?", "/put"));
  CHECK(!matches("/a?b", "/a/b"));
  CHECK(matches("/\\*\\?\\[\\]\\{\\}\\\\", "/*?[]{}\\"));
  CHECK(!matches("/a\\*", "/ab"));
  CHECK(!matches("/\\**", "/ab"));
  CHECK(matches("/\\**", "/*b"));
}

TEST_CASE("glob: what is none is refused where it goes wrong") {
  CHECK(place("") == 0);
  CHECK(place("peer/*") == 0);
  CHECK(place("/peer//x") == 5);
  CHECK(place("//") == 0);
  CHECK(place("/peer/") == 5);
  CHECK(place("/p[ab]") == 2);
  CHECK(place("/p{a,b}") == 2);
  CHECK(place("/p\\") == 2);
  CHECK(place("/p\\/x") == 2);
  CHECK(Glob::parse('/' + std::string(kGlobBytesMax - 1, 'a')).ok());
  CHECK(place('/' + std::string(kGlobBytesMax, 'a')) == kGlobBytesMax);
}

TEST_CASE("glob: many stars cost no more than bytes times bytes") {
  std::string pattern, path;
  while (pattern.size() + 6 <= kGlobBytesMax) pattern += "/**/*a";
  while (path.size() + 2 <= 254) path += "/a";
  CHECK(matches(pattern.substr(0, 6 * 100), path));
  CHECK(!matches(pattern.substr(0, 6 * 80) + "/b", path));  // exponential where each star is tried anew
}

TEST_CASE("glob: a match is what trying everything finds") {
  base::Random random(1);
  const auto draw = [&](std::string_view letters, std::uint64_t max) {
    std::string text = "/";
    for (auto left = random.below(max); left > 0; --left) text += letters[random.below(letters.size())];
    return text;
  };
  int parsed = 0, matched = 0;
  for (std::uint64_t run = 0; run < troupe::test::rounds(100'000); ++run) {
    const std::string pattern = draw("ab**?/\\", 10), path = draw("ab*/", 8);
    const auto glob = Glob::parse(pattern);
    if (!glob.ok() || path.find("//") != std::string::npos || (path.size() > 1 && path.back() == '/')) continue;
    ++parsed;
    const bool expected = naive(pattern == "/" ? "" : pattern, path == "/" ? "" : path);
    matched += expected;
    CHECK_MESSAGE(glob.value().matches(path) == expected, pattern, " ", path);
  }
  CHECK(parsed > 1'000);
  CHECK(matched > 100);
}
