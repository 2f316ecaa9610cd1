#pragma once
// The chunks that a byte range covers.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "actors/files/logic/manifest.hpp"

namespace troupe::files {

/// Bytes `first` to `last` of a file, inclusive, counted from zero; `first` <= `last`.
struct Range {
  std::uint64_t first = 0;
  std::uint64_t last = 0;

  friend bool operator==(const Range&, const Range&) = default;

  /// Parses "A-B" in decimal digits, as in `file get --range 0-1023`. Returns nullopt for any other text.
  static std::optional<Range> parse(std::string_view text);
};

/// The chunks that cover a part of a file.
struct Part {
  std::size_t chunk_first = 0;
  std::size_t chunks = 0;
  std::uint64_t skip = 0;   ///< bytes of the first chunk before the part
  std::uint64_t bytes = 0;  ///< length of the part

  friend bool operator==(const Part&, const Part&) = default;
};

/// Returns the whole file as a part; without chunks if the file is empty.
Part whole(const Manifest& manifest);

/// Returns the part that `range` covers, cut at the end of the file, or nullopt if the range begins at or after the
/// end.
std::optional<Part> part_of(const Manifest& manifest, const Range& range);

}  // namespace troupe::files
