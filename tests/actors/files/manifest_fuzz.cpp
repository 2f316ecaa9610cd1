// Whatever is taken for a manifest is the one encoding of what it says, and says something possible.
#include <algorithm>
#include <cstdlib>

#include "actors/files/logic/manifest.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace troupe::files;
  const troupe::base::ByteView bytes(data, size);
  const auto parsed = parse_manifest(bytes);
  if (!parsed.ok()) return 0;
  const Manifest& manifest = parsed.value();
  std::uint64_t sum = 0;
  for (const ChunkRef& chunk : manifest.chunks) sum += chunk.bytes;
  const auto again = encode(manifest);
  const bool same = std::equal(again.begin(), again.end(), bytes.begin(), bytes.end());
  if (!same || sum != manifest.file_bytes || manifest.chunks.size() > kChunksMax) std::abort();
  return 0;
}
