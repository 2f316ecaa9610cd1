#pragma once
// A second process of this program, that does one thing and ends with the first.
//
// Order   made before any thread of this process: a fork has only the thread that forks.
// End     its input ends when this object does, or when this process dies; then it is waited for, kEndMax at most, and
//         killed.
#include <sys/types.h>

#include <functional>
#include <string>

#include "apps/bench/runner.hpp"
#include "runtime/os/descriptor.hpp"

namespace troupe::bench {

class SecondProcess {
 public:
  /// Lines to and from the first process.
  struct Pipes {
    os::Descriptor in, out;
    /// The next line without its end; empty at the end of the input.
    std::string read_line();
    void write_line(const std::string& line);
  };

  /// `work` runs in the new process, which ends when it returns. Fails if the system has no room for it.
  static Measurement<std::unique_ptr<SecondProcess>> start(const std::function<void(Pipes&)>& work);
  ~SecondProcess();
  SecondProcess(const SecondProcess&) = delete;
  SecondProcess& operator=(const SecondProcess&) = delete;

  /// The next line that it says. Fails if it ends, is silent for `at_most`, or on an interruption.
  Measurement<std::string> line(os::Waker& waker, base::Duration at_most);
  void tell(const std::string& line) { pipes_.write_line(line); }
  /// For one that does not look at the end of its input.
  void send(int signal);

 private:
  SecondProcess(pid_t id, Pipes pipes) : id_(id), pipes_(std::move(pipes)) {}
  pid_t id_;
  Pipes pipes_;
};

}  // namespace troupe::bench
