// What a store tells of its faults: which reasons of health, and how often they change.
#include "runtime/store/store_report.hpp"

#include <doctest/doctest.h>

#include "tests/runtime/store/reasons.hpp"

namespace troupe::store {
namespace {

using namespace std::chrono_literals;
using base::Code;
using observe::HealthState;

StoreDamage damage_in(std::vector<std::string> files) {
  StoreDamage out;
  out.places = files.size();
  out.blobs = true;
  for (std::string& file : files) out.files.emplace(std::move(file), "stored content is damaged");
  return out;
}

}  // namespace

TEST_CASE("store report: a refusal is told once, and is over when nothing was refused for a while") {
  Reasons told;
  StoreReport report({&told.health, {}}, "store");
  base::Instant now{100s};
  for (int i = 0; i < 5; ++i, now = now + 1s) {
    report.refused({Code::no_space, "full"}, 100, now);
    report.looked("", now);
  }
  CHECK(told.reason("store") == "cannot store new data: full");
  CHECK(told.health.state() == HealthState::failing);
  CHECK(told.changes == 1);
  now = now + kRefusalMemory;
  report.looked("what is left is reserved", now);
  CHECK(report.refuses());
  report.looked("", now);
  CHECK(!report.refuses());
  CHECK(told.health.state() == HealthState::ok);
  report.looked("", now + 1h);
  CHECK(told.changes == 2);
}

TEST_CASE("store report: a refusal is over once as much is stored, a second after the last refusal") {
  Reasons told;
  StoreReport report({&told.health, {}}, "store");
  base::Instant now{100s};
  report.refused({Code::no_space, "full"}, 100, now);
  report.refused({Code::no_space, "full"}, 10, now);
  report.stored(100, now + kStoredAfter - 1ms);
  report.stored(99, now + kStoredAfter);
  report.stored(0, now + kStoredAfter);
  CHECK(report.refuses());
  report.stored(100, now + kStoredAfter);
  CHECK(!report.refuses());
  CHECK(told.health.state() == HealthState::ok);
  report.refused({Code::no_space, "full"}, 100, now + kStoredAfter + 1ms);
  CHECK(told.reason("store") == "cannot store new data: full");
}

TEST_CASE("store report: another reason of a refusal is told, but not each time that two take turns") {
  Reasons told;
  StoreReport report({&told.health, {}}, "store");
  base::Instant now{100s};
  report.refused({Code::no_space, "full"}, 100, now);
  for (auto end = now + kRefusalMemory; now < end; now = now + 1s) {
    report.refused({Code::unavailable, "broken"}, 0, now);
    report.refused({Code::no_space, "full"}, 100, now);
  }
  CHECK(told.changes == 1);
  report.refused({Code::unavailable, "broken"}, 0, now);
  CHECK(told.reason("store") == "cannot store new data: broken");
  CHECK(told.changes == 2);
}

TEST_CASE("store report: damage is told with the file and what to do, a change for each file") {
  Reasons told;
  StoreReport report({&told.health, "try it"}, "files.store");
  report.damage({});
  CHECK(told.health.state() == HealthState::ok);
  for (int i = 0; i < 3; ++i) report.damage(damage_in({"files/packs/1", "files/packs/2"}));
  CHECK(told.reason("files.store.damage") ==
        "files/packs/1: stored content is damaged; files/packs/2: stored content is damaged; try it");
  CHECK(told.health.state() == HealthState::degraded);
  CHECK(told.changes == 1);
  SUBCASE("what is mended is no reason") {
    report.damage(damage_in({"files/packs/2"}));
    CHECK(told.reason("files.store.damage") == "files/packs/2: stored content is damaged; try it");
    CHECK(report.damaged());
    report.damage({});
    CHECK(!report.damaged());
    CHECK(told.health.state() == HealthState::ok);
  }
  SUBCASE("many files are a number") {
    std::vector<std::string> files;
    for (int i = 1; i <= 9; ++i) files.push_back("files/packs/" + std::to_string(i));
    report.damage(damage_in(files));
    const std::string text = told.reason("files.store.damage");
    CHECK(text.find("files/packs/8") != std::string::npos);
    CHECK(text.find("files/packs/9") == std::string::npos);
    CHECK(text.find("; and 1 more files; try it") != std::string::npos);
  }
  SUBCASE("the next incarnation begins well, and says what it finds itself") {
    StoreReport next({&told.health, {}}, "files.store");
    CHECK(told.health.state() == HealthState::ok);
  }
}

TEST_CASE("store report: with nobody to tell it still knows") {
  StoreReport report({}, "store");
  report.refused({Code::no_space, "full"}, 0, base::Instant{1s});
  CHECK(report.refuses());
  report.looked("", base::Instant{1h});
  CHECK(!report.refuses());
  report.damage(damage_in({"a"}));
  CHECK(report.damaged());
}

}  // namespace troupe::store
