#pragma once
// A judge's signed statement that a node gave a right result for a spot check (actors/task/logic/spot.hpp).
//
// Bytes   "troupe vouch v1" || key of the judge (32) || its work nonce (4) || node (20) || Unix ms (8) || seed of the
//         check (16) || its rounds (8) || answer (32) || signature (64) of all before it, by the judge. Numbers are
//         little-endian.
// Again   seed, rounds and answer let every reader repeat the computation.
// Old     a vouch expires after kVouchLife.
#include "actors/registry/logic/registration.hpp"
#include "runtime/base/time.hpp"

namespace troupe::registry {

inline constexpr std::chrono::hours kVouchLife{24};
inline constexpr std::size_t kVouchesMax = 4;  // our choice: per node; two of them are enough
inline constexpr std::string_view kVouchPrefix = "troupe vouch v1";
inline constexpr std::size_t kVouchBytes = kVouchPrefix.size() + 32 + 4 + 20 + 8 + 16 + 8 + 32 + 64;
/// Capability of a node that checks other nodes, whose vouch may be waited for.
inline constexpr std::string_view kChecksCapability = "checks";

struct Vouch {
  using Seed = base::FixedBytes<struct VouchSeedTag, 16>;

  base::PublicKey by;
  std::uint32_t by_nonce = 0;
  base::NodeId node;
  std::uint64_t unix_ms = 0;
  Seed seed{};
  std::uint64_t rounds = 0;
  base::Digest answer{};

  base::NodeId judge() const { return crypto::node_id(by, by_nonce); }
  friend bool operator==(const Vouch&, const Vouch&) = default;
};

base::Bytes sign(const Vouch& what, const crypto::SecretKey& key);
/// Parses bytes that were verified before, or need not be; only the format is checked.
std::optional<Vouch> parse_vouch(base::ByteView bytes);
/// Reads bytes from sign(), with the cheap checks first.
base::Result<Vouch, ReadError> read_vouch(base::ByteView bytes, unsigned work_bits);

}  // namespace troupe::registry
