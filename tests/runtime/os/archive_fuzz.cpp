// Fuzz target: an archive that a submitter has made is read by the node that runs the task.
#include <cstdint>
#include <cstdlib>

#include "runtime/os/archive_reader.hpp"
#include "tests/runtime/os/archive_bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  const test::BytesFile file({data, data + size});
  os::ArchiveReader reader(file);
  std::uint64_t entries = 0;
  for (;;) {
    const auto entry = reader.next();
    if (!entry.ok() || !entry.value()) return 0;
    // An entry has a header of its own, and what a file has lies in the archive.
    const os::ArchiveEntry& one = *entry.value();
    if (++entries > size / 512) std::abort();
    if (one.kind == os::ArchiveEntry::Kind::none) continue;
    if (!ports::path_ok(one.path) || one.path.size() > ports::kArchivePathBytesMax) std::abort();
    if (one.kind == os::ArchiveEntry::Kind::same && !one.target.empty() && !ports::path_ok(one.target)) std::abort();
    std::uint64_t read = 0;
    for (;;) {
      const auto piece = reader.read();
      if (!piece.ok()) return 0;
      if (piece.value().empty()) break;
      read += piece.value().size();
      if (read > size || read > one.bytes) std::abort();
    }
    if (read != one.bytes) std::abort();
  }
}
