#include "apps/sim/apart.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/os/waker.hpp"

namespace troupe::apps {
namespace {

volatile std::sig_atomic_t interrupt = 0;

void note(int signal) { interrupt = signal; }

constexpr std::size_t kOutcomeBytesMax = 16 << 20;  // our choice: a story of 40 lines and several hundred names

[[noreturn]] void work_and_end(const Apart::Work& work, int output) {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  int status = 1;
  try {
    capnp::MallocMessageBuilder message;
    write(message.initRoot<output::wire::SimWorld>(), work());
    const auto words = capnp::messageToFlatArray(message);
    const auto bytes = words.asBytes();
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t some = ::write(output, bytes.begin() + sent, bytes.size() - sent);
      if (some < 0 && errno != EINTR) break;
      if (some > 0) sent += static_cast<std::size_t>(some);
    }
    status = sent == bytes.size() ? 0 : 1;
  } catch (const std::exception& broken) {
    std::fprintf(stderr, "a world broke the simulator: %s\n", broken.what());
  }
  std::_Exit(status);
}

std::optional<Outcome> parse(const std::string& bytes) {
  std::vector<capnp::word> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(capnp::word));
  try {
    capnp::FlatArrayMessageReader message({words.data(), words.size()});
    return read(message.getRoot<output::wire::SimWorld>());
  } catch (const kj::Exception&) {
    return std::nullopt;
  }
}

}  // namespace

base::Instant real_now() { return base::Instant(std::chrono::steady_clock::now().time_since_epoch()); }

Interrupts::Interrupts() {
  struct sigaction noting = {};
  noting.sa_handler = note;  // without SA_RESTART: the wait for worlds ends early
  ::sigaction(SIGINT, &noting, &before_int_);
  ::sigaction(SIGTERM, &noting, &before_term_);
  // If the parent ignored the signal, as a script does for background jobs, it stays ignored.
  if (before_int_.sa_handler == SIG_IGN) ::sigaction(SIGINT, &before_int_, nullptr);
  if (before_term_.sa_handler == SIG_IGN) ::sigaction(SIGTERM, &before_term_, nullptr);
}

Interrupts::~Interrupts() {
  ::sigaction(SIGINT, &before_int_, nullptr);
  ::sigaction(SIGTERM, &before_term_, nullptr);
}

int Interrupts::noted() { return interrupt; }

void Interrupts::obey() {
  if (interrupt == 0) return;
  std::signal(interrupt, SIG_DFL);
  ::raise(interrupt);
}

Apart::~Apart() { drop(); }

base::Outcome<void> Apart::start(std::uint64_t tag, const Work& work) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return base::Error{base::Code::unavailable, std::string("cannot make a pipe for a world: ") + std::strerror(errno)};
  os::Descriptor reading(ends[0]), writing(ends[1]);
  const pid_t parent = ::getpid();
  const pid_t id = ::fork();
  if (id < 0)
    return base::Error{base::Code::unavailable,
                       std::string("cannot start a process for a world: ") + std::strerror(errno)};
  if (id == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) std::_Exit(1);  // the parent died before the line above
    work_and_end(work, writing.get());
  }
  running_.push_back({tag, id, std::move(reading), {}, real_now() + kWorldWallMax});
  return {};
}

std::optional<Apart::Done> Apart::next() {
  while (true) {
    if (Interrupts::noted() != 0) return std::nullopt;
    std::vector<int> outputs;
    base::Instant due = base::Instant::max();
    for (const Running& one : running_) {
      outputs.push_back(one.output.get());
      due = std::min(due, one.due);
    }
    const auto ready = os::Waker::readable(outputs, std::max(due - real_now(), base::Duration::zero()));
    for (std::size_t i = 0; i < running_.size(); ++i) {
      Running& one = running_[i];
      if (!ready[i]) {
        if (one.due <= real_now()) return finish(i, true);
        continue;
      }
      std::array<char, 65'536> bytes;
      const ssize_t got = ::read(one.output.get(), bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got > 0 && one.bytes.size() + static_cast<std::size_t>(got) <= kOutcomeBytesMax)
        one.bytes.append(bytes.data(), static_cast<std::size_t>(got));
      else return finish(i, false);
    }
  }
}

Apart::Done Apart::finish(std::size_t place, bool late) {
  Running one = std::move(running_[place]);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(place));
  if (late) ::kill(one.id, SIGKILL);
  int status = 0;
  while (::waitpid(one.id, &status, 0) < 0 && errno == EINTR) continue;
  Done done{one.tag, std::nullopt, {}};
  if (late) done.why = "did not end within ten minutes";
  else if (WIFSIGNALED(status)) done.why = "crashed with signal " + std::to_string(WTERMSIG(status));
  else if (WEXITSTATUS(status) != 0) done.why = "ended with exit " + std::to_string(WEXITSTATUS(status));
  else if (!(done.outcome = parse(one.bytes))) done.why = "ended without an outcome";
  return done;
}

void Apart::drop() {
  for (const Running& one : running_) ::kill(one.id, SIGKILL);
  for (const Running& one : running_)
    while (::waitpid(one.id, nullptr, 0) < 0 && errno == EINTR) continue;
  running_.clear();
}

base::Outcome<void> run_apart(unsigned jobs, std::uint64_t count, const std::function<Outcome(std::uint64_t)>& work,
                              const std::function<bool(Apart::Done)>& ended) {
  const Interrupts interrupts;
  Apart apart(jobs);
  std::uint64_t begun = 0;
  while (begun < count || !apart.empty()) {
    while (begun < count && !apart.full()) {
      const auto started = apart.start(begun, [&] { return work(begun); });
      if (!started.ok() && apart.empty()) return started;
      if (!started.ok()) break;  // a process may start once another has ended
      ++begun;
    }
    const auto done = apart.next();
    if (!done || Interrupts::noted() != 0 || !ended(*done)) break;
  }
  return {};
}

}  // namespace troupe::apps
