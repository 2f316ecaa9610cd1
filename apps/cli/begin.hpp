#pragma once
// Resets what a process inherits from its parent to what this program relies on, and reaps orphans as process 1.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "apps/cli/failure.hpp"

namespace troupe::apps {

/// Must be the first call in main(), before a file is opened or a thread is started.
///
/// Opens /dev/null as each of the descriptors 0, 1 and 2 that is closed, so that no file or socket gets that number.
/// /dev/null is opened for the wrong direction: reading 0 and writing 1 or 2 still fails (EBADF), as if they were
/// closed. Ignores SIGPIPE and SIGXFSZ, so that a write fails (EPIPE, EFBIG) instead of ending the process. Sets
/// SIGCHLD to its default, so that the status of a child can be read even if the parent ignores SIGCHLD.
void begin_process();

/// Raises the soft limit of open descriptors to the hard limit. If that is below `least`, returns the failure of
/// `what`, such as "a node".
std::optional<Failure> too_few_descriptors(const std::string& what, std::uint64_t least);

/// Reads the status of each ended child except `waited_for`, so that none stays a zombie. For process 1, which inherits
/// the orphans of other programs.
void reap_orphans(pid_t waited_for);

}  // namespace troupe::apps
