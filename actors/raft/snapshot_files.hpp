#pragma once
// Snapshots of state machines as files: written chunk by chunk, sent to other members by offset, and checked as a whole
// before they are used.
//
// File    `INCARNATION-INDEX.snapshot`: each chunk after its length (4 bytes), then a trailer: term, configuration,
//         bytes and SHA-256 of all chunks with their lengths, a checksum of the trailer, and its length. The name ends
//         in `.new` while the file is written: it counts once it is complete, synced and renamed.
// Newest  only the newest is kept per incarnation; older files are removed once it is durable.
// Trust   bytes from other members are stored unchanged until all have arrived with the digest that the leader named.
// Owner   one thread; calls block on the device.
#include <map>
#include <memory>
#include <set>
#include <string>

#include "actors/raft/logs.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::raft {

inline constexpr std::size_t kSnapshotChunkBytes = std::size_t{1} << 20;  // our choice: a few milliseconds
/// Lower than store::kReserveBytes, because a snapshot frees space: the log before it is dropped.
inline constexpr std::uint64_t kSnapshotReserveBytes = store::kReserveBytes / 2;
inline constexpr std::size_t kSnapshotChunkMax = std::size_t{3} << 20;       // a chunk and its last record
inline constexpr std::uint64_t kSnapshotBytesMax = std::uint64_t{64} << 30;  // our choice; the largest size that a
                                                                             // leader may name

class SnapshotFiles {
 public:
  SnapshotFiles(ports::Disk& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}
  store::StoreResult<void> open();

  /// Returns that member's newest snapshot, or nullopt if it has none. Fails with `corrupt` if its digest is wrong.
  store::StoreResult<std::optional<Snapshot>> find(Incarnation member);

  /// Writes the next chunk of a new snapshot; `first` begins a new file.
  store::StoreResult<void> write(Incarnation member, Index index, bool first, base::ByteView chunk);
  /// Appends bytes of another member's snapshot; offset 0 begins a new file. Fails with `corrupt` if there is a gap.
  store::StoreResult<void> receive(Incarnation member, Index index, std::uint64_t offset, base::ByteView bytes);
  /// Makes the file durable, with its size and digest. If `received`, fails with `corrupt` unless both are as in
  /// `snapshot`.
  store::StoreResult<Snapshot> end(Incarnation member, Snapshot snapshot, bool received);

  /// Returns kSnapshotChunkBytes at `offset` of the chunks, or fewer at the end. Fails with `not_found` if the snapshot
  /// is not the newest.
  store::StoreResult<base::Bytes> read(Incarnation member, Index index, std::uint64_t offset);
  struct Chunk {
    base::Bytes bytes;
    std::uint64_t next = 0;  ///< offset of the next chunk; 0: this is the last chunk
  };
  store::StoreResult<Chunk> read_chunk(Incarnation member, Index index, std::uint64_t offset);

  /// Removes the files of all other members.
  void keep(const std::set<Incarnation>& members);
  std::uint64_t written() const { return written_; }
  std::uint64_t received() const { return received_; }

 private:
  struct Writing {
    Index index;
    std::unique_ptr<ports::File> file;
    crypto::Sha256 hash{};
    std::uint64_t bytes = 0;
  };
  struct Known {
    Snapshot snapshot;
    std::unique_ptr<ports::File> file;
  };
  std::string path(Incarnation member, Index index) const;
  std::string path_of_new(Incarnation member) const;
  store::StoreResult<Writing*> begin(Incarnation member, Index index);
  store::StoreResult<void> append(Writing& writing, Incarnation member, base::ByteView bytes);
  store::StoreResult<Snapshot> load(Incarnation member, Index index, ports::File& file) const;
  store::StoreResult<const Known*> known(Incarnation member, Index index) const;

  ports::Disk& disk_;
  const std::string directory_;
  std::map<Incarnation, Writing> writing_;
  std::map<Incarnation, Known> known_;
  std::uint64_t written_ = 0, received_ = 0;
};

}  // namespace troupe::raft
