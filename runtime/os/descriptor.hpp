#pragma once
// A file descriptor with one owner, and the process-wide settings that sockets need.
#include <cstdint>
#include <utility>

namespace troupe::os {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }

  bool valid() const { return number_ >= 0; }
  int get() const { return number_; }
  /// Hands the descriptor to the caller, who closes it.
  int release() { return std::exchange(number_, -1); }
  void reset();

 private:
  int number_ = -1;
};

/// Raises the soft limit of open descriptors to the hard one. Returns the limit that now holds.
std::uint64_t raise_descriptor_limit();

/// Writing to a closed stream becomes an error instead of the end of the process.
void ignore_broken_pipes();

}  // namespace troupe::os
