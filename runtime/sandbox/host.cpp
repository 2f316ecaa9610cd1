#include "runtime/sandbox/host.hpp"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "runtime/base/descriptor.hpp"

namespace troupe::sandbox {
namespace {

bool is_older_than(unsigned major, unsigned minor) {
  utsname machine{};
  unsigned has[2] = {};
  return ::uname(&machine) != 0 || std::sscanf(machine.release, "%u.%u", &has[0], &has[1]) != 2 ||
         std::pair(has[0], has[1]) < std::pair(major, minor);
}

/// The first byte of a setting of the kernel; 0 where it is empty, or there is none.
char first_of(const char* setting) {
  const base::Descriptor file(::open(setting, O_RDONLY | O_CLOEXEC));
  char out = 0;
  return file.valid() && ::read(file.get(), &out, 1) == 1 && out != '\n' ? out : '\0';
}

}  // namespace

std::string modules_of_formats() {
  if (!is_older_than(6, 14) || first_of("/proc/sys/kernel/modprobe") == 0) return "";
  return "a program can keep the host busy with modprobe: sysctl -w kernel.modprobe= once all modules are there";
}

// A limit of 1 keeps the kernel from starting the program of the pattern, and it says so each time.
std::string crashes_in_log() {
  if (!is_older_than(6, 12) || first_of("/proc/sys/kernel/core_pattern") != '|') return "";
  return "each crash of a program is two lines in the log of this kernel: sysctl -w kernel.core_pattern=core";
}

}  // namespace troupe::sandbox
