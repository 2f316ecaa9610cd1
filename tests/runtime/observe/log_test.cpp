#include "runtime/observe/log.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "runtime/base/text.hpp"
#include "tests/support.hpp"

using namespace troupe;
using namespace troupe::observe;
using namespace std::chrono_literals;

namespace {

struct Lines {
  std::vector<std::string> lines;
  bool broken = false;
};

class MemorySink final : public LogSink {
 public:
  explicit MemorySink(Lines& to) : to_(to) {}
  bool write(LogLevel, std::string_view line) override {
    if (!to_.broken) to_.lines.emplace_back(line);
    return !to_.broken;
  }

 private:
  Lines& to_;
};

constexpr base::WallTime kWhen{1'763'623'980'123ms};  // 2025-11-20 07:33:00.123 UTC

struct LogFixture {
  Lines seen;
  Log log{std::make_unique<MemorySink>(seen), LogFormat::text, [] { return kWhen; }};
};

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "troupe-log-XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("log: a line of text has the date, the level, the domain, the message and the fields") {
  LogFixture f;
  f.log.info("links", "link refused",
             {{"peer", "9f3c"}, {"why", "bad proof"}, {"count", 3}, {"on", true}, {"ms", 1.5}});
  f.log.error("node", "disk full");
  REQUIRE(f.seen.lines.size() == 2);
  CHECK(f.seen.lines[0] ==
        "2025-11-20T07:33:00.123Z info  links: link refused peer=9f3c why=\"bad proof\" count=3 on=true ms=1.5");
  CHECK(f.seen.lines[1] == "2025-11-20T07:33:00.123Z error node: disk full");
}

TEST_CASE("log: a line of JSON keeps numbers as numbers") {
  CHECK(log_line(LogFormat::json, kWhen, LogLevel::warn, "net", "a \"b\"",
                 {{"bytes", std::uint64_t{1} << 63}, {"delta", -1}, {"text", "x\n"}, {"nan", 0.0 / 0.0}}) ==
        R"({"at":"2025-11-20T07:33:00.123Z","level":"warn","domain":"net","message":"a \"b\"",)"
        R"("fields":{"bytes":9223372036854775808,"delta":-1,"text":"x\u000a","nan":null}})");
}

