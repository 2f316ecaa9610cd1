#pragma once
// An order gives a program to a sandbox that was made ahead: one packet, which the init reads without allocation.
//
// Bytes   An OrderHead, then texts, each followed by a zero: the directory; the kind and target of each step; paths,
//         arguments, the environment.
// Passed  Descriptors: the three streams, then the source of each bind step.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/sandbox/steps.hpp"

namespace troupe::sandbox {

inline constexpr std::size_t kOrderBytesMax = std::size_t{32} << 10;  // our choice: a larger order gets a new sandbox
inline constexpr std::size_t kOrderTextsMax = 1'024;                  // our choice
inline constexpr std::size_t kOrderTreesMax = 64;                     // our choice: each is a descriptor
inline constexpr std::size_t kOrderStreams = 3;

struct OrderHead {
  std::uint32_t steps = 0, paths = 0, arguments = 0, environment = 0;
};

/// Returns the order, or nullopt if it is too large, or has a step that an existing sandbox cannot perform.
std::optional<base::Bytes> write_order(const Spec& spec, std::span<const Step> steps,
                                       const std::vector<std::string>& paths);

/// Returns the kind of a step as the first character of its text.
inline char mark_of(Step::Kind kind) { return static_cast<char>('a' + static_cast<int>(kind)); }

}  // namespace troupe::sandbox
