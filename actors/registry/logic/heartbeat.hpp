#pragma once
// The message that a node signs every period: that it is alive, and its load.
//
// Bytes   "troupe heartbeat v1" || key (32) || work nonce (4) || number (8) || Unix ms (8) || up for ms (8) || load (4)
//         || memory (2) || cpu (2) || success (2) || reputation (1) || sequence of its registration (8) || signature
//         (64), by its key, of all before it. Numbers are little-endian.
// Number  grows with each heartbeat of a node, also across restarts: the date in ms, or the previous number plus one.
// Shares  `memory`, `cpu` and `success`, in thousandths; kNone: unknown.
#include "actors/registry/logic/registration.hpp"
#include "runtime/base/time.hpp"

namespace troupe::registry {

struct Heartbeat {
  static constexpr std::uint16_t kNone = 0xffff;
  static constexpr std::uint8_t kNoScore = 0xff;

  base::PublicKey key;
  std::uint32_t nonce = 0;
  std::uint64_t number = 0;
  std::uint64_t unix_ms = 0;
  std::uint64_t up_ms = 0;             ///< since the node started
  std::uint32_t load = 0;              ///< runnable threads per core, over a minute
  std::uint16_t memory = 0;            ///< used
  std::uint16_t cpu = 0;               ///< used since the last heartbeat
  std::uint16_t success = kNone;       ///< of its tasks; kNone: no task has ended
  std::uint8_t reputation = kNoScore;  ///< the node's score of itself, 0 to 100; kNoScore: it keeps no scores
  std::uint64_t registration = 0;      ///< sequence of its newest registration

  base::NodeId id() const { return crypto::node_id(key, nonce); }
  friend bool operator==(const Heartbeat&, const Heartbeat&) = default;
};

inline constexpr std::string_view kHeartbeatPrefix = "troupe heartbeat v1";
inline constexpr std::size_t kHeartbeatBytes = kHeartbeatPrefix.size() + 32 + 4 + 8 * 4 + 4 + 2 * 3 + 1 + 64;

base::Bytes sign(const Heartbeat& what, const crypto::SecretKey& key);
base::Result<Heartbeat, ReadError> read_heartbeat(base::ByteView bytes, unsigned work_bits);
/// Reads bytes that were verified before; only the format is checked.
std::optional<Heartbeat> read_checked_heartbeat(base::ByteView bytes);

}  // namespace troupe::registry
