#pragma once
// Money: a whole number of the smallest unit, from 0 to 2^63 - 1. Sums and shares outside this range are nullopt.
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
  /// Returns nullopt above kMax.
  static constexpr std::optional<Amount> from(std::uint64_t units) {
    if (units > kMax) return std::nullopt;
    return Amount(units);
  }
  /// Returns an amount that is known to be within the range. Broken invariant otherwise.
  static Amount of(std::uint64_t units) {
    base::ensure(units <= kMax, "an amount is below 2^63");
    return Amount(units);
  }
  /// Parses typed digits without sign, point, exponent or leading zeros. Returns nullopt for 0 and above kMax.
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
  /// Returns nullopt if `b` is larger.
  friend constexpr std::optional<Amount> minus(Amount a, Amount b) {
    if (b.units_ > a.units_) return std::nullopt;
    return Amount(a.units_ - b.units_);
  }
  /// Returns the share `part / whole` of it, rounded down, or nullopt if the share is above kMax. `whole` is not 0. The
  /// product has 128 bits.
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
