#pragma once
// The loop of a launcher process: makes the ordered sandboxes, monitors them, and reports on them (`packet.hpp`). It
// runs on the only thread of that process.

namespace troupe::sandbox {

/// Turns this process, a copy of the process that started it, into a launcher. It ends once the other end of `talk` is
/// closed.
[[noreturn]] void become_launcher(int talk);

}  // namespace troupe::sandbox
