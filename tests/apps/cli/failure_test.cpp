#include "apps/cli/failure.hpp"

#include "apps/cli/shell_word.hpp"
#include "tests/apps/harness.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::apps;
using base::Code;
using namespace std::chrono_literals;

namespace {

std::string printed(const Failure& failure, Effect effect, Form form) {
  std::ostringstream err;
  print(err, failure, effect, form, false);
  return err.str();
}

using troupe::test::contains;

}  // namespace

TEST_CASE("failure: each code has the exit of the contract, for reads and for writes") {
  const std::tuple<Code, Exit, Exit> exits[] = {
      {Code::not_found, Exit::not_found, Exit::not_found},  {Code::malformed, Exit::usage, Exit::usage},
      {Code::unsupported, Exit::failed, Exit::failed},      {Code::refused, Exit::refused, Exit::refused},
      {Code::conflict, Exit::refused, Exit::refused},       {Code::overloaded, Exit::overloaded, Exit::overloaded},
      {Code::no_space, Exit::overloaded, Exit::overloaded}, {Code::unavailable, Exit::unavailable, Exit::unavailable},
      {Code::timeout, Exit::unavailable, Exit::unknown},    {Code::unknown_outcome, Exit::unknown, Exit::unknown},
      {Code::dropped, Exit::unavailable, Exit::unknown},    {Code::corrupt, Exit::failed, Exit::failed},
      {Code::internal, Exit::failed, Exit::failed},
  };
  for (const auto& [code, read, write] : exits) {
    CHECK(exit_of(code, Effect::read) == read);
    CHECK(exit_of(code, Effect::write) == write);
  }
  CHECK(exit_of(Failure{{Code::conflict, ""}, "", "", Exit::failed}, Effect::read) == Exit::failed);
}

TEST_CASE("failure: JSON has every field of the contract for every code, whatever else is said") {
  constexpr auto kCodes = static_cast<std::uint16_t>(Code::internal);  // the last one
  for (std::uint16_t number = 1; number <= kCodes; ++number) {
    const Code code = base::code_of(number);
    CAPTURE(name(code));
    for (const Effect effect : {Effect::read, Effect::write})
      for (const std::string& said : {std::string(), std::string("x")})
        for (const auto after : {0ms, 250ms}) {
          const std::string line = printed({{code, said, after}, said, said}, effect, Form::json);
          std::size_t at = 0;
          for (const std::string& field :
               {"{\"error\":{\"code\":\"" + std::string(name(code)) + "\",", "\"message\":\"" + said + "\",",
                std::string("\"outcome\":\""), std::string("\"try\":"),
                std::string("\"retryAfterMs\":") + (after == 0ms ? "null" : "250") + "}}\n"}) {
            CAPTURE(field);
            const auto found = line.find(field, at);
            REQUIRE(found != std::string::npos);
            at = found + field.size();
          }
          CHECK(at == line.size());
          CHECK_FALSE(contains(line, "\"outcome\":\"\""));
        }
  }
}

TEST_CASE("failure: where nobody reads the output any more nothing is said, and other lost output is an error") {
  std::ostringstream out, err;
  std::istringstream in;
  Console console{out, err, in};
  CHECK(unwritten(console, "half").exit == Exit::failed);
  console.reader_is_gone = [] { return false; };
  CHECK(printed(unwritten(console, "half"), Effect::read, Form::text) ==
        "error: cannot write standard output\noutcome: half\n");
  console.reader_is_gone = [] { return true; };
  CHECK(unwritten(console, "half").exit == Exit::broken_pipe);
  for (const Form form : {Form::text, Form::json})
    CHECK(printed(unwritten(console, "half"), Effect::write, form).empty());
}

TEST_CASE("failure: text has three lines, and what it does not say is filled in") {
  const Failure whole{{Code::unknown_outcome, "key \"orders/17\" was not written: no quorum"},
                      "unknown; the write may still appear",
                      "troupe kv get orders/17"};
  CHECK(printed(whole, Effect::write, Form::text) ==
        "error: key \"orders/17\" was not written: no quorum\n"
        "outcome: unknown; the write may still appear\n"
        "try: troupe kv get orders/17\n");
  CHECK(printed({{Code::not_found, "no such file"}}, Effect::read, Form::text) ==
        "error: no such file\noutcome: nothing was changed\n");
  CHECK(printed({{Code::overloaded, "busy", 250ms}}, Effect::read, Form::text) ==
        "error: busy\noutcome: nothing was changed\ntry: again in 250 ms\n");
  CHECK(printed({{Code::timeout, "no answer"}}, Effect::write, Form::text)
            .find("outcome: unknown; the change may have been made\n") != std::string::npos);
}

TEST_CASE("failure: an error is written at once") {
  struct Writes : std::streambuf {
    std::streamsize xsputn(const char* bytes, std::streamsize size) override {
      all.emplace_back(bytes, static_cast<std::size_t>(size));
      return size;
    }
    int overflow(int byte) override {
      all.emplace_back(1, static_cast<char>(byte));
      return byte;
    }
    std::vector<std::string> all;
  };
  for (const Form form : {Form::text, Form::json}) {
    Writes writes;
    std::ostream err(&writes);
    print(err, {{Code::not_found, "no such file"}, "", "again"}, Effect::read, form, false);
    REQUIRE(writes.all.size() == 1);
    CHECK(contains(writes.all.front(), "no such file"));
  }
}

TEST_CASE("failure: JSON is one line with every field") {
  CHECK(printed({{Code::not_found, "no \"x\"\n"}}, Effect::read, Form::json) ==
        "{\"error\":{\"code\":\"not_found\",\"message\":\"no \\\"x\\\"\\u000a\",\"outcome\":\"nothing was changed\","
        "\"try\":null,\"retryAfterMs\":null}}\n");
  CHECK(printed({{Code::overloaded, "busy", 250ms}}, Effect::read, Form::json).find("\"retryAfterMs\":250}}") !=
        std::string::npos);
  CHECK(printed({{Code::overloaded, "busy", std::chrono::hours(24 * 365)}}, Effect::read, Form::json)
            .find("\"retryAfterMs\":4294967295}}") != std::string::npos);
}

TEST_CASE("failure: a command to try is printed as it is pasted, its backslashes too") {
  const Failure failure{{Code::refused, "no"}, "none", "troupe status --data " + shell_word("it's\nhere")};
  CHECK(printed(failure, Effect::read, Form::text) ==
        "error: no\noutcome: none\ntry: troupe status --data $'it\\047s\\012here'\n");
}

TEST_CASE("failure: text from outside cannot add lines or colours") {
  const std::string text =
      printed({{Code::refused, "a\ntry: rm -rf /\x1b[2J"}, "b\nc", "d\ne"}, Effect::read, Form::text);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(text.find('\x1b') == std::string::npos);
}
