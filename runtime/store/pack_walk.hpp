#pragma once
// A walk over the records of one pack file, which may contain any bytes.
//
// After damage, the walk searches for the next bytes that look like the header of a record of this pack at that offset.
// Memory  At most one record, plus kWindowBytes.
#include <cstdint>
#include <optional>

#include "runtime/ports/disk.hpp"
#include "runtime/store/error.hpp"
#include "runtime/store/pack_format.hpp"

namespace troupe::store {

inline constexpr std::size_t kWindowBytes = 64 * 1024;  // our choice: hundreds of small records per read

/// One record, or one damaged part, of a pack.
struct Stretch {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::optional<RecordHeader> record;  ///< nullopt: damage
  base::ByteView payload;              ///< of a record whose payload was checked; valid until the next call
};

class PackWalk {
 public:
  /// Walks from `from`, a record's offset, to `size`. Payloads are checked for records at or after `check_from`; for
  /// earlier records only the header is checked. `salt` is the salt of the pack's header; if that header is damaged, it
  /// is nullopt, and the first record's salt is used. `file` must outlive the walk.
  PackWalk(const ports::File& file, std::optional<std::uint64_t> salt, std::uint64_t from, std::uint64_t size,
           std::uint64_t check_from);

  /// Returns the next stretch, or nullopt at the end. Errors: read errors.
  ports::DiskResult<std::optional<Stretch>> next();

 private:
  ports::DiskResult<base::ByteView> view(std::uint64_t offset, std::size_t bytes);
  std::optional<RecordHeader> header_at(std::uint64_t offset, base::ByteView bytes);
  ports::DiskResult<std::uint64_t> find_record(std::uint64_t from);

  const ports::File& file_;
  std::optional<std::uint64_t> salt_;
  std::uint64_t at_;
  std::uint64_t size_;
  std::uint64_t check_from_;
  base::Bytes window_;
  std::uint64_t window_at_ = 0;
};

}  // namespace troupe::store
