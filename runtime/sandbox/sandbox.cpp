#include "runtime/sandbox/sandbox.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

#include "runtime/sandbox/filter.hpp"
#include "runtime/sandbox/passed.hpp"
#include "runtime/sandbox/processes.hpp"

namespace troupe::sandbox {
namespace {

constexpr int kWatchedPart = 10;  // our choice: ratio of the watch period to the time of a check
constexpr base::Duration kWatchPeriodMost = std::chrono::seconds{2};  // our choice
constexpr std::uint64_t kFilesOfAllTimes =
    2;  // without a cgroup, all processes together may have that many times `files`

std::string message(int error) { return std::generic_category().message(error); }

NotMade not_made(const Report& report, const std::vector<Step>& steps) {
  const auto sentence = [&](const std::string& what) {
    return NotMade{"the sandbox could not be made: " + what + (report.error != 0 ? ": " + message(report.error) : ""),
                   ""};
  };
  switch (report.stage) {
    case Stage::parent: return sentence("its parent process has ended");
    case Stage::cgroup: {
      NotMade out = sentence("its process could not enter its cgroup");
      out.advice = "troupe sandbox run --no-cgroup …";
      return out;
    }
    case Stage::ids: return sentence("its process could not take another id");
    case Stage::mounts: return sentence("it could not get its own mounts");
    case Stage::tree: {
      const auto& step = steps[static_cast<std::size_t>(report.index)];
      NotMade out = sentence("it was not possible " + text(step));
      if (step.kind == Step::Kind::process && report.error == EPERM)
        out.advice = "outside of a container that hides parts of /proc";
      return out;
    }
    case Stage::root: return sentence("it could not leave the root of the host");
    case Stage::network: return sentence("its loopback did not come up, or could not listen for connections to hosts");
    case Stage::names: return sentence("it could not be given a name");
    case Stage::rights: return sentence("capabilities could not be given up");
    case Stage::limits: return sentence("a resource limit could not be set");
    case Stage::calls: return sentence("the kernel did not accept its filter of system calls");
    case Stage::process: return sentence("it could not create the process of the program");
    case Stage::directory:
    case Stage::program: break;
  }
  return sentence("the program did not start");
}

struct Told {
  Report report;
  std::vector<base::Descriptor> descriptors;
};

std::optional<Told> receive(int talk) {
  Told out;
  auto taken = take_packet<kHostsMax>(talk, {reinterpret_cast<std::uint8_t*>(&out.report), sizeof out.report});
  if (taken.bytes != sizeof out.report) return std::nullopt;
  out.descriptors = std::move(taken.descriptors);
  return out;
}

}  // namespace

Streams copies_of(const std::array<int, 3>& streams) {
  Streams out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = base::Descriptor(::fcntl(streams[i], F_DUPFD_CLOEXEC, 0));
  return out;
}

Sandbox::~Sandbox() {
  if (init_ <= 0 || gone_) return;
  ::syscall(SYS_pidfd_send_signal, life_.get(), SIGKILL, nullptr, 0);
  cgroup_.lift_quota();
  while (::waitpid(init_, nullptr, 0) < 0 && errno == EINTR) continue;
}

std::vector<int> Sandbox::descriptors() const {
  std::vector<int> out{life_.get()};
  for (const base::Descriptor* one : {&talk_, &guard_})
    if (one->valid()) out.push_back(one->get());
  return out;
}

base::Instant Sandbox::due() const {
  const base::Instant end = started_ + spec_.limits.time;
  return std::min(watched_ + watch_period_, end);
}

void Sandbox::step(base::Instant now) {
  if (gone_) return;
  if (finished_) return bury();
  if (watched_ == base::Instant()) watched_ = now;
  hear();
  if (waits_) return;
  hear_guard();
  if (now >= started_ + spec_.limits.time && !ended_) end(Limit::time);
  if (now >= watched_ + watch_period_) watch(now);
  if (quiet_) return finish(now);
  pollfd life{life_.get(), POLLIN, 0};
  if (::poll(&life, 1, 0) != 1) return;
  hear();  // its last reports
  finish(now);
}

void Sandbox::hear() {
  while (talk_.valid()) {
    pollfd one{talk_.get(), POLLIN, 0};
    if (::poll(&one, 1, 0) <= 0) return;
    auto packet = receive(talk_.get());
    if (!packet) return talk_.reset();  // the init has ended
    take_report(packet->report, std::move(packet->descriptors));
  }
}

void Sandbox::take_report(const Report& report, std::vector<base::Descriptor> descriptors) {
  switch (report.kind) {
    case Report::Kind::made:
      if (descriptors.size() != 2) return;
      proc_ = std::move(descriptors[0]);
      disk_ = std::move(descriptors[1]);
      return;
    case Report::Kind::listens: listeners_ = std::move(descriptors); return;
    case Report::Kind::guarded:
      if (descriptors.size() == 1) guard_ = std::move(descriptors[0]);
      return;
    case Report::Kind::ended:
      ended_ = true;
      outcome_.how = report.signalled ? Ended::signalled : Ended::exited;
      outcome_.status = report.status;
      quiet_ = true;
      outcome_.usage.cpu = std::chrono::microseconds(report.cpu_us);
      note_resident(report.resident_kib_max);
      return;
    case Report::Kind::failed: {
      ended_ = true;
      outcome_.status = report.error;
      if (report.stage == Stage::directory || report.stage == Stage::program) {
        outcome_.how = Ended::not_started;
        const bool program = report.stage == Stage::program && !spec_.command.empty();
        outcome_.why = program
                           ? "the program " + spec_.command.front() + " could not be started: " + message(report.error)
                           : "the folder " + spec_.directory + " could not be entered: " + message(report.error);
        return;
      }
      auto [why, advice] = not_made(report, steps_);
      outcome_.how = Ended::not_made;
      outcome_.why = std::move(why);
      outcome_.advice = std::move(advice);
    }
  }
}

void Sandbox::hear_guard() {
  if (!guard_.valid()) return;
  pollfd one{guard_.get(), POLLIN, 0};
  if (::poll(&one, 1, 0) != 1) return;
  if ((one.revents & POLLIN) == 0) return guard_.reset();
  alignas(seccomp_notif) std::array<std::byte, 1'024> space{};  // a newer kernel may send more
  if (::ioctl(guard_.get(), SECCOMP_IOCTL_NOTIF_RECV, space.data()) != 0) return;
  seccomp_notif heard;
  std::memcpy(&heard, space.data(), sizeof heard);
  if (outcome_.tripwire.empty()) outcome_.tripwire = tripwire_name(heard.data.nr);
  outcome_.how = Ended::signalled;  // also if the program has ended already and another of its processes tried
  outcome_.status = SIGKILL;
  end(std::nullopt);
}

void Sandbox::end(std::optional<Limit> limit) {
  if (finished_) return;
  if (!ended_ && !outcome_.limit) outcome_.limit = limit;
  if (!ended_) outcome_.how = Ended::signalled, outcome_.status = SIGKILL;
  ended_ = true;
  // It has no outputs, so this process does not free the disk.
  if (talk_.valid()) watch_disk(), disk_.reset();
  ::syscall(SYS_pidfd_send_signal, life_.get(), SIGKILL, nullptr, 0);
  cgroup_.lift_quota();
}

void Sandbox::note_spared() {
  outcome_.how = Ended::spared;
  outcome_.limit.reset();
  outcome_.why = "the machine had no memory left for it";
}

void Sandbox::watch(base::Instant now) {
  watched_ = now;
  if (ended_ || !proc_.valid()) return;
  watch_disk();
  // With many processes a check is long: one sandbox must not take all of its watcher's time.
  const auto began = std::chrono::steady_clock::now();
  watch_processes(now);
  const base::Duration took = std::chrono::steady_clock::now() - began;
  // If only checks enforce its limits, they run at least this often.
  const base::Duration most = cgroup_.has(Controller::memory) ? kWatchPeriodMost : kWatchPeriodMost / 10;
  watch_period_ = std::clamp<base::Duration>(took * kWatchedPart, kWatchPeriod, most);
  if (ended_) return;
  // Threads that read files exceed it briefly.
  const Killed killed = cgroup_.killed();
  const bool again = std::exchange(over_memory_, killed == Killed::for_its_limit);
  if (killed == Killed::for_the_machine) {
    end(std::nullopt);
    note_spared();
  } else if (killed == Killed::for_its_limit && again) {
    end(Limit::memory);
  }
}

void Sandbox::watch_processes(base::Instant now) {
  const bool counted = cgroup_.has(Controller::memory) && cgroup_.has(Controller::cpu);
  const ProcessesUsage seen = usage_of_processes(proc_.get(), counted ? Look::files : Look::all);
  files_full_ = files_full_ || seen.files_max >= spec_.limits.files;
  if (!cgroup_.has(Controller::memory)) kills_ = {kills_for_memory(), kills_[0]};
  if (counted) return;
  auto& usage = outcome_.usage;
  const std::uint64_t memory = seen.memory_bytes + usage.disk_bytes + seen.sockets_bytes;
  usage.memory_bytes_max = std::max(usage.memory_bytes_max, memory);
  usage.pids_max = std::max<std::uint64_t>(usage.pids_max, seen.threads);
  pids_full_ = pids_full_ || seen.threads >= spec_.limits.pids;
  if (!cgroup_.has(Controller::memory)) {
    if (memory > spec_.limits.memory_bytes) return end(Limit::memory);
    memory_full_ = memory_full_ || memory > spec_.limits.memory_bytes / 8 * 7;
    // No process maps the contents of sockets and pipes: their number bounds them.
    if (seen.files > kFilesOfAllTimes * spec_.limits.files) return end(Limit::files);
  }
  if (cgroup_.has(Controller::cpu)) return;
  cpu_.push_back({now, seen.cpu});
  while (cpu_.size() > 1 && cpu_[1].at + kCpuWindow <= now) cpu_.pop_front();
  const base::Duration span = now - cpu_.front().at;
  if (span < kCpuWindow) return;
  // 5 % more, because the kernel counts in ticks and no check happens exactly on time.
  const base::Duration allowed = span / 1'000 * spec_.limits.cpu.thousandths / 20 * 21;
  if (seen.cpu - cpu_.front().spent > allowed) end(Limit::cpu);
}

void Sandbox::watch_disk() {
  struct statfs now {};
  if (!disk_.valid() || ::fstatfs(disk_.get(), &now) != 0) return;
  const auto used = static_cast<std::uint64_t>(now.f_blocks - now.f_bfree) * static_cast<std::uint64_t>(now.f_bsize);
  outcome_.usage.disk_bytes = std::max(outcome_.usage.disk_bytes, used);
  disk_full_ = disk_full_ || now.f_bfree == 0;
  inodes_full_ = inodes_full_ || now.f_ffree == 0;
}

Usage Sandbox::usage(base::Instant now) const {
  if (finished_) return finished_->usage;
  Usage out = outcome_.usage;
  const auto counts = cgroup_.counts();
  out.wall = now - started_;
  out.cpu = counts.cpu.value_or(cpu_.empty() ? out.cpu : std::max(out.cpu, cpu_.back().spent));
  out.memory_bytes_max = std::max(out.memory_bytes_max, counts.memory_bytes_max.value_or(0));
  if (counts.pids_max && *counts.pids_max > 0) out.pids_max = std::max(out.pids_max, *counts.pids_max - 1);
  return out;
}

/// If no cgroup counts: for a process that took much memory and ended between two checks.
void Sandbox::note_resident(std::int64_t kib) {
  if (cgroup_.has(Controller::memory)) return;
  const auto largest = std::uint64_t{1'024} * static_cast<std::uint64_t>(kib);
  outcome_.usage.memory_bytes_max = std::max(outcome_.usage.memory_bytes_max, largest);
  memory_full_ = memory_full_ || largest > spec_.limits.memory_bytes / 8 * 7;
}

void Sandbox::bury() {
  pollfd life{life_.get(), POLLIN, 0};
  if (finished_ && ::poll(&life, 1, 0) != 1) return;
  rusage spent{};
  int status = 0;
  while (::wait4(init_, &status, 0, &spent) < 0 && errno == EINTR) continue;
  gone_ = true;
  if (finished_) return cgroup_.remove();
  if (!ended_) {  // not ended by its program, but by the kernel for lack of memory, or by an operator
    outcome_.how = Ended::signalled;
    outcome_.status = WIFSIGNALED(status) ? WTERMSIG(status) : SIGKILL;
  }
  const auto time = [](const timeval& of) {
    return base::Duration(std::chrono::seconds(of.tv_sec)) + std::chrono::microseconds(of.tv_usec);
  };
  // For the init and all processes that ended before it: usage that a program's cgroup has not counted.
  outcome_.usage.cpu = time(spent.ru_utime) + time(spent.ru_stime);
  note_resident(spent.ru_maxrss);
}

void Sandbox::finish(base::Instant now) {
  if (!quiet_) bury();
  cgroup_.lift_quota();
  watch_disk();
  outcome_.usage = usage(now);
  if (outcome_.usage.pids_max == 0 && outcome_.how != Ended::not_made) outcome_.usage.pids_max = 1;
  find_limit();
  keep_outputs();
  proc_.reset(), guard_.reset(), talk_.reset();
  if (gone_) cgroup_.remove();
  finished_ = outcome_;
}

// Only regular files of the program: no link or mount there leads out of its disk.
void Sandbox::keep_outputs() {
  if (outcome_.how != Ended::exited || !disk_.valid()) return;
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  for (std::uint32_t i = 0; i < spec_.outputs.size() && outputs_.size() < kOutputsMax; ++i) {
    base::Descriptor file(
        static_cast<int>(::syscall(SYS_openat2, disk_.get(), spec_.outputs[i].c_str(), &how, sizeof how)));
    struct stat status {};
    if (!file.valid() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    outputs_.push_back(std::move(file));
    outcome_.outputs.push_back(i);
  }
}

// Without a group that counts: the process was killed while the kernel has killed because memory ran out.
bool Sandbox::killed_by_machine(Killed in_group) const {
  if (cgroup_.has(Controller::memory)) return in_group == Killed::for_the_machine;
  return outcome_.how == Ended::signalled && outcome_.status == SIGKILL && kills_for_memory() > kills_[1];
}

// Finds the limit that a failed program had reached. A limit that the program survived does not count.
void Sandbox::find_limit() {
  const Killed killed = cgroup_.killed();
  const bool failed = outcome_.how == Ended::signalled || (outcome_.how == Ended::exited && outcome_.status != 0);
  if (!failed) outcome_.limit.reset();
  if (!failed || outcome_.limit || !outcome_.tripwire.empty()) return;
  if (killed_by_machine(killed)) return note_spared();
  if (killed != Killed::none || memory_full_) outcome_.limit = Limit::memory;
  else if (cgroup_.forks_refused() > 0 || pids_full_) outcome_.limit = Limit::pids;
  else if (disk_full_) outcome_.limit = Limit::disk;
  else if (inodes_full_ || files_full_) outcome_.limit = Limit::files;
}

}  // namespace troupe::sandbox
