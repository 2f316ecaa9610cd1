#pragma once
// Messages between a launcher and its owner process: packets over a local socket, with descriptors.
//
// Bytes  a Word (1 byte), the id of a sandbox (8), the body; `usages` has no leading id.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kPacketBytesMax = std::size_t{128}
                                               << 10;  // bounds a spec; Linux accepts 200 KiB per packet

/// The caller's name for a sandbox; it may be reused once its outcome has arrived.
struct SandboxId {
  std::uint64_t value = 0;
  friend auto operator<=>(const SandboxId&, const SandboxId&) = default;
};

/// The first byte of a packet.
enum class Word : std::uint8_t {
  make = 1,     ///< an id, a spec; with the streams
  end = 2,      ///< an id, a limit
  outcome = 3,  ///< an id, an Outcome; with its outputs, then its disk if it has one
  usages = 4,   ///< an id and a Usage for each running sandbox
  listens = 5,  ///< an id; with the sockets that accept connections to its hosts
  go = 6,       ///< an id; follows `make` once the sender has closed its copies of the streams
};

inline constexpr std::uint8_t kForNoLimit = 0xff;  ///< in `end`: the program is ended, but not because of a limit
inline constexpr std::size_t kIdBytes = 8;
inline constexpr std::size_t kHeadBytes = 1 + kIdBytes;

base::Bytes head(Word word, SandboxId id);

enum class Sent : std::uint8_t { yes, later, never };

/// Sends a packet without waiting. Returns `later` if the other side's buffer is full, or the kernel briefly lacks
/// memory.
Sent send_packet(int to, const base::Bytes& bytes, std::span<const int> descriptors);

struct Packet {
  base::Bytes bytes;  ///< empty: the other side is gone
  std::vector<base::Descriptor> descriptors;
};

/// Returns the next packet, or nullopt if there is none at present.
std::optional<Packet> receive_packet(int from);

}  // namespace troupe::sandbox
