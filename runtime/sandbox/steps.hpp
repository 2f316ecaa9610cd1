#pragma once
// How the file tree of a sandbox is built: a list of steps, made before the sandbox and performed in it.
//
// The new process has a copy of its parent's memory. It only makes system calls, so that a parent with threads may
// start sandboxes too. So everything that allocates is done here, before it starts.
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::sandbox {

struct Step {
  enum class Kind : std::uint8_t {
    folder,    ///< makes the folder `to`; it may exist
    file,      ///< makes the empty file `to`; it may exist
    text,      ///< makes the file `to` of the content `from`
    link,      ///< makes the symbolic link `to` to `from`
    bind,      ///< shows `from` at `to`, read-only, without devices and set-user-id
    device,    ///< shows the device `from` at `to`
    process,   ///< mounts /proc at `to`, which shows only the processes inside
    disk,      ///< mounts a file system in memory at `to`, with the options `from`
    shift,     ///< shows the folder `from` of the new tree at `to`, writable
    give_all,  ///< everybody may write to the folder `to`, and delete their own files
    give,      ///< the folder `to` belongs to the program
    seal,      ///< everything that is not mounted over becomes read-only
  };
  Kind kind;
  std::string from;
  std::string to;  ///< relative to the new root
};

/// Returns the steps in execution order. Reads the top folder of the root. The error says which folder cannot be read,
/// or which bind is wrong, and why.
base::Result<std::vector<Step>, std::string> steps_of(const Spec& spec);

/// Returns only the steps for binds below /task: they can be performed in an existing sandbox.
base::Result<std::vector<Step>, std::string> disk_steps_of(const Spec& spec);
/// Returns whether the bind's target is below /task.
bool on_disk(const Bind& bind);

/// "the mount of /proc", for an error.
std::string text(const Step& step);

}  // namespace troupe::sandbox
