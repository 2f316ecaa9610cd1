#include "runtime/store/log_check.hpp"

#include <cstdint>

#include "runtime/store/crc32c.hpp"

namespace troupe::store {
namespace {

constexpr std::uint64_t kBlockBytes = 32 * 1024;
constexpr std::size_t kHeaderBytes = 7;

/// LevelDB stores checksums turned and shifted, so that a checksum of checksums is a good one.
constexpr std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8; }

bool holds_for_less(base::ByteView record) {
  const std::uint32_t stored = std::uint32_t{record[0]} | std::uint32_t{record[1]} << 8 |
                               std::uint32_t{record[2]} << 16 | std::uint32_t{record[3]} << 24;
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
    const std::size_t length = std::size_t{rest[4]} | std::size_t{rest[5]} << 8;
    if (kHeaderBytes + length > rest.size()) return holds_for_less(rest);
    rest = rest.subspan(kHeaderBytes + length);
  }
  return false;
}

}  // namespace troupe::store
