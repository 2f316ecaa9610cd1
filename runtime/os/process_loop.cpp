#include "runtime/os/process_loop.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <caf/actor_cast.hpp>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "runtime/os/disk.hpp"
#include "runtime/os/sockets.hpp"
#include "runtime/ports/events.hpp"

namespace troupe::os {
namespace {

constexpr int kEventsMax = 3;
constexpr std::uint64_t kBell = 0, kLauncher = 1, kCarrier = 2;
constexpr const char* kGone = "the sandbox launcher has ended";
constexpr const char* kGoneAdvice = "restart the node";
static_assert(ports::kProcessesMax <= sandbox::kSandboxesMax);

sandbox::Outcome not_made(std::string why, std::string advice = {}) {
  sandbox::Outcome out;
  out.why = std::move(why);
  out.advice = std::move(advice);
  return out;
}

/// Returns the outcome of a program that was killed before it began; `limit`: because of that limit.
sandbox::Outcome killed(std::optional<sandbox::Limit> limit) {
  sandbox::Outcome out;
  out.how = sandbox::Ended::signalled;
  out.status = SIGKILL;
  out.limit = limit;
  return out;
}

void tell_of_process(const caf::weak_actor_ptr& owner, ports::ProcessEvent event) {
  ports::deliver(caf::actor_cast<runtime::Handle>(owner), std::move(event));
}

/// Returns an immutable file in memory, positioned at its beginning. Invalid with errno set if the system has no
/// resources left.
Descriptor sealed(base::ByteView bytes) {
  if (bytes.empty()) return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  Descriptor out(::memfd_create("input", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  while (out.valid() && !bytes.empty()) {
    const ssize_t put = ::write(out.get(), bytes.data(), bytes.size());
    if (put > 0) bytes = bytes.subspan(static_cast<std::size_t>(put));
    else if (errno != EINTR) out.reset();
  }
  // Not F_SEAL_WRITE, which also seals mappings, of which there are none. It waits for all processors, and so for
  // programs that are stopped in the kernel.
  const int seals = F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (!out.valid() || ::fcntl(out.get(), F_ADD_SEALS, seals) != 0 || ::lseek(out.get(), 0, SEEK_SET) != 0) return {};
  return out;
}

struct OutputPipe {
  Descriptor read, write;
};

/// The program's end of the pipe blocks, as programs expect; ours does not.
std::optional<OutputPipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  OutputPipe out{Descriptor(ends[0]), Descriptor(ends[1])};
  if (::fcntl(out.read.get(), F_SETFL, O_NONBLOCK) != 0) return std::nullopt;
  return out;
}

}  // namespace

ProcessLoop::ProcessLoop(std::optional<sandbox::Launcher> launcher, const ports::Clock& clock, std::size_t running_max)
    : launcher_(std::move(launcher)), running_max_(running_max), clock_(clock) {}

// -- from any thread --

ProcessLoop::Number ProcessLoop::start(ports::ProcessStart what, const runtime::Handle& owner) {
  const std::uint64_t ticket = what.ticket;
  std::optional<std::string> why;
  Number number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++number_;
    why = admit(what);
    if (!why) ++processes_;
  }
  if (why) ports::deliver(owner, ports::ProcessEnded{ticket, not_made(std::move(*why))});
  else give({number, Start{std::move(what), caf::actor_cast<caf::weak_actor_ptr>(owner)}});
  return number;
}

/// Returns why it cannot be started, or nullopt.
std::optional<std::string> ProcessLoop::admit(const ports::ProcessStart& what) {
  if (closing_) return "the node is shutting down";
  if (what.input.size() > ports::kInputBytesMax)
    return "the input has " + std::to_string(what.input.size()) + " bytes, more than the limit of " +
           std::to_string(ports::kInputBytesMax);
  if (what.spec.command.empty()) return "there is no program to run";
  if (processes_ >= 2 * running_max_) return "the node has " + std::to_string(processes_) + " processes already";
  if (!thread_.joinable() && !launcher_) return "this program was started without a sandbox launcher";
  if (!begin_thread()) return "the thread that serves processes could not be started: " + reason(errno);
  return std::nullopt;
}

/// Creates the shared parts of all processes, unless they exist. Returns false with errno set if the system has no
/// resources left.
bool ProcessLoop::begin_thread() {
  if (thread_.joinable()) return true;
  watch_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  bell_ = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!watch_.valid() || !bell_.valid()) return false;
  for (const auto& [descriptor, mark] :
       {std::pair{bell_.get(), kBell}, std::pair{launcher_->descriptor(), kLauncher}}) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u64 = mark;
    if (::epoll_ctl(watch_.get(), EPOLL_CTL_ADD, descriptor, &wanted) != 0) return false;
  }
  try {
    closer_ = std::make_shared<Closer>();
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& none) {
    errno = none.code().value();
    return false;
  }
  return true;
}

