#include "actors/files/logic/range.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::files {
namespace {

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Range> Range::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = decimal(text.substr(0, dash));
  const auto last = decimal(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return Range{*first, *last};
}

Part whole(const Manifest& manifest) { return {0, manifest.chunks.size(), 0, manifest.file_bytes}; }

std::optional<Part> part_of(const Manifest& manifest, const Range& range) {
  if (range.first > range.last || range.first >= manifest.file_bytes) return std::nullopt;
  const std::uint64_t last = std::min(range.last, manifest.file_bytes - 1);
  const std::uint64_t chunk_first = range.first / manifest.chunk_bytes;
  const std::uint64_t chunk_last = last / manifest.chunk_bytes;
  return Part{chunk_first, chunk_last - chunk_first + 1, range.first % manifest.chunk_bytes, last - range.first + 1};
}

}  // namespace troupe::files
