#pragma once
// Runs one sandbox to its end and passes its streams through: for a command whose process has no other work.
#include "runtime/sandbox/sandbox.hpp"

namespace troupe::sandbox {

struct Ran {
  Outcome outcome;
  int interrupted = 0;  ///< the signal (SIGINT, SIGTERM, SIGHUP) that has ended this run early; 0: none
  int cgroup = 0;       ///< version of the cgroups that counted; 0: none
};

/// `streams` belong to the caller: bytes read from the first become the program's input, and the program's output and
/// errors are written to the other two. The program itself has pipes, so no terminal and no file of the caller reaches
/// it. Errors: an outcome `not_made`.
Ran run(const Spec& spec, const std::array<int, 3>& streams);

}  // namespace troupe::sandbox
