#include "runtime/sandbox/run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <vector>

#include "runtime/sandbox/channel.hpp"
#include "runtime/sandbox/time_now.hpp"

namespace troupe::sandbox {
namespace {

struct Pipe {
  base::Descriptor read, write;

  static std::optional<Pipe> make() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
    return Pipe{base::Descriptor(ends[0]), base::Descriptor(ends[1])};
  }
};

void never_wait(int descriptor) { ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

/// A stream that the caller has closed becomes an empty stream: otherwise one of the pipes could take its number.
void occupy_standard_streams() {
  int made = -1;
  do made = ::open("/dev/null", O_RDWR);
  while (made >= 0 && made <= STDERR_FILENO);
  if (made >= 0) ::close(made);
}

/// SIGINT and similar signals as a descriptor to wait for, while this object lives.
class Interrupts {
 public:
  Interrupts() {
    sigset_t heard;
    ::sigemptyset(&heard);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&heard, signal);
    ::pthread_sigmask(SIG_BLOCK, &heard, &before_);
    source_ = base::Descriptor(::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  ~Interrupts() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  int descriptor() const { return source_.get(); }
  int take() {
    signalfd_siginfo heard{};
    return ::read(source_.get(), &heard, sizeof heard) == sizeof heard ? static_cast<int>(heard.ssi_signo) : 0;
  }

 private:
  sigset_t before_{};
  base::Descriptor source_;
};

/// Removed after the sandbox, with this run's groups.
class Leftovers {
 public:
  Leftovers(const CgroupPlaces& places, const std::string& group) : places_(places), group_(group) {}
  ~Leftovers() { remove_leftovers(places_, group_); }
  Leftovers(const Leftovers&) = delete;
  Leftovers& operator=(const Leftovers&) = delete;

 private:
  const CgroupPlaces& places_;
  const std::string& group_;
};

class Run {
 public:
  Run(const Spec& spec, const std::array<int, 3>& streams) : spec_(spec), streams_(streams) {}

  Ran to_its_end() {
    auto input = Pipe::make(), output = Pipe::make(), errors = Pipe::make();
    if (!input || !output || !errors || !told_.valid())
      return not_made({"this process cannot open the pipes of a sandbox: too many open files", "ulimit -n"});
    const CgroupPlaces places = spec_.cgroups == Cgroups::never ? CgroupPlaces{} : find_cgroups();
    const Leftovers leftovers(places, spec_.group);
    auto started = Sandbox::start(spec_, {std::move(input->read), std::move(output->write), std::move(errors->write)},
                                  places, time_now());
    if (!started.ok()) return not_made(started.error());
    sandbox_ = std::move(started).value();
    const int cgroup = sandbox_->cgroup_version();
    for (const int own : {input->write.get(), output->read.get(), errors->read.get()}) never_wait(own);
    const auto tell = [this] { this->tell(); };
    const auto all = [](std::size_t bytes) { return bytes; };
    const auto count = [this](std::size_t bytes) { return this->count(bytes); };
    {
      Channel in({.users = streams_[0]}, {std::move(input->write)}, all, tell);
      Channel out({std::move(output->read)}, {.users = streams_[1]}, count, tell);
      Channel err({std::move(errors->read)}, {.users = streams_[2]}, count, tell);
      while (!sandbox_->outcome() || !out.done() || !err.done()) turn(in, out, err);
    }
    Ran ran{*sandbox_->outcome(), interrupted_, cgroup};
    ran.outcome.usage.output_bytes = output_bytes_;
    if (too_much_ && (ran.outcome.how == Ended::exited || ran.outcome.how == Ended::signalled)) {
      // Ended by itself, or by a pipe that is no longer read, before our order arrived: the result must not depend on
      // that.
      ran.outcome.how = Ended::signalled;
      ran.outcome.status = SIGKILL;
      ran.outcome.limit = Limit::output;
    }
    sandbox_.reset();  // waits until the kernel has ended it: the leftovers include its groups
    return ran;
  }

 private:
  static Ran not_made(const NotMade& why) {
    Ran out;
    out.outcome.why = why.why;
    out.outcome.advice = why.advice;
    return out;
  }

  void turn(Channel& in, Channel& out, Channel& err) {
    std::vector<pollfd> watched{{interrupts_.descriptor(), POLLIN, 0}, {told_.get(), POLLIN, 0}};
    base::Duration wait = std::chrono::seconds{1};
    if (!sandbox_->outcome()) {
      for (const int one : sandbox_->descriptors()) watched.push_back({one, POLLIN, 0});
      wait = std::max(sandbox_->due() - time_now(), base::Duration(0));
    }
    const timespec at_most{wait / std::chrono::seconds(1), (wait % std::chrono::seconds(1)).count()};
    ::ppoll(watched.data(), watched.size(), &at_most, nullptr);
    std::uint64_t rings = 0;
    [[maybe_unused]] const auto emptied = ::read(told_.get(), &rings, sizeof rings);
    if (const int signal = interrupts_.take(); signal != 0) {
      interrupted_ = signal;
      sandbox_->end(std::nullopt);
      if (sandbox_->outcome()) out.stop(), err.stop();
    }
    if (too_much_) sandbox_->end(Limit::output);
    sandbox_->step(time_now());
    if (sandbox_->outcome()) in.stop();
  }

  void tell() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(told_.get(), &one, sizeof one);
  }

  /// Called on the threads of both channels.
  std::size_t count(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t room = spec_.limits.output_bytes - output_bytes_;
    const std::uint64_t allowed = std::min<std::uint64_t>(bytes, room);
    output_bytes_ += allowed;
    if (allowed < bytes) too_much_ = true, tell();
    return static_cast<std::size_t>(allowed);
  }

  const Spec& spec_;
  const std::array<int, 3>& streams_;
  Interrupts interrupts_;
  std::unique_ptr<Sandbox> sandbox_;
  const base::Descriptor told_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  std::mutex mutex_;
  std::uint64_t output_bytes_ = 0;
  std::atomic<bool> too_much_ = false;
  int interrupted_ = 0;
};

}  // namespace

Ran run(const Spec& spec, const std::array<int, 3>& streams) {
  occupy_standard_streams();
  return Run(spec, streams).to_its_end();
}

}  // namespace troupe::sandbox
