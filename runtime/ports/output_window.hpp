#pragma once
// How much of what a process prints its owner may be told: what was told and not yet granted again is bounded, in
// bytes, and in pieces, for a program that prints byte by byte makes as many events as bytes.
//
// Limits  kOutputWindowBytes in kOutputPiecesMax pieces, of both streams together.
// Owner   an implementation of Processes; not thread-safe.
#include <algorithm>
#include <cstddef>
#include <deque>

#include "runtime/base/ensure.hpp"

namespace troupe::ports {

inline constexpr std::size_t kOutputWindowBytes = std::size_t{128} << 10;  // our choice: twice what a pipe holds
inline constexpr std::size_t kOutputPieceBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kOutputPiecesMax = 64;

class OutputWindow {
 public:
  /// Bytes of the next piece at most; zero while there is no credit.
  std::size_t room() const {
    if (pieces_.size() >= kOutputPiecesMax) return 0;
    return std::min(kOutputWindowBytes - waiting_, kOutputPieceBytesMax);
  }

  /// A piece of 1 to room() bytes was told.
  void told(std::size_t bytes) {
    base::ensure(bytes > 0 && bytes <= room(), "a piece of output has credit");
    waiting_ += bytes;
    pieces_.push_back(bytes);
  }

  /// The oldest that wait were handled; more than wait counts as all of them.
  void granted(std::size_t bytes) {
    bytes = std::min(bytes, waiting_);
    waiting_ -= bytes;
    while (bytes > 0) {
      const std::size_t part = std::min(bytes, pieces_.front());
      bytes -= part;
      pieces_.front() -= part;
      if (pieces_.front() == 0) pieces_.pop_front();
    }
  }

 private:
  std::size_t waiting_ = 0;         // bytes of all pieces
  std::deque<std::size_t> pieces_;  // what is left of each, never zero
};

}  // namespace troupe::ports
