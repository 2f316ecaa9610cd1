#include "runtime/sandbox/cgroup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "runtime/config/forms.hpp"
#include "runtime/sandbox/processes.hpp"

namespace troupe::sandbox {
namespace {

constexpr std::string_view kNames[kControllers] = {"memory", "pids", "cpu", "cpuacct"};
constexpr std::uint64_t kSlowedPart = 8;      // our choice: a program may briefly exceed its limit by this part of it
constexpr int kRemovalsMax = 100;             // tries, every 2 ms: a dying process leaves its group shortly after
constexpr int kRemovalPauseMs = 2;            // the parent has seen its end
constexpr std::uint64_t kPeriodUs = 100'000;  // of the CPU share; the kernel's own default

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(at), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool has_word(std::string_view list, char between, std::string_view word) {
  const auto words = split(list, between);
  return std::ranges::find(words, word) != words.end();
}

std::string content(const std::string& path) {
  std::string out;
  const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return out;
  std::array<char, 4096> part;
  for (ssize_t got; (got = ::read(file.get(), part.data(), part.size())) > 0;)
    out.append(part.data(), static_cast<std::size_t>(got));
  return out;
}

bool write_text(const std::string& path, const std::string& text) {
  const base::Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const std::string text = content(path);
  return config::parse_count(std::string_view(text).substr(0, text.find('\n')));
}

/// Returns the number after `word` at the beginning of a line: "oom_kill 2".
std::uint64_t field(std::string_view text, std::string_view word) {
  for (const auto line : split(text, '\n')) {
    if (!line.starts_with(word) || line.size() <= word.size() || line[word.size()] != ' ') continue;
    return config::parse_count(line.substr(word.size() + 1)).value_or(0);
  }
  return 0;
}

/// mountinfo writes a space of a path as \040.
std::string unescaped(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\' && i + 3 < path.size()) {
      out += static_cast<char>((path[i + 1] - '0') * 64 + (path[i + 2] - '0') * 8 + (path[i + 3] - '0'));
      i += 3;
    } else {
      out += path[i];
    }
  }
  return out;
}

/// Returns where the group `path` of a hierarchy is visible, if its group `root` is mounted at `point`.
std::string seen_at(std::string_view point, std::string_view root, std::string_view path) {
  std::string out = unescaped(point);
  if (root != "/") {
    if (!path.starts_with(root)) return out;  // the process is above the mounted group: groups are made at its top
    path.remove_prefix(root.size());
  }
  if (!path.empty() && path != "/") out += path;
  return out;
}

struct Group {
  std::string_view controllers, path;  // a line of /proc/self/cgroup
};

std::vector<Group> groups_in(std::string_view cgroup) {
  std::vector<Group> out;
  for (const auto line : split(cgroup, '\n')) {
    const auto first = line.find(':');
    const auto second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second != line.npos) out.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
  }
  return out;
}

bool writable(const std::string& folder) { return ::access(folder.c_str(), W_OK) == 0; }

/// Returns the nearest group from `folder` upwards whose children get these controllers; empty: there is none.
std::string delegated(std::string folder, std::string_view mount) {
  for (;;) {
    const std::string passed_on = content(folder + "/cgroup.subtree_control");
    const std::string_view list = std::string_view(passed_on).substr(0, passed_on.find('\n'));
    if (writable(folder) && has_word(list, ' ', "memory") && has_word(list, ' ', "pids")) return folder;
    if (folder.size() <= mount.size()) return "";
    folder.resize(folder.rfind('/'));
  }
}

/// Returns "1234-56789": a process, and its start in ticks since boot.
std::string name_of(pid_t process) {
  const std::string text = content("/proc/" + std::to_string(process) + "/stat");
  constexpr int kStart = 22;
  const auto start = stat_field(text, kStart);
  return start.empty() ? "" : std::to_string(process) + '-' + std::string(start);
}

/// Removes the groups below `folder` whose maker no longer exists. A group that still holds a process stays.
void sweep(const std::string& folder) {
  DIR* const listing = ::opendir(folder.c_str());
  if (listing == nullptr) return;
  while (const dirent* const entry = ::readdir(listing)) {
    const std::string_view name = entry->d_name;
    const auto second = name.find('-', name.find('-') + 1);
    const auto process = config::parse_count(name.substr(0, name.find('-')));
    if (!process || second == name.npos || *process == 0 || *process > 1u << 30) continue;
    if (name_of(static_cast<pid_t>(*process)) == name.substr(0, second)) continue;
    ::rmdir((folder + '/' + std::string(name)).c_str());
  }
  ::closedir(listing);
}

bool make_folder(const std::string& parent, const std::string& folder) {
  for (int tries = 0; tries < 3; ++tries) {  // another run may end and remove the parent between these two calls
    if (::mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) return false;
    if (::mkdir(folder.c_str(), 0755) == 0) return true;
    if (errno != ENOENT) return false;
  }
  return false;
}

}  // namespace

