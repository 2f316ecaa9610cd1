#pragma once
// How much of a process's output may be delivered to its owner without a new grant. Pieces are limited as well as
// bytes, because a program that prints byte by byte causes as many events as bytes.
//
// Limits  kOutputWindowBytes in kOutputPiecesMax pieces, for both streams together.
// Owner   an implementation of Processes; not thread-safe.
#include <algorithm>
#include <cstddef>
#include <deque>

#include "runtime/base/ensure.hpp"

namespace troupe::ports {

inline constexpr std::size_t kOutputWindowBytes = std::size_t{128} << 10;  // our choice: twice the capacity of a pipe
inline constexpr std::size_t kOutputPieceBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kOutputPiecesMax = 64;

class OutputWindow {
 public:
  /// Returns the maximum size of the next piece; zero while there is no credit.
  std::size_t room() const {
    if (pieces_.size() >= kOutputPiecesMax) return 0;
    return std::min(kOutputWindowBytes - waiting_, kOutputPieceBytesMax);
  }

  /// Records that a piece of 1 to room() bytes was delivered.
  void told(std::size_t bytes) {
    base::ensure(bytes > 0 && bytes <= room(), "a piece of output has credit");
    waiting_ += bytes;
    pieces_.push_back(bytes);
  }

  /// Records that the owner has handled the oldest `bytes` that wait. A larger number counts as all of them.
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
  std::deque<std::size_t> pieces_;  // unhandled bytes of each, never zero
};

}  // namespace troupe::ports
