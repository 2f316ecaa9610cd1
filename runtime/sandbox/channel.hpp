#pragma once
// Moves bytes from one descriptor to another on its own thread.
//
// Why a thread   One end may be a pipe whose other end belongs to a sandboxed program. The program can keep the pipe
//                locked as long as it runs (splice(2), a page that does not arrive), and then read(2), write(2) and
//                close(2) block.
// States         moving -> done, when the source has ended, the target is closed, or the channel was stopped.
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {

/// An end of a channel. It belongs either to the channel, which closes it once done, or to the user.
struct ChannelEnd {
  base::Descriptor own{};
  int users = -1;
  int number() const { return own.valid() ? own.get() : users; }
};

class Channel {
 public:
  /// Returns how many of the `bytes` read may be passed on. If fewer than all, the channel is done.
  using Allow = std::function<std::size_t(std::size_t bytes)>;
  /// `done` is called on the thread. Both ends should be non-blocking (O_NONBLOCK).
  Channel(ChannelEnd from, ChannelEnd to, Allow allow, std::function<void()> done);
  /// Stops, and waits for the thread. No program may have the other ends open then.
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Stops the channel, and drops the bytes that have not been passed on.
  void stop();
  bool done() const { return done_; }

 private:
  void run();
  bool read();
  bool write();
  /// Returns false once the channel is to stop.
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
