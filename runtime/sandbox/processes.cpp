#include "runtime/sandbox/processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "runtime/base/descriptor.hpp"
#include "runtime/config/forms.hpp"

namespace troupe::sandbox {
namespace {

const std::string kInit = "1";

std::string text_at(int folder, const std::string& path) {
  const base::Descriptor file(::openat(folder, path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> space;
  const ssize_t got = file.valid() ? ::read(file.get(), space.data(), space.size()) : -1;
  return got > 0 ? std::string(space.data(), static_cast<std::size_t>(got)) : "";
}

/// The number in the line that begins with `name`: "RssAnon:\t  1024 kB". 0 if there is none.
std::uint64_t number_after(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    if (at > 0 && text[at - 1] != '\n') continue;
    auto rest = text.substr(at + name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    return config::parse_count(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0);
  }
  return 0;
}

/// Of /proc, by its number.
void for_each_process(int proc, const auto& seen) {
  const int again = ::openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return;
  DIR* const listing = ::fdopendir(again);
  if (listing == nullptr) {
    ::close(again);
    return;
  }
  while (const dirent* const entry = ::readdir(listing))
    if (config::parse_count(entry->d_name)) seen(entry->d_name);
  ::closedir(listing);
}

std::uint64_t ticks(std::string_view stat) {
  std::uint64_t out = 0;
  for (const int time : {14, 15, 16, 17})  // utime stime cutime cstime
    out += config::parse_count(stat_field(stat, time)).value_or(0);
  return out;
}

}  // namespace

std::string_view stat_field(std::string_view stat, int number) {
  const auto name_end = stat.rfind(')');
  if (name_end == stat.npos) return {};
  std::string_view rest = stat.substr(name_end + 1);
  for (int field = kFirstStatField;; ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \n"), rest.size()));
    const auto end = std::min(rest.find_first_of(" \n"), rest.size());
    if (field >= number || rest.empty()) return rest.substr(0, end);
    rest.remove_prefix(end);
  }
}

void add_process(ProcessesUsage& sum, std::string_view status, std::string_view stat) {
  constexpr std::uint64_t kKiB = 1'024;
  // Page tables too: a process may have many of them and nearly no page.
  for (const char* part : {"RssAnon:", "RssShmem:", "VmPTE:", "VmSwap:"})
    sum.memory_bytes += kKiB * number_after(status, part);
  sum.threads += number_after(status, "Threads:");
  static const long per_second = ::sysconf(_SC_CLK_TCK);
  sum.cpu += base::Duration(std::chrono::seconds(1)) / per_second * static_cast<std::int64_t>(ticks(stat));
}

std::uint64_t bytes_of_sockets(std::string_view sockstat, std::string_view sockstat6) {
  const std::uint64_t all = number_after(sockstat, "sockets: used");
  const std::uint64_t tcp = number_after(sockstat, "TCP: inuse") + number_after(sockstat6, "TCP6: inuse");
  return (all - std::min(all, tcp)) * kSocketBytes + tcp * kTcpSocketBytes;
}

std::string meminfo() { return text_at(AT_FDCWD, "/proc/meminfo"); }

void wait_for_mounts() {
  // A copy of a mount is made and dropped under the lock that is one's alone, which is what a start waits for. Who may
  // not do that waits for those that read and have others wait.
  const base::Descriptor copy(::open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!copy.valid()) text_at(AT_FDCWD, "/proc/self/mountinfo");
}

base::Duration waited_in_kernel() {
  const auto whole = std::chrono::steady_clock::now().time_since_epoch();
  timespec ran{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran);
  // Documentation/scheduler/sched-stats.rst: nanoseconds on a core, and nanoseconds in which it waited for one.
  const std::string turns = text_at(AT_FDCWD, "/proc/thread-self/schedstat");
  std::string_view delayed = turns;
  delayed.remove_prefix(std::min(delayed.find(' ') + 1, delayed.size()));
  delayed = delayed.substr(0, delayed.find(' '));
  const std::chrono::nanoseconds ready(config::parse_count(delayed).value_or(0));
  return std::chrono::duration_cast<base::Duration>(whole - std::chrono::seconds(ran.tv_sec) -
                                                    std::chrono::nanoseconds(ran.tv_nsec) - ready);
}

bool waits_in_kernel(pid_t process) {
  return stat_field(text_at(AT_FDCWD, "/proc/" + std::to_string(process) + "/stat"), kFirstStatField) == "D";
}

// It is longer than what text_at() reads, and what is sought stands behind half of it.
std::uint64_t kills_for_memory() {
  const base::Descriptor file(::open("/proc/vmstat", O_RDONLY | O_CLOEXEC));
  std::string text(std::size_t{32} << 10, '\0');
  std::size_t size = 0;
  while (file.valid() && size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return number_after(text, "oom_kill ");
}

bool is_short_of_memory(std::string_view meminfo) {
  constexpr std::uint64_t kPart = 32, kMostKiB = std::uint64_t{1} << 20;
  const std::uint64_t all = number_after(meminfo, "MemTotal:"), left = number_after(meminfo, "MemAvailable:");
  return left < std::min(all / kPart, kMostKiB);
}

std::string memory_pressure() { return text_at(AT_FDCWD, "/proc/pressure/memory"); }

base::Duration waited_for_memory(std::string_view pressure) {
  const std::string_view some = pressure.substr(0, pressure.find('\n'));
  constexpr std::string_view kTotal = "total=";
  const auto at = some.find(kTotal);
  if (!some.starts_with("some ") || at == some.npos) return {};
  constexpr std::uint64_t kMost = base::Duration::max() / std::chrono::microseconds(1);
  return std::chrono::microseconds(std::min(config::parse_count(some.substr(at + kTotal.size())).value_or(0), kMost));
}

std::vector<std::uint64_t> numbers_of_processes(int proc) {
  std::vector<std::uint64_t> out;
  for_each_process(proc, [&](const std::string& process) { out.push_back(config::parse_count(process).value_or(0)); });
  return out;
}

std::uint64_t mapped_bytes(int proc) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::uint64_t pages = 0;
  for_each_process(proc, [&](const std::string& process) {
    if (process == kInit) return;
    const std::string sizes = text_at(proc, process + "/statm");
    pages += config::parse_count(std::string_view(sizes).substr(0, sizes.find(' '))).value_or(0);
  });
  return pages * page;
}

std::uint64_t file_bytes_of(std::string_view line) {
  // "7f00-7f80 r--s 00000000 08:01 1234   /path", where memory of no file has the inode 0.
  const auto hexadecimal = [&line](char end) {
    std::uint64_t out = 0;
    const auto [at, error] = std::from_chars(line.data(), line.data() + line.size(), out, 16);
    const bool whole = error == std::errc() && at != line.data() + line.size() && *at == end;
    line.remove_prefix(whole ? static_cast<std::size_t>(at - line.data()) + 1 : line.size());
    return out;
  };
  const std::uint64_t begin = hexadecimal('-'), end = hexadecimal(' ');
  for (int field = 0; field < 3; ++field) {
    line.remove_prefix(std::min(line.find(' '), line.size()));
    line.remove_prefix(std::min<std::size_t>(1, line.size()));
  }
  if (line.empty() || line.substr(0, line.find(' ')) == "0") return 0;
  return end - std::min(begin, end);
}

std::optional<std::uint64_t> mapped_file_bytes(int proc, std::uint64_t most, base::Duration time) {
  constexpr std::size_t kHead = 128;  // of a line: all but its path
  const auto end = std::chrono::steady_clock::now() + time;
  std::uint64_t out = 0;
  bool in_time = true;
  for_each_process(proc, [&](const std::string& process) {
    if (process == kInit || out > most || !in_time) return;
    const base::Descriptor file(::openat(proc, (process + "/maps").c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 4096> space;
    std::string head;
    while (file.valid() && out <= most && in_time) {
      const ssize_t got = ::read(file.get(), space.data(), space.size());
      if (got <= 0) break;
      for (std::string_view rest(space.data(), static_cast<std::size_t>(got)); !rest.empty();) {
        const auto part = std::min(rest.find('\n'), rest.size());
        head += rest.substr(0, std::min(part, kHead - head.size()));
        if (part < rest.size()) {
          out += file_bytes_of(head);
          head.clear();
        }
        rest.remove_prefix(std::min(part + 1, rest.size()));
      }
      in_time = std::chrono::steady_clock::now() < end;
    }
  });
  if (out <= most && !in_time) return std::nullopt;
  return out;
}

ProcessesUsage usage_of_processes(int proc, Look look) {
  ProcessesUsage out;
  const std::string network = kInit + "/net/";
  const std::string sockstat = text_at(proc, network + "sockstat");
  out.sockets = number_after(sockstat, "sockets: used");
  if (look == Look::all) out.sockets_bytes = bytes_of_sockets(sockstat, text_at(proc, network + "sockstat6"));
  for_each_process(proc, [&](const std::string& process) {
    if (look == Look::all) {
      ProcessesUsage one;
      add_process(one, text_at(proc, process + "/status"), text_at(proc, process + "/stat"));
      out.cpu += one.cpu;
      // The memory of the init is a copy of ours; of it only the time counts that its children have left.
      if (process != kInit) out.memory_bytes += one.memory_bytes, out.threads += one.threads;
    }
    if (process == kInit) return;
    struct stat folder {};  // Linux 6.2 and later: its size is the number of open files
    if (::fstatat(proc, (process + "/fd").c_str(), &folder, 0) == 0) {
      const auto files = static_cast<std::uint64_t>(folder.st_size);
      out.files += files;
      out.files_max = std::max(out.files_max, files);
    }
  });
  return out;
}

}  // namespace troupe::sandbox
