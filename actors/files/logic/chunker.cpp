#include "actors/files/logic/chunker.hpp"

#include <algorithm>
#include <utility>

#include "runtime/base/ensure.hpp"

namespace troupe::files {

FixedChunker::FixedChunker(std::uint32_t chunk_bytes) : chunk_bytes_(chunk_bytes) {
  base::ensure(chunk_bytes > 0 && chunk_bytes <= kChunkBytesMax, "a chunk has 1 to kChunkBytesMax bytes");
}

std::size_t FixedChunker::feed(base::ByteView piece) {
  const std::size_t taken = std::min(piece.size(), chunk_bytes_ - buffer_.size());
  if (taken == 0) return 0;
  // A small file in one small piece must not use the memory of a whole chunk. Otherwise memory is reserved once.
  if (!buffer_.empty() || piece.size() >= kLeafBytes) buffer_.reserve(chunk_bytes_);
  buffer_.insert(buffer_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(taken));
  hasher_.update(piece.first(taken));
  return taken;
}

CutChunk FixedChunker::take() {
  base::ensure(!buffer_.empty(), "a chunk has at least one byte");
  CutChunk out;
  out.ref = {hasher_.finish(), static_cast<std::uint32_t>(buffer_.size())};
  out.bytes = std::exchange(buffer_, {});
  return out;
}

}  // namespace troupe::files
