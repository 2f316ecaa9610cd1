#pragma once
// Wakes the main thread of a process: by a signal, by another thread, or by bytes on a descriptor.
//
// Signals  are blocked while the Waker lives, in the thread that made it and in threads started since. They are read
//          from a descriptor, so none of our code runs in a signal handler.
// Order    make the Waker before any other thread is started, otherwise a signal may reach a thread that does not block
//          it.
// Safety   ring() from any thread; everything else only in the thread that made it.
#include <signal.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/time.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::os {

class Waker {
 public:
  explicit Waker(std::initializer_list<int> signals);
  /// Unblocks the signals; pending unread signals are discarded.
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Ends the current wait, or the next wait.
  void ring();

  enum class Want : std::uint8_t { reading, writing };
  struct Watched {
    int descriptor;
    Want want;
  };
  /// Whether `watched` is ready now. A broken descriptor counts as ready: its user then gets the error. Safe from any
  /// thread.
  static bool is_ready(const Watched& watched);
  /// Waits until one of `descriptors` is readable (or broken), or `at_most` has passed. Returns which of them are
  /// readable. Signals have their usual effect. Safe from any thread.
  static std::vector<bool> readable(std::span<const int> descriptors, base::Duration at_most);
  /// Waits for a signal, a ring, or `watched` to be ready (or broken), but at most `at_most`. Returns the number of the
  /// signal, if there was one.
  std::optional<int> wait(base::Duration at_most, std::optional<Watched> watched = std::nullopt);

 private:
  sigset_t signals_{};
  sigset_t before_{};
  Descriptor source_;  // signalfd
  Descriptor bell_;    // eventfd
};

}  // namespace troupe::os
