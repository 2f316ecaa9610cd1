#pragma once
// What has to be there for a program to start: the interpreter that its first bytes name.
//
// Reads   "#!" lines, and ELF files of 64 bits, little-endian (System V ABI, chapters 4 and 5), from outside: offsets
//         and sizes are checked.
#include <string>
#include <utility>

#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"

namespace troupe::task {

inline constexpr std::size_t kLoaderBytes = 65'536;  // our choice: linkers put it into the first page
/// Of a node that shows tasks its /usr (task.host_usr): interpreters and shared libraries are there.
inline constexpr std::string_view kUsrCapability = "usr";
/// What it shows of that, and where; all of a program's loaders that such a node may have lie below the second ones.
inline constexpr std::pair<const char*, const char*> kUsr[] = {
    {"/usr", "/usr"}, {"/usr/bin", "/bin"}, {"/usr/lib", "/lib"}, {"/usr/lib64", "/lib64"}};
/// Whether a node could show that path.
bool in_usr(std::string_view path);

/// Why a file is no program: it begins with "it" or "its".
struct NoProgram {
  std::string why;
};

/// Of the first bytes of a program, kLoaderBytes of them unless it is shorter: the path of what loads it, empty if it
/// needs nothing. The error says why it is no program.
base::Result<std::string, NoProgram> loader_of(base::ByteView head);

}  // namespace troupe::task
