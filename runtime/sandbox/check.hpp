#pragma once
// Starts sandboxes and tries to escape from them: whether this machine can confine a malicious program.
#include <string>
#include <vector>

namespace troupe::sandbox {

struct Check {
  std::string name;  ///< "mount", "memory without cgroups"
  bool ok = false;
  std::string detail;  ///< what was refused and how, or what worked but must not
};

struct Checked {
  bool ok = false;  ///< every check passed
  std::vector<Check> checks;
  int cgroup = 0;  ///< version of the usable cgroups; 0: none
};

/// Takes about a second. Only for a process with one thread, because the sandboxed processes are copies of it.
Checked check();

}  // namespace troupe::sandbox
