#pragma once
// The canonical manifest: what a file consists of, in exactly one encoding. Its SHA-256 is the file's CID.
//
// Bytes   the canonical form (Cap'n Proto, "Canonicalization") of `Manifest` in messages/files.capnp; a test compares
//         them. Words of 8 bytes, little-endian; n is the number of chunks, and words 0 to 2 are all of an empty file.
//           0  00 00 00 00 02 00 02 00 (byte 6 is 00 for an empty file)     3  05 00 00 00 02 01 00 00
//           1  file size                                                    4  11 00 00 00, then 40 n + 7
//           2  format (2 bytes, 1) · chunker (2, 0: fixed) · chunk size (4)  5-8  the file's BEP 52 root (merkle.hpp)
//           9  4 n, then 05 00 00 00        10...  n times: chunk id (32) · chunk length (4) · zero (4)
// Unique  lengths, n and root follow from size, chunk size and ids, and parse_manifest() accepts no other values. So
//         encode() of a parsed manifest gives the same bytes.
// Limits  kChunksMax chunks: a manifest (at most 2.5 MiB) fits into one frame, a file has at most 64 GiB.
#include <cstdint>
#include <vector>

#include "actors/files/api.hpp"
#include "actors/files/logic/merkle.hpp"
#include "runtime/base/bytes.hpp"
#include "runtime/base/result.hpp"

namespace troupe::files {

inline constexpr std::uint16_t kManifestFormat = 1;
inline constexpr std::uint32_t kChunkBytesMin = kLeafBytes;  // BEP 52: "must be a power of two and at least 16KiB"
inline constexpr std::uint32_t kChunkBytesMax = 2u << 20;    // our choice: the largest that fits well into one frame
inline constexpr std::size_t kChunksMax = 65'536;            // see Limits
inline constexpr std::size_t kManifestHeadBytes = 10 * 8;    // words 0 to 9
inline constexpr std::size_t kManifestEmptyBytes = 3 * 8;    // words 0 to 2
inline constexpr std::size_t kManifestChunkBytes = 5 * 8;    // each chunk
inline constexpr std::size_t kManifestBytesMax = kManifestHeadBytes + kChunksMax * kManifestChunkBytes;
static_assert(kManifestBytesMax < 4u << 20, "a manifest fits into a frame");
static_assert(kChunkBytes >= kChunkBytesMin && kChunkBytes <= kChunkBytesMax);

enum class Chunker : std::uint16_t {
  fixed = 0,  ///< chunks of one size; the last has the rest
};

struct ChunkRef {
  ChunkId id;
  std::uint32_t bytes = 0;  ///< at least 1

  friend bool operator==(const ChunkRef&, const ChunkRef&) = default;
  ContentKey key() const { return ContentKey::chunk(id, bytes); }
};

struct Manifest {
  std::uint64_t file_bytes = 0;
  Chunker chunker = Chunker::fixed;
  std::uint32_t chunk_bytes = kChunkBytes;  ///< a power of two, kChunkBytesMin to kChunkBytesMax
  base::Digest root;                        ///< BEP 52 `pieces root`; zero for an empty file
  std::vector<ChunkRef> chunks;             ///< in order of the file; at most kChunksMax

  friend bool operator==(const Manifest&, const Manifest&) = default;
};

enum class ManifestError : std::uint8_t {
  malformed,    ///< not a canonical encoding of any file
  unsupported,  ///< a format, chunker or chunk size that this version does not know
  too_large,    ///< more than kChunksMax chunks
};

/// Returns the canonical bytes. A ManifestBuilder or parse() made `manifest`.
base::Bytes encode(const Manifest& manifest);

/// Parses only canonical bytes. Allocates no more than the size of `bytes`; hashes 32 B per chunk.
base::Result<Manifest, ManifestError> parse_manifest(base::ByteView bytes);

/// Returns the file's CID from its canonical manifest.
Cid cid_of(base::ByteView canonical);

/// Collects the chunks of a file as they pass.
class ManifestBuilder {
 public:
  /// `chunk_bytes` is a power of two from kChunkBytesMin to kChunkBytesMax.
  explicit ManifestBuilder(std::uint32_t chunk_bytes);

  /// Adds the file's next chunk: of chunk_bytes, or shorter if it is the last. Error: `too_large` beyond kChunksMax.
  base::Result<void, ManifestError> add(const ChunkRef& chunk);

  /// Returns the manifest of the added chunks. The builder is then done.
  Manifest finish();

 private:
  Manifest manifest_;
};

}  // namespace troupe::files
