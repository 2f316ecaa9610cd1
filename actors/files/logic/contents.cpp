#include "actors/files/logic/contents.hpp"

#include "actors/files/logic/content_memo.hpp"
#include "actors/files/logic/manifest.hpp"
#include "actors/files/logic/merkle.hpp"

namespace troupe::files {

bool length_fits(const ContentKey& key, std::size_t bytes) {
  if (key.kind == ContentKind::chunk) return bytes > 0 && bytes == key.bytes && bytes <= kChunkBytesMax;
  return bytes > 0 && bytes <= kManifestBytesMax;
}

bool verify_content(const ContentKey& key, base::ByteView bytes, const base::Mutations& mutations) {
  if (!length_fits(key, bytes.size())) return false;
  if (mutations.on("files.digest_unchecked")) return true;
  ContentMemo* const memo = ContentMemo::here();
  if (memo != nullptr && memo->knows(key, bytes)) return true;
  const bool right =
      key.kind == ContentKind::chunk ? chunk_id(bytes).bytes == key.id.bytes : cid_of(bytes).bytes == key.id.bytes;
  if (memo != nullptr && right) memo->note(key, bytes);
  return right;
}

}  // namespace troupe::files
