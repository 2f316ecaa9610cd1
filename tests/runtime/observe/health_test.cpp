#include "runtime/observe/health.hpp"

#include <doctest/doctest.h>

#include <thread>

using namespace troupe::observe;

TEST_CASE("health: the state is that of the worst reason, and clears with it") {
  Health health;
  CHECK(health.state() == HealthState::ok);
  health.raise("peers", HealthState::degraded, "1 healthy peer");
  CHECK(health.state() == HealthState::degraded);
  health.raise("disk", HealthState::failing, "the disk is full");
  CHECK(health.state() == HealthState::failing);
  CHECK(health.reasons() == std::vector<HealthReason>{{"disk", HealthState::failing, "the disk is full"},
                                                      {"peers", HealthState::degraded, "1 healthy peer"}});
  health.clear("disk");
  health.clear("disk");
  CHECK(health.state() == HealthState::degraded);
  health.raise("peers", HealthState::ok, "");
  CHECK(health.state() == HealthState::ok);
  CHECK(health.reasons().empty());
}

TEST_CASE("health: a source has one reason, the latest") {
  Health health;
  health.raise("disk", HealthState::failing, "full");
  health.raise("disk", HealthState::degraded, "nearly full");
  CHECK(health.reasons() == std::vector<HealthReason>{{"disk", HealthState::degraded, "nearly full"}});
}

TEST_CASE("health: a reason is refreshed without a word to those who listen") {
  Health health;
  std::size_t told = 0;
  health.on_change([&](const HealthReason&) { ++told; });
  health.refresh("late", "nothing was raised");
  CHECK(health.reasons().empty());
  health.raise("late", HealthState::degraded, "1 s");
  health.refresh("late", "2 s");
  CHECK(health.reasons() == std::vector<HealthReason>{{"late", HealthState::degraded, "2 s"}});
  CHECK(told == 1);
  health.raise("late", HealthState::degraded, "2 s");
  CHECK(told == 2);
}

TEST_CASE("health: whoever listens hears of each change once") {
  std::vector<HealthReason> told;
  Health health;
  health.on_change([&](const HealthReason& reason) { told.push_back(reason); });
  const HealthReason failing{"disk", HealthState::failing, "io"}, full{"disk", HealthState::degraded, "full"};
  for (int i = 0; i < 3; ++i) health.raise("disk", HealthState::failing, "io");
  CHECK(told == std::vector{failing});
  health.raise("disk", HealthState::degraded, "full");
  CHECK(told == std::vector{failing, full});
  for (int i = 0; i < 2; ++i) health.clear("disk");
  CHECK(told == std::vector{failing, full, HealthReason{"disk", HealthState::ok, ""}});
}

TEST_CASE("health: one reason beyond the limit is not lost for the state") {
  Health health;
  for (std::size_t i = 0; i < kReasonsMax; ++i)
    health.raise("s" + std::to_string(i), HealthState::degraded, std::string(5'000, 'x'));
  CHECK(health.reasons().size() == kReasonsMax);
  CHECK(health.reasons()[0].text.size() == kReasonBytesMax);
  health.raise("one more", HealthState::failing, "worse");
  CHECK(health.state() == HealthState::failing);
  REQUIRE(health.reasons().size() == kReasonsMax + 1);
  CHECK(health.reasons()[0].source == "health");
  health.clear("s0");
  CHECK(health.state() == HealthState::degraded);
}

TEST_CASE("health: a reason that finds no place is told when it makes the state worse, not each time") {
  std::vector<HealthReason> told;
  Health health;
  for (std::size_t i = 0; i < kReasonsMax; ++i) health.raise("s" + std::to_string(i), HealthState::degraded, "x");
  health.on_change([&](const HealthReason& reason) { told.push_back(reason); });
  const HealthReason slow{"t", HealthState::degraded, "slow"}, dead{"u", HealthState::failing, "dead"};
  for (int i = 0; i < 3; ++i) health.raise("t", HealthState::degraded, "slow");
  CHECK(told == std::vector{slow});
  for (int i = 0; i < 3; ++i) health.raise("u", HealthState::failing, "dead");
  health.raise("t", HealthState::degraded, "slower");
  CHECK(told == std::vector{slow, dead});
  health.clear("s0");
  health.raise("u", HealthState::failing, "dead");  // finds a place now
  health.raise("t", HealthState::degraded, "slow");
  CHECK(told == std::vector{slow, dead, HealthReason{"s0", HealthState::ok, ""}, dead, slow});
}

TEST_CASE("health: threads may raise and clear at once") {
  Health health;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&health, source = std::to_string(t)] {
      for (int i = 0; i < 500; ++i) {
        health.raise(source, HealthState::degraded, "x");
        (void)health.reasons();
        health.clear(source);
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(health.state() == HealthState::ok);
}
