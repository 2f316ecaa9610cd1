// Which calls a scope or a grant covers, and that no spelling of a path leads around it.
#include "apps/api/pattern.hpp"

#include <doctest/doctest.h>

#include <span>

#include "runtime/base/random.hpp"
#include "tests/apps/api/all_routes.hpp"

using namespace troupe;
using namespace troupe::apps;
using namespace troupe::apps::api;

namespace {

using Subject = std::optional<std::string>;

Pattern pattern(std::string_view text) {
  auto out = Pattern::parse(text);
  REQUIRE_MESSAGE(out.ok(), text);
  return std::move(out).value();
}

bool covers(std::string_view text, const std::vector<std::string>& segments) { return pattern(text).matches(segments); }

/// Whether a pattern covers the call of a command with a first argument.
bool covers_call(std::string_view text, std::string_view command, const Subject& subject) {
  for (const RouteRow& row : test::all_routes().rows())
    if (row.command->name == command) return matches_call(pattern(text), test::all_routes(), *row.command, subject);
  FAIL("no such command: " << command);
  return false;
}

std::string pattern_fault(std::string_view text) {
  const auto out = Pattern::parse(text);
  if (out.ok()) return "";
  CHECK(out.error().code == base::Code::malformed);
  CHECK(out.error().message.size() <= 300);
  return out.error().message;
}

/// A request as a client writes it: `field` is the first argument in the query or the body.
struct Spelling {
  const char* method;
  const char* path;
  Subject field{};
};

/// Checks that each spelling is a call of `command` with `subject`; that none of `refusing` covers it, and that each of
/// `covering` does.
void check_spellings(std::span<const Spelling> spellings, std::string_view command, const std::string& subject,
                     std::initializer_list<const char*> refusing, std::initializer_list<const char*> covering) {
  for (const Spelling& one : spellings) {
    CAPTURE(one.path);
    const Lookup found = test::all_routes().find(one.method, one.path);
    REQUIRE(std::holds_alternative<Called>(found));
    const Called& called = std::get<Called>(found);
    CHECK(called.row->command->name == command);
    CHECK(called.subject.has_value() != one.field.has_value());
    const Subject given = called.subject ? called.subject : one.field;
    CHECK(given == subject);
    const auto covered = [&](const char* text) {
      return matches_call(pattern(text), test::all_routes(), *called.row->command, given);
    };
    for (const char* text : refusing) CHECK_MESSAGE(!covered(text), text);
    for (const char* text : covering) CHECK_MESSAGE(covered(text), text);
  }
}

/// The definition of a glob, in exponential time.
bool slow_glob(std::string_view glob, std::string_view text) {
  if (glob.empty()) return text.empty();
  if (glob.front() == '*') return slow_glob(glob.substr(1), text) || (!text.empty() && slow_glob(glob, text.substr(1)));
  return !text.empty() && glob.front() == text.front() && slow_glob(glob.substr(1), text.substr(1));
}

}  // namespace

TEST_CASE("api glob: a star matches any bytes, and no glob takes exponential time") {
  CHECK(Glob("").matches(""));
  CHECK_FALSE(Glob("").matches("a"));
  CHECK(Glob("*").matches(""));
  CHECK(Glob("reports/**").matches("reports/2026/may"));
  CHECK_FALSE(Glob("reports/**").matches("reports"));
  CHECK_FALSE(Glob("aba*aba").matches("aba"));  // the two ends do not share bytes
  CHECK_FALSE(Glob("a").matches("A"));
  base::Random random(7);
  int matched = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string glob, text;
    for (auto left = random.below(8); left > 0; --left) glob += "ab*"[random.below(3)];
    for (auto left = random.below(10); left > 0; --left) text += "ab"[random.below(2)];
    const bool expected = slow_glob(glob, text);
    matched += expected;
    CHECK_MESSAGE(Glob(glob).matches(text) == expected, glob << ' ' << text);
  }
  CHECK(matched > 1'000);
  std::string stars;
  for (int i = 0; i < 80; ++i) stars += "a*";
  CHECK_FALSE(Glob(stars + "b").matches(std::string(1'000'000, 'a')));
  CHECK(Glob(stars + "b").matches(std::string(1'000'000, 'a') + 'b'));
}

