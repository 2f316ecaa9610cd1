#include "runtime/os/waker.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include "runtime/base/ensure.hpp"

namespace troupe::os {
namespace {

int milliseconds(base::Duration span) {
  const auto whole = std::chrono::ceil<std::chrono::milliseconds>(span).count();
  return static_cast<int>(std::clamp<std::int64_t>(whole, 0, std::numeric_limits<int>::max()));
}

pollfd asked(const Waker::Watched& watched) {
  return {watched.descriptor, static_cast<short>(watched.want == Waker::Want::reading ? POLLIN : POLLOUT), 0};
}

}  // namespace

Waker::Waker(std::initializer_list<int> signals) {
  ::sigemptyset(&signals_);
  for (const int signal : signals) ::sigaddset(&signals_, signal);
  base::ensure(::pthread_sigmask(SIG_BLOCK, &signals_, &before_) == 0, "signals can be blocked");
  source_ = Descriptor(::signalfd(-1, &signals_, SFD_NONBLOCK | SFD_CLOEXEC));
  bell_ = Descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  base::ensure(source_.valid() && bell_.valid(), "a process has room for two more descriptors");
}

Waker::~Waker() {
  const timespec at_once{};
  while (::sigtimedwait(&signals_, nullptr, &at_once) > 0) {
  }
  ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Waker::ring() {
  const std::uint64_t one = 1;
  // It only fails when the counter is full, and then the bell is ringing already.
  [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);
}

bool Waker::is_ready(const Watched& watched) {
  pollfd one = asked(watched);
  return ::poll(&one, 1, 0) > 0;
}

std::vector<bool> Waker::readable(std::span<const int> descriptors, base::Duration at_most) {
  std::vector<pollfd> all;
  for (const int one : descriptors) all.push_back({one, POLLIN, 0});
  ::poll(all.data(), all.size(), milliseconds(at_most));
  std::vector<bool> out;
  for (const pollfd& one : all) out.push_back(one.revents != 0);
  return out;
}

std::optional<int> Waker::wait(base::Duration at_most, std::optional<Watched> watched) {
  std::array<pollfd, 3> all{pollfd{source_.get(), POLLIN, 0}, pollfd{bell_.get(), POLLIN, 0}, pollfd{-1, 0, 0}};
  if (watched) all[2] = asked(*watched);
  ::poll(all.data(), all.size(), milliseconds(at_most));
  std::uint64_t rings = 0;
  [[maybe_unused]] const auto emptied = ::read(bell_.get(), &rings, sizeof rings);
  signalfd_siginfo signal{};
  if (::read(source_.get(), &signal, sizeof signal) != static_cast<ssize_t>(sizeof signal)) return std::nullopt;
  return static_cast<int>(signal.ssi_signo);
}

}  // namespace troupe::os
