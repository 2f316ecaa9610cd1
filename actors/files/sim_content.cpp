#include "actors/files/sim_content.hpp"

#include <algorithm>

#include "actors/files/logic/chunker.hpp"
#include "actors/files/logic/manifest.hpp"
#include "runtime/base/random.hpp"

namespace troupe::files {
namespace {

constexpr std::uint64_t kOwnPart = 0x5f11e0;  // streams of chance: of a file,
constexpr std::uint64_t kFamily = 0xfa311;    // and of a family

void fill(std::span<std::uint8_t> out, std::uint64_t seed) {
  base::Random random(seed);
  for (std::size_t at = 0; at < out.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random.next();
    std::memcpy(out.data() + at, &word, std::min(sizeof word, out.size() - at));
  }
}

}  // namespace

base::Bytes sim_bytes(std::int64_t number, std::int64_t bytes) {
  base::Bytes out(static_cast<std::size_t>(bytes));
  const auto own = static_cast<std::uint64_t>(number) << 32 | static_cast<std::uint64_t>(bytes);
  const std::size_t shared = out.size() > kChunkBytes ? kChunkBytes : 0;
  fill(std::span(out).first(shared), static_cast<std::uint64_t>(number / kSimFamily) ^ kFamily << 40);
  fill(std::span(out).subspan(shared), own ^ kOwnPart << 40);
  return out;
}

const SimFile& SimFiles::of(std::int64_t number, std::int64_t bytes) {
  if (bytes == 0) number = 0;  // all empty files are the same
  const auto [at, fresh] = files_.try_emplace({number, bytes});
  SimFile& file = at->second;
  if (!fresh) return file;
  file.number = number;
  file.name = "file-" + std::to_string(number);
  file.bytes = sim_bytes(number, bytes);
  ManifestBuilder manifest(kChunkBytes);
  const base::ByteView all(file.bytes);
  for (std::size_t from = 0; from < all.size(); from += kChunkBytes) {
    const base::ByteView chunk = all.subspan(from, std::min<std::size_t>(kChunkBytes, all.size() - from));
    const ChunkRef ref{chunk_id(chunk), static_cast<std::uint32_t>(chunk.size())};
    base::ensure(manifest.add(ref).ok(), "a file of the simulation is small");
    file.chunks.push_back(ref.key());
  }
  file.cid = cid_of(encode(manifest.finish()));
  file.contents.insert(file.chunks.begin(), file.chunks.end());
  file.contents.insert(ContentKey::manifest(file.cid));
  by_cid_.emplace(file.cid, &file);
  for (const ContentKey& key : file.contents) contents_[key].push_back(&file);
  return file;
}

const SimFile* SimFiles::find(const Cid& cid) const {
  const auto at = by_cid_.find(cid);
  return at == by_cid_.end() ? nullptr : at->second;
}

}  // namespace troupe::files
