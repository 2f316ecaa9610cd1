#pragma once
// The result of one world. Plain data; written to and read from messages/output/sim.capnp, which `--json` prints.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/output/sim.capnp.h"
#include "runtime/base/time.hpp"
#include "runtime/sim/scenario.hpp"

namespace troupe::apps {

struct FaultCount {
  std::uint64_t fired = 0;
  std::uint64_t acknowledged_after = 0;  ///< client operations acknowledged in worlds after its first firing
  friend bool operator==(const FaultCount&, const FaultCount&) = default;
};
using FaultCounts = std::array<FaultCount, sim::kFaultKinds>;

struct Outcome {
  std::string domain;  ///< "peers,files"
  std::uint64_t seed = 0;
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  base::Duration time{};  ///< virtual
  base::Duration wall{};  ///< real
  std::uint64_t acknowledged = 0;
  std::uint32_t steered = 0;  ///< faults that a person added or ended
  bool stopped = false;       ///< ended from outside, before there was a verdict
  std::string invariant;      ///< the first invariant that does not hold; empty: all hold
  std::string why;            ///< one sentence
  std::uint64_t event = 0;
  bool between_events = false;                   ///< detected after that event, by a check between events
  base::Duration at{};                           ///< of that event
  std::vector<std::string> story;                ///< of a broken world: the last lines before the failure
  std::map<std::string, std::uint64_t> reached;  ///< rare properties, and how often each occurred
  FaultCounts faults{};
  std::optional<double> broken_by;  ///< sim::Workload::broken_by(), the minimum of all domains

  bool broken() const { return !invariant.empty(); }
  bool held() const { return !broken() && !stopped; }
};

void write(output::wire::SimWorld::Builder out, const Outcome& outcome);
Outcome read(output::wire::SimWorld::Reader in);

double seconds(base::Duration span);

/// Returns the 16 digits in which people and programs read a hash.
std::string hash_text(std::uint64_t hash);

}  // namespace troupe::apps
