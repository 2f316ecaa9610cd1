#pragma once
// The faults that a run can have: their names, parameters and bounds. Plain data.
//
// To add a fault: a kind here, its spec in fault.cpp, and its effect on a run in apps/sim/faults.cpp.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/base/time.hpp"

namespace troupe::sim {

enum class FaultKind : std::uint8_t {
  cut,          ///< nothing is delivered from `node` to `other` for `span`; the other direction is open
  partition,    ///< the nodes of the set `amount` and all other nodes cannot communicate for `span`
  deafen,       ///< messages from the nodes of the set `amount` reach no other node for `span`
  clog,         ///< all traffic from `node` to `other` takes `amount` microseconds longer for `span`
  swizzle,      ///< the links of the set `amount` clog one after the other, and open in another order within `span`
  narrow,       ///< at most `amount` bytes per second from `node` to `other` for `span`
  reset,        ///< the streams between `node` and `other` end at once
  half_open,    ///< the streams with `other` end only at `node`; `other` learns that only if it sends
  flip,         ///< one bit of the next piece from `node` to `other` is wrong
  kill,         ///< the process ends, and starts again after `span`
  power,        ///< the machine loses power after `amount` more changes of its disk; back after `span`
  pause,        ///< no actor of the node runs for `span`
  slow,         ///< the node works for a millisecond, then rests for `amount` microseconds, for `span`
  break_actor,  ///< the actor that gets the node's `amount`-th message from now on breaks
  disk_full,    ///< no free space except `amount` bytes for `span`
  disk_read,    ///< one read fails, `amount` reads from now
  disk_write,   ///< one write fails half way, `amount` writes from now
  disk_sync,    ///< one sync fails, `amount` syncs from now
  disk_slow,    ///< each operation takes `amount` microseconds longer for `span`
  disk_rot,     ///< one byte stored on the disk changes; `amount` says which
  disk_empty,   ///< the process ends, and starts again on an empty disk after `span`
  disk_swap,    ///< `node` and `other` end, and start again after `span`, with exchanged disks
  disk_gone,    ///< the directory of a running node is removed; after `span` it starts again on an empty disk
  disk_cut,     ///< the process ends, `amount` thousandths of a log are left, and it starts again after `span`
  disk_older,   ///< after half of `span` the process ends; after `span` it starts on a copy of its disk from `at`
  disk_lie,     ///< syncs do nothing for `span`, then the power fails
  clock_step,   ///< the date jumps by `amount` milliseconds
  clock_off,    ///< the date is `amount` milliseconds off for `span`, then corrected
  udp_loss,     ///< `amount` of a million datagrams never arrive, for `span`
  udp_twice,    ///< `amount` of a million datagrams arrive twice, for `span`
  udp_late,     ///< `amount` of a million datagrams arrive after later datagrams, for `span`
};
inline constexpr std::size_t kFaultKinds = 31;

/// One fault of a scenario. Fields that its kind does not use are zero.
struct Fault {
  FaultKind what = FaultKind::kill;
  base::Duration at{};      ///< from the start of the run
  base::Duration span{};    ///< how long, for faults that last
  std::uint16_t node = 0;   ///< from 0
  std::uint16_t other = 0;  ///< the far end
  std::int64_t amount = 0;  ///< by kind; for a set of nodes: bit i for node i
  bool by_hand = false;     ///< a person added or ended the fault while watching the run
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// The meaning of `amount` for a kind.
enum class Amount : std::uint8_t { none, number, set };

struct FaultSpec {
  FaultKind what;
  std::string_view name;  ///< as in a scenario
  std::string_view help;  ///< one line
  bool on_node;           ///< takes `node`
  bool on_other;          ///< also takes `other`
  bool lasts;             ///< takes `span`
  Amount amount = Amount::none;
  std::int64_t amount_min = 0;  ///< a swarm draws from [amount_min, amount_max]; a scenario may go below, but not above
  std::int64_t amount_max = 0;
  bool loses_data = false;  ///< may destroy data that the node has acknowledged
  bool beyond = false;      ///< more than the protocols promise to survive: only with --beyond
};

/// Returns all of them, in the order of FaultKind.
std::span<const FaultSpec> fault_specs();
const FaultSpec& spec(FaultKind what);
std::optional<FaultKind> fault_kind(std::string_view name);

}  // namespace troupe::sim
