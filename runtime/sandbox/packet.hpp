#pragma once
// What a launcher and the process that has it say to each other: packets over a local socket, with descriptors.
//
// Bytes  Word (1) - id of a sandbox (8) - what belongs to the word; of `usages` no id comes first.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kPacketBytesMax = std::size_t{128} << 10;  // of a spec; Linux takes 200 KiB in a packet

/// The caller's name for a sandbox; it may be used again once its outcome is there.
struct SandboxId {
  std::uint64_t value = 0;
  friend auto operator<=>(const SandboxId&, const SandboxId&) = default;
};

/// The first byte of a packet.
enum class Word : std::uint8_t {
  make = 1,     ///< an id, a spec; with the streams
  end = 2,      ///< an id, a limit
  outcome = 3,  ///< an id, an Outcome; with its outputs, then its disk unless it has none
  usages = 4,   ///< of each sandbox that runs an id, a Usage
  listens = 5,  ///< an id; with what takes connections to its hosts
  go = 6,       ///< an id: after its `make`, once the other side has closed the streams
};

inline constexpr std::uint8_t kForNoLimit = 0xff;  ///< of `end`
inline constexpr std::size_t kIdBytes = 8;
inline constexpr std::size_t kHeadBytes = 1 + kIdBytes;

base::Bytes head(Word word, SandboxId id);

enum class Sent : std::uint8_t { yes, later, never };

/// Does not wait. `later` if the other side has no room, or the kernel is short of memory for a moment.
Sent send_packet(int to, const base::Bytes& bytes, std::span<const int> descriptors);

struct Packet {
  base::Bytes bytes;  ///< empty: the other side is gone
  std::vector<base::Descriptor> descriptors;
};

/// Nothing if there is none now.
std::optional<Packet> receive_packet(int from);

}  // namespace troupe::sandbox
