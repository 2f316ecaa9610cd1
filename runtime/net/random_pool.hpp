#pragma once
// Unpredictable random bytes, taken from Chance in blocks: a datagram needs 32 of them, and a call of the kernel for
// each datagram would take as long as sealing it.
//
// Safety  Bytes are wiped from the block once used. A machine resumed from a snapshot of its memory uses the rest of a
//         block twice. Two datagrams sealed with the same key then have the same nonce, and an observer of both can
//         read them. So do not reset a running node to a snapshot.
// Owner   One actor.
#include <array>
#include <cstdint>

#include "runtime/base/bytes.hpp"
#include "runtime/crypto/keys.hpp"
#include "runtime/ports/chance.hpp"

namespace troupe::net {

class RandomPool {
 public:
  explicit RandomPool(ports::Chance& chance) : chance_(chance) {}
  ~RandomPool() { crypto::wipe(block_); }
  RandomPool(const RandomPool&) = delete;
  RandomPool& operator=(const RandomPool&) = delete;

  template <class Fixed>
  Fixed take() {
    static_assert(Fixed::kBytes <= kBlockBytes);
    if (kBlockBytes - used_ < Fixed::kBytes) {
      chance_.fill(block_);
      used_ = 0;
    }
    Fixed out;
    const auto from = std::span(block_).subspan(used_, Fixed::kBytes);
    std::copy(from.begin(), from.end(), out.bytes.begin());
    crypto::wipe(from);
    used_ += Fixed::kBytes;
    return out;
  }

 private:
  static constexpr std::size_t kBlockBytes = 1024;  // our choice: one call for thirty datagrams
  ports::Chance& chance_;
  std::array<std::uint8_t, kBlockBytes> block_{};
  std::size_t used_ = kBlockBytes;
};

}  // namespace troupe::net
