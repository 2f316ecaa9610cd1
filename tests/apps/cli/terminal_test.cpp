#include "apps/cli/terminal.hpp"

#include "tests/apps/harness.hpp"

using namespace troupe;
using namespace troupe::apps;
using base::Instant;
using namespace std::chrono_literals;

namespace {

struct Screen {
  explicit Screen(bool terminal, const char* const* environment = nullptr)
      : console{out, err, in, terminal, terminal, environment} {}
  std::ostringstream out, err;
  std::istringstream in;
  Console console;
};

}  // namespace

TEST_CASE("terminal: columns are aligned by characters, and cells are escaped") {
  TextTable table({{"node"}, {"rtt", Align::right}, {"name"}});
  table.add({"aä", "1.5", "x\x1b[2J"});
  table.add({"b", "12.25", ""});
  std::ostringstream out;
  table.print(out);
  CHECK(out.str() ==
        "node    rtt  name\n"
        "aä      1.5  x\\u{1b}[2J\n"
        "b     12.25\n");
  CHECK_THROWS_AS(table.add({"one"}), base::InvariantBroken);
}

TEST_CASE("terminal: colour needs a terminal, and NO_COLOR takes it away") {
  const char* no_color[] = {"NO_COLOR=1", nullptr};
  const char* empty[] = {"NO_COLOR=", nullptr};
  CHECK(colour_on_err(Screen(true).console));
  CHECK(colour_on_out(Screen(true, empty).console));
  CHECK_FALSE(colour_on_err(Screen(true, no_color).console));
  CHECK_FALSE(colour_on_out(Screen(true, no_color).console));
  CHECK_FALSE(colour_on_err(Screen(false).console));
}

TEST_CASE("terminal: sizes for people are rounded down") {
  CHECK(bytes_for_people(0) == "0 B");
  CHECK(bytes_for_people(1'023) == "1023 B");
  CHECK(bytes_for_people(1'536) == "1.5 KiB");
  CHECK(bytes_for_people(std::numeric_limits<std::uint64_t>::max()) == "15.9 EiB");
}

TEST_CASE("terminal: progress is shown after a second, not too often, and removed at the end") {
  Screen screen(true);
  const Instant start{100s};
  {
    Progress progress(screen.console, "a\nfile", 4'096, start);
    progress.update(1'024, start + 999ms);
    CHECK(screen.err.str().empty());
    progress.update(2'048, start + 1s);
    CHECK(screen.err.str() == "\r\x1b[Ka\\nfile [############            ] 2.0 KiB of 4.0 KiB");
    const auto length = screen.err.str().size();
    progress.update(3'072, start + 1'099ms);
    CHECK(screen.err.str().size() == length);
    progress.update(9'999, start + 1'100ms);
    CHECK(screen.err.str().find("[########################]") != std::string::npos);
  }
  CHECK(screen.err.str().ends_with("\r\x1b[K"));
}

TEST_CASE("terminal: without a terminal there is no progress, and short work leaves no trace") {
  Screen pipe(false);
  Progress(pipe.console, "x", 1, Instant{}).update(1, Instant{60s});
  CHECK(pipe.err.str().empty());
  Screen terminal(true);
  Progress(terminal.console, "x", 1, Instant{}).update(1, Instant{10ms});
  CHECK(terminal.err.str().empty());
}

TEST_CASE("terminal: work of unknown length shows how much is done") {
  Screen screen(true);
  Progress progress(screen.console, "get", 0, Instant{});
  progress.update(5, Instant{2s});
  CHECK(screen.err.str() == "\r\x1b[Kget 5 B");
}

TEST_CASE("terminal: what a stranger has written moves no cursor, and keeps its lines and its characters") {
  Screen screen(true);
  {
    Passage passage(screen.out, true);
    passage.print("a\tb\n\x1b[2Jc\xe2");
    CHECK(screen.out.str() == "a\tb\n\\u{1b}[2Jc");
    passage.print("\x82");
    passage.print("\xac\xf0\x9f");
  }
  CHECK(screen.out.str() == "a\tb\n\\u{1b}[2Jc€\\xf0\\x9f");

  Screen line(true), pipe(false);
  print_raw(line.console, "\x1b]0;t\a");
  CHECK(line.out.str() == "\\u{1b}]0;t\\u{07}\n");
  print_raw(pipe.console, "\x1b]0;t\a");
  CHECK(pipe.out.str() == "\x1b]0;t\a");
}
