#pragma once
// A second process of this program, which does one thing and ends with the first.
//
// Order   created before any thread of this process: a fork has only the thread that forks.
// End     its input ends with this object, or with this process; then it is awaited, kEndMax at most, and killed.
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
    /// Returns the next line without its end; empty at the end of the input.
    std::string read_line();
    void write_line(const std::string& line);
  };

  /// Runs `work` in the new process, which ends when it returns. Fails if the system cannot start a process.
  static Measurement<std::unique_ptr<SecondProcess>> start(const std::function<void(Pipes&)>& work);
  ~SecondProcess();
  SecondProcess(const SecondProcess&) = delete;
  SecondProcess& operator=(const SecondProcess&) = delete;

  /// Returns its next line. Fails if it ends, is silent for `at_most`, or on an interruption.
  Measurement<std::string> line(os::Waker& waker, base::Duration at_most);
  void tell(const std::string& line) { pipes_.write_line(line); }
  /// For a process that does not read its input.
  void send(int signal);

 private:
  SecondProcess(pid_t id, Pipes pipes) : id_(id), pipes_(std::move(pipes)) {}
  pid_t id_;
  Pipes pipes_;
};

}  // namespace troupe::bench
