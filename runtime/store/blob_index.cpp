#include "runtime/store/blob_index.hpp"

#include <algorithm>

namespace troupe::store {
namespace {

/// Returns whether a record may be at that location.
bool possible(const Location& where, std::span<const PackInfo> packs) {
  const auto found = std::lower_bound(packs.begin(), packs.end(), where.pack,
                                      [](const PackInfo& pack, std::uint32_t number) { return pack.number < number; });
  return found != packs.end() && found->number == where.pack && where.offset >= kPackHeaderBytes &&
         where.length <= kRecordBytesMax && where.offset + record_bytes(where.length) <= found->bytes;
}

/// Returns whether the record at that location is known to be bad.
bool rots(const Location& where, std::span<const Damage> rotten) {
  return std::any_of(rotten.begin(), rotten.end(), [&](const Damage& place) {
    return place.pack == where.pack && place.kind == Damage::rotten && where.offset < place.offset + place.bytes &&
           place.offset < where.offset + record_bytes(where.length);
  });
}

}  // namespace

void BlobIndex::count(const Slice& slice, std::span<const PackInfo> packs, std::span<const Damage> rotten) {
  base::ensure(!complete_, "rows are counted once");
  for (const Row& row : slice.rows) {
    const auto id = base::Digest::from(row.key);
    const auto where = decode_location(row.value);
    if (!id) {
      ++rows_broken_;
    } else if (!where) {
      note_damaged(*id, std::nullopt);
    } else {
      // An impossible location counts too, because apply() must find it when it subtracts it.
      add(*where);
      if (!possible(*where, packs) || rots(*where, rotten)) note_damaged(*id, where->pack);
    }
  }
  if (slice.next) counted_to_ = *slice.next;
  else complete_ = true;
}

void BlobIndex::compare(const Slice& slice, std::span<const PackInfo> packs, std::span<const Damage> rotten) {
  for (const Row& row : slice.rows) {
    const auto id = base::Digest::from(row.key);
    const auto where = decode_location(row.value);
    if (id && where && (!possible(*where, packs) || rots(*where, rotten))) note_damaged(*id, where->pack);
  }
}

bool BlobIndex::counted(const base::Digest& id) const {
  return complete_ ||
         std::lexicographical_compare(id.bytes.begin(), id.bytes.end(), counted_to_.begin(), counted_to_.end());
}

void BlobIndex::apply(const base::Digest& id, const Change& change) {
  damaged_.erase(id);
  if (!counted(id)) return;
  if (change.before) subtract(*change.before);
  if (change.after) add(*change.after);
}

void BlobIndex::note_damaged(const base::Digest& id, std::optional<std::uint32_t> pack) {
  if (damaged_.size() < kDamagedMax) damaged_.emplace(id, pack);
}

std::uint64_t BlobIndex::live(std::uint32_t pack) const {
  const auto found = live_.find(pack);
  return found == live_.end() ? 0 : found->second;
}

std::uint64_t BlobIndex::dead(const PackInfo& pack) const {
  const std::uint64_t kept = kPackHeaderBytes + live(pack.number);
  return complete_ && pack.bytes > kept ? pack.bytes - kept : 0;
}

void BlobIndex::add(const Location& where) {
  live_[where.pack] += record_bytes(where.length);
  bytes_ += where.length;
  ++blobs_;
}

void BlobIndex::subtract(const Location& where) {
  const auto found = live_.find(where.pack);
  // Without this check a pack with live records could be taken for a dead pack.
  base::ensure(found != live_.end() && found->second >= record_bytes(where.length), "what goes away was counted");
  found->second -= record_bytes(where.length);
  if (found->second == 0) live_.erase(found);
  bytes_ -= where.length;
  --blobs_;
}

}  // namespace troupe::store
