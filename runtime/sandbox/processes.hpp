#pragma once
// What all processes of a sandbox use, as its own /proc shows them: for where no cgroup counts.
#include <sys/types.h>

#include <cstdint>
#include <optional>
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

/// What no cgroup may count of a socket, measured: 62 KiB of a datagram that is corked (MSG_MORE), 300 KiB of its queue
/// of errors (SO_TIMESTAMPING), 48 KiB and more of a connection that waits to be accepted.
inline constexpr std::uint64_t kUncountedSocketBytes = std::uint64_t{416} << 10;
/// Our choice: sockets of another node's program may take so much beside what is counted: a half of it.
inline constexpr std::uint64_t kUncountedPart = 2;

/// Whether the machine has nearly no memory left, as /proc/meminfo says: a 32nd of it, 1 GiB at most. It is used up by
/// what no cgroup counts, too.
bool is_short_of_memory(std::string_view meminfo);

/// Of this machine.
std::string meminfo();

/// Waits as long as a start does each time that it takes the lock of all mounts (namespace_sem), twice.
void wait_for_mounts();

/// How long this thread has waited in all, but for its turn of a core: for locks, disks, and what it asked to wait for.
/// The difference of two says something.
base::Duration waited_in_kernel();

/// Whether it waits for a lock or a disk, and no signal ends that (state D of proc(5)).
bool waits_in_kernel(pid_t process);

/// How long in all at least one thread of the machine has waited for memory that was being reclaimed, the work for it
/// included: "some" of /proc/pressure/memory (Documentation/accounting/psi.rst). 0 where the kernel does not say it.
base::Duration waited_for_memory(std::string_view pressure);
/// Of this machine, now.
std::string memory_pressure();

/// How many processes the kernel has ended for want of memory, of this machine or of a group, since it runs.
std::uint64_t kills_for_memory();

/// `proc` is the folder /proc of the sandbox. A process that ends meanwhile may be missed.
ProcessesUsage usage_of_processes(int proc, Look look);

/// Of all of a sandbox, the init too.
std::vector<std::uint64_t> numbers_of_processes(int proc);

/// The addresses that all processes of a sandbox but its init have mapped, of memory or files, used or not.
std::uint64_t mapped_bytes(int proc);
/// Those of files alone, or beyond `most` any number. Nothing if to read of all takes longer than `time`: there may be
/// millions, with paths of megabytes, and it waits for each process that maps or unmaps something.
std::optional<std::uint64_t> mapped_file_bytes(int proc, std::uint64_t most, base::Duration time);
/// Of the begin of a line of /proc/PID/maps: its addresses if they are those of a file, otherwise 0.
std::uint64_t file_bytes_of(std::string_view line);

/// From /proc/PID/net/sockstat and sockstat6.
std::uint64_t bytes_of_sockets(std::string_view sockstat, std::string_view sockstat6);

/// A field of /proc/PID/stat by its number in proc(5): those before the first one here are not found this way. The name
/// before them may hold anything. Empty if there is none.
std::string_view stat_field(std::string_view stat, int number);
inline constexpr int kFirstStatField = 3;  // the state

/// Adds what /proc/PID/status and /proc/PID/stat say of one process.
void add_process(ProcessesUsage& sum, std::string_view status, std::string_view stat);

}  // namespace troupe::sandbox
