#pragma once
// Finds damage in LevelDB's logs and manifests that LevelDB would mistake for a torn write.
//
// Source   leveldb doc/log_format.md: blocks of 32 KiB; records of a masked CRC-32C (4 bytes), a length (2), a type
//          (1), and the payload.
// Problem  LevelDB takes a record in the last block that ends beyond the file for an unfinished write, and silently
//          drops it. A record with an altered length looks the same, and everything after it is lost too.
// Idea     The checksum does not cover the length. If the checksum is right for a shorter payload, the record was
//          complete.
#include "runtime/ports/disk.hpp"

namespace troupe::store {

/// Returns whether the record that breaks off at the end of `file` is a complete record with an altered length.
ports::DiskResult<bool> length_altered(const ports::File& file);

/// Returns where the first `bytes` of `file` stop being whole records with good checksums; `bytes` if all of them are.
/// LevelDB skips zeros silently, and takes a record that breaks off in the last block for a torn write.
ports::DiskResult<std::uint64_t> whole_records(const ports::File& file, std::uint64_t bytes);

}  // namespace troupe::store
