#pragma once
// Which ids of the host the ids inside are.
//
// As root two ids that nothing else uses, so that a program owns no file of the host, and no other sandbox's process.
// Any other user may map its own id alone.
#include <sys/types.h>

#include <string_view>

#include "runtime/base/result.hpp"
#include "runtime/sandbox/child.hpp"

namespace troupe::sandbox {

/// The first of the two ids for the sandbox with that process, given the ids that this process may map: the text of
/// /proc/self/uid_map. Two processes that live at the same time get other ones. 0: there is no room for such ids.
std::uint32_t unused_ids(std::string_view own_map, pid_t process);

/// What this process may map.
Ids mappable();

/// Maps the ids of the new process. The error is a sentence.
base::Result<void, std::string> map_ids(pid_t process, Ids ids);

}  // namespace troupe::sandbox
