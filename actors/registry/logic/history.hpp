#pragma once
// A watcher's history of a node for a week: blocks of an hour each.
//
// Bytes   of a block: version (1) || first time (8, Unix ms) || count (2) || the samples. A sample is seven numbers,
//         each as the difference from the previous sample: time, number of the heartbeat, up, load, memory, cpu,
//         success; then reputation and status, a byte each. A difference is zigzag-encoded, in groups of 7 bits, the
//         least significant first. A sample takes 10 to 20 bytes.
// Once    a heartbeat that arrived twice is one sample, because numbers rise.
#include <cstdint>
#include <optional>
#include <vector>

#include "actors/registry/logic/watch.hpp"

namespace troupe::registry {

inline constexpr std::size_t kSamplesMax = 4'096;  // of a block: an hour with one heartbeat per second

struct Sample {
  std::uint64_t unix_ms = 0;  ///< of its arrival, by the watcher's clock
  std::uint64_t number = 0;
  std::uint64_t up_ms = 0;
  std::uint32_t load = 0;
  std::uint16_t memory = 0, cpu = 0, success = Heartbeat::kNone;
  std::uint8_t reputation = Heartbeat::kNoScore;
  Status status = Status::healthy;
  friend bool operator==(const Sample&, const Sample&) = default;
};
Sample sample_of(const Heartbeat& beat, Status status, std::uint64_t unix_ms);

/// Encodes 1 to kSamplesMax samples.
base::Bytes encode_block(const std::vector<Sample>& samples);
/// Returns nullopt unless the bytes are from encode_block().
std::optional<std::vector<Sample>> decode_block(base::ByteView bytes);

}  // namespace troupe::registry
