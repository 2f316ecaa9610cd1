#include "actors/task/logic/loader.hpp"

#include <algorithm>
#include <cstdint>

#include "runtime/base/fields.hpp"

namespace troupe::task {
namespace {

using base::ByteView;

constexpr std::string_view kElf =
    "\x7f"
    "ELF";
constexpr std::size_t kHeaderBytes = 64, kEntryBytes = 56;
constexpr std::uint8_t kClass64 = 2, kLittleEndian = 1;
constexpr std::uint32_t kInterpreter = 3;  // PT_INTERP
constexpr std::size_t kPathMax = 4'096;

base::Result<std::string, NoProgram> script_loader(ByteView head) {
  std::string_view line = base::as_text(head.first(std::min(head.size(), kPathMax)));
  line = line.substr(2, line.find('\n') - 2);
  // The kernel takes the carriage return as part of the interpreter's name.
  if (line.ends_with('\r'))
    return NoProgram{"its lines end in CR LF (Windows): convert them to LF, for example with dos2unix"};
  const auto begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return NoProgram{"its first line names no interpreter"};
  line.remove_prefix(begin);
  std::string path(line.substr(0, line.find_first_of(" \t")));
  if (!path.starts_with('/')) return NoProgram{"its first line names an interpreter without an absolute path"};
  return path;
}

base::Result<std::string, NoProgram> elf_loader(ByteView head) {
  if (head.size() < kHeaderBytes || head[4] != kClass64 || head[5] != kLittleEndian)
    return NoProgram{"it is an ELF file, but not 64-bit little-endian"};
  const auto table = base::load<std::uint64_t>(head, 32);
  const auto entry = base::load<std::uint16_t>(head, 54);
  const auto count = base::load<std::uint16_t>(head, 56);
  if (entry != kEntryBytes || count == 0) return NoProgram{"its ELF header is invalid"};
  if (table > head.size() || std::uint64_t{count} * kEntryBytes > head.size() - table)
    return NoProgram{"its ELF program headers are beyond its first 64 KiB"};
  for (std::size_t i = 0; i < count; ++i) {
    const ByteView at = head.subspan(static_cast<std::size_t>(table) + i * kEntryBytes, kEntryBytes);
    if (base::load<std::uint32_t>(at) != kInterpreter) continue;
    const auto offset = base::load<std::uint64_t>(at, 8), bytes = base::load<std::uint64_t>(at, 32);
    if (offset > head.size() || bytes > head.size() - offset || bytes < 2 || bytes > kPathMax)
      return NoProgram{"its ELF loader path is beyond its first 64 KiB"};
    const auto path = base::as_text(head.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes)));
    return std::string(path.substr(0, path.find('\0')));
  }
  return std::string();  // static
}

}  // namespace

bool in_usr(std::string_view path) {
  return std::ranges::any_of(kUsr, [path](const auto& one) {
    const std::string_view folder = one.second;
    return path.starts_with(folder) && path.size() > folder.size() && path[folder.size()] == '/';
  });
}

base::Result<std::string, NoProgram> loader_of(ByteView head) {
  const std::string_view text = base::as_text(head);
  if (text.starts_with("#!")) return script_loader(head);
  if (text.starts_with(kElf)) return elf_loader(head);
  if (text.starts_with("\xef\xbb\xbf#!"))
    return NoProgram{"it has a byte-order mark before #!: save it without the mark"};
  return NoProgram{"it is neither an ELF file nor a script that begins with #!"};
}

}  // namespace troupe::task
