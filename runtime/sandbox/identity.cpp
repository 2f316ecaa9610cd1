#include "runtime/sandbox/identity.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {
namespace {

// systemd assigns ids below 0x7000'0000 and calls those above 0x7fff'ffff unsafe: https://systemd.io/UIDS-GIDS
constexpr std::uint64_t kFirst = 0x7000'0000;
constexpr std::uint64_t kIdsEach = 2;
constexpr std::uint64_t kProcessesMax = std::uint64_t{1} << 22;  // PID_MAX_LIMIT of 64-bit kernels
constexpr std::uint64_t kEnd = kFirst + kIdsEach * kProcessesMax;

std::string map_of_this_process() {
  const base::Descriptor file(::open("/proc/self/uid_map", O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> text;
  const ssize_t got = file.valid() ? ::read(file.get(), text.data(), text.size()) : -1;
  return got > 0 ? std::string(text.data(), static_cast<std::size_t>(got)) : "";
}

bool write_map(pid_t process, const char* name, const std::string& text) {
  const std::string path = "/proc/" + std::to_string(process) + '/' + name;
  const base::Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

}  // namespace

std::uint32_t unused_ids(std::string_view own_map, pid_t process) {
  std::uint64_t best_end = 0, best_begin = 0;
  while (!own_map.empty()) {
    const auto line_end = std::min(own_map.find('\n'), own_map.size());
    const std::string line(own_map.substr(0, line_end));
    own_map.remove_prefix(std::min(line_end + 1, own_map.size()));
    unsigned long long inside = 0, outside = 0, count = 0;
    if (std::sscanf(line.c_str(), "%llu %llu %llu", &inside, &outside, &count) != 3) continue;
    if (inside <= kFirst && inside + count >= kEnd)
      return static_cast<std::uint32_t>(kFirst + kIdsEach * (static_cast<std::uint64_t>(process) % kProcessesMax));
    if (inside + count > best_end) best_begin = inside, best_end = inside + count;
  }
  // In a container: the upper half of its ids. Processes whose numbers are far apart may share ids, but not files.
  const std::uint64_t places = (best_end - best_begin) / 2 / kIdsEach;
  if (places < 64) return 0;
  return static_cast<std::uint32_t>(best_end - kIdsEach * (static_cast<std::uint64_t>(process) % places + 1));
}

Ids mappable() { return ::geteuid() == 0 && unused_ids(map_of_this_process(), ::getpid()) != 0 ? Ids::two : Ids::one; }

base::Result<void, std::string> map_ids(pid_t process, Ids ids) {
  const auto failed = [](const char* what) {
    const int error = errno;
    return std::string("the ids of the sandbox could not be mapped (") + what +
           "): " + std::generic_category().message(error);
  };
  if (ids == Ids::two) {
    const auto first = unused_ids(map_of_this_process(), process);
    const std::string map = std::to_string(kInitId) + ' ' + std::to_string(first) + " 1\n" +
                            std::to_string(kProgramId) + ' ' + std::to_string(first + 1) + " 1\n";
    if (!write_map(process, "uid_map", map)) return failed("uid_map");
    if (!write_map(process, "gid_map", map)) return failed("gid_map");
    return {};
  }
  const auto line = [](auto id) { return std::to_string(kProgramId) + ' ' + std::to_string(id) + " 1\n"; };
  if (!write_map(process, "setgroups", "deny")) return failed("setgroups");
  if (!write_map(process, "uid_map", line(::geteuid()))) return failed("uid_map");
  if (!write_map(process, "gid_map", line(::getegid()))) return failed("gid_map");
  return {};
}

}  // namespace troupe::sandbox
