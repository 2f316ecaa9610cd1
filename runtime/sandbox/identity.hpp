#pragma once
// The host ids to which the ids inside are mapped.
//
// As root: two otherwise unused ids, so that a program owns no file of the host and no process of another sandbox. Any
// other user may map only its own id.
#include <sys/types.h>

#include <string_view>

#include "runtime/base/result.hpp"
#include "runtime/sandbox/child.hpp"

namespace troupe::sandbox {

/// Returns the first of the two ids for the sandbox of `process`, or 0 if no ids are available. `own_map` is the text
/// of /proc/self/uid_map, the ids that this process may map. Two processes that live at the same time get different
/// ids.
std::uint32_t unused_ids(std::string_view own_map, pid_t process);

/// Returns the ids that this process may map.
Ids mappable();

/// Maps the ids of a new process. The error is a sentence.
base::Result<void, std::string> map_ids(pid_t process, Ids ids);

}  // namespace troupe::sandbox
