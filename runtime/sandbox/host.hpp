#pragma once
// What the kernel of this machine does for a program that no limit counts, and that a setting of its ends. Each is a
// sentence with what to do; empty: it does not.
#include <string>

namespace troupe::sandbox {

/// It starts kernel.modprobe for each file of no known format that is started.
std::string modules_of_formats();

/// It writes of each crash into its log, without a limit: a reason to run no programs that strangers choose.
std::string crashes_in_log();

}  // namespace troupe::sandbox