TEST_CASE("log: text from outside can neither forge a line or a field nor be too long") {
  for (const auto format : {LogFormat::text, LogFormat::json}) {
    const std::string hostile = "x\n2025 error \x1b[2J\xff why=\"";
    const std::string line = log_line(format, kWhen, LogLevel::info, "net", hostile, {{"name", hostile}});
    CHECK(base::is_plain(line));
    const std::string huge(1 << 20, '\xff');
    CHECK(log_line(format, kWhen, LogLevel::info, "net", huge, {{"name", huge}}).size() < 4 * 1'024 * 4);
  }
  CHECK(log_line(LogFormat::text, kWhen, LogLevel::info, "n", "m", {{"a", "1 b=2"}, {"c", "\"=\""}, {"d", ""}}) ==
        "2025-11-20T07:33:00.123Z info  n: m a=\"1 b=2\" c=\"\\\"=\\\"\" d=\"\"");
}

TEST_CASE("log: each domain may have a level of its own, and both change at run time") {
  LogFixture f;
  CHECK(f.log.on(LogLevel::info, "links"));
  CHECK_FALSE(f.log.on(LogLevel::debug, "links"));
  REQUIRE(f.log.set_level("links", LogLevel::debug));
  CHECK(f.log.on(LogLevel::debug, "links"));
  CHECK_FALSE(f.log.on(LogLevel::debug, "node"));
  REQUIRE(f.log.set_level("node", LogLevel::off));
  CHECK_FALSE(f.log.on(LogLevel::error, "node"));
  CHECK_FALSE(f.log.on(LogLevel::off, "node"));
  f.log.set_level(LogLevel::warn);
  CHECK_FALSE(f.log.on(LogLevel::info, "config"));
  CHECK(f.log.level("links") == LogLevel::debug);
  REQUIRE(f.log.set_level("links", std::nullopt));
  CHECK(f.log.level("links") == LogLevel::warn);
  f.log.debug("links", "not written");
  CHECK(f.seen.lines.empty());
}

TEST_CASE("log: a level for a domain that nothing logs under is refused and changes nothing") {
  LogFixture f;
  for (const std::string& domain : f.log.names()) CHECK(f.log.set_level(domain, LogLevel::warn));
  for (const char* domain : {"net", "Links", "link", "links ", ""}) {
    CHECK_FALSE(f.log.set_level(domain, LogLevel::debug));
    CHECK_FALSE(f.log.set_level(domain, std::nullopt));
  }
  CHECK_FALSE(f.log.on(LogLevel::debug, "links"));
  CHECK(f.log.level("links") == LogLevel::warn);
  CHECK(std::is_sorted(f.log.names().begin(), f.log.names().end()));
}

TEST_CASE("log: a line that cannot be written is counted") {
  LogFixture f;
  f.seen.broken = true;
  f.log.info("links", "x");
  CHECK(f.log.lost() == 1);
}

TEST_CASE("log: a file is rotated at its size, and only so many old ones are kept") {
  const TemporaryFolder folder;
  auto sink = file_sink(folder.file("troupe.log"), 1'000, 2);
  REQUIRE(sink.ok());
  const std::string line(99, 'x');
  for (int i = 0; i < 100; ++i) CHECK(sink.value()->write(LogLevel::info, line));
  CHECK(std::filesystem::file_size(folder.file("troupe.log")) <= 1'000);
  CHECK(std::filesystem::exists(folder.file("troupe.1.log")));
  CHECK(std::filesystem::exists(folder.file("troupe.2.log")));
  CHECK_FALSE(std::filesystem::exists(folder.file("troupe.3.log")));
  std::string first;
  std::ifstream(folder.file("troupe.1.log")) >> first;
  CHECK(first == line);
}

TEST_CASE("log: a file is for its owner alone whatever the umask, and so is the one after it") {
  const TemporaryFolder folder;
  const auto mode = [&](const char* file) {
    struct stat status {};
    REQUIRE(::stat(folder.file(file).c_str(), &status) == 0);
    return status.st_mode & 07777;
  };
  const mode_t before = ::umask(0);
  std::ofstream(folder.file("troupe.log")) << "of an older version\n";
  REQUIRE(mode("troupe.log") == 0666);
  auto sink = file_sink(folder.file("troupe.log"), 100, 2);
  REQUIRE(sink.ok());
  CHECK(mode("troupe.log") == 0600);
  for (int i = 0; i < 3; ++i) CHECK(sink.value()->write(LogLevel::info, std::string(60, 'x')));
  ::umask(before);
  CHECK(mode("troupe.log") == 0600);
  CHECK(mode("troupe.1.log") == 0600);
  CHECK(mode("troupe.2.log") == 0600);
}

TEST_CASE("log: a file that is a link, or of another user, is refused") {
  const TemporaryFolder folder;
  std::ofstream(folder.file("precious")) << "kept";
  REQUIRE(::symlink(folder.file("precious").c_str(), folder.file("troupe.log").c_str()) == 0);
  const auto link = file_sink(folder.file("troupe.log"), 1'000, 1);
  REQUIRE_FALSE(link.ok());
  CHECK(link.error() == "it is a symbolic link");
  CHECK(std::filesystem::file_size(folder.file("precious")) == 4);
  if (::geteuid() != 0) return troupe::test::skip("only root can make a file of another user");
  REQUIRE(::chown(folder.file("precious").c_str(), 65'534, 65'534) == 0);
  const auto foreign = file_sink(folder.file("precious"), 1'000, 1);
  REQUIRE_FALSE(foreign.ok());
  CHECK(foreign.error() == "it belongs to another user");
}

TEST_CASE("log: a file that cannot be opened or written is an error, not an exception") {
  CHECK_FALSE(file_sink("/proc/nothing/troupe.log", 1'000, 1).ok());
  if (!std::filesystem::exists("/dev/full")) return troupe::test::skip("no /dev/full");
  auto full = file_sink("/dev/full", 1 << 20, 1);
  REQUIRE(full.ok());
  CHECK_FALSE(full.value()->write(LogLevel::info, "x"));
}

TEST_CASE("log: the names of levels go there and back") {
  for (const char* text : {"trace", "debug", "info", "warn", "error", "off"}) CHECK(name(*log_level(text)) == text);
  CHECK_FALSE(log_level("loud").has_value());
}
