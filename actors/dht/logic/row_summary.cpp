#include "actors/dht/logic/row_summary.hpp"

#include <algorithm>

#include "actors/dht/logic/offer.hpp"
#include "runtime/crypto/hash.hpp"

namespace troupe::dht {
namespace {

base::Bytes bytes(base::ByteView from) { return {from.begin(), from.end()}; }

/// Summarizes the record stored at `key`.
std::optional<RowSummary> of_record(base::ByteView encoded, const Key& key) {
  const auto parsed = parse(encoded);
  if (!parsed.ok()) return std::nullopt;
  RowSummary out{.what = static_cast<Published>(space_of(parsed.value())), .key = bytes(key.view())};
  if (const auto* const kv = std::get_if<KvRecord>(&parsed.value())) {
    out.sequence = kv->sequence;
    out.name = kv->name;
    out.whose = bytes(kv->owner.view());
    out.value_bytes = kv->value.size();
    out.expires = kv->expires;
  } else if (const auto* const cid = std::get_if<CidRecord>(&parsed.value())) {
    out.key = bytes(crypto::sha256(cid->value).view());
    out.value_bytes = cid->value.size();
  }
  return out;
}

std::optional<RowSummary> of_held(base::ByteView key, base::ByteView row, std::chrono::seconds hold) {
  const auto place = read_row_key(key);
  const auto read = read_row(row);
  if (!place || !read) return std::nullopt;
  auto out = of_record(read->encoded, place->key);
  if (!out) return std::nullopt;
  out->space = space_of_record(place->space);
  out->expires = std::min(out->expires.value_or(base::WallTime::max()), read->stored_at + hold);
  return out;
}

std::optional<RowSummary> of_announcement(base::ByteView key, base::ByteView row) {
  const auto read = Providers::read_row(key, row);
  if (!read) return std::nullopt;
  return RowSummary{.space = AuditSpace::providers,
                    .what = Published::provider,
                    .key = bytes(read->key.view()),
                    .name = {},
                    .whose = bytes(read->provider.id.view()),
                    .expires = read->expires};
}

std::optional<RowSummary> of_published(base::ByteView key, base::ByteView row) {
  const auto item = Republish::read_row_key(key);
  if (!item) return std::nullopt;
  auto out =
      item->what == Published::provider
          ? RowSummary{.what = item->what, .key = bytes(item->key.view()), .name = {}, .whose = {}, .expires = {}}
          : of_record(row, item->key);
  if (out) out->space = AuditSpace::published;
  return out;
}

}  // namespace

std::optional<RowSummary> summary_of(std::string_view keyspace, base::ByteView key, base::ByteView row,
                                     std::chrono::seconds hold) {
  if (keyspace == kRecordRows) return of_held(key, row, hold);
  if (keyspace == kProviderRows) return of_announcement(key, row);
  return of_published(key, row);
}

}  // namespace troupe::dht
