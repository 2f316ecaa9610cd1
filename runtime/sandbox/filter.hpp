#pragma once
// The system calls that a program in a sandbox may make, as BPF programs for seccomp(2).
//
// Source  filter_generator.cpp makes them with libseccomp while the program is built: to make one takes 2 ms, which
//         is half of what the start of a sandbox takes.
// Rule    what is not allowed is answered ENOSYS, all of another ABI (i386, x32) too.
#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::sandbox {

enum class Memory : std::uint8_t {
  counted,  ///< a cgroup counts all that a program takes
  watched,  ///< only what is mapped is seen: calls that take memory elsewhere are refused
};
enum class Forbidden : std::uint8_t {
  refused,   ///< answered ENOSYS
  reported,  ///< the calls of tripwires() are reported to the supervisor, which ends the program
};

std::span<const sock_filter> filter(Memory memory, Forbidden forbidden);

/// The name of a call that is reported; empty for any other number.
std::string_view tripwire_name(int number);

}  // namespace troupe::sandbox
