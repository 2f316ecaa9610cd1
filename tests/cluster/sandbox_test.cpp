// troupe sandbox, as processes: exits, limits, streams, and what is left afterwards.
#include <sys/types.h>

#include <filesystem>

#include "tests/cluster/printed.hpp"
#include "tests/cluster/program.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr int kTimeOut = 124;
constexpr int kNotMade = 125;
constexpr int kNotStarted = 126;
constexpr int kNotFound = 127;
constexpr int kKilled = 137;

/// `sandbox run` with these options, of a script in the root of this host.
Seen run_script(const Folder& folder, const std::string& script, std::vector<std::string> options = {}) {
  options.insert(options.begin(), {"sandbox", "run", "--root", "/", "--time", "25s"});
  options.insert(options.end(), {"--", "/bin/sh", "-c", script});
  return troupe::test::troupe(folder, options);
}

/// False, and the case is skipped, where the kernel makes no sandbox for this user.
bool can_be_made(const Folder& folder) {
  const Seen seen = run_script(folder, "true");
  if (seen.exit == kNotMade) skip(seen.err);
  else CHECK_MESSAGE(seen.exit == 0, seen.err);
  return seen.exit == 0;
}

/// Groups of this program's runs that exist now, in whatever hierarchy.
std::size_t groups_left() {
  std::size_t out = 0;
  std::error_code failed;
  const std::filesystem::recursive_directory_iterator end;
  auto at = std::filesystem::recursive_directory_iterator(
      "/sys/fs/cgroup", std::filesystem::directory_options::skip_permission_denied, failed);
  for (; !failed && at != end; at.increment(failed)) out += at->path().filename() == "troupe-00000000";
  return out;
}

struct Way {
  const char* name;
  std::vector<std::string> options;
};
const Way kWays[] = {{"with cgroups, where there are", {}}, {"without cgroups", {"--no-cgroup"}}};

}  // namespace

TEST_CASE("cluster sandbox: a run ends with the status of its program, or 128 and its signal") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  CHECK(run_script(folder, "exit 7").exit == 7);
  CHECK(run_script(folder, "exit 255").exit == 255);
  CHECK(run_script(folder, "kill -TERM $$").exit == 143);
  CHECK(run_script(folder, "kill -KILL $$").exit == kKilled);
  const Seen said = run_script(folder, "echo out; echo err >&2");
  CHECK(said.out == "out\n");
  CHECK(said.err == "err\n");
}

TEST_CASE("cluster sandbox: a program that cannot be started is 126, one that is not there 127") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  const auto started = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"sandbox", "run"});
    return troupe::test::troupe(folder, words);
  };
  CHECK(started({"--root", "/", "--", "/etc/passwd"}).exit == kNotStarted);
  CHECK(started({"--root", "/", "--", "/etc"}).exit == kNotStarted);
  const Seen absent = started({"--root", "/", "--", "no-such-program"});
  CHECK(absent.exit == kNotFound);
  CHECK(contains(absent.err, "no-such-program"));
  const Seen empty = started({"--", "/bin/true"});
  CHECK(empty.exit == kNotFound);
  CHECK(contains(empty.err, "--root DIR"));
  CHECK(started({"--root", folder / "absent", "--", "x"}).exit == kNotMade);
}

TEST_CASE("cluster sandbox: limits that cannot be are exit 2, and nothing is started") {
  const Folder folder;
  const std::pair<const char*, const char*> wrong[] = {
      {"--cpu", "0"},   {"--cpu", "x"},    {"--memory", "0"},    {"--memory", "100K"}, {"--memory", "1.5G"},
      {"--disk", "0"},  {"--pids", "0"},   {"--pids", "100000"}, {"--time", "0s"},     {"--time", "5"},
      {"--files", "0"}, {"--output", "0"}, {"--output", "-1"},
  };
  for (const auto& [option, value] : wrong) {
    const Seen seen = troupe::test::troupe(folder, {"sandbox", "run", option, value, "--", "/bin/true"});
    CHECK_MESSAGE(seen.exit == 2, option << ' ' << value << ": " << seen.err);
    CHECK_MESSAGE(contains(seen.err, option), seen.err);
  }
  CHECK(troupe::test::troupe(folder, {"sandbox", "run"}).exit == 2);
}

