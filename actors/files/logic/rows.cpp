#include "actors/files/logic/rows.hpp"

#include <algorithm>
#include <utility>

namespace troupe::files {

using base::append;
using base::append_number;

std::uint32_t day_of(base::WallTime when) {
  const std::int64_t days = base::unix_seconds(when) / (24 * 3600);
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(days, 0, kDayMax));
}

void append_key(base::Bytes& out, const ContentKey& key) {
  out.push_back(static_cast<std::uint8_t>(key.kind));
  append(out, key.id.view());
  append_number(out, std::uint32_t{key.bytes});
}

ContentKey RowReader::content() {
  const std::uint8_t kind = byte();
  ContentKey out{static_cast<ContentKind>(kind), digest(), number32()};
  const bool chunk = out.kind == ContentKind::chunk;
  if (kind > static_cast<std::uint8_t>(ContentKind::chunk) || chunk != (out.bytes > 0)) fail();
  return out;
}

ClaimKind RowReader::claim_kind() {
  const std::uint8_t kind = byte();
  if (kind > static_cast<std::uint8_t>(ClaimKind::put)) fail();
  return static_cast<ClaimKind>(kind);
}

}  // namespace troupe::files