void ProcessLoop::grant(Number number, std::size_t bytes) {
  if (bytes > 0) give({number, Grant{bytes}});
}
void ProcessLoop::end(Number number, std::optional<sandbox::Limit> limit) { give({number, End{limit}}); }
void ProcessLoop::drop(Number number) { give({number, Drop{}}); }

void ProcessLoop::give(Order order) {
  const std::lock_guard lock(mutex_);
  if (closing_ || !thread_.joinable()) return;
  orders_.push_back(std::move(order));
  ring();
}

void ProcessLoop::ring() {
  const std::uint64_t one = 1;
  // It only fails when the counter is full, and then the bell is ringing already.
  [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);
}

void ProcessLoop::close() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(closing_, true)) return;
    if (thread_.joinable()) ring();
  }
  if (thread_.joinable()) thread_.join();
  std::vector<Order> ungiven;
  {
    const std::lock_guard lock(mutex_);
    ungiven.swap(orders_);
  }
  waiting_.clear();
  carrier_.reset();
  launcher_.reset();  // ends all programs, for which a reader may wait
  running_.clear();
  closer_.reset();
}

// -- in the thread --

void ProcessLoop::run() {
  while (true) {
    wait();
    if (!take_orders()) return;
    hear();
    begin_waiting();
  }
}

void ProcessLoop::wait() {
  if (launcher_ && launcher_->holds_orders() != launcher_writes_) {
    launcher_writes_ = !launcher_writes_;
    epoll_event wanted{};
    wanted.events = launcher_writes_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
    wanted.data.u64 = kLauncher;
    ::epoll_ctl(watch_.get(), EPOLL_CTL_MOD, launcher_->descriptor(), &wanted);
  }
  std::array<epoll_event, kEventsMax> ready{};
  const int count = ::epoll_wait(watch_.get(), ready.data(), kEventsMax, -1);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t mark = ready[static_cast<std::size_t>(i)].data.u64;
    if (mark == kLauncher) {
      launcher_ready_ = true;
    } else if (mark == kCarrier) {
      carrier_->step();
    } else {
      std::uint64_t rings = 0;
      [[maybe_unused]] const auto emptied = ::read(bell_.get(), &rings, sizeof rings);
    }
  }
}

/// Returns false once the thread must end.
bool ProcessLoop::take_orders() {
  std::vector<Order> orders;
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return false;
    orders.swap(orders_);
  }
  launcher_ready_ = launcher_ready_ || !orders.empty();  // a dead launcher is noticed at once
  for (Order& order : orders) std::visit([&](auto& what) { obey(order.number, what); }, order.what);
  return true;
}

/// A dropped process keeps its slot until it has ended: an owner that starts and drops many waits for that.
void ProcessLoop::obey(Number number, Start& start) {
  waiting_.emplace(number, std::move(start));
  begin_waiting();
}

void ProcessLoop::begin_waiting() {
  while (!waiting_.empty() && (running_.size() < running_max_ || !launcher_)) {
    auto first = waiting_.extract(waiting_.begin());
    begin(first.key(), first.mapped());
  }
}

std::optional<ProcessLoop::Start> ProcessLoop::stop_waiting(Number number) {
  auto one = waiting_.extract(number);
  return one.empty() ? std::nullopt : std::optional(std::move(one.mapped()));
}

