#pragma once
// Fixed byte fields that are stored, signed or hashed: numbers are little-endian, dates are Unix seconds.
//
// Write   append(), append_number(), append_date().
// Read    a FieldReader takes fields from the front; load() reads a number in place.
// Words   messages store fixed bytes as 64-bit words: words_of() and from_words().
#include <concepts>
#include <cstdint>

#include "runtime/base/bytes.hpp"
#include "runtime/base/time.hpp"

namespace troupe::base {

/// The latest date that is accepted, in 2242: WallTime ends in 2262, so adding some weeks cannot overflow.
inline constexpr std::uint64_t kDateMax = std::uint64_t{1} << 33;

inline void append(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

template <std::unsigned_integral Number>
void append_number(Bytes& out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) out.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
}

/// Appends a date as Unix seconds in 8 bytes, rounded down. A date before 1970, from a clock that was never set, counts
/// as 1970.
inline void append_date(Bytes& out, WallTime when) {
  const std::int64_t seconds = unix_seconds(when);
  append_number(out, static_cast<std::uint64_t>(seconds > 0 ? seconds : 0));
}

/// Returns the number at `at`; the caller has checked that the bytes exist.
template <std::unsigned_integral Number>
Number load(ByteView bytes, std::size_t at = 0) {
  Number out = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    out = static_cast<Number>(out | static_cast<Number>(Number{bytes[at + i]} << (8 * i)));
  return out;
}

/// Returns `N` fixed bytes as words.
template <std::size_t N>
std::array<std::uint64_t, N / 8> words_of(const std::array<std::uint8_t, N>& bytes) {
  static_assert(N % 8 == 0);
  std::array<std::uint64_t, N / 8> words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = load<std::uint64_t>(bytes, 8 * i);
  return words;
}

template <std::same_as<std::uint64_t>... Words>
std::array<std::uint8_t, 8 * sizeof...(Words)> from_words(Words... words) {
  std::array<std::uint8_t, 8 * sizeof...(Words)> out;
  std::size_t at = 0;
  for (const std::uint64_t word : {words...})
    for (std::size_t i = 0; i < 8; ++i) out[at++] = static_cast<std::uint8_t>(word >> (8 * i));
  return out;
}

/// Takes fields from the front. After a missing or out-of-range field the reader stays not ok().
class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : rest_(bytes) {}

  ByteView take(std::size_t bytes) {
    if (rest_.size() < bytes) {
      fail();
      return {};
    }
    const ByteView out = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return out;
  }
  template <std::unsigned_integral Number>
  Number number() {
    const ByteView bytes = take(sizeof(Number));
    return bytes.empty() ? Number{0} : load<Number>(bytes);
  }
  template <class Fixed>
  Fixed fixed() {
    return Fixed::from(take(Fixed::kBytes)).value_or(Fixed{});
  }
  template <std::size_t N>
  std::array<std::uint8_t, N> array() {
    return fixed<FixedBytes<void, N>>().bytes;
  }
  WallTime date() {
    const auto seconds = number<std::uint64_t>();
    if (seconds <= kDateMax) return WallTime(std::chrono::seconds(seconds));
    fail();
    return {};
  }
  ByteView rest() { return take(rest_.size()); }
  /// Takes all remaining bytes except the last `bytes`.
  ByteView all_but(std::size_t bytes) {
    if (rest_.size() < bytes) fail();
    return take(ok_ ? rest_.size() - bytes : 0);
  }

  void fail() {
    ok_ = false;
    rest_ = {};
  }
  bool ok() const { return ok_; }
  /// Whether all bytes were read and no field was missing.
  bool ended() const { return ok_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

}  // namespace troupe::base
