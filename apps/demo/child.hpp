#pragma once
// A program that runs below this one, and never longer than it.
//
// Ends    with the object: SIGKILL, and reaped; the kernel kills it too if this process dies.
// Output  its standard output comes through a pipe, its errors go to a file or to where ours go.
// Owner   the thread that started it, which must live as long (PR_SET_PDEATHSIG).
#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/error.hpp"
#include "runtime/base/time.hpp"
#include "runtime/os/descriptor.hpp"
#include "runtime/os/waker.hpp"

namespace troupe::apps {

inline constexpr std::size_t kChildLineBytesMax = 64 * 1024;  // our choice: no line of `troupe` comes near

/// Waits that a signal to this process ends.
class Attention {
 public:
  /// Of these signals; make it before any other thread (see os::Waker).
  explicit Attention(std::initializer_list<int> signals) : waker_(signals) {}

  /// Until something can be read, or the time has passed. False at once while there is a signal.
  bool wait(base::Duration at_most, std::optional<int> readable = std::nullopt);
  /// The signal that came, which then no longer ends waits.
  std::optional<int> take() { return std::exchange(signal_, std::nullopt); }

 private:
  os::Waker waker_;
  std::optional<int> signal_;
};

struct ChildSetup {
  std::vector<std::string> arguments;  ///< the program's path or name first
  std::string directory{};             ///< to run in; empty: ours
  std::string errors{};                ///< file that its standard error is appended to; empty: ours
  bool apart = false;                  ///< Ctrl-C at the terminal does not reach it
  bool terminal = false;               ///< has our input and output; nothing of it is read here
};

class Child {
 public:
  /// Fails if there is no such program, or no room for a process.
  static base::Outcome<Child> start(const ChildSetup& setup);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  int id() const { return id_; }

  /// The next line of its output, without its end. Nothing if there is none within `at_most`, at the end of the output,
  /// or if a signal ended the wait.
  std::optional<std::string> line(Attention& attention, base::Duration at_most);
  /// All of its output until its end; nothing under the same conditions, or if it is too long.
  std::optional<std::string> rest(Attention& attention, base::Duration at_most);

  void send(int signal) const;
  /// How it ended, as a shell says it: its exit, or 128 and the number of the signal. Nothing if it runs on.
  std::optional<int> wait(Attention& attention, base::Duration at_most);

 private:
  Child(int id, os::Descriptor process, os::Descriptor output);
  /// Reads some of its output. False at its end, or when the wait for it ended without any.
  bool more(Attention& attention, base::Instant due);
  void end();

  int id_ = -1;
  os::Descriptor process_;  // pidfd
  os::Descriptor output_;   // none once it has ended
  std::string unread_;
  std::optional<int> ended_;  // reaped
};

}  // namespace troupe::apps
