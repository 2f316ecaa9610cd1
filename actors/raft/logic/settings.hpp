#pragma once
// A group's settings for operators, and the limits of everything that grows in its core.
#include <chrono>
#include <cstddef>

#include "runtime/base/time.hpp"

namespace troupe::raft {

struct Settings {
  base::Duration election = std::chrono::milliseconds{150};  ///< a follower campaigns after one to two times this
  base::Duration heartbeat = std::chrono::milliseconds{50};  ///< at most a third of `election`
  base::Duration stall_max = std::chrono::seconds{1};        ///< time without a disk response after which a leader
                                                             ///< hands over
  base::Duration sleep_after = std::chrono::seconds{10};     ///< time after which an unused group sleeps
  bool lease_reads = false;
  std::uint32_t clock_drift_max = 50;  ///< thousandths by which two clocks may differ in speed

  std::size_t entry_bytes_max = std::size_t{2} << 20;
  std::size_t append_bytes_max = std::size_t{256} << 10;  ///< entries per message, except for a single larger entry
  std::size_t in_flight_bytes_max = std::size_t{8} << 20;
  std::size_t in_flight_messages_max = 256;
  std::size_t uncommitted_bytes_max = std::size_t{64} << 20;
  std::size_t apply_bytes_max = std::size_t{4} << 20;   ///< of entries returned for applying and not yet applied
  std::size_t memory_bytes_max = std::size_t{8} << 20;  ///< for entries that are applied and durable
  std::size_t reads_max = 65'536;                       ///< waiting reads of this member and its followers
};

inline constexpr std::size_t kEntryBytesLimit = std::size_t{3} << 20;  // limit at any member; entry_bytes_max is lower
inline constexpr std::size_t kAppendEntriesMax = 8'192;  // our choice: a message is checked entry by entry
inline constexpr std::size_t kReadRoundsMax = 4;         // our choice: further reads join the next round
/// How long a follower waits for its leader's response to a read, in election time-outs.
inline constexpr int kReadPatience = 8;
/// How often a stalled leader may hand over.
inline constexpr std::chrono::minutes kStallTransferGap{1};
inline constexpr std::chrono::seconds kDriftWindow{10};
/// Our choice: a group that was woken but not used sleeps again after 1/kDisturbedPart of `sleep_after`, but not before
/// kDisturbedMin election time-outs.
inline constexpr int kDisturbedPart = 16, kDisturbedMin = 4;
/// Our choice: time between heartbeats of a sleeping group.
inline constexpr std::chrono::seconds kSleepingHeartbeat{10};
/// Our choice: how long a sleeping follower waits for a heartbeat. One lost heartbeat, or a short pause of a machine,
/// wakes no member. A leader that misses a quorum in one round wakes all members.
inline constexpr base::Duration kSleepingQuiet = 2 * kSleepingHeartbeat;
inline constexpr std::chrono::minutes kQuietMax{1};  // upper bound that a follower accepts

}  // namespace troupe::raft
