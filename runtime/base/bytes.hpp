#pragma once
// Byte strings, typed byte arrays of a fixed size, and hexadecimal text.
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::base {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Returns lower-case hexadecimal, two digits per byte.
std::string hex(ByteView bytes);

/// Parses hexadecimal digits of either case. Returns false unless `text` has exactly `out.size() * 2` of them.
bool parse_hex(std::string_view text, std::span<std::uint8_t> out);

/// `N` bytes with one meaning: the `Tag` prevents passing a node id as a digest.
template <class Tag, std::size_t N>
struct FixedBytes {
  static constexpr std::size_t kBytes = N;
  std::array<std::uint8_t, N> bytes{};

  /// Returns the first 64 bits as a number: they decide nearly every comparison.
  std::uint64_t high() const {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | bytes[i];
    return out;
  }
  friend std::strong_ordering operator<=>(const FixedBytes& a, const FixedBytes& b) {
    if constexpr (N > sizeof(std::uint64_t))
      if (const auto x = a.high(), y = b.high(); x != y) return x <=> y;
    return std::memcmp(a.bytes.data(), b.bytes.data(), N) <=> 0;
  }
  friend constexpr bool operator==(const FixedBytes&, const FixedBytes&) = default;
  ByteView view() const { return {bytes.data(), N}; }
  std::string hex() const { return base::hex(view()); }

  /// Returns nullopt unless `from` has exactly N bytes.
  static std::optional<FixedBytes> from(ByteView from) {
    if (from.size() != N) return std::nullopt;
    FixedBytes out;
    std::memcpy(out.bytes.data(), from.data(), N);
    return out;
  }
  /// Returns nullopt unless `text` has exactly 2 N hexadecimal digits.
  static std::optional<FixedBytes> from_hex(std::string_view text) {
    FixedBytes out;
    if (!parse_hex(text, out.bytes)) return std::nullopt;
    return out;
  }
};

}  // namespace troupe::base

/// Most values are hashes or keys, but a peer may choose some of them. So the hash covers all bytes.
template <class Tag, std::size_t N>
struct std::hash<troupe::base::FixedBytes<Tag, N>> {
  std::size_t operator()(const troupe::base::FixedBytes<Tag, N>& value) const {
    return std::hash<std::string_view>{}(troupe::base::as_text(value.view()));
  }
};