CgroupPlaces own_groups(std::string_view cgroup, std::string_view mountinfo) {
  CgroupPlaces one, two;
  const auto groups = groups_in(cgroup);
  for (const auto line : split(mountinfo, '\n')) {
    // "31 24 0:27 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw": root, point … type, source, options
    const auto dash = line.find(" - ");
    if (dash == line.npos) continue;
    const auto before = split(line.substr(0, dash), ' '), after = split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    const bool unified = after[0] == "cgroup2";
    if (!unified && after[0] != "cgroup") continue;
    for (const Group& group : groups) {
      if (unified && group.controllers.empty()) {
        two.version = 2;
        for (auto& folder : two.folders) folder = seen_at(before[4], before[3], group.path);
      }
      if (unified || group.controllers.empty()) continue;
      for (std::size_t i = 0; i < kControllers; ++i) {
        if (!has_word(group.controllers, ',', kNames[i]) || !has_word(after[2], ',', kNames[i])) continue;
        one.version = 1;
        one.folders[i] = seen_at(before[4], before[3], group.path);
      }
    }
  }
  // If both are mounted, each controller is in one of them: v1 has those that it lists.
  return one.version == 1 && !one.folders[0].empty() ? one : two;
}

CgroupPlaces find_cgroups() {
  CgroupPlaces out = own_groups(content("/proc/self/cgroup"), content("/proc/self/mountinfo"));
  if (out.version == 2) {
    std::string mount = out.folders[0];  // at most up to the last folder that is a group
    while (mount.size() > 1 && ::access((mount.substr(0, mount.rfind('/')) + "/cgroup.procs").c_str(), F_OK) == 0)
      mount.resize(mount.rfind('/'));
    const std::string place = delegated(out.folders[0], mount);
    for (auto& folder : out.folders) folder = place;
  } else {
    for (auto& folder : out.folders)
      if (!folder.empty() && !writable(folder)) folder.clear();
  }
  if (out.folders[0].empty() || out.folders[1].empty()) return {};
  return out;
}

void remove_leftovers(const CgroupPlaces& places, const std::string& group) {
  for (const std::string& folder : places.folders)
    if (!folder.empty()) sweep(folder + '/' + group), ::rmdir((folder + '/' + group).c_str());
}

Cgroup Cgroup::make(const CgroupPlaces& places, const std::string& group, const Limits& limits) {
  static unsigned made = 0;  // one thread makes sandboxes: the launcher, or the command
  if (places.version == 0) return {};
  const std::string name = name_of(::getpid()) + '-' + std::to_string(++made);
  Cgroup out;
  out.group_ = group;
  out.places_.version = places.version;
  for (std::size_t i = 0; i < kControllers; ++i) {
    if (places.folders[i].empty()) continue;
    const std::string parent = places.folders[i] + '/' + group, folder = parent + '/' + name;
    // Each hierarchy has one group, and two controllers of v1 may share a hierarchy.
    const auto same = std::find(out.places_.folders, out.places_.folders + i, folder);
    if (same == out.places_.folders + i) {
      if (!make_folder(parent, folder)) return {};
    }
    out.places_.folders[i] = folder;
    if (places.version == 2 && i == 0)
      write_text(parent + "/cgroup.subtree_control", "+memory +pids +cpu") ||
          write_text(parent + "/cgroup.subtree_control", "+memory +pids");
  }
  if (!out.limit(limits)) return {};
  if (out.has(Controller::cpu))
    out.quota_ = base::Descriptor(
        ::open(out.file(Controller::cpu, "cpu.cfs_quota_us", "cpu.max").c_str(), O_WRONLY | O_CLOEXEC));
  if (places.version == 2) {
    out.folder_ = base::Descriptor(::open(out.places_.folders[0].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!out.folder_.valid()) return {};
  }
  return out;
}

bool Cgroup::limit(const Limits& limits) {
  const std::string memory = std::to_string(limits.memory_bytes), pids = std::to_string(limits.pids + 1);
  const std::string quota = std::to_string(std::max<std::uint64_t>(kPeriodUs * limits.cpu.thousandths / 1'000, 1'000));
  const auto& folders = places_.folders;
  memory_bytes_ = limits.memory_bytes;
  if (places_.version == 2) {
    // Swap is a separate controller, which may be off; then there is no swap limit. memory.oom.group is not used: the
    // kernel logs a line for each process that it kills, and the launcher kills the rest.
    write_text(folders[0] + "/memory.swap.max", "0");
    if (!write_text(folders[2] + "/cpu.max", quota + ' ' + std::to_string(kPeriodUs)))
      places_.folders[2].clear(), places_.folders[3].clear();
    // Above its limit a program is slowed down until the launcher ends it. Kills by the kernel are in the kernel's log.
    const bool slows = write_text(folders[0] + "/memory.high", memory);
    const std::uint64_t most = limits.memory_bytes + (slows ? limits.memory_bytes / kSlowedPart : 0);
    return write_text(folders[0] + "/memory.max", std::to_string(most)) && write_text(folders[1] + "/pids.max", pids);
  }
  if (!folders[2].empty() && !(write_text(folders[2] + "/cpu.cfs_period_us", std::to_string(kPeriodUs)) &&
                               write_text(folders[2] + "/cpu.cfs_quota_us", quota)))
    return false;
  if (!write_text(folders[0] + "/memory.limit_in_bytes", memory)) return false;
  write_text(folders[0] + "/memory.memsw.limit_in_bytes", memory);  // it may be off
  write_text(folders[0] + "/memory.kmem.tcp.limit_in_bytes", memory);
  write_text(folders[0] + "/memory.oom_control", "1");  // processes wait for the launcher, and the kernel logs nothing
  return write_text(folders[1] + "/pids.max", pids);
}

void Cgroup::lift_quota() const {
  const std::string_view none = places_.version == 2 ? "max" : "-1";
  if (quota_.valid()) static_cast<void>(::pwrite(quota_.get(), none.data(), none.size(), 0));
}

Cgroup::Cgroup(Cgroup&& other) noexcept { *this = std::move(other); }

Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
  if (this == &other) return *this;
  remove();
  places_ = std::exchange(other.places_, {});
  group_ = std::exchange(other.group_, {});
  memory_bytes_ = other.memory_bytes_;
  folder_ = std::exchange(other.folder_, {});
  quota_ = std::exchange(other.quota_, {});
  return *this;
}

