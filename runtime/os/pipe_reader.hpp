#pragma once
// Reads the output of a program, on its own thread.
//
// Why a thread   the program has the other ends of the pipes, and can keep them locked as long as it runs (splice(2), a
//                page that does not come). Then read(2) and close(2) block, in spite of O_NONBLOCK.
// States         reading -> ended: both pipes have ended, or no more output is wanted.
// User           one thread. The reader's thread calls `told` when there is something to take(), and at the end.
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
  using Pipes = std::array<Descriptor, 2>;  // standard output, errors; non-blocking (O_NONBLOCK)
  struct Piece {
    std::size_t stream = 0;
    base::Bytes bytes;
  };
  /// Throws std::system_error if the system has no thread or descriptor left.
  PipeReader(Pipes pipes, std::function<void()> told);
  /// Waits for the thread: the program must have ended, or the reader.
  ~PipeReader();
  PipeReader(const PipeReader&) = delete;
  PipeReader& operator=(const PipeReader&) = delete;

  /// Sets the maximum size of the next piece, at most ports::kOutputPieceBytesMax; 0 stops reading for now.
  void want(std::size_t bytes);
  /// Returns the piece that was read. The next piece is read once it is wanted.
  std::optional<Piece> take();
  /// No more output will be written: reads only the rest in the pipes.
  void drain();
  /// No more output is wanted.
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

  Pipes pipes_;  // used only by the thread
  const std::function<void()> told_;
  const Descriptor wake_;
  std::mutex mutex_;
  Wish wish_;
  std::optional<Piece> piece_;
  std::atomic<bool> ended_ = false;
  std::size_t first_ = 0;  // which of the pipes is checked first
  std::thread thread_;
};

}  // namespace troupe::os
