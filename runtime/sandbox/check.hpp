#pragma once
// Starts sandboxes and tries to get out of them: whether this machine holds a program that means harm.
#include <string>
#include <vector>

namespace troupe::sandbox {

struct Check {
  std::string name;  ///< "mount", "memory without cgroups"
  bool ok = false;
  std::string detail;  ///< what was refused and how, or what worked that must not
};

struct Checked {
  bool ok = false;  ///< every check is
  std::vector<Check> checks;
  int cgroup = 0;  ///< version of the cgroups that this process can use; 0: none
};

/// Takes about a second. For a process with one thread: what looks from inside is a copy of it.
Checked check();

}  // namespace troupe::sandbox
