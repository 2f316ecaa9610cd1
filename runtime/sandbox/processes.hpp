#pragma once
// Resource usage of all processes of a sandbox, read from its /proc: used if no cgroup counts.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/time.hpp"

namespace troupe::sandbox {

struct ProcessesUsage {
  std::uint64_t memory_bytes = 0;   ///< without file pages; shared memory counts for each process that shares it
  std::uint64_t threads = 0;        ///< without the init
  std::uint64_t files = 0;          ///< open files of all processes
  std::uint64_t files_max = 0;      ///< of the process with the most
  base::Duration cpu{0};            ///< includes ended processes
  std::uint64_t sockets = 0;        ///< includes those that wait to be accepted
  std::uint64_t sockets_bytes = 0;  ///< bytes that all sockets could hold, including sockets in flight inside others
};

enum class Look : std::uint8_t {
  all,
  files,  ///< only `files`, `files_max` and `sockets`: a tenth of the work
};

/// The bytes that the kernel lets one socket hold: twice the usual net.core.wmem_max and rmem_max. The TCP value is our
/// choice, because TCP's buffers grow by themselves (net.ipv4.tcp_rmem up to 6 MiB, tcp_wmem up to 4 MiB).
inline constexpr std::uint64_t kSocketBytes = std::uint64_t{416} << 10, kTcpSocketBytes = std::uint64_t{4} << 20;

/// Returns how many processes the kernel has killed since boot because this machine or a group ran out of memory.
std::uint64_t kills_for_memory();

/// Returns the usage. `proc` is the folder /proc of the sandbox. A process that ends during the call may be missed.
ProcessesUsage usage_of_processes(int proc, Look look);

/// Returns the bytes that all sockets could hold, from /proc/PID/net/sockstat and sockstat6.
std::uint64_t bytes_of_sockets(std::string_view sockstat, std::string_view sockstat6);

/// Returns the field of /proc/PID/stat with that number in proc(5), at least kFirstStatField, or an empty text if there
/// is none. The process name before these fields may contain any bytes.
std::string_view stat_field(std::string_view stat, int number);
inline constexpr int kFirstStatField = 3;  // the state

/// Adds one process from its /proc/PID/status and /proc/PID/stat.
void add_process(ProcessesUsage& sum, std::string_view status, std::string_view stat);

}  // namespace troupe::sandbox
