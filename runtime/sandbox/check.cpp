#include "runtime/sandbox/check.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "runtime/sandbox/attempts.hpp"
#include "runtime/sandbox/run.hpp"

namespace troupe::sandbox {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kBombBytes = 512 * kMiB;
constexpr std::uint64_t kLittle = 32 * kMiB;
constexpr std::uint32_t kFewProcesses = 8;
constexpr std::uint32_t kFewFiles = 16;
constexpr int kLooks = 1'000;  // in ms: the watcher has checked by then
constexpr base::Duration kShort = std::chrono::milliseconds{150};
constexpr base::Duration kPatient = std::chrono::seconds{20};

/// The output of a sandbox, in memory.
class Printed {
 public:
  Printed() : file_(::memfd_create("output", MFD_CLOEXEC)) {}
  int descriptor() const { return file_.get(); }
  std::string text() const {
    std::string out(static_cast<std::size_t>(std::max<off_t>(::lseek(file_.get(), 0, SEEK_END), 0)), 0);
    const ssize_t got = ::pread(file_.get(), out.data(), out.size(), 0);
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }

 private:
  base::Descriptor file_;
};

/// Targets on this host, for as long as this object lives.
class Listeners {
 public:
  Listeners() {
    Bait bait;
    tcp_ = base::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (tcp_.valid() && ::bind(tcp_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 &&
        ::listen(tcp_.get(), 1) == 0 && ::getsockname(tcp_.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0)
      bait.port = ntohs(at.sin_port);
    local_ = base::Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const std::string name = "troupe-sandbox-check-" + std::to_string(::getpid());
    sockaddr_un here{};
    here.sun_family = AF_UNIX;
    std::memcpy(here.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (local_.valid() && ::bind(local_.get(), reinterpret_cast<const sockaddr*>(&here), length) == 0 &&
        ::listen(local_.get(), 1) == 0)
      bait.abstract_name = name;
    lay(bait);
  }

 private:
  base::Descriptor tcp_, local_;
};

void say(std::string_view text) { [[maybe_unused]] const auto put = ::write(STDOUT_FILENO, text.data(), text.size()); }

// --- inside

int try_all(void*) {
  for (const Attempt& one : attempts()) say(std::string(one.name) + '\t' + one.make() + '\n');
  return 0;
}

int take_memory(void*) {
  for (std::uint64_t taken = 0; taken < kBombBytes; taken += kMiB) {
    void* const part = ::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (part == MAP_FAILED) return 1;
    std::memset(part, 1, kMiB);
  }
  return 0;
}

/// Takes pages that stay although no process has them mapped.
int take_shared_memory(void*) {
  for (std::uint64_t taken = 0; taken < kBombBytes; taken += kMiB) {
    void* const part = ::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (part == MAP_FAILED) return 1;
    std::memset(part, 1, kMiB);
    ::madvise(part, kMiB, MADV_DONTNEED);
  }
  return 0;
}

/// Bytes waiting in sockets are not mapped by a process either.
int take_sockets(void*) {
  const std::string part(64 << 10, 'x');
  for (;;) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) break;
    for (const int end : ends) {
      while (::send(end, part.data(), part.size(), 0) > 0) continue;
      if (errno == ENOBUFS || errno == ENOMEM) return 1;
    }
  }
  if (errno == ENOBUFS || errno == ENOMEM) return 1;
  ::poll(nullptr, 0, kLooks);
  return 0;
}

int take_processes(void*) {
  for (std::uint32_t made = 1; made <= kFewProcesses; ++made) {  // this process is the first
    const pid_t child = ::fork();
    if (child < 0) return made == kFewProcesses ? 1 : 2;
    if (child == 0) {
      for (;;) ::pause();
    }
  }
  return 0;
}

int take_disk(void*) {
  const int file = ::open("/task/large", O_WRONLY | O_CREAT, 0600);
  const std::string part(kMiB, 'x');
  for (std::uint64_t put = 0; put < 2 * kLittle; put += kMiB)
    if (::write(file, part.data(), part.size()) != static_cast<ssize_t>(part.size())) return errno == ENOSPC ? 1 : 2;
  return 0;
}

int take_inodes(void*) {
  for (std::uint32_t i = 0; i <= kFewFiles; ++i) {
    const int file = ::open(("/tmp/" + std::to_string(i)).c_str(), O_WRONLY | O_CREAT, 0600);
    if (file < 0) return errno == ENOSPC ? 1 : 2;
    ::close(file);
  }
  return 0;
}

int take_descriptors(void*) {
  for (std::uint32_t i = 3; i <= kFewFiles; ++i)
    if (::open("/dev/null", O_RDONLY) < 0) return errno == EMFILE && i == kFewFiles ? 1 : 2;
  return 0;
}

int wait_for_ever(void*) {
  for (;;) ::pause();
}

int print_much(void*) {
  for (;;) say("and so on, and so on, and so on, and so on\n");
}

// --- outside

struct Held {
  const char* name;
  int (*bomb)(void*);
  Limits limits;
  Limit limit;
};

std::vector<Held> held() {
  Limits usual;
  usual.time = kPatient;
  usual.memory_bytes = 4 * kLittle;
  const auto with = [&usual](auto change) {
    Limits out = usual;
    change(out);
    return out;
  };
  return {
      {"time", wait_for_ever, with([](Limits& of) { of.time = kShort; }), Limit::time},
      {"memory", take_memory, with([](Limits& of) { of.memory_bytes = kLittle; }), Limit::memory},
      {"shared memory", take_shared_memory, with([](Limits& of) { of.memory_bytes = kLittle; }), Limit::memory},
      {"sockets", take_sockets, with([](Limits& of) { of.memory_bytes = kLittle; }), Limit::memory},
      {"processes", take_processes, with([](Limits& of) { of.pids = kFewProcesses; }), Limit::pids},
      {"disk", take_disk, with([](Limits& of) { of.disk_bytes = kLittle; }), Limit::disk},
      {"inodes", take_inodes, with([](Limits& of) { of.files = kFewFiles; }), Limit::files},
      {"open files", take_descriptors, with([](Limits& of) { of.files = kFewFiles; }), Limit::files},
      {"output", print_much, with([](Limits& of) { of.output_bytes = kMiB; }), Limit::output},
  };
}

std::string how(const Outcome& outcome) {
  if (outcome.how != Ended::exited && outcome.how != Ended::signalled) return outcome.why;
  std::string out = outcome.how == Ended::exited ? "exit " : "signal ";
  out += std::to_string(outcome.status);
  if (outcome.limit) out += ", limit " + std::string(name(*outcome.limit));
  return out;
}

class Checker {
 public:
  Checked all() {
    Checked& out = checked_;
    out.cgroup = find_cgroups().version;
    add_start();
    if (!out.checks.back().ok) return out;
    const Listeners listeners;
    add_attempts("", Cgroups::where_possible);
    for (const Held& one : held()) add_held(one, "", Cgroups::where_possible);
    if (out.cgroup != 0) {
      add_attempts(" without cgroups", Cgroups::never);
      for (const Held& one : held()) add_held(one, " without cgroups", Cgroups::never);
    }
    out.ok = std::ranges::all_of(out.checks, [](const Check& one) { return one.ok; });
    return out;
  }

