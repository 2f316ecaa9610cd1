#include "actors/files/logic/catalogue_rows.hpp"

#include <algorithm>
#include <limits>

#include "actors/files/logic/file_name.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::files {
namespace {

using base::append;
using base::append_number;

constexpr std::uint8_t kEntryRow = 'f';
constexpr std::uint8_t kHoldersRow = 'h';
constexpr std::uint8_t kKeptRow = 'k';
constexpr std::uint8_t kClaimedAtRow = 'n';
constexpr std::uint8_t kPutRow = 'p';
constexpr std::uint8_t kReleaseRow = 'r';

constexpr std::uint8_t kEntryFormat = 1;
constexpr std::uint8_t kPinned = 1;
constexpr std::uint8_t kExpires = 2;

std::uint64_t seconds(base::WallTime when) { return static_cast<std::uint64_t>(base::unix_seconds(when)); }

std::optional<base::WallTime> wall(std::uint64_t unix_seconds) {
  constexpr auto kMax = std::chrono::duration_cast<std::chrono::seconds>(base::Duration::max()).count();
  if (unix_seconds > static_cast<std::uint64_t>(kMax)) return std::nullopt;
  return base::WallTime(std::chrono::seconds(static_cast<std::int64_t>(unix_seconds)));
}

base::Bytes key_of(std::uint8_t kind, base::ByteView first, base::ByteView second = {}) {
  base::Bytes out{kind};
  append(out, first);
  append(out, second);
  return out;
}

}  // namespace

base::Bytes entry_key(const Cid& cid) { return key_of(kEntryRow, cid.view()); }
base::Bytes holders_key(const Cid& cid, const ContentKey& key) {
  base::Bytes out = key_of(kHoldersRow, cid.view());
  append_key(out, key);
  return out;
}
base::Bytes claimed_at_key(const Cid& cid, const base::NodeId& node) {
  return key_of(kClaimedAtRow, cid.view(), node.view());
}
base::Bytes kept_key(const base::NodeId& node) {
  base::Bytes out{kKeptRow};
  append(out, node.view());
  return out;
}
base::Bytes put_key(const PutId& put) { return key_of(kPutRow, put.view()); }
base::Bytes release_key(const Release& release) {
  base::Bytes out{kReleaseRow, static_cast<std::uint8_t>(release.kind)};
  append(out, release.name.view());
  append(out, release.node.view());
  return out;
}

Row entry_row(const Entry& entry) {
  Row out{entry_key(entry.cid), {kEntryFormat}};
  append_number(out.value, std::uint64_t{entry.bytes});
  append_number(out.value, std::uint32_t{entry.chunks});
  out.value.push_back(static_cast<std::uint8_t>(entry.replicas));
  out.value.push_back(static_cast<std::uint8_t>((entry.pinned ? kPinned : 0) | (entry.expires ? kExpires : 0)));
  append_number(out.value, std::uint64_t{seconds(entry.added)});
  append_number(out.value, std::uint64_t{entry.expires ? seconds(*entry.expires) : 0});
  append(out.value, base::as_bytes(entry.name));
  return out;
}
Row holders_row(const Cid& cid, const ContentKey& key, std::span<const base::NodeId> holders) {
  Row out{holders_key(cid, key), {}};
  for (const base::NodeId& holder : holders) append(out.value, holder.view());
  return out;
}
Row claimed_at_row(const Cid& cid, const base::NodeId& node) { return {claimed_at_key(cid, node), {}}; }
Row put_row(const PutId& put, base::WallTime begun) {
  Row out{put_key(put), {}};
  append_number(out.value, std::uint64_t{seconds(begun)});
  return out;
}
Row release_row(const Release& release, base::WallTime since) {
  Row out{release_key(release), {}};
  append_number(out.value, std::uint64_t{seconds(since)});
  return out;
}

std::optional<CatalogueKey> parse_catalogue_key(base::ByteView key) {
  RowReader reader(key);
  std::optional<CatalogueKey> out;
  switch (reader.byte()) {
    case kEntryRow: out = Cid{reader.digest().bytes}; break;
    case kHoldersRow: {
      const Cid cid{reader.digest().bytes};
      out = HoldersKey{cid, reader.content()};
      break;
    }
    case kClaimedAtRow: {
      const Cid cid{reader.digest().bytes};
      out = ClaimedAtKey{cid, reader.node()};
      break;
    }
    case kPutRow: out = PutId{reader.digest().bytes}; break;
    case kReleaseRow: {
      Release release;
      release.kind = reader.claim_kind();
      release.name = reader.digest();
      release.node = reader.node();
      out = release;
      break;
    }
    case kKeptRow: out = KeptKey{reader.node()}; break;
    default: break;
  }
  if (!reader.ended()) return std::nullopt;
  return out;
}

std::optional<Entry> parse_entry(const Cid& cid, base::ByteView value) {
  RowReader reader(value);
  if (reader.byte() != kEntryFormat) return std::nullopt;
  Entry out;
  out.cid = cid;
  out.bytes = reader.number64();
  out.chunks = reader.number32();
  out.replicas = reader.byte();
  const std::uint8_t flags = reader.byte();
  const auto added = wall(reader.number64());
  const auto expires = wall(reader.number64());
  out.name = base::as_text(reader.rest());
  if (!reader.ended() || !added || !expires || flags > (kPinned | kExpires)) return std::nullopt;
  if (out.replicas < 1 || out.replicas > kReplicasMax || !check_name(out.name).ok()) return std::nullopt;
  if ((flags & kExpires) == 0 && *expires != base::WallTime{}) return std::nullopt;
  out.pinned = (flags & kPinned) != 0;
  out.added = *added;
  if ((flags & kExpires) != 0) out.expires = *expires;
  return out;
}

std::optional<std::vector<base::NodeId>> parse_holders(base::ByteView value) {
  const std::size_t count = value.size() / base::NodeId::kBytes;
  if (value.size() % base::NodeId::kBytes != 0 || count > kReplicasMax) return std::nullopt;
  std::vector<base::NodeId> out;
  RowReader reader(value);
  for (std::size_t i = 0; i < count; ++i) {
    const base::NodeId node = reader.node();
    if (std::find(out.begin(), out.end(), node) != out.end()) return std::nullopt;
    out.push_back(node);
  }
  return out;
}

Row kept_row(const base::NodeId& node, const Kept& kept) {
  Row out{kept_key(node), {}};
  append_number(out.value, kept.day);
  append_number(out.value, kept.days);
  return out;
}

std::optional<Kept> parse_kept(base::ByteView value) {
  RowReader reader(value);
  Kept out;
  out.day = reader.number32();
  out.days = reader.number<std::uint16_t>();
  if (!reader.ended() || out.day > kDayMax || out.days == 0) return std::nullopt;
  return out;
}

std::optional<base::WallTime> parse_seconds(base::ByteView value) {
  RowReader reader(value);
  const std::uint64_t number = reader.number64();
  if (!reader.ended()) return std::nullopt;
  return wall(number);
}

}  // namespace troupe::files
