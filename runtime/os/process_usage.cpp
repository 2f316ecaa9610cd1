#include "runtime/os/process_usage.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace troupe::os {
namespace {

base::Duration span(const timeval& time) {
  return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

std::optional<std::uint64_t> open_descriptors() {
  DIR* const folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return std::nullopt;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.' ? 1u : 0u;
  ::closedir(folder);
  return count - 1;  // without the descriptor of this scan
}

/// Returns when the machine started, in seconds since 1970.
std::optional<std::int64_t> machine_start() {
  std::ifstream in("/proc/stat");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("btime ")) return std::stoll(line.substr(6));
  return std::nullopt;
}

std::optional<base::WallTime> start_of_process() {
  std::ifstream in("/proc/self/stat");
  std::string line;
  // The second field, the program's name in brackets, may contain blanks and brackets: fields are counted after it.
  if (!std::getline(in, line) || line.rfind(')') == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string field;
  for (int number = 3; number < 22; ++number) fields >> field;
  std::int64_t ticks = 0;
  const auto machine = machine_start();
  const long per_second = ::sysconf(_SC_CLK_TCK);
  if (!(fields >> ticks) || !machine || per_second <= 0) return std::nullopt;
  const auto tick = base::Duration{std::chrono::seconds{1}} / per_second;
  return base::WallTime(std::chrono::seconds{*machine} + ticks * tick);
}

}  // namespace

ProcessUsage process_usage() {
  ProcessUsage out;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) out.cpu = span(usage.ru_utime) + span(usage.ru_stime);
  std::ifstream memory("/proc/self/statm");
  std::uint64_t whole = 0, resident = 0;
  const long page = ::sysconf(_SC_PAGESIZE);
  if (page > 0 && memory >> whole >> resident) {
    out.virtual_bytes = whole * static_cast<std::uint64_t>(page);
    out.resident_bytes = resident * static_cast<std::uint64_t>(page);
  }
  out.descriptors_open = open_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.descriptors_max = limit.rlim_cur;
  out.started = start_of_process();
  return out;
}

}  // namespace troupe::os
