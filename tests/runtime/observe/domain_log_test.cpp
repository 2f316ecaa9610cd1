#include "runtime/observe/domain_log.hpp"

#include <doctest/doctest.h>

#include "runtime/base/ensure.hpp"
#include "tests/runtime/observe/lines_sink.hpp"

using namespace troupe;
using namespace troupe::observe;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  std::vector<std::string> lines;
  base::Instant now{100s};
  Log log{std::make_unique<test::LinesSink>(lines), LogFormat::text, [] { return base::WallTime{}; }, {"dht", "shop"}};
  DomainLog shop{log, "shop", [this] { return now; }};
};

}  // namespace

TEST_CASE("domain log: a domain writes under its own name, at its own level") {
  Fixture f;
  f.shop.info("opened", {{"doors", 2}});
  f.shop.debug("not written");
  REQUIRE(f.log.set_level("shop", LogLevel::warn));
  f.shop.info("not written either");
  f.shop.error("burnt down");
  CHECK(f.lines == std::vector<std::string>{"shop: opened doors=2", "shop: burnt down"});
}

TEST_CASE("domain log: what is more than a domain may write in a minute is counted, and told in the next minute") {
  Fixture f;
  const DomainLog copy = f.shop;
  for (std::uint32_t i = 0; i < kDomainLinesMax; ++i) (i % 2 == 0 ? f.shop : copy).warn("sold out");
  f.now = f.now + 59s;
  copy.warn("one beyond");
  f.shop.error("and another");
  REQUIRE(f.lines.size() == kDomainLinesMax + 1);
  CHECK(f.lines.back() == "shop: too many lines in a minute: some are left out from now on");
  f.now = f.now + 1s;
  f.shop.info("sells again");
  REQUIRE(f.lines.size() == kDomainLinesMax + 3);
  CHECK(f.lines[kDomainLinesMax + 1] == "shop: lines were left out in the last minute lines=2");
  CHECK(f.lines.back() == "shop: sells again");

  SUBCASE("nothing is told where nothing was left out") {
    f.now = f.now + 60s;
    f.shop.info("still sells");
    CHECK(f.lines.size() == kDomainLinesMax + 4);
  }
  SUBCASE("each domain has a count of its own") {
    DomainLog(f.log, "dht", [&] { return f.now; }).info("joined");
    CHECK(f.lines.back() == "dht: joined");
  }
}

TEST_CASE("domain log: news leave room for what is wrong") {
  Fixture f;
  for (std::uint32_t i = 0; i < 2 * kDomainLinesMax; ++i) f.shop.info("sold");
  CHECK(f.lines.size() == kDomainNewsMax + 1);
  f.shop.error("burnt down");
  CHECK(f.lines.back() == "shop: burnt down");
}

TEST_CASE("domain log: what an operator asked to see has no limit") {
  Fixture f;
  REQUIRE(f.log.set_level("shop", LogLevel::debug));
  for (std::uint32_t i = 0; i < 3 * kDomainLinesMax; ++i) f.shop.debug("looked at");
  f.shop.info("sold");
  CHECK(f.lines.size() == 3 * kDomainLinesMax + 1);
}

TEST_CASE("domain log: a name that no spec has is a broken invariant, and a log that is not there takes all lines") {
  Fixture f;
  CHECK_THROWS_AS(DomainLog(f.log, "bank", [] { return base::Instant{}; }), base::InvariantBroken);
  CHECK_THROWS_AS(Log(std::make_unique<test::LinesSink>(f.lines), LogFormat::text, {}, {"shop", "shop"}),
                  base::InvariantBroken);
  DomainLog{}.error("not written");
  CHECK(f.lines.empty());
}
