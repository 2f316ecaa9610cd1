#pragma once
// Says when the kernel is slow to take memory back, and which programs are to end for it.
//
// Why    who needs memory, the node too, takes pages of files back; for each it walks all mappings of that page, of all
//        processes, half a microsecond for each. A program that has mapped a file 65,000 times, in each of its
//        processes, pays 250 bytes for a mapping, and a thread of the node did nothing else for two minutes.
// Bound  what a walk over all pages takes follows from the addresses of files that are mapped, each as often as it is.
//        Beyond kMappedMost those programs go that have most; but only while memory is waited for, since by themselves
//        they harm nothing.
// Where the kernel does not tell of such waits (no PSI) this sees nothing.
#include <cstdint>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::sandbox {

/// Of programs of others together, our choice: 16 million pages, a walk over all of which takes 8 s.
inline constexpr std::uint64_t kMappedMost = std::uint64_t{64} << 30;

class ReclaimWatch {
 public:
  /// `cores` of the machine: the kernel tells the mean of those that are not idle, so one thread that waits all the
  /// time may be a part of as many.
  explicit ReclaimWatch(unsigned cores) : cores_(cores) {}
  /// Whether memory was waited for in most of the last two seconds; then again a second later. `waited` is that of
  /// waited_for_memory().
  bool is_slow(base::Duration waited, base::Instant now);

 private:
  unsigned cores_;
  base::Instant looked_{};
  base::Duration waited_{}, beyond_{};  // at the last look; beyond a part of the time
};

struct Mapped {
  std::uint64_t program, bytes;
};
/// Those with most, so that the rest has `most` at most.
std::vector<std::uint64_t> those_beyond(std::uint64_t most, std::vector<Mapped> programs);

}  // namespace troupe::sandbox
