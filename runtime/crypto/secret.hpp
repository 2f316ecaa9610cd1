#pragma once
// Secret bytes that mean one thing. Each copy is wiped on destruction; none is compared or printed.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/crypto/keys.hpp"

namespace troupe::crypto {

/// `N` secret bytes: a `Tag` keeps the key that seals from being passed as the one that opens.
template <class Tag, std::size_t N>
struct Secret {
  static constexpr std::size_t kBytes = N;
  std::array<std::uint8_t, N> bytes{};

  Secret() = default;
  Secret(const Secret&) = default;
  Secret& operator=(const Secret&) = default;
  ~Secret() { wipe(bytes); }
};

}  // namespace troupe::crypto
