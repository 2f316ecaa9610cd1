// Fuzz target: any bytes as the only pack open, and every record shown can be read.
#include <cstdint>
#include <cstdlib>

#include "runtime/sim/disk.hpp"
#include "runtime/store/pack.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe;
  sim::Disk disk;
  if (!disk.make_directory("packs").ok()) std::abort();
  auto file = disk.open("packs/00000001.pack", ports::OpenMode::create);
  if (!file.value()->append({data, size}).ok()) std::abort();
  const auto opened = store::Packs::open(disk, "packs", {.seed = 1});
  if (!opened.ok()) return opened.error() == store::StoreError::format_newer ? 0 : (std::abort(), 0);
  store::Packs& packs = *opened.value();
  for (const store::PackInfo& pack : packs.packs()) {
    const auto report = packs.scan(pack.number, store::Packs::Check::payloads,
                                   [&](const base::Digest& id, const store::Location& where) {
                                     if (!packs.read(id, where).ok()) std::abort();
                                   });
    if (!report.ok()) std::abort();
  }
  if (!packs.append({}, {data, size < 1000 ? size : 1000}).ok() || !packs.sync().ok()) std::abort();
  return 0;
}
