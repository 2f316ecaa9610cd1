#pragma once
// Reads the output of a program, on its own thread.
//
// Why a thread   the program has the other ends of the pipes. As long as it runs it can keep them locked (splice(2), a
//                page that does not arrive), and then read(2) and close(2) block in spite of O_NONBLOCK.
// States         reading -> ended, when both pipes have ended or no more output is wanted.
// User           one thread. The reader's thread calls `told` when there is a piece to take(), and at the end.
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
  /// Waits for the thread: the program or the reader must have ended.
  ~PipeReader();
  PipeReader(const PipeReader&) = delete;
  PipeReader& operator=(const PipeReader&) = delete;

  /// Sets the maximum size of the next piece, at most ports::kOutputPieceBytesMax; 0 stops reading for now.
  void want(std::size_t bytes);
  /// Returns the piece that was read, or nullopt. The next piece is read after want().
  std::optional<Piece> take();
  /// Call once all output was written: only the rest in the pipes is read.
  void drain();
  /// Stops reading, because no more output is wanted.
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
