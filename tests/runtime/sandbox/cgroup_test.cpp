#include "runtime/sandbox/cgroup.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace troupe;
using namespace troupe::sandbox;

namespace {

constexpr const char* kOnlyV2 =
    "22 28 0:21 / /sys rw,nosuid - sysfs sysfs rw\n"
    "31 22 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

constexpr const char* kV1 =
    "40 30 0:34 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "41 30 0:35 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "42 30 0:36 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "43 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

}  // namespace

TEST_CASE("sandbox cgroups: with v2 all controllers are in the group of the process") {
  const auto places = own_groups("0::/user.slice/user-1000.slice/session-2.scope\n", kOnlyV2);
  CHECK(places.version == 2);
  for (const auto& folder : places.folders)
    CHECK(folder == "/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope");
}

TEST_CASE("sandbox cgroups: with v1 each controller has its own hierarchy, and two may share one") {
  const auto places = own_groups("9:pids:/\n4:memory:/jobs/17\n1:cpu,cpuacct:/a\n0::/\n", kV1);
  CHECK(places.version == 1);
  CHECK(places.folders[0] == "/sys/fs/cgroup/memory/jobs/17");
  CHECK(places.folders[1] == "/sys/fs/cgroup/pids");
  CHECK(places.folders[2] == "/sys/fs/cgroup/cpu,cpuacct/a");
  CHECK(places.folders[3] == "/sys/fs/cgroup/cpu,cpuacct/a");
}

TEST_CASE("sandbox cgroups: a part of a hierarchy that is mounted is entered at its own root") {
  const auto inside = own_groups("4:memory:/docker/17/job\n9:pids:/docker/17\n",
                                 "40 30 0:34 /docker/17 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                                 "41 30 0:35 /docker/17 /sys/fs/cgroup/pi\\040ds rw - cgroup cgroup rw,pids\n");
  CHECK(inside.folders[0] == "/sys/fs/cgroup/memory/job");
  CHECK(inside.folders[1] == "/sys/fs/cgroup/pi ds");
}

TEST_CASE("sandbox cgroups: where none is mounted there is none, whatever the text") {
  CHECK(own_groups("", "") == CgroupPlaces{});
  CHECK(own_groups("0::/\n", "") == CgroupPlaces{});
  CHECK(own_groups("", kV1).version == 0);
  for (const char* odd :
       {"::", "1:memory", "-", " - ", "1 2 3 4 5 - cgroup", "\n\n\n", "40 30 0:34 - cgroup cgroup memory"})
    CHECK(own_groups(odd, odd).version == 0);
}

// The kernel ends the largest program of a machine that has no memory left: that was taken for the program's own limit.
TEST_CASE("sandbox cgroups: who was killed for want of the machine's memory has not met a limit of its own") {
  CHECK(killed_in_v2("low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n", 64, 64) == Killed::none);
  CHECK(killed_in_v2("low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\n", 64, 64) == Killed::for_its_limit);
  CHECK(killed_in_v2("low 0\nhigh 0\nmax 0\noom 0\noom_kill 1\noom_group_kill 1\n", 32, 64) == Killed::for_the_machine);
  CHECK(killed_in_v2("", 64, 64) == Killed::none);
  CHECK(killed_in_v2("high 3\noom 0\noom_kill 0\n", 66'000, 64'000) == Killed::none);
  CHECK(killed_in_v2("high 3\noom 0\noom_kill 0\n", 67'000, 64'000) == Killed::for_its_limit);
  CHECK(killed_in_v1("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", 64, 64) == Killed::none);
  CHECK(killed_in_v1("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", 63, 64) == Killed::for_its_limit);
  CHECK(killed_in_v1("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", 32, 64) == Killed::for_the_machine);
  CHECK(killed_in_v1("oom_kill_disable 1\nunder_oom 1\noom_kill 0\n", 64, 64) == Killed::for_its_limit);
  CHECK(killed_in_v1("oom_kill_disable 1\nunder_oom 1\noom_kill 0\n", 32, 64) == Killed::none);  // all that it lies in
}

TEST_CASE("sandbox cgroups: no group limits nothing, counts nothing and is removed twice without harm") {
  Cgroup none = Cgroup::make({}, "troupe-00000000", {});
  CHECK(none.version() == 0);
  CHECK_FALSE(none.has(Controller::memory));
  CHECK(none.folder() < 0);
  const auto counts = none.counts();
  CHECK_FALSE(counts.memory_bytes_max);
  CHECK_FALSE(counts.cpu);
  CHECK(none.forks_refused() == 0);
  CHECK(none.killed() == Killed::none);
  none.remove();
  none.remove();
}

TEST_CASE("sandbox cgroups: the quota of a program that is ended is lifted") {
  const CgroupPlaces places = find_cgroups();
  Cgroup group = Cgroup::make(places, "troupe-00000001", {});
  if (!group.has(Controller::cpu)) {
    MESSAGE("SKIPPED: no cgroup counts cores here");
    return;
  }
  const std::filesystem::path parent(places.folders[static_cast<std::size_t>(Controller::cpu)] + "/troupe-00000001");
  const auto text = [&] {
    std::string out;
    for (const auto& one : std::filesystem::directory_iterator(parent)) {
      if (!one.is_directory()) continue;
      std::ifstream file(one.path() / (group.version() == 2 ? "cpu.max" : "cpu.cfs_quota_us"));
      out.assign(std::istreambuf_iterator<char>(file), {});
    }
    return out;
  };
  const std::string none = group.version() == 2 ? "max 100000\n" : "-1\n";
  CHECK(text() != none);
  group.lift_quota();
  CHECK(text() == none);
  Cgroup().lift_quota();
  group.remove();
  remove_leftovers(places, "troupe-00000001");
}
