#pragma once
// Room on the device that a store keeps by filling it, so that nobody else can: a file that is given up in need.
//
// Why     what is free belongs to whoever writes first. LevelDB writes whenever it opens (a log, a manifest, a table of
//         what the old log held), and a deletion is written before it frees anything: on a device without a free byte
//         the store could neither open nor delete.
// Bytes   drawn (File::fill), not zeros, and not sparse: a file system that compresses or shares blocks would keep no
//         room.
// Size    kBallastBytes, less on a small device: the part of it that a pack is, never below kBallastBytesMin.
// Made    in steps, while the reserve stays free beside it; what a crash leaves of it is completed.
// Given   up whole: then `bytes_max`, or what was there, is free for whoever gave the order, and for all others.
// Owner   one thread. Both calls block on the device.
#include <cstdint>
#include <string>

#include "runtime/base/random.hpp"
#include "runtime/ports/disk.hpp"
#include "runtime/store/database.hpp"

namespace troupe::store {

inline constexpr std::uint64_t kBallastBytes = 16 * 1024 * 1024;  // twice what opening can write (kReviveBytes)
inline constexpr std::uint64_t kBallastBytesMin = kReviveBytes + 2 * 1024 * 1024;  // below that it helps nobody
inline constexpr std::uint64_t kBallastStepBytes = 4 * 1024 * 1024;                // our choice: some 50 ms of a disk
inline constexpr std::uint64_t kDeviceParts = 16;  // our choice: what a store takes at once of a small device

class Ballast {
 public:
  /// The file `directory`/ballast of `disk`, which must outlive it. `bytes_max`: at most as much; zero: none is made.
  /// `reserve_bytes`: stay free beside it. `seed` draws its bytes.
  Ballast(ports::Disk& disk, std::string directory, std::uint64_t bytes_max, std::uint64_t reserve_bytes,
          std::uint64_t seed);

  enum class Grown : std::uint8_t {
    more,   ///< a step was done, and one is left
    whole,  ///< it has the size that it should have
    waits,  ///< there is no room for the next step, or the device does not let it
  };
  /// Does a step of making it.
  Grown grow();

  /// Gives it up. Returns whether anything was freed. Needs no space.
  bool release();

  /// What it holds at present.
  std::uint64_t bytes() const;

 private:
  bool append(std::uint64_t bytes, std::uint64_t size);

  ports::Disk& disk_;
  std::string directory_;
  std::string path_;
  std::uint64_t bytes_max_;
  std::uint64_t reserve_bytes_;
  base::Random random_;
};

}  // namespace troupe::store
