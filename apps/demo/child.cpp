#include "apps/demo/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace troupe::apps {
namespace {

constexpr std::size_t kOutputBytesMax = 64u << 20;  // our choice: `file view --json` of the largest file

base::Error failure(const std::string& what, int number) {
  return {base::Code::internal, what + ": " + std::generic_category().message(number)};
}

base::Instant now() {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

struct Pipe {
  os::Descriptor read, write;
};

std::optional<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  return Pipe{os::Descriptor(ends[0]), os::Descriptor(ends[1])};
}

/// Runs in the new process, until it becomes the program. Uses only calls that are safe between fork and exec: all
/// memory was allocated before. Returns only if it failed.
void become(const ChildSetup& setup, char* const* arguments, int output, pid_t parent) {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) return;
  if (setup.apart && ::setpgid(0, 0) != 0) return;
  if (!setup.directory.empty() && ::chdir(setup.directory.c_str()) != 0) return;
  if (!setup.terminal) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0) return;
    if (nothing != STDIN_FILENO) ::close(nothing);
  }
  if (!setup.errors.empty()) {
    const int errors = ::open(setup.errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (errors < 0 || ::dup2(errors, STDERR_FILENO) < 0) return;
    if (errors != STDERR_FILENO) ::close(errors);
  }
  ::execvp(arguments[0], arguments);
}

}  // namespace

base::Outcome<Child> Child::start(const ChildSetup& setup) {
  std::vector<char*> arguments;
  for (const auto& argument : setup.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  auto output = make_pipe();
  auto trouble = make_pipe();  // closed by a successful exec; otherwise carries its errno
  if (!output || !trouble) return failure("cannot make a pipe", errno);
  const pid_t parent = ::getpid();
  const pid_t id = ::fork();
  if (id < 0) return failure("cannot start a process", errno);
  if (id == 0) {
    become(setup, arguments.data(), output->write.get(), parent);
    const int number = errno;
    [[maybe_unused]] const auto told = ::write(trouble->write.get(), &number, sizeof number);
    ::_exit(127);
  }
  os::Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, id, 0)));
  const int no_process = errno;
  Child child(id, std::move(process), std::move(output->read));
  trouble->write.reset();
  // The other end of the pipe is the child's standard output: the flag applies only to this end.
  ::fcntl(child.output_.get(), F_SETFL, O_NONBLOCK);
  int number = 0;
  if (::read(trouble->read.get(), &number, sizeof number) == static_cast<ssize_t>(sizeof number))
    return failure("cannot run " + setup.arguments.front(), number);
  if (!child.process_.valid()) return failure("cannot watch a process", no_process);
  return child;
}

Child::Child(int id, os::Descriptor process, os::Descriptor output)
    : id_(id), process_(std::move(process)), output_(std::move(output)) {}

Child::Child(Child&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      process_(std::move(other.process_)),
      output_(std::move(other.output_)),
      unread_(std::move(other.unread_)),
      ended_(other.ended_) {}

Child& Child::operator=(Child&& other) noexcept {
  if (this == &other) return *this;
  end();
  id_ = std::exchange(other.id_, -1);
  process_ = std::move(other.process_);
  output_ = std::move(other.output_);
  unread_ = std::move(other.unread_);
  ended_ = other.ended_;
  return *this;
}

Child::~Child() { end(); }

void Child::end() {
  if (id_ < 0 || ended_) return;
  ::kill(id_, SIGKILL);
  while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
}

void Child::send(int signal) const {
  if (id_ > 0 && !ended_) ::kill(id_, signal);
}

bool Child::more(Attention& attention, base::Instant due) {
  while (output_.valid()) {
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(output_.get(), bytes.data(), bytes.size());
    if (got > 0) {
      unread_.append(bytes.data(), static_cast<std::size_t>(got));
      return true;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got == 0 || errno != EAGAIN) {
      output_.reset();
      return false;
    }
    const base::Instant at = now();
    if (at >= due || !attention.wait(due - at, output_.get())) return false;
  }
  return false;
}

std::optional<std::string> Child::line(Attention& attention, base::Duration at_most) {
  const base::Instant due = now() + at_most;
  std::size_t end = 0;
  while ((end = unread_.find('\n')) == std::string::npos)
    if (unread_.size() > kChildLineBytesMax || !more(attention, due)) return std::nullopt;
  std::string out = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return out;
}

std::optional<std::string> Child::rest(Attention& attention, base::Duration at_most) {
  const base::Instant due = now() + at_most;
  while (more(attention, due))
    if (unread_.size() > kOutputBytesMax) return std::nullopt;
  if (output_.valid()) return std::nullopt;
  return std::exchange(unread_, {});
}

std::optional<int> Child::wait(Attention& attention, base::Duration at_most) {
  const base::Instant due = now() + at_most;
  while (!ended_) {
    int status = 0;
    if (::waitpid(id_, &status, WNOHANG) == id_) {
      ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      break;
    }
    const base::Instant at = now();
    if (at >= due || !attention.wait(due - at, process_.get())) return std::nullopt;
  }
  return ended_;
}

bool Attention::wait(base::Duration at_most, std::optional<int> readable) {
  if (signal_) return false;
  std::optional<os::Waker::Watched> watched;
  if (readable) watched = os::Waker::Watched{*readable, os::Waker::Want::reading};
  signal_ = waker_.wait(at_most, watched);
  return !signal_;
}

}  // namespace troupe::apps
