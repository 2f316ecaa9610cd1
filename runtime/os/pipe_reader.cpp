#include "runtime/os/pipe_reader.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>

#include "runtime/ports/output_window.hpp"

namespace troupe::os {

PipeReader::PipeReader(Pipes pipes, std::function<void()> told)
    : pipes_(std::move(pipes)), told_(std::move(told)), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!wake_.valid()) throw std::system_error(errno, std::generic_category());
  thread_ = std::thread([this] { run(); });
}

PipeReader::~PipeReader() {
  stop();
  thread_.join();
}

// -- called by its user --

void PipeReader::want(std::size_t bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (piece_ || std::exchange(wish_.bytes, bytes) == bytes) return;
  }
  wake();
}

std::optional<PipeReader::Piece> PipeReader::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(piece_, std::nullopt);
}

void PipeReader::drain() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(wish_.drains, true)) return;
  }
  wake();
}

void PipeReader::stop() {
  {
    const std::lock_guard lock(mutex_);
    wish_.stops = true;
  }
  wake();
}

void PipeReader::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

// -- in the thread --

void PipeReader::run() {
  while (turn()) continue;
  for (Descriptor& one : pipes_) one.reset();
  ended_ = true;
  told_();
}

PipeReader::Wish PipeReader::wish() {
  const std::lock_guard lock(mutex_);
  return wish_;
}

/// Returns false at the end.
bool PipeReader::turn() {
  const Wish now = wish();
  if (now.stops || (!pipes_[0].valid() && !pipes_[1].valid())) return false;
  std::array<pollfd, 3> watched{pollfd{wake_.get(), POLLIN, 0}};
  for (std::size_t i = 0; i < pipes_.size(); ++i)  // poll(2) ignores negative descriptors
    watched[1 + i] = {now.bytes > 0 ? pipes_[i].get() : -1, POLLIN, 0};
  const bool at_once = now.drains && now.bytes > 0;
  if (::poll(watched.data(), watched.size(), at_once ? 0 : -1) < 0) return errno == EINTR;
  std::uint64_t rings = 0;
  if (watched[0].revents != 0) [[maybe_unused]]
    const auto emptied = ::read(wake_.get(), &rings, sizeof rings);
  if (wish().stops) return false;
  for (std::size_t i = 0; i < pipes_.size(); ++i) {
    const std::size_t stream = (first_ + i) % pipes_.size();
    if (watched[1 + stream].revents == 0 || !read(stream, now.bytes)) continue;
    first_ = (stream + 1) % pipes_.size();
    told_();
    return true;
  }
  // A drained empty pipe may still have a writer: a process that is being killed.
  if (at_once)
    for (std::size_t i = 0; i < pipes_.size(); ++i)
      if (watched[1 + i].revents == 0) pipes_[i].reset();
  return true;
}

/// Returns whether there was a piece.
bool PipeReader::read(std::size_t stream, std::size_t bytes) {
  std::array<std::uint8_t, ports::kOutputPieceBytesMax> buffer;
  const ssize_t got = ::read(pipes_[stream].get(), buffer.data(), std::min(bytes, buffer.size()));
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (got <= 0) {
    pipes_[stream].reset();
    return false;
  }
  const std::lock_guard lock(mutex_);
  piece_ = Piece{stream, base::Bytes(buffer.begin(), buffer.begin() + got)};
  wish_.bytes = 0;
  return true;
}

}  // namespace troupe::os
