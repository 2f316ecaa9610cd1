#pragma once
// Cuts a stream into chunks of one size, hashing as the bytes pass. One chunk is in memory; each byte is copied once.
// Owner: one put; not thread-safe.
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

  /// Takes bytes from the front of `piece` until it is used up or the chunk is full.
  /// Returns how many were taken: none while a full chunk waits for take().
  std::size_t feed(base::ByteView piece);

  bool full() const { return buffer_.size() == chunk_bytes_; }
  bool empty() const { return buffer_.empty(); }

  /// The chunk so far: a full one, or the short last one of the file. Not while empty(): a file that ends on a chunk
  /// border, or is empty, has no further chunk.
  CutChunk take();

 private:
  std::size_t chunk_bytes_;
  ChunkHasher hasher_;
  base::Bytes buffer_;
};

}  // namespace troupe::files