void ProcessLoop::begin(Number number, Start& start) {
  const auto refuse = [&](sandbox::Outcome why) {
    forget(number);
    tell_of_process(start.owner, ports::ProcessEnded{start.what.ticket, std::move(why)});
  };
  if (!launcher_) return refuse(not_made(kGone, kGoneAdvice));
  Descriptor input = sealed(start.what.input);
  if (!input.valid()) return refuse(not_made("its input could not be stored: " + reason(errno)));
  auto output = make_pipe(), errors = make_pipe();
  if (!output || !errors) return refuse(not_made("its pipes could not be created: " + reason(errno), "ulimit -n"));
  std::unique_ptr<PipeReader> reader;
  try {
    reader = std::make_unique<PipeReader>(PipeReader::Pipes{std::move(output->read), std::move(errors->read)},
                                          [this, number] {
                                            give({number, Look{}});
                                          });
  } catch (const std::system_error& none) {
    return refuse(not_made("the thread that reads its output could not be started: " + none.code().message()));
  }
  if (!launcher_->make({number}, start.what.spec,
                       {std::move(input), std::move(output->write), std::move(errors->write)})) {
    hear();  // the launcher may be gone because of this
    return refuse(launcher_
                      ? not_made("its arguments, environment and binds are too large for the launcher, or there is "
                                 "no descriptor left")
                      : not_made(kGone, kGoneAdvice));
  }
  Running& one = running_[number];
  one.number = number;
  one.ticket = start.what.ticket;
  one.owner = std::move(start.owner);
  one.reader = std::move(reader);
  one.hosts = std::move(start.what.spec.hosts);
  one.reach = std::move(start.what.reach);
  one.output_bytes_max = start.what.spec.limits.output_bytes;
  one.reader->want(one.window.room());
}

void ProcessLoop::obey(Number number, const Grant& grant) {
  Running* const one = find(number);
  if (one == nullptr) return;
  one->window.granted(grant.bytes);
  one->reader->want(one->window.room());
}

void ProcessLoop::obey(Number number, const End& end) {
  if (const auto waited = stop_waiting(number)) {
    forget(number);
    return tell_of_process(waited->owner, ports::ProcessEnded{waited->what.ticket, killed(end.limit)});
  }
  Running* const one = find(number);
  if (one == nullptr || one->ended_by_owner) return;
  one->ended_by_owner = true;
  if (one->outcome) settle(*one);
  else if (launcher_) launcher_->end({number}, end.limit);
}

void ProcessLoop::obey(Number number, const Drop&) {
  if (stop_waiting(number)) return forget(number);
  Running* const one = find(number);
  if (one == nullptr) return;
  one->owner = nullptr;
  if (one->outcome) return settle(*one);
  if (carrier_) carrier_->remove(number);
  one->reader->stop();
  if (launcher_) launcher_->end({number}, std::nullopt);
}

void ProcessLoop::obey(Number number, const Look&) {
  Running* const one = find(number);
  if (one == nullptr) return;
  while (auto piece = one->reader->take()) printed(*one, std::move(*piece));
  one->reader->want(one->window.room());
  if (one->outcome) settle(*one);
}

void ProcessLoop::hear() {
  if (!launcher_ || !std::exchange(launcher_ready_, false)) return;
  while (auto heard = launcher_->next()) {
    Running* const one = find(heard->id.value);
    if (one == nullptr || one->outcome) continue;
    if (const auto* usage = std::get_if<sandbox::Usage>(&heard->what)) {
      measure(*one, *usage);
    } else if (std::holds_alternative<sandbox::Launcher::Listens>(heard->what)) {
      carry(*one, std::move(heard->descriptors));
    } else {
      one->outcome = std::move(std::get<sandbox::Outcome>(heard->what));
      one->outputs = std::move(heard->descriptors);
      if (one->outputs.size() > one->outcome->outputs.size()) {
        closer_->close(std::make_shared<const Descriptor>(std::move(one->outputs.back())));  // its disk
        one->outputs.pop_back();
      }
      settle(*one);
    }
  }
  if (launcher_->gone()) lose_launcher();
}

/// Carries the connections to its hosts. If that is impossible, the process must not run.
void ProcessLoop::carry(Running& one, std::vector<Descriptor> listeners) {
  if (!one.owner) return;  // dropped: it ends
  if (!carrier_) {
    carrier_.emplace(clock_);
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.u64 = kCarrier;
    if (::epoll_ctl(watch_.get(), EPOLL_CTL_ADD, carrier_->descriptor(), &wanted) != 0) carrier_.reset();
  }
  if (carrier_ && listeners.size() == one.hosts.size())
    return carrier_->add(one.number, std::move(listeners), one.hosts, one.reach);
  one.cut_off = true;
  launcher_->end({one.number}, std::nullopt);
}

