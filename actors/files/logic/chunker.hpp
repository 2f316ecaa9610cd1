#pragma once
// Cuts a stream into chunks of one size, and hashes the bytes. One chunk is in memory; each byte is copied
// once. Owner: one put; not thread-safe.
#include <cstdint>

#include "actors/files/logic/manifest.hpp"
#include "actors/files/logic/merkle.hpp"
#include "runtime/base/bytes.hpp"

namespace troupe::files {

struct CutChunk {
  ChunkRef ref;
  base::Bytes bytes;
};

class FixedChunker {
 public:
  /// `chunk_bytes` is 1 to kChunkBytesMax.
  explicit FixedChunker(std::uint32_t chunk_bytes);

  /// Consumes bytes from the front of `piece` until it is used up or the chunk is full. Returns their number: 0 while a
  /// full chunk waits for take().
  std::size_t feed(base::ByteView piece);

  bool full() const { return buffer_.size() == chunk_bytes_; }
  bool empty() const { return buffer_.empty(); }

  /// Returns the current chunk: full, or the short last chunk of the file. Do not call it while empty(): a file that
  /// ends on a chunk border, or is empty, has no further chunk.
  CutChunk take();

 private:
  std::size_t chunk_bytes_;
  ChunkHasher hasher_;
  base::Bytes buffer_;
};

}  // namespace troupe::files
