#pragma once
// The resources that a sandboxed program may use, and the forms in which a person types them.
//
// No value means unlimited: the parsers refuse zero. README.md says what happens at a limit.
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/base/time.hpp"

namespace troupe::sandbox {

/// Cores, in thousandths: half a core is 500.
struct Cores {
  std::uint32_t thousandths = 1'000;
  friend bool operator==(const Cores&, const Cores&) = default;
};

struct Limits {
  Cores cpu;
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;  ///< includes bytes written to /task and /tmp
  std::uint64_t disk_bytes = std::uint64_t{64} << 20;     ///< of /task and /tmp together
  std::uint32_t pids = 64;                                ///< processes and threads
  base::Duration time = std::chrono::hours{1};            ///< wall clock time
  std::uint32_t files = 1'024;                            ///< open files per process; also inodes of /task and /tmp
  std::uint64_t output_bytes = std::uint64_t{64} << 20;   ///< standard output and error together
  friend bool operator==(const Limits&, const Limits&) = default;
};

inline constexpr std::uint32_t kCoresMax = 1'024;
inline constexpr std::uint64_t kMemoryBytesMin = std::uint64_t{1} << 20;  // with less the kernel cannot start a program
inline constexpr std::uint64_t kDiskBytesMin = 4'096;                     // a page
inline constexpr std::uint64_t kBytesMax = std::uint64_t{1} << 50;
inline constexpr std::uint32_t kPidsMax = 32'768;
inline constexpr std::uint32_t kFilesMin = 4;  // the three streams, and the program itself
inline constexpr std::uint32_t kFilesMax = 1'048'576;
inline constexpr base::Duration kTimeMin = std::chrono::milliseconds{1};

enum class Limit : std::uint8_t { time, cpu, memory, pids, disk, files, output };

/// Returns the name for commands and JSON: "time".
std::string_view name(Limit limit);

/// Parses "2", "0.5": at most three decimals, 0.01 to kCoresMax.
std::optional<Cores> parse_cores(std::string_view text);
/// Parses "512", "64K", "256M", "2G" (powers of 1,024; "MiB" equals "M"); at most kBytesMax.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace troupe::sandbox
