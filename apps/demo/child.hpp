#pragma once
// A program that runs as a child of this process, and never longer than this process.
//
// Ends    the destructor kills the child with SIGKILL and reaps it; if this process dies, the kernel kills the child.
// Output  its standard output comes through a pipe; its standard error goes to a file or to this process's standard
//         error.
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

inline constexpr std::size_t kChildLineBytesMax = 64 * 1024;  // our choice: far more than any line of `troupe`

/// Waits that a signal to this process can end.
class Attention {
 public:
  /// Handles these signals; create it before any other thread (see os::Waker).
  explicit Attention(std::initializer_list<int> signals) : waker_(signals) {}

  /// Waits until data can be read, or the time has passed. Returns false at once if a signal has arrived and was not
  /// taken.
  bool wait(base::Duration at_most, std::optional<int> readable = std::nullopt);
  /// Takes the signal that has arrived, if any; it then no longer ends waits.
  std::optional<int> take() { return std::exchange(signal_, std::nullopt); }

 private:
  os::Waker waker_;
  std::optional<int> signal_;
};

struct ChildSetup {
  std::vector<std::string> arguments;  ///< the program's path or name first
  std::string directory{};             ///< working directory; empty: this process's
  std::string errors{};                ///< file to which its standard error is appended; empty: this process's
  bool apart = false;                  ///< Ctrl-C at the terminal does not reach it
  bool terminal = false;               ///< the child has this process's input and output; its output is not read here
};

class Child {
 public:
  /// Starts a child. Fails if there is no such program, or the system cannot start a process.
  static base::Outcome<Child> start(const ChildSetup& setup);
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  int id() const { return id_; }

  /// Returns the next line of its output, without its end. Returns nullopt if there is none within `at_most`, at the
  /// end of the output, or if a signal ended the wait.
  std::optional<std::string> line(Attention& attention, base::Duration at_most);
  /// Returns the rest of its output; nullopt under the same conditions, or if it is too long.
  std::optional<std::string> rest(Attention& attention, base::Duration at_most);

  void send(int signal) const;
  /// Waits for the end, and returns it as a shell does: the exit, or 128 plus the number of the signal. Returns nullopt
  /// if the child is still running.
  std::optional<int> wait(Attention& attention, base::Duration at_most);

 private:
  Child(int id, os::Descriptor process, os::Descriptor output);
  /// Reads some of the output. Returns false at its end, or if no output came while it waited.
  bool more(Attention& attention, base::Instant due);
  void end();

  int id_ = -1;
  os::Descriptor process_;  // pidfd
  os::Descriptor output_;   // invalid once the output has ended
  std::string unread_;
  std::optional<int> ended_;  // the exit, once the child was reaped
};

}  // namespace troupe::apps
