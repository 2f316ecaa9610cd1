#include "runtime/os/hardware.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace troupe::os {
namespace {

constexpr std::uint16_t kWhole = 1'000;
constexpr std::uint16_t kBusy = 900;  // our choice: of the cores; below it no program waits for a core

std::uint16_t share(std::uint64_t part, std::uint64_t all) {
  if (all == 0) return 0;
  // Neither is near 2^54: bytes of memory, ticks of processors.
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(part * kWhole / all, kWhole));
}

struct Memory {
  std::uint64_t all = 0, available = 0;  // bytes
};

Memory memory() {
  Memory out;
  std::ifstream in("/proc/meminfo");
  std::string name, unit;
  for (std::uint64_t kib = 0; in >> name >> kib; std::getline(in, unit)) {
    if (name == "MemTotal:") out.all = kib * 1'024;
    if (name == "MemAvailable:") {
      out.available = kib * 1'024;
      break;
    }
  }
  return out;
}

std::uint64_t cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return static_cast<std::uint64_t>(CPU_COUNT(&set));
  return static_cast<std::uint64_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1l));
}

/// Returns the least limit of the kernel and of the cgroups of this process: systemd gives a service some thousands.
/// Linux counts them by user, and compares them with the sender's limit of open files; root may pass more.
std::uint64_t passed() {
  rlimit open{};
  return ::geteuid() != 0 && ::getrlimit(RLIMIT_NOFILE, &open) == 0 ? open.rlim_cur : 0;
}

std::uint64_t pids() {
  std::uint64_t out = UINT64_MAX;
  const auto limit = [&out](const std::string& path) {
    std::uint64_t number = 0;
    if (std::ifstream in(path); in >> number) out = std::min(out, number);  // "max" means no limit
  };
  limit("/proc/sys/kernel/pid_max");
  limit("/proc/sys/kernel/threads-max");
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const bool second = line.starts_with("0::");
    if (!second && line.find(":pids:") == line.npos) continue;
    const std::string top = second ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    for (std::string group = line.substr(line.rfind(':') + 1); group.size() > 1; group.resize(group.rfind('/')))
      limit(top + group + "/pids.max");
  }
  return out == UINT64_MAX ? 0 : out;
}

}  // namespace

ports::Hardware::Has Hardware::has() const {
  Has out{
      .cores = cores(), .memory_bytes = memory().all, .pids = pids(), .passed = passed(), .arch = {}, .runtimes = {}};
  utsname name{};
  if (::uname(&name) == 0) out.arch = name.machine;
  for (const char* runtime : {"bash", "java", "lua", "node", "perl", "php", "python3", "ruby"})
    if (::access((std::string("/usr/bin/") + runtime).c_str(), X_OK) == 0) out.runtimes.emplace_back(runtime);
  return out;
}

ports::Hardware::Busy Hardware::busy() {
  Busy out;
  double load = 0;
  if (std::ifstream in("/proc/loadavg"); in >> load && load >= 0 && load < 1e6)
    out.load = static_cast<std::uint32_t>(load * kWhole / static_cast<double>(cores()));
  const Memory now = memory();
  out.memory = share(now.all - std::min(now.available, now.all), now.all);

  std::ifstream in("/proc/stat");
  std::string line, name;
  std::getline(in, line);
  std::istringstream fields(line);
  fields >> name;
  // user nice system idle iowait irq softirq steal; the time of guests is also in the first two
  constexpr int kIdle = 3, kWaits = 4, kFields = 8;
  std::uint64_t all = 0, idle = 0, ticks = 0;
  for (int i = 0; i < kFields && fields >> ticks; ++i) {
    all += ticks;
    if (i == kIdle || i == kWaits) idle += ticks;
  }
  const std::lock_guard hold(lock_);
  // Some kernels let the idle time decrease.
  if (all > all_ && idle >= idle_) out.cpu = share(all - all_ - std::min(idle - idle_, all - all_), all - all_);
  all_ = all;
  idle_ = idle;
  // A program that makes others wait uninterruptibly adds to the load without using resources.
  if (out.cpu < kBusy) out.load = std::min(out.load, std::uint32_t{kWhole});
  return out;
}

}  // namespace troupe::os
