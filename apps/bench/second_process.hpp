#pragma once
// A second process of this program, which does one thing and ends with the first process.
//
// Order   create it before any thread of this process, because a fork has only the thread that forks.
// End     its input ends with this object or this process. The destructor then waits for it, at most kEndMax, and kills
//         it.
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

  /// Returns the next line from the second process. Fails if that process ends or is silent for `at_most`, or on an
  /// interruption.
  Measurement<std::string> line(os::Waker& waker, base::Duration at_most);
  void tell(const std::string& line) { pipes_.write_line(line); }
  /// Sends a signal, to a process that does not read its input.
  void send(int signal);

 private:
  SecondProcess(pid_t id, Pipes pipes) : id_(id), pipes_(std::move(pipes)) {}
  pid_t id_;
  Pipes pipes_;
};

}  // namespace troupe::bench
