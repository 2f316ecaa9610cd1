#pragma once
// Money: a whole number of the smallest unit, from 0 to 2^63 - 1. Sums and shares that leave this range are nothing.
#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/ensure.hpp"

namespace troupe::wallet {

__extension__ using Wide = unsigned __int128;  // a product of two 64-bit numbers

class Amount {
 public:
  static constexpr std::uint64_t kMax = (std::uint64_t{1} << 63) - 1;

  constexpr Amount() = default;
  /// Nothing above kMax.
  static constexpr std::optional<Amount> from(std::uint64_t units) {
    if (units > kMax) return std::nullopt;
    return Amount(units);
  }
  /// For a number that is known to be within the range; another one is a broken invariant.
  static Amount of(std::uint64_t units) {
    base::ensure(units <= kMax, "an amount is below 2^63");
    return Amount(units);
  }
  /// As it is typed: digits without sign, point, exponent or leading zeros. Nothing for 0 and above kMax.
  static std::optional<Amount> parse(std::string_view text) {
    std::uint64_t units = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), units);
    if (text.empty() || text.front() == '0' || error != std::errc() || end != text.data() + text.size())
      return std::nullopt;
    return from(units);
  }

  constexpr std::uint64_t units() const { return units_; }
  std::string text() const { return std::to_string(units_); }

  friend constexpr auto operator<=>(Amount, Amount) = default;
  friend constexpr std::optional<Amount> plus(Amount a, Amount b) { return from(a.units_ + b.units_); }
  /// Nothing if `b` is the larger one.
  friend constexpr std::optional<Amount> minus(Amount a, Amount b) {
    if (b.units_ > a.units_) return std::nullopt;
    return Amount(a.units_ - b.units_);
  }
  /// The share `part / whole` of it, rounded down; `whole` is not 0. The product is taken in 128 bits. Nothing if the
  /// share is above kMax.
  friend std::optional<Amount> share(Amount of, std::uint64_t part, std::uint64_t whole) {
    base::ensure(whole > 0, "a share is a part of something");
    const Wide units = Wide{of.units_} * part / whole;
    if (units > kMax) return std::nullopt;
    return Amount(static_cast<std::uint64_t>(units));
  }
  /// For amounts whose sum or difference the caller knows to be within the range.
  friend Amount operator+(Amount a, Amount b) { return of(a.units_ + b.units_); }
  friend Amount operator-(Amount a, Amount b) {
    base::ensure(b.units_ <= a.units_, "no more is taken away than there is");
    return Amount(a.units_ - b.units_);
  }

 private:
  constexpr explicit Amount(std::uint64_t units) : units_(units) {}
  std::uint64_t units_ = 0;
};

}  // namespace troupe::wallet
