#pragma once
// The system calls that a program in a sandbox may make, as BPF programs for seccomp(2).
//
// Source  filter_generator.cpp makes the filters with libseccomp when the program is built. Making one at run time
//         would take 2 ms, half of a sandbox's start time.
// Rule    All other calls fail with ENOSYS, including all calls of other ABIs (i386, x32).
#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::sandbox {

enum class Memory : std::uint8_t {
  counted,  ///< a cgroup counts all memory of a program
  watched,  ///< only mapped memory is seen: calls that take other memory are refused
};
enum class Forbidden : std::uint8_t {
  refused,   ///< fail with ENOSYS
  reported,  ///< the calls of tripwires() are reported to the supervisor, which ends the program
};

std::span<const sock_filter> filter(Memory memory, Forbidden forbidden);

/// Returns the name of a reported call; empty for any other number.
std::string_view tripwire_name(int number);

}  // namespace troupe::sandbox