TEST_CASE("api pattern: a pattern matches whole segments, and ** any number of them at the end") {
  CHECK(covers("/v1/kv/**", {"kv"}));
  CHECK(covers("/v1/kv/**", {"kv", "get", "a"}));
  CHECK_FALSE(covers("/v1/kv/**", {"kvs", "get"}));
  CHECK_FALSE(covers("/v1/kv/**", {}));
  CHECK(covers("/v1/**", {}));
  CHECK(covers("/v1/kv/*/a", {"kv", "get", "a"}));
  CHECK_FALSE(covers("/v1/kv/*", {"kv", "get", "a"}));
  CHECK_FALSE(covers("/v1/kv/*", {"kv"}));
  CHECK(covers("/v1/kv/get/orders%2F*", {"kv", "get", "orders/17/x"}));
  CHECK_FALSE(covers("/v1/kv/get/orders%2F*", {"kv", "get", "orders"}));
  CHECK_FALSE(covers("/v1/kv/get/orders%2F*", {"kv", "get", "orders", "17"}));
  CHECK(covers("/v1/kv/g*t/%C3%A9*", {"kv", "get", "\xc3\xa9t\xc3\xa9"}));
}

TEST_CASE("api pattern: a segment is decoded once, after the stars are found") {
  CHECK(covers("/v1/kv/get/a%2Ab", {"kv", "get", "a*b"}));
  CHECK_FALSE(covers("/v1/kv/get/a%2Ab", {"kv", "get", "axb"}));
  CHECK(covers("/v1/kv/get/%2a%2a", {"kv", "get", "**"}));
  CHECK_FALSE(covers("/v1/kv/get/%2a%2a", {"kv", "get", "a"}));
  CHECK(covers("/v1/kv/get/%252F", {"kv", "get", "%2F"}));
  CHECK_FALSE(covers("/v1/kv/get/%252F", {"kv", "get", "/"}));
  CHECK(covers("/v1/%6bv/g%65t/+", {"kv", "get", "+"}));
}

TEST_CASE("api pattern: an invalid pattern is refused with the reason") {
  for (const char* text : {"", "/", "/v1", "v1/kv", "/v2/kv", "/v11/kv", "//v1/kv", "/%761/kv", "**", "/**"})
    CHECK_MESSAGE(pattern_fault(text).find("begins with /v1/") != std::string::npos, text);
  for (const char* text : {"/v1/", "/v1//kv", "/v1/kv/", "/v1/kv//**", "/v1/./kv", "/v1/kv/..", "/v1/kv/%2e%2E"})
    CHECK_MESSAGE(pattern_fault(text).find("empty segment or a dot segment") != std::string::npos, text);
  for (const char* text : {"/v1/**/get", "/v1/kv/**/", "/v1/**/**"})
    CHECK_MESSAGE(pattern_fault(text).find("** only as the last segment") != std::string::npos, text);
  for (const char* text : {"/v1/kv/%", "/v1/kv/%2", "/v1/kv/%2*", "/v1/kv/%zz", "/v1/kv/%00", "/v1/kv/%ff"})
    CHECK_MESSAGE(pattern_fault(text).find("invalid escape") != std::string::npos, text);
  for (const char* text : {"/v1/kv/get/a?group=b", "/v1/kv#a"})
    CHECK_MESSAGE(pattern_fault(text).find("without a query") != std::string::npos, text);
}

TEST_CASE("api pattern: the limits are 256 bytes and 16 segments") {
  const std::string long_text = "/v1/" + std::string(kPatternBytesMax - 4, 'a');
  CHECK(pattern_fault(long_text).empty());
  CHECK(pattern_fault(long_text + 'a').find("at most 256 bytes, got 257") != std::string::npos);
  std::string deep = "/v1";
  for (std::size_t i = 1; i < kPatternSegmentsMax; ++i) deep += "/a";
  CHECK(pattern_fault(deep).empty());
  CHECK(pattern_fault(deep + "/a").find("at most 16 segments") != std::string::npos);
  CHECK(pattern_fault(deep + "/**").find("at most 16 segments") != std::string::npos);
  CHECK(pattern(long_text).text() == long_text);
}

