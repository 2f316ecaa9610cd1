#pragma once
// The loop of a launcher process: makes the ordered sandboxes, watches them, and reports on them (`packet.hpp`). Runs
// on one thread, the only thread of that process.

namespace troupe::sandbox {

/// Turns this process, a copy of its maker, into a launcher. It ends once the other end of `talk` is closed.
[[noreturn]] void become_launcher(int talk);

}  // namespace troupe::sandbox
