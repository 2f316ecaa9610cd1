#include "runtime/sandbox/processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

/// Returns the number in the line that begins with `name`: "RssAnon:\t  1024 kB". 0 if there is none.
std::uint64_t number_after(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    if (at > 0 && text[at - 1] != '\n') continue;
    auto rest = text.substr(at + name.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    return config::parse_count(rest.substr(0, rest.find_first_not_of("0123456789"))).value_or(0);
  }
  return 0;
}

/// Calls `seen` for each process of /proc, with its number.
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
  // Page tables count too: a process may have many of them and almost no pages.
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

// /proc/vmstat is longer than what text_at() reads, and this field is in its second half.
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
      // The memory of the init is a copy of the launcher's; only the CPU time of its ended children counts.
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
