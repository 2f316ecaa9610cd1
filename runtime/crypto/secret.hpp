#pragma once
// Secret bytes with one purpose. Each copy is wiped on destruction, and never compared or printed.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/crypto/keys.hpp"

namespace troupe::crypto {

/// `N` secret bytes: a `Tag` prevents passing a sealing key as an opening key.
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
