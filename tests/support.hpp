#pragma once
// What tests of all areas share.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string_view>

#include "runtime/base/bytes.hpp"
#include "runtime/base/time.hpp"

namespace troupe::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t kRoundsShare = 10;
#else
inline constexpr std::uint64_t kRoundsShare = 1;
#endif

/// Rounds of a loop that proves a bound: a tenth under sanitizers, though at least `least`; `tools/soak night` makes
/// them all.
constexpr std::uint64_t rounds(std::uint64_t whole, std::uint64_t least = 1) {
  return std::max(whole / kRoundsShare, least);
}

/// When tests begin whose clock is their own: late enough to look back from.
inline constexpr base::Instant kStart{std::chrono::hours{100}};

/// Says why the rest of this case cannot be asserted here; tools/test shows it, and does not count the case as passed.
/// The case returns after it.
inline void skip(std::string_view why) {
  std::cout << "\nSKIPPED: " << why << " [" << doctest::getContextOptions()->currentTest->m_name << "]" << std::endl;
}

/// Says what a person should look at, though nothing has failed.
inline void note(std::string_view what) { std::cout << "\nNOTE: " << what << std::endl; }

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

inline base::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

inline base::Bytes bytes_of_hex(std::string_view hex) {
  base::Bytes out(hex.size() / 2);
  REQUIRE(base::parse_hex(hex, out));
  return out;
}

}  // namespace troupe::test
