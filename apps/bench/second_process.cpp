#include "apps/bench/second_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <set>
#include <utility>

namespace troupe::bench {
namespace {

constexpr std::chrono::seconds kEndMax{10};  // our choice: it has nothing to save
constexpr std::chrono::milliseconds kChildLook{1};
constexpr std::chrono::milliseconds kListen{100};  // at once; other wakeups also end a wait
constexpr std::size_t kLineBytesMax = 128;         // the longest: `ready`, an id, an IPv6 address

Failure no_process(const std::string& why) {
  return {{base::Code::unavailable, "the second process " + why}, "nothing was measured", "again", Exit::failed};
}

/// The first process's ends of all pipes. A later process closes them: otherwise the pipes of an earlier process would
/// stay open when the first process closes its ends, and the first process would wait for it. Used only by the
/// command's thread.
std::set<int>& own_ends() {
  static std::set<int> all;
  return all;
}

}  // namespace

std::string SecondProcess::Pipes::read_line() {
  std::string line;
  char next = 0;
  while (line.size() < kLineBytesMax && ::read(in.get(), &next, 1) == 1) {
    if (next == '\n') return line;
    line += next;
  }
  return {};
}

void SecondProcess::Pipes::write_line(const std::string& line) {
  const std::string whole = line + '\n';
  // A missing reader is noticed when its response is read.
  [[maybe_unused]] const auto written = ::write(out.get(), whole.data(), whole.size());
}

Measurement<std::unique_ptr<SecondProcess>> SecondProcess::start(const std::function<void(Pipes&)>& work) {
  std::array<int, 2> to{-1, -1}, from{-1, -1};
  if (::pipe2(to.data(), O_CLOEXEC) != 0) return no_process("has no pipe");
  os::Descriptor to_read(to[0]), to_write(to[1]);
  if (::pipe2(from.data(), O_CLOEXEC) != 0) return no_process("has no pipe");
  os::Descriptor from_read(from[0]), from_write(from[1]);
  const pid_t parent = ::getpid();
  const pid_t id = ::fork();
  if (id < 0) return no_process("cannot be started");
  if (id == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) std::_Exit(1);  // the parent died before the line above
    to_write = {};
    from_read = {};
    for (const int end : std::exchange(own_ends(), {})) ::close(end);
    Pipes pipes{std::move(to_read), std::move(from_write)};
    try {
      work(pipes);
    } catch (const std::exception&) {
      std::_Exit(1);  // the first process sees that it ends
    }
    std::_Exit(0);
  }
  ::fcntl(from_read.get(), F_SETFL, O_NONBLOCK);
  own_ends().insert({from_read.get(), to_write.get()});
  return std::unique_ptr<SecondProcess>(new SecondProcess(id, Pipes{std::move(from_read), std::move(to_write)}));
}

SecondProcess::~SecondProcess() {
  own_ends().erase(pipes_.in.get());
  own_ends().erase(pipes_.out.get());
  pipes_ = {};
  os::Waker waker{};
  for (base::Duration waited{}; waited < kEndMax; waited += kChildLook) {
    if (::waitpid(id_, nullptr, WNOHANG) != 0) return;
    waker.wait(kChildLook);
  }
  ::kill(id_, SIGKILL);
  ::waitpid(id_, nullptr, 0);
}

void SecondProcess::send(int signal) { ::kill(id_, signal); }

Measurement<std::string> SecondProcess::line(os::Waker& waker, base::Duration at_most) {
  std::string line;
  for (base::Duration waited{}; waited < at_most; waited += kListen) {
    if (waker.wait(kListen, os::Waker::Watched{pipes_.in.get(), os::Waker::Want::reading})) return interrupted();
    char next = 0;
    ssize_t got = 0;
    while ((got = ::read(pipes_.in.get(), &next, 1)) == 1) {
      if (next == '\n') return line;
      if (line.size() == kLineBytesMax) return no_process("sent an unexpected line");
      line += next;
    }
    if (got == 0 || errno != EAGAIN) return no_process("has ended");
  }
  return no_process("does not respond");
}

}  // namespace troupe::bench
