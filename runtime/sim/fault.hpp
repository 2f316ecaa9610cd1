#pragma once
// The faults that a world can suffer: names, what each takes, and how hard it may be. Plain data.
//
// To add one: a kind here, its spec in fault.cpp, and what it does to a world in apps/sim/faults.cpp.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/base/time.hpp"

namespace troupe::sim {

enum class FaultKind : std::uint8_t {
  cut,          ///< nothing goes from `node` to `other` for `span`; the other way is open
  partition,    ///< the nodes of the set `amount` and all others hear nothing of each other for `span`
  deafen,       ///< what the nodes of the set `amount` send reaches none of the others for `span`
  clog,         ///< all from `node` to `other` travels `amount` microseconds longer for `span`
  swizzle,      ///< the links of the set `amount` clog one after the other, and open in another order within `span`
  narrow,       ///< at most `amount` bytes a second from `node` to `other` for `span`
  reset,        ///< the streams between `node` and `other` end at once
  half_open,    ///< the streams with `other` end at `node` alone: `other` learns of it once it sends, if ever
  flip,         ///< one bit of the next piece from `node` to `other` is wrong
  kill,         ///< the process ends, and starts again after `span`
  power,        ///< the machine loses power after `amount` more changes of its disk; back after `span`
  pause,        ///< no actor of the node runs for `span`
  slow,         ///< the node works for a millisecond, then rests for `amount` microseconds, for `span`
  break_actor,  ///< the actor that takes the `amount`-th message of the node from now on breaks
  disk_full,    ///< no room but `amount` bytes for `span`
  disk_read,    ///< one read fails, `amount` reads from now
  disk_write,   ///< one write fails half done, `amount` writes from now
  disk_sync,    ///< one sync fails, `amount` syncs from now
  disk_slow,    ///< each operation takes `amount` microseconds longer for `span`
  disk_rot,     ///< one byte that lies on the disk changes; `amount` says which
  disk_empty,   ///< the process ends, and starts again on an empty disk after `span`
  disk_swap,    ///< `node` and `other` end, and start again after `span`, each on the disk of the other
  disk_gone,    ///< somebody removes the directory of a running node; after `span` it starts again on an empty disk
  disk_cut,     ///< the process ends, `amount` thousandths of a log are left, and it starts again after `span`
  disk_older,   ///< after half of `span` the process ends; after the rest it starts on a copy of its disk from `at`
  disk_lie,     ///< syncs do nothing for `span`, then the power fails
  clock_step,   ///< the date jumps by `amount` milliseconds
  clock_off,    ///< the date is `amount` milliseconds off for `span`, and is set right then
  udp_loss,     ///< `amount` of a million datagrams never arrive, for `span`
  udp_twice,    ///< `amount` of a million datagrams arrive twice, for `span`
  udp_late,     ///< `amount` of a million datagrams come behind later ones, for `span`
};
inline constexpr std::size_t kFaultKinds = 31;

/// One fault of a scenario. Fields that its kind does not use are zero.
struct Fault {
  FaultKind what = FaultKind::kill;
  base::Duration at{};      ///< from the beginning of the world
  base::Duration span{};    ///< how long, for those that last
  std::uint16_t node = 0;   ///< 0 and on
  std::uint16_t other = 0;  ///< the far end
  std::int64_t amount = 0;  ///< by kind; of a set of nodes: bit i for node i
  bool by_hand = false;     ///< a person added or ended it while the world was watched
  friend bool operator==(const Fault&, const Fault&) = default;
};

/// What `amount` of a kind means.
enum class Amount : std::uint8_t { none, number, set };

struct FaultSpec {
  FaultKind what;
  std::string_view name;  ///< as a scenario says it
  std::string_view help;  ///< one line
  bool on_node;           ///< takes `node`
  bool on_other;          ///< takes `other`, too
  bool lasts;             ///< takes `span`
  Amount amount = Amount::none;
  std::int64_t amount_min = 0;  ///< a swarm draws within both; a scenario may say at most the max
  std::int64_t amount_max = 0;
  bool loses_data = false;  ///< may destroy what its node has acknowledged
  bool beyond = false;      ///< more than any protocol promises to survive: only with --beyond
};

/// All of them, in the order of FaultKind.
std::span<const FaultSpec> fault_specs();
const FaultSpec& spec(FaultKind what);
std::optional<FaultKind> fault_kind(std::string_view name);

}  // namespace troupe::sim
