#include "actors/files/logic/manifest.hpp"

#include <algorithm>
#include <bit>

#include "runtime/base/ensure.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::files {
namespace {

using base::append;
using base::append_number;
using base::load;

constexpr std::uint64_t kRootEmpty = 0x0000'0002'0000'0000;   // word 0 without pointers
constexpr std::uint64_t kRootFull = 0x0002'0002'0000'0000;    // word 0 with two
constexpr std::uint64_t kDigestList = 0x0000'0102'0000'0005;  // word 3
constexpr std::uint32_t kChunkListOffset = 0x11;              // lower half of word 4
constexpr std::uint32_t kCompositeList = 7;                   // element size of a list of structs
constexpr std::uint32_t kChunkWords = 5;
static_assert(kChunkWords * 8 == kManifestChunkBytes);

bool chunk_size_allowed(std::uint32_t bytes) {
  return std::has_single_bit(bytes) && bytes >= kChunkBytesMin && bytes <= kChunkBytesMax;
}

std::uint64_t chunk_list(std::size_t chunks) {
  const auto words = static_cast<std::uint32_t>(chunks) * kChunkWords;
  return std::uint64_t{words << 3 | kCompositeList} << 32 | kChunkListOffset;
}

std::uint64_t chunk_tag(std::size_t chunks) { return std::uint64_t{kChunkWords} << 32 | std::uint64_t{chunks} << 2; }

std::uint64_t settings(Chunker chunker, std::uint32_t chunk_bytes) {
  return std::uint64_t{chunk_bytes} << 32 | std::uint64_t{static_cast<std::uint16_t>(chunker)} << 16 | kManifestFormat;
}

base::Digest file_root(const Manifest& manifest) {
  const std::vector<ChunkRef>& chunks = manifest.chunks;
  if (chunks.empty()) return {};
  if (chunks.size() == 1) return {chunks.front().id.bytes};
  const unsigned levels = tree_levels(manifest.chunk_bytes / kLeafBytes);
  TreeFold fold(levels);
  for (const ChunkRef& chunk : chunks) fold.add(extend({chunk.id.bytes}, chunk.bytes, levels));
  return fold.finish();
}

/// Format and chunker are checked first, to distinguish a later format from garbage.
bool foreign(base::ByteView bytes) {
  const std::uint64_t root = load<std::uint64_t>(bytes, 0);
  const bool is_struct = (root & 0xffff'ffff) == 0;
  const auto data_words = static_cast<std::uint16_t>(root >> 32);
  if (!is_struct || data_words < 2) return false;
  return load<std::uint16_t>(bytes, 16) > kManifestFormat ||
         (load<std::uint16_t>(bytes, 16) == kManifestFormat && load<std::uint16_t>(bytes, 18) != 0);
}

}  // namespace

base::Bytes encode(const Manifest& manifest) {
  const std::size_t count = manifest.chunks.size();
  base::Bytes out;
  out.reserve(count == 0 ? kManifestEmptyBytes : kManifestHeadBytes + count * kManifestChunkBytes);
  append_number(out, std::uint64_t{count == 0 ? kRootEmpty : kRootFull});
  append_number(out, std::uint64_t{manifest.file_bytes});
  append_number(out, std::uint64_t{settings(manifest.chunker, manifest.chunk_bytes)});
  if (count == 0) return out;
  append_number(out, std::uint64_t{kDigestList});
  append_number(out, std::uint64_t{chunk_list(count)});
  append(out, manifest.root.view());
  append_number(out, std::uint64_t{chunk_tag(count)});
  for (const ChunkRef& chunk : manifest.chunks) {
    append(out, chunk.id.view());
    append_number(out, std::uint64_t{chunk.bytes});
  }
  return out;
}

base::Result<Manifest, ManifestError> parse_manifest(base::ByteView bytes) {
  if (bytes.size() < kManifestEmptyBytes || bytes.size() % 8 != 0) return ManifestError::malformed;
  if (foreign(bytes)) return ManifestError::unsupported;
  if (bytes.size() > kManifestBytesMax) return ManifestError::too_large;
  Manifest out;
  out.file_bytes = load<std::uint64_t>(bytes, 8);
  out.chunk_bytes = load<std::uint32_t>(bytes, 20);
  if (load<std::uint64_t>(bytes, 16) != settings(Chunker::fixed, out.chunk_bytes)) return ManifestError::malformed;
  if (out.chunk_bytes > kChunkBytesMax && std::has_single_bit(out.chunk_bytes)) return ManifestError::unsupported;
  if (!chunk_size_allowed(out.chunk_bytes)) return ManifestError::malformed;
  if (out.file_bytes == 0) {
    if (bytes.size() != kManifestEmptyBytes || load<std::uint64_t>(bytes, 0) != kRootEmpty)
      return ManifestError::malformed;
    return out;
  }
  const std::uint64_t count = (out.file_bytes - 1) / out.chunk_bytes + 1;
  if (count > kChunksMax) return ManifestError::too_large;
  if (bytes.size() != kManifestHeadBytes + count * kManifestChunkBytes) return ManifestError::malformed;
  if (load<std::uint64_t>(bytes, 0) != kRootFull || load<std::uint64_t>(bytes, 24) != kDigestList)
    return ManifestError::malformed;
  if (load<std::uint64_t>(bytes, 32) != chunk_list(count) || load<std::uint64_t>(bytes, 72) != chunk_tag(count))
    return ManifestError::malformed;
  out.root = *base::Digest::from(bytes.subspan(40, 32));
  out.chunks.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t at = kManifestHeadBytes + i * kManifestChunkBytes;
    const std::uint64_t length = std::min<std::uint64_t>(out.chunk_bytes, out.file_bytes - i * out.chunk_bytes);
    if (load<std::uint64_t>(bytes, at + 32) != length) return ManifestError::malformed;
    out.chunks.push_back({*ChunkId::from(bytes.subspan(at, 32)), static_cast<std::uint32_t>(length)});
  }
  if (out.root != file_root(out)) return ManifestError::malformed;
  return out;
}

Cid cid_of(base::ByteView canonical) { return {crypto::sha256(canonical).bytes}; }

ManifestBuilder::ManifestBuilder(std::uint32_t chunk_bytes) {
  base::ensure(chunk_size_allowed(chunk_bytes), "a chunk size is a power of two within its limits");
  manifest_.chunk_bytes = chunk_bytes;
}

base::Result<void, ManifestError> ManifestBuilder::add(const ChunkRef& chunk) {
  base::ensure(chunk.bytes > 0 && chunk.bytes <= manifest_.chunk_bytes, "a chunk has 1 to chunk_bytes bytes");
  base::ensure(manifest_.file_bytes % manifest_.chunk_bytes == 0, "nothing follows a short chunk");
  if (manifest_.chunks.size() == kChunksMax) return ManifestError::too_large;
  manifest_.chunks.push_back(chunk);
  manifest_.file_bytes += chunk.bytes;
  return {};
}

Manifest ManifestBuilder::finish() {
  manifest_.root = file_root(manifest_);
  return std::move(manifest_);
}

}  // namespace troupe::files
