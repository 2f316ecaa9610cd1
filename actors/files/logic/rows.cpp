#include "actors/files/logic/rows.hpp"

#include <utility>

#include "actors/files/logic/little_endian.hpp"

namespace troupe::files {

void append_key(base::Bytes& out, const ContentKey& key) {
  out.push_back(static_cast<std::uint8_t>(key.kind));
  append(out, key.id.view());
  append32(out, key.bytes);
}

base::ByteView RowReader::take(std::size_t bytes) {
  if (rest_.size() < bytes) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const base::ByteView out = rest_.first(bytes);
  rest_ = rest_.subspan(bytes);
  return out;
}

std::uint8_t RowReader::byte() {
  const base::ByteView bytes = take(1);
  return bytes.empty() ? std::uint8_t{0} : bytes[0];
}

std::uint32_t RowReader::number32() {
  const base::ByteView bytes = take(4);
  return bytes.empty() ? 0 : load32(bytes, 0);
}

std::uint64_t RowReader::number64() {
  const base::ByteView bytes = take(8);
  return bytes.empty() ? 0 : load64(bytes, 0);
}

base::NodeId RowReader::node() { return base::NodeId::from(take(base::NodeId::kBytes)).value_or(base::NodeId{}); }

base::Digest RowReader::digest() { return base::Digest::from(take(base::Digest::kBytes)).value_or(base::Digest{}); }

ContentKey RowReader::content() {
  const std::uint8_t kind = byte();
  ContentKey out{static_cast<ContentKind>(kind), digest(), number32()};
  const bool chunk = out.kind == ContentKind::chunk;
  if (kind > static_cast<std::uint8_t>(ContentKind::chunk) || chunk != (out.bytes > 0)) ok_ = false;
  return out;
}

ClaimKind RowReader::claim_kind() {
  const std::uint8_t kind = byte();
  if (kind > static_cast<std::uint8_t>(ClaimKind::put)) ok_ = false;
  return static_cast<ClaimKind>(kind);
}

base::ByteView RowReader::rest() { return take(rest_.size()); }

}  // namespace troupe::files