/// Ends all sandboxes, which end with the launcher.
void ProcessLoop::lose_launcher() {
  ::epoll_ctl(watch_.get(), EPOLL_CTL_DEL, launcher_->descriptor(), nullptr);
  launcher_.reset();
  std::vector<Number> all;
  for (const auto& [number, one] : running_) all.push_back(number);
  for (const Number number : all) {
    Running& one = running_.at(number);
    if (one.outcome) continue;  // its owner has not granted credit yet
    one.outcome = not_made(kGone, kGoneAdvice);
    settle(one);
  }
}

void ProcessLoop::measure(Running& one, sandbox::Usage usage) {
  if (!one.owner || !one.measured.expired()) return;
  usage.output_bytes = one.output_bytes;
  const auto credit = std::make_shared<const char>();
  one.measured = credit;
  tell_of_process(one.owner, ports::Measured{one.ticket, usage, credit});
}

/// Delivers output to its owner.
void ProcessLoop::printed(Running& one, PipeReader::Piece piece) {
  if (!one.owner || one.too_much) return;
  const std::size_t read = piece.bytes.size();
  const std::uint64_t left = one.output_bytes_max - one.output_bytes;
  piece.bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, read)));
  const std::size_t kept = piece.bytes.size();
  if (kept > 0) {
    one.output_bytes += kept;
    one.window.told(kept);
    const auto which = piece.stream == 0 ? ports::Output::standard : ports::Output::errors;
    tell_of_process(one.owner, ports::Printed{one.ticket, which, std::move(piece.bytes)});
  }
  if (kept == read) return;
  one.too_much = true;
  one.reader->stop();
  if (!one.outcome && launcher_) launcher_->end({one.number}, sandbox::Limit::output);
}

/// After a process is over: delivers its last output, and then its end, unless that must wait for credit.
void ProcessLoop::settle(Running& one) {
  if (one.ended_by_owner || !one.owner) one.reader->stop();
  else one.reader->drain();
  if (!one.reader->ended()) return;
  while (auto piece = one.reader->take()) printed(one, std::move(*piece));
  if (one.cut_off) one.outcome = not_made("open-file limit reached: cannot connect to the task's hosts", "ulimit -n");
  sandbox::Outcome& outcome = *one.outcome;
  outcome.usage.output_bytes = one.output_bytes;
  if (one.too_much && (outcome.how == sandbox::Ended::exited || outcome.how == sandbox::Ended::signalled)) {
    // It may have ended between its last bytes and our order; the outcome must not depend on that.
    outcome.how = sandbox::Ended::signalled;
    outcome.status = SIGKILL;
    outcome.limit = sandbox::Limit::output;
    outcome.outputs.clear();
    close_outputs(one);
  }
  if (!one.owner) return forget(one.number);
  ports::ProcessEnded told{one.ticket, std::move(outcome)};
  for (Descriptor& output : one.outputs) {
    std::shared_ptr<const ports::File> file = file_of(std::move(output));
    const ports::File* const seen = file.get();
    told.outputs.emplace_back(seen, [file = std::move(file), closer = closer_](const ports::File*) mutable {
      closer->close(std::move(file));
    });
  }
  one.outputs.clear();
  const auto owner = std::move(one.owner);
  forget(one.number);
  tell_of_process(owner, std::move(told));
}

void ProcessLoop::close_outputs(Running& one) {
  if (one.outputs.empty()) return;
  closer_->close(std::make_shared<const std::vector<Descriptor>>(std::move(one.outputs)));
  one.outputs.clear();
}

/// Called before its owner is notified, which may start the next process at once: the slot must be free then.
void ProcessLoop::forget(Number number) {
  if (carrier_) carrier_->remove(number);
  const auto one = running_.find(number);
  if (one != running_.end()) {
    close_outputs(one->second);
    running_.erase(one);
  }
  const std::lock_guard lock(mutex_);
  --processes_;
}

ProcessLoop::Running* ProcessLoop::find(Number number) {
  const auto found = running_.find(number);
  return found == running_.end() ? nullptr : &found->second;
}

}  // namespace troupe::os