std::vector<base::Descriptor> Cgroup::doors() const {
  std::vector<base::Descriptor> out;
  if (places_.version != 1) return out;  // with v2 a process is born in its group
  for (std::size_t i = 0; i < kControllers; ++i) {
    const std::string& folder = places_.folders[i];
    if (folder.empty() || std::find(places_.folders, places_.folders + i, folder) != places_.folders + i) continue;
    out.emplace_back(::open((folder + "/tasks").c_str(), O_WRONLY | O_CLOEXEC));
  }
  return out;
}

std::string Cgroup::file(Controller controller, const char* v1, const char* v2) const {
  const auto& folder = places_.folders[static_cast<std::size_t>(controller)];
  return folder.empty() ? "" : folder + '/' + (places_.version == 2 ? v2 : v1);
}

std::uint64_t Cgroup::forks_refused() const {
  const auto path = file(Controller::pids, "pids.events", "pids.events");
  return path.empty() ? 0 : field(content(path), "max");
}

Killed killed_in_v2(std::string_view events, std::uint64_t bytes, std::uint64_t limit) {
  if (field(events, "oom") > 0 || bytes > limit + limit / kSlowedPart / 4) return Killed::for_its_limit;
  return field(events, "oom_kill") > 0 ? Killed::for_the_machine : Killed::none;
}

Killed killed_in_v1(std::string_view oom_control, std::uint64_t bytes_max, std::uint64_t limit) {
  // Only the memory counter says whether its limit was reached (memory.failcnt); the swap counter covers both together.
  const bool full = bytes_max > limit / 8 * 7;
  if (full && field(oom_control, "under_oom") > 0) return Killed::for_its_limit;
  if (field(oom_control, "oom_kill") == 0) return Killed::none;
  return full ? Killed::for_its_limit : Killed::for_the_machine;
}

Killed Cgroup::killed() const {
  const auto path = file(Controller::memory, "memory.oom_control", "memory.events");
  if (path.empty()) return Killed::none;
  if (places_.version == 2)
    return killed_in_v2(content(path), number_in(file(Controller::memory, "", "memory.current")).value_or(0),
                        memory_bytes_);
  return killed_in_v1(content(path), most_in_v1(), memory_bytes_);
}

std::uint64_t Cgroup::most_in_v1() const {
  std::uint64_t out = 0;
  for (const char* of : {"memory.max_usage_in_bytes", "memory.memsw.max_usage_in_bytes"})
    out = std::max(out, number_in(file(Controller::memory, of, "")).value_or(0));
  return out;
}

Cgroup::Counts Cgroup::counts() const {
  Counts out;
  if (places_.version == 0) return out;
  out.memory_bytes_max = number_in(file(Controller::memory, "memory.max_usage_in_bytes", "memory.peak"));
  out.pids_max = number_in(file(Controller::pids, "pids.peak", "pids.peak"));
  if (places_.version == 2) {
    const auto text = content(places_.folders[0] + "/cpu.stat");  // exists without the controller too
    if (!text.empty()) out.cpu = std::chrono::microseconds(field(text, "usage_usec"));
  } else if (has(Controller::cpuacct)) {
    const auto spent = number_in(file(Controller::cpuacct, "cpuacct.usage", ""));
    if (spent) out.cpu = base::Duration(static_cast<base::Duration::rep>(*spent));
  }
  return out;
}

void Cgroup::remove() {
  for (std::size_t i = 0; i < kControllers; ++i) {
    const std::string folder = std::exchange(places_.folders[i], {});
    if (folder.empty()) continue;
    for (int tries = 0; ::rmdir(folder.c_str()) != 0 && errno == EBUSY && tries < kRemovalsMax; ++tries)
      ::poll(nullptr, 0, kRemovalPauseMs);
  }
  places_ = {};
  folder_.reset(), quota_.reset();
}

}  // namespace troupe::sandbox
