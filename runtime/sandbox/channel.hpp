#pragma once
// Moves bytes from one descriptor to another in a thread of its own.
//
// Why a thread   one of both may be a pipe whose other end a sandboxed program has, and that can keep it locked for as
//                long as it runs (splice(2), a page that does not come): then read(2), write(2) and close(2) wait.
// States         moving -> done: its source has ended, its target takes no more, or it was stopped.
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {

/// An end of a channel: of the channel's own, which it closes once it is done, or of its user's.
struct ChannelEnd {
  base::Descriptor own{};
  int users = -1;
  int number() const { return own.valid() ? own.get() : users; }
};

class Channel {
 public:
  /// How many of these bytes that were read are passed on: fewer than all, and it is done.
  using Allow = std::function<std::size_t(std::size_t bytes)>;
  /// `done` is called in the thread. Both ends are better off if they do not wait (O_NONBLOCK).
  Channel(ChannelEnd from, ChannelEnd to, Allow allow, std::function<void()> done);
  /// Stops, and waits for the thread: no program may hold the other ends any more.
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// What has not been passed on is dropped.
  void stop();
  bool done() const { return done_; }

 private:
  void run();
  bool read();
  bool write();
  /// False once it is to stop.
  bool wait(int descriptor, short events);

  ChannelEnd from_, to_;
  const Allow allow_;
  const std::function<void()> told_;
  const base::Descriptor wake_;  // written to by stop()
  std::string buffer_;
  std::atomic<bool> done_ = false;
  bool last_ = false;  // nothing more is read
  std::thread thread_;
};

}  // namespace troupe::sandbox
