#include "runtime/observe/logic/regex.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace troupe;
using namespace troupe::observe;

namespace {

bool found(std::string_view pattern, std::string_view text) {
  const auto regex = Regex::parse(pattern);
  REQUIRE(regex.ok());
  return regex.value().found_in(text);
}

Mistake mistake_in(std::string_view pattern) {
  const auto regex = Regex::parse(pattern);
  REQUIRE(!regex.ok());
  CHECK(regex.error().place <= pattern.size());
  CHECK(regex.error().message.size() <= kMistakeBytesMax);
  return regex.error();
}

}  // namespace

TEST_CASE("regex: it is found anywhere in the text, unless it says where") {
  CHECK(found("eer", "/peer/1"));
  CHECK(!found("^eer", "/peer/1"));
  CHECK(found("^/(peer|file)/[0-9]+$", "/peer/17"));
  CHECK(!found("Peer", "/peer"));
  CHECK(found("(?i)Peer", "/peer"));
  CHECK(found("^…$", "…"));
}

TEST_CASE("regex: what is none is refused where it goes wrong") {
  CHECK(mistake_in("a[b").place == 1);
  CHECK(mistake_in("ab**").place == 2);
  CHECK(mistake_in("a\\").message.find("not a regular expression") == 0);
  CHECK(mistake_in("x(?=y)").place == 1);  // look-ahead is not regular
  CHECK(mistake_in("(a").place == 0);
  CHECK(mistake_in("(a)\\1").place == 3);  // nor is a back reference
  mistake_in("a\xff");
}

TEST_CASE("regex: an empty one is refused, since it would be found everywhere") { CHECK(mistake_in("").place == 0); }

TEST_CASE("regex: size is bounded before and after it is compiled") {
  CHECK(Regex::parse(std::string(kRegexBytesMax, 'a')).ok());
  CHECK(mistake_in(std::string(kRegexBytesMax + 1, 'a')).place == kRegexBytesMax);
  mistake_in("a{1001}");
  mistake_in("(((a{30}){30}){30})");
  mistake_in("(\\pL{20}){20}");
  CHECK(mistake_in("x{300}").message.find("too large") != std::string::npos);
  mistake_in(std::string(64, '(') + std::string(63, ')'));
  CHECK(Regex::parse(std::string(64, '(') + std::string(64, ')')).ok());
}

TEST_CASE("regex: nothing blows the stack or takes exponential time") {
  const std::string text(kMatchedBytesMax - 1, 'a');
  CHECK(!found("(a*)*b", text));
  CHECK(!found("^(a|a)*$", text + "!"));
  CHECK(!found("(a?){20}a{180}b", text));
  CHECK(!found("(.*)(.*)(.*)(.*)(.*)(.*)[^a]$", text));
}

TEST_CASE("regex: of a long text only the beginning is looked at") {
  CHECK(found("b", std::string(kMatchedBytesMax - 1, 'a') + "b"));
  CHECK(!found("b", std::string(kMatchedBytesMax, 'a') + "b"));
}
