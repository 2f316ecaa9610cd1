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

Mistake refused(std::string_view pattern) {
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
  CHECK(refused("a[b").place == 1);
  CHECK(refused("ab**").place == 2);
  CHECK(refused("a\\").message.find("no regular expression") == 0);
  CHECK(refused("x(?=y)").place == 1);  // look-ahead is not regular
  CHECK(refused("(a").place == 0);
  CHECK(refused("(a)\\1").place == 3);  // nor is a back reference
  refused("a\xff");
}

TEST_CASE("regex: an empty one is refused, since it would be found everywhere") { CHECK(refused("").place == 0); }

TEST_CASE("regex: size is bounded before and after it is compiled") {
  CHECK(Regex::parse(std::string(kRegexBytesMax, 'a')).ok());
  CHECK(refused(std::string(kRegexBytesMax + 1, 'a')).place == kRegexBytesMax);
  refused("a{1001}");
  refused("(((a{30}){30}){30})");
  refused("(\\pL{20}){20}");
  CHECK(refused("x{300}").message.find("too large") != std::string::npos);
  refused(std::string(64, '(') + std::string(63, ')'));
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
