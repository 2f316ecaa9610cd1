#pragma once
// Finds the interpreter or loader that a program needs to start, from its first bytes.
//
// Reads   "#!" lines, and 64-bit little-endian ELF files (System V ABI, chapters 4 and 5). They are untrusted: offsets
//         and sizes are checked.
#include <string>
#include <utility>

#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"

namespace troupe::task {

inline constexpr std::size_t kLoaderBytes = 65'536;  // our choice: linkers put the loader's path into the first page
/// Capability of a node that shows tasks its /usr (task.host_usr): its interpreters and shared libraries.
inline constexpr std::string_view kUsrCapability = "usr";
/// Paths of the node, and where a task sees them. Every loader that such a node can provide is below a second path.
inline constexpr std::pair<const char*, const char*> kUsr[] = {
    {"/usr", "/usr"}, {"/usr/bin", "/bin"}, {"/usr/lib", "/lib"}, {"/usr/lib64", "/lib64"}};
/// Returns whether a node could show that path.
bool in_usr(std::string_view path);

/// Why a file is not a program; the text begins with "it" or "its".
struct NoProgram {
  std::string why;
};

/// Returns the path of the program's interpreter or loader, empty if it needs none, or why it is not a program. `head`:
/// the first kLoaderBytes of the program, or all of it.
base::Result<std::string, NoProgram> loader_of(base::ByteView head);

}  // namespace troupe::task
