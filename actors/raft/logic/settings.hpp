#pragma once
// What an operator may set for a group, with the limits of all that grows in its core.
#include <chrono>
#include <cstddef>

#include "runtime/base/time.hpp"

namespace troupe::raft {

struct Settings {
  base::Duration election = std::chrono::milliseconds{150};  ///< a follower campaigns after this to twice this
  base::Duration heartbeat = std::chrono::milliseconds{50};  ///< at most a third of `election`
  base::Duration stall_max = std::chrono::seconds{1};        ///< silence of its disk after which a leader hands over
  base::Duration sleep_after = std::chrono::seconds{10};     ///< a group that was used sleeps after that
  bool lease_reads = false;
  std::uint32_t clock_drift_max = 50;  ///< thousandths by which two clocks may differ in speed

  std::size_t entry_bytes_max = std::size_t{2} << 20;
  std::size_t append_bytes_max = std::size_t{256} << 10;  ///< of entries in one message, unless a single one is larger
  std::size_t in_flight_bytes_max = std::size_t{8} << 20;
  std::size_t in_flight_messages_max = 256;
  std::size_t uncommitted_bytes_max = std::size_t{64} << 20;
  std::size_t apply_bytes_max = std::size_t{4} << 20;   ///< given out and not yet applied
  std::size_t memory_bytes_max = std::size_t{8} << 20;  ///< of entries that are applied and durable
  std::size_t reads_max = 65'536;                       ///< waiting, of this member and of its followers
};

inline constexpr std::size_t kEntryBytesLimit = std::size_t{3} << 20;  // what any member takes; entry_bytes_max is less
inline constexpr std::size_t kAppendEntriesMax = 8'192;  // our choice: a message is checked entry by entry
inline constexpr std::size_t kReadRoundsMax = 4;         // our choice: more reads join the next round
/// How long a follower waits for a leader's answer to a read, in election time-outs.
inline constexpr int kReadPatience = 8;
/// thesis 4.2.1: how often a stalled leader may hand over.
inline constexpr std::chrono::minutes kStallTransferGap{1};
inline constexpr std::chrono::seconds kDriftWindow{10};
/// Our choice: a leader that was only disturbed sleeps again after that part of `sleep_after`, and after several
/// election time-outs at the least.
inline constexpr int kDisturbedPart = 16, kDisturbedMin = 4;
/// Our choice: from one heartbeat of a sleeping group to the next one.
inline constexpr std::chrono::seconds kSleepingHeartbeat{10};
/// Our choice: so long a sleeping follower is content, so that a heartbeat that is lost on its way, or a machine that
/// stands still for a moment, wakes none. A leader that hears no quorum in a round wakes all.
inline constexpr base::Duration kSleepingQuiet = 2 * kSleepingHeartbeat;
inline constexpr std::chrono::minutes kQuietMax{1};  // what a follower believes

}  // namespace troupe::raft