TEST_CASE("api pattern: a call is covered if a pattern matches any of its paths") {
  CHECK(covers_call("/v1/nodes", "registry ls", {}));
  CHECK(covers_call("/v1/registry/**", "registry ls", {}));
  CHECK(covers_call("/v1/nodes/*", "registry view", "00ff"));
  CHECK_FALSE(covers_call("/v1/nodes/00ff", "registry view", "00fe"));
  CHECK(covers_call("/v1/accounts/tro1x/*", "wallet balance", "tro1x"));
  CHECK(covers_call("/v1/wallet/balance/tro1x", "wallet balance", "tro1x"));
  CHECK_FALSE(covers_call("/v1/accounts/tro1x/balance", "wallet balance", "tro1y"));
  CHECK(covers_call("/v1/files", "file put", {}));
  CHECK(covers_call("/v1/files/**", "file put", {}));
  CHECK_FALSE(covers_call("/v1/files/*", "file put", {}));
  CHECK_FALSE(covers_call("/v1/file/put", "file put", {}));  // a command with a file has only its short path
  CHECK(covers_call("/v1/files/00ff", "file get", "00ff"));
  CHECK(covers_call("/v1/**", "status", {}));
  CHECK_FALSE(covers_call("/v1/kv/get/**", "kv put", "a"));
}

TEST_CASE("api pattern: a call with a first argument is never covered as if it had none") {
  CHECK_FALSE(covers_call("/v1/kv/get", "kv get", "a"));
  CHECK_FALSE(covers_call("/v1/kv/ls", "kv ls", "orders/"));
  CHECK(covers_call("/v1/kv/ls", "kv ls", {}));
  CHECK_FALSE(covers_call("/v1/kv/ls/orders%2F*", "kv ls", {}));
  CHECK_FALSE(covers_call("/v1/kv/ls/orders%2F*", "kv ls", ""));  // the empty prefix is the whole group
  CHECK(covers_call("/v1/kv/ls/*", "kv ls", ""));
  CHECK(covers_call("/v1/kv/get/*", "kv get", "."));
  CHECK(covers_call("/v1/kv/get/*", "kv get", "*"));
  CHECK_FALSE(covers_call("/v1/kv/get/%2A", "kv get", "a"));
  // The body names the node, so this path covers the calls for all nodes.
  CHECK(covers_call("/v1/nodes/reputation", "reputation report", "00ff"));
  CHECK(covers_call("/v1/nodes/**", "reputation report", "00ff"));
  CHECK(covers_call("/v1/reputation/report/00ff", "reputation report", "00ff"));
  CHECK_FALSE(covers_call("/v1/reputation/report/00ff", "reputation report", "00fe"));
  CHECK_FALSE(covers_call("/v1/reputation/report", "reputation report", "00ff"));
}

TEST_CASE("api pattern: nine spellings of a path are the same call, and a scope refuses all of them") {
  const Spelling kv[] = {
      {"GET", "/v1/kv/get/secrets%2F1"},       {"GET", "/v1/kv/get/secrets%2f1"},
      {"GET", "/v1/kv/get/%73%65%63rets%2F1"}, {"GET", "/v1/kv/get/secrets%2F%31"},
      {"GET", "/v1/kv/%67%65%74/secrets%2F1"}, {"GET", "/v1/%6Bv/get/secrets%2F1"},
      {"GET", "/%76%31/kv/get/secrets%2F1"},   {"HEAD", "/v1/k%76/g%65t/s%65crets%2f1"},
      {"GET", "/v1/kv/get", "secrets/1"},
  };
  check_spellings(kv, "kv get", "secrets/1",
                  {"/v1/kv/get/orders%2F*", "/v1/kv/get", "/v1/kv/*", "/v1/kv/get/secrets/1",
                   "/v1/kv/get/secrets%252F1", "/v1/kv/put/**", "/v1/files/**"},
                  {"/v1/kv/get/secrets%2F*", "/v1/%6bv/get/%73ecrets%2f1", "/v1/kv/**"});
  const Spelling files[] = {
      {"GET", "/v1/files/00ff"},      {"HEAD", "/v1/files/00ff"},       {"GET", "/v1/files/%30%30ff"},
      {"GET", "/v1/%66iles/00ff"},    {"GET", "/%761/files/00ff"},      {"GET", "/v1/file/get/00ff"},
      {"GET", "/v1/file/%67et/00ff"}, {"GET", "/v1/%66ile/get/00f%66"}, {"GET", "/v1/file/get", "00ff"},
  };
  check_spellings(files, "file get", "00ff",
                  {"/v1/files/00fe", "/v1/file/get/00fe", "/v1/files", "/v1/file/get", "/v1/file/put/**"},
                  {"/v1/files/*", "/v1/file/get/00ff", "/v1/file/**"});
}
