#include "actors/dht/logic/offer.hpp"

#include <utility>

#include "runtime/base/fields.hpp"

namespace troupe::dht {
namespace {

using base::append;
using base::append_date;
using base::append_number;
using base::FieldReader;

constexpr std::uint8_t kRowVersion = 1;

Owner owner_of(const Record& record, const base::NodeId& from) {
  const auto* const kv = std::get_if<KvRecord>(&record);
  return *Owner::from(kv != nullptr ? kv->owner.view().first(Owner::kBytes) : from.view());
}

}  // namespace

base::Result<Offer, RecordError> admit(base::ByteView encoded, const Key& key, const base::NodeId& from,
                                       base::WallTime wall, unsigned work_bits) {
  const auto parsed = parse(encoded);
  if (!parsed.ok()) return parsed.error();
  const Record& record = parsed.value();
  const auto checked = validate(record, key, wall, work_bits);
  if (!checked.ok()) return checked.error();
  Offer out;
  out.place = {space_of(record), key};
  out.sequence = sequence_of(record);
  out.tag = tag_of(encoded);
  out.owner = owner_of(record, from);
  out.from = from;
  const auto* const kv = std::get_if<KvRecord>(&record);
  out.expires = kv != nullptr ? kv->expires : base::WallTime::max();
  out.encoded.assign(encoded.begin(), encoded.end());
  return out;
}

base::Bytes row_key(const RecordKey& place) {
  base::Bytes out{static_cast<std::uint8_t>(place.space)};
  append(out, place.key.view());
  return out;
}

store::Row row_of(const Offer& offer, base::WallTime stored_at) {
  store::Row out{row_key(offer.place), {}};
  out.value.reserve(1 + 8 + base::NodeId::kBytes + offer.encoded.size());
  append_number(out.value, kRowVersion);
  append_date(out.value, stored_at);
  append(out.value, offer.from.view());
  append(out.value, offer.encoded);
  return out;
}

std::optional<RecordRow> read_row(base::ByteView value) {
  FieldReader in(value);
  const auto version = in.number<std::uint8_t>();
  RecordRow out;
  out.stored_at = in.date();
  out.from = in.fixed<base::NodeId>();
  out.encoded = in.all_but(0);
  if (!in.ended() || version != kRowVersion) return std::nullopt;
  return out;
}

std::optional<RecordKey> read_row_key(base::ByteView key) {
  FieldReader in(key);
  const auto space = space_of(in.number<std::uint8_t>());
  const Key under = in.fixed<Key>();
  if (!in.ended() || !space) return std::nullopt;
  return RecordKey{*space, under};
}

}  // namespace troupe::dht
