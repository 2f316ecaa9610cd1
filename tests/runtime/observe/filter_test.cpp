#include "runtime/observe/logic/filter.hpp"

#include <doctest/doctest.h>

#include <array>

#include "runtime/base/random.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::observe;
using namespace std::chrono_literals;

namespace {

ActorRow peer() {
  ActorRow row;
  row.path = "/peer/9f3c/link";
  row.kind = "peer";
  row.state = "waiting for \"hello\"";
  row.mailbox = 12;
  row.oldest = 1'500ms;
  row.per_second_thousandths = 2'500;
  row.busy_thousandths = 500;
  row.p99 = 250us;
  row.last_error = "timed out";
  return row;
}

Filter parsed(std::string_view text) {
  const auto filter = Filter::parse(text);
  REQUIRE_MESSAGE(filter.ok(), text);
  return filter.value();
}

bool holds(std::string_view text) { return parsed(text).holds(peer()); }

Mistake refused(std::string_view text) {
  const auto filter = Filter::parse(text);
  REQUIRE_MESSAGE(!filter.ok(), text);
  CHECK(filter.error().message.size() <= kMistakeBytesMax);
  return filter.error();
}

/// Whether the text is refused at that place, with these words in the message.
bool refused_at(std::string_view text, std::size_t place, std::string_view words) {
  const Mistake mistake = refused(text);
  CHECK_MESSAGE(mistake.place == place, text);
  return mistake.message.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("filter: an empty one holds for every actor") {
  CHECK(holds(""));
  CHECK(holds(" \t\r\n"));
  CHECK(Filter().holds(ActorRow{}));
}

TEST_CASE("filter: all terms must hold") {
  CHECK(holds("kind=peer mailbox>10"));
  CHECK(!holds("kind=peer mailbox>12"));
  CHECK(!holds("kind=file mailbox>10"));
}

TEST_CASE("filter: numbers are compared by each operator, in the unit that they name") {
  CHECK((holds("mailbox=12") && !holds("mailbox=13")));
  CHECK((holds("mailbox!=13") && !holds("mailbox!=12")));
  CHECK((holds("mailbox<13") && !holds("mailbox<12")));
  CHECK((holds("mailbox<=12") && !holds("mailbox<=11")));
  CHECK((holds("mailbox>11.999") && !holds("mailbox>12")));
  CHECK((holds("mailbox>=12") && !holds("mailbox>=13")));
  CHECK((holds("oldestMs>=1.5s") && !holds("oldestMs>1500")));
  CHECK((holds("p99Us=0.25ms") && holds("busy=50%") && holds("perSecond=2.5")));
  CHECK(holds("mailbox=\"12\""));
}

TEST_CASE("filter: what is printed can be typed: headings, and a share with a blank before its sign") {
  CHECK(holds("oldest>1s p99<1ms rate>2"));
  CHECK(holds("OLDEST>=1500 PER SECOND>2 per second<3 LAST ERROR~out"));
  CHECK(holds("asking=0 busy>=50 % mailbox>10"));
  CHECK_FALSE(holds("busy > 50.1 %"));
  CHECK(parsed("OLDEST > 1s busy>1 %").text() == "oldestMs>1s busy>1%");
  CHECK(refused_at("mailbox>1 %", 10, "unknown field"));
  CHECK(refused_at("busy>1 %x", 7, "unknown field"));
  CHECK(refused_at("per minute>1", 0, "unknown field"));
}

TEST_CASE("filter: texts are compared whole and by case, or searched by a regular expression") {
  CHECK((holds("kind=peer") && !holds("kind=pee") && !holds("kind=Peer")));
  CHECK((holds("kind!=file") && !holds("kind!=peer")));
  CHECK((holds("kind~^p") && !holds("kind~^e")));
  CHECK((holds("lastError~\"timed +out\"") && holds("lastError~/d.o/") && holds("lastError~(?P<word>d)")));
  CHECK((!holds("lastError=\"\"") && holds("restarts=0")));
  CHECK(holds("state=\"waiting for \\\"hello\\\"\""));
}

TEST_CASE("filter: what begins with a slash is a glob, or between two a regular expression") {
  CHECK((holds("/peer/**") && !holds("/peer/*") && !holds("/")));
  CHECK((holds("/peer/") && holds("/^.peer/[0-9a-f]+/") && !holds("/file/")));
  CHECK((holds("/./") && holds("path~/r/9f/")));                   // between slashes after ~ too
  CHECK((holds("path~r/9f") && holds("path~/9f")));                // a slash in the front alone is a part of it
  CHECK((!holds("path~\"/link/\"") && holds("path~\"/9f3c/\"")));  // in quotes slashes are a part of it
  CHECK(refused_at("/peer\\/", 5, "only allowed before"));         // the last slash is escaped: a glob, and a wrong one
  CHECK(holds("/9f3c\\\\*/"));                                     // here the backslash is, not the slash
}

TEST_CASE("filter: a word after a tilde is found in the path or in the kind") {
  CHECK(holds("~9f3c"));
  CHECK(holds("~/link"));
  CHECK(holds("~pee ~link"));
  CHECK(holds("not ~store"));
  CHECK(holds("~\"peer\""));
  CHECK_FALSE(holds("~waiting"));
  CHECK_FALSE(holds("~Peer"));
  CHECK(parsed("kind=peer ~9f3c").text() == "kind=peer ~9f3c");
  CHECK(refused_at("~", 1, "a word is missing"));
  CHECK(refused_at("~ peer", 1, "a word is missing"));
  CHECK(refused_at("kind=peer ~~x", 11, "quotes"));
}

TEST_CASE("filter: not turns the one term that follows") {
  CHECK((!holds("not kind=peer") && holds("not kind=file mailbox>10")));
  CHECK((holds("not /file/**") && !holds("not /peer/")));
  CHECK(!holds("not kind=file mailbox>12"));
}

TEST_CASE("filter: blanks around an operator and between terms do not matter") {
  CHECK(parsed(" kind =  peer\tnot  mailbox> 10\n").text() == "kind=peer not mailbox>10");
  CHECK(parsed("kind = peer") == parsed("kind=peer"));
  CHECK(parsed("kind=peer") != parsed("not kind=peer"));
  CHECK(parsed("state = \"a  b\"").text() == "state=\"a  b\"");
}

TEST_CASE("filter: an unknown field is refused with the nearest one and all there are") {
  CHECK(refused_at("kind=peer mailbx>10", 10, "did you mean \"mailbox\"? The fields are path, kind, state"));
  CHECK(refused_at("not Kind=peer", 4, "\"kind\""));
  CHECK(refused_at(std::string(500, 'x') + "=1", 0, "…\"; did you mean"));
  CHECK(refused_at("peer", 0, "unknown field"));
  CHECK(refused_at("peer", 0, "write a path as /peer, a kind as kind=peer"));
}

TEST_CASE("filter: a slip is refused at its place, with what belongs there") {
  CHECK(refused_at("kind", 4, "an operator is missing here: kind is a text"));
  CHECK(refused_at("kind peer", 4, "an operator is missing"));
  CHECK(refused_at("kind==peer", 4, "no operator \"==\""));
  CHECK(refused_at("kind=", 5, "a value is missing"));
  CHECK(refused_at("kind= ", 6, "a value is missing"));
  CHECK(refused_at("kind>peer", 4, "takes = != ~"));
  CHECK(refused_at("mailbox~1", 7, "takes = != < <="));
  CHECK(refused_at("=5", 0, "a term is expected"));
  CHECK(refused_at("kind=a \"b\"", 7, "a term is expected"));
  CHECK(refused_at("kind=a and state=b", 7, "leave out the and"));
  CHECK(refused_at("kind=a or kind=b", 7, "there is no or"));
  CHECK(refused_at("kind=amailbox>10", 13, "into quotes"));
  CHECK(refused_at("mailbox > =10", 10, "into quotes"));
  CHECK(refused_at("path~ =a", 6, "into quotes"));
  CHECK(refused_at("mailbox>10x", 10, "without a unit"));
  CHECK(refused_at("oldestMs>10d", 11, "ms s m h"));
  CHECK(refused_at("not", 3, "a term is expected"));
  CHECK(refused_at("not not kind=a", 4, "not is repeated; write it once"));
  CHECK(refused_at("not/peer", 3, "a blank"));
  CHECK(refused_at("kind=a /p[ab]", 9, "bracket"));
  CHECK(refused_at("path=/peer/*", 5, "write a glob without path="));
  CHECK(!holds("path=\"/peer/*\""));
}

TEST_CASE("filter: a quote is closed, surrounds a whole value and escapes nothing but itself") {
  CHECK(refused_at("kind=\"a", 5, "not closed"));
  CHECK(refused_at("kind=\"a\\", 7, "in quotes"));
  CHECK(refused_at("kind=\"a\\\"", 5, "not closed"));
  CHECK(refused_at("kind~\"a\\d\"", 7, "in quotes"));
  CHECK(refused_at("kind=\"a\"b", 8, "a blank is missing"));
  CHECK(refused_at("kind=\"a\"state=b", 8, "a blank is missing"));
  CHECK(refused_at("kind=a\"b\"", 6, "a whole value"));
  CHECK(refused_at("/a\"b\"", 2, "a whole value"));
}

TEST_CASE("filter: a mistake in a regular expression is shown where it was written") {
  CHECK(refused_at("kind~a[b", 6, "not a regular expression"));
  CHECK(refused_at("mailbox>1 /a[b/", 12, "not a regular expression"));
  CHECK(refused_at("kind~/a[b/", 7, "not a regular expression"));
  CHECK(refused_at("kind~\"\\\\d\\\"[b\"", 11, "not a regular expression"));
  CHECK(refused_at("//", 1, "is empty"));
  CHECK(refused_at("kind~\"\"", 6, "is empty"));
  CHECK(refused_at("kind~" + std::string(kRegexBytesMax + 1, 'a'), 5 + kRegexBytesMax, "at most"));
}

TEST_CASE("filter: bytes, terms and control characters are bounded") {
  CHECK(parsed("kind=" + std::string(kFilterBytesMax - 5, 'a')).text().size() == kFilterBytesMax);
  CHECK(refused_at("kind=" + std::string(kFilterBytesMax - 4, 'a'), kFilterBytesMax, "at most 1000 bytes"));
  std::string terms;
  for (std::size_t i = 0; i < kFilterTermsMax; ++i) terms += "kind=a ";
  CHECK(!holds(terms));
  CHECK(refused_at(terms + "kind=a", terms.size(), "at most 32 terms"));
  CHECK(holds("kind~p kind~e /p/ not path~x"));
  CHECK(refused_at("kind~p kind~e /p/ not path~x kind~p", 34, "at most 4 regular expressions"));
  CHECK(refused_at("kind=a\x1b[31m", 6, "control character"));
  CHECK(refused_at(std::string_view("kind=\0", 6), 5, "control character"));
}

TEST_CASE("filter: any text is a filter that reads back the same, or a mistake with its place in the text") {
  static constexpr std::array<std::string_view, 34> kPieces{
      "path", "kind", "mailbox", "oldestMs", "busy", "lastError", "not", "not ", " ",  " ",   " ", " ",
      "=",    "!=",   ">",       "<=",       "~",    "=",         "~",   "\"",   "\"", "\\",  "/", "/",
      "**",   "*",    "a",       "peer",     "10",   "1.5",       "ms",  "%",    "[",  "\xff"};
  base::Random random(1);
  int filters = 0, mistakes = 0;
  for (std::uint64_t run = 0; run < troupe::test::rounds(100'000); ++run) {
    std::string text;
    for (auto left = random.below(12); left > 0; --left)
      text += random.chance(1, 50) ? std::string(1, static_cast<char>(random.below(256)))
                                   : std::string(kPieces[random.below(kPieces.size())]);
    const auto filter = Filter::parse(text);
    if (filter.ok()) {
      ++filters;
      const auto again = Filter::parse(filter.value().text());
      REQUIRE_MESSAGE(again.ok(), text);
      REQUIRE(again.value() == filter.value());
      REQUIRE(again.value().holds(peer()) == filter.value().holds(peer()));
    } else {
      ++mistakes;
      REQUIRE(filter.error().place <= text.size());
      REQUIRE(!filter.error().message.empty());
      REQUIRE(filter.error().message.size() <= kMistakeBytesMax);
    }
  }
  CHECK(filters > 500);
  CHECK(mistakes > 500);
}
