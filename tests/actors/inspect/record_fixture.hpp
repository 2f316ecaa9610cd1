#pragma once
// Actors that consist of their records, and surveys of them.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "actors/inspect/survey.hpp"
#include "tests/runtime/actor/actor_fixture.hpp"

namespace troupe::inspect {

using namespace std::chrono_literals;
using runtime::Record;

/// One who looks at them every two seconds.
struct RecordFixture {
  Record& actor(std::string path) {
    auto record = std::make_shared<Record>();
    listed.push_back({std::move(path), "patient", record, whom});
    records.push_back(record);
    return *record;
  }
  void look(base::Duration passed = 2s) {
    now = now + passed;
    wall = wall + passed;
    survey.begin();
    for (const auto& one : listed) survey.look(one, now);
    survey.finish(actors.node, now, wall);
  }
  /// Whether that warning was found and no other.
  bool only(Warning warning) const { return survey.findings().size() == 1 && survey.findings()[0].warning == warning; }
  const Finding& finding() const {
    REQUIRE(survey.findings().size() == 1);
    return survey.findings()[0];
  }
  bool says(std::string_view words) const { return finding().text.find(words) != std::string::npos; }
  bool well() const { return survey.findings().empty(); }
  std::uint32_t milliseconds() const { return static_cast<std::uint32_t>(now.since_origin() / 1ms); }

  test::ActorFixture actors;
  runtime::Handle whom = actors.start("patient", {});  // all of them, as far as an address goes
  Survey survey;
  base::Instant now{1h};
  base::WallTime wall = base::WallTime{} + 500'000h;
  std::vector<runtime::Listing> listed;
  std::vector<std::shared_ptr<Record>> records;
};

}  // namespace troupe::inspect
