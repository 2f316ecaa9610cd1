#pragma once
// Wakes the main thread of a process: by a signal, by another thread, or by bytes on a descriptor.
//
// Signals  are blocked while this lives, in the thread that made it and in those started since, and read from a
//          descriptor: no code of ours runs in a signal handler.
// Order    make it before any other thread is started, or a signal may find a thread that does not block it.
// Safety   ring() from any thread; all else in the one that made it.
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
  /// Gives the signals back; one that waits unread is thrown away.
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  /// Ends the wait at hand, or the next one.
  void ring();

  enum class Want : std::uint8_t { reading, writing };
  struct Watched {
    int descriptor;
    Want want;
  };
  /// Whether that is so now, also of a descriptor that is broken: whoever uses it hears why. Safe from any thread.
  static bool is_ready(const Watched& watched);
  /// Waits until one of these can be read (or is broken), or the time has passed; which of them can. Signals have
  /// their usual effect. Safe from any thread.
  static std::vector<bool> readable(std::span<const int> descriptors, base::Duration at_most);
  /// Waits for a signal, a ring, a descriptor that is ready (or broken), or until `at_most` has passed.
  /// Returns the number of the signal, if it was one.
  std::optional<int> wait(base::Duration at_most, std::optional<Watched> watched = std::nullopt);

 private:
  sigset_t signals_{};
  sigset_t before_{};
  Descriptor source_;  // signalfd
  Descriptor bell_;    // eventfd
};

}  // namespace troupe::os
