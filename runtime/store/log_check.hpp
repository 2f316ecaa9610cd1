#pragma once
// Finds the damage in LevelDB's logs and manifests that LevelDB takes for a torn write.
//
// Source   leveldb doc/log_format.md: blocks of 32 KiB; records of a masked CRC-32C (4 bytes), a length (2), a type
//          (1), and the payload.
// Problem  in the last block a record that ends beyond the file counts as one whose writer died, and it is dropped
//          in silence. An altered length looks the same, and takes everything after it along.
// Idea     the checksum does not cover the length. If it holds for a shorter payload, the record was complete.
#include "runtime/ports/disk.hpp"

namespace troupe::store {

/// Whether the record that breaks off at the end of `file` is a complete one with an altered length.
ports::DiskResult<bool> length_altered(const ports::File& file);

/// Where the first `bytes` of `file` stop being whole records with good checksums; `bytes` if all of them are. LevelDB
/// skips zeros in silence, and takes what breaks off in the last block for a torn write.
ports::DiskResult<std::uint64_t> whole_records(const ports::File& file, std::uint64_t bytes);

}  // namespace troupe::store