TEST_CASE("cluster sandbox: each limit holds, and what was hit is said") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  for (const Way& way : kWays) {
    CAPTURE(std::string(way.name));
    const auto limited = [&](const std::string& option, const std::string& value, const std::string& script) {
      std::vector<std::string> options = way.options;
      options.insert(options.end(), {option, value});
      return run_script(folder, script, options);
    };
    std::vector<std::string> timed{"sandbox", "run", "--root", "/", "--time", "200ms"};
    timed.insert(timed.end(), way.options.begin(), way.options.end());
    timed.insert(timed.end(), {"--", "/bin/sleep", "60"});
    const Seen time = troupe::test::troupe(folder, timed);
    CHECK(time.exit == kTimeOut);
    CHECK(contains(time.err, "--time 200ms"));

    // It keeps the last lines of what has none.
    const Seen memory = limited("--memory", "32M", "exec tail /dev/zero");
    CHECK(memory.exit != 0);
    CHECK_MESSAGE(contains(memory.err, "--memory"), memory.err);

    const Seen disk = limited("--disk", "1M", "head -c 5000000 /dev/zero >/task/file");
    CHECK(disk.exit != 0);
    CHECK_MESSAGE(contains(disk.err, "--disk"), disk.err);

    const Seen files = limited("--files", "20", "for i in $(seq 30); do : >/tmp/$i || exit 1; done");
    CHECK(files.exit != 0);
    CHECK_MESSAGE(contains(files.err, "--files"), files.err);

    const Seen output = limited("--output", "100K", "yes");
    CHECK(output.exit == kKilled);
    CHECK(output.out.size() == 102'400);
    CHECK_MESSAGE(contains(output.err, "--output"), output.err);
    // Its pipe takes the rest, and it has ended by itself before it could be ended.
    CHECK(limited("--output", "100K", "head -c 110000 /dev/zero").exit == kKilled);

    // Two of the eight that wait for ever are refused: the script and five of them are as many as may be.
    const Seen pids = limited("--pids", "6", "for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; sleep 0.2; exit 1");
    CHECK(pids.exit != 0);
    CHECK_MESSAGE(contains(pids.err, "fork"), pids.err);
  }
}

TEST_CASE("cluster sandbox: with --json the last line on standard error says how it ended") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  const Seen failed = run_script(folder, "echo words; exit 3", {"--json"});
  CHECK(failed.exit == 3);
  CHECK(failed.out == "words\n");
  CHECK(Outputs().unfit(failed.err, "SandboxRan") == "");
  CHECK(contains(failed.err, "\"exitStatus\":3,\"signal\":null,\"limit\":null"));
  CHECK(contains(failed.err, "\"outputBytes\":6"));
  const Seen full = run_script(folder, "yes", {"--json", "--output", "1K"});
  CHECK(contains(full.err, "\"exitStatus\":null,\"signal\":9,\"limit\":\"output\""));
  CHECK(lines(full.err) == 2);
  CHECK(full.err.starts_with("{\"error\":{"));
}

TEST_CASE("cluster sandbox: standard input reaches the program to its end") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  const std::string command = "head -c 3000000 /dev/zero | " + binary() + " sandbox run --root / -- /usr/bin/wc -c >" +
                              (folder / "out") + " 2>&1";
  CHECK(std::system(command.c_str()) == 0);
  CHECK(content(folder / "out") == "3000000\n");
  // Streams that the caller has closed are empty ones.
  const std::string closed =
      "timeout 20 " + binary() + " sandbox run --root / -- /bin/sh -c 'cat; echo x; echo y >&2; exit 3' <&- >&- 2>&-";
  CHECK(WEXITSTATUS(std::system(closed.c_str())) == 3);
  // And a reader of its output that leaves ends it.
  const std::string left =
      binary() + " sandbox run --root / -- /usr/bin/yes 2>/dev/null | head -n 1 >" + (folder / "out");
  CHECK(std::system(left.c_str()) == 0);
  CHECK(content(folder / "out") == "y\n");
}

