#include "runtime/sandbox/channel.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace troupe::sandbox {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kWriteBytes = 4 << 10;  // PIPE_BUF: a writable pipe accepts that much without blocking

bool again(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

Channel::Channel(ChannelEnd from, ChannelEnd to, Allow allow, std::function<void()> done)
    : from_(std::move(from)),
      to_(std::move(to)),
      allow_(std::move(allow)),
      told_(std::move(done)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      thread_([this] { run(); }) {}

Channel::~Channel() {
  stop();
  thread_.join();
}

void Channel::stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Channel::run() {
  while (read() && write()) continue;
  from_.own.reset();
  to_.own.reset();
  done_ = true;
  told_();
}

bool Channel::wait(int descriptor, short events) {
  pollfd watched[] = {{wake_.get(), POLLIN, 0}, {descriptor, events, 0}};
  while (::poll(watched, 2, -1) < 0 && errno == EINTR) continue;
  return watched[0].revents == 0 && (events == POLLIN || (watched[1].revents & events) != 0);
}

bool Channel::read() {
  if (last_ || !wait(from_.number(), POLLIN)) return false;
  buffer_.resize(kReadBytes);
  const ssize_t got = ::read(from_.number(), buffer_.data(), buffer_.size());
  const bool nothing = got < 0 && again(errno);
  buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  if (got <= 0) return nothing;
  const std::size_t allowed = allow_(buffer_.size());
  last_ = allowed < buffer_.size();
  buffer_.resize(allowed);
  return true;
}

/// Writes all bytes that were read. A closed reader ends the channel.
bool Channel::write() {
  for (std::size_t written = 0; written < buffer_.size();) {
    if (!wait(to_.number(), POLLOUT)) return false;
    const ssize_t put =
        ::write(to_.number(), buffer_.data() + written, std::min(buffer_.size() - written, kWriteBytes));
    if (put < 0 && !again(errno)) return false;
    if (put > 0) written += static_cast<std::size_t>(put);
  }
  return true;
}

}  // namespace troupe::sandbox
