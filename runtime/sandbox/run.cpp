#include "runtime/sandbox/run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

namespace troupe::sandbox {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kWriteBytes = 4 << 10;  // PIPE_BUF: a pipe that can be written to takes as much without a wait

base::Instant now() {
  return base::Instant(std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

struct Pipe {
  base::Descriptor read, write;

  static std::optional<Pipe> make() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
    return Pipe{base::Descriptor(ends[0]), base::Descriptor(ends[1])};
  }
};

void never_wait(int descriptor) { ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK); }

/// A stream that the caller has closed is an empty one: otherwise a pipe of ours could take its number.
void occupy_standard_streams() {
  int made = -1;
  do made = ::open("/dev/null", O_RDWR);
  while (made >= 0 && made <= STDERR_FILENO);
  if (made >= 0) ::close(made);
}

/// Moves bytes from one descriptor to another, as fast as the slower of both.
class Channel {
 public:
  Channel(int from, int to) : from_(from), to_(to) {}

  /// Both events at most one of which is waited for.
  void want(std::vector<pollfd>& watched) const {
    if (!buffer_.empty()) watched.push_back({to_, POLLOUT, 0});
    else if (from_ >= 0) watched.push_back({from_, POLLIN, 0});
  }
  /// Returns how many bytes were read.
  std::size_t move(const pollfd& event) {
    if (event.revents == 0) return 0;
    if (!buffer_.empty() && event.fd == to_) return write(event), 0;
    if (event.fd == from_) return read();
    return 0;
  }
  /// Takes no more.
  void stop() { from_ = -1; }
  /// Forgets the last `bytes` of what was read.
  void drop_last(std::size_t bytes) { buffer_.resize(buffer_.size() - std::min(bytes, buffer_.size())); }
  bool done() const { return from_ < 0 && buffer_.empty(); }

 private:
  std::size_t read() {
    buffer_.resize(kReadBytes);
    const ssize_t got = ::read(from_, buffer_.data(), buffer_.size());
    buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) stop();
    written_ = 0;
    return buffer_.size();
  }
  void write(const pollfd& event) {
    if ((event.revents & POLLOUT) == 0) return lose();
    const ssize_t put = ::write(to_, buffer_.data() + written_, std::min(buffer_.size() - written_, kWriteBytes));
    if (put < 0 && errno != EAGAIN && errno != EINTR) return lose();
    if (put > 0) written_ += static_cast<std::size_t>(put);
    if (written_ >= buffer_.size()) buffer_.clear();
  }
  void lose() {  // its reader has left
    buffer_.clear();
    stop();
  }

  int from_, to_;
  std::vector<char> buffer_;
  std::size_t written_ = 0;
};

/// SIGINT and its like, as something to wait for, for as long as this lives.
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

/// Removed after the sandbox, its own among them.
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
  Run(const Spec& spec, const Streams& streams) : spec_(spec), streams_(streams) {}

  Ran to_its_end() {
    auto input = Pipe::make(), output = Pipe::make(), errors = Pipe::make();
    if (!input || !output || !errors) return not_made({"there is no room for the pipes of a sandbox", "ulimit -n"});
    const CgroupPlaces places = spec_.cgroups == Cgroups::never ? CgroupPlaces{} : find_cgroups();
    const Leftovers leftovers(places, spec_.group);
    auto started = Sandbox::start(spec_, {input->read.get(), output->write.get(), errors->write.get()}, places, now());
    if (!started.ok()) return not_made(started.error());
    sandbox_ = std::move(started).value();
    const int cgroup = sandbox_->cgroup_version();
    input->read.reset(), output->write.reset(), errors->write.reset();
    for (const int own : {input->write.get(), output->read.get(), errors->read.get()}) never_wait(own);
    input_ = std::move(input->write);
    Channel in(streams_[0], input_.get());
    Channel out(output->read.get(), streams_[1]), err(errors->read.get(), streams_[2]);
    while (!sandbox_->outcome() || !out.done() || !err.done()) turn(in, out, err, output->read, errors->read);
    Ran ran{*sandbox_->outcome(), interrupted_, cgroup};
    ran.outcome.usage.output_bytes = output_bytes_;
    sandbox_.reset();  // waits until the kernel has ended it: its groups go with the leftovers
    return ran;
  }

 private:
  static Ran not_made(const NotMade& why) {
    Ran out;
    out.outcome.why = why.why;
    out.outcome.advice = why.advice;
    return out;
  }

  void turn(Channel& in, Channel& out, Channel& err, base::Descriptor& output, base::Descriptor& errors) {
    std::vector<pollfd> watched{{interrupts_.descriptor(), POLLIN, 0}};
    base::Duration wait = std::chrono::seconds{1};
    if (!sandbox_->outcome()) {
      for (const int one : sandbox_->descriptors()) watched.push_back({one, POLLIN, 0});
      wait = std::max(sandbox_->due() - now(), base::Duration(0));
      in.want(watched);
    }
    out.want(watched);
    err.want(watched);
    const timespec at_most{wait / std::chrono::seconds(1), (wait % std::chrono::seconds(1)).count()};
    ::ppoll(watched.data(), watched.size(), &at_most, nullptr);
    if (const int signal = interrupts_.take(); signal != 0) {
      interrupted_ = signal;
      sandbox_->end(std::nullopt);
      if (sandbox_->outcome()) out.stop(), err.stop(), out.drop_last(SIZE_MAX), err.drop_last(SIZE_MAX);
    }
    for (const pollfd& event : watched) {
      in.move(event);
      for (Channel* one : {&out, &err}) count(*one, one->move(event));
    }
    // A reader that has left closes the pipe for its writer too, as it would without us.
    if (out.done()) output.reset();
    if (err.done()) errors.reset();
    if (in.done()) input_.reset();
    sandbox_->step(now());
    if (sandbox_->outcome()) input_.reset(), in.stop();
  }

  void count(Channel& of, std::size_t bytes) {
    const std::uint64_t room = spec_.limits.output_bytes - std::min(spec_.limits.output_bytes, output_bytes_);
    output_bytes_ += std::min<std::uint64_t>(bytes, room);
    if (bytes <= room) return;
    of.drop_last(bytes - static_cast<std::size_t>(room));
    sandbox_->end(Limit::output);
  }

  const Spec& spec_;
  const Streams& streams_;
  Interrupts interrupts_;
  std::unique_ptr<Sandbox> sandbox_;
  base::Descriptor input_;
  std::uint64_t output_bytes_ = 0;
  int interrupted_ = 0;
};

}  // namespace

Ran run(const Spec& spec, const Streams& streams) {
  occupy_standard_streams();
  return Run(spec, streams).to_its_end();
}

}  // namespace troupe::sandbox
