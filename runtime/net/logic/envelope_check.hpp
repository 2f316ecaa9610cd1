#pragma once
// Checks whether untrusted words are a flat array that Cap'n Proto may read, by the segment table only.
//
// Source    capnproto.org/encoding.html, "Serialization Over a Stream": u32 number of segments less one, u32 words of
//           each segment, zeros up to a word, then the segments.
// Not here  Pointers: a reader checks each pointer that it follows, within the limits of runtime::Envelope.
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/base/bytes.hpp"

namespace troupe::net {

enum class EnvelopeFault : std::uint8_t {
  empty,              ///< no words, or a first segment without a root pointer
  misaligned,         ///< not whole words, or not word-aligned
  too_many_segments,  ///< over kSegmentsMax segments
  wrong_size,         ///< the table's sum differs from the payload's words
  padding,            ///< the unused half of the table's last word is not zero
};

std::string_view name(EnvelopeFault fault);

/// Cap'n Proto's own limit. A builder needs far fewer for our largest message, because segments grow.
inline constexpr std::size_t kSegmentsMax = 512;

/// Returns the fault of `payload`, or nullopt if it is sound.
std::optional<EnvelopeFault> check_envelope(base::ByteView payload);

}  // namespace troupe::net