TEST_CASE("cluster sandbox: a program sees its own processes, its own files and no rights") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  std::ofstream(folder / "secret") << "words";
  CHECK(run_script(folder, "cat " + (folder / "secret")).exit != 0);  // /tmp is its own
  const auto prints = [&](const std::string& script) { return run_script(folder, script).out; };
  CHECK(prints("id -u; id -g; hostname 2>/dev/null || uname -n") == "1000\n1000\nsandbox\n");
  CHECK(prints("env | grep -v -e ^PWD= -e ^_= | cut -d= -f1 | sort | tr '\\n' ' '") == "HOME LANG PATH TMPDIR ");
  CHECK(prints("ls /proc | grep -c '^1$'") == "0\n");
  CHECK(prints("ls /proc/self/fd | wc -l") == "4\n");  // the fourth is the listing
  CHECK(prints("grep -c -e 'Cap.*0000000000000000' /proc/self/status") == "5\n");
  CHECK(prints("touch /x /usr/x /dev/x 2>/dev/null; ls /x /usr/x /dev/x 2>/dev/null | wc -l") == "0\n");
  CHECK(prints("cat /etc/shadow 2>/dev/null | wc -c") == "0\n");
}

TEST_CASE("cluster sandbox: a tripwire ends what asks to mount or to trace, and only where it is wanted") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  const std::string script = "mount -t tmpfs none /tmp; echo still here";
  const Seen free = run_script(folder, script);
  CHECK(free.exit == 0);
  CHECK(free.out == "still here\n");
  const Seen ended = run_script(folder, script, {"--tripwires"});
  CHECK(ended.exit == kKilled);
  CHECK(ended.out.empty());
  CHECK(contains(ended.err, "(mount)"));
}

TEST_CASE("cluster sandbox: nothing of it is left, even if it is killed while a program runs") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  CHECK(run_script(folder, "sleep 600 & setsid sleep 600 & exit 0").exit == 0);
  CHECK(until([] { return groups_left() == 0; }));                // or those of another run
  const std::string mark = "31415" + std::to_string(::getpid());  // a length of sleep that no other process has
  const auto sleeps = [&] {
    for (const auto& one : std::filesystem::directory_iterator("/proc")) {
      // A process may end while it is read: then there is nothing, and no exception.
      std::ifstream in(one.path() / "cmdline");
      std::string words;
      std::getline(in, words);
      if (words.starts_with("/bin/sleep") && contains(words, mark)) return true;
    }
    return false;
  };
  for (const int signal : {SIGKILL, SIGTERM}) {
    Program run({"sandbox", "run", "--root", "/", "--", "/bin/sleep", mark}, folder / "run");
    REQUIRE(until(sleeps));
    run.kill(signal);
    CHECK(run.wait() == 128 + signal);
    CHECK(until([&] { return !sleeps(); }));
  }
  CHECK(run_script(folder, "true").exit == 0);      // removes what the killed run has left
  CHECK(until([] { return groups_left() == 0; }));  // or those of another run
}

TEST_CASE("cluster sandbox: check tries to get out, and says of each attempt what came of it") {
  const Folder folder;
  if (!can_be_made(folder)) return;
  // What tries is code of the program itself, and sanitizers reserve more than a sandbox has.
  if (std::getenv("BINARY_UNDER_TEST") != nullptr) return skip("another program is tested");
  const Seen seen = troupe::test::troupe(folder, {"sandbox", "check", "--json"});
  CHECK_MESSAGE(seen.exit == 0, seen.out);
  CHECK(Outputs().unfit(seen.out, "SandboxChecked") == "");
  CHECK(seen.out.starts_with("{\"ok\":true,"));
  for (const char* name : {"mount", "ptrace", "bpf", "keyrings", "foreign ABIs", "memory", "processes", "disk"})
    CHECK_MESSAGE(contains(seen.out, "{\"name\":\"" + std::string(name) + "\",\"ok\":true"), name);
  CHECK(until([] { return groups_left() == 0; }));  // or those of another run
}
