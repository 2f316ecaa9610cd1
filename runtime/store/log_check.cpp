#include "runtime/store/log_check.hpp"

#include <cstdint>

#include "runtime/store/crc32c.hpp"

namespace troupe::store {
namespace {

constexpr std::uint64_t kBlockBytes = 32 * 1024;
constexpr std::size_t kHeaderBytes = 7;

/// LevelDB rotates and shifts stored checksums, so that a checksum of data with checksums stays good.
constexpr std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8; }

std::uint32_t checksum_of(base::ByteView record) {
  return std::uint32_t{record[0]} | std::uint32_t{record[1]} << 8 | std::uint32_t{record[2]} << 16 |
         std::uint32_t{record[3]} << 24;
}

std::size_t length_of(base::ByteView record) { return std::size_t{record[4]} | std::size_t{record[5]} << 8; }

bool holds_for_less(base::ByteView record) {
  const std::uint32_t stored = checksum_of(record);
  std::uint32_t crc = crc32c(record.subspan(6, 1));  // the type
  for (std::size_t at = kHeaderBytes;; ++at) {
    if (masked(crc) == stored) return true;
    if (at == record.size()) return false;
    crc = crc32c(record.subspan(at, 1), crc);
  }
}

}  // namespace

ports::DiskResult<bool> length_altered(const ports::File& file) {
  const auto size = file.size();
  if (!size.ok()) return size.error();
  base::Bytes block(size.value() % kBlockBytes);
  const auto got = file.read(size.value() - block.size(), block);
  if (!got.ok()) return got.error();
  base::ByteView rest = base::ByteView(block).first(got.value());
  while (rest.size() >= kHeaderBytes) {
    const std::size_t length = length_of(rest);
    if (kHeaderBytes + length > rest.size()) return holds_for_less(rest);
    rest = rest.subspan(kHeaderBytes + length);
  }
  return false;
}

ports::DiskResult<std::uint64_t> whole_records(const ports::File& file, std::uint64_t bytes) {
  base::Bytes block(kBlockBytes);
  for (std::uint64_t begin = 0; begin < bytes; begin += kBlockBytes) {
    const auto got = file.read(begin, block);
    if (!got.ok()) return got.error();
    const base::ByteView all = base::ByteView(block).first(got.value());
    std::size_t at = 0;
    while (all.size() - at >= kHeaderBytes && begin + at < bytes) {
      const base::ByteView record = all.subspan(at);
      const std::size_t whole = kHeaderBytes + length_of(record);
      const bool zeros = record[6] == 0;  // the type, which no record has
      if (zeros || whole > record.size() || masked(crc32c(record.subspan(6, whole - 6))) != checksum_of(record))
        return begin + at;
      at += whole;
    }
    if (begin + at >= bytes) break;
    if (got.value() < kBlockBytes) return begin + at;
  }
  return bytes;
}

}  // namespace troupe::store
