#pragma once
// Reads what a program prints, in a thread of its own.
//
// Why a thread   the program has the other ends of the pipes, and can keep them locked for as long as it runs
//                (splice(2), a page that does not come): then read(2) and close(2) wait, whatever O_NONBLOCK says.
// States         reading -> ended: both pipes have come to their end, or nothing more was wanted of them.
// User           one thread; `told` is called in the reader's when there is something to take(), and at the end.
#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "runtime/base/bytes.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::os {

class PipeReader {
 public:
  using Pipes = std::array<Descriptor, 2>;  // standard output, errors; they do not wait (O_NONBLOCK)
  struct Piece {
    std::size_t stream = 0;
    base::Bytes bytes;
  };
  /// Throws std::system_error if the system has no room for its thread, or what wakes that.
  PipeReader(Pipes pipes, std::function<void()> told);
  /// Waits for the thread: the program must have ended, or the reader.
  ~PipeReader();
  PipeReader(const PipeReader&) = delete;
  PipeReader& operator=(const PipeReader&) = delete;

  /// Of how many bytes the next piece may be, ports::kOutputPieceBytesMax at most; with 0 there is none for now.
  void want(std::size_t bytes);
  /// What was read. The next piece is read once it is wanted.
  std::optional<Piece> take();
  /// Nothing more is written: what is in the pipes is all there is.
  void drain();
  /// Nothing more is wanted.
  void stop();
  bool ended() const { return ended_; }

 private:
  struct Wish {
    std::size_t bytes = 0;
    bool drains = false, stops = false;
  };
  void run();
  bool turn();
  bool read(std::size_t stream, std::size_t bytes);
  Wish wish();
  void wake();

  Pipes pipes_;  // of the thread
  const std::function<void()> told_;
  const Descriptor wake_;
  std::mutex mutex_;
  Wish wish_;
  std::optional<Piece> piece_;
  std::atomic<bool> ended_ = false;
  std::size_t first_ = 0;  // of both pipes, the one that is looked at first
  std::thread thread_;
};

}  // namespace troupe::os
