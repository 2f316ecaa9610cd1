#include "actors/chain/rows.hpp"

#include <algorithm>

#include "runtime/base/big_endian.hpp"
#include "runtime/base/fields.hpp"

namespace troupe::chain::rows {
namespace {

using base::Bytes;
using base::ByteView;

Bytes key_of(char kind, ByteView rest) {
  Bytes out;
  out.reserve(1 + rest.size());
  out.push_back(static_cast<std::uint8_t>(kind));
  base::append(out, rest);
  return out;
}
Bytes key_of(char kind, Height height) {
  Bytes out{static_cast<std::uint8_t>(kind)};
  base::append_big_endian(out, std::uint64_t{height.value});
  return out;
}

constexpr std::size_t kHistoryKeyBytes = 1 + 32 + 8 + 4;

}  // namespace

Bytes block_key(Height height, std::uint8_t part) {
  Bytes out = key_of('b', height);
  out.push_back(part);
  return out;
}
Bytes commit_key(Height height) { return key_of('c', height); }
Bytes id_key(const BlockId& id) { return key_of('i', id.view()); }
Bytes transaction_key(const TxId& id) { return key_of('t', id.view()); }
Bytes receipts_key(Height height) { return key_of('r', height); }
Bytes tree_key(const RowKey& row) {
  Bytes out;
  out.reserve(1 + RowKey::kBytesMax);
  out.push_back('n');
  row.append_to(out);
  return out;
}
Bytes stale_key(Height height, std::uint8_t part) {
  Bytes out = key_of('s', height);
  if (part > 0) out.push_back(part);
  return out;
}
Bytes stale_prefix() { return {'s'}; }
std::optional<StaleAt> stale_in(ByteView key) {
  constexpr std::size_t kFirstBytes = 1 + 8;
  if (key.size() < kFirstBytes || key.size() > kFirstBytes + 1 || key.front() != stale_prefix().front())
    return std::nullopt;
  const std::uint8_t part = key.size() > kFirstBytes ? key.back() : std::uint8_t{0};
  return StaleAt{Height{base::big_endian(key.subspan(1, 8))}, part};
}
Bytes root_key(Height height) { return key_of('o', height); }
Bytes head_key() { return {'z'}; }
Bytes fork_key(Fork fork) {
  Bytes out{'f'};
  base::append_big_endian(out, std::uint32_t{fork.value});
  return out;
}
Bytes divergence_key() { return {'d'}; }
Bytes undone_key() { return {'u'}; }
Bytes tree_prefix(Height height) { return key_of('n', height); }
Bytes history_prefix(const wallet::Address& address) { return key_of('x', address.view()); }
Bytes history_key(const wallet::Address& address, Height height, std::uint32_t index) {
  Bytes out = history_prefix(address);
  out.reserve(kHistoryKeyBytes);
  // The latest first: a list begins there, and the store reads only forward.
  base::append_big_endian(out, ~std::uint64_t{height.value});
  base::append_big_endian(out, std::uint32_t{~index});
  return out;
}

std::optional<Location> location_in(ByteView key) {
  if (key.size() != kHistoryKeyBytes) return std::nullopt;
  return Location{Height{~base::big_endian(key.subspan(33, 8))},
                  ~static_cast<std::uint32_t>(base::big_endian(key.subspan(41, 4)))};
}

Bytes encode(const Head& head, const ValidatorSet& validators) {
  Bytes out;
  base::append_number(out, head.height.value);
  base::append(out, head.id.view());
  base::append_number(out, static_cast<std::uint64_t>(head.time.count()));
  base::append(out, head.state.hash.view());
  base::append_number(out, head.state.version.value);
  base::append(out, head.receipts.view());
  base::append(out, chain::encode(validators));
  return out;
}

std::optional<HeadRow> decode_head(ByteView bytes) {
  base::FieldReader in(bytes);
  Head head;
  head.height.value = in.number<std::uint64_t>();
  head.id = in.fixed<BlockId>();
  const auto time = in.number<std::uint64_t>();
  head.time = UnixMs(static_cast<std::int64_t>(time));
  head.state.hash = in.fixed<base::Digest>();
  head.state.version.value = in.number<std::uint64_t>();
  head.receipts = in.fixed<base::Digest>();
  if (!in.ok() || time > static_cast<std::uint64_t>(kBlockTimeMax.count())) return std::nullopt;
  constexpr std::size_t kFixed = 8 + 32 + 8 + 32 + 8 + 32;
  auto validators = parse_validators(bytes.subspan(kFixed));
  if (!validators) return std::nullopt;
  return HeadRow{head, std::move(*validators)};
}

Bytes encode(const Location& at) {
  Bytes out;
  base::append_number(out, at.height.value);
  base::append_number(out, at.index);
  return out;
}

std::optional<Location> decode_location(ByteView bytes) {
  if (bytes.size() != 12) return std::nullopt;
  return Location{Height{base::load<std::uint64_t>(bytes)}, base::load<std::uint32_t>(bytes, 8)};
}

Bytes encode(Height height) {
  Bytes out;
  base::append_number(out, height.value);
  return out;
}

std::optional<Height> decode_height(ByteView bytes) {
  if (bytes.size() != 8) return std::nullopt;
  return Height{base::load<std::uint64_t>(bytes)};
}

Bytes encode(const TreeRoot& root) {
  Bytes out(root.hash.bytes.begin(), root.hash.bytes.end());
  base::append_number(out, root.version.value);
  return out;
}

std::optional<TreeRoot> decode_root(ByteView bytes) {
  base::FieldReader in(bytes);
  TreeRoot out;
  out.hash = in.fixed<base::Digest>();
  out.version.value = in.number<std::uint64_t>();
  return in.ended() ? std::optional(out) : std::nullopt;
}

Bytes encode(const ForkRow& row) {
  Bytes out;
  base::append_number(out, row.floor.value);
  base::append(out, chain::encode(row.fork));
  return out;
}

std::optional<ForkRow> decode_fork(ByteView bytes) {
  if (bytes.size() < 8) return std::nullopt;
  auto fork = parse_signed_fork(bytes.subspan(8));
  if (!fork) return std::nullopt;
  return ForkRow{std::move(*fork), Height{base::load<std::uint64_t>(bytes)}};
}

Bytes encode_list(const std::vector<Bytes>& list) {
  Bytes out;
  base::append_number(out, static_cast<std::uint32_t>(list.size()));
  for (const Bytes& one : list) {
    base::append_number(out, static_cast<std::uint32_t>(one.size()));
    base::append(out, one);
  }
  return out;
}

std::optional<std::vector<Bytes>> decode_list(ByteView bytes) {
  base::FieldReader in(bytes);
  const auto count = in.number<std::uint32_t>();
  if (!in.ok() || count > bytes.size() / 4) return std::nullopt;
  std::vector<Bytes> out;
  out.reserve(count);
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const ByteView one = in.take(in.number<std::uint32_t>());
    out.emplace_back(one.begin(), one.end());
  }
  if (!in.ok() || !in.ended()) return std::nullopt;
  return out;
}

Bytes encode(std::span<const RowKey> stale) {
  std::vector<Bytes> list;
  list.reserve(stale.size());
  for (const RowKey& key : stale) list.push_back(key.encode());
  return encode_list(list);
}

std::optional<std::vector<RowKey>> decode_stale(ByteView bytes) {
  const auto list = decode_list(bytes);
  if (!list) return std::nullopt;
  std::vector<RowKey> out;
  for (const Bytes& one : *list) {
    const auto key = RowKey::decode(one);
    if (!key) return std::nullopt;
    out.push_back(*key);
  }
  return out;
}

}  // namespace troupe::chain::rows
