// The audit log: what is written, and that a lost line is told.
#include "runtime/observe/audit.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/observe/lines_sink.hpp"

using namespace troupe;
using namespace troupe::observe;

namespace {

class FullSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) override { return false; }
};

base::WallTime at_the_beginning() { return {}; }

}  // namespace

TEST_CASE("audit: an act is a line, and one that is lost is told by the log") {
  std::vector<std::string> told;
  Log log(std::make_unique<test::LinesSink>(told), LogFormat::text, at_the_beginning);
  SUBCASE("kept") {
    std::vector<std::string> kept;
    Audit(std::make_unique<test::LinesSink>(kept), at_the_beginning, &log).write("local", "kill", "/x", "done");
    REQUIRE(kept.size() == 1);
    CHECK(kept.front().ends_with(R"("act":"kill","what":"/x","outcome":"done"})"));
    CHECK(told.empty());
  }
  SUBCASE("lost") {
    Audit(std::make_unique<FullSink>(), at_the_beginning, &log).write("local", "kill", "/x", "done");
    REQUIRE(told.size() == 1);
    CHECK(told.front().find("the audit log could not be written") != std::string::npos);
    CHECK(told.front().find("/x") != std::string::npos);
    Audit(std::make_unique<FullSink>(), at_the_beginning, nullptr).write("local", "kill", "/x", "done");
    Audit(nullptr, at_the_beginning, &log).write("local", "kill", "/x", "done");
    CHECK(told.size() == 1);
  }
}
