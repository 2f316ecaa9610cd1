#pragma once
// How the tree of files inside is built: a list of steps, made before the sandbox and performed in it.
//
// The new process shares nothing with its parent but a copy of its memory. It only makes system calls, so that a
// parent with threads may start sandboxes too; whatever takes memory is done here, before.
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.hpp"
#include "runtime/sandbox/spec.hpp"

namespace troupe::sandbox {

struct Step {
  enum class Kind : std::uint8_t {
    folder,    ///< makes the folder `to`; it may be there
    file,      ///< makes the empty file `to`; it may be there
    text,      ///< makes the file `to` of the content `from`
    link,      ///< makes the symbolic link `to` to `from`
    bind,      ///< shows `from` at `to`, read-only, without devices and set-user-id
    device,    ///< shows the device `from` at `to`
    process,   ///< mounts /proc at `to`: of the processes inside, and nothing but processes
    disk,      ///< mounts a file system in memory at `to`, with the options `from`
    shift,     ///< shows the folder `from` of the new tree at `to`, writable
    give_all,  ///< everybody may write to the folder `to`, and delete what is theirs
    give,      ///< the folder `to` belongs to the program
    seal,      ///< what is not mounted above it becomes read-only
  };
  Kind kind;
  std::string from;
  std::string to;  ///< relative to the new root
};

/// In the order in which they are performed. Reads the top folder of the root.
/// The error says which folder cannot be read, or which bind is wrong, and why.
base::Result<std::vector<Step>, std::string> steps_of(const Spec& spec);

/// Those for the binds below /task alone: what may be done in a sandbox that has all else.
base::Result<std::vector<Step>, std::string> disk_steps_of(const Spec& spec);
/// Whether a bind to that place is among them.
bool on_disk(const Bind& bind);

/// "the mount of /proc", for an error.
std::string text(const Step& step);

}  // namespace troupe::sandbox
