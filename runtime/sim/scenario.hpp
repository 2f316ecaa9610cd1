#pragma once
// A scenario: everything that decides a run except the program itself, which is the cluster, its faults, and the
// operations of its clients. Plain data.
//
// A whole scenario is drawn from a seed before anything runs. So a run can be written down, read by a person, changed,
// and shrunk by leaving things out.
// Seed    the seed also decides the order of messages, latencies, identities and what a crash keeps, by named streams
//         of chance. So leaving out a fault does not change draws of another kind.
// Limits  the constants below, for scenario files.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/base/time.hpp"
#include "runtime/sim/fault.hpp"
#include "runtime/sim/schedule.hpp"

namespace troupe::sim {

inline constexpr std::uint16_t kNodesMax = 2'000;             // our choice: fits into memory
inline constexpr std::size_t kFaultsMax = 10'000;             // our choice
inline constexpr std::size_t kOperationsMax = 100'000;        // our choice
inline constexpr std::chrono::hours kWorldTimeMax{24 * 366};  // our choice: a year
inline constexpr std::uint16_t kSetNodesMax = 62;             // a set of nodes is the bits of a positive 64-bit number

/// Returns "n1" for node 0: the names of nodes in reports and scenario files.
inline std::string node_name(std::size_t node) { return "n" + std::to_string(node + 1); }

/// The numbers of an operation by name, in a defined order.
using Numbers = std::map<std::string, std::int64_t>;

/// An action of a client at a node.
struct Operation {
  base::Duration at{};     ///< from the start of the run
  std::uint16_t node = 0;  ///< from 0
  std::string what;        ///< "files.put": a domain, and one of the operations of its spec
  Numbers with;            ///< exactly the numbers that the spec names

  /// Returns "put" for "files.put".
  std::string name() const { return what.substr(what.find('.') + 1); }
  /// Returns the number of that name, or 0.
  std::int64_t number(const std::string& named) const {
    const auto found = with.find(named);
    return found == with.end() ? 0 : found->second;
  }
  friend bool operator==(const Operation&, const Operation&) = default;
};

struct Scenario {
  std::uint64_t seed = 1;
  std::vector<std::string> domains;  ///< for operations and invariants; all nodes run all domains
  std::uint16_t nodes = 5;
  base::Duration time = std::chrono::seconds(60);      ///< the time with faults and operations
  base::Duration converge = std::chrono::minutes(30);  ///< the maximum time to converge after that
  Policy policy = Policy::random;
  base::Duration latency_min = std::chrono::microseconds(200);
  base::Duration latency_max = std::chrono::milliseconds(20);
  bool tls = false;
  bool beyond = false;                       ///< with faults beyond what the protocols promise to survive
  std::vector<std::int32_t> drift_ppm;       ///< of each node's clock; nodes beyond its end have no drift
  std::map<std::string, std::string> knobs;  ///< settings of every node, as --set takes them
  std::vector<std::string> mutations;        ///< mutants that are on
  std::vector<Fault> faults;                 ///< by time
  std::vector<Operation> operations;         ///< by time

  /// Returns a setting that is a count; `otherwise` if it is not set.
  std::size_t count(const std::string& knob, std::size_t otherwise) const {
    const auto at = knobs.find(knob);
    return at == knobs.end() ? otherwise : static_cast<std::size_t>(std::stoul(at->second));
  }
  friend bool operator==(const Scenario&, const Scenario&) = default;
};

}  // namespace troupe::sim
