#pragma once
// The part of the content store that other domains may use: what is stored and how it is named.
//
// A file is named by its CID, the digest of its canonical manifest (logic/manifest.hpp); a chunk by the root of its
// hash tree (logic/merkle.hpp). Both are *contents* (objects): byte strings that a node stores while owners claim them.
#include <compare>
#include <cstddef>
#include <cstdint>

#include "runtime/base/bytes.hpp"
#include "runtime/base/ids.hpp"

namespace troupe::files {

/// Requests of operators: PutFile, GetFile, ListFiles, ViewFile, VerifyFile, RemoveFile, PinFile.
inline constexpr const char* kPath = "/files";
/// Requests of nodes: StoreContent, BindClaim, ReleaseClaim, FetchContent, HasContents.
inline constexpr const char* kHolderPath = "/files/holder";
/// Requests of operators: Provide, of the DHT's messages. Inside the node, changes of stored objects: Holds.
inline constexpr const char* kAnnouncePath = "/files/announce";

/// Requests of puts and the watch for the nodes near an object: FindPlaces.
inline constexpr const char* kPlacementPath = "/files/places";

/// A file: SHA-256 over its canonical manifest. The text form is 64 lower-case hexadecimal digits.
using Cid = base::FixedBytes<struct CidTag, 32>;

/// A chunk: the root of its tree of 16 KiB leaves. It identifies the bytes only together with their length
/// (ContentKey).
using ChunkId = base::FixedBytes<struct ChunkIdTag, 32>;

/// A put in progress: 32 random bytes drawn by its owner, used until the CID is known.
using PutId = base::FixedBytes<struct PutIdTag, 32>;

enum class ContentKind : std::uint8_t {
  manifest = 0,  ///< id is a CID
  chunk = 1,     ///< id is a ChunkId
};

/// The key of stored bytes.
///
/// The length is part of a chunk's key. BEP 52 does not distinguish leaves from inner nodes, so the 64 bytes of two
/// sibling hashes have the same root as the 32 KiB below them. With the id as the only key a malicious node could store
/// the 64 bytes first, and every later store of the true chunk would be taken for a duplicate. A manifest's digest is
/// flat and needs no length.
struct ContentKey {
  ContentKind kind = ContentKind::chunk;
  base::Digest id;
  std::uint32_t bytes = 0;  ///< of a chunk: at least 1; of a manifest: always 0, because its readers know only the CID

  friend auto operator<=>(const ContentKey&, const ContentKey&) = default;

  static ContentKey manifest(const Cid& cid) { return {ContentKind::manifest, {cid.bytes}, 0}; }
  static ContentKey chunk(const ChunkId& id, std::uint32_t bytes) { return {ContentKind::chunk, {id.bytes}, bytes}; }

  /// Returns its position in the 160-bit space of node ids: the first 20 bytes of its id.
  base::NodeId position() const {
    base::NodeId out;
    for (std::size_t i = 0; i < base::NodeId::kBytes; ++i) out.bytes[i] = id.bytes[i];
    return out;
  }
};

inline constexpr std::uint32_t kChunkBytes = 1u << 20;  // of a new file: DESIGN.md, step 6 of the first issue
inline constexpr std::uint32_t kReplicasDefault = 3;    // DESIGN.md, `file put --replicas`
inline constexpr std::uint32_t kReplicasMax = 16;       // our choice: more copies would be a broadcast
inline constexpr std::size_t kFileNameBytesMax = 255;   // NAME_MAX of Linux, so that any stored name can be a file

}  // namespace troupe::files
