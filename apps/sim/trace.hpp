#pragma once
// A run as a file: the scenario, each decision of the scheduler, and regular snapshots to compare another run with.
//
// Format  all numbers little-endian.
//   8 bytes   "TRPTRC01"
//   4 bytes   length of the scenario, then the scenario as TOML
//   blocks:   4 bytes number of decisions, 4 bytes length of them, then the snapshot before the first of them (8 bytes
//             event, 8 bytes nanoseconds of virtual time, 8 bytes hash of all events before), then the decisions: a
//             LEB128 each, 0 for a scheduled event, otherwise 1 + the index among the ready actors
//   The last block has no decisions, and is the end of the run.
// Size    a decision takes a byte while fewer than 127 actors are ready.
// Use     seed, scenario and revision determine a run; the decisions show where another revision differs.
#include <ostream>
#include <string>

#include "runtime/sim/stage.hpp"

namespace troupe::apps {

inline constexpr std::string_view kTraceMagic = "TRPTRC01";
inline constexpr std::uint32_t kTraceBlockEvents =
    16'384;  // our choice: a snapshot costs 32 bytes, a block some 16 KiB

class TraceWriter final : public sim::Recorder {
 public:
  /// `out` and `stage` outlive this object. Failures show in the state of `out`.
  TraceWriter(std::ostream& out, sim::Stage& stage, const std::string& scenario);

  void event(std::uint64_t number, sim::ActorNumber actor, std::size_t place) override;
  /// Ends the trace; call it once, after the last event.
  void finish();

  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Snapshot {
    std::uint64_t event = 0;
    std::uint64_t nanoseconds = 0;
    std::uint64_t hash = 0;
  };
  void write_block();
  void put(const void* data, std::size_t size);
  template <class Number>
  void put(Number number);

  std::ostream& out_;
  sim::Stage& stage_;
  Snapshot before_;
  std::uint32_t decisions_ = 0;
  std::string block_;
  std::uint64_t bytes_ = 0;
};

}  // namespace troupe::apps
