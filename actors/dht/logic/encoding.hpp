#pragma once
// Fixed fields of the bytes that are signed, stored or hashed: numbers are little-endian.
#include <concepts>
#include <cstdint>
#include <optional>

#include "runtime/base/bytes.hpp"
#include "runtime/base/time.hpp"

namespace troupe::dht {

/// The latest date that is read, in 2242: WallTime ends in 2262, and sums with a week or two stay below that.
inline constexpr std::uint64_t kDateMax = std::uint64_t{1} << 33;

inline void append(base::Bytes& out, base::ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

template <std::unsigned_integral Number>
void append_number(base::Bytes& out, Number number) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) out.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
}

/// A date as Unix seconds in 8 bytes, rounded down. One before 1970, of a clock that was never set, is 1970.
inline void append_date(base::Bytes& out, base::WallTime when) {
  const std::int64_t seconds = base::unix_seconds(when);
  append_number(out, static_cast<std::uint64_t>(seconds > 0 ? seconds : 0));
}

/// Takes fields from the front of bytes. What is missing or out of range makes it not ok(), for good.
class FieldReader {
 public:
  explicit FieldReader(base::ByteView bytes) : rest_(bytes) {}

  base::ByteView take(std::size_t bytes) {
    if (rest_.size() < bytes) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const base::ByteView out = rest_.first(bytes);
    rest_ = rest_.subspan(bytes);
    return out;
  }
  template <std::unsigned_integral Number>
  Number number() {
    Number out = 0;
    std::size_t at = 0;
    for (const std::uint8_t byte : take(sizeof(Number))) {
      out = static_cast<Number>(out | static_cast<Number>(Number{byte} << (8 * at++)));
    }
    return out;
  }
  template <class Fixed>
  Fixed fixed() {
    return Fixed::from(take(Fixed::kBytes)).value_or(Fixed{});
  }
  base::WallTime date() {
    const auto seconds = number<std::uint64_t>();
    if (seconds > kDateMax) {
      ok_ = false;
      return {};
    }
    return base::WallTime(std::chrono::seconds(seconds));
  }
  /// All but the last `bytes`.
  base::ByteView all_but(std::size_t bytes) {
    if (rest_.size() < bytes) ok_ = false;
    return take(ok_ ? rest_.size() - bytes : 0);
  }

  bool ok() const { return ok_; }
  /// Nothing is left over and nothing was missing.
  bool ended() const { return ok_ && rest_.empty(); }

 private:
  base::ByteView rest_;
  bool ok_ = true;
};

}  // namespace troupe::dht