 private:
  static Spec spec(int (*run)(void*), Cgroups cgroups) {
    Spec out;
    out.inside.run = run;
    out.cgroups = cgroups;
    return out;
  }

  static Outcome run_quietly(const Spec& spec, int output) {
    const base::Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    return run(spec, {nothing.get(), output, nothing.get()}).outcome;
  }

  void add_start() {
    const Printed printed;
    const Outcome outcome = run_quietly(spec([](void*) { return 42; }, Cgroups::where_possible), printed.descriptor());
    const bool ok = outcome.how == Ended::exited && outcome.status == 42;
    checked_.checks.push_back({"start", ok, how(outcome)});
  }

  void add_attempts(const std::string& after, Cgroups cgroups) {
    const Printed printed;
    const Outcome outcome = run_quietly(spec(try_all, cgroups), printed.descriptor());
    const std::string text = printed.text();
    std::string_view rest = text;
    for (const Attempt& one : attempts()) {
      const auto end = rest.find('\n');
      const std::string_view line = rest.substr(0, end);
      const std::string_view head = one.name;
      if (end == rest.npos || !line.starts_with(head) || line.substr(head.size(), 1) != "\t") {
        checked_.checks.push_back({one.name + after, false, "not tried: " + how(outcome)});
        continue;
      }
      rest.remove_prefix(end + 1);
      const std::string worked(line.substr(head.size() + 1));
      checked_.checks.push_back({one.name + after, worked.empty(), worked.empty() ? "refused" : worked});
    }
  }

  void add_held(const Held& one, const std::string& after, Cgroups cgroups) {
    Spec with = spec(one.bomb, cgroups);
    with.limits = one.limits;
    const Printed printed;
    const Outcome outcome = run_quietly(with, printed.descriptor());
    // A call that was refused at the limit ends a bomb with 1; a bomb that continues is killed.
    const bool refused = outcome.how == Ended::exited && outcome.status == 1;
    const bool ended = outcome.how == Ended::signalled && outcome.limit == one.limit;
    checked_.checks.push_back({one.name + after, refused || ended, how(outcome)});
  }

  Checked checked_;
};

}  // namespace

Checked check() { return Checker().all(); }

}  // namespace troupe::sandbox
