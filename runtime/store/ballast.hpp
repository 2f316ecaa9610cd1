#pragma once
// A file that reserves space on the device: the store removes it when the device is full.
//
// Why     Any program can take the free space. LevelDB writes whenever it opens (a log, a manifest, a table with the
//         old log's records), and a deletion is written before it frees space. So without the ballast, the store could
//         neither open nor delete on a full device.
// Bytes   Random (File::fill), because a file system that compresses or shares blocks would reserve no space for zeros
//         or a sparse file.
// Size    kBallastBytes; on a small device 1/kDeviceParts of it, but at least kBallastBytesMin.
// Growth  In steps, as long as the reserve stays free in addition. A file that a crash left incomplete is completed.
// Release All at once: the bytes are then free for the caller, but also for all other programs.
// Owner   One thread. Both calls block on the device.
#include <cstdint>
#include <string>

#include "runtime/base/random.hpp"
#include "runtime/ports/disk.hpp"
#include "runtime/store/database.hpp"

namespace troupe::store {

inline constexpr std::uint64_t kBallastBytes = 16 * 1024 * 1024;  // twice what opening can write (kReviveBytes)
inline constexpr std::uint64_t kBallastBytesMin = kReviveBytes + 2 * 1024 * 1024;  // a smaller ballast is useless
inline constexpr std::uint64_t kBallastStepBytes = 4 * 1024 * 1024;                // our choice: some 50 ms of a disk
inline constexpr std::uint64_t kDeviceParts = 16;  // our choice: the largest file of a store on a small device

class Ballast {
 public:
  /// Uses the file `directory`/ballast of `disk`, which must outlive this object. The file has at most `bytes_max`
  /// bytes; zero: no ballast. `reserve_bytes` stay free in addition. The file's bytes are drawn from `seed`.
  Ballast(ports::Disk& disk, std::string directory, std::uint64_t bytes_max, std::uint64_t reserve_bytes,
          std::uint64_t seed);

  enum class Grown : std::uint8_t {
    more,   ///< a step was done, and more are left
    whole,  ///< the ballast has its full size
    waits,  ///< no space for the next step, or the device failed
  };
  /// Does one step of the growth.
  Grown grow();

  /// Removes the file. Returns whether that freed space. Needs no space.
  bool release();

  /// Returns its present size.
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
