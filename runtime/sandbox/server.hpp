#pragma once
// What runs in the process of a launcher: it makes the sandboxes that are ordered, watches them, and tells what becomes
// of them (`packet.hpp`). One thread.

namespace troupe::sandbox {

/// This process, which is a copy of its maker, is a launcher from now on, and ends once the other end of `talk` is
/// closed.
[[noreturn]] void become_launcher(int talk);

}  // namespace troupe::sandbox
