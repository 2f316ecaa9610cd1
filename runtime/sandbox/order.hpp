#pragma once
// What a sandbox that was made ahead is told once there is a program for it: one packet, which the init reads without
// taking memory.
//
// Bytes   an OrderHead; then texts, each with a zero behind it: the directory; of each step its kind and where it is
//         performed; paths, arguments, names of the environment.
// Beside  descriptors: the three streams, then what each step that binds shows.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/sandbox/steps.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kOrderBytesMax = std::size_t{32} << 10;  // our choice: more is made when it is asked for
inline constexpr std::size_t kOrderTextsMax = 1'024;                  // our choice
inline constexpr std::size_t kOrderTreesMax = 64;                     // our choice: each is a descriptor
inline constexpr std::size_t kOrderStreams = 3;

struct OrderHead {
  std::uint32_t steps = 0, paths = 0, arguments = 0, environment = 0;
};

/// Nothing if it is too large, or has a step that may not be performed late.
std::optional<base::Bytes> write_order(const Spec& spec, std::span<const Step> steps,
                                       const std::vector<std::string>& paths);

/// The kind of a step as the first character of its text.
inline char mark_of(Step::Kind kind) { return static_cast<char>('a' + static_cast<int>(kind)); }

}  // namespace troupe::sandbox
