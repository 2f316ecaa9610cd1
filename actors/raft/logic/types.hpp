#pragma once
// The numbers and names of Raft, each with its own type.
#include <compare>
#include <cstdint>
#include <string_view>

#include "runtime/base/ids.hpp"

namespace troupe::raft {

/// A counter that starts at 0, which means "none yet". Only numbers with the same `Tag` compare.
template <class Tag>
struct Number {
  std::uint64_t value = 0;

  friend constexpr auto operator<=>(const Number&, const Number&) = default;
  friend constexpr Number operator+(Number a, std::uint64_t n) { return Number{a.value + n}; }
  friend constexpr std::uint64_t operator-(Number a, Number b) { return a.value - b.value; }
  constexpr Number next() const { return Number{value + 1}; }
  /// 0 stays 0.
  constexpr Number previous() const { return Number{value == 0 ? 0 : value - 1}; }
};

/// Keys with this prefix belong to other domains. Lists and watches of all keys exclude them.
inline constexpr char kReservedKeys = '\0';
/// Prefix of the reserved keys of actors that a group keeps (actors/durable); the kind and '/' follow. No client reads
/// or writes these keys, whatever its role.
inline constexpr std::string_view kActorKeys{"\0d", 2};

using Term = Number<struct TermTag>;    ///< at most one leader in each
using Index = Number<struct IndexTag>;  ///< of an entry in the log, from 1
using Round = Number<struct RoundTag>;  ///< of heartbeats of one leader
using SaveId = Number<struct SaveTag>;  ///< of a write to disk, since the start
using ReadId = Number<struct ReadTag>;  ///< of a read; starts at a random number, so that no earlier run used it
using Epoch = Number<struct EpochTag>;  ///< of a cluster: one more after `recover --force-new-cluster`

/// No honest cluster comes near this number. Larger numbers from peers are refused, so that sums cannot overflow.
inline constexpr std::uint64_t kNumberMax = std::uint64_t{1} << 62;

/// A node with one log. A node that loses its log comes back as another member: `incarnation` is drawn for each log.
struct MemberId {
  base::NodeId node;
  std::uint64_t incarnation = 0;

  friend auto operator<=>(const MemberId&, const MemberId&) = default;
};

}  // namespace troupe::raft
