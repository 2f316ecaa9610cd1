#pragma once
// The content of a simulated file: real bytes, then filler, which occupies space on the device and no memory.
//
// Filler  comes from File::fill() and reads as zeros; appending bytes after it turns it into real bytes.
// Doubt   bytes of a failed sync are in doubt: only a power failure decides whether the device has them.
// Owner   one inode of a simulated disk.
#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "runtime/base/bytes.hpp"
#include "runtime/base/random.hpp"

namespace troupe::sim {

inline constexpr std::uint64_t kPageBytes = 4'096;  // the unit that Linux writes or drops

class Content {
 public:
  std::uint64_t size() const { return bytes_.size() + filler_; }
  /// Returns the number of leading real bytes.
  std::uint64_t real() const { return bytes_.size(); }

  void append(base::ByteView more) {
    if (more.empty()) return;
    if (filler_ > 0) bytes_.resize(bytes_.size() + std::exchange(filler_, 0));
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  void append(const Content& more) {
    for (const Doubt& one : more.doubts_) doubts_.push_back({size() + one.from, size() + one.to});
    append(base::ByteView(more.bytes_));
    filler_ += more.filler_;
  }
  void fill(std::uint64_t bytes) { filler_ += bytes; }

  /// Cuts the content to its first `size` bytes; it must have at least as many.
  void cut(std::uint64_t size) {
    filler_ = size > bytes_.size() ? size - bytes_.size() : 0;
    if (size == 0) bytes_ = {};  // frees the memory, too
    else if (size < bytes_.size()) bytes_.resize(size);
    while (!doubts_.empty() && doubts_.back().from >= size) doubts_.pop_back();
    if (!doubts_.empty()) doubts_.back().to = std::min(doubts_.back().to, size);
  }

  /// Puts the bytes from `from` on in doubt: it is undecided whether the device has them.
  void doubt(std::uint64_t from) {
    if (!doubts_.empty()) from = std::max(from, doubts_.back().to);
    if (from < size()) doubts_.push_back({from, size()});
  }

  /// Decides what the device has: for each page in doubt the bytes, or zeros, as `random` draws.
  void decide(base::Random& random) {
    for (const Doubt& one : doubts_) {
      for (std::uint64_t from = one.from, to = 0; from < one.to; from = to) {
        to = std::min(one.to, (from / kPageBytes + 1) * kPageBytes);
        if (random.chance(1, 2)) clear(from, to);
      }
    }
    doubts_.clear();
  }

  /// Returns bytes [from, to), which must exist.
  Content part(std::uint64_t from, std::uint64_t to) const {
    Content out;
    const std::uint64_t real_to = std::min(to, real());
    if (from < real_to) {
      const auto begin = bytes_.begin();
      out.bytes_.assign(begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(real_to));
    }
    out.filler_ = to - from - out.bytes_.size();
    for (const Doubt& one : doubts_) {
      if (one.from >= to || one.to <= from) continue;
      out.doubts_.push_back({std::max(one.from, from) - from, std::min(one.to, to) - from});
    }
    return out;
  }

  /// Reads as many bytes as exist at `offset`, at most the size of `out`.
  std::size_t read(std::uint64_t offset, std::span<std::uint8_t> out) const {
    if (offset >= size()) return 0;
    const std::size_t bytes = std::min<std::uint64_t>(out.size(), size() - offset);
    const std::size_t kept = offset < real() ? std::min<std::uint64_t>(bytes, real() - offset) : 0;
    if (kept > 0) std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), kept, out.begin());
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(kept), bytes - kept, std::uint8_t{0});
    return bytes;
  }

  /// Flips the bits of `mask`; returns false if there is no real byte.
  bool flip(std::uint64_t offset, std::uint8_t mask) {
    if (offset >= real()) return false;
    bytes_[offset] ^= mask;
    return true;
  }

 private:
  struct Doubt {  // about bytes [from, to)
    std::uint64_t from;
    std::uint64_t to;
  };

  void clear(std::uint64_t from, std::uint64_t to) {
    const auto at = [this](std::uint64_t offset) {
      return bytes_.begin() + static_cast<std::ptrdiff_t>(std::min(offset, real()));
    };
    std::fill(at(from), at(to), std::uint8_t{0});
  }

  base::Bytes bytes_;
  std::uint64_t filler_ = 0;
  std::vector<Doubt> doubts_;  // disjoint, in order
};

}  // namespace troupe::sim
