#pragma once
// What all processes of a sandbox use, as its own /proc shows them: for where no cgroup counts.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::sandbox {

struct ProcessesUsage {
  std::uint64_t memory_bytes = 0;   ///< not of files; what is shared counts for each process that has it
  std::uint64_t threads = 0;        ///< without the init
  std::uint64_t files = 0;          ///< open ones, of all processes
  std::uint64_t files_max = 0;      ///< of the process that has most
  base::Duration cpu{0};            ///< also of those that have ended
  std::uint64_t sockets = 0;        ///< with those that wait to be accepted
  std::uint64_t sockets_bytes = 0;  ///< that all sockets could hold, also those that are under way in others
};

enum class Look : std::uint8_t {
  all,
  files,  ///< `files`, `files_max` and `sockets` alone: a tenth of the work
};

/// What the kernel lets one socket hold: twice net.core.wmem_max and rmem_max as they usually are; of TCP our choice,
/// for its buffers grow by themselves (net.ipv4.tcp_rmem and tcp_wmem; 6 and 4 MiB at most).
inline constexpr std::uint64_t kSocketBytes = std::uint64_t{416} << 10, kTcpSocketBytes = std::uint64_t{4} << 20;

/// How many processes the kernel has ended for want of memory, of this machine or of a group, since it runs.
std::uint64_t kills_for_memory();

/// `proc` is the folder /proc of the sandbox. A process that ends meanwhile may be missed.
ProcessesUsage usage_of_processes(int proc, Look look);

/// From /proc/PID/net/sockstat and sockstat6.
std::uint64_t bytes_of_sockets(std::string_view sockstat, std::string_view sockstat6);

/// A field of /proc/PID/stat by its number in proc(5): those before the first one here are not found this way. The name
/// before them may hold anything. Empty if there is none.
std::string_view stat_field(std::string_view stat, int number);
inline constexpr int kFirstStatField = 3;  // the state

/// Adds what /proc/PID/status and /proc/PID/stat say of one process.
void add_process(ProcessesUsage& sum, std::string_view status, std::string_view stat);

}  // namespace troupe::sandbox
